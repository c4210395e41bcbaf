"""From episodes to training rows: exact ids, which of them may carry loss, and to which turn each belongs.

A row is a maximal run of turns in which each prompt extends the one before (specs/credit/baselines, "Masking and
tokens"):

    ids    [ prompt 0 | reply 0 | prompt 1 | reply 1 | ... | tail ]
    loss     0 0 0 0    1 1 1     0 0 0      1 1 1           0 0

A turn shared by several branches carries loss in the first row that may train it and in no other. A path that broke
(End.ERROR) trains nothing, and leaves what it shares with another branch to that one. The tail holds what was shown
after the last turn of a path that was cut, so that a critic can say what would have followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import End, Episode, Leaf, Message, Seat, Turn


class Renderer(Protocol):
    """The part of `turnwise.models.chat.Chat` that turns text into ids."""

    extends: bool  # False: the rendering rewrites what stands before, so every turn opens a row

    def open(self, messages: Sequence[Message]) -> list[int]: ...
    def extend(self, messages: Sequence[Message], closed: bool) -> list[int]: ...
    def text_ids(self, text: str) -> list[int]: ...
    @property
    def stop_ids(self) -> tuple[int, ...]: ...


@dataclass(frozen=True, slots=True)
class Span:
    """Where a turn's reply lies in a row: ids[start:end]; the state it was chosen in is read at start - 1."""

    turn: int  # index in Episode.turns
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Row:
    """One sequence of ids for one forward pass."""

    episode: int  # index in the batch
    leaf: int  # path it lies on
    ids: np.ndarray  # int32 [N]
    loss: np.ndarray  # bool [N]: token j was written by the learning agent, and no other row trains it
    logprobs: np.ndarray  # float32 [N]: as sampled; 0 where not sampled
    spans: tuple[Span, ...]
    tail: int | None = None  # position of the last id of the state after a cut, None otherwise
    seat: Seat = "agent"  # whose turns these are

    def __len__(self) -> int:
        return len(self.ids)


def rows_of(
    episodes: Sequence[Episode], chat: Renderer | None = None, seat: Seat = "agent", longest: int | None = None
) -> list[Row]:
    """Training rows of a batch, in the order of episodes, paths and turns.

    Args:
        episodes: the record.
        chat: renders turns that hold no tokens (scripted players, people); without it such turns are an error.
        seat: whose turns are trained.
        longest: ids that a model can read; a tail that goes beyond is read as far as that.
    """
    return [row for number, episode in enumerate(episodes) for row in _Rows(number, episode, chat, seat, longest).all()]


