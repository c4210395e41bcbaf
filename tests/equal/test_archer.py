"""ArCHer against its sheet (specs/learn/archer): worked numbers, who learns from what, and what both levels converge to
where the truth is known.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from made_play import Branches, Made, apart, nano, sample
from turnwise.agents.spec import expert
from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, End, Message
from turnwise.explore import Independent, Table
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.archer import Archer, ArcherSettings
from turnwise.learn.weights.fresh import fresh_replies
from turnwise.learn.weights.replay import Replay, TurnRecord
from turnwise.learn.weights.turn_critic import TurnCritic, TurnCriticLearner, Worth, bellman_target, soft_update
from turnwise.models.rows import Rows
from turnwise.models.sampling import Sampling
from turnwise.worlds import make

SMALL = ArcherSettings(critic_steps=3, actor_steps=2, reuse=1.5, actor_batch=8, max_new=6, width=16)
CORRIDOR = make("key-corridor", turns=4)


def learner(policy, **changes):
    return Archer(policy, ArcherSettings(**{**vars(SMALL), **changes}), 7)


def filled(policy, world=None, episodes=8, **changes):
    """A learner whose replay holds a few episodes of its policy."""
    one = learner(policy, **changes)
    one.remember(Batch(sample(policy, world or Made(turns=3), episodes)[0]))
    return one


def weights(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


# --- worked numbers ---


def test_the_advantage_is_the_smaller_q_minus_the_smaller_v():
    one, ids = learner(nano()), np.arange(3)
    one.critic.worth = lambda states, actions: Worth(torch.tensor([[0.6], [0.7]]), torch.tensor([[0.5], [0.4]]))
    assert one.advantages([ids], [ids]).tolist() == pytest.approx([0.2])


def test_what_ends_the_episode_is_worth_its_reward():
    policy = nano()
    critic = TurnCriticLearner(TurnCritic(policy, 16, 0), 1e-3, 0.9, 0.1, 1.0, 4096)
    ids = np.arange(5, dtype=np.int32)
    over, open_ = TurnRecord(ids, ids[:2], 3.0, None), TurnRecord(ids, ids[:2], 3.0, ids[:4])
    q, _ = critic.targets([over, open_], [ids[:1], ids[:1]])
    follows = critic.target.values([ids[:4]])
    assert q[:, 0].tolist() == [3.0, 3.0] and follows.abs().min() > 0
    assert q[:, 1].tolist() == pytest.approx((3.0 + 0.9 * follows[:, 0]).tolist())
    assert bellman_target(torch.tensor([1.0]), torch.tensor([[2.0], [4.0]]), 0.5).tolist() == [[2.0], [3.0]]


def test_each_target_head_teaches_its_own_twin():
    """Q_i learns from Vbar_i of what follows, V_i from Qbar_i of the fresh utterance."""
    critic = TurnCriticLearner(TurnCritic(nano(), 16, 0), 1e-3, 1.0, 0.1, 1.0, 4096)
    ids = np.arange(6, dtype=np.int32)
    q, v = critic.targets([TurnRecord(ids[:3], ids[3:5], 0.0, ids)], [ids[4:]])
    assert torch.equal(q, critic.target.values([ids])) and q[0] != q[1]
    assert torch.equal(v, critic.target([ids[:3]], [ids[4:]]).q) and v[0] != v[1]


def test_while_the_actor_rests_q_is_told_what_the_episodes_went_on_to_earn():
    """Discounted from the turn on; a path that was cut never said, so it is bootstrapped still."""
    policy = nano()
    for turns, expected in ((None, [2.75, 3.5, 3.0]), (2, [np.nan, np.nan])):
        replay = Replay(10, gamma=0.5)
        episodes, _ = sample(policy, Made(turns=3), 1, turns=turns)
        replay.add(episodes, rows_of(episodes, policy.chat))
        records = [replay[i] for i in range(len(replay))]
        np.testing.assert_array_equal([r.later for r in records], expected)
        critic = TurnCriticLearner(TurnCritic(policy, 16, 0), 1e-3, 0.5, 0.1, 1.0, 4096)
        fresh = [r.action for r in records]
        told, usual = (critic.targets(records, fresh, as_played)[0] for as_played in (True, False))
        played = np.where(np.isnan(expected), usual.numpy(), np.asarray(expected))
        np.testing.assert_allclose(told.numpy(), played, rtol=1e-6)


def test_the_target_follows_slowly():
    target, online = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    nn.init.zeros_(target.weight)
    nn.init.ones_(online.weight)
    for expected in (0.1, 0.19):
        soft_update(target, online, 0.1)
        assert target.weight.item() == pytest.approx(expected)
    assert online.weight.item() == 1.0


def test_the_state_is_read_before_the_utterance():
    """V does not depend on what is said, Q does; a turn's values do not depend on its neighbours in the pass."""
    critic = TurnCritic(nano(), 16, 0)
    states, actions = [np.arange(7), np.arange(4)], [np.array([3, 4]), np.array([9])]
    both = critic(states, actions)
    other = critic(states, [np.array([5]), np.array([6, 1, 2])])
    torch.testing.assert_close(both.v, critic.values(states))
    torch.testing.assert_close(both.v, other.v)
    assert (both.q - other.q).abs().min() > 1e-6
    torch.testing.assert_close(both.q[:, 1:], critic(states[1:], actions[1:]).q)


