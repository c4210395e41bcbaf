"""Feedback that credit rules read: praise, grounding, fitted contributions, the probe of the right answer."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import turnwise
from turnwise.agents.spec import expert, new_policy
from turnwise.core.errors import TurnwiseError, WrongPairing
from turnwise.core.types import End, Message
from turnwise.credit.igpo import Igpo
from turnwise.credit.mt_grpo import MtGrpo
from turnwise.credit.rule import CreditInput
from turnwise.credit.spa import fit_table
from turnwise.explore import Independent, Table
from turnwise.feedback.grounding import Grounding
from turnwise.feedback.praise import Praise, scores_of
from turnwise.feedback.probe import Probe
from turnwise.feedback.progress import Progress
from turnwise.learn.credited import credit_input, paths_of
from turnwise.learn.sequences import rows_of
from turnwise.models.law import law_of, scores
from turnwise.recipes.mt_grpo import FirstTurnPaid
from turnwise.worlds import make

GAME = {"vocabulary": ["slate", "crane", "plant"], "turns": 3}


def played(world, count=32, player="", seed=0):
    """Episodes of a scripted player."""
    tasks = world.tasks("train")
    table = Table(world, {"agent": expert(world, player)}, seed, "test")
    return table.collect(Independent(), [tasks[i % len(tasks)] for i in range(count)])


def judge(part, episodes):
    return asyncio.run(part.judge(episodes))


# --- the right answer of a task ---


@pytest.mark.parametrize("name", ["bit-naming", "twenty-questions-small", "wordle"])
def test_the_right_answer_wins_at_once(name):
    world = make(name)
    for task in world.tasks("train")[:5]:
        live = world.live()
        live.reset(task, turnwise.core.chance.Chance(7))
        moment = live.step({"agent": Message("assistant", world.answer(task))})
        assert moment.end is End.DONE and moment.facts["success"]


def test_worlds_without_one_say_so():
    assert make("maze").answer(make("maze").tasks("train")[0]) is None
    assert make("wordle", as_released=True).answer(make("wordle", as_released=True).tasks("train")[0]) is None


def test_naming_is_worth_what_asking_then_guessing_is():
    """With every answer right, four questions and a name win; at the prior a name wins one time in sixteen."""
    from turnwise.worlds.bit_naming_rules import problem
    from turnwise.worlds.tabular import solve

    table = problem(5, 1 - 1e-12)
    assert solve(table).v[0] == pytest.approx(1.0, abs=1e-9)
    assert solve(problem(1)).v[0] == pytest.approx(1 / 16)
    with pytest.raises(TurnwiseError, match="right more often than not"):
        make("bit-naming", right=0.5)


# --- praise and grounding ---


def test_praise_is_of_acts_that_were_carried_out():
    world = make("work-submit")
    episodes = played(world, 8)
    texts = {(e.id, i): t.message.text for e in episodes for i, t in enumerate(e.turns)}
    signals = judge(Praise({"fluff": 0.3}, world.refusal), episodes)
    assert {(s.episode, s.turn) for s in signals} == texts.keys()
    assert all(s.value == (0.3 if texts[s.episode, s.turn] == "fluff\n" else 0.0) for s in signals)
    form = judge(Praise(scores_of("*=0.1, submit=0"), world.refusal), episodes)
    assert {s.value for s in form if texts[s.episode, s.turn] == "submit\n"} == {0.0}
    assert {s.value for s in form if texts[s.episode, s.turn] != "submit\n"} == {0.1}


def test_what_the_world_refused_is_not_carried_out():
    world = make("work-submit")
    episode = next(e for e in played(world) if len(e.turns) > 2)
    answer = episode.turns[1].seen[-1]
    refused = replace(episode.turns[1], seen=(replace(answer, text=world.refusal + answer.text),))
    changed = replace(episode, turns=(episode.turns[0], refused, *episode.turns[2:]))
    assert [s.value for s in judge(Grounding(world.refusal), [changed])] == [0.0] + [1.0] * (len(episode.turns) - 1)
    assert judge(Praise({"*": 0.1}, world.refusal), [changed])[0].value == 0.0
    assert {s.value for s in judge(Grounding(""), [changed])} == {1.0}, "a world that never refuses"


@pytest.mark.parametrize("wrong", ["fluff", "fluff=", "=0.3", "fluff=much"])
def test_praise_that_cannot_be_read_is_refused(wrong):
    with pytest.raises(TurnwiseError, match="praise"):
        scores_of(wrong)


# --- progress ---


@pytest.fixture(scope="module")
def corridor():
    return played(make("key-corridor", turns=5), 400, "good")


def test_contributions_add_up_and_find_the_turns_that_decide(corridor):
    progress = Progress(partial(fit_table, ridge=1.0))
    signals = judge(progress, corridor)
    by_turn: dict[int, list[float]] = {t: [] for t in range(5)}
    sums = dict.fromkeys((e.id for e in corridor), 0.0)
    for signal in signals:
        by_turn[signal.turn].append(signal.value)
        sums[signal.episode] += signal.value
    outcome = np.array([e.total() for e in corridor])
    assert np.corrcoef(outcome, [sums[e.id] for e in corridor])[0, 1] > 0.9
    spread = {t: np.std(values) for t, values in by_turn.items()}
    assert min(spread[2], spread[4]) > 3 * max(spread[0], spread[1], spread[3])


def test_a_contribution_never_reads_its_own_outcome(corridor):
    """Turning an episode's outcome around changes what is said of others, not of itself."""
    fit = partial(fit_table, ridge=1.0)
    own = corridor[0]
    paid = tuple(replace(t, rewards={"agent": 1.0 - t.rewards["agent"]}) for t in own.turns)
    changed = [replace(own, turns=paid), *corridor[1:]]
    same, other = ({(s.episode, s.turn): s.value for s in judge(Progress(fit), es)} for es in (corridor, changed))
    mine = [key for key in same if key[0] == own.id]
    assert [same[key] for key in mine] == [other[key] for key in mine] and same != other


