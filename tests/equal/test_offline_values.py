"""Monte-Carlo returns and ILQL: the worked numbers and rules of specs/learn/mc_returns and specs/learn/ilql."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch

from made_play import Made, gradients_of, nano, sample
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import ROOT, Batch, End, Episode, Leaf, Message, Task, Tokens, Turn
from turnwise.learn.action_tokens import BACKUPS, NOWHERE, numbered
from turnwise.learn.in_turn import InTurn
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.ilql import Ilql, IlqlSettings, expectile
from turnwise.learn.weights.imitation import Imitation, ImitationSettings
from turnwise.learn.weights.lots import logprobs, lots_of
from turnwise.learn.weights.mc_returns import McReturns, McReturnsSettings, squared
from turnwise.learn.weights.value_learner import Data
from turnwise.models.engine import Engine
from turnwise.models.guided import Guide, Guided, guided_logits, load_speaker
from turnwise.models.policy import Policy
from turnwise.models.ragged import Packed
from turnwise.models.sampling import Sampling
from turnwise.models.values import Head, Values

SEEN = 7  # the id that stands for everything the world says


def episode(turns, end=End.DONE, heard=()):
    """An episode of given (prompt, reply, reward, fresh)."""
    made = []
    for number, (prompt, reply, reward, fresh) in enumerate(turns):
        ids, said = np.asarray(prompt, np.int32), np.asarray(reply, np.int32)
        tokens = Tokens(ids, said, np.zeros(len(said), np.float32), np.ones(len(said), bool))
        seen = (Message("user", "?"),)
        made.append(
            Turn(number - 1 if number else ROOT, number, "agent", seen, Message("assistant", "!"), {"agent": reward},
                 tokens, fresh=fresh and number > 0)
        )  # fmt: skip
    leaf = Leaf(len(made) - 1, end, {"agent": heard})
    return Episode("e", Task("t", "made"), tuple(made), (leaf,))


def flat(one, name, gamma=0.9, chat=None, backup="token"):
    """A column of an episode's action tokens over all its rows."""
    rows = rows_of([one], chat)
    return np.concatenate([getattr(found, name) for found in numbered([one], rows, gamma, backup)])


FIVE = (0.0, 0.0, -1.0, 0.0, 1.0)
RETURNS = (-0.1539, -0.171, -0.19, 0.9, 1.0)
TOGETHER = episode([([SEEN], [1, 2, 3], -1.0, False), ([SEEN], [4, 5], 1.0, False)])


# --- returns ---


def test_worked_returns():
    assert flat(TOGETHER, "rewards") == pytest.approx(FIVE)
    assert flat(TOGETHER, "returns") == pytest.approx(RETURNS)


@pytest.mark.parametrize("words", [1, 3, 50])
@pytest.mark.parametrize("fresh", [False, True], ids=["one row", "linked rows"])
def test_what_the_world_says_and_where_a_row_is_cut_changes_no_return(words, fresh):
    other = episode([([SEEN] * words, [1, 2, 3], -1.0, False), ([SEEN] * words, [4, 5], 1.0, fresh)])
    assert len(rows_of([other])) == 1 + fresh
    assert flat(other, "returns") == pytest.approx(RETURNS)


def test_the_worked_loss_where_q_is_zero():
    g = torch.tensor(RETURNS)
    assert float(squared(torch.zeros(5), g).mean()) == pytest.approx(0.18990, abs=5e-6)


def test_a_cut_path_counts_what_it_earned():
    assert flat(episode([([SEEN], [1, 2], 1.0, False)], End.TURNS), "returns", 0.5) == pytest.approx([0.5, 1.0])


def test_on_a_deterministic_policy_returns_are_its_values():
    """A corridor walked right to the end: -1 a step and 0 at the goal, so Q = -(1 + gamma + ...) of the steps left."""
    steps = 6
    walk = episode([([SEEN], [s + 1], 0.0 if s == steps - 1 else -1.0, True) for s in range(steps)])
    q, wanted = 0.0, []
    for s in reversed(range(steps)):
        q = (0.0 if s == steps - 1 else -1.0) + 0.9 * q
        wanted.append(q)
    assert flat(walk, "returns") == pytest.approx(wanted[::-1])


# --- what comes after ---


def test_the_state_after_a_token_is_the_one_before_the_next():
    one = episode([([SEEN, SEEN], [1, 2], 0.0, False), ([SEEN], [3], 0.0, False), ([SEEN, SEEN], [4], 0.0, True)])
    assert flat(one, "next_row").tolist() == [0, 0, 1, NOWHERE]
    assert flat(one, "next_at").tolist()[:3] == [2, 4, 1]


def test_by_turns_the_rest_of_a_reply_is_taken_as_it_was():
    def column(name):
        return flat(TOGETHER, name, backup="turn")

    assert column("rewards") == pytest.approx([-0.81, -0.9, -1.0, 0.9, 1.0])
    assert column("discounts") == pytest.approx([0.9**3, 0.9**2, 0.9, 0.9**2, 0.9])
    assert column("next_row").tolist() == [0, 0, 0, NOWHERE, NOWHERE] and column("next_at").tolist()[:3] == [4] * 3
    with pytest.raises(TurnwiseError, match="did you mean 'turn'"):
        flat(TOGETHER, "rewards", backup="turns")


