"""Rolls between a guide and a learner, and what the learner's turns are credited with (specs/learn/rlgf)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from made_play import Made, batch_of, gradients_of, nano
from turnwise.agents.plain import PlainAgent
from turnwise.agents.scripted import ScriptedAgent
from turnwise.agents.spec import expert
from turnwise.core.chance import generator
from turnwise.core.cursor import Limits
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.credit.turn_gae import TurnGae
from turnwise.explore import Independent, Table
from turnwise.explore.rolls import GUIDE, Rolls, switch_turn
from turnwise.learn.credited import RowValues, credit_table
from turnwise.learn.hands import Hands, handed_credit
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.guide_critic import GuideCritic, GuideCriticSettings
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.learn.weights.rlgf import Rlgf
from turnwise.models.engine import Engine
from turnwise.models.sampling import Sampling
from turnwise.worlds import make
from turnwise.worlds.tabular_world import SKILLS

CHAT = nano("maze").chat


def talk(view, rng):
    return f"learner {rng.integers(10**6)}\n"


def lead(view, rng):
    return f"guide {rng.integers(10**6)}\n"


def scripted(explorer, world=None, count=40, seed=0):
    """Episodes of a scripted learner."""
    world = world or Made(turns=6)
    tasks = world.tasks("train")
    table = Table(world, {"agent": ScriptedAgent(talk, "learner"), "user": ScriptedAgent(talk)}, seed)
    return table.collect(explorer, [tasks[i % len(tasks)] for i in range(count)])


def played(policy, world, explorer, count=8, turns=None):
    """Episodes of a policy beside a guide."""
    engine, tasks = Engine(policy), world.tasks("train")
    seats = {"agent": PlainAgent(engine, Sampling(max_new=6))}
    table = Table(world, seats, 0, limits=Limits(turns), drive=engine.run)
    found = table.collect(explorer, [tasks[i % len(tasks)] for i in range(count)])
    assert not engine.lines, "whoever gets up gives its cache back"
    return found


def writers(episode):
    return [turn.message.writer for turn in episode.turns if turn.seat == "agent"]


# --- who writes ---


def test_the_turn_of_the_switch_is_uniform():
    drawn = [switch_turn(generator("k", n), 1.0, 10) for n in range(1000)]
    counts = np.bincount(drawn, minlength=10)
    assert counts[0] == 0 and len(counts) == 10
    assert (abs(counts[1:] - 1000 / 9) < 3 * math.sqrt(1000 * (1 / 9) * (8 / 9))).all()
    shared = np.mean([switch_turn(generator("b", n), 0.6, 10) is not None for n in range(1000)])
    assert abs(shared - 0.6) < 3 * math.sqrt(0.24 / 1000)


@pytest.mark.parametrize("first", ["guide", "learner"])
def test_every_turn_says_who_wrote_it(first):
    sizes = set()
    for episode in scripted(Rolls(ScriptedAgent(lead), first, 1.0)):
        hands = writers(episode)
        assert all(
            (w == GUIDE) == t.message.text.startswith("guide") for w, t in zip(hands, episode.turns, strict=True)
        )
        begins = sum(w == (GUIDE if first == "guide" else None) for w in hands)
        sides = [GUIDE, None] if first == "guide" else [None, GUIDE]
        assert hands == [sides[0]] * begins + [sides[1]] * (6 - begins)
        assert [t.fresh for t in episode.turns] == [0 < n == begins for n in range(6)]
        sizes.add(begins)
    assert sizes == set(range(5)), "k - 1 of 0 to L - 2: k = 1 is no roll-in"


def test_without_sharing_it_is_plain_play():
    alone = scripted(Independent())
    for first in ("guide", "learner"):
        shared = scripted(Rolls(ScriptedAgent(lead), first, 0.0))
        assert [(e.turns, e.ends) for e in shared] == [(e.turns, e.ends) for e in alone]


def test_a_guide_that_is_the_learner_changes_no_text():
    """Both ways of sharing give the texts of the learner alone, draw for draw."""
    texts = [
        [[t.message.text for t in e.turns] for e in scripted(explorer)]
        for explorer in (Independent(), Rolls(None, "guide", 1.0), Rolls(None, "learner", 1.0))
    ]
    assert texts[0] == texts[1] == texts[2]


def test_a_model_that_takes_over_has_read_the_whole_view():
    """Its training rows predict what it sampled, in a conversation that nobody forgets."""
    policy, world = nano("wordle"), make("wordle")
    guide = expert(world)
    for first in ("guide", "learner"):
        episodes = played(policy, world, Rolls(guide, first, 1.0), turns=4)
        learner = PolicyGradient(policy, PolicyGradientSettings(value=0.0, minibatches=1, lr=0.0), 0)
        credit = [[0.5 if t.message.writer is None else math.nan for t in e.turns] for e in episodes]
        table = replace(batch_of(episodes).credit["made"], values=credit)
        (update,) = learner.learn(batch_of(episodes, table))
        assert update.change["logprob_gap"] < 1e-4
        own = sum(len(t.tokens.reply) for e in episodes for t in e.turns if t.tokens is not None)
        assert update.change["loss_tokens"] == own > 0


def test_it_refuses_what_cannot_be_shared():
    with pytest.raises(UnknownName, match="did you mean 'guide'"):
        Rolls(first="gide")
    with pytest.raises(TurnwiseError, match="beta = 1.5"):
        Rolls(beta=1.5)
    with pytest.raises(TurnwiseError, match="at least 2"):
        scripted(Rolls(), Made(turns=1))


# --- what it is credited with ---


def flat(value):
    """A critic that says one number everywhere."""
    return lambda rows: [RowValues(np.full(len(row), value)) for row in rows]


def by_turn(table):
    """A critic that says a number per tick."""

    def values(rows):
        found = []
        for row in rows:
            said = np.zeros(len(row))
            for span in row.spans:
                said[span.start - 1] = table[span.turn]
            found.append(RowValues(said))
        return found

    return values


def one_of(first, own, world=None):
    """An episode of six turns in which the learner has so many."""
    for episode in scripted(Rolls(ScriptedAgent(lead), first, 1.0), world):
        if writers(episode).count(None) == own:
            return episode
    raise AssertionError(f"no episode with {own} turns of the learner")


def test_worked_numbers_where_the_learner_ends():
    """Rewards 1..6, the learner has turns 3 to 5: gamma 1 and lambda 1 give what is still to come less V."""
    episode = one_of("guide", 3)
    rows = rows_of([episode], CHAT)
    table = handed_credit(TurnGae(1.0, 1.0), Hands([episode], GUIDE), rows, flat(2.0), flat(99.0))
    assert np.isnan(table.values[0][:3]).all() and table.values[0][3:] == pytest.approx([13.0, 9.0, 4.0])
    assert np.isnan(table.targets[0][:3]).all() and table.targets[0][3:] == pytest.approx([15.0, 11.0, 6.0])


def test_worked_numbers_where_the_guide_ends():
    """By the guide's critic alone; lambda 0 is the guide's advantage r + V'(s') - V'(s); the learner's critic is told
    nothing.
    """
    episode = one_of("learner", 3)
    assert Hands([episode], GUIDE).guide_ends(0)
    rows, critic = rows_of([episode], CHAT), by_turn([5.0, 7.0, 4.0, 10.0, 0.0, 0.0])
    table = handed_credit(TurnGae(1.0, 0.0), Hands([episode], GUIDE), rows, flat(99.0), critic)
    assert table.values[0][:3] == pytest.approx([1 + 7 - 5, 2 + 4 - 7, 3 + 10 - 4])
    assert np.isnan(table.values[0][3:]).all() and np.isnan(table.targets[0]).all()
    whole = handed_credit(TurnGae(1.0, 1.0), Hands([episode], GUIDE), rows, flat(99.0), critic)
    assert whole.values[0][:3] == pytest.approx([21 - 5, 20 - 7, 18 - 4]), "what the guide went on to earn counts"
    switch = handed_credit(TurnGae(1.0, 0.0), Hands([episode], GUIDE), rows, flat(99.0), critic, "switch")
    assert np.isnan(switch.values[0][:2]).all() and switch.values[0][2] == pytest.approx(9.0)


@pytest.mark.parametrize("whiten", ["none", "turns", "tokens"])
def test_without_sharing_credit_is_that_of_plain_ppo(whiten):
    episodes = scripted(Rolls(ScriptedAgent(lead), "learner", 0.0), count=5)
    rows, rule = rows_of(episodes, CHAT), TurnGae(0.9, 0.8)
    handed = handed_credit(rule, Hands(episodes, GUIDE), rows, flat(2.0), flat(99.0), over=whiten)
    plain = credit_table(replace(rule, whiten=whiten), episodes, rows, flat(2.0)(rows))
    assert np.concatenate(handed.values) == pytest.approx(np.concatenate(plain.values))
    assert np.concatenate(handed.targets) == pytest.approx(np.concatenate(plain.targets))


def test_a_cut_is_followed_by_what_the_critic_of_whoever_ends_it_says():
    """World turns 6, cut after 4; views that forget lie in rows of their own, the state after the cut too."""
    world = Made(turns=6, keep=1)
    for first in ("guide", "learner"):
        tasks = world.tasks("train") * 10
        seats = {"agent": ScriptedAgent(talk), "user": ScriptedAgent(talk)}
        table = Table(world, seats, 0, limits=Limits(4))
        found = table.collect(Rolls(ScriptedAgent(lead), first, 1.0), tasks)
        episode = next(e for e in found if writers(e).count(None) == 2)
        rows = rows_of([episode], CHAT)
        credit = handed_credit(TurnGae(1.0, 1.0), Hands([episode], GUIDE), rows, flat(2.0), flat(99.0))
        last = [v for v in credit.values[0] if not math.isnan(v)][-1]
        earned = 4.0 if first == "guide" else 2.0 + 3.0 + 4.0
        assert last == pytest.approx(earned), "V cancels between the last turn and what follows it"


def test_whitening_counts_the_learner_alone():
    episodes = scripted(Rolls(ScriptedAgent(lead), "guide", 1.0), count=6)
    rows = rows_of(episodes, CHAT)
    table = handed_credit(TurnGae(1.0, 1.0), Hands(episodes, GUIDE), rows, flat(0.0), flat(0.0), over="turns")
    there = [v for values in table.values for v in values if not math.isnan(v)]
    assert np.mean(there) == pytest.approx(0.0, abs=1e-9) and np.std(there) == pytest.approx(1.0)


def learner_of(policy, **how):
    settings = PolicyGradientSettings(minibatches=1, lr=1e-3, warmup=1, **how)
    return Rlgf(PolicyGradient(policy, settings, 0), GuideCritic(policy, GuideCriticSettings(lr=1e-2), 0), GUIDE)


@pytest.mark.parametrize("first", ["guide", "learner"])
def test_no_turn_of_the_guide_is_in_the_loss(first):
    """Other words of the guide, in the same places, leave the gradient as it is, and no token of it carries loss."""
    world = make("combination-lock", length=5)
    policy = nano("combination-lock", value_head=True)
    torch.nn.init.normal_(policy.value_head.weight, std=0.1, generator=torch.Generator().manual_seed(0))
    episodes = played(policy, world, Rolls(expert(world), first, 1.0))
    learner = learner_of(policy)
    table = learner.credit(TurnGae(1.0, 0.0), episodes, "prefix", "none")
    own = [[t.message.writer is None for t in e.turns] for e in episodes]
    assert [[not math.isnan(v) for v in values] for values in table.values] == own and any(map(any, own))

    def said(text, writer):
        """The batch when one of the two had said something else."""

        def turn(t):
            return replace(t, message=replace(t.message, text=text)) if t.message.writer == writer else t

        changed = [replace(e, turns=tuple(map(turn, e.turns))) for e in episodes]
        return gradients_of(learner.gradient, batch_of(changed, table))[0]

    there = gradients_of(learner.gradient, batch_of(episodes, table))[0]
    assert torch.equal(there, said("something else\n", GUIDE)) and bool(there.any())
    rows = learner.gradient.rows(episodes)
    plan = learner.gradient._plan(table, rows)
    for row, kept in zip(rows, plan.rows, strict=True):
        signed = any(episodes[row.episode].turns[span.turn].message.writer == GUIDE for span in row.spans)
        assert kept.loss.any() != signed


def test_the_critic_of_the_guide_learns_what_the_guide_goes_on_to_earn():
    """A sure guide opens every lock that is not jammed; the learner's own critic is left as it was."""
    world = make("combination-lock", length=3)
    policy = nano("combination-lock", value_head=True)
    learner = learner_of(policy, value=0.5)
    own = policy.value_head.weight.clone()
    for _ in range(12):
        episodes = played(policy, world, Rolls(expert(world, "optimal"), "learner", 1.0), count=32)
        rows = learner.guided(episodes)
        found = learner.critic.learn(episodes, rows)
    assert found["guide_steps"] > 0 and torch.equal(own, policy.value_head.weight)
    said = {True: [], False: []}
    for row, values in zip(rows, learner.critic.values(rows), strict=True):
        for span in row.spans:
            jammed = "jammed" in episodes[row.episode].turns[span.turn].seen[-1].text
            said[jammed].append(values.values[span.start - 1])
    assert np.mean(said[False]) > 0.6 > 0.3 > np.mean(said[True])