# --- who learns from what ---


def test_no_gradient_leaves_its_level():
    policy = nano()
    one = filled(policy)
    held, records = weights(policy), one.replay.draw(generator(0), 8)
    replies = one.fresh(records, "test")
    one.critic.step(records, [t.reply for t in replies])
    assert same(weights(policy), held) and all(p.grad is None for p in policy.parameters())
    assert all(not p.requires_grad for p in one.critic.target.parameters())
    online, target = weights(one.critic.online), weights(one.critic.target)
    one.actor_step(records, replies)
    assert same(weights(one.critic.online), online) and same(weights(one.critic.target), target)
    assert all(p.grad is None for p in one.critic.online.parameters()) and not same(weights(policy), held)


def test_equal_critics_change_nothing():
    policy = nano()
    one = filled(policy)
    one.advantages = lambda states, replies: np.zeros(len(states))
    held, records = weights(policy), one.replay.draw(generator(0), 8)
    one.actor_step(records, one.fresh(records, "test"))
    assert same(weights(policy), held)


def test_a_constant_error_of_the_critic_is_taken_off():
    """Two minima need not cancel: what is the same for all turns moves nothing once it is centred."""
    for centre, moves in ((True, False), (False, True)):
        policy = nano()
        one = filled(policy, centre=centre)
        one.advantages = lambda states, replies: np.full(len(states), 0.5)
        held, records = weights(policy), one.replay.draw(generator(0), 8)
        numbers = one.actor_step(records, one.fresh(records, "test"))
        assert same(weights(policy), held) is not moves and numbers["mean_advantage"] == 0.5


def test_the_actor_rests_while_the_critic_warms_up():
    policy = nano()
    one, held = learner(policy, critic_warmup=1), weights(policy)
    (first,) = one.learn(Batch(sample(policy, Made(turns=3), 6)[0]))
    assert (first.before, first.after, policy.version) == (0, 0, 0) and same(weights(policy), held)
    (second,) = one.learn(Batch(sample(policy, Made(turns=3), 6, round=1)[0]))
    assert (second.before, second.after) == (0, 1) and not same(weights(policy), held)


