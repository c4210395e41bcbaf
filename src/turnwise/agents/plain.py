"""The plain agent: what it sees goes in, what the model says comes out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from turnwise.core.cursor import Leave
from turnwise.core.protocols import View
from turnwise.core.types import Act, End, Message

if TYPE_CHECKING:
    from turnwise.models.engine import Engine, Line
    from turnwise.models.sampling import Sampling


@dataclass(frozen=True, slots=True)
class Carried:
    """The private state of one path after a turn, which stays true of its beginning when the line grows."""

    line: Line
    closed: bool  # whether the last reply closed its turn
    length: int  # ids of the line that belong to it


class PlainAgent:
    """A language model in a seat, each turn reading only what is new.

    Args:
        engine: samples; holds the policy and each path's key-value cache.
        sampling: temperature and limits of a reply.
        name: for the record.
    """

    slots: tuple[str, ...] = ("weights",)

    def __init__(self, engine: Engine, sampling: Sampling, name: str = "plain"):
        self.engine, self.name = engine, name
        self.chat = engine.policy.chat
        self.sampling = dataclasses.replace(sampling, stop_ids=self.chat.stop_ids)

    async def act(self, view: View, carry: Carried | None) -> Act:
        """One reply. Leaves with End.TOKENS when the model's context would overflow."""
        if carry is not None and (view.fresh or not self.chat.extends):
            self.close(carry)
            carry = None
        ids = self.chat.open(view.messages) if carry is None else self.chat.extend(view.new, carry.closed)
        held = 0 if carry is None else len(carry.line.ids)
        if held + len(ids) + self.sampling.max_new > self.engine.longest:
            raise Leave(End.TOKENS)
        line = self.engine.open() if carry is None else carry.line
        tokens = await self.engine.reply(line, ids, self.sampling, view.chance_key)
        message = Message("assistant", self.chat.decode(tokens.reply.tolist()))
        closed = len(tokens.reply) > 0 and int(tokens.reply[-1]) in self.chat.stop_ids
        carried = Carried(line, closed, len(line.ids))
        return Act(message, carried, tokens, version=self.engine.policy.version)

    async def continued(self, view: View, begun: Sequence[int], key: int, temperature: float) -> Act:
        """How a reply that begins with given ids may go on: the rest of it.

        The prompt holds what was begun, and nothing stays in any line.
        """
        most = self.sampling.max_new - len(begun)
        how = dataclasses.replace(self.sampling, temperature=temperature, max_new=most)
        line = self.engine.open()
        try:
            tokens = await self.engine.reply(line, [*self.chat.open(view.messages), *begun], how, key)
        finally:
            self.engine.close(line)
        rest = Message("assistant", self.chat.decode(tokens.reply.tolist()))
        return Act(rest, None, tokens, version=self.engine.policy.version)

    def score(self, views: Sequence[Sequence[Message]], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """What the model believes: per view float64 [A], its probability of each of A answers among them.

        A question aside: nothing is drawn, and nothing of it stays in any line.
        """
        from turnwise.models.options import shares

        return shares(self.engine.policy, views, options)

    def fork(self, carry: Carried | None) -> Carried | None:
        """A line of its own that starts with the same cache, as far as it was read then: a turn that was taken since is
        left out. None, to be read anew, where the view has let go of all that the line held.
        """
        if carry is None or not carry.line.open:
            return None
        line = self.engine.fork(carry.line)
        self.engine.rewind(line, carry.length)
        return Carried(line, carry.closed, carry.length)

    def close(self, carry: Any) -> None:
        """Give the cache slot back."""
        if carry is not None:
            self.engine.close(carry.line)
