"""BFS-Prover in its world: searches that merge, pairs that replay, and new starts (specs/learn/bfs_prover_v2,
specs/worlds/step-proving).
"""

from __future__ import annotations

import asyncio
import copy

import pytest
import torch

import turnwise
from made_play import nano
from turnwise.agents.plain import PlainAgent
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance
from turnwise.core.cursor import play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch
from turnwise.explore import Table
from turnwise.explore.best_first import BestFirst
from turnwise.learn.solved import replies_per_place, solve_rate, solved_paths
from turnwise.learn.weights.expert_iteration import ExpertIteration, ExpertIterationSettings
from turnwise.learn.weights.imitation import ImitationSettings
from turnwise.models.engine import Engine
from turnwise.models.sampling import Sampling
from turnwise.plan.best_first import Frontier, best_first
from turnwise.worlds import make
from turnwise.worlds.step_proving_rules import goal_of, proves

PROVING = make("step-proving", depth=4)


def searched(explorer, tasks=8, world=PROVING):
    table = Table(world, {"agent": ScriptedAgent(world.expert("novice"))}, 0)
    return table.collect(explorer, world.tasks("train")[:tasks])


@pytest.fixture(scope="module")
def merged():
    found = searched(BestFirst(40, 4, merge=True, enough=2), 12)
    assert solve_rate(found) > 0.5
    return found


# --- the search ---


class Ring:
    """Numbers from 0 to 9; a move goes one or two on, round and round; 7 is the goal."""

    def __init__(self):
        self.asked = []

    async def moves(self, place):
        self.asked.append(place)
        return [(1, -1.0), (2, -1.5)]

    async def step(self, place, move):
        return (place + move) % 10, (place + move) % 10 == 7


def test_equal_places_are_expanded_once():
    plain, short = Ring(), Ring()
    asyncio.run(best_first(plain, 0, 30, 0.0))
    asyncio.run(best_first(short, 0, 30, 0.0, same=lambda place: place))
    assert len(set(short.asked)) == len(short.asked) < len(plain.asked)
    assert asyncio.run(best_first(Ring(), 0, 30, 0.0, same=lambda place: place))[-1].solved


def test_a_search_that_merges_ends_when_all_was_seen():
    class Closed(Ring):
        async def step(self, place, move):
            return (place + move) % 5, False

    game = Closed()
    found = asyncio.run(best_first(game, 0, 100, same=lambda place: place))
    assert sorted(game.asked) == [0, 1, 2, 3, 4] and len(found) == 10
    with pytest.raises(TurnwiseError, match="a = -1"):
        Frontier(game, 0, -1.0)


def test_refused_tactics_and_states_that_come_again_are_not_gone_on_from(merged):
    for tree in merged:
        shown = {}
        for turn in tree.turns:
            shown.setdefault(turn.parent, turn.seen[-1].text)
        assert len(set(shown.values())) == len(shown), "no page is answered at two places"
        assert not any(text.startswith(PROVING.refusal) for text in shown.values())


def test_one_greedy_reply_without_merging_is_greedy_decoding():
    policy = nano("step-proving")
    engine = Engine(policy)
    table = Table(PROVING, {"agent": PlainAgent(engine, Sampling(max_new=6, temperature=0.0))}, 0, drive=engine.run)
    tasks = PROVING.tasks("train")[:4]
    trees = table.collect(BestFirst(PROVING.turns, 1), tasks)
    for task, tree in zip(tasks, trees, strict=True):
        (cursor,) = engine.run([play(table.cursor(task, 0), table.agents)])
        straight = cursor.episode("straight", {})
        assert [t.message.text for t in tree.turns] == [t.message.text for t in straight.turns]
        assert tree.ends[0].facts == straight.ends[0].facts


# --- what is learned from ---


def test_every_pair_lies_on_a_proof_and_replays(merged):
    paths = solved_paths(merged)
    assert paths
    for path in paths:
        tactics = [turn.message.text.removesuffix("\n") for turn in path.turns]
        assert proves(goal_of(path.task.params["theorem"]), tactics)
        live = PROVING.live()
        moment = live.reset(path.task, Chance(0))
        for turn in path.turns:
            assert turn.seen == moment.views["agent"]
            moment = live.step({"agent": turn.message})
        assert moment.facts["success"]


def test_replies_per_place(merged):
    one = searched(BestFirst(10, 1), 3)
    assert replies_per_place(one) == 1.0 and replies_per_place([]) == 0.0
    assert 1.0 < replies_per_place(merged) <= 4.0


# --- new starts ---


def learner(policy, **settings):
    return ExpertIteration(policy, ExpertIterationSettings(**settings), ImitationSettings(batch=4, warmup=1), 0)


def test_on_a_plateau_all_solved_tasks_are_proved_again_and_none_is_lost(merged):
    policy = nano("step-proving")
    base = copy.deepcopy(policy.state_dict())
    one = learner(policy, patience=1, again=1, most=3)
    held = []
    for _ in range(2):
        one.learn(Batch(merged))
        held.append(set(one.solutions.held))
    solved = {e.task.key for e in solved_paths(merged)}
    assert held[0] == held[1] == solved and one.due and {task.key for task in one.again} == solved
    again = searched(BestFirst(6, 4, merge=True), 12)
    anew = {e.task.key: len(e.turns) for e in solved_paths(again)}
    before = {key: min(len(e.turns) for e in found) for key, found in one.solutions.held.items()}
    (update,) = one.learn(Batch(again))
    assert update.change["restarted"] == 1 and not one.due and not one.again
    assert set(one.solutions.held) == solved | set(anew), "what was solved once stays solved"
    for key, (proof,) in one.solutions.held.items():
        assert len(proof.turns) == anew.get(key, before.get(key)), "the shortest of the latest search, or the old one"
    assert any(not torch.equal(base[name], weight) for name, weight in policy.state_dict().items())


def test_what_is_due_is_saved(merged, tmp_path):
    one = learner(nano("step-proving"), patience=1, again=1)
    for _ in range(2):
        one.learn(Batch(merged))
    one.save(tmp_path)
    twin = learner(nano("step-proving"), patience=1, again=1)
    twin.load(tmp_path)
    assert twin.due and [t.key for t in twin.again] == [t.key for t in one.again]


def test_a_run_proves_again_when_it_stalls(tmp_path):
    """Rounds that never rise: the third searches all solved tasks instead of new ones."""
    settings = {"demos": 30, "demo_epochs": 1, "max_new": 6, "evaluate": 1, "rounds": 3, "tasks": 5, "simulations": 4}
    settings |= {"width": 2, "patience": 1, "rise": 1.0, "again": 1}
    run = turnwise.train(
        "step-proving", "bfs-prover", model="scratch:nano", settings=settings, world_settings={"depth": 4},
        out=tmp_path / "run",
    )  # fmt: skip
    lines = [line for line in run.folder.metrics() if line["stage"] == "improve"]
    assert [line["update"]["restarted"] for line in lines] == [0.0, 0.0, 1.0]
    assert [line["episodes"] for line in lines[:2]] == [5, 5]
    assert lines[2]["episodes"] == lines[1]["update"]["tasks"] > 5, "the demonstrations that succeeded are held too"
    counts = [line["update"]["tasks"] for line in lines]
    assert counts == sorted(counts)