def rows_of_seats(
    episodes: Sequence[Episode], chat: Renderer | None, seats: Sequence[Seat], longest: int | None = None
) -> list[Row]:
    """Training rows of several seats, one seat after the other; each carries loss on its own seat's words alone."""
    return [row for seat in seats for row in rows_of(episodes, chat, seat, longest)]


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the seat was shown before a turn, or after its last one."""

    messages: tuple[Message, ...]  # what was new, or the whole view where a row begins
    begins: bool  # whether a row begins here


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one episode."""

    number: int
    episode: Episode
    chat: Renderer | None
    seat: Seat
    longest: int | None

    def all(self) -> Iterator[Row]:
        trained: set[int] = set()
        for leaf_number, leaf in enumerate(self.episode.ends):
            path = [i for i in self.episode.path(leaf_number) if self.episode.turns[i].seat == self.seat]
            *before, after = self._heard(path, leaf)
            pieces: _Pieces | None = None
            for index, heard in zip(path, before, strict=True):
                if pieces is None or heard.begins:
                    if pieces is not None:
                        yield pieces.row(self, leaf_number)
                    pieces = _Pieces()
                self._add(pieces, index, heard, carries_loss=leaf.end is not End.ERROR and index not in trained)
            if leaf.end is not End.ERROR:
                trained.update(path)
            if pieces is not None:
                yield from self._last(pieces, leaf_number, leaf, after)

    def _heard(self, path: Sequence[int], leaf: Leaf) -> list[_Heard]:
        """One entry per turn of the path, and one for what was shown after it."""
        turns = [self.episode.turns[i] for i in path]
        shown = [(turn.seen, turn.fresh) for turn in turns]
        shown.append((leaf.seen.get(self.seat, ()), self.seat in leaf.fresh))
        if self.chat is None or self.chat.extends:
            return [_Heard(*one) for one in shown]
        view: tuple[Message, ...] = ()
        heard = []
        for before, (seen, fresh) in zip((None, *turns), shown, strict=True):
            view = seen if fresh or before is None else (*view, before.message, *seen)
            heard.append(_Heard(view, True))
        return heard

    def _add(self, pieces: _Pieces, index: int, heard: _Heard, carries_loss: bool) -> None:
        """A turn's prompt and reply."""
        turn = self.episode.turns[index]
        if turn.tokens is not None:
            prompt, reply = turn.tokens.prompt, turn.tokens.reply
            drawn, logprobs = turn.tokens.sampled, turn.tokens.logprobs
        else:
            chat = self._renderer(turn)
            prompt = np.asarray(self._prompt(chat, pieces, heard), np.int32)
            reply = np.asarray(chat.text_ids(turn.message.text), np.int32)
            drawn, logprobs = np.ones(len(reply), bool), np.zeros(len(reply), np.float32)
        pieces.add(prompt)
        pieces.spans.append(Span(index, pieces.length, pieces.length + len(reply)))
        pieces.add(reply, drawn & carries_loss, logprobs)

    def _last(self, pieces: _Pieces, leaf_number: int, leaf: Leaf, after: _Heard) -> Iterator[Row]:
        """The row that is still open, with the state after a cut as its tail, or in a row of its own where the view
        does not extend.
        """
        cut = not leaf.end.terminal and leaf.end is not End.ERROR
        if self.chat is None or not cut:
            yield pieces.row(self, leaf_number)
            return
        if after.begins:
            yield pieces.row(self, leaf_number)
            pieces = _Pieces()
        ids = self._prompt(self.chat, pieces, after)
        room = None if self.longest is None else max(0, self.longest - pieces.length)
        pieces.add(np.asarray(ids[:room], np.int32))
        yield pieces.row(self, leaf_number, tail=pieces.length - 1)

    def _prompt(self, chat: Renderer, pieces: _Pieces, heard: _Heard) -> list[int]:
        """Ids of what was shown, as they follow what the row holds."""
        if not pieces.length:
            return chat.open(heard.messages)
        return chat.extend(heard.messages, closed=pieces.last in chat.stop_ids)

    def _renderer(self, turn: Turn) -> Renderer:
        if self.chat is None:
            raise TurnwiseError(
                f"a turn of {turn.seat!r} holds text but no tokens: {turn.message.text[:40]!r}",
                "token ids, or a chat rendering to make them with",
                "pass the policy's chat to rows_of",
            )
        return self.chat


class _Pieces:
    """The arrays of a row while it grows."""

    def __init__(self) -> None:
        self.ids: list[np.ndarray] = []
        self.loss: list[np.ndarray] = []
        self.logprobs: list[np.ndarray] = []
        self.spans: list[Span] = []
        self.length, self.last = 0, -1  # ids so far, and the last of them

    def add(self, ids: np.ndarray, loss: np.ndarray | None = None, logprobs: np.ndarray | None = None) -> None:
        self.ids.append(ids)
        self.loss.append(np.zeros(len(ids), bool) if loss is None else loss)
        self.logprobs.append(np.zeros(len(ids), np.float32) if logprobs is None else logprobs)
        self.length += len(ids)
        self.last = int(ids[-1]) if len(ids) else self.last

    def row(self, of: _Rows, leaf: int, tail: int | None = None) -> Row:
        return Row(
            of.number,
            leaf,
            np.concatenate(self.ids),
            np.concatenate(self.loss),
            np.concatenate(self.logprobs),
            tuple(self.spans),
            tail,
            of.seat,
        )
