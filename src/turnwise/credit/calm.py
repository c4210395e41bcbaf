"""CALM: a judge sees subgoals being reached, and each pays a little; plainly, or as a potential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from turnwise.credit.ragged import spread
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rule import CreditInput, CreditRule, Unit
from turnwise.credit.shaping import Shaping, check_choice, last_turns, sums_before, turn_gamma

Form = Literal["plain", "potential"]


def first_times(reached_T: np.ndarray, starts_E1: np.ndarray) -> np.ndarray:
    """bool (T,): the first turn of each episode at which a 0/1 judgement says yes."""
    reached_T = np.asarray(reached_T) > 0.5
    return reached_T & (sums_before(reached_T, starts_E1) == 0)


def subgoal_reward(reached_MT: Sequence[np.ndarray], starts_E1: np.ndarray, once: bool = True) -> np.ndarray:
    """r_aux[t] = (1 / m) * sum_i z_t[i], (T,).

    Args:
        reached_MT: z, 1 where a turn reached a subgoal, one array (T,) for each of the m subgoals.
        starts_E1: offsets of the episodes.
        once: each subgoal counts the first time in an episode; else picking up and dropping earns without end.

    Returns:
        rewards (T,); with `once` an episode's sum is the share of subgoals reached, at most 1.
        Source: arXiv 2409.12798, specs/credit/calm.
    """
    counted = [first_times(z_T, starts_E1) if once else np.asarray(z_T) > 0.5 for z_T in reached_MT]
    return np.stack(counted).sum(0) / len(reached_MT)


def potential_reward(
    reached_MT: Sequence[np.ndarray], starts_E1: np.ndarray, over_E: np.ndarray, gamma: float = 1.0
) -> np.ndarray:
    """r_aux[t] = gamma * Phi(s_{t+1}) - Phi(s_t), Phi the share of subgoals reached so far, (T,).

    Args:
        over_E: True: Phi counts as 0 after the last turn, without which the optimum would move. False: it stays,
            and the sum at gamma 1 is Phi(end) - Phi(start).
        gamma: discount per turn of the rule that uses the rewards.

    Source: as `subgoal_reward`.
    """
    count_T = np.stack([first_times(z_T, starts_E1) for z_T in reached_MT]).sum(0)
    before_T = sums_before(count_T, starts_E1)
    dropped_T = last_turns(starts_E1) & spread(over_E, starts_E1)
    return (gamma * np.where(dropped_T, 0.0, before_T + count_T) - before_T) / len(reached_MT)


@dataclass(frozen=True)
class Calm(Shaping):
    """Outcome plus weight times the subgoal reward, then another rule. weight = 0: that rule on the outcome.

    The potential form changes no total, so a rule that compares totals (rloo, grpo) is left as it was; it moves
    credit between turns where the inner rule looks ahead from each.
    """

    name: ClassVar[str] = "calm"
    needs: ClassVar[frozenset[str]] = frozenset({"signals"})
    unit: ClassVar[Unit] = "turn"
    reads_T: ClassVar[tuple[str, ...]] = ("subgoal",)
    reads_E: ClassVar[tuple[str, ...]] = ()
    biased: ClassVar[str] = "reaching subgoals is paid beside the outcome, so their best order may not be the task's"
    subgoals: tuple[str, ...] = ("subgoal",)  # names of the 0/1 judgements, one per subgoal: this turn reached it
    form: Form = "plain"  # plain: paid when reached (published); potential: the optimal policy stays
    once: bool = True  # of the plain form: only the first time in an episode
    keep_end: bool = False  # of the potential: it stays after the last turn, so that ends with more subgoals pay more
    weight: float = 0.5  # of the subgoal reward beside the world's; ours
    inner: CreditRule = RewardToGo()  # turns these rewards into credit; the potential is discounted by its gamma

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("form", self.form, get_args(Form))
        turn_gamma(self.inner)

    def bend(self) -> str:
        moves = self.form == "plain" or self.keep_end
        return type(self).biased if moves and self.weight else ""

    def shaped(self, x: CreditInput) -> np.ndarray:
        reached = [x.signal(name, self.name) for name in self.subgoals]
        if self.form == "plain":
            return x.rewards_T + self.weight * subgoal_reward(reached, x.starts_E1, self.once)
        # A critic goes on from the state of a cut episode, potential included; a rule without one ends there.
        over_E = x.done_E | (not self.inner.needs & {"critic", "token_critic"})
        shaping_T = potential_reward(reached, x.starts_E1, over_E & (not self.keep_end), turn_gamma(self.inner))
        return x.rewards_T + self.weight * shaping_T
