"""What is trained is exactly what was sampled: ids, masks, log-probabilities, in every world and for every shape of
episode.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

import made_models
from made_play import Branches, Made, batch_of, gradients_of, nano, sample
from turnwise.core.types import CreditTable, End
from turnwise.explore import Grouped, Independent
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.lots import logprobs, say
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.models.policy import Policy
from turnwise.worlds import WORLDS, make

PLAIN = PolicyGradientSettings(value=0.0, minibatches=1, batch_tokens=4096)
SHAPES = {"independent": Independent(), "grouped": Grouped(2), "branches": Branches()}


@pytest.fixture(scope="module", params=[(w, s) for w in WORLDS for s in SHAPES], ids="-".join)
def played(request):
    """A policy, episodes in which it spoke, and the agent that noted what the sampler held."""
    world, shape = request.param
    policy = nano(world)
    return policy, *sample(policy, make(world), 3, SHAPES[shape])


def test_log_probabilities_agree(played):
    policy, episodes, _ = played
    rows = rows_of(episodes, policy.chat)
    again = logprobs(policy, rows, 2048)
    gaps = [np.abs(now - row.logprobs[row.loss]) for now, row in zip(again, rows, strict=True)]
    assert max(gap.max(initial=0) for gap in gaps) < 1e-4
    assert sum(map(len, gaps)) > 8
    assert np.concatenate(again).std() > 0.1, "a law that is uniform would agree with anything"


def test_row_ids_are_the_samplers_ids(played):
    policy, episodes, agent = played
    held = {tuple(line) for line in agent.lines}
    for row in rows_of(episodes, policy.chat):
        for span in row.spans:
            tokens = episodes[row.episode].turns[span.turn].tokens
            assert tuple(row.ids[: span.end].tolist()) in held
            assert row.ids[span.start : span.end].tolist() == tokens.reply.tolist()
            assert row.ids[span.start - len(tokens.prompt) : span.start].tolist() == tokens.prompt.tolist()
            assert row.logprobs[span.start : span.end].tolist() == tokens.logprobs.tolist()


def test_a_reply_that_was_cut_is_closed_by_a_forced_token(played):
    """The next prompt brings the end that the policy did not say, and no second one where it did."""
    policy, episodes, _ = played
    (end,) = policy.chat.stop_ids
    for row in rows_of(episodes, policy.chat):
        for before, after in pairwise(row.spans):
            closed = row.ids[before.end - 1] == end
            assert (row.ids[before.end] == end) == (not closed) and not row.loss[before.end : after.start].any()
        if row.tail is not None and row.spans:
            last = row.spans[-1].end
            assert (row.ids[last] == end) == (row.ids[last - 1] != end)


def test_every_sampled_token_is_trained_once_and_no_other(played):
    policy, episodes, _ = played
    trained: Counter[tuple[int, int]] = Counter()
    for row in rows_of(episodes, policy.chat):
        for span in row.spans:
            trained[row.episode, span.turn] += int(row.loss[span.start : span.end].sum())
        replies = np.zeros(len(row), bool)
        for span in row.spans:
            replies[span.start : span.end] = True
        assert not row.loss[~replies].any()
    assert trained == {
        (e, t): int(turn.tokens.sampled.sum())
        for e, episode in enumerate(episodes)
        for t, turn in enumerate(episode.turns)
        if turn.seat == "agent"
    }


def test_no_gradient_comes_from_what_the_world_says(played, monkeypatch):
    """Exactly zero at every position whose next token the policy did not draw, and at no other."""
    policy, episodes, _ = played
    read, hidden, lots = Policy.read, [], []

    def noted_read(self, ids, where, plan):
        hidden.append(read(self, ids, where, plan).detach().requires_grad_())
        return hidden[-1]

    def noted_say(policy, lot):
        lots.append(lot)
        return say(policy, lot)

    monkeypatch.setattr(Policy, "read", noted_read)
    monkeypatch.setattr("turnwise.learn.weights.policy_gradient.say", noted_say)
    learner = PolicyGradient(policy, PLAIN, 0)
    learner.optimiser.step = lambda scale=1.0: 0.0
    learner.learn(batch_of(episodes))
    rows = rows_of(episodes, policy.chat)
    for lot, states in zip(lots, hidden, strict=True):
        drawn = np.concatenate([np.append(rows[number].loss[1:], False) for number in lot.rows])
        assert (states.grad.abs().sum(1) > 0).tolist() == drawn.tolist()
        assert drawn.any() and not drawn.all()
    assert sorted(number for lot in lots for number in lot.rows) == [n for n, row in enumerate(rows) if row.loss.any()]


def test_credit_on_forced_tokens_changes_nothing():
    """A reply's end that the template appended is no act of the policy: whatever credit lies on it."""
    policy = nano("wordle")
    episodes, _ = sample(policy, make("wordle"), 3)
    forced = [
        dataclasses.replace(e, turns=tuple(dataclasses.replace(t, tokens=last_forced(t.tokens)) for t in e.turns))
        for e in episodes
    ]
    rng = np.random.default_rng(0)
    values = [[rng.normal(size=len(t.tokens.reply)).astype(np.float32) for t in e.turns] for e in forced]
    spoilt = copy.deepcopy(values)
    for of_episode in spoilt:
        for of_turn in of_episode:
            of_turn[-1] = 1e6
    found = [gradients_of(PolicyGradient(policy, PLAIN, 0), batch_of(forced, table_of(v)))[0] for v in (values, spoilt)]
    assert torch.equal(*found)
    values[0][0][0] += 1.0
    assert not torch.equal(
        found[0], gradients_of(PolicyGradient(policy, PLAIN, 0), batch_of(forced, table_of(values)))[0]
    )