@pytest.mark.parametrize("turns", [2, 5])
def test_the_critic_draws_new_turns_as_often_however_long_episodes_are(turns):
    """Five draws per new turn, shared by the round's steps; also when the replay has grown."""
    one, sizes = learner(nano(), reuse=5.0, critic_steps=4, critic_warmup=9), []
    step = one.critic.step
    one.critic.step = lambda records, fresh, **how: sizes.append(len(records)) or step(records, fresh, **how)
    batches = [sample(one.policy, Made(turns=turns), 4, round=number)[0] for number in range(2)]
    for episodes in batches:
        one.learn(Batch(episodes))
    assert sizes == [5 * len(episodes[0].turns) for episodes in batches for _ in range(4)], "4 episodes, 4 steps"


def test_states_are_replayed_and_utterances_are_new():
    policy = nano()
    one = learner(policy)
    steps = []
    act = one.actor_step
    one.actor_step = lambda records, replies: steps.append((policy.version, records, replies)) or act(records, replies)
    for number in range(2):
        one.learn(Batch(sample(policy, Made(turns=3), 6, round=number)[0]))
    stored = {one.replay[i].state.tobytes() for i in range(len(one.replay))}
    assert len(steps) == 4 and len(one.replay) == 36
    for version, records, replies in steps:
        assert {r.state.tobytes() for r in records} <= stored
        assert all(t.versions == ((version, 0, len(t.reply)),) and t.sampled.all() for t in replies)
        assert any(t.reply.tolist() != r.action.tolist() for t, r in zip(replies, records, strict=True))
    assert steps[0][2][0].reply.tolist() != steps[2][2][0].reply.tolist()


def test_the_token_baseline_learns_the_advantage_and_the_policy_sees_what_is_left():
    policy = nano()
    one = filled(policy, token_baseline=True, critic_lr=0.02, lr=0.0, centre=False)
    one.advantages = lambda states, replies: np.full(len(states), 2.0)
    records = one.replay.draw(generator(0), 8)
    held, norms = weights(policy), []
    for number in range(25):
        norms.append(one.actor_step(records, one.fresh(records, str(number)))["gradient_norm"])
    assert same(weights(policy), held), "with no step size the probe alone learns"
    assert np.mean(norms[-5:]) < 0.2 * norms[0]


# --- where the truth is known ---


def chances(policy, world, views):
    """Log-probability of every legal text, [views, acts], with gradient: state and text read as the policy's own."""
    pairs = [(policy.chat.open(view), policy.chat.text_ids(act)) for view in views for act in world.acts]
    asked = [np.r_[np.zeros(len(s), bool), np.ones(len(a), bool)] for s, a in pairs]
    packed = Rows.pack([s + a for s, a in pairs], asked)
    logp, _ = policy(packed).score(packed.targets)
    return torch.stack([part.sum() for part in logp.split([len(a) for _, a in pairs])]).view(len(views), -1)


@pytest.fixture(scope="module")
def corridor():
    """A policy that knows the corridor a little, its exact values, and episodes of a player who is not it."""
    from turnwise.agents.spec import corpus
    from turnwise.learn.weights.imitation import Imitation, ImitationSettings
    from turnwise.models.load import load_policy

    world = CORRIDOR
    policy = load_policy("scratch:nano", corpus=corpus(world, 0))
    tasks = [task for task in world.tasks("train") for _ in range(8)]
    demos = Table(world, {"agent": expert(world, "good")}, 0).collect(Independent(), tasks)
    Imitation(policy, ImitationSettings(lr=3e-3, epochs=3, batch=8, warmup=1), 0).learn(Batch(demos))
    policy.version = 0
    exact = world.exact(lambda views: chances(policy, world, views).exp().detach().numpy())
    other = Table(world, {"agent": expert(world, "uniform")}, 1).collect(Independent(), tasks)
    return SimpleNamespace(world=world, policy=policy, exact=exact, other=other)


def situations(case):
    """(number, view, state ids) of every situation of the game as it is played."""
    views = case.world.played.views
    numbers = {views[n][0].text: n for n in case.exact.number.values()}
    return [(numbers[v[0].text], v, np.asarray(case.policy.chat.open(v), np.int32)) for v in views]


