"""Scripted judges: what they see, what they miss, and the rewards that come of it, by the numbers of the sheets."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from turnwise.agents.spec import expert
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import End, Episode, Leaf, Message, Task, Turn
from turnwise.credit import CreditInput
from turnwise.credit.calm import Calm
from turnwise.credit.clip_delta import ClipDelta
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.turn_gae import TurnGae
from turnwise.explore import Independent, Table
from turnwise.explore.pruning import Pruning
from turnwise.feedback.attribution import Attribution
from turnwise.feedback.evidence import Evidence
from turnwise.feedback.grounding import NAME as EXECUTED
from turnwise.feedback.subgoals import Subgoals, words_of
from turnwise.feedback.transitions import transitions
from turnwise.recipes.era import Dense
from turnwise.worlds import make


def line(acts, shown, reward=1.0, name="e", success=True):
    """One path: what was shown before each act, and at the end."""
    turns = tuple(
        Turn(n - 1, n, "agent", (Message("user", seen),), Message("assistant", f"{act}\n"), {"agent": 0.0}, fresh=True)
        for n, (act, seen) in enumerate(zip(acts, shown, strict=False))
    )
    end = Leaf(len(acts) - 1, End.DONE, {"agent": (Message("user", shown[-1]),)}, {"success": success})
    last = turns[-1]
    paid = Turn(last.parent, last.tick, "agent", last.seen, last.message, {"agent": reward}, fresh=True)
    return Episode(name, Task("t", "made"), (*turns[:-1], paid), (end,))


def said(judge, *episodes):
    """Signal name -> value per turn; paths under (name, None)."""
    found: dict = {}
    for s in asyncio.run(judge.judge(episodes)):
        found.setdefault(s.name if s.turn is not None else (s.name, None), []).append(s.value)
    return found


WALK = line(["work"] * 3 + ["submit"], ["0 of 3 parts", "1 of 3 parts", "1 of 3 parts", "2 of 3 parts", "over: won"])


def test_transitions_are_what_was_shown_then():
    assert [(t.before[0], t.act, t.after[:1]) for t in transitions(WALK)][:2] == [
        ("0", "work\n", "1"),
        ("1", "work\n", "1"),
    ]
    assert list(transitions(WALK))[-1].after == "over: won"


# --- subgoals (specs/credit/calm, specs/credit/era-turn-gae) ---


def test_a_perfect_judge_sees_every_subgoal_once():
    found = said(Subgoals(words_of("work-submit", "")), WALK)
    assert found == {
        "first": [1.0, 0, 0, 0],
        "second": [0, 0, 1.0, 0],
        "third": [0.0] * 4,
        "in": [0, 0, 0, 1.0],
    }
    x = CreditInput([0.0, 0, 0, 1], [0, 4], [True], signals_T=found)
    rule = Calm(tuple(found), weight=1.0, inner=RewardToGo(gamma=0.0))
    assert rule.assign(x).credit - x.rewards_T == pytest.approx([0.25, 0, 0.25, 0.25])


def test_a_judge_that_errs_pays_what_it_errs_by():
    """False yes at rate q of every transition: q * m * w per turn on average; the same turn, the same mistake."""
    still = [line(["chat"] * 4, ["nothing"] * 5, name=f"e{n}") for n in range(300)]
    judge = Subgoals({"a": "x", "b": "y"}, false_yes=0.1)
    found = said(judge, *still)
    assert np.mean([found["a"], found["b"]]) == pytest.approx(0.1, abs=0.02) and found == said(judge, *still)
    blind = said(Subgoals(words_of("work-submit", ""), false_no=1.0), WALK)
    assert not np.any(list(blind.values()))


def test_subgoals_of_ones_own():
    assert words_of("maze", "key: with the key ; door: over: won") == {"key": "with the key", "door": "over: won"}
    for world, text in (("maze", ""), ("maze", "key")):
        with pytest.raises(TurnwiseError, match="name: words"):
            words_of(world, text)


def test_progress_pays_on_a_new_best_alone_and_a_failed_act_costs():
    """Progress .25, .5, .25, .5 pays 1, 1, 0, 0; after the switch an episode's rewards sum to 3 or 0."""
    told = {"a": [1.0, 0, 0, 0], "b": [0, 1.0, 0, 1.0], EXECUTED: [1.0, 1, 0, 1]}
    x = CreditInput([0.0, 0, 0, 1], [0, 4], [True], values_T=[0.0] * 4, signals_T=told)
    gae = TurnGae(gamma=0.0, lam=0.0)
    assert Dense(gae, ("a", "b"), 3.0, 1.0, 0.5).assign(x).credit == pytest.approx([1.0, 1.0, -0.5, 3.0])
    assert Dense(gae, ("a", "b"), 3.0, 0.0, 0.0).assign(x).credit == pytest.approx([0, 0, 0, 3.0])