def table_of(values):
    return CreditTable("made", "token", values)


def last_forced(tokens):
    sampled, logprobs = tokens.sampled.copy(), tokens.logprobs.copy()
    sampled[-1], logprobs[-1] = False, 0.0
    return dataclasses.replace(tokens, sampled=sampled, logprobs=logprobs)


def test_other_credit_for_the_world_changes_nothing():
    """Two seats: what the table says about the other seat's turns is not read."""
    policy = nano("maze")
    episodes, _ = sample(policy, Made(together=True), 3)
    table = batch_of(episodes).credit["made"]
    theirs = [
        [float("nan") if turn.seat == "user" else v for turn, v in zip(e.turns, values, strict=True)]
        for e, values in zip(episodes, table.values, strict=True)
    ]
    assert any(turn.seat == "user" for e in episodes for turn in e.turns)
    one, other = (
        gradients_of(PolicyGradient(policy, PLAIN, 0), batch_of(episodes, dataclasses.replace(table, values=v)))[0]
        for v in (table.values, theirs)
    )
    assert torch.equal(one, other) and one.norm() > 0


@pytest.mark.parametrize("template", [made_models.CHATML, made_models.FORGETFUL], ids=["extends", "rewrites"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_models_own_template(template, shape):
    """A template that rewrites what stood before gives a row per turn; one that only appends, a row per view."""
    policy = Policy(made_models.bare(made_models.CONFIGS["llama"]), made_models.other_tokenizer(template), True)
    episodes, agent = sample(policy, Made(turns=4), 2, SHAPES[shape], turns=3, max_new=4)
    rows = rows_of(episodes, policy.chat)
    assert max(len(row.spans) for row in rows) == (3 if policy.chat.extends else 1)
    held = {tuple(line) for line in agent.lines}
    assert all(tuple(row.ids[: span.end].tolist()) in held for row in rows for span in row.spans)
    gaps = [
        np.abs(a - r.logprobs[r.loss]).max(initial=0) for a, r in zip(logprobs(policy, rows, 4096), rows, strict=True)
    ]
    assert max(gaps) < 1e-4
    cut = [leaf for e in episodes for leaf in e.ends]
    assert all(leaf.end is End.TURNS for leaf in cut) and sum(row.tail is not None for row in rows) == len(cut)


@pytest.mark.parametrize("template", [None, made_models.CHATML, made_models.FORGETFUL])
def test_text_is_rendered_as_a_model_would_have_read_it(template):
    """Rows of a scripted player are those of a model that said the same, its reply closed."""
    tokenizer = made_models.tokenizer() if template is None else made_models.other_tokenizer(template)
    policy = Policy(made_models.bare(made_models.CONFIGS["llama"]), tokenizer)
    episodes, _ = sample(policy, Made(turns=3, keep=3), 2, Branches(1), turns=None, max_new=3)
    text = [dataclasses.replace(e, turns=tuple(dataclasses.replace(t, tokens=None) for t in e.turns)) for e in episodes]
    for ours, theirs in zip(rows_of(text, policy.chat), rows_of(episodes, policy.chat), strict=True):
        assert [s.turn for s in ours.spans] == [s.turn for s in theirs.spans]
        whole = [policy.chat.text_ids(episodes[ours.episode].turns[s.turn].message.text) for s in ours.spans]
        assert [ours.ids[s.start : s.end].tolist() for s in ours.spans] == whole
        first, prompt = ours.spans[0], theirs.spans[0].start
        assert ours.ids[: first.start].tolist() == theirs.ids[:prompt].tolist()
