"""WaltzRL against its sheet (specs/credit/waltzrl-dir, "Must hold"), on episodes of safe-answers."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from turnwise.agents.company import in_company
from turnwise.agents.plain import PlainAgent
from turnwise.agents.scripted import ScriptedAgent
from turnwise.agents.spec import new_policy
from turnwise.core.types import Batch
from turnwise.credit.dir import Dir
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.scored import Scored
from turnwise.explore import Independent, Table
from turnwise.feedback.two_labels import TwoLabels
from turnwise.learn.credited import credit_table
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.models.engine import Engine
from turnwise.models.sampling import Sampling
from turnwise.recipes.dir import one_of_each
from turnwise.worlds import make
from turnwise.worlds.safe_answers import ANSWERS
from turnwise.worlds.safe_answers_players import LOOKS

EACH = RewardToGo(gamma=0.0)
IMPROVEMENT = Dir(improvement=1.0, form=0.0, inner=EACH)


class Words:
    """The part of a chat that rows need, a token per character."""

    extends, stop_ids = True, (0,)

    def open(self, messages):
        return [ord(c) for m in messages for c in m.text]

    def extend(self, messages, closed):
        return self.open(messages)

    def text_ids(self, text):
        return [ord(c) for c in text]


def saying(texts):
    """A player who says one text after another."""
    left = iter(texts)
    return ScriptedAgent(lambda view, rng: next(left), "said")


def prompt(harmful, world):
    return next(t for t in world.tasks("train") if t.params["harmful"] == harmful)


def conversation(answers, looks, harmful=True, rounds=1):
    """An episode in which these words are said."""
    world = make("safe-answers", rounds=rounds)
    agents = {"agent": saying(answers), "feedback": saying(looks)}
    return world, Table(world, agents, 0).collect(Independent(), [prompt(harmful, world)])[0]


def judged(world, episodes):
    return asyncio.run(TwoLabels(world, "feedback").judge(episodes))


def credit(rule, world, episodes, seat="feedback"):
    """Credit of a seat's turns, in the order of its turns, per episode."""
    rows = rows_of(episodes, Words(), seat)
    table = credit_table(rule, episodes, rows, None, judged(world, episodes), seat=seat)
    own = [[i for i, turn in enumerate(e.turns) if turn.seat == seat] for e in episodes]
    return [[table.values[n][i] for i in turns] for n, turns in enumerate(own)]


# --- worked ---


@pytest.mark.parametrize(
    ("answers", "look", "harmful", "earned"),
    [
        (["comply\n", "refuse\n"], "unsafe fine refuse\n", True, 1.0),
        (["refuse\n", "comply\n"], "safe over comply\n", False, 1.0),
        (["comply\n", "comply\n"], "unsafe fine refuse\n", True, 0.0),
        (["partial\n", "refuse\n"], "unsafe fine none\n", True, 1.0),
    ],
)
def test_worked_improvements(answers, look, harmful, earned):
    world, episode = conversation(answers, [look], harmful)
    assert credit(IMPROVEMENT, world, [episode]) == [[earned]]
    assert episode.total("feedback") == earned and episode.success == (answers[-1] != answers[0])


def test_a_good_answer_that_advice_spoils_costs_one():
    world, episode = conversation(["refuse\n", "comply\n"], ["safe over comply\n"], harmful=True)
    assert credit(replace(IMPROVEMENT, conditional=False), world, [episode]) == [[-1.0]]
    assert credit(IMPROVEMENT, world, [episode]) == [[0.0]], "a flagged good answer has wrong labels: nothing counts"


def test_without_a_flag_nothing_is_revised_and_only_labels_and_form_pay():
    for answer, harmful in product(ANSWERS, (True, False)):
        world, episode = conversation([answer], ["safe fine none\n"], harmful)
        good = episode.success
        assert [turn.seat for turn in episode.turns] == ["agent", "feedback"]
        assert credit(IMPROVEMENT, world, [episode]) == [[0.0]]
        assert credit(replace(IMPROVEMENT, label=1.0), world, [episode]) == [[float(good)]]
        assert credit(replace(IMPROVEMENT, form=0.1), world, [episode]) == [[0.1]]
    world, episode = conversation(["comply\n"], ["what?\n"])
    assert credit(replace(IMPROVEMENT, form=0.1, label=1.0), world, [episode]) == [[0.0]], "without form nothing pays"


def test_a_lucky_improvement_with_wrong_labels_pays_only_without_the_condition():
    world, episode = conversation(["comply\n", "refuse\n"], ["safe over refuse\n"], harmful=True)
    assert credit(IMPROVEMENT, world, [episode]) == [[0.0]]
    assert credit(replace(IMPROVEMENT, conditional=False), world, [episode]) == [[1.0]]


# --- for any conversation ---

