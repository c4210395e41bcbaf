"""The engine samples from exactly the policy that training reads, whatever the batch, and forgets nothing it
should keep.
"""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
import torch

import made_models
from turnwise.core.errors import TurnwiseError
from turnwise.models.engine import Engine
from turnwise.models.policy import Policy, Rows
from turnwise.models.sampling import Sampling

LONG = Sampling(max_new=6)


class Recorded:
    """A line together with the log-probabilities the engine gave, id by id (nan where it read)."""

    def __init__(self, engine: Engine, line=None, logps=()):
        self.engine, self.line, self.logps = engine, line or engine.open(), list(logps)

    async def turn(self, ids, sampling=LONG, key=0):
        return self._note(await self.engine.reply(self.line, ids, sampling, key))

    async def given(self, ids, reply):
        return self._note(await self.engine.score(self.line, ids, reply))

    def fork(self) -> Recorded:
        return Recorded(self.engine, self.engine.fork(self.line), self.logps)

    def rewind(self, length: int) -> None:
        self.engine.rewind(self.line, length)
        del self.logps[length:]

    def gap(self, policy: Policy) -> float:
        """Largest difference to what training computes on the whole row."""
        theirs = np.array(self.logps)
        asked = np.isfinite(theirs)
        rows = Rows.pack([self.line.ids], [asked])
        with torch.no_grad():
            ours, _ = policy(rows).score(rows.targets)
        assert len(self.line.ids) == len(theirs) and asked.any()
        return float(np.abs(ours.numpy() - theirs[asked]).max())

    def _note(self, tokens):
        self.logps += [np.nan] * len(tokens.prompt) + tokens.logprobs.tolist()
        return tokens


async def talk(recorded: Recorded, number: int, turns: int = 5):
    """Turns of uneven lengths, with a branch, a rewinding and a given reply among them."""
    rng, others = np.random.default_rng(number), []
    for turn in range(turns):
        ids = rng.integers(5, 260, size=rng.integers(1, 30))
        await recorded.turn(ids, Sampling(max_new=int(rng.integers(1, 9))), key=1000 * number + turn)
        if rng.random() < 0.4:
            twin = recorded.fork()
            await twin.turn([7, 8], key=number)
            others.append(twin)
        if rng.random() < 0.4:
            recorded.rewind(int(rng.integers(0, len(recorded.line.ids))))
        if rng.random() < 0.4:
            await recorded.given(rng.integers(5, 260, size=3), rng.integers(5, 260, size=rng.integers(1, 6)))
    await recorded.turn([11, 12], key=number)
    return [recorded, *others]


@pytest.mark.parametrize("kind", made_models.CONFIGS)
def test_log_probabilities_are_those_that_training_computes(kind):
    policy = made_models.policy(kind)
    engine = Engine(policy, budget=64)
    for group in engine.run(talk(Recorded(engine), number) for number in range(8)):
        for recorded in group:
            assert recorded.gap(policy) < 1e-4
            engine.close(recorded.line)
    assert not engine.lines and all(b.empty for b in engine.cache.blocks if b is not None)


def conversations(policy: Policy, count: int, **how) -> list[list[int]]:
    """Ids of `count` conversations, each of its own lengths and keys."""
    engine = Engine(policy, **how)

    async def one(number: int) -> list[int]:
        rng, line = np.random.default_rng(number), engine.open()
        for turn in range(3):
            ids = rng.integers(5, 260, size=rng.integers(1, 12))
            await engine.reply(line, ids, Sampling(max_new=4, stop_ids=(9, 10)), key=number * 10 + turn)
        return line.ids

    return engine.run(one(number) for number in range(count))


def test_what_is_said_does_not_depend_on_who_shares_the_batch():
    policy = made_models.policy("llama")
    together = conversations(policy, 64)
    assert together == conversations(policy, 64, max_rows=1)
    assert together == conversations(policy, 64, budget=7)
    assert together[:3] == conversations(policy, 3)
    assert len({tuple(ids) for ids in together}) == 64


def test_only_new_ids_are_read():
    policy = made_models.policy("llama")
    engine = Engine(policy)

    async def ten() -> None:
        line = engine.open()
        for turn in range(10):
            await engine.reply(line, [5, 6, 7], Sampling(max_new=2), turn)

    engine.run([ten()])
    # each turn reads its three ids, and from the second on the last id of the reply before
    assert engine.counters.read == 10 * 3 + 9 and engine.counters.written == 20 and engine.counters.steps == 20


def test_a_reply_stops_at_a_stop_id_or_at_its_longest():
    policy = made_models.policy("llama")
    engine = Engine(policy)

    async def replies():
        free = await engine.reply(engine.open(), [5, 6], Sampling(max_new=12), 3)
        stop = int(free.reply[5])
        first = free.reply.tolist().index(stop)
        stopped = await engine.reply(engine.open(), [5, 6], Sampling(max_new=12, stop_ids=(stop, 299)), 3)
        return free, stopped, first

    free, stopped, first = engine.run([replies()])[0]
    assert len(free.reply) == 12 and free.sampled.all() and free.versions == ((0, 0, 12),)
    assert stopped.reply.tolist() == free.reply[: first + 1].tolist()


