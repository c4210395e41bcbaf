"""Learners of Monte-Carlo returns and ILQL: one by one, targets on the record, going on (specs/learn/ilql)."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from made_values import episode, guided_maze

from made_play import Made, gradients_of, sample
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, End, Message
from turnwise.learn.action_tokens import numbered
from turnwise.learn.in_turn import InTurn
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.ilql import Ilql, IlqlSettings
from turnwise.learn.weights.imitation import Imitation, ImitationSettings
from turnwise.learn.weights.lots import lots_of
from turnwise.learn.weights.mc_returns import McReturns, McReturnsSettings
from turnwise.learn.weights.value_learner import Data
from turnwise.models.guided import Guided
from turnwise.models.ragged import Packed

# --- learning ---

LEARNERS = {
    "mc-returns": (McReturns, McReturnsSettings(gamma=0.9, cql=0.1, warmup=1), 1, False),
    "ilql": (Ilql, IlqlSettings(gamma=0.9, cql=0.1, warmup=1), 2, True),
}


@pytest.fixture(params=LEARNERS)
def case(request):
    """A learner on a guided policy, and episodes: of two whole views, and of one that forgets."""
    kind, settings, heads, state = LEARNERS[request.param]
    guided = guided_maze(heads, state)
    episodes = [*sample(guided, Made(turns=4), 4)[0], *sample(guided, Made(turns=4, keep=1), 4, round=1)[0]]
    return kind, settings, guided, episodes


def test_packed_is_one_by_one(case):
    kind, settings, guided, episodes = case
    found = []
    for most in (16384, max(len(row) for row in rows_of(episodes, guided.chat))):
        how = dataclasses.replace(settings, batch=1000, batch_tokens=most)
        (gradient,) = gradients_of(kind(copy.deepcopy(guided), how, 0), Batch(episodes))
        found.append(gradient)
    assert float((found[0] - found[1]).norm() / found[0].norm()) < 1e-4


def test_the_worlds_words_carry_no_gradient_of_their_own(case):
    """Values of what the world said are asked for nowhere: rows of Q's last layer move only for tokens the agent wrote,
    once no cross-entropy pulls at all of them."""
    kind, settings, guided, episodes = case
    learner = kind(guided, dataclasses.replace(settings, cql=0.0, batch=1000), 0)
    rows = rows_of(episodes, guided.chat)
    data = Data(rows, numbered(episodes, rows, 0.9))
    (lot,) = lots_of(rows, range(len(rows)), 10**6, None, guided.device)
    sum(term.sum() for term in learner.losses(data, lot).values()).backward()
    written = np.unique(lot.ids.numpy()[lot.loss])
    for head in guided.values.q:
        moved = np.flatnonzero(head.outer.bias.grad.numpy())
        assert set(moved) == set(written)
    assert all(p.grad is None for p in guided.policy.parameters())


def test_targets_of_ilql_on_the_record():
    """y by hand from V at the states, over rows that forget: the sheet's rule against the learner's own loss."""
    guided = guided_maze(2, True)
    torch.nn.init.normal_(guided.values.v.outer.weight, std=0.3, generator=torch.Generator().manual_seed(1))
    episodes, _ = sample(guided, Made(turns=4, keep=1), 3, turns=3)
    assert {leaf.end for e in episodes for leaf in e.ends} == {End.TURNS}
    rows = rows_of(episodes, guided.chat)
    tokens = numbered(episodes, rows, 0.9)
    learner = Ilql(guided, IlqlSettings(gamma=0.9, cql=0.0), 0)
    (lot,) = lots_of(rows, range(len(rows)), 10**6, None, guided.device)
    found = learner.losses(Data(rows, tokens), lot)
    with torch.no_grad():
        hidden = [guided.values.read(torch.tensor(r.ids).long(), torch.arange(len(r)), Packed([len(r)])) for r in rows]
        v = [guided.values.state_values(h) for h in hidden]
        q = [[head(h) for head in guided.values.q] for h in hidden]
    wanted_q, wanted_v = [], []
    for number in lot.rows:
        row, its = rows[number], tokens[number]
        for k, at in enumerate(np.flatnonzero(row.loss)):
            y = its.rewards[k] + 0.9 * float(v[its.next_row[k]][its.next_at[k]])
            values = [float(one[at - 1, row.ids[at]]) for one in q[number]]
            wanted_q.append(sum(0.5 * (value - y) ** 2 for value in values))
            now, u = float(v[number][at - 1]), min(values)
            wanted_v.append(0.5 * (0.7 if u >= now else 0.3) * (now - u) ** 2)
    assert found["q_loss"].tolist() == pytest.approx(wanted_q, rel=1e-3, abs=1e-4)
    assert found["v_loss"].tolist() == pytest.approx(wanted_v, rel=1e-3, abs=1e-4)


def test_after_the_end_nothing_is_worth_anything():
    guided = guided_maze(2, True)
    with torch.no_grad():
        guided.values.v.outer.bias.fill_(100.0)
    (done,) = sample(guided, Made(turns=1), 1)[0]
    (cut,) = sample(guided, Made(turns=2), 1, turns=1)[0]
    following = []
    for one in (done, cut):
        rows = rows_of([one], guided.chat)
        (lot,) = lots_of(rows, [0], 10**6, None, guided.device)
        learner = Ilql(guided, IlqlSettings(), 0)
        following.append(float(learner._read(Data(rows, numbered([one], rows, 0.9)), lot)[2][-1]))
    assert following[0] == 0.0 and following[1] == pytest.approx(100.0)


def test_the_target_moves_once_a_step_and_all_the_way_at_one():
    guided = guided_maze(2, True)
    episodes, _ = sample(guided, Made(turns=4), 6)
    longest = max(len(row) for row in rows_of(episodes, guided.chat))
    for alpha in (1.0, 0.25):
        twin = copy.deepcopy(guided)
        learner = Ilql(twin, IlqlSettings(alpha=alpha, batch=1000, warmup=1, batch_tokens=longest), 0)
        start = [p.clone() for p in learner.target.parameters()]
        learner.learn(Batch(episodes))
        assert learner.steps == 1
        for target, before, online in zip(learner.target.parameters(), start, twin.values.parameters(), strict=True):
            assert torch.allclose(target, before + alpha * (online.detach() - before), atol=1e-7)
            assert alpha < 1.0 or torch.equal(target, online)


def test_a_heavy_cross_entropy_gives_the_data_s_words_and_none_leaves_the_others_alone():
    guided = guided_maze(1, False)
    rng = np.random.default_rng(0)
    prompt, words, share = guided.chat.open([Message("user", "x")]), (10, 11, 12), (0.6, 0.3, 0.1)
    drawn = rng.choice(words, size=60, p=share)
    episodes = [episode([(prompt, [int(word)], 0.0, False)]) for word in drawn]
    counts = np.array([(drawn == word).mean() for word in words])
    for cql in (1e4, 0.0):
        twin = copy.deepcopy(guided)
        before = twin.values.q[0].outer.bias.detach().clone()
        how = McReturnsSettings(lr=1e-2, epochs=60, batch=60, cql=cql, warmup=1, last_lr=0.05, detach=True)
        McReturns(twin, how, 0).learn(Batch(episodes))
        hidden = twin.values.read(torch.tensor(prompt), torch.arange(len(prompt)), Packed([len(prompt)]))[-1:]
        q = twin.values.token_values(hidden)[0].detach()
        others = [token for token in range(len(q)) if token not in words]
        if cql:
            assert torch.softmax(q, -1)[list(words)].numpy() == pytest.approx(counts, abs=0.03)
        else:
            assert q[list(words)].numpy() == pytest.approx([0.0] * 3, abs=0.3)
            assert torch.equal(twin.values.q[0].outer.bias[others], before[others])


def test_values_begin_on_the_clone_as_it_is_then():
    guided = guided_maze(2, True)
    with torch.no_grad():
        for parameter in guided.policy.model.parameters():
            parameter.mul_(1.01)
    learner = Ilql(guided, IlqlSettings(), 0)
    for body in (guided.values.body, learner.target.body):
        ours, clones = body.state_dict(), guided.policy.causal.base_model.state_dict()
        assert all(torch.equal(ours[name], clones[name]) for name in clones)


def test_ilql_without_a_state_value_is_refused():
    with pytest.raises(TurnwiseError, match="make Values with state=True"):
        Ilql(guided_maze(2, False), IlqlSettings(), 0)
    with pytest.raises(TurnwiseError, match="0 < tau < 1"):
        IlqlSettings(tau=1.0)


def test_learners_in_turn_go_on_where_they_stopped(tmp_path):
    """The clone first, then its values on the clone of that moment; saved and loaded, both go on bit for bit."""

    def in_turn(guided):
        return InTurn(
            [
                lambda: Imitation(guided.policy, ImitationSettings(batch=2), 0),
                lambda: McReturns(guided, McReturnsSettings(batch=2), 0),
            ]
        )

    guided = guided_maze(1, False)
    first, second = (Batch(sample(guided.policy, Made(turns=2), 4, round=number)[0]) for number in range(2))
    whole, told = in_turn(guided), []
    updates = whole.learn(first, told.append)
    assert [update.why for update in updates] == ["imitation", "mc-returns"]
    assert told == sorted(told) and told[-1] == 1.0 and guided.version == guided.policy.version == 1
    whole.save(tmp_path)
    guided.save(tmp_path / "policy")
    again = Guided.load(tmp_path / "policy")
    stopped = in_turn(again)
    stopped.load(tmp_path)
    assert whole.learn(second) == stopped.learn(second)
    ours, theirs = guided.state_dict(), again.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
