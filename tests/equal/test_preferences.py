"""Preference learning: a step equals a readable loop over plain forward passes."""

from __future__ import annotations

import copy
import dataclasses
from functools import partial

import numpy as np
import pytest
import torch
from made_preferences import earning, graded, played

from made_play import Branches, Made, apart, gradients_of, nano, sample
from turnwise.core.chance import generator
from turnwise.core.types import Batch
from turnwise.learn.pairs import Pair, pairs_of, verdicts_of
from turnwise.learn.sides import side_rows
from turnwise.learn.weights.dpo import Dpo, dpo_loss
from turnwise.learn.weights.kto import Kto, opening
from turnwise.learn.weights.policy_gradient import frozen
from turnwise.learn.weights.preference import Preference, PreferenceSettings
from turnwise.learn.weights.simpo import Simpo
from turnwise.learn.weights.tdpo import Tdpo

OBJECTIVES = {
    "dpo": (Dpo(0.1, nll=0.3), pairs_of),
    "kto": (Kto(0.1, 1.0, 2.0), verdicts_of),
    "tdpo1": (Tdpo(0.1, variant="tdpo1"), pairs_of),
    "tdpo2": (Tdpo(0.1), pairs_of),
    "simpo": (Simpo(), pairs_of),
}


@pytest.fixture(scope="module")
def uneven():
    """Wordle games of one task, of different lengths and returns; a reference that differs from the policy."""
    policy = nano("wordle")
    short, _ = sample(policy, Made(turns=2), 2, turns=1)
    long, _ = sample(policy, Made(turns=5, keep=2), 3, turns=5, seed=1)
    branching, _ = sample(policy, Made(turns=4), 1, Branches(), turns=4, seed=2)
    task = long[0].task
    episodes = [dataclasses.replace(earning(e, n), task=task, id=f"e{n}") for n, e in enumerate([*short, *long])]
    episodes += [dataclasses.replace(branching[0], task=task, id="tree")]
    reference = frozen(policy)
    with torch.no_grad():
        noise = torch.Generator().manual_seed(0)
        for weight in policy.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=noise)
    return policy, reference, Batch(episodes)


def learner_of(name, policy, reference=None, **how):
    """A learner that steps once on everything, against a reference of its own."""
    objective, examples = OBJECTIVES[name]
    settings = PreferenceSettings(batch=10**6, warmup=1, reference="start" if reference else "round", **how)
    learner = Preference(copy.deepcopy(policy), objective, partial(examples, per_task=7), settings, 0)
    if reference is not None and learner.reference is not None:
        learner.reference = reference
    return learner


@pytest.mark.parametrize("name", OBJECTIVES)
def test_packed_is_one_by_one(uneven, name):
    policy, reference, batch = uneven
    longest = 3 * max(len(r) for rows in side_rows(batch.episodes, *sides_of(name, batch), policy.chat) for r in rows)
    found = [gradients_of(learner_of(name, policy, reference, batch_tokens=n), batch)[0] for n in (longest, 10**6)]
    assert apart(*found) < 1e-5


