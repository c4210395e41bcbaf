"""Monte-Carlo returns: Q of a word is the discounted return that followed it in the data (specs/learn/mc_returns)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from turnwise.learn.weights.lots import Lot
from turnwise.learn.weights.value_learner import Data, ValueLearner, ValueSettings, like, states


@dataclass(frozen=True)
class McReturnsSettings(ValueSettings):
    """As `ValueSettings`."""

    detach: bool = False  # whether the error stops at the head, so that the transformer below stays as it was


class McReturns(ValueLearner):
    """Learner: regress Q on what followed.

        L = 1/n sum_i [ 1/2 (q_i - G_i)^2 + cql * (logsumexp_v Q(h_i)[v] - q_i) ]
        q_i = Q(h_i)[x_i], read one position before the token; G_i over action tokens alone

    The value is that of whoever made the data, so guiding by it is one step of improvement, and no more without new
    data. Every Q head learns the same.
    """

    name = "mc-returns"
    settings: McReturnsSettings

    def losses(self, data: Data, lot: Lot) -> dict[str, Tensor]:
        """The terms of L, [M] each."""
        hidden, tokens = states(self.values, lot)
        if self.settings.detach:
            hidden = hidden.detach()
        returns = like(data.gather(lot, "returns"), hidden.device)
        terms = {"q_loss": torch.stack([squared(q, returns) for q in self.values.each(hidden, tokens)]).sum(0)}
        if self.settings.cql:
            terms["cql"] = self.settings.cql * self.values.surprise(hidden, tokens)
        return terms


def squared(found: Tensor, wanted: Tensor) -> Tensor:
    """Half the squared error."""
    return 0.5 * (found - wanted) ** 2