@pytest.mark.parametrize("backup", BACKUPS)
@pytest.mark.parametrize("fresh", [False, True], ids=["one row", "linked rows"])
def test_where_v_is_the_return_that_followed_so_is_what_q_is_told(backup, fresh):
    one = episode([([SEEN], [1, 2, 3], -1.0, False), ([SEEN] * 2, [4], 0.5, fresh), ([SEEN], [5, 6], 1.0, fresh)])
    rows = rows_of([one])
    found, told = numbered([one], rows, 0.9, backup), []
    followed = {  # the return from the state at a position of a row
        (r, at - 1): g
        for r, row in enumerate(rows)
        for at, g in zip(np.flatnonzero(row.loss).tolist(), found[r].returns, strict=True)
    }
    for its in found:
        v = [followed.get(place, 0.0) for place in zip(its.next_row.tolist(), its.next_at.tolist(), strict=True)]
        told += (its.rewards + its.discounts * v).tolist()
    assert told == pytest.approx(flat(one, "returns"))


def test_the_end_has_nothing_after_it_and_a_cut_has_its_last_state():
    chat = nano().chat
    done = episode([([SEEN], [1, 2], 0.0, False)])
    assert flat(done, "next_row", chat=chat).tolist() == [0, NOWHERE]
    unheard = episode([([SEEN], [1, 2], 0.0, False)], End.TURNS)
    rows = rows_of([unheard])
    assert flat(unheard, "next_row").tolist() == [0, 0] and flat(unheard, "next_at").tolist() == [1, 2]
    heard = dataclasses.replace(unheard, ends=(Leaf(0, End.TURNS, {"agent": (Message("user", "and now?"),)}),))
    tail = rows_of([heard], chat)[0].tail
    assert tail is not None and tail >= len(rows[0])
    assert flat(heard, "next_at", chat=chat).tolist() == [1, tail]


# --- losses ---


def test_the_worked_loss_of_q():
    v, r, q = np.array([0.2, 0.5, 0.8]), np.array([0, 0, 1.0]), torch.tensor([0.5, 0.7, 0.9])
    y = r + 0.99 * np.append(v[1:], 0.0)
    assert y == pytest.approx([0.495, 0.792, 1.0])
    assert float(squared(q, torch.from_numpy(y)).mean()) == pytest.approx(0.0030815)


def test_the_worked_loss_of_v():
    v, u = torch.tensor([0.2, 0.5, 0.8]), torch.tensor([0.4, 0.6, 0.9])
    assert float(expectile(v, u, 0.7).mean()) == pytest.approx(0.007)
    one, zero = torch.ones(1), torch.zeros(1)
    assert float(expectile(zero, one, 0.7)) == pytest.approx(0.35)
    assert float(expectile(one, zero, 0.7)) == pytest.approx(0.15)
    assert expectile(v, u.flip(0), 0.5) == pytest.approx(0.25 * (v - u.flip(0)) ** 2)


def told(values):
    """A head that says the same values everywhere."""
    head = Head(4, len(values), 0.0, torch.Generator().manual_seed(0))
    with torch.no_grad():
        head.outer.bias.copy_(torch.tensor(values))
    return head


def test_the_cross_entropy_on_q():
    hidden, first = torch.randn(1, 4, generator=torch.Generator().manual_seed(1)), torch.zeros(1, dtype=torch.int64)
    assert told([0.5, 0.1]).surprise(hidden, first).item() == pytest.approx(0.51302, abs=5e-6)
    assert told([2.0] * 7).surprise(hidden, first).item() == pytest.approx(np.log(7))


def test_one_token_of_a_head_is_that_of_all():
    rng = torch.Generator().manual_seed(0)
    head, hidden = Head(8, 5, -4.4, rng), torch.randn(6, 8, generator=rng)
    assert bool((head(hidden) == -4.4).all()), "what it says at first"
    torch.nn.init.normal_(head.outer.weight, generator=rng)
    tokens = torch.tensor([0, 4, 2, 1, 3, 3])
    assert torch.allclose(head.of(hidden, tokens), head(hidden).gather(1, tokens[:, None])[:, 0], atol=1e-6)


# --- tabular chains ---


def fixed_point(tau, rewards, gamma, rounds=400):
    """Expectile iteration on a table: a state whose data holds each of `rewards` once and ends, before it a state that
    leads there for nothing. The V of both, by descending the expectile loss itself."""
    q_last = torch.tensor(rewards)
    v = torch.zeros(2, requires_grad=True)
    for _ in range(rounds):
        q_first = gamma * v[1].detach()
        loss = expectile(v[1].expand(len(q_last)), q_last, tau).mean() + expectile(v[0], q_first, tau)
        (gradient,) = torch.autograd.grad(loss, v)
        with torch.no_grad():
            v -= gradient
    return v.tolist()


