"""LTC: who wrote what, squashed returns, the two-part loss and the pool (specs/learn/ltc)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from made_play import Made, apart, batch_of, gradients_of, nano, sample
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Batch, Message
from turnwise.learn.records import OTHER, OWN, WORLD, Record, RecordPool, recency_weights, sources, squashed
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.imitation import Imitation, ImitationSettings
from turnwise.learn.weights.ltc import Ltc, LtcSettings

WORLD_OF_THREE = Made(turns=3)


def policy_with_critic():
    policy = nano("maze", value_head=True)
    torch.nn.init.normal_(policy.value_head.weight, std=0.2, generator=torch.Generator().manual_seed(1))
    return policy


def learner_of(policy, recency=1.0, **how):
    settings = LtcSettings(**{"batch": 100, "warmup": 1, "rewards": "world", "lr": 1e-3, **how})
    return Ltc(policy, settings, RecordPool(recency), 3)


def outcome(episodes, success):
    """The same episodes with other outcomes and rewards."""

    def end(leaf):
        return replace(leaf, facts={**leaf.facts, "success": success})

    def turn(t):
        return replace(t, rewards={"agent": 0.0})

    return [replace(e, turns=tuple(map(turn, e.turns)), ends=tuple(map(end, e.ends))) for e in episodes]


def by_another(episode, which):
    """The episode when another player had said one of its turns."""
    turns = list(episode.turns)
    turns[which] = replace(turns[which], tokens=None, message=Message("assistant", "as told", writer="teacher"))
    return replace(episode, turns=tuple(turns))


# --- numbers of the sheet ---


@pytest.mark.parametrize(("success", "y"), [(True, 0.76159), (False, -0.76159)])
def test_an_outcome_is_squashed_at_every_own_token(success, y):
    policy = nano("maze", value_head=True)  # a head that says 0: A = y
    episodes = outcome(sample(policy, Made(turns=1), 2, turns=None)[0], success)
    learner = learner_of(policy, rewards="outcome")
    for (record,) in learner.records(episodes):
        own = record.source == OWN
        assert own.any() and record.targets[own] == pytest.approx(y, abs=1e-5)
        assert (record.values == 0).all() and (record.targets[~own] == 0).all()


def test_two_rewards_in_one_record():
    episodes, _ = sample(nano("maze"), Made(turns=2), 1, turns=None)
    paid = [replace(e, turns=tuple(replace(t, rewards={"agent": 1.0}) for t in e.turns)) for e in episodes]
    rows = rows_of(paid)
    (y,) = squashed(paid, rows, "world")
    first, last = rows[0].spans
    assert y[first.start : first.end] == pytest.approx(math.tanh(2), abs=1e-6)
    assert math.tanh(2) == pytest.approx(0.96403, abs=1e-5)
    assert y[last.start : last.end] == pytest.approx(math.tanh(1), abs=1e-6)


def test_recency():
    assert recency_weights(3, 0.5).tolist() == [0.125, 0.25, 0.5]
    assert np.ptp(recency_weights(5, 1.0)) == 0.0


def test_the_newest_are_drawn_most():
    pool = RecordPool(0.5)
    pool.add([()] * 3, 1)
    drawn = np.array([pool.draw(np.random.default_rng(n), 1) for n in range(2000)]).ravel()
    expected = np.array([1, 2, 4]) / 7
    assert (abs(np.bincount(drawn) / 2000 - expected) < 3 * np.sqrt(expected * (1 - expected) / 2000)).all()
    last = RecordPool(0.5, "last")
    last.add([()] * 3, 1)
    assert last.draw(np.random.default_rng(0), 2) == [1, 2]
    pool.oldest = 1
    pool.add([()] * 2, 3)
    assert set(pool.draw(np.random.default_rng(0), 9)) == {3, 4}, "records of round 1 are too old in round 3"


def test_a_budget_that_was_spent_is_a_failure():
    policy = policy_with_critic()
    episodes, _ = sample(policy, WORLD_OF_THREE, 1, turns=2)
    (y,) = squashed(episodes, rows_of(episodes, policy.chat), "outcome")
    assert y.min() == pytest.approx(-math.tanh(1)) and y.max() == 0.0


# --- who wrote it ---


def test_sources_part_the_tokens():
    policy = policy_with_critic()
    episodes, _ = sample(policy, WORLD_OF_THREE, 2, turns=None)
    episodes = [by_another(e, 2) for e in episodes]
    for row in rows_of(episodes, policy.chat):
        source = sources(row, episodes[row.episode])
        spans = {span.turn: span for span in row.spans}
        for turn, kind in ((0, OWN), (1, OWN), (2, OTHER)):
            assert (source[spans[turn].start : spans[turn].end] == kind).all()
        assert (source == WORLD).sum() == len(row) - sum(s.end - s.start for s in row.spans) > 0


def test_the_ratio_is_1_in_the_iteration_that_played():
    policy = policy_with_critic()
    learner = learner_of(policy, others=True)
    episodes = [by_another(e, 2) for e in sample(policy, WORLD_OF_THREE, 4, turns=None)[0]]
    (records,) = zip(*learner.records(episodes), strict=True)
    _, counted = zip(*[(r, r.source != WORLD) for r in records], strict=True)
    terms = learner.terms(records)
    advantage = sum(float((r.targets - r.values)[c].sum()) for r, c in zip(records, counted, strict=True))
    assert terms.clipped == 0 and float(terms.policy.detach()) == pytest.approx(-advantage, rel=1e-4)


def only(policy, episodes, **how):
    """The gradient of an update on episodes."""
    return gradients_of(learner_of(policy, **how), batch_of(episodes))[0]


def test_what_the_world_wrote_enters_the_language_model_loss_alone():
    policy = policy_with_critic()
    learner = learner_of(policy)
    episodes, _ = sample(policy, WORLD_OF_THREE, 3, turns=None)
    records = [r for rows in learner.records(episodes) for r in rows]

    def slopes(term):
        """How a term moves with the logits and values of each token: through records with other marks."""
        policy.zero_grad()
        getattr(learner.terms(records), term).backward()
        return torch.cat([p.grad.flatten() for p in policy.parameters() if p.grad is not None])

    before = {term: slopes(term) for term in ("policy", "value")}
    told = [replace(r, targets=np.where(r.source == WORLD, 5.0, r.targets).astype(np.float32)) for r in records]
    records = [replace(r, logprobs=np.where(r.source == WORLD, -9.0, r.logprobs).astype(np.float32)) for r in told]
    for term, slope in before.items():
        assert torch.equal(slope, slopes(term)), f"{term} reads tokens of the world"
    silent = [replace(r, source=np.full(len(r), WORLD, np.int8)) for r in records]
    records = silent
    assert not any(getattr(learner.terms(records), term).item() for term in ("policy", "value", "entropy"))
    assert learner.terms(records).lm.item() > 0
    policy.zero_grad()


def test_other_players_enter_the_policy_term_only_when_asked():
    policy = policy_with_critic()
    episodes = [by_another(e, 1) for e in sample(policy, WORLD_OF_THREE, 3, turns=None)[0]]
    own, released = (learner_of(policy, others=others) for others in (False, True))
    records = [r for rows in own.records(episodes) for r in rows]
    assert any((r.source == OTHER).any() for r in records)
    assert float(own.terms(records).policy) != float(released.terms(records).policy)
    assert float(own.terms(records).value) == float(released.terms(records).value)
    without = [replace(r, source=np.where(r.source == OTHER, WORLD, r.source).astype(np.int8)) for r in records]
    assert float(own.terms(without).policy) == float(own.terms(records).policy) == float(released.terms(without).policy)


# --- the two parts ---


def test_a_batch_of_failures_is_not_imitated():
    """L = 1e-5 L_lm + .5 L_ppo there, and L_lm + .5 L_ppo where the batch's targets sum to more than 0."""
    policy = policy_with_critic()
    episodes, _ = sample(policy, WORLD_OF_THREE, 4, turns=None)
    for success, weight in ((True, 1.0), (False, 1e-5)):
        found = outcome(episodes, success)
        whole = only(policy, found, rewards="outcome")
        ppo = only(policy, found, rewards="outcome", lm=0.0)
        lm = only(policy, outcome(episodes, True), rewards="outcome", ppo=0.0)
        assert apart(ppo + weight * lm, whole) < 1e-4
    mixed = [*outcome(episodes[:1], False), *outcome(episodes[1:], True)]
    learner = learner_of(policy, rewards="outcome")
    (update,) = learner.learn(Batch(mixed))
    assert update.change["imitated"] == 1.0, "one failure among successes is imitated with them"


