"""Partial masking: the rules of specs/learn/partial_masking, on real losses."""

from __future__ import annotations

import asyncio
import copy
import dataclasses

import numpy as np
import pytest
import torch

from made_play import Made, apart, gradients_of, nano, sample
from turnwise.agents.spec import expert
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, Signal
from turnwise.explore import Independent, Table
from turnwise.feedback.optimum import NAME, Optimum
from turnwise.learn.partial import without_wrong
from turnwise.learn.sequences import Row, Span, rows_of
from turnwise.learn.weights.imitation import Imitation, ImitationSettings
from turnwise.learn.weights.lots import lots_of, say, trained_rows
from turnwise.worlds import make


def judged(batch, wrong, name="made"):
    """The batch when some (episode, turn) were judged wrong, and all others right."""
    signals = [
        Signal(e.id, name, turn, value=-1.0 if (n, turn) in wrong else 0.0)
        for n, e in enumerate(batch.episodes)
        for turn in range(len(e.turns))
    ]
    return Batch(batch.episodes, signals)


@pytest.fixture(scope="module")
def given():
    policy = nano("maze")
    return policy, Batch(sample(policy, Made(turns=3), 4, turns=3)[0])


def one_row():
    """Three steps of 4, 5, 6 tokens, three of the world between them."""
    spans, ids = [], 0
    for turn, size in enumerate((4, 5, 6)):
        spans.append(Span(turn, ids + 3, ids + 3 + size))
        ids += 3 + size
    loss = np.zeros(ids, bool)
    for span in spans:
        loss[span.start : span.end] = True
    return Row(0, 0, np.arange(ids, dtype=np.int32), loss, np.zeros(ids, np.float32), tuple(spans))


def test_the_worked_weights(given):
    _, batch = given
    row = one_row()
    (masked,) = without_wrong([row], judged(Batch(batch.episodes[:1]), {(0, 1)}), "made")
    assert row.loss.sum() == 15 and masked.loss.sum() == 10
    assert not masked.loss[row.spans[1].start : row.spans[1].end].any() and masked.ids.tolist() == row.ids.tolist()


def gradient(policy, batch, wrong=""):
    settings = ImitationSettings(batch=99, value=0.0, wrong=wrong)
    (found,) = gradients_of(Imitation(copy.deepcopy(policy), settings, 0), batch)
    return found


def test_no_wrong_turns_is_plain_cloning(given):
    policy, batch = given
    assert torch.equal(gradient(policy, judged(batch, set()), "made"), gradient(policy, batch))


def test_masking_off_is_a_switch(given):
    policy, batch = given
    marked = judged(batch, {(0, 1), (2, 0)})
    assert torch.equal(gradient(policy, marked), gradient(policy, batch))
    assert apart(gradient(policy, marked, "made"), gradient(policy, batch)) > 1e-3


def test_wrong_turns_pull_nothing_and_stay_in_the_context(given):
    """The slope in the log-probability of every token: exactly 0 in the wrong turn; without its text, what follows is
    another loss.
    """
    policy, batch = given
    marked = judged(Batch(batch.episodes[:1]), {(0, 1)})
    (row,) = without_wrong(rows_of(marked.episodes, policy.chat), marked, "made")
    held, head = [], policy.head
    policy.head = lambda hidden: held.append(head(hidden)) or held[-1]
    try:
        (lot,) = lots_of([row], [0], 10**6, None, policy.device)
        costs = say(policy, lot).logp
    finally:
        del policy.head
    wrong = row.spans[1]
    assert len(held[0]) == len(costs) == row.loss.sum()
    assert not set(lot.loss) & set(range(wrong.start, wrong.end))
    cut = dataclasses.replace(
        row, **{k: np.delete(getattr(row, k), slice(wrong.start, wrong.end)) for k in ("ids", "loss", "logprobs")}
    )
    (shorter,) = lots_of([cut], [0], 10**6, None, policy.device)
    last = row.spans[2].end - row.spans[2].start
    other = say(policy, shorter).logp
    assert len(other) == len(costs) and not torch.allclose(costs[-last:], other[-last:], atol=1e-4)


def test_an_episode_all_of_whose_turns_are_wrong_is_dropped(given):
    policy, batch = given
    everything = {(0, turn) for turn in range(3)}
    marked = judged(batch, everything)
    rows = without_wrong(rows_of(marked.episodes, policy.chat), marked, "made")
    assert {rows[i].episode for i in trained_rows(rows)} == {1, 2, 3}
    assert apart(gradient(policy, marked, "made"), gradient(policy, Batch(batch.episodes[1:]))) < 1e-5
    with pytest.raises(TurnwiseError, match="without a token to learn from"):
        gradient(policy, judged(Batch(batch.episodes[:1]), everything), "made")


def test_what_nobody_judged_is_said(given):
    policy, batch = given
    with pytest.raises(TurnwiseError, match="has the signal 'made'"):
        gradient(policy, batch, "made")
    with pytest.raises(TurnwiseError, match="one of the two"):
        ImitationSettings(wrong="made", others=0.5)


def test_the_teacher_flags_what_gives_something_away():
    """The best player is never wrong, a random one often, by exactly what it gave away."""
    world = make("key-corridor")
    teacher = Optimum(world.exact())
    found = {}
    for name in ("optimal", "uniform"):
        table = Table(world, {"agent": expert(world, name)}, 0)
        episodes = table.collect(Independent(), world.tasks("train")[:12])
        signals = asyncio.run(teacher.judge(episodes))
        assert len(signals) == sum(len(e.turns) for e in episodes) and {s.name for s in signals} == {NAME}
        found[name] = np.array([s.value for s in signals])
        start = world.exact().mean
        lost = [start + sum(s.value for s in signals if s.episode == e.id) for e in episodes]
        assert lost == pytest.approx([e.total() for e in episodes])  # fixed answers: return = best + all costs
    assert np.abs(found["optimal"]).max() < 1e-9 and (found["uniform"] < -1e-3).mean() > 0.05
