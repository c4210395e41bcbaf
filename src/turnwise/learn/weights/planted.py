"""Policy gradient on a round in which old successes stand among fresh failures: RAPO's replay (specs/learn/rapo).

    ratio of a planted token = exp(log pi - log pi_then),  pi_then the policy that said it, as stored with the token

Where nothing was stored, or nothing shall be read, the ratio is forced: the token counts as if today's policy had said
it. That is biased, and `forced_ratio` in the update says how much of what was planted it concerns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from turnwise.core.errors import UnknownName
from turnwise.core.types import Batch, CreditTable, Episode, Seat, Update
from turnwise.learn.last_success import LastSuccess
from turnwise.learn.sequences import Row
from turnwise.learn.weights.lots import logprobs
from turnwise.learn.weights.plan import Plan
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.models.policy import Policy

RATIOS = ("stored", "forced")


class Planted(PolicyGradient):
    """Learner: a policy gradient whose batch an old success may stand in.

    Args:
        policy, settings, seed: as of `PolicyGradient`.
        buffer: has planted what the batch holds; learns what succeeded.
        ratio: `stored`, or `forced` everywhere.
        rests: whether a round that teaches nothing leaves the weights as they are; a step without gradient would still
            follow the momentum of the ones before.
        numbers: further ones for the update.
    """

    def __init__(
        self,
        policy: Policy,
        settings: PolicyGradientSettings,
        seed: int,
        buffer: LastSuccess,
        ratio: str = "stored",
        rests: bool = True,
        numbers: Callable[[], Mapping[str, float]] = dict,
    ):
        if ratio not in RATIOS:
            raise UnknownName("ratio", ratio, RATIOS)
        super().__init__(policy, settings, seed)
        self.buffer, self.ratio, self.rests, self.numbers = buffer, ratio, rests, numbers

    def rows(self, episodes: Sequence[Episode], seats: Sequence[Seat] = ()) -> list[Row]:
        """Training rows; a planted token without a log-probability of its own has today's."""
        found = super().rows(episodes, seats)
        forced = {n: mask for n, row in enumerate(found) if (mask := self.forced(row, episodes)).any()}
        today = logprobs(self.policy, [found[n] for n in forced], self.settings.batch_tokens)
        for (n, mask), logp in zip(forced.items(), today, strict=True):
            said = found[n].logprobs.copy()
            said[mask] = logp[mask[found[n].loss]]
            found[n] = replace(found[n], logprobs=said)
        return found

    def forced(self, row: Row, episodes: Sequence[Episode]) -> np.ndarray:
        """bool [N]: loss tokens of a planted episode whose ratio is forced."""
        mask = np.zeros(len(row), bool)
        if row.episode in self.buffer.planted:
            turns = episodes[row.episode].turns
            for span in row.spans:
                mask[span.start : span.end] = self.ratio == "forced" or turns[span.turn].tokens is None
        return mask & row.loss

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """As of the policy gradient; then the round's successes are kept."""
        (update,) = [self._rest(batch)] if self.rests and silent(batch) else super().learn(batch, progress)
        told = {"planted": float(len(self.buffer.planted)), **self._forced_share(batch), **self.numbers()}
        self.buffer.note(batch.episodes)
        told["stored_successes"] = float(len(self.buffer.held))
        return [replace(update, change={**update.change, **told})]

    def _rest(self, batch: Batch) -> Update:
        self.policy.version += 1
        (name,) = batch.credit
        return Update(self.slot, self.policy.version - 1, self.policy.version, {"steps": 0.0}, name)

    def _forced_share(self, batch: Batch) -> dict[str, float]:
        """Share of planted tokens whose ratio is forced; nothing where nothing was planted."""
        old = [row for row in super().rows(batch.episodes) if row.episode in self.buffer.planted]
        masks = [self.forced(row, batch.episodes)[row.loss] for row in old]
        return {"forced_ratio": float(np.concatenate(masks).mean())} if masks else {}

    def _plan(self, table: CreditTable, rows: Sequence[Row]) -> Plan:
        older = frozenset(n for n, row in enumerate(rows) if row.episode in self.buffer.planted)
        return replace(super()._plan(table, rows), older=older)

    def save(self, directory: Path) -> None:
        """The learner's state and the successes."""
        super().save(directory)
        self.buffer.save(directory)

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        super().load(directory)
        self.buffer.load(directory)


def silent(batch: Batch) -> bool:
    """Whether no turn has any credit."""
    (table,) = batch.credit.values()
    return not any(np.nan_to_num(entry).any() for entries in table.values for entry in entries)