def sides_of(name, batch):
    examples = OBJECTIVES[name][1](batch, generator(0, "preference", 0), 7)
    return ([side for example in examples for side in example.sides],)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_step_is_the_gradient_of_a_readable_loop(uneven, name):
    """Side by side, turn by turn, token by token, through the model's own forward."""
    policy, reference, batch = uneven
    (packed,) = gradients_of(learner_of(name, policy, reference), batch)
    objective = OBJECTIVES[name][0]
    examples = OBJECTIVES[name][1](batch, generator(0, "preference", 0), 7)
    assert len(examples) >= 7
    order = draws_after(name, batch).permutation(len(examples))
    twin, reference = eager(policy), eager(reference)
    read = [[plainly(twin, reference, batch, side) for side in examples[i].sides] for i in order]
    total = torch.zeros(())
    sides = [side for i in order for side in examples[i].sides]
    for k, i in enumerate(order):
        ratios = [lp - told for lp, told, _, _ in read[k]]
        kls, (first, *_) = [kl for _, _, kl, _ in read[k]], read[k]
        if name == "dpo":
            part = -torch.log(torch.sigmoid(0.1 * (ratios[0] - ratios[1]))) - 0.3 * first[0] / first[3]
        elif name == "simpo":
            means = [lp / n for lp, _, _, n in read[k]]
            part = -torch.log(torch.sigmoid(2.5 * (means[0] - means[1]) - 0.5))
        elif name == "kto":
            z = torch.stack([estranged(twin, reference, batch, sides, n) for n in range(len(sides))]).mean().detach()
            gained = ratios[0] - z.clamp(min=0) if examples[i].good else z.clamp(min=0) - ratios[0]
            part = (1.0 if examples[i].good else 2.0) * (1 - torch.sigmoid(0.1 * gained))
        elif name == "tdpo1":
            part = -torch.log(torch.sigmoid(0.1 * (ratios[0] - ratios[1] - (kls[1] - kls[0]))))
        else:
            part = -torch.log(torch.sigmoid(0.1 * (ratios[0] - ratios[1] - 0.5 * (kls[1] - kls[0].detach()))))
        total = total + part / len(examples)
    total.backward()
    named = learner_of(name, twin).optimiser.named
    parts = [twin.get_parameter(n).grad for n in named]
    flat = torch.cat(
        [(p if p is not None else torch.zeros_like(named[n])).flatten() for n, p in zip(named, parts, strict=True)]
    )
    assert apart(flat, packed) < 1e-5 and objective.reads <= {"reference", "kl", "strangers"}


def draws_after(name, batch):
    """The learner's draws once its examples are drawn."""
    rng = generator(0, "preference", 0)
    OBJECTIVES[name][1](batch, rng, 7)
    return rng


def turns_of(policy, batch, side):
    """(context, reply, counts) of every turn of a path, as the agent met it."""
    episode, context = batch.episodes[side.episode], []
    for i in episode.path(side.leaf):
        turn = episode.turns[i]
        if turn.fresh:
            context = []
        context = [*context, *turn.tokens.prompt.tolist()]
        yield i, list(context), turn.tokens.reply.tolist(), turn.tokens.sampled.tolist()
        context += turn.tokens.reply.tolist()


def plainly(policy, reference, batch, side):
    """Log-probabilities under both, KL(reference || policy), tokens: sums over the turns of a side."""
    logp = kl = torch.zeros(())
    told, tokens = torch.zeros(()), 0
    for i, context, reply, sampled in turns_of(policy, batch, side):
        if i not in side.turns:
            continue
        ids = torch.tensor([*context, *reply])
        own = law(policy, ids)
        with torch.no_grad():
            other = law(reference, ids)
        for k, token in enumerate(reply):
            at = len(context) + k - 1
            if sampled[k]:
                logp, told, tokens = logp + own[at, token], told + other[at, token], tokens + 1
                kl = kl + (other[at].exp() * (other[at] - own[at])).sum()
    return logp, told, kl, tokens


def eager(policy):
    """A copy that reads as its model's own code does."""
    twin = copy.deepcopy(policy)
    twin.causal.set_attn_implementation("eager")
    return twin


def law(policy, ids):
    return torch.log_softmax(policy.causal(input_ids=ids[None], use_cache=False).logits[0].float(), -1)


@torch.no_grad()
def estranged(policy, reference, batch, sides, number):
    """Log-ratio of a side whose rows open as those of the next side do."""
    rows, other = (side_rows(batch.episodes, [sides[n % len(sides)]], policy.chat)[0] for n in (number, number + 1))
    total = torch.zeros(())
    for n, row in enumerate(rows):
        start = other[n % len(other)].ids[: opening(other[n % len(other)])]
        ids = torch.from_numpy(np.concatenate([start, row.ids[opening(row) :]]).astype(np.int64))
        counts = np.concatenate([np.zeros(len(start), bool), row.loss[opening(row) :]])
        gap = law(policy, ids) - law(reference, ids)
        total = total + sum(gap[at - 1, ids[at]] for at in np.flatnonzero(counts))
    return total


