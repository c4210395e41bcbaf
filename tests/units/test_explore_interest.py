"""OMNI's judges, and the world of many tasks that they are tried in (specs/learn/omni)."""

from __future__ import annotations

import numpy as np
import pytest

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import End, Episode, Leaf, Task
from turnwise.explore.interest import Asking, Guessing, judge_of, nothing_is_boring, variants_are_boring
from turnwise.explore.progress import LearningProgress, interesting_of
from turnwise.worlds import make
from turnwise.worlds.skill_chains_rules import buttons

WORLD = make("skill-chains")
TASKS = WORLD.tasks("train")


def told(progress: LearningProgress, rates: dict[str, float]) -> None:
    """A round in which each task succeeds in so many of 20 episodes, 0 where nothing is said."""
    for task in progress.tasks:
        won = round(20 * rates.get(str(task.params["task"]), 0.0))
        progress.note(
            [
                Episode(f"x/{task.key}/{n}", task, (), (Leaf(-1, End.DONE, facts={"success": n < won}),))
                for n in range(20)
            ]
        )


MASTERED = {f"errand {n}": 1.0 for n in range(1, 31)} | {"skill a1": 0.9, "skill b1": 0.5}


def test_duplicates_of_a_mastered_task_weigh_next_to_nothing():
    omni = LearningProgress(TASKS, judge=variants_are_boring)
    told(omni, MASTERED)
    names = [str(task.params["task"]) for task in TASKS]
    weight = dict(zip(names, omni.weights(), strict=True))
    errands = sorted((w for name, w in weight.items() if name.startswith("errand")), reverse=True)
    assert errands[1] <= 1.01e-3 * errands[0] and sum(errands[1:]) < 0.03 * errands[0]
    assert sum(weight.values()) == pytest.approx(1.0)
    assert all(w == 0 for name, w in weight.items() if name.startswith("dream"))
    plain = LearningProgress(TASKS)
    told(plain, MASTERED)
    share = dict(zip(names, plain.weights(), strict=True))
    assert weight["skill b1"] > 5 * share["skill b1"], "what the variants would have had goes to the others"


def test_a_judge_that_calls_nothing_boring_is_learning_progress():
    plain, other = LearningProgress(TASKS), LearningProgress(TASKS, judge=Guessing(0.0, 0))
    for progress in (plain, other):
        told(progress, MASTERED)
    np.testing.assert_array_equal(plain.weights(), other.weights())
    assert judge_of("nothing", 0) is nothing_is_boring


def test_with_equal_progress_it_is_interestingness_alone():
    omni = LearningProgress(TASKS[:4] + TASKS[16:20], judge=variants_are_boring)
    told(omni, {str(task.params["task"]): 0.5 for task in omni.tasks})
    interesting = interesting_of(omni.tasks, omni.success, variants_are_boring)
    assert interesting.tolist() == [True] * 4 + [True, False, False, False]
    np.testing.assert_allclose(omni.weights() / omni.weights().max(), np.where(interesting, 1.0, 1e-3))


def test_a_guess_is_the_same_whenever_it_is_asked():
    judge = Guessing(0.5, 3)
    whole = set(judge(TASKS[:1], TASKS[1:]))
    assert whole == set(judge(TASKS[1:2], TASKS[1:])) and set(judge(TASKS[:1], TASKS[5:9])) <= whole
    assert 0.2 < len(whole) / len(TASKS) < 0.8 and whole != set(Guessing(0.5, 4)(TASKS[:1], TASKS[1:]))


def test_a_model_is_asked_in_words_once():
    asked: list[str] = []

    def model(prompt: str) -> str:
        asked.append(prompt)
        return "2.\n- errand 3\nnone of the rest"

    judge = Asking(model, lambda task: str(task.params["task"]))
    errands = [task for task in TASKS if task.params["kind"] == "errand"]
    assert judge(errands[:1], errands[1:5]) == [errands[2].key], "number 2 and `errand 3` are the same task"
    assert judge(errands[:1], errands[1:4]) == [errands[2].key] and len(asked) == 1
    assert "- errand 1\n" in asked[0] and "4. errand 5\n" in asked[0]
    judge(errands[:2], errands[2:5])
    assert len(asked) == 2, "another set of done tasks is another question"


def test_misspelt_judges_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'variants'"):
        judge_of("variant", 0)


# --- the world ---


def test_the_values_of_skills_errands_and_dreams():
    assert WORLD.exact().mean == pytest.approx(46 / 56), "dreams cannot be done"
    uniform = WORLD.exact(lambda views: np.full((len(views), 7), 1 / 7))
    value = {text: uniform.v[number] for (tick, text), number in uniform.number.items() if tick == 0}
    one = sum((1 / 7) ** n for n in range(1, 5))  # wait up to three times, then press
    assert value["errand 1: step 1, turn 1 of 4\n"] == pytest.approx(one)
    assert value["skill a4: step 1, turn 1 of 4\n"] == pytest.approx(7.0**-4)
    assert value["dream 1: step 1, turn 1 of 4\n"] == 0


def test_longer_skills_begin_with_shorter_ones():
    right = buttons(4, 4, 30)
    assert all(right[f"skill {c}4"][:n] == right[f"skill {c}{n}"] for c in "abcd" for n in range(1, 5))
    assert {task.params["kind"] for task in WORLD.tasks("eval")} == {name for name in right if name.startswith("skill")}
    with pytest.raises(TurnwiseError, match="depth"):
        make("skill-chains", depth=1)


def test_evaluation_tasks_are_no_training_tasks():
    assert not {task.key for task in TASKS} & {task.key for task in WORLD.tasks("eval")}
    assert all(isinstance(task, Task) and task.split == "train" for task in TASKS)
