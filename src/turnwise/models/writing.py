"""What the engine is busy with: lines, requests, and the replies being written as one table of arrays.

Per token nothing happens in Python: a step changes whole columns, and only a reply that begins or ends is touched on its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from turnwise.core.types import Tokens
from turnwise.models.sampling import Laws, Sampling, streams, uniforms


@dataclass(slots=True, eq=False)
class Line:
    """A conversation that the engine remembers: its ids, and where the keys and values of the first `read` of them lie."""

    ids: list[int] = field(default_factory=list)
    read: int = 0
    block: int = -1  # of the cache; -1: no slot yet
    slot: int = -1
    busy: bool = False
    open: bool = True


@dataclass(slots=True, eq=False)
class Request:
    """One reply asked for."""

    line: Line
    prompt: np.ndarray  # int32: the ids that the caller added
    todo: np.ndarray  # int64: ids still to be read
    asked: int  # index in `todo` from which on predictions are wanted
    future: asyncio.Future[Tokens]
    sampling: Sampling | None = None  # None: the reply is given and only scored
    key: int = 0
    reply: np.ndarray | None = None  # int64: the given reply
    logprobs: list[np.ndarray] = field(default_factory=list)  # of the given reply, as far as it is read

    def finish(self, reply: np.ndarray, logprobs: np.ndarray, version: int) -> None:
        """Hand the reply to whoever waits for it."""
        self.line.ids.extend(reply.tolist())
        self.line.busy = False
        sampled = np.full(len(reply), self.sampling is not None)
        if not self.future.done():
            spans = ((version, 0, len(reply)),)
            self.future.set_result(Tokens(self.prompt, reply.astype(np.int32), logprobs, sampled, spans))


class Writing:
    """Replies under way, one row each: arrays [rows], and the tokens drawn so far [rows, columns]."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        none, whole = np.zeros(0), np.zeros(0, np.int64)
        self.block, self.slot, self.past, self.token, self.count, self.most, self.stop = (whole.copy() for _ in range(7))
        self.stream = np.zeros(0, np.uint64)
        self.temperature, self.top_p, self.top_k = none.copy(), none.copy(), whole.copy()
        self.drawn, self.logp = np.zeros((0, 16), np.int64), np.zeros((0, 16), np.float32)
        self._stops: dict[tuple[int, ...], int] = {}
        self._stop_table = np.zeros((0, 0), bool)  # [sets of stop ids, vocabulary]

    COLUMNS = ("block", "slot", "past", "token", "count", "most", "stop", "stream", "temperature", "top_p", "top_k", "drawn", "logp")

    def __len__(self) -> int:
        return len(self.requests)

    def admit(self, ready: Sequence[Request], vocabulary: int) -> None:
        """Add requests whose prompts are read."""
        if not ready:
            return
        laws = [r.sampling for r in ready if r.sampling is not None]
        fresh = {
            "block": np.array([r.line.block for r in ready]),
            "slot": np.array([r.line.slot for r in ready]),
            "past": np.array([r.line.read for r in ready]),
            "most": np.array([law.max_new for law in laws]),
            "stop": np.array([self._stop_set(law.stop_ids, vocabulary) for law in laws]),
            "stream": streams(np.array([r.key for r in ready], np.uint64)),
            "temperature": np.array([law.temperature for law in laws], np.float64),
            "top_p": np.array([law.top_p for law in laws], np.float64),
            "top_k": np.array([law.top_k for law in laws]),
        }
        for name in self.COLUMNS:
            old = getattr(self, name)
            new = fresh.get(name, np.zeros((len(ready), *old.shape[1:]), old.dtype))
            setattr(self, name, np.concatenate([old, new]))
        self.requests.extend(ready)

    def uniforms(self) -> np.ndarray:
        """The number that draws each row's next token, float64 [rows] in [0, 1)."""
        return uniforms(self.stream, self.count)

    def laws(self) -> Laws:
        """The law of each row."""
        return Laws.of(self.temperature, self.top_p, self.top_k)

    def push(self, token: np.ndarray, logp: np.ndarray, version: int) -> None:
        """Append one token to every row; hand back and drop the rows that end with it."""
        width = self.drawn.shape[1]
        if len(self) and self.count.max() >= width:
            self.drawn, self.logp = (np.pad(x, ((0, 0), (0, width))) for x in (self.drawn, self.logp))
        rows = np.arange(len(self))
        self.drawn[rows, self.count], self.logp[rows, self.count] = token, logp
        self.token = token
        self.count += 1
        done = self._stop_table[self.stop, token] | (self.count >= self.most)
        if not done.any():
            return
        for i in np.flatnonzero(done).tolist():
            request, n = self.requests[i], int(self.count[i])
            request.line.read = int(self.past[i])
            request.finish(self.drawn[i, :n], self.logp[i, :n].copy(), version)
        self.keep(~done)

    def keep(self, rows: np.ndarray) -> None:
        """Drop all rows but these: bool [rows]."""
        for name in self.COLUMNS:
            setattr(self, name, getattr(self, name)[rows])
        self.requests = [self.requests[i] for i in np.flatnonzero(rows).tolist()]

    def _stop_set(self, ids: tuple[int, ...], vocabulary: int) -> int:
        if ids not in self._stops:
            row = np.zeros((1, vocabulary), bool)
            row[0, list(ids)] = True
            self._stop_table = np.concatenate([self._stop_table.reshape(len(self._stops), vocabulary), row])
            self._stops[ids] = len(self._stops)
        return self._stops[ids]