def test_the_expectile_goes_from_the_data_s_mean_to_its_best():
    mean = fixed_point(0.5, [0.0, 0.0, 3.0], 0.9)
    assert mean == pytest.approx([0.9, 1.0], abs=1e-3)
    best = fixed_point(0.999, [0.0, 0.0, 3.0], 0.9, 3000)
    assert best == pytest.approx([2.7, 3.0], abs=0.02)
    between = fixed_point(0.8, [0.0, 0.0, 3.0], 0.9)
    assert mean[0] < between[0] < best[0]


# --- decoding ---


def test_worked_decoding():
    logits, q = torch.tensor([[2.0, 1.0]]), torch.tensor([[0.0, 0.1]])
    assert guided_logits(logits, q, Guide(16.0)).tolist()[0] == pytest.approx([2.0, 2.6])
    assert torch.equal(guided_logits(logits, q, Guide(0.0)), logits)


def test_a_constant_added_to_all_values_changes_nothing():
    rng = torch.Generator().manual_seed(0)
    logits, q = torch.randn(5, 9, generator=rng), torch.randn(5, 9, generator=rng)
    one, other = (torch.softmax(guided_logits(logits, x, Guide(3.0)), -1) for x in (q, q - 40.0))
    assert torch.allclose(one, other, atol=1e-5)


def test_a_clip_at_nothing_only_lowers():
    rng = torch.Generator().manual_seed(0)
    logits, q, v = torch.randn(5, 9, generator=rng), torch.randn(5, 9, generator=rng), torch.randn(5, generator=rng)
    assert bool((guided_logits(logits, q, Guide(3.0, clip=0.0), v) <= logits).all())
    with pytest.raises(TurnwiseError, match="without a V"):
        guided_logits(logits, q, Guide(3.0, clip=0.0))


def test_words_that_the_policy_hardly_knows_are_not_valued():
    logits, q = torch.tensor([[3.0, 2.0, -5.0]]), torch.tensor([[0.0, 0.0, 100.0]])
    assert guided_logits(logits, q, Guide(1.0, top_p=0.95)).argmax() == 0
    assert guided_logits(logits, q, Guide(1.0, top_k=2)).argmax() == 0
    assert guided_logits(logits, q, Guide(1.0)).argmax() == 2


def guided_maze(heads=2, state=True, guide=None, seed=3):
    """A cloned policy whose values say something different everywhere."""
    policy = nano("maze")
    values = Values(policy, heads, state, seed=seed)
    rng = torch.Generator().manual_seed(seed)
    for head in values.q:
        torch.nn.init.normal_(head.outer.weight, std=0.3, generator=rng)
    return Guided(policy, values, guide or Guide())


def said(episodes):
    return [(t.tokens.reply.tolist(), t.tokens.logprobs.tolist()) for e in episodes for t in e.turns]


def test_without_beta_the_engine_speaks_as_the_clone_to_the_letter():
    guided = guided_maze(guide=Guide(0.0))
    ours, clones = (sample(p, Made(turns=4), 5)[0] for p in (guided, guided.policy))
    assert said(ours) == said(clones)
    shifted = guided_maze(guide=Guide(8.0))
    assert said(sample(shifted, Made(turns=4), 5)[0]) != said(clones)


def test_the_engine_samples_the_law_that_a_whole_pass_computes():
    """Both transformers keep their caches over turns: log-probabilities agree with those of packed rows."""
    guided = guided_maze(guide=Guide(2.0))
    episodes, _ = sample(guided, Made(turns=4), 6)
    rows = rows_of(episodes, guided.chat)
    for row, found in zip(rows, logprobs(guided, rows, 512), strict=True):
        assert np.allclose(found, row.logprobs[row.loss], atol=1e-4)


def test_a_greedy_choice_follows_the_values():
    guided = guided_maze(guide=Guide(1e6))
    chat, law = guided.chat, Sampling(temperature=0.0, max_new=1)
    ids = chat.open([Message("user", "hello")])

    def speak(policy):
        engine = Engine(policy)
        return engine.run([engine.reply(engine.open(), ids, law, 0)])[0].reply[0]

    hidden = guided.values.read(torch.tensor(ids), torch.arange(len(ids)), _plan(len(ids)))[-1:]
    assert speak(guided) == int(guided.values.token_values(hidden).argmax())


def _plan(length):
    return Packed([length])


def test_saved_and_loaded_it_says_the_same(tmp_path):
    guided = guided_maze(guide=Guide(4.0, top_p=0.9, clip=0.5))
    guided.version = 3
    guided.save(tmp_path / "one")
    again = load_speaker(tmp_path / "one")
    assert isinstance(again, Guided) and again.guide == guided.guide and again.version == 3
    again.save(tmp_path / "two")
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name
    assert said(sample(again, Made(turns=4), 3)[0]) == said(sample(guided, Made(turns=4), 3)[0])
    assert not isinstance(Policy.load(tmp_path / "one"), Guided), "the clone alone is a plain model directory"


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
        hidden = [guided.values.read(torch.tensor(r.ids).long(), torch.arange(len(r)), _plan(len(r))) for r in rows]
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
        hidden = twin.values.read(torch.tensor(prompt), torch.arange(len(prompt)), _plan(len(prompt)))[-1:]
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