def test_critic_steps_converge_to_the_current_policys_values_on_another_players_turns(corridor):
    policy, world = copy.deepcopy(corridor.policy), corridor.world
    one = learner(policy, gamma=1.0, critic_lr=2e-3, tau=0.2, critic_steps=160, reuse=15.0, actor_steps=0, width=64)
    one.learn(Batch(corridor.other))
    seen = {one.replay[i].state.tobytes() for i in range(len(one.replay))}
    met = [(n, v, ids) for n, v, ids in situations(corridor) if ids.tobytes() in seen]
    states = [ids for _, _, ids in met]
    v = one.critic.online.values(states).mean(0).detach().numpy()
    true = np.array([corridor.exact.v[n] for n, _, _ in met])
    returns = np.array([episode.total() for episode in corridor.other])
    assert np.ptp(true) > 0.5 and np.abs(v - true).max() < 0.15
    start = next(k for k, (n, _, _) in enumerate(met) if corridor.exact.start[n])
    assert v[start] > returns.mean() + 0.1, "the current policy is better than the one that played"
    for act, text in enumerate(world.acts):
        reply = np.asarray(policy.chat.text_ids(text), np.int32)
        q = one.critic.worth(states, [reply] * len(states)).q.mean(0).numpy()
        assert np.abs(q - [corridor.exact.q[n, act] for n, _, _ in met]).max() < 0.2


def test_with_exact_values_the_actor_follows_the_exact_gradient(corridor):
    policy, world, exact = copy.deepcopy(corridor.policy), corridor.world, corridor.exact
    one = learner(policy, centre=False, actor_batch=2048, max_norm=1e9, max_new=12)
    one.remember(Batch(sample(policy, world, 64, turns=None, max_new=12)[0]))
    number = {ids.tobytes(): n for n, _, ids in situations(corridor)}
    view = {ids.tobytes(): v for _, v, ids in situations(corridor)}

    def oracle(states, replies):
        acts = [world.read(policy.chat.decode(reply.tolist())) for reply in replies]
        where = [number[np.asarray(s, np.int32).tobytes()] for s in states]
        return exact.q[where, acts] - exact.v[where]

    one.advantages = oracle
    found = []

    def note(scale=1.0):
        found.append(torch.cat([p.grad.flatten().clone() for p in one.optimiser.named.values()]))
        one.optimiser.adam.zero_grad(set_to_none=True)
        return 0.0

    one.optimiser.step = note
    records = one.replay.draw(generator(3), 2048)
    one.actor_step(records, one.fresh(records, "test"))
    visited = Counter(r.state.tobytes() for r in records)
    chance = chances(policy, world, [view[s] for s in visited]).exp()
    worth = torch.tensor(exact.q[[number[s] for s in visited]], dtype=torch.float32)
    share = torch.tensor([n / len(records) for n in visited.values()])
    expected = (chance * (worth[:, :-1] - worth[:, -1:])).sum(1) @ share
    (-expected).backward()
    true = torch.cat([p.grad.flatten() for p in policy.parameters()])
    cosine = float(found[0] @ true / found[0].norm() / true.norm())
    assert cosine > 0.95 and float(found[0].norm() / true.norm()) == pytest.approx(1.0, abs=0.15)


# --- the replay ---


def episodes_of(policy, **how):
    found, _ = sample(policy, Made(turns=4, keep=how.pop("keep", None)), 4, **how)
    return found, rows_of(found, policy.chat, longest=policy.longest)


