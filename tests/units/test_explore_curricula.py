"""Curricula as their sheets have them: horizons, learning progress, failures; and that a run can be taken up again."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import End, Episode, Leaf, Task
from turnwise.explore import curriculum
from turnwise.explore.failures import FailureReplay
from turnwise.explore.horizon import SCHEDULES, Horizon
from turnwise.explore.progress import LearningProgress, interesting_of, lifted
from turnwise.learn.success_pool import SuccessPool, replay_weights, successes

TASKS = [Task(f"t{n}", "made") for n in range(6)]


def played(task: Task, success: bool | None, number: int = 0, end: End = End.DONE) -> Episode:
    """An episode of which only the outcome matters."""
    facts = {} if success is None else {"success": success}
    return Episode(f"x/{task.key}/{number}", task, (), (Leaf(-1, end, facts=facts),))


# --- horizon (specs/learn/tti) ---


def test_the_sheets_schedules():
    assert [Horizon().at(i) for i in range(6)] == [10, 20, 20, 30, 30, 30]
    assert Horizon("multiplicative", 10, 30).all(5) == [10, 20, 30, 30, 30]
    assert Horizon("additive", 3, 5).all(4) == [3, 4, 5, 5]
    assert Horizon("fixed", 3, 30).all(3) == [30, 30, 30]


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 40), st.integers(0, 60), st.integers(1, 5000))
def test_horizons_only_grow_and_rounds_cost_the_same(schedule, least, more, steps):
    horizon = Horizon(schedule, least, least + more)
    found = horizon.all(30)
    assert sorted(found) == found and least <= found[0] and found[-1] <= least + more
    for number, turns in enumerate(found):
        count = horizon.episodes(number, steps)
        assert count == 1 or steps - turns < count * turns <= steps


def test_wrong_horizons_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'stepped'"):
        Horizon("steped")
    with pytest.raises(TurnwiseError, match="from 5 to 3"):
        Horizon("fixed", 5, 3)


# --- the pool of successes (specs/learn/tti) ---


def test_the_sheets_replay_weights():
    weights = replay_weights(["A", "A", "A", "B"])
    np.testing.assert_allclose(weights, [0.5 * (0.1 + 1 / 6), 0.5 * (0.2 + 1 / 6), 0.5 * (0.3 + 1 / 6), 0.45])
    np.testing.assert_allclose(replay_weights(["A"] * 4, 1.0), [0.1, 0.2, 0.3, 0.4])


def test_the_pool_never_shrinks_and_draws_nobody_twice(tmp_path):
    pool, rng = SuccessPool(), np.random.default_rng(0)
    for number in range(5):
        before = len(pool)
        pool.add([played(task, True, number) for task in TASKS[:3]])
        assert len(pool) == before + 3
        drawn = [e.id for e in pool.draw(rng, 7)]
        assert len(set(drawn)) == len(drawn) == min(7, len(pool))
    pool.save(tmp_path / "pool.parquet")
    other = SuccessPool()
    other.load(tmp_path / "pool.parquet")
    assert other.held == pool.held


def test_draws_follow_the_weights():
    pool, rng = SuccessPool(), np.random.default_rng(0)
    pool.add([played(TASKS[0], True, n) for n in range(3)] + [played(TASKS[1], True)])
    found = [pool.held.index(pool.draw(rng, 1)[0]) for _ in range(3000)]
    share, weights = np.bincount(found, minlength=4) / 3000, replay_weights(["A", "A", "A", "B"])
    assert (np.abs(share - weights) < 3.5 * np.sqrt(weights * (1 - weights) / 3000)).all()


def test_only_successes_are_kept():
    mixed = [
        played(TASKS[0], True),
        played(TASKS[1], False),
        played(TASKS[2], None),
        played(TASKS[3], True, 0, End.ERROR),
    ]
    assert successes(mixed) == mixed[:1]


# --- learning progress (specs/learn/omni) ---


def test_the_sheets_lifting():
    for p, expected in ((0.1, 0.5), (0.5, 0.9), (0.9, 0.98780), (0.0, 0.0), (1.0, 1.0)):
        assert lifted(p) == pytest.approx(expected, abs=1e-5)
    assert (np.diff(lifted(np.linspace(0, 1, 101))) > 0).all()


def rounds_of(progress, rates, rounds=1):
    """Tell it rounds in which task n succeeds in rates[n] of 20 episodes."""
    for _ in range(rounds):
        for task, rate in zip(progress.tasks, rates, strict=True):
            progress.note([played(task, n < round(20 * rate), n) for n in range(20)])


def test_constant_success_is_no_progress_and_both_directions_are():
    constant = LearningProgress(TASKS[:2])
    rounds_of(constant, [0.5, 0.9], 400)
    assert constant.progress.max() < 1e-6
    rounds_of(constant, [0.9, 0.2], 3)
    assert constant.progress.min() > 1e-3


def test_an_impossible_task_has_no_weight_but_the_floor():
    progress = LearningProgress(TASKS[:3], floor=0.0)
    np.testing.assert_allclose(progress.weights(), 1 / 3)
    rounds_of(progress, [0.0, 0.5, 0.8])
    assert progress.weights()[0] == 0 and progress.weights().sum() == pytest.approx(1)
    drawn = progress.draw(500, np.random.default_rng(0))
    assert TASKS[0] not in drawn
    progress.floor = 0.3
    assert TASKS[0] in progress.draw(500, np.random.default_rng(0))


def test_chance_is_taken_off():
    progress = LearningProgress(TASKS[:2], chance={"t0": 0.5})
    rounds_of(progress, [0.75, 0.75])
    np.testing.assert_allclose(progress.success, [0.5, 0.75])


def test_what_a_judge_calls_boring_weighs_next_to_nothing():
    def judge(interesting, others):
        return [task.key for task in others if task.key in ("t1", "t2")]

    progress = LearningProgress(TASKS[:4], judge=judge)
    rounds_of(progress, [0.9, 0.8, 0.8, 0.5])
    weights, plain = progress.weights(), LearningProgress(TASKS[:4])
    rounds_of(plain, [0.9, 0.8, 0.8, 0.5])
    assert weights[1] + weights[2] < 0.01 * weights[0] and weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights[0] / weights[3], plain.weights()[0] / plain.weights()[3])


def test_the_order_of_equals_is_that_of_their_keys():
    seen = []

    def judge(interesting, others):
        seen.append([task.key for task in interesting])
        return ["t2"] if interesting[-1].key == "t0" else []

    found = interesting_of(TASKS[:3], np.array([0.5, 0.5, 0.5]), judge)
    assert seen == [["t0"], ["t0", "t1"]] and found.tolist() == [True, True, False]


def test_draws_match_weights():
    progress = LearningProgress(TASKS, floor=0.0)
    rounds_of(progress, [0.0, 0.1, 0.3, 0.5, 0.8, 1.0])
    drawn, weights = progress.draw(4000, np.random.default_rng(1)), progress.weights()
    share = np.array([drawn.count(task) for task in TASKS]) / 4000
    assert (np.abs(share - weights) <= 3.5 * np.sqrt(weights * (1 - weights) / 4000)).all()


# --- failures (specs/learn/deeptravel) ---


def test_failed_tasks_come_back_until_they_are_solved():
    replay, rng = FailureReplay(TASKS, share=0.5, every=1), np.random.default_rng(0)
    assert replay.draw(4, rng) == TASKS[:4], "nothing failed yet: fresh tasks fill up"
    replay.note([played(TASKS[1], False), played(TASKS[2], True), played(TASKS[1], False, 1)])
    assert replay.draw(4, rng) == [TASKS[1], TASKS[4], TASKS[5], TASKS[0]]
    replay.note([played(TASKS[1], False), played(TASKS[1], True, 1)])
    assert not replay.failed


def test_hopeless_tasks_are_given_up_until_a_fresh_turn_solves_them():
    replay, rng = FailureReplay(TASKS[:1], share=1.0, every=1, tries=3), np.random.default_rng(0)
    for _ in range(4):
        replay.draw(1, rng)
        replay.note([played(TASKS[0], False)])
    assert replay.given_up == {"t0"} and not replay.failed
    replay.note([played(TASKS[0], False)])
    assert not replay.failed
    replay.note([played(TASKS[0], True)])
    assert not replay.given_up


def test_the_share_and_the_rhythm_of_replay():
    replay, rng = FailureReplay(TASKS, share=0.5, every=3), np.random.default_rng(0)
    replay.note([played(task, False) for task in TASKS])
    for number in range(1, 10):
        replay.draw(8, rng)
        assert sum(replay.failed.values()) == 4 * (number // 3)


def test_without_a_share_it_is_all_tasks_in_turn():
    replay, rng = FailureReplay(TASKS, share=0.0, every=1), np.random.default_rng(0)
    replay.note([played(task, False) for task in TASKS])
    assert [task for _ in range(3) for task in replay.draw(4, rng)] == [*TASKS, *TASKS]


def test_what_broke_or_was_not_scored_tells_nothing():
    replay = FailureReplay(TASKS)
    replay.note([played(TASKS[0], None), played(TASKS[1], False, 0, End.ERROR)])
    assert not replay.failed


# --- state ---


@pytest.mark.parametrize("make", [LearningProgress, lambda tasks: FailureReplay(tasks, every=2)])
@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=8), min_size=1, max_size=5))
def test_kept_and_taken_up_again_it_draws_the_same(make, tmp_path_factory, rounds):
    whole = make(TASKS)
    for number, marks in enumerate(rounds):
        folder = tmp_path_factory.mktemp("state")
        curriculum.save(whole, folder)
        again = make(TASKS)
        curriculum.load(again, folder)
        assert again.draw(5, np.random.default_rng(number)) == whole.draw(5, np.random.default_rng(number))
        whole.note([played(TASKS[n], won, k) for k, (n, won) in enumerate(marks)])
        assert json.loads(json.dumps(whole.state())) == whole.state()
