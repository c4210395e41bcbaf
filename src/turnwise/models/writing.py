"""What the engine is busy with: lines, requests, and the replies being written as one table of arrays.

Per token nothing happens in Python: a step changes whole columns, and only a reply that begins or ends is
touched on its own.
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
    """A conversation that the engine remembers: its ids, and where the keys and values of the first `read` of
    them lie.
    """

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


WHERE = np.dtype(
    [
        ("block", np.int64),  # where its keys and values lie
        ("slot", np.int64),
        ("past", np.int64),  # tokens of the line that are read
    ]
)
ROW = np.dtype(
    [
        *((name, WHERE[name]) for name in ("block", "slot", "past")),
        ("token", np.int64),  # the last one drawn, which the next step reads
        ("count", np.int64),  # tokens drawn
        ("most", np.int64),
        ("stop", np.int64),  # which set of stop ids
        ("stream", np.uint64),
        ("temperature", np.float64),
        ("top_p", np.float64),
        ("top_k", np.int64),
    ]
)


class Writing:
    """Replies under way: a table `rows` [rows] and the tokens drawn so far [rows, columns]."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.rows = np.zeros(0, ROW)
        self.drawn: np.ndarray = np.zeros((0, 16), np.int64)
        self.logp: np.ndarray = np.zeros((0, 16), np.float32)
        self._stops: dict[tuple[int, ...], int] = {}
        self._stop_table: np.ndarray = np.zeros((0, 0), bool)  # [sets of stop ids, vocabulary]

    def __len__(self) -> int:
        return len(self.requests)

    def admit(self, ready: Sequence[Request], vocabulary: int) -> None:
        """Add requests whose prompts are read."""
        if not ready:
            return
        begun = []
        for request in ready:
            line, law = request.line, request.sampling
            assert law is not None
            stop = self._stop_set(law.stop_ids, vocabulary)
            where = line.block, line.slot, line.read, 0, 0
            begun.append((*where, law.max_new, stop, request.key, law.temperature, law.top_p, law.top_k))
        rows = np.array(begun, ROW)
        rows["stream"] = streams(rows["stream"])
        self.rows = np.concatenate([self.rows, rows])
        self.drawn, self.logp = (np.pad(x, ((0, len(ready)), (0, 0))) for x in (self.drawn, self.logp))
        self.requests.extend(ready)

    def uniforms(self) -> np.ndarray:
        """The number that draws each row's next token, float64 [rows] in [0, 1)."""
        return uniforms(self.rows["stream"], self.rows["count"])

    def laws(self) -> Laws:
        """The law of each row."""
        return Laws.of(self.rows["temperature"], self.rows["top_p"], self.rows["top_k"])

    def push(self, token: np.ndarray, logp: np.ndarray, version: int) -> None:
        """Append one token to every row; hand back and drop the rows that end with it."""
        rows, width = self.rows, self.drawn.shape[1]
        if rows["count"].max() >= width:
            self.drawn, self.logp = (np.pad(x, ((0, 0), (0, width))) for x in (self.drawn, self.logp))
        everyone = np.arange(len(rows))
        self.drawn[everyone, rows["count"]], self.logp[everyone, rows["count"]] = token, logp
        rows["token"] = token
        rows["count"] += 1
        done = self._stop_table[rows["stop"], token] | (rows["count"] >= rows["most"])
        if not done.any():
            return
        for i in np.flatnonzero(done).tolist():
            request, n = self.requests[i], int(rows["count"][i])
            request.line.read = int(rows["past"][i])
            request.finish(self.drawn[i, :n], self.logp[i, :n].copy(), version)
        self.keep(~done)

    def keep(self, rows: np.ndarray) -> None:
        """Drop all rows but these: bool [rows]."""
        self.rows, self.drawn, self.logp = self.rows[rows], self.drawn[rows], self.logp[rows]
        self.requests = [self.requests[i] for i in np.flatnonzero(rows).tolist()]

    def _stop_set(self, ids: tuple[int, ...], vocabulary: int) -> int:
        if ids not in self._stops:
            row = np.zeros((1, vocabulary), bool)
            row[0, list(ids)] = True
            self._stop_table = np.concatenate([self._stop_table.reshape(-1, vocabulary), row])
            self._stops[ids] = len(self._stops)
        return self._stops[ids]
