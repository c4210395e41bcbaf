"""The engine: many live conversations, one forward per step.

Each open line keeps its keys and values across its turns; only new ids are read. At every step all requests
that wait are admitted, all replies that stopped are handed back, and rows that read a prompt share one flat
forward with rows that write. Whoever awaits a reply goes on as soon as it is there, so worlds, agents and the
engine interleave in one asyncio loop without threads.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

import numpy as np
import torch

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Tokens
from turnwise.models.batch import Batch, Counters
from turnwise.models.cache import Cache
from turnwise.models.policy import Policy
from turnwise.models.sampling import Sampling
from turnwise.models.writing import Line, Request

WORD = (1 << 64) - 1
CALM = 3  # loop rounds without a new request after which everybody is taken to wait


class Engine:
    """Continuous batching over one policy.

    Args:
        policy: whose weights speak. After a change of its weights call `refresh`.
        max_rows: replies under way at once; more wait their turn. Live lines have no limit but memory.
        budget: tokens of one forward at most; bounds the memory of activations.
        cache_dtype: of stored keys and values; None takes the policy's. bfloat16 halves memory;
            log-probabilities then differ by about 1e-2.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        max_rows: int | None = None,
        budget: int = 8192,
        cache_dtype: torch.dtype | None = None,
    ):
        self.policy, self.budget, self.max_rows = policy, budget, min(max_rows or budget, budget)
        _, kv_heads, width = policy.heads
        self.cache = Cache(policy.layers, kv_heads, width, cache_dtype or policy.dtype, policy.device)
        self.longest, self.vocabulary = policy.longest, policy.vocabulary
        self.counters = Counters()
        self.lines: set[Line] = set()
        self._waiting: deque[Request] = deque()
        self._batch = Batch(policy, self.cache, self.counters, budget)
        self._driver: asyncio.Task[None] | None = None

    def open(self) -> Line:
        """A new line, empty."""
        line = Line()
        self.lines.add(line)
        return line

    def fork(self, line: Line) -> Line:
        """A second line with the same past; its keys and values are copied, not computed again."""
        self._idle(line)
        twin = self.open()
        twin.ids, twin.read = list(line.ids), line.read
        if line.read:
            block, slot = self.cache.take(line.read)
            twin.block, twin.slot = int(block[0]), int(slot[0])
            self.cache.copy(np.array([line.block]), np.array([line.slot]), block, slot, np.array([line.read]))
        return twin

    def rewind(self, line: Line, length: int) -> None:
        """Forget all but the first `length` ids of a line."""
        self._idle(line)
        if not 0 <= length <= len(line.ids):
            raise TurnwiseError(
                f"a line of {len(line.ids)} ids was to be rewound to {length}",
                f"a length from 0 to {len(line.ids)}",
            )
        del line.ids[length:]
        line.read = min(line.read, length)

    def close(self, line: Line) -> None:
        """Forget a line and free its slot; closing twice is no mistake."""
        if line.open:
            self._idle(line)
            line.open = False
            self.lines.discard(line)
            self._unread(line)

    def refresh(self) -> None:
        """The weights have changed: what the old ones computed is dropped, live lines are read again."""
        if self._busy:
            raise TurnwiseError(
                "the weights changed while replies were under way",
                "no reply under way",
                "await all replies, then refresh",
            )
        for line in self.lines:
            self._unread(line)
        self.cache.trim()

    async def reply(self, line: Line, new_ids: Sequence[int], sampling: Sampling, key: int) -> Tokens:
        """Append ids to a line and sample a reply.

        Args:
            new_ids: ids since the last reply; only these are read. May be empty where the line holds ids
                already.
            sampling: the law, the stop ids and the longest reply.
            key: 64 bits that fix the draws of this reply, whoever else shares the batch.

        Returns:
            prompt: new_ids; reply: the ids drawn, a stop id included; logprobs under the law sampled from (0
                where greedy).
        """
        most, stops = sampling.max_new, sampling.stop_ids
        return await self._ask(line, new_ids, most, stops, sampling=sampling, key=key & WORD)

    async def score(self, line: Line, new_ids: Sequence[int], reply_ids: Sequence[int]) -> Tokens:
        """Append ids and a given reply: its log-probabilities under the policy itself; `sampled` is False."""
        if len(reply_ids) == 0:
            raise TurnwiseError("an empty reply was to be scored", "at least one id")
        given = np.asarray(reply_ids, np.int64)
        return await self._ask(line, new_ids, len(given), given.tolist(), reply=given)

    def run(self, coroutines: Iterable[Coroutine[Any, Any, Any]]) -> list[Any]:
        """Play coroutines to their end in an asyncio loop of their own; the first exception ends all.

        Returns:
            Their results, in their order.
        """

        async def together() -> list[Any]:
            tasks = [asyncio.ensure_future(c) for c in coroutines]
            try:
                return await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

        gc.freeze()  # what stands already is no garbage of this play; why walk all of torch again and again
        try:
            return asyncio.run(together())
        finally:
            gc.unfreeze()

    @property
    def _busy(self) -> bool:
        return bool(self._waiting or len(self._batch))

    def _idle(self, line: Line) -> None:
        if line.busy or not line.open:
            state = "has a reply under way" if line.busy else "is closed"
            raise TurnwiseError(
                f"a line that {state} was used",
                "an open line at rest",
                "await its reply first, or open a new line",
            )

    def _unread(self, line: Line) -> None:
        """Free the slot of a line."""
        if line.block >= 0:
            self.cache.give(line.block, line.slot)
        line.block, line.slot, line.read = -1, -1, 0

    async def _ask(self, line: Line, new_ids: Sequence[int], most: int, given: Sequence[int], **how: Any) -> Tokens:
        self._idle(line)
        ids = np.asarray(new_ids, np.int32).tolist()
        self._check(line, ids, most, given)
        line.ids.extend(ids)
        line.read = min(line.read, len(line.ids) - 1)  # something must be read to predict what follows it
        todo = np.array(line.ids[line.read :], np.int64)
        loop, asked, reply = asyncio.get_running_loop(), len(todo) - 1, how.get("reply")
        if reply is not None:
            todo = np.concatenate([todo, reply[:-1]])
        request = Request(line, np.array(ids, np.int32), todo, asked, loop.create_future(), **how)
        line.busy = True
        self._waiting.append(request)
        if self._driver is None or self._driver.done() or self._driver.get_loop() is not loop:
            self._driver = loop.create_task(self._drive())
        try:
            return await request.future
        except asyncio.CancelledError:
            self._withdraw(request)
            raise

    def _check(self, line: Line, prompt: Sequence[int], most: int, given: Sequence[int]) -> None:
        """Refuse what would break the step that others share. The reply has `most` ids, with `given` ones."""
        if not line.ids and not len(prompt):
            raise TurnwiseError("a reply was asked for on a line without ids", "a prompt of at least one id")
        if len(line.ids) + len(prompt) + most - 1 > self.longest:
            raise TurnwiseError(
                f"{len(line.ids) + len(prompt)} ids and a reply of up to {most}",
                f"together at most {self.longest + 1}, which is what the model reads",
                "lower max_new or the turn limit",
            )
        for ids in (prompt, given):
            if len(ids) and not 0 <= min(ids) <= max(ids) < self.vocabulary:
                raise TurnwiseError(
                    f"ids from {min(ids)} to {max(ids)}",
                    f"ids from 0 to {self.vocabulary - 1}",
                    "encode with the policy's own chat",
                )

    def _withdraw(self, request: Request) -> None:
        """Drop a request nobody waits for any more; its line stays at what was asked."""
        self._waiting = deque(r for r in self._waiting if r is not request)
        self._batch.drop(request)
        request.line.busy = False
        request.line.read = min(request.line.read, len(request.line.ids))

    async def _drive(self) -> None:
        """Step while there is anything to do; before each step everybody who can go on goes on."""
        try:
            while True:
                since = time.perf_counter()
                seen, calm = -1, 0
                while calm < CALM:
                    await asyncio.sleep(0)
                    calm = calm + 1 if seen == len(self._waiting) else 0
                    seen = len(self._waiting)
                self.counters.elsewhere += time.perf_counter() - since
                if not self._busy:
                    return
                while self._waiting and len(self._batch) < self.max_rows:
                    self._batch.reading.append(self._waiting.popleft())
                self._batch.step()
        except BaseException as error:
            self._give_up(error)
            if not isinstance(error, Exception):
                raise

    def _give_up(self, error: BaseException) -> None:
        """A step broke: everybody who waits is told, and the lines start over."""
        under_way = (*self._waiting, *self._batch.requests)
        self._waiting.clear()
        self._batch = Batch(self.policy, self.cache, self.counters, self.budget)
        for request in under_way:
            request.line.busy = False
            self._unread(request.line)
            if isinstance(error, asyncio.CancelledError):
                request.future.cancel()
            elif not request.future.done():
                request.future.set_exception(error)