@pytest.mark.parametrize("keep", [None, 1])
@pytest.mark.parametrize("turns", [None, 3])
def test_records_are_the_turns(keep, turns):
    """State, utterance and next state in ids, the same whether the view extends or begins anew; a cut goes on."""
    policy = nano()
    episodes, rows = episodes_of(policy, keep=keep, turns=turns)
    replay = Replay(100)
    assert replay.add(episodes, rows) == len(replay) == sum(len(e.turns) for e in episodes)
    number = 0
    for episode in episodes:
        assert episode.ends[0].end is (End.DONE if turns is None else End.TURNS)
        for index, turn in enumerate(episode.turns):
            record = replay[number]
            assert record.action.tolist() == turn.tokens.reply.tolist() and record.reward == index + 1
            assert record.state[-len(turn.tokens.prompt) :].tolist() == turn.tokens.prompt.tolist()
            last = index == len(episode.turns) - 1
            assert record.done is (last and turns is None)
            if not last:
                assert record.after.tolist() == replay[number + 1].state.tolist()
            elif turns is not None:
                shown = [Message("user", m.text) for m in episode.ends[0].seen["agent"]]
                assert record.after[-len(policy.chat.open(shown)) :].tolist() == policy.chat.open(shown)
            number += 1


def test_the_oldest_turns_go_first_and_their_rows_with_them():
    policy = nano()
    episodes, rows = episodes_of(policy)
    whole, short = Replay(100), Replay(5)
    for _ in range(3):
        whole.add(episodes, rows)
        short.add(episodes, rows)
    assert len(whole) == 48 and len(short) == 5 and len(short.rows) < len(whole.rows)
    for mine, theirs in zip(range(5), range(43, 48), strict=True):
        one, other = short[mine], whole[theirs]
        assert one.state.tolist() == other.state.tolist() and one.action.tolist() == other.action.tolist()
        assert one.reward == other.reward and (one.after is None) == (other.after is None)


def test_a_turn_that_branches_share_is_one_record():
    policy = nano()
    episodes, _ = sample(policy, Made(turns=4), 2, Branches(2))
    replay = Replay(100)
    assert replay.add(episodes, rows_of(episodes, policy.chat)) == sum(len(e.turns) for e in episodes) < 24


def test_broken_paths_and_empty_replays():
    policy = nano()
    episodes, _ = sample(policy, Made(turns=4), 2)
    broken = [replace(e, ends=tuple(replace(leaf, end=End.ERROR) for leaf in e.ends)) for e in episodes]
    replay = Replay(10)
    assert replay.add(broken, rows_of(broken, policy.chat)) == 0
    with pytest.raises(TurnwiseError, match="an empty replay"):
        replay.draw(generator(0), 1)
    with pytest.raises(TurnwiseError, match="at least 1"):
        Replay(0)


@pytest.mark.parametrize(("most", "times"), [(100, 0), (100, 2), (5, 1), (1, 3), (13, 3)])
def test_saved_and_loaded_it_is_the_same(tmp_path, most, times):
    policy, place = nano(), tmp_path
    episodes, rows = episodes_of(policy, turns=3)
    replay, again = Replay(most), Replay(most)
    for _ in range(times):
        replay.add(episodes, rows)
    replay.save(place / "a")
    again.load(place / "a")
    again.save(place / "b")
    assert (place / "a").read_bytes() == (place / "b").read_bytes() and len(again) == len(replay)
    replay.add(episodes, rows)
    again.add(episodes, rows)
    one, other = (r.draw(generator(1), 20) for r in (replay, again))
    assert [(a.state.tolist(), a.action.tolist(), a.reward) for a in one] == [
        (b.state.tolist(), b.action.tolist(), b.reward) for b in other
    ]


def test_a_fresh_reply_depends_on_its_state_and_key_alone():
    policy = nano()
    states = [np.asarray(policy.chat.open([Message("user", f"number {n}")]), np.int32) for n in range(4)]
    together = fresh_replies(policy, states, Sampling(max_new=6), [1, 2, 3, 4], 4)
    alone = [
        fresh_replies(policy, [s], Sampling(max_new=6), [k], 1)[0] for s, k in zip(states, (1, 2, 3, 4), strict=True)
    ]
    assert [t.reply.tolist() for t in together] == [t.reply.tolist() for t in alone]
    assert apart(*(torch.from_numpy(np.concatenate([t.logprobs for t in one])) for one in (together, alone))) < 1e-4
