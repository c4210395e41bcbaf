"""From episodes to training rows: exact ids, which of them may carry loss, and to which turn each belongs.

A row is a maximal run of turns in which each prompt extends the one before (specs/credit/baselines, "Masking and
tokens"):

    ids    [ prompt 0 | reply 0 | prompt 1 | reply 1 | ... | tail ]
    loss     0 0 0 0    1 1 1     0 0 0      1 1 1           0 0

A turn shared by several branches carries loss in the first row that holds it and in no other. Rows of a path that
broke (End.ERROR) carry no loss. The tail holds what was shown after the last turn of a path that was cut, so that a
critic can say what would have followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import End, Episode, Leaf, Message, Turn


class Renderer(Protocol):
    """The part of `turnwise.models.chat.Chat` that turns text into ids."""

    def open(self, messages: Sequence[Message]) -> list[int]: ...
    def extend(self, new: Sequence[Message], closed: bool) -> list[int]: ...
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

    def __len__(self) -> int:
        return len(self.ids)


def rows_of(episodes: Sequence[Episode], chat: Renderer | None = None, seat: str = "agent") -> list[Row]:
    """Training rows of a batch, in the order of episodes, paths and turns.

    Args:
        episodes: the record.
        chat: renders turns that hold no tokens (scripted players, people); without it such turns are an error.
        seat: whose turns are trained.
    """
    return [row for number, episode in enumerate(episodes) for row in _episode_rows(number, episode, chat, seat)]


def _episode_rows(number: int, episode: Episode, chat: Renderer | None, seat: str) -> Iterator[Row]:
    trained: set[int] = set()
    for leaf_number, leaf in enumerate(episode.ends):
        path = [i for i in episode.path(leaf_number) if episode.turns[i].seat == seat]
        broken = leaf.end is End.ERROR
        for run in _runs([episode.turns[i] for i in path], path):
            last = bool(path) and run[-1] == path[-1]
            row = _row(number, leaf_number, episode, run, chat, set(run) if broken else trained, leaf if last else None)
            trained.update(run)
            yield row
        if path and chat is not None and seat in leaf.fresh and _bootstraps(leaf, seat):
            yield _tail_row(number, leaf_number, leaf, seat, chat)


def _runs(turns: Sequence[Turn], path: Sequence[int]) -> Iterator[list[int]]:
    """Cut a path before every turn whose prompt does not extend the last one."""
    run: list[int] = []
    for turn, index in zip(turns, path, strict=True):
        if turn.fresh and run:
            yield run
            run = []
        run.append(index)
    if run:
        yield run


def _row(
    number: int,
    leaf_number: int,
    episode: Episode,
    run: Sequence[int],
    chat: Renderer | None,
    skip: set[int],
    leaf: Leaf | None,
) -> Row:
    pieces = _Pieces()
    spans: list[Span] = []
    closed = True
    for place, index in enumerate(run):
        turn = episode.turns[index]
        prompt, reply, drawn, logp = _turn_ids(turn, chat, first=place == 0, closed=closed)
        pieces.add(prompt)
        start = pieces.length
        pieces.add(reply, drawn & (index not in skip), logp)
        spans.append(Span(index, start, pieces.length))
        closed = chat is not None and len(reply) > 0 and int(reply[-1]) in chat.stop_ids
    tail = None
    if (
        leaf is not None
        and chat is not None
        and _bootstraps(leaf, seat := episode.turns[run[-1]].seat)
        and seat not in leaf.fresh
    ):
        pieces.add(np.asarray(chat.extend(leaf.seen.get(seat, ()), closed), np.int32))
        tail = pieces.length - 1
    return pieces.row(number, leaf_number, tuple(spans), tail)


def _tail_row(number: int, leaf_number: int, leaf: Leaf, seat: str, chat: Renderer) -> Row:
    """The state after a cut whose view no longer extends the last row: a row of its own, without loss."""
    pieces = _Pieces()
    pieces.add(np.asarray(chat.open(leaf.seen[seat]), np.int32))
    return pieces.row(number, leaf_number, (), pieces.length - 1)


def _bootstraps(leaf: Leaf, seat: str) -> bool:
    return not leaf.end.terminal and leaf.end is not End.ERROR and bool(leaf.seen.get(seat))


class _Pieces:
    """The arrays of a row while it grows."""

    def __init__(self) -> None:
        self.ids: list[np.ndarray] = []
        self.loss: list[np.ndarray] = []
        self.logprobs: list[np.ndarray] = []
        self.length = 0

    def add(self, ids: np.ndarray, loss: np.ndarray | None = None, logprobs: np.ndarray | None = None) -> None:
        self.ids.append(ids)
        self.loss.append(np.zeros(len(ids), bool) if loss is None else loss)
        self.logprobs.append(np.zeros(len(ids), np.float32) if logprobs is None else logprobs)
        self.length += len(ids)

    def row(self, episode: int, leaf: int, spans: tuple[Span, ...], tail: int | None) -> Row:
        return Row(
            episode,
            leaf,
            np.concatenate(self.ids),
            np.concatenate(self.loss),
            np.concatenate(self.logprobs),
            spans,
            tail,
        )


def _turn_ids(
    turn: Turn, chat: Renderer | None, first: bool, closed: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Prompt ids, reply ids, which of the reply may carry loss, and their log-probabilities."""
    tokens = turn.tokens
    if tokens is not None:
        return tokens.prompt, tokens.reply, tokens.sampled, tokens.logprobs
    if chat is None:
        raise TurnwiseError(
            f"a turn of {turn.seat!r} holds text but no tokens: {turn.message.text[:40]!r}",
            "token ids, or a chat rendering to make them with",
            "pass the policy's chat to rows_of",
        )
    prompt = chat.open(turn.seen) if first else chat.extend(turn.seen, closed)
    reply = np.asarray(chat.text_ids(turn.message.text), np.int32)
    return np.asarray(prompt, np.int32), reply, np.ones(len(reply), bool), np.zeros(len(reply), np.float32)
