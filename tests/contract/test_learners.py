"""What every learner of weights promises: it goes on as if it had not stopped, counts its versions, and changes the
policy and nothing else.
"""

from __future__ import annotations

import copy
import dataclasses
import pickle
from functools import lru_cache, partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from made_play import Made, batch_of, credit_of, nano, sample
from turnwise.core.pairing import NEXT_MOVES
from turnwise.learn.pairs import Pair, Verdict, whole
from turnwise.learn.records import RecordPool
from turnwise.learn.weights.archer import Archer, ArcherSettings
from turnwise.learn.weights.dpo import Dpo
from turnwise.learn.weights.ilql import Ilql, IlqlSettings
from turnwise.learn.weights.imitation import Imitation, ImitationSettings
from turnwise.learn.weights.kto import Kto
from turnwise.learn.weights.ltc import Ltc, LtcSettings
from turnwise.learn.weights.mc_returns import McReturns, McReturnsSettings
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.learn.weights.preference import Preference, PreferenceSettings
from turnwise.learn.weights.tdpo import Tdpo
from turnwise.models.guided import Guide, Guided, load_speaker
from turnwise.models.values import Values

WORLD = Made(turns=4)


def preferring(objective, single=False):
    """What makes a learner to which every second episode is better than the one that follows."""

    def examples(batch, rng):
        sides = [whole(batch.episodes, n) for n in range(len(batch.episodes))]
        pairs = [Pair(*sides[n : n + 2]) for n in range(0, len(sides) - 1, 2)]
        return [Verdict(side, side is pair.better) for pair in pairs for side in pair.sides] if single else pairs

    return lambda policy, settings, seed: Preference(policy, objective, examples, settings, seed)


def from_a_pool(policy, settings, seed):
    """LTC with a pool of its own."""
    return Ltc(policy, settings, RecordPool(0.9), seed)


SMALL = {"critic_steps": 3, "actor_steps": 2, "reuse": 1.5, "actor_batch": 8, "max_new": 6, "width": 16}
LEARNERS = {
    "archer": (Archer, ArcherSettings(**SMALL), False),
    "archer with a baseline": (Archer, ArcherSettings(**SMALL, token_baseline=True, buffer=20), False),
    "imitation": (Imitation, ImitationSettings(batch=2, epochs=2, warmup=3), False),
    "imitation with a critic": (Imitation, ImitationSettings(batch=2), True),
    "dpo": (preferring(Dpo()), PreferenceSettings(batch=2, weight_decay=0.1), False),
    "dpo, a reference that stays": (preferring(Dpo()), PreferenceSettings(batch=2, reference="start"), False),
    "kto": (preferring(Kto(), single=True), PreferenceSettings(batch=3, reference="start"), False),
    "tdpo": (preferring(Tdpo()), PreferenceSettings(batch=2, epochs=2), False),
    "policy gradient": (PolicyGradient, PolicyGradientSettings(value=0.0, minibatches=2), False),
    "with everything": (
        PolicyGradient,
        PolicyGradientSettings(epochs=2, kl=0.1, entropy=0.01, value_clip=0.2, weight_decay=0.1, averaging="row-mean"),
        True,
    ),
    "ltc": (from_a_pool, LtcSettings(batch=3, train=9, rewards="world"), True),
    "mc-returns": (McReturns, McReturnsSettings(batch=4, epochs=2), False),
    "ilql": (Ilql, IlqlSettings(batch=4, epochs=2), False),
}
VALUES = {"mc-returns": {"heads": 1}, "ilql": {"heads": 2, "state": True}}
"""Learners of values -> the values that guide their policy, which they leave as it is."""


@pytest.fixture(params=LEARNERS)
def case(request):
    """What makes a learner for a policy, and a fresh policy."""
    kind, settings, critic = LEARNERS[request.param]
    first = partial(first_round, request.param if request.param in VALUES else None, critic)
    policy = speaker(request.param, critic)
    return SimpleNamespace(make=lambda policy: kind(policy, settings, 7), policy=policy, critic=critic, first=first)


def speaker(name, critic):
    """A fresh policy, guided where the learner is one of values."""
    policy = nano("maze", critic)
    return Guided(policy, Values(policy, **VALUES[name]), Guide()) if name in VALUES else policy