def test_without_the_guide_its_critic_rests():
    policy = nano("combination-lock", value_head=True)
    learner, world = learner_of(policy), make("combination-lock", length=3)
    episodes = played(policy, world, Rolls(expert(world), "guide", 1.0))
    assert not learner.guided(episodes), "where the learner ends, nothing says what the guide would have earned"
    assert learner.critic.learn(episodes, []) == {"guide_steps": 0.0}


# --- what sharing buys ---


def test_values_of_the_lock():
    world = make("combination-lock")
    found = {name: world.exact(lambda views, s=s: world.played.skilled(s)[:, :-1]).mean for name, s in SKILLS.items()}
    assert found["uniform"] == pytest.approx(3.0**-10) and found["optimal"] == 1.0
    assert found["good"] == pytest.approx(0.8**10), "right with probability .7 + .3 / 3"
    with pytest.raises(TurnwiseError, match="at least 2 dials"):
        make("combination-lock", length=1)


def test_roll_in_reaches_where_a_blind_learner_never_comes():
    """With a sure guide a blind learner opens a lock of ten in 1 of 60 episodes, and not once in 59,049 alone."""
    world = make("combination-lock")
    blind, tasks = ScriptedAgent(world.expert("uniform")), world.tasks("train") * 25
    rolls = Rolls(expert(world, "optimal"), "guide", 1.0)
    shared = Table(world, {"agent": blind}, 0).collect(rolls, tasks)
    expected = sum(3.0 ** -(11 - k) for k in range(1, 10)) / 9
    error = math.sqrt(expected / len(shared))
    assert abs(np.mean([e.success for e in shared]) - expected) < 3 * error and expected > 1 / 60
    assert not any(e.success for e in Table(world, {"agent": blind}, 0).collect(Independent(), tasks))