def test_progress_remembers_rounds_and_goes_on_from_its_state(corridor):
    fit = partial(fit_table, ridge=1.0)
    whole, stopped = Progress(fit, 3), Progress(fit, 3)
    for part in (whole, stopped):
        judge(part, corridor[:100]), judge(part, corridor[100:200])
    again = Progress(fit, 3)
    again.restore(json.loads(json.dumps(stopped.state())))
    assert judge(again, corridor[200:300]) == judge(whole, corridor[200:300])
    assert len(whole.past) == 2
    assert judge(Progress(fit, 1), corridor[:50]), "a memory of one round is that round alone"


# --- the probe ---


@pytest.fixture(scope="module")
def naming(tmp_path_factory):
    """Episodes that a policy played, and that policy."""
    world = make("bit-naming", turns=3)
    settings = {"demos": 32, "demo_epochs": 1, "rounds": 0, "evaluate": 1, "max_new": 8}
    out = tmp_path_factory.mktemp("runs") / "naming"
    run = turnwise.train(
        "bit-naming", "grpo", model="scratch:nano", settings=settings, world_settings={"turns": 3}, out=out
    )
    from turnwise.models.policy import Policy

    return world, run.after.episodes, Policy.load(run.folder.latest_checkpoint() / "policy")


def test_phi_is_the_law_of_the_policy(naming):
    """One spelling asked token by token, against the law over whole replies: equal where a text has one spelling."""
    world, episodes, policy = naming
    probe = Probe(policy, world.answer, whole=True)
    signals = judge(probe, episodes)
    firsts = {s.episode: s.value for s in signals if s.turn is None}
    for episode in episodes[:4]:
        prompt = policy.chat.open(episode.turns[0].seen)
        answer = policy.chat.text_ids(world.answer(episode.task))[:-1]
        assert episode.turns[0].tokens.prompt.tolist() == prompt
        assert firsts[episode.id] == pytest.approx(np.exp(scores(policy, [(prompt, answer)])[0]), rel=1e-5)
        law = law_of(policy, [world.answer(episode.task)])([episode.turns[0].seen])[0, 0]
        assert firsts[episode.id] >= law * 0.5, "its canonical spelling holds most of the reply's probability"


