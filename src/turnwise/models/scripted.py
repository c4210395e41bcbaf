"""Models that are scripts: a list of replies, a function of what was seen, or a generator. Text only, for
tests and for replaying.

    Scripted(["look", "take lamp"])                       # the same replies in every conversation, in order
    Scripted(lambda seen: "yes" if "?" in seen[-1].text else "go on")
    def guess():                                          # receives what was seen, yields what is said
        seen = yield "is it larger than 50?"
        ...
    Scripted(guess)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Sequence
from typing import Any

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Message

Source = Sequence[str | Message] | Callable[..., Any]


class Scripted:
    """A model that says what its script says.

    Args:
        source: replies in order; or a function (messages in view) -> reply; or a generator function without
            arguments, which is sent
            the messages in view and yields replies.
    """

    def __init__(self, source: Source):
        self.source = source

    def open(self) -> Script:
        """A conversation of its own: it begins at the beginning."""
        return Script(self.source)


class Script:
    """One conversation with a scripted model."""

    def __init__(self, source: Source):
        self._source, self._said = source, 0
        self._running: Generator[Any, Any, Any] | None = None

    async def reply(self, messages: Sequence[Message], key: int = 0) -> Message:
        """The next reply.

        Args:
            messages: everything in view.
            key: of the draws; a script draws nothing.

        Raises:
            TurnwiseError: the script is at its end.
        """
        if not callable(self._source):
            if self._said == len(self._source):
                raise self._over()
            said: Any = self._source[self._said]
        elif inspect.isgeneratorfunction(self._source):
            try:
                if self._running is None:
                    self._running = self._source()
                    said = next(self._running)
                else:
                    said = self._running.send(messages)
            except StopIteration:
                raise self._over() from None
        else:
            said = self._source(messages)
        self._said += 1
        return said if isinstance(said, Message) else Message("assistant", said)

    def fork(self) -> Script:
        """A second conversation that goes on from here.

        Raises:
            TurnwiseError: a generator that has begun cannot be copied.
        """
        if self._running is not None:
            raise TurnwiseError(
                "a branch of a conversation with a generator",
                "a list or a function",
                "script the model with one of these",
            )
        twin = Script(self._source)
        twin._said = self._said
        return twin

    def _over(self) -> TurnwiseError:
        return TurnwiseError(
            f"a script of {self._said} replies was asked for one more",
            "a longer script, or a lower turn limit",
        )