talks = st.tuples(
    st.lists(st.sampled_from(ANSWERS), min_size=4, max_size=4),
    st.lists(st.sampled_from([*LOOKS, "no form\n"]), min_size=3, max_size=3),
    st.booleans(),
)


@given(talks)
def test_improvements_telescope(talk):
    world, episode = conversation(*talk, rounds=3)
    every = credit(replace(IMPROVEMENT, conditional=False), world, [episode])[0]
    scores = credit(Scored(inner=EACH), world, [episode], "agent")[0]
    assert sum(every) == scores[-1] - scores[0] == episode.total("feedback")
    assert scores[-1] == episode.total() == float(episode.success)


@given(talks, st.sampled_from(ANSWERS))
def test_an_answerer_who_ignores_advice_leaves_nothing_to_be_paid_for(talk, answer):
    _, looks, harmful = talk
    world, episode = conversation([answer] * 4, looks, harmful, rounds=3)
    for rule in (IMPROVEMENT, replace(IMPROVEMENT, conditional=False)):
        assert not any(credit(rule, world, [episode])[0])


@given(talks)
def test_model_calls_are_one_answer_a_look_and_a_revision_where_flagged(talk):
    answers, looks, harmful = talk
    _, episode = conversation(answers, looks, harmful)
    facts = episode.ends[0].facts
    assert facts["calls"] == len(episode.turns) == 2 + facts["flagged"]


# --- two roles apart ---


@pytest.fixture(scope="module")
def played():
    """Policies of both roles, imitating nobody, and a round of theirs."""
    world = make("safe-answers", rounds=2)
    policies = {seat: new_policy("scratch:nano", world, n) for n, seat in enumerate(world.seats)}
    engines = {seat: Engine(policy) for seat, policy in policies.items()}
    agents = {seat: PlainAgent(engine, Sampling(max_new=4)) for seat, engine in engines.items()}
    table = Table(world, in_company(world, agents), 0, drive=engines["agent"].run)
    return world, policies, table.collect(Independent(), world.tasks("train")[:12])


def made_up(signals, seat, rng):
    """The same judgements, other numbers for one seat."""
    return [replace(s, value=float(rng.integers(2))) if s.seat == seat else s for s in signals]


@pytest.mark.parametrize("seat", ["agent", "feedback"])
def test_what_one_role_is_paid_never_enters_the_others_loss(played, seat):
    world, policies, episodes = played
    other = "feedback" if seat == "agent" else "agent"
    rules = {"agent": Scored(inner=EACH), "feedback": Dir(label=1.0, conditional=False, inner=EACH)}
    found, rng = [], np.random.default_rng(0)
    signals = made_up(judged(world, episodes), seat, rng)
    for told in (signals, made_up(signals, other, rng)):
        policy = copy.deepcopy(policies[seat])
        learner = PolicyGradient(policy, PolicyGradientSettings(value=0.0), 0, (seat,))
        tables = {}
        for role, rule in rules.items():
            rows = rows_of(episodes, policies[role].chat, role)
            tables[role] = credit_table(rule, episodes, rows, None, told, seat=role)
        learner.learn(Batch(episodes, told, tables))
        found.append(policy.state_dict())
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    assert any(not torch.equal(found[0][name], weight) for name, weight in policies[seat].state_dict().items())


def test_each_roles_mask_covers_its_own_tokens_only(played):
    _, policies, episodes = played
    written = dict.fromkeys(policies, 0)
    for seat, policy in policies.items():
        for row in rows_of(episodes, policy.chat, seat):
            turns = episodes[row.episode].turns
            assert row.seat == seat and all(turns[span.turn].seat == seat for span in row.spans)
            own = np.zeros(len(row), bool)
            for span in row.spans:
                own[span.start : span.end] = True
                np.testing.assert_array_equal(row.ids[span.start : span.end], turns[span.turn].tokens.reply)
            np.testing.assert_array_equal(row.loss, own)
            written[seat] += int(row.loss.sum())
    said = {s: sum(len(t.tokens.reply) for e in episodes for t in e.turns if t.seat == s) for s in policies}
    assert written == said


def test_one_round_and_one_answer_of_each_episode_are_drawn():
    world, episode = conversation(["comply\n"] * 4, ["unsafe fine none\n"] * 3, rounds=3)
    rows = rows_of([episode], Words(), "feedback")
    table = credit_table(IMPROVEMENT, [episode], rows, None, judged(world, [episode]), seat="feedback")
    drawn = set()
    for seed in range(40):
        kept = np.flatnonzero(~np.isnan(one_of_each(table, [episode], seed).values[0]))
        assert len(kept) == 1 and episode.turns[kept[0]].seat == "feedback"
        drawn.add(int(kept[0]))
    assert drawn == {1, 3, 5}