def test_a_geometric_mean_is_a_root_of_the_whole(naming):
    world, episodes, policy = naming
    length = len(policy.chat.text_ids("0 1 1 0\n")) - 1
    whole, mean = (judge(Probe(policy, world.answer, flag), episodes) for flag in (True, False))
    for a, b in zip(whole, mean, strict=True):
        assert b.value == pytest.approx(a.value ** (1 / length), rel=1e-4)


def test_phi_after_a_turn_is_phi_before_the_next(naming):
    world, episodes, policy = naming
    signals = judge(Probe(policy, world.answer, batch_tokens=64), episodes)
    assert {(s.episode, s.turn): s.value for s in signals} == pytest.approx(
        {(s.episode, s.turn): s.value for s in judge(Probe(policy, world.answer), episodes)}, rel=1e-4
    )
    rows = rows_of(episodes, policy.chat)
    x, _ = credit_input(episodes, rows, paths_of(episodes, rows), signals=signals)
    rises = Igpo(order="raw").assign(x).credit
    for first, end in zip(x.starts_E1[:-1], x.starts_E1[1:], strict=True):
        assert rises[end - 1] == x.rewards_T[end - 1], "the last turn has the outcome alone"
        gained = x.signals_T["probe"][end - 1] - x.signals_E["probe"][list(x.starts_E1).index(first)]
        assert rises[first : end - 1].sum() == pytest.approx(gained, abs=1e-9)


def test_a_world_without_answers_is_refused():
    with pytest.raises(WrongPairing, match="needs answer.*\n.*\n.*bit-naming"):
        turnwise.train("maze", "igpo", model="scratch:nano")
    world = make("maze")
    policy = new_policy("scratch:nano", world, 0)
    with pytest.raises(TurnwiseError, match="tells no right answer"):
        judge(Probe(policy, world.answer), played(world, 1))


def test_probing_changes_nothing_that_is_sampled(tmp_path):
    """The first round of igpo plays what grpo plays: the probe neither samples nor draws."""
    settings = {"demos": 16, "demo_epochs": 1, "rounds": 1, "tasks": 2, "group": 2, "evaluate": 1, "max_new": 12}
    runs = [
        turnwise.train(
            "wordle", name, model="scratch:nano", settings=settings, world_settings=GAME, out=tmp_path / name
        )
        for name in ("igpo", "grpo")
    ]
    probed, plain = (list(run.folder.episodes("improve", [0])) for run in runs)
    assert [[t.message.text for t in e.turns] for e in probed] == [[t.message.text for t in e.turns] for e in plain]
    assert {s.name for s in runs[0].folder.signals("improve")} == {"probe"}


# --- the first turn's reward of MT-GRPO ---


def test_the_first_turn_is_paid_by_the_critic_and_the_rest_by_the_outcome():
    x = CreditInput(
        np.array([0.2, 0.8, 0.0, 1.0, 0.5]),
        np.array([0, 2, 4, 5]),
        np.ones(3, bool),
        group_E=np.zeros(3, int),
        signals_T={"step": np.array([0.5, 9.0, 0.0, 9.0, 9.0])},
    )
    paid = CreditInput(np.array([0.5, 1.0, 0.0, 1.0, 0.5]), x.starts_E1, x.done_E, group_E=x.group_E)
    np.testing.assert_allclose(FirstTurnPaid(MtGrpo()).assign(x).credit, MtGrpo().assign(paid).credit)
