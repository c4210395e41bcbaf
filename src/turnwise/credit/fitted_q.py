"""ArCHer's credit: what twin utterance critics say of the turn, minus what they say of the state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def fitted_q(q_KT: Sequence[np.ndarray], v_KT: Sequence[np.ndarray], centre: bool = False) -> np.ndarray:
    """A_t = min_k Q_k(s_t, a_t) - min_k V_k(s_t).

    Args:
        q_KT: what each critic says of the action taken; the min of twins tempers their optimism.
        v_KT: what each critic says of the state before it.
        centre: subtract the mean over the batch: two minima need not cancel.

    Returns:
        credit (T,). Equal critics give 0; exact ones the oracle. Q is of the action that was taken, so turns from a
        replay need fresh actions. Source: specs/learn/archer.
    """
    advantages_T = np.min(q_KT, axis=0) - np.min(v_KT, axis=0)
    return advantages_T - advantages_T.mean() if centre and len(advantages_T) else advantages_T


@dataclass(frozen=True)
class FittedQ:
    """Q minus V, both fitted off-policy and handed in as signals."""

    name: ClassVar[str] = "fitted-q"
    needs: ClassVar[frozenset[str]] = frozenset({"signals"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = ""
    reads_T: ClassVar[tuple[str, ...]] = ("q1", "q2", "v1", "v2")
    q: tuple[str, ...] = ("q1", "q2")  # names of the critics of actions (ArCHer: twins)
    v: tuple[str, ...] = ("v1", "v2")  # names of the critics of states (ArCHer: twins)
    centre: bool = False  # whether the batch's mean is subtracted; ArCHer does not
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_whiten(self.whiten)
        if not self.q or not self.v:
            raise TurnwiseError(f"q = {self.q}, v = {self.v}", "at least one critic of each", "name their signals")

    def assign(self, x: CreditInput) -> CreditResult:
        q_KT, v_KT = ([x.signal(name, self.name) for name in names] for names in (self.q, self.v))
        return CreditResult("turn", whiten_turns(fitted_q(q_KT, v_KT, self.centre), x, self.whiten))
