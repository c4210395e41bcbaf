"""Reading a conversation that grows: each message once, whoever else's conversations are read in between."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from turnwise.core.types import Message

S = TypeVar("S")
MOST = 4096
"""Conversations that a reader remembers."""


class Reader(Generic[S]):
    """What a conversation comes to, message by message.

    A reader goes on from where it stopped if the messages it has read are still the first ones, and else begins anew:
    what it says depends on the messages alone.

    Args:
        begin: what is known before the first message.
        take: what one more message makes of it; it may change what it is given.
    """

    def __init__(self, begin: Callable[[], S], take: Callable[[S, Message], S]):
        self.begin, self.take = begin, take
        self._read: OrderedDict[int, tuple[tuple[Message, ...], S]] = OrderedDict()

    def __call__(self, messages: Sequence[Message]) -> S:
        seen = tuple(messages)
        known, state = self._read.pop(id(seen[0]), ((), None)) if seen else ((), None)
        if state is None or seen[: len(known)] != known:
            known, state = (), self.begin()
        for message in seen[len(known) :]:
            state = self.take(state, message)
        if seen:
            self._read[id(seen[0])] = seen, state
        if len(self._read) > MOST:
            self._read.popitem(last=False)
        return state