# --- step scores, evidence, attributions ---


def test_repetition_earns_without_end_by_the_raw_score_alone():
    """Ten useless praised steps before the last: raw sums to 9, clip to 0, delta to the first score."""
    x = CreditInput([0.0] * 10 + [1.0], [0, 11], [True], signals_T={"step": [0.9] * 10 + [0.0]})
    found = {
        form: ClipDelta(
            "step", form, alpha=1.0, inner=RewardToGo(gamma=0.0) if form in ("raw", "clip") else RewardToGo()
        )
        for form in ("raw", "clip", "delta", "both")
    }
    total = {form: float(rule.shaped(x).sum()) - 1.0 for form, rule in found.items()}
    assert total == pytest.approx({"raw": 9.0, "clip": 0.0, "delta": 0.9, "both": 0.0})


def test_evidence_grows_with_new_questions_alone():
    asks = line(["ask 0", "ask 0", "chat", "ask 2", "answer"], ["turn"] * 4 + ["no such move. turn", "over"])
    found = said(Evidence(frozenset({"ask 0", "ask 1", "ask 2"}), frozenset({"answer"}), "no such"), asks)
    assert found["iou"] == pytest.approx([1 / 3, 1 / 3, 1 / 4, 2 / 4, 2 / 4])
    assert found["form"] == [1, 1, 1, 0, 1] and found["iou", None] == [0.0]


class Told:
    """Advantages of every path."""

    def __init__(self, *gains):
        self.gains = gains

    def advantages(self, episode, leaf=0):
        return np.array(self.gains)


def test_an_attribution_says_how_critical_and_not_in_which_direction():
    found = said(Attribution(Told(0.5, -0.5, 0.2, 0.0), full=0.5), WALK)
    assert found == {"goal": [3.0, 3.0, 1.0, 0.0], ("goal", None): [10.0]}
    many = [line(["a"] * 4, ["x"] * 5, reward=0.0, name=f"e{n}") for n in range(100)]
    noisy = said(Attribution(Told(0.0, 0.0, 0.0, 0.0), noise=0.4), *many)
    assert np.mean(np.array(noisy["goal"]) > 0) == pytest.approx(0.3, abs=0.06) and set(noisy["goal", None]) == {0.0}


def test_an_attribution_from_exact_values_of_a_world():
    world = make("hidden-type")
    episodes = Table(world, {"agent": expert(world)}, 0).collect(Independent(), world.tasks("train")[:6])
    found = said(Attribution(world.exact()), *episodes)
    assert set(found["goal"]) <= {0.0, 1.0, 2.0, 3.0} and len(set(found["goal"])) > 1
    assert found["goal", None] == [10.0 * e.total() for e in episodes]


# --- pruning (specs/learn/rapo) ---


def played(key, won):
    return [
        Episode(f"{key}{n}", Task(key, "made"), (), (Leaf(-1, End.DONE, facts={"success": ok}),))
        for n, ok in enumerate(won)
    ]


def test_easy_tasks_leave_after_a_pass_and_never_come_back():
    tasks = [Task(key, "made") for key in "abc"]
    rng, pruning = np.random.default_rng(0), Pruning(tasks)
    assert [t.key for t in pruning.draw(2, rng)] == ["a", "b"]
    pruning.note([*played("a", [1] * 10), *played("b", [1] * 8 + [0] * 2)])
    assert not pruning.pruned, "the pass is not over"
    assert [t.key for t in pruning.draw(1, rng)] == ["c"]
    pruning.note(played("c", [0] * 4))
    assert pruning.pruned == {"a"}
    again = Pruning(tasks)
    again.restore(pruning.state())
    assert [t.key for t in again.draw(4, rng)] == ["b", "c", "b", "c"]
    again.note([*played("b", [1] * 4), *played("c", [1] * 4)])
    assert again.pruned == {"a"}, "the last ones do not all leave"
