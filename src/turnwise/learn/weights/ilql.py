"""ILQL, implicit language Q-learning: an expectile of Q over the data's own words stands for the best word, and nobody
is asked about words that the data does not have (specs/learn/ilql, the LMRL-Gym line).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.learn.action_tokens import BACKUPS, NOWHERE
from turnwise.learn.weights.lots import Lot
from turnwise.learn.weights.mc_returns import squared
from turnwise.learn.weights.value_learner import Data, ValueLearner, ValueSettings, hidden_at, like, states
from turnwise.models.guided import Guided


@dataclass(frozen=True)
class IlqlSettings(ValueSettings):
    """As `ValueSettings`, and LMRL-Gym's defaults of the method's own."""

    tau: float = 0.7  # expectile: 0.5 is the data's mean, 1 its best
    alpha: float = 0.005  # share of the online net that the target takes over after every step
    backup: str = "token"  # what Q looks ahead to: the state at the next token, or at the next turn (ours)

    def __post_init__(self) -> None:
        if self.backup not in BACKUPS:
            raise UnknownName("backup", self.backup, BACKUPS)
        if not (0 < self.tau < 1 and 0 < self.alpha <= 1):
            raise TurnwiseError(f"tau={self.tau:g}, alpha={self.alpha:g}", "0 < tau < 1 and 0 < alpha <= 1")


class Ilql(ValueLearner):
    """Learner: Q backs up the reward and the next V, V is an expectile of the target's Q.

    y_i = r_i + gamma * V(next state), 0 after the end              without gradient, by the online V
    u_i = min_k Qbar_k(hbar_i)[x_i]                                 by the target net
    L = 1/n sum_i [ sum_k 1/2 (q^k_i - y_i)^2 + 1/2 w_i (V_i - u_i)^2 + cql * sum_k (logsumexp Q^k - q^k_i) ]
    w_i = tau where u_i >= V_i, else 1 - tau
    target <- (1 - alpha) target + alpha online                     after every step

    With a backup by turns (ours), y_i = gamma^k r + gamma^(k + 1) V(next turn) for the token k before its reply's end.
    """

    name = "ilql"
    settings: IlqlSettings

    def __init__(self, guided: Guided, settings: IlqlSettings, seed: int):
        super().__init__(guided, settings, seed)
        if self.values.v is None:
            raise TurnwiseError("ILQL on values of tokens alone", "a V head", "make Values with state=True")
        self.backup = settings.backup
        self.target = copy.deepcopy(self.values)
        for parameter in self.target.parameters():
            parameter.requires_grad_(False)

    def losses(self, data: Data, lot: Lot) -> dict[str, Tensor]:
        """The terms of L, [M] each."""
        hidden, tokens, following = self._read(data, lot)
        rewards, discounts = (like(data.gather(lot, name), hidden.device) for name in ("rewards", "discounts"))
        y = rewards + discounts * following
        with torch.no_grad():
            u = self.target.of(states(self.target, lot)[0], tokens)
        terms = {
            "q_loss": torch.stack([squared(q, y) for q in self.values.each(hidden, tokens)]).sum(0),
            "v_loss": expectile(self.values.state_values(hidden), u, self.settings.tau),
        }
        if self.settings.cql:
            terms["cql"] = self.settings.cql * self.values.surprise(hidden, tokens)
        return terms

    def _read(self, data: Data, lot: Lot) -> tuple[Tensor, Tensor, Tensor]:
        """States in which the tokens were chosen [M, width], the tokens, and V of the states after them [M]: those in
        the lot's own rows come from the same pass, those in a linked row from one more over that row's beginning.
        """
        own = np.repeat(lot.rows, [len(data.tokens[i].rewards) for i in lot.rows])
        next_row, next_at = data.gather(lot, "next_row"), data.gather(lot, "next_at")
        here, linked = next_row == own, (next_row != own) & (next_row != NOWHERE)
        starts = np.cumsum(lot.lengths) - lot.lengths
        flat = np.repeat(starts, [len(data.tokens[i].rewards) for i in lot.rows]) + next_at
        hidden, tokens = states(self.values, lot, flat[here])
        following = torch.zeros(len(tokens), device=hidden.device)
        with torch.no_grad():
            following[torch.from_numpy(here).to(hidden.device)] = self.values.state_values(hidden[len(tokens) :])
            if linked.any():
                beyond = self._linked(data, next_row[linked], next_at[linked], hidden.device)
                following[torch.from_numpy(linked).to(hidden.device)] = beyond
        return hidden[: len(tokens)], tokens, following

    def _linked(self, data: Data, row: np.ndarray, at: np.ndarray, device: torch.device) -> Tensor:
        """V at one position of each of some rows, which are read up to there: [len(row)]."""
        pieces = [data.rows[r].ids[: a + 1] for r, a in zip(row.tolist(), at.tolist(), strict=True)]
        lengths = [len(piece) for piece in pieces]
        ids = torch.from_numpy(np.concatenate(pieces).astype(np.int64)).to(device)
        return self.values.state_values(hidden_at(self.values, ids, lengths, np.cumsum(lengths) - 1))

    def after_step(self) -> None:
        """Move the target."""
        with torch.no_grad():
            for target, online in zip(self.target.parameters(), self.values.parameters(), strict=True):
                target.lerp_(online, self.settings.alpha)

    def save(self, directory: Path) -> None:
        """As every learner of values, and the target net."""
        super().save(directory)
        save_file(
            {k: v.contiguous().clone() for k, v in self.target.state_dict().items()}, directory / "target.safetensors"
        )

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        super().load(directory)
        self.target.load_state_dict(load_file(directory / "target.safetensors"))


def expectile(v: Tensor, u: Tensor, tau: float) -> Tensor:
    """1/2 |tau - 1(u < v)| (v - u)^2 with u held still (Kostrikov et al. 2021, IQL)."""
    return torch.where(u >= v.detach(), tau, 1.0 - tau) * squared(v, u)
