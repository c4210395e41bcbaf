"""One step of the engine: prompts that are read and replies that are written, in one flat forward."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from turnwise.models.cache import Cache
from turnwise.models.cached import Cached
from turnwise.models.policy import Policy
from turnwise.models.ragged import positions
from turnwise.models.sampling import draw
from turnwise.models.writing import WHERE, Request, Writing

LOGITS = 1 << 26  # logits held at once, at most


@dataclass(slots=True)
class Counters:
    """Where the time went, and what was done in it."""

    forward: float = 0.0  # seconds in the model: layers, attention, output head
    schedule: float = 0.0  # seconds of admitting, planning, drawing and handing back
    elsewhere: float = 0.0  # seconds in which agents and worlds had the processor while the engine had work
    read: int = 0  # prompt tokens read
    written: int = 0  # tokens drawn
    scored: int = 0  # tokens of given replies
    steps: int = 0


class Batch:
    """Everything under way.

    Args:
        policy: whose weights speak.
        cache: where keys and values lie.
        counters: added to in every step.
        budget: tokens of one forward at most.
    """

    def __init__(self, policy: Policy, cache: Cache, counters: Counters, budget: int):
        self.policy, self.cache, self.counters, self.budget = policy, cache, counters, budget
        self.groups = policy.heads[0] // policy.heads[1]
        self.reading: list[Request] = []
        self.writing = Writing()

    def __len__(self) -> int:
        return len(self.reading) + len(self.writing)

    @property
    def requests(self) -> list[Request]:
        return [*self.reading, *self.writing.requests]

    def drop(self, request: Request) -> None:
        """Forget a request that nobody waits for."""
        self.reading = [r for r in self.reading if r is not request]
        self.writing.keep(np.array([r is not request for r in self.writing.requests], bool))

    @torch.inference_mode()
    def step(self) -> None:
        """Read a piece of every prompt and the last token of every reply; draw where a prompt ends."""
        begun, forward = time.perf_counter(), self.counters.forward
        readers, pieces = self._pieces()
        self._make_room(readers, pieces)
        hidden, starts = self._forward(readers, pieces)
        ready, at = [], starts[: len(self.writing)].tolist()
        for start, request, piece in zip(starts[len(self.writing) :].tolist(), readers, pieces, strict=True):
            request.line.read += len(piece)
            if request.sampling is None:
                self._score(request, hidden[start + max(0, request.asked) : start + len(piece)])
            elif len(piece) == len(request.todo):
                ready.append(request)
                at.append(start + len(piece) - 1)
            request.todo, request.asked = request.todo[len(piece) :], request.asked - len(piece)
        self.reading = [r for r in self.reading if len(r.todo)]
        self.writing.rows["past"] += 1
        self.writing.admit(ready, self.policy.vocabulary)
        if at:
            self._draw(hidden.index_select(0, torch.tensor(at, device=hidden.device)))
        self.counters.steps += 1
        self.counters.schedule += time.perf_counter() - begun - (self.counters.forward - forward)

    def _pieces(self) -> tuple[list[Request], list[np.ndarray]]:
        """What each prompt reads in this step: first come first, within the budget."""
        left, readers, pieces = max(1, self.budget - len(self.writing)), [], []
        for request in self.reading:
            if left == 0:
                break
            readers.append(request)
            pieces.append(request.todo[:left])
            left -= len(pieces[-1])
        self.counters.read += sum(map(len, pieces))
        return readers, pieces

    def _make_room(self, readers: list[Request], pieces: list[np.ndarray]) -> None:
        """A slot for every line that has none, a larger one for every line that outgrows its own."""
        rows, capacity = self.writing.rows, self.cache.capacity
        tight = np.flatnonzero(rows["past"] + 1 > capacity[rows["block"]])
        lines = [self.writing.requests[i].line for i in tight.tolist()]
        held, needed = rows["past"][tight].tolist(), (rows["past"][tight] + 1).tolist()
        for request, piece in zip(readers, pieces, strict=True):
            line = request.line
            if line.block < 0 or line.read + len(piece) > capacity[line.block]:
                lines.append(line)
                held.append(line.read)
                needed.append(line.read + len(piece))
        if lines:
            self.cache.grow(lines, np.array(held), np.array(needed))
            rows["block"][tight] = [line.block for line in lines[: len(tight)]]
            rows["slot"][tight] = [line.slot for line in lines[: len(tight)]]

    def _forward(self, readers: list[Request], pieces: list[np.ndarray]) -> tuple[torch.Tensor, np.ndarray]:
        """Last hidden states of all tokens [N, hidden].

        Also where those of each row begin: int64 [rows being written, then readers].
        """
        writing = self.writing.rows
        reading = np.array([(r.line.block, r.line.slot, r.line.read) for r in readers], WHERE)
        block, slot, past = (np.concatenate([writing[name], reading[name]]) for name in ("block", "slot", "past"))
        new = np.concatenate([np.ones(len(writing), np.int64), np.array([len(p) for p in pieces], np.int64)])
        order = Cached.order(block, slot, past, new)
        ids, unsorted = np.concatenate([writing["token"], *pieces]), np.cumsum(new) - new
        ids = ids[positions(new[order], unsorted[order])]
        where = positions(new[order], past[order])
        plan = Cached(self.cache, block[order], slot[order], past[order], new[order], self.groups)
        device, since = self.policy.device, self._now()
        hidden = self.policy.read(torch.from_numpy(ids).to(device), torch.from_numpy(where).to(device), plan)
        self.counters.forward += self._now() - since
        starts = np.empty(len(order), np.int64)
        starts[order] = np.cumsum(new[order]) - new[order]
        return hidden, starts

    def _score(self, request: Request, hidden: torch.Tensor) -> None:
        """Log-probabilities of the next ids of a given reply, as far as this piece predicts them."""
        assert request.reply is not None
        since, done = self._now(), sum(map(len, request.logprobs))
        rows = max(1, LOGITS // self.policy.vocabulary)
        target = torch.from_numpy(request.reply[done : done + len(hidden)]).to(hidden.device)[:, None]
        for part, wanted in zip(hidden.split(rows), target.split(rows), strict=True):
            logp = torch.log_softmax(self.policy.head(part).float(), -1).gather(1, wanted)
            request.logprobs.append(logp[:, 0].cpu().numpy())
        self.counters.forward += self._now() - since
        self.counters.scored += len(hidden)
        if done + len(hidden) == len(request.reply):
            request.finish(request.reply, np.concatenate(request.logprobs), self.policy.version)

    def _draw(self, hidden: torch.Tensor) -> None:
        """The next token of every row being written."""
        laws, u = self.writing.laws(), self.writing.uniforms()
        rows, tokens, logps = max(1, LOGITS // self.policy.vocabulary), [], []
        for first in range(0, len(hidden), rows):
            part = slice(first, first + rows)
            since = self._now()
            logits = self.policy.head(hidden[part])
            self.counters.forward += self._now() - since
            token, logp = draw(logits, laws.rows(part), u[part])
            tokens.append(token)
            logps.append(logp)
        self.counters.written += len(hidden)
        self.writing.push(np.concatenate(tokens), np.concatenate(logps), self.policy.version)

    def _now(self) -> float:
        """Seconds on the clock, once a graphics card has finished: a part's time is its own."""
        if self.policy.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()
