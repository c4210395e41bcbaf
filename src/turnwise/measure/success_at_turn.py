"""How soon episodes are solved: the share solved by turn t, and turn counts that do not reward giving up.

A turn is one agent message; tool calls inside it add none. `finish` holds the turn on which an episode was
solved, counted from 1, or None where it was not. Episodes stopped without an outcome belong in
`kaplan_meier`, not here. Source: specs/evaluate/success-at-turn (after MINT, EdiVal-Agent, MediQ).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.measure.estimate import Estimate
from turnwise.measure.intervals import success_rate
from turnwise.measure.rows import Ids

Finish = Sequence[int | None] | np.ndarray


def success_at_turn(finish: Finish, budget: int) -> np.ndarray:
    """S(t), share of episodes solved by turn t, for t = 1..budget: float64 (budget,). S(budget) is the success rate.

    Args:
        finish: turn on which each episode was solved, None where it was not.
        budget: agent turns allowed. S(k) read from one long run is not the success of a run whose budget is
            k.
    """
    return solved_by_turn(finish, budget).mean(axis=0)


def success_curve(finish: Finish, tasks: Ids, budget: int, *, level: float = 0.95) -> list[Estimate]:
    """S(t) with an interval clustered by task, for t = 1..budget; tasks count equally. The intervals are pointwise."""
    return [success_rate(column, tasks, level=level) for column in solved_by_turn(finish, budget).T.astype(np.float64)]


def solved_by_turn(finish: Finish, budget: int) -> np.ndarray:
    """Whether each episode was solved by each turn: bool (episodes, budget)."""
    return check_finish(finish, budget)[:, None] <= np.arange(1, budget + 1)


def restricted_turns(finish: Finish, budget: int) -> np.ndarray:
    """min(f_i, B), with B where unsolved: float64 per episode; its mean is the area above the S(t) curve.

    Needs every episode, so dropping hard tasks or quitting early cannot lower it. Hand it to `task_mean` for
    an interval.
    """
    return np.minimum(check_finish(finish, budget), float(budget))


def restricted_mean_turns(finish: Finish, budget: int) -> float:
    """Mean of the restricted turns, from 1 (all solved at once) to the budget (nothing solved)."""
    return float(restricted_turns(finish, budget).mean())


def mean_turns_of_solved(finish: Finish, budget: int) -> float | None:
    """Mean finish turn of the solved episodes, None if there is none. Biased: it falls when hard tasks are given up."""
    turns = check_finish(finish, budget)
    solved = turns[np.isfinite(turns)]
    return float(solved.mean()) if len(solved) else None


def discounted_success(finish: Finish, budget: int, gamma: float = 0.95) -> np.ndarray:
    """gamma^(f_i - 1) per episode, 0 where unsolved: float64. Hand it to `task_mean` for an interval."""
    return gamma ** (check_finish(finish, budget) - 1)


def cumulative_success(flags: Sequence[Sequence[bool]] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of episodes whose instructions were all met up to each turn, and the plain share of each turn (EdiVal).

    Args:
        flags: (episodes, turns), whether the instruction of each turn was met.
    """
    met = np.asarray(flags, dtype=bool)
    return np.logical_and.accumulate(met, axis=1).mean(axis=0), met.mean(axis=0)


def check_finish(finish: Finish, budget: int) -> np.ndarray:
    """Finish turns as float64, infinity where unsolved.

    Raises:
        TurnwiseError: no episode, or a finish turn that is not a whole number from 1 to the budget.
    """
    turns = np.asarray(list(finish), dtype=np.float64)
    turns = np.where(np.isnan(turns), np.inf, turns)
    wrong = turns[np.isfinite(turns) & ((turns < 1) | (turns > budget) | (turns != np.floor(turns)))]
    if len(wrong) or not len(turns):
        raise TurnwiseError(
            f"finish turn {wrong[0]:g}" if len(wrong) else "no episode",
            f"whole turns from 1 to the budget of {budget}, None where unsolved",
            "count agent turns from 1; an episode over the budget is unsolved",
        )
    return turns