@pytest.mark.parametrize("name", ["dpo", "tdpo1", "tdpo2"])
def test_at_the_reference_the_loss_is_log_2(uneven, name):
    policy, _, batch = uneven
    objective, examples = OBJECTIVES[name]
    objective = dataclasses.replace(objective, **({"nll": 0.0} if name == "dpo" else {}))
    learner = Preference(copy.deepcopy(policy), objective, examples, PreferenceSettings(batch=99), 0)
    change = learner.learn(batch)[0].change
    assert change["loss"] == pytest.approx(np.log(2)) and change["margin"] == 0.0 and change["gradient_norm"] > 0


def test_observations_pull_nothing(uneven):
    """The slope in every logit of a step: zero where the next token is the world's."""
    policy, reference, batch = uneven
    held = []
    learner = learner_of("dpo", policy, reference)
    head = learner.policy.head
    learner.policy.head = lambda hidden: held.append(head(hidden)) or keep(held[-1])
    gradients_of(learner, batch)
    asked = sum(len(logits) for logits in held if logits.grad is not None)
    rows = [row for rows in side_rows(batch.episodes, *sides_of("dpo", batch), policy.chat) for row in rows]
    assert asked == sum(int(row.loss.sum()) for row in rows) < sum(len(row) for row in rows)


def keep(logits):
    if logits.requires_grad:
        logits.retain_grad()
    return logits


def test_one_turn_without_an_answer_is_plain_dpo(uneven):
    """The textbook formula on whole replies."""
    policy, reference, _ = uneven
    episodes, _ = sample(nano("wordle"), Made(turns=3), 8, turns=1)
    batch = Batch([dataclasses.replace(earning(e, n), task=episodes[0].task) for n, e in enumerate(episodes)])
    learner = Preference(policy, Dpo(0.1), pairs_of, PreferenceSettings(lr=0.0, reference="start"), 0)
    learner.reference = reference
    (pair,) = pairs_of(batch, generator(0, "preference", 0))
    ratios, plain = [], (eager(policy), eager(reference))
    for side in pair.sides:
        lp, told, _, _ = plainly(*plain, batch, side)
        ratios.append(lp - told)
    wanted = float(dpo_loss(*ratios, 0.1).detach())
    assert learner.learn(batch)[0].change["loss"] == pytest.approx(wanted, rel=1e-4)


def test_a_batch_without_examples_leaves_the_weights(uneven):
    policy, _, batch = uneven
    learner = learner_of("dpo", policy)
    before = {n: w.clone() for n, w in learner.policy.state_dict().items()}
    (update,) = learner.learn(Batch(batch.episodes[:1]))
    assert update.change["examples"] == update.change["steps"] == 0
    assert all(torch.equal(before[n], w) for n, w in learner.policy.state_dict().items())


@pytest.mark.parametrize("name", ["dpo", "kto", "tdpo2", "simpo"])
def test_probability_moves_to_the_better_side(name):
    policy, batch = graded(played(8), list(range(8)))
    examples = OBJECTIVES[name][1](batch, generator(0), 9)
    objective = dataclasses.replace(OBJECTIVES[name][0], **({"nll": 0.0} if name == "dpo" else {}))
    settings = PreferenceSettings(lr=3e-3, epochs=8, batch=4, warmup=1)
    before = eager(policy)
    Preference(policy, objective, lambda batch, rng: examples, settings, 0).learn(batch)
    after = eager(policy)
    gains = {True: [], False: []}
    for example in examples:
        for side in example.sides:
            lp, told, *_ = plainly(after, before, batch, side)
            gains[side is example.sides[0] if isinstance(example, Pair) else example.good].append(
                lp.item() - told.item()
            )
    assert np.mean(gains[True]) > np.mean(gains[False]) + 0.5