def test_a_guide_caps_what_its_cost_to_go_can_teach():
    """A guide that never turns the last dial right makes every act before it worth the same: 0. The learner that ends
    the episode itself is told the difference.
    """
    world = make("combination-lock", length=3)
    best = world.played.skilled(1.0)[:, :-1]
    weak = best.copy()
    last = [s for s, p in enumerate(world.played.table.points) if p == (2, 0)]
    weak[last] = np.roll(best[last], 1, axis=1)
    by_guide, by_itself = world.exact(lambda views: weak), world.exact(lambda views: best)
    start = by_guide.number[0, world.tell(world.played.bare.points[0])]
    assert (by_guide.q[start] - by_guide.v[start] == 0).all() and by_guide.q[last[0]].max() == 1.0
    assert np.ptp(by_itself.q[start]) == 1.0


def test_one_step_of_improvement_on_the_guide_opens_the_lock():
    """A guide that is right 80 % of the time opens it once in ten; acting greedily on its cost-to-go always does, so
    AggreVaTeD is not bound to stop near it there.
    """
    world = make("combination-lock")
    law = world.played.skilled(SKILLS["good"])[:, :-1]
    guide = world.exact(lambda views: law)
    greedy = np.eye(3)[guide.q[:, :3].argmax(1)]
    assert guide.mean == pytest.approx(0.8**10) and world.exact(lambda views: greedy).mean == 1.0