def test_greedy_is_the_likeliest_token_and_filters_change_the_recorded_law():
    policy = made_models.policy("qwen2")
    engine = Engine(policy)

    async def replies():
        laws = Sampling(temperature=0, max_new=4), Sampling(top_k=1, max_new=4), Sampling(top_k=3, max_new=40)
        return [await engine.reply(engine.open(), [5, 6], law, 1) for law in laws]

    greedy, single, three = engine.run([replies()])[0]
    rows = Rows.pack([[5, 6, *greedy.reply]])
    with torch.no_grad():
        best = policy(rows).logits().argmax(-1)[1:].tolist()
    assert greedy.reply.tolist() == single.reply.tolist() == best
    assert greedy.logprobs.tolist() == [0.0] * 4 and np.allclose(single.logprobs, 0)
    with torch.no_grad():
        rows = Rows.pack([[5, 6, *three.reply]])
        top = policy(rows).logits().topk(3).values[1:]
        of_all, _ = policy(rows).score(rows.targets)
    share = torch.logsumexp(top, -1) - torch.logsumexp(policy(rows).logits(), -1)[1:]
    assert np.allclose(three.logprobs, (of_all[1:] - share.detach()).numpy(), atol=1e-4)


def test_new_weights_are_used_for_the_whole_history():
    policy = made_models.policy("llama")
    engine = Engine(policy)
    recorded = Recorded(engine)
    engine.run([recorded.turn([5, 6, 7])])
    with torch.no_grad():
        policy.model.lm_head.weight *= 0.5
        policy.model.model.layers[0].mlp.up_proj.weight *= 0.5
    policy.version = 1
    engine.refresh()
    recorded.logps = [np.nan] * len(recorded.logps)
    tokens = engine.run([recorded.turn([8])])[0]
    assert recorded.gap(policy) < 1e-4 and tokens.versions == ((1, 0, 6),)


def test_a_private_thought_is_rewound_and_the_words_stay():
    """Think, drop the thought, keep what was said: the line then equals one that never thought."""
    policy = made_models.policy("llama")
    engine = Engine(policy)

    async def both():
        thinking, plain = engine.open(), engine.open()
        await engine.reply(thinking, [5, 6, 7], LONG, 1)
        engine.rewind(thinking, 3)
        ours = await engine.reply(thinking, [20, 21, 22], LONG, 2)
        theirs = await engine.reply(plain, [5, 6, 7, 20, 21, 22], LONG, 2)
        return ours, theirs, engine.counters.read

    ours, theirs, read = engine.run([both()])[0]
    assert ours.reply.tolist() == theirs.reply.tolist() and np.allclose(ours.logprobs, theirs.logprobs, atol=1e-5)
    assert read == 3 + 3 + 6


def test_a_cancelled_reply_frees_its_row_and_the_others_go_on():
    policy = made_models.policy("llama")
    engine = Engine(policy)

    async def impatient():
        line = engine.open()
        waiting = asyncio.ensure_future(engine.reply(line, [5], Sampling(max_new=400), 0))
        while engine.counters.written < 20:
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        engine.close(line)

    async def patient():
        return await engine.reply(engine.open(), [5, 6], Sampling(max_new=30), 1)

    assert len(engine.run([impatient(), patient()])[1].reply) == 30
    assert len(engine.lines) == 1


def test_a_given_reply_that_was_cancelled_half_way_leaves_nothing_behind():
    policy = made_models.policy("llama")
    engine = Engine(policy, budget=4)

    async def impatient():
        line = engine.open()
        await engine.reply(line, [5, 6], LONG, 1)
        waiting = asyncio.ensure_future(engine.score(line, [7], list(range(20, 120))))
        while line.read < 30:
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        return line, await engine.reply(line, list(range(120, 150)), LONG, 2)

    line, after = engine.run([impatient()])[0]
    fresh = engine.run([engine.reply(engine.open(), line.ids[: -len(after.reply)], LONG, 2)])[0]
    assert after.reply.tolist() == fresh.reply.tolist()
    assert np.allclose(after.logprobs, fresh.logprobs, atol=1e-4)


def test_a_step_that_breaks_is_told_to_whoever_waits(monkeypatch):
    policy = made_models.policy("llama")
    engine = Engine(policy)
    line = engine.open()

    def broken(hidden):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(policy, "head", broken)
        with pytest.raises(RuntimeError, match="out of memory"):
            engine.run([engine.reply(line, [5, 6], LONG, 1)])
    again = engine.run([engine.reply(line, [7], LONG, 1)])[0]
    fresh = engine.run([engine.reply(engine.open(), [5, 6, 7], LONG, 1)])[0]
    assert again.reply.tolist() == fresh.reply.tolist()


def test_misuse_is_refused():
    engine = Engine(made_models.policy("llama"))
    line = engine.open()

    async def twice():
        first = asyncio.ensure_future(engine.reply(line, [5], LONG, 0))
        await asyncio.sleep(0)
        for wrong in (
            lambda: engine.fork(line),
            lambda: engine.rewind(line, 0),
            engine.refresh,
            lambda: engine.close(line),
        ):
            with pytest.raises(TurnwiseError, match="under way"):
                wrong()
        await first

    engine.run([twice()])
    with pytest.raises(TurnwiseError, match="rewound to 99"):
        engine.rewind(line, 99)
    with pytest.raises(TurnwiseError, match="without ids"):
        engine.run([engine.reply(engine.open(), [], LONG, 0)])
    for wrong, said in ([300], "ids from 300"), ([-1], "ids from -1"), (range(5, 300), "lower max_new"):
        with pytest.raises(TurnwiseError, match=said):
            engine.run([engine.reply(line, wrong, Sampling(max_new=400), 0)])
    before = list(line.ids)
    engine.run([engine.reply(line, [5], Sampling(max_new=1), 2**64 - 1)])
    assert len(line.ids) == len(before) + 2
    engine.close(line)
    engine.close(line)
    with pytest.raises(TurnwiseError, match="is closed"):
        engine.fork(line)


def test_half_precision_cache_is_close():
    policy = made_models.policy("llama")
    engine = Engine(policy, cache_dtype=torch.bfloat16)
    recorded = Recorded(engine)
    engine.run([talk(recorded, 1)])
    assert recorded.gap(policy) < 0.2
