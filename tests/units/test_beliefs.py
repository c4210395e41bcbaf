"""Surveys of beliefs: what is asked, what is paid, what is learned; and that asking changes nothing."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest

import turnwise
from turnwise.agents.plain import PlainAgent
from turnwise.agents.scripted import ScriptedAgent
from turnwise.agents.spec import new_policy
from turnwise.core.errors import WrongPairing
from turnwise.core.types import Batch
from turnwise.core.views import views_along
from turnwise.credit.influence import Influence
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.explore import Independent, Table
from turnwise.feedback.beliefs import AFTER, BEFORE, LISTENING, QUESTION, SIDE, Beliefs, asked
from turnwise.learn.credited import credit_table
from turnwise.learn.sequences import rows_of
from turnwise.learn.surveys import surveys
from turnwise.models.engine import Engine
from turnwise.models.law import law_of
from turnwise.models.options import shares
from turnwise.models.sampling import Sampling
from turnwise.worlds import make

WORLD = make("social-deduction-small")


def played(name="truthful", count=40, seed=0):
    table = Table(WORLD, {"agent": ScriptedAgent(WORLD.expert(name), name)}, seed=seed)
    return table.collect(Independent(), WORLD.tasks("train")[:count])


def judged(episodes, **how):
    return asyncio.run(Beliefs(WORLD, **how).judge(episodes))


def of(signals, name):
    return {(s.episode, s.turn): s for s in signals if s.name == name}


@pytest.fixture(scope="module")
def policy():
    return new_policy("scratch:nano", WORLD, 0)


def test_every_turn_is_judged_and_only_messages_move_beliefs():
    episodes = played()
    signals = judged(episodes)
    before, after = of(signals, BEFORE), of(signals, AFTER)
    assert len(before) == len(after) == sum(len(e.turns) for e in episodes)
    moved = 0
    for episode in episodes:
        for number, view in views_along(episode).items():
            key, talks = (episode.id, number), "beliefs" in episode.turns[number].facts
            assert talks == (view[-1].text == "Your claim?\n")
            if not talks:
                assert before[key].value == after[key].value == 0.0
            moved += before[key].value != after[key].value
    assert moved > 5
    assert {s.value for s in signals if s.name == SIDE} == {1.0}


def test_credit_reads_them(policy):
    """With rewards to go and the end left out, a message's credit is the rise of belief from it on."""
    episodes = played()
    signals = judged(episodes)
    before, after = of(signals, BEFORE), of(signals, AFTER)
    rule = Influence(outcome=0.0, inner=RewardToGo())
    table = credit_table(rule, episodes, rows_of(episodes, policy.chat), None, signals)
    for number, episode in enumerate(episodes):
        rises = [after[episode.id, t].value - before[episode.id, t].value for t in range(len(episode.turns))]
        assert np.allclose(table.values[number], np.cumsum(rises[::-1])[::-1])


def test_listening_is_asked_in_discussions_with_the_truth_as_the_answer():
    episodes = played()
    signals = judged(episodes)
    found = surveys(episodes, signals, LISTENING, QUESTION)
    assert len(found) == len(of(signals, LISTENING)) > 20
    tasks = {e.id: e.task for e in episodes}
    for survey, signal in zip(found, of(signals, LISTENING).values(), strict=True):
        (turn,) = survey.turns
        assert signal.value is None, "nobody was asked, which is not zero"
        assert turn.message.text == tasks[signal.episode].params["names"][0]
        assert turn.seen[-1].text == QUESTION + "\n"
        assert turn.seen[-2].text in ("Your claim?\n", "Your vote?\n")


def test_the_agents_own_belief_is_its_law_over_the_names(policy):
    agent = PlainAgent(Engine(policy), Sampling(max_new=4))
    views = [asked(v) for e in played(count=20) for v in views_along(e).values() if WORLD.asked(v)][:4]
    names = ("Blue", "Green", "Pink")
    found = agent.score(views, [names] * len(views))
    assert all(row.sum() == pytest.approx(1.0) for row in found)
    small = shares(policy, views, [names] * len(views), batch_tokens=64)
    assert np.allclose(found, small, atol=1e-5)
    whole = law_of(policy, names)(views)
    assert np.all(whole.sum(1) <= 1.0)
    assert shares(policy, [], []) == []


def test_probes_are_as_many_as_asked_for(policy):
    def score(views, options):
        return shares(policy, views, options)

    signals = judged(played(), score=score, probes=5)
    values = [s.value for s in signals if s.name == LISTENING]
    assert sum(v is not None for v in values) == 5 < len(values)
    assert all(0 < v < 1 for v in values if v is not None)


def test_asking_changes_nothing(policy):
    """Same seed, asked or not between two collections: the same words."""

    def collect():
        engine = Engine(policy)
        table = Table(WORLD, {"agent": PlainAgent(engine, Sampling(max_new=4))}, 5, drive=engine.run)
        return [t.message.text for e in table.collect(Independent(), WORLD.tasks("train")[:6]) for t in e.turns]

    first = collect()
    judged(played(), score=lambda views, options: shares(policy, views, options))
    assert collect() == first


def test_listening_raises_belief_and_leaves_the_games_words_alone():
    """Cross-entropy on the surveys: belief in the truth rises above chance on what was heard."""
    from turnwise.learn.weights.imitation import Imitation, ImitationSettings
    from turnwise.learn.weights.listening import Listening
    from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings

    mine = new_policy("scratch:nano", WORLD, 3)
    talks = {s.episode for s in judged(played(count=60)) if s.name == LISTENING}
    episodes = [e for e in played(count=60) if e.id in talks][:8]

    def score(views, options):
        return shares(mine, views, options)

    def belief():
        return np.mean([s.value for s in judged(episodes, score=score) if s.value is not None and s.name == LISTENING])

    hear = ImitationSettings(lr=2e-3, epochs=10, batch=16, value=0.0, warmup=4)
    actor = PolicyGradient(mine, PolicyGradientSettings(lr=0.0, value=0.0, minibatches=1, tolerance=math.inf), 0)
    learner = Listening(actor, Imitation(mine, hear, 0), LISTENING, QUESTION)
    signals = judged(episodes, score=score)
    learned_from = surveys(episodes, signals, LISTENING, QUESTION)
    assert all(len(survey.turns) == 1 for survey in learned_from), "only the answer carries loss"
    table = credit_table(RewardToGo(), episodes, learner.rows(episodes), None, signals)
    before = belief()
    (heard,) = learner.learn(Batch(episodes, signals, {table.name: table}))
    assert mine.version == heard.after == heard.before + 1
    assert before == pytest.approx(1 / 3, abs=0.1) and heard.change["belief"] == pytest.approx(before)
    assert belief() > 0.5


def test_a_world_without_hidden_roles_is_refused():
    with pytest.raises(WrongPairing, match="nobody's role is hidden"):
        turnwise.train("maze", "influence", model="scratch:nano", settings={"demos": 0, "rounds": 1})


def test_views_along_forget_what_the_record_forgot():
    world = make("key-corridor")
    table = Table(world, {"agent": ScriptedAgent(world.expert(), "e")}, seed=1)
    (episode,) = table.collect(Independent(), world.tasks("train")[:1])
    views = views_along(episode)
    assert list(views) == list(range(len(episode.turns)))
    for number, view in views.items():
        if episode.turns[number].fresh:
            assert view == episode.turns[number].seen
    assert any(turn.fresh for turn in episode.turns)
