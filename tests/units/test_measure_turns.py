"""Success by turn and Kaplan-Meier: the "must hold" list of specs/evaluate/success-at-turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.errors import TurnwiseError
from turnwise.measure.kaplan_meier import kaplan_meier
from turnwise.measure.success_at_turn import (
    cumulative_success,
    discounted_success,
    mean_turns_of_solved,
    restricted_mean_turns,
    restricted_turns,
    success_at_turn,
    success_curve,
)

BUDGET = 6
finishes = st.lists(st.one_of(st.none(), st.integers(1, BUDGET)), min_size=1, max_size=30)


def test_worked_turn_counts():
    f = (1, 3, None, 2, 4, None)
    assert mean_turns_of_solved(f, 4) == 2.5
    assert restricted_turns(f, 4).tolist() == [1, 3, 4, 2, 4, 4]
    assert discounted_success(f, 4, 0.5).tolist() == [1, 0.25, 0, 0.5, 0.125, 0]


@given(finishes)
def test_the_curve_rises_to_the_success_rate_and_its_upper_area_is_the_restricted_mean(finish):
    curve = success_at_turn(finish, BUDGET)
    assert (np.diff(curve) >= 0).all()
    assert curve[-1] == pytest.approx(np.mean([f is not None for f in finish]))
    area = 1 + np.sum(1 - curve[:-1])  # t = 0 adds 1
    assert restricted_mean_turns(finish, BUDGET) == pytest.approx(area)
    assert 1 <= restricted_mean_turns(finish, BUDGET) <= BUDGET


def test_ends_of_the_restricted_mean():
    assert restricted_mean_turns([None, None], 5) == 5 and restricted_mean_turns([1, 1], 5) == 1


def test_dropping_hard_tasks_flatters_only_the_solved_mean():
    patient, quitter = [1, 2, 5, 5], [1, 2, None, None]
    assert mean_turns_of_solved(quitter, 5) < mean_turns_of_solved(patient, 5)
    assert restricted_mean_turns(quitter, 5) == restricted_mean_turns(patient, 5)
    assert mean_turns_of_solved([None], 5) is None


def test_curve_with_intervals_clustered_by_task():
    tasks = np.repeat(range(5), 2)
    curve = success_curve([1, 2, None, None, 1, 1, 3, None, 2, 2], tasks, 3)
    assert [e.value for e in curve] == pytest.approx(success_at_turn([1, 2, None, None, 1, 1, 3, None, 2, 2], 3))
    assert all(e.clusters == 5 and e.low < e.value < e.high for e in curve)


@pytest.mark.parametrize("wrong", [[0], [7], [1.5], []])
def test_impossible_finish_turns_are_refused(wrong):
    with pytest.raises(TurnwiseError, match="finish turn|no episode"):
        success_at_turn(wrong, BUDGET)


def test_per_turn_flags():
    together, alone = cumulative_success([(1, 1, 1), (1, 0, 1), (1, 1, 0), (0, 1, 1)])
    assert together.tolist() == [0.75, 0.5, 0.25] and alone.tolist() == [0.75, 0.75, 0.75]


@given(finishes)
def test_kaplan_meier_without_early_censoring_is_the_curve(finish):
    found = kaplan_meier([f or BUDGET for f in finish], ["solved" if f else "censored" for f in finish])
    assert [found.at(t) for t in range(1, BUDGET + 1)] == pytest.approx(success_at_turn(finish, BUDGET).tolist())
    given_up = kaplan_meier([f or 1 for f in finish], ["solved" if f else "abandoned" for f in finish])
    assert [given_up.at(t) for t in range(1, BUDGET + 1)] == pytest.approx(success_at_turn(finish, BUDGET).tolist())


def test_censored_leaves_the_risk_set_and_abandoned_stays():
    turns = [1, 2, 3]
    censored = kaplan_meier(turns, ["censored", "solved", "solved"])
    abandoned = kaplan_meier(turns, ["abandoned", "solved", "solved"])
    assert censored.at_risk.tolist() == [2, 1] and censored.at(3) == 1.0
    assert abandoned.at_risk.tolist() == [3, 2] and abandoned.at(3) == pytest.approx(2 / 3)
    assert censored.at(1) == 0.0


def test_unknown_outcome_is_refused():
    with pytest.raises(TurnwiseError, match="'lost'"):
        kaplan_meier([1], ["lost"])


def test_bisection_and_random_guesses_of_a_number():
    """Guess 1..16 with higher and lower: the mean over solved episodes hides most of what bisection is worth."""

    def play(hidden, choose):
        low, high = 1, 16
        for turn in range(1, 6):
            guess = choose(low, high)
            if guess == hidden:
                return turn
            low, high = (guess + 1, high) if guess < hidden else (low, guess - 1)
        return None

    bisection = [play(h, lambda low, high: (low + high) // 2) for h in range(1, 17)]
    curve = success_at_turn(bisection, 5)
    assert curve.tolist() == [1 / 16, 3 / 16, 7 / 16, 15 / 16, 1.0]
    assert restricted_mean_turns(bisection, 5) == (1 + 2 * 2 + 3 * 4 + 4 * 8 + 5) / 16
    rng = np.random.default_rng(0)
    random = [play(h, lambda low, high: int(rng.integers(low, high + 1))) for h in range(1, 17) for _ in range(200)]
    exact = [0.0625, 0.1796875, 0.362215, 0.579924, 0.773642]  # by recursion over the sizes of the remaining range
    assert success_at_turn(random, 5) == pytest.approx(exact, abs=0.02)
    assert (np.array(exact[1:]) < curve[1:]).all()
    gap_solved = mean_turns_of_solved(random, 5) - mean_turns_of_solved(bisection, 5)  # exact: .094
    gap_all = restricted_mean_turns(random, 5) - restricted_mean_turns(bisection, 5)  # exact: .441
    assert gap_solved < 0.4 * gap_all
