"""How many tasks a comparison needs, before it is run."""

from __future__ import annotations

import math

from turnwise.core.errors import TurnwiseError
from turnwise.measure.quantiles import normal_quantile


def tasks_needed(sd: float, difference: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """T = ceil( ((z_{1 - alpha/2} + z_{power}) * sd / difference)^2 ), two-sided.

    Args:
        sd: standard deviation of the per-task difference (see `sd_of_difference`).
        difference: true difference to detect, in the same units.

    Raises:
        TurnwiseError: a difference of 0, which no number of tasks detects.
    """
    if difference == 0 or sd < 0:
        raise TurnwiseError(
            f"sd = {sd}, difference = {difference}",
            "sd of 0 or more and a difference that is not 0",
            "state what is worth finding",
        )
    z = normal_quantile(1 - alpha / 2) + normal_quantile(power)
    return max(1, math.ceil((z * sd / difference) ** 2))


def fewest_tasks_for_sign_flips(alpha: float) -> int:
    """Fewest tasks with which a sign-flip p can fall to alpha at all: 2 / 2^T <= alpha."""
    return max(1, math.ceil(math.log2(2 / alpha)))


def sd_of_difference(between: float, within_a: float, trials_a: int, within_b: float, trials_b: int) -> float:
    """sqrt( omega^2 + sigma_a^2 / K_a + sigma_b^2 / K_b ): what more trials per task can and cannot reduce.

    Args:
        between: omega, sd over tasks of the true per-task difference.
        within_a, within_b: sigma, sd of one trial around its task's mean.
        trials_a, trials_b: K, trials per task.
    """
    return math.sqrt(between**2 + within_a**2 / trials_a + within_b**2 / trials_b)