@lru_cache
def first_round(name, critic):
    """What a fresh policy plays: the same for all learners that begin with it, none of which changes it."""
    return batch(speaker(name, critic))


def batch(policy, number=0):
    """A round of the policy's own episodes with made-up credit."""
    episodes, _ = sample(policy, WORLD, 6, turns=3, round=number)
    table = credit_of(episodes, number)
    if policy.value_head is not None:
        table = dataclasses.replace(table, targets=[[v - 1 for v in values] for values in table.values])
    return batch_of(episodes, table)


def said(given):
    return [(t.tokens.reply.tolist(), t.tokens.logprobs.tolist()) for e in given.episodes for t in e.turns]


def weights(policy):
    return {name: weight.clone() for name, weight in policy.state_dict().items()}


def spoken(found):
    """The weights of the policy that a guided one speaks with."""
    return {name: weight for name, weight in found.items() if name.startswith("policy.")}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_what_it_needs_is_known(case):
    assert case.make(case.policy).needs <= set(NEXT_MOVES)


def test_it_counts_versions_and_says_what_changed(case):
    learner = case.make(case.policy)
    before = weights(case.policy)
    for number in range(2):
        (update,) = learner.learn(batch(case.policy, number) if number else case.first())
        assert (update.slot, update.before, update.after) == ("weights", number, number + 1)
        assert case.policy.version == number + 1 and update.why
        assert {"gradient_norm"} < set(update.change) and np.isfinite(list(update.change.values())).all()
    after = weights(case.policy)
    spared = "policy." if isinstance(case.policy, Guided) else "value_head"
    assert all(not torch.equal(before[name], after[name]) for name in before if not name.startswith(spared))
    assert not isinstance(case.policy, Guided) or same(*(spoken(found) for found in (before, after)))
    assert case.critic is ("value_head.weight" in after and bool(after["value_head.weight"].any()))


def test_it_changes_the_policy_and_nothing_else(case):
    learner = case.make(case.policy)
    given = case.first()
    held, chance, process = pickle.dumps(given.episodes), torch.random.get_rng_state(), np.random.get_state()[1].copy()
    reference = getattr(learner, "reference", None)
    frozen = None if reference is None else weights(reference)
    learner.learn(given)
    assert pickle.dumps(given.episodes) == held
    assert torch.equal(torch.random.get_rng_state(), chance) and (np.random.get_state()[1] == process).all()
    assert frozen is None or same(weights(learner.reference), frozen)
    assert all(p.grad is None for p in case.policy.parameters()) and not case.policy.training


def test_the_same_batch_gives_the_same_bytes(case):
    twins = [copy.deepcopy(case.policy) for _ in range(2)]
    for twin in twins:
        case.make(twin).learn(case.first())
    assert same(*map(weights, twins))


def test_saved_and_loaded_it_goes_on_bit_for_bit(case, tmp_path):
    whole = case.make(case.policy)
    whole.learn(case.first())
    case.policy.save(tmp_path / "policy")
    whole.save(tmp_path)
    again = load_speaker(tmp_path / "policy")
    assert again.version == 1 and same(weights(again), weights(case.policy))
    learner = case.make(again)
    learner.load(tmp_path)
    found = []
    for policy, one in ((case.policy, whole), (again, learner)):
        given = batch(policy, 1)
        found.append((one.learn(given), weights(policy), said(given)))
    (update, ours, tokens), (update_again, theirs, tokens_again) = found
    assert tokens == tokens_again and same(ours, theirs) and update == update_again


def test_a_new_one_would_not_have_gone_on_alike(case, tmp_path):
    """What is saved matters: moments and counts differ from those of a learner that just began."""
    whole = case.make(case.policy)
    whole.learn(case.first())
    twin = copy.deepcopy(case.policy)
    whole.learn(batch(case.policy, 1))
    case.make(twin).learn(batch(twin, 1))
    assert not same(weights(case.policy), weights(twin))


def test_progress_is_told_up_to_the_end(case):
    told = []
    case.make(case.policy).learn(case.first(), told.append)
    assert told == sorted(told) and told[-1] == 1.0 and len(told) >= 2