def test_without_ppo_it_is_imitation_of_everything():
    """As `Imitation` with weight 1 on what others wrote, averaged over all attended tokens."""
    policy = policy_with_critic()
    episodes, _ = sample(policy, WORLD_OF_THREE, 4, turns=None)
    how = ImitationSettings(batch=100, others=1.0, normalise="attended", value=0.0, warmup=1)
    plain = gradients_of(Imitation(policy, how, 0), Batch(episodes))[0]
    assert apart(plain, only(policy, episodes, ppo=0.0)) < 1e-4


def test_the_loss_is_a_mean_over_all_positions():
    """Where the policy is the one that played, the policy term's gradient is -sum A grad log pi over all N tokens."""
    policy = policy_with_critic()
    episodes, _ = sample(policy, WORLD_OF_THREE, 3, turns=None)
    learner = learner_of(policy)
    records = [r for rows in learner.records(episodes) for r in rows]
    policy.zero_grad()
    (learner.terms(records).policy / sum(map(len, records)) * 0.5).backward()
    by_hand = torch.cat(
        [torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in policy.parameters()]
    )
    policy.zero_grad()
    assert apart(by_hand, only(policy, episodes, lm=0.0, value=0.0, entropy=0.0)) < 1e-4


def test_old_records_keep_what_was_said_of_them(tmp_path):
    policy = policy_with_critic()
    learner = learner_of(policy, recency=0.9)
    learner.learn(Batch(sample(policy, WORLD_OF_THREE, 3, turns=None)[0]))
    kept = [tuple(r.logprobs.tolist() for r in rows) for rows in learner.pool.held]
    learner.learn(Batch(sample(policy, WORLD_OF_THREE, 3, turns=None, round=1)[0]))
    assert [tuple(r.logprobs.tolist() for r in rows) for rows in learner.pool.held][:3] == kept
    assert learner.pool.rounds == [1, 1, 1, 2, 2, 2]
    learner.save(tmp_path)
    again = learner_of(policy, recency=0.9)
    again.load(tmp_path)
    assert (again.rounds, again.pool.rounds) == (2, learner.pool.rounds)
    for one, other in zip(again.pool.held, learner.pool.held, strict=True):
        for a, b in zip(one, other, strict=True):
            assert all(np.array_equal(getattr(a, n), getattr(b, n)) for n in Record.__slots__)
            assert all(getattr(a, n).dtype == getattr(b, n).dtype for n in Record.__slots__)


def test_what_cannot_be_learned_from_is_refused():
    policy = policy_with_critic()
    episodes, _ = sample(policy, WORLD_OF_THREE, 1, turns=None)
    untold = [replace(e, ends=(replace(e.ends[0], facts={}),)) for e in episodes]
    with pytest.raises(TurnwiseError, match="set rewards=world"):
        learner_of(policy, rewards="outcome").learn(Batch(untold))
    with pytest.raises(UnknownName, match="did you mean 'world'"):
        squashed(episodes, rows_of(episodes, policy.chat), "wrld")
    with pytest.raises(UnknownName, match="did you mean 'last'"):
        RecordPool(1.0, "lst")
    with pytest.raises(TurnwiseError, match="recency = 0"):
        RecordPool(0.0)
    with pytest.raises(TurnwiseError, match="without a critic"):
        learner_of(nano("maze"))
