"""McNemar's exact test: two agents, one 0/1 outcome each per task; only tasks on which they differ speak."""

from __future__ import annotations

from turnwise.core.errors import TurnwiseError
from turnwise.measure.matched import PerTask, match


def mcnemar_p(only_a: int, only_b: int) -> float:
    """min(1, 2 * P[Bin(n10 + n01, 1/2) <= min(n10, n01)]), in whole numbers, so exact at any size.

    Args:
        only_a: tasks that a solved and b did not (n10).
        only_b: tasks that b solved and a did not (n01).

    Returns:
        two-sided p; 1 without a discordant task. Source: specs/evaluate/paired-comparison.
    """
    if only_a < 0 or only_b < 0:
        raise TurnwiseError(
            f"{only_a} and {only_b} discordant tasks", "counts of 0 or more", "count tasks with one winner"
        )
    n, ways, tail = only_a + only_b, 1, 0
    for k in range(min(only_a, only_b) + 1):
        tail += ways
        ways = ways * (n - k) // (k + 1)
    return min(1.0, 2 * tail / 2**n)


def discordant(a: PerTask, b: PerTask) -> tuple[int, int]:
    """Tasks that only a solved and that only b solved, over the tasks that both played once.

    Raises:
        TurnwiseError: several trials per task, or an outcome that is neither 0 nor 1.
    """
    pair = match(a, b)
    if (pair.trials_a_T != 1).any() or (pair.trials_b_T != 1).any():
        raise TurnwiseError(
            "several trials of one task",
            "one trial per task and agent",
            "use paired_difference, which averages trials",
        )
    for means_T in (pair.a_T, pair.b_T):
        other = means_T[(means_T != 0) & (means_T != 1)]
        if len(other):
            raise TurnwiseError(f"outcome {other[0]}", "0 or 1", "threshold the scores first, or use paired_difference")
    return int((pair.a_T > pair.b_T).sum()), int((pair.a_T < pair.b_T).sum())
