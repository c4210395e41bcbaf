"""A long history cut off at its older end: a world of which only the task and the newest words are in view, the plain
way to keep prompts short (arm (a) of specs/learn/webagent_r1).

    view at turn t    task, then as many of the newest words of o_1, a_1, ..., o_t as there is room for

The message at the cut loses its first words. As in `Compressed`, every turn opens a training row of its own, with the
prompt that the policy really read.
"""

from __future__ import annotations

from typing import Any

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Message
from turnwise.worlds.base import World
from turnwise.worlds.compressed import Compressed


class Truncated(Compressed):
    """Another world, with room for so many words of history.

    Args:
        world: what is played.
        words: of the newest messages that stay in view, the task not counted.
    """

    def __init__(self, world: World, words: int):
        if words < 1:
            raise TurnwiseError(f"a view of {words} words", "1 or more")
        super().__init__(world)
        self.words = words

    def settings(self) -> dict[str, Any]:
        """The world's own, and the room."""
        return {**self._world.settings(), "words": self.words}

    def _around(self, world: World) -> Truncated:
        return Truncated(world, self.words)

    def _view(self) -> tuple[Message, ...]:
        """The task and the newest words."""
        *earlier, newest = self._pages
        told = [m for page, said in zip(earlier, self._said, strict=True) for m in (*page, said)]
        return (self._task, *newest_words([*told, *newest], self.words))


def newest_words(messages: list[Message], words: int) -> list[Message]:
    """The end of a conversation, so many words long; of the message at the cut its last words stay."""
    kept: list[Message] = []
    for message in reversed(messages):
        if words <= 0:
            break
        kept.append(message if len(message.text.split()) <= words else ending(message, words))
        words -= len(message.text.split())
    return kept[::-1]


def ending(message: Message, words: int) -> Message:
    """Its last words, with the white space between them and behind."""
    text = message.text
    start = len(text)
    for word in reversed(text.split()[-words:]):
        start = text.rindex(word, 0, start)
    return Message(message.role, text[start:], writer=message.writer)
