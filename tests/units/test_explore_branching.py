"""Branching as the sheet has it: who branches, what the branches share, and that what they share trains once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from made_play import Made, Noting, nano
from turnwise.agents.plain import PlainAgent
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.cursor import Limits
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import End, Tokens
from turnwise.credit.arpo import Arpo
from turnwise.credit.rule import CreditInput
from turnwise.explore import Branching, Table
from turnwise.explore.branching import surprise
from turnwise.explore.tree_search import TreeSearch
from turnwise.learn.sequences import rows_of
from turnwise.models.engine import Engine
from turnwise.models.sampling import Sampling
from turnwise.recipes.arpo import CountedPerPath
from turnwise.worlds import make


def grown(explorer, world=None, tasks=2, turns=6, max_new=6):
    """Trees of a small policy, the agent that played them, and its engine."""
    policy, world = nano("maze"), world or Made(turns=turns)
    engine = Engine(policy)
    agent = Noting(engine, Sampling(max_new=max_new))
    table = Table(world, {"agent": agent}, 0, limits=Limits(turns - 1), drive=engine.run)
    return table.collect(explorer, world.tasks("train")[:tasks]), agent, engine


# --- the rule ---


@pytest.mark.parametrize(("rise", "expected"), [(0.3, 0.56), (-3.0, 0.0), (0.0, 0.5), (9.0, 1.0)])
def test_the_sheets_probabilities(rise, expected):
    assert Branching(weight=0.2).chance(rise) == pytest.approx(expected)


def test_surprise_is_of_the_first_sampled_tokens():
    logprobs = np.array([-1.0, -9.0, -2.0, -4.0], np.float32)
    tokens = Tokens(np.zeros(0, np.int32), np.zeros(4, np.int32), logprobs, np.array([True, False, True, True]))
    assert surprise(tokens) == 7.0 and surprise(tokens, 2) == 3.0


def test_surprise_is_entropy_on_average():
    law = np.array([0.5, 0.3, 0.2])
    drawn = np.random.default_rng(0).choice(3, size=(20_000, 2), p=law)
    none = np.zeros(0, np.int32)
    found = [surprise(Tokens(none, row, np.log(law)[row], np.ones(2, bool))) for row in drawn]
    assert np.mean(found) == pytest.approx(-2 * (law * np.log(law)).sum(), abs=4 * np.std(found) / 20_000**0.5)


@pytest.mark.parametrize("how", [{"paths": 4, "roots": 5}, {"paths": 1, "roots": 1}, {"roots": 0}, {"nats": 0.0}])
def test_what_cannot_be_grown_is_refused(how):
    with pytest.raises(TurnwiseError):
        Branching(**how)


# --- the tree ---


def test_the_budget_is_spent_and_never_more():
    for even in (0.0, 0.5, 1.0):
        trees, _, engine = grown(Branching(6, 2, even=even, weight=0.0))
        assert [len(tree.ends) for tree in trees] == [6, 6] and not engine.lines
        roots = [sum(turn.parent == -1 for turn in tree.turns) for tree in trees]
        assert roots == [6, 6] if even == 0.0 else max(roots) <= 6
    assert roots == [2, 2], "where every path always branches, only the first two began at the prompt"


def test_as_many_roots_as_paths_is_a_plain_group():
    trees, _, _ = grown(Branching(4, 4))
    for tree in trees:
        paths = [tree.path(leaf) for leaf in range(4)]
        assert sorted(sum(paths, [])) == list(range(len(tree.turns)))


def test_no_path_branches_before_its_first_reply():
    trees, _, _ = grown(Branching(8, 2, even=1.0))
    for tree in trees:
        assert sum(turn.parent == -1 for turn in tree.turns) == 2


def test_a_rise_decides():
    """With all weight on the rise, branches stand exactly at turns less sure than the first one of their path."""
    trees, _, _ = grown(Branching(64, 2, even=0.0, weight=1e9), tasks=4)
    for tree in trees:
        children = Counter(turn.parent for turn in tree.turns)
        for leaf in range(len(tree.ends)):
            first, *rest = tree.path(leaf)
            for index in rest:
                turn = tree.turns[index]
                original = min(i for i, t in enumerate(tree.turns) if t.parent == turn.parent)
                rose = surprise(tree.turns[original].tokens) > surprise(tree.turns[first].tokens)
                spent = len(tree.ends) >= 64
                assert spent or (children[turn.parent] > 1) == rose


def test_branches_share_exact_ids_and_differ_only_after_the_fork():
    trees, agent, _ = grown(Branching(8, 2, even=1.0), tasks=1)
    rows = rows_of(trees, agent.chat, longest=None)
    whole = {tuple(line) for line in agent.lines}
    for row in rows:
        last = row.spans[-1].end
        assert tuple(row.ids[:last].tolist()) in whole, "a row is what a line of the engine really held"
    (tree,) = trees
    forks = [parent for parent, count in Counter(t.parent for t in tree.turns).items() if count > 1 and parent >= 0]
    assert forks
    for parent in forks:
        prompts = {tuple(t.tokens.prompt.tolist()) for t in tree.turns if t.parent == parent}
        assert len(prompts) == 1, "all branches saw the same"


def test_what_branches_share_trains_once():
    trees, agent, _ = grown(Branching(8, 2, even=1.0))
    rows = rows_of(trees, agent.chat)
    trained = sum(int(row.loss.sum()) for row in rows)
    assert trained == sum(len(t.tokens.reply) for tree in trees for t in tree.turns)
    assert sum(len(row.spans) for row in rows) > sum(len(tree.turns) for tree in trees), "shared, in several rows"


def test_the_shared_past_is_read_once():
    """The engine reads what is new to each path; a branch reads its last observation and nothing before."""
    trees, _, engine = grown(Branching(6, 2, even=1.0), tasks=1)
    (tree,) = trees
    prompts = sum(len(t.tokens.prompt) for t in tree.turns)
    unread = sum(t.parent >= 0 for t in tree.turns)  # the last id of the reply before is read with the prompt
    assert engine.counters.read <= prompts + unread


def test_the_players_state_of_an_earlier_turn_can_still_be_forked():
    engine = Engine(nano("maze"))
    agent = PlainAgent(engine, Sampling(max_new=4))
    world = Made()
    table = Table(world, {"agent": agent}, 0)

    async def two_turns():
        cursor = table.cursor(world.tasks("train")[0], 0)
        cursor.begin()
        first = await agent.act(cursor.view("agent"), None)
        cursor.take({"agent": first})
        before = list(first.carry.line.ids)
        await agent.act(cursor.view("agent"), first.carry)
        twin = agent.fork(first.carry)
        assert twin.line.ids == before and len(first.carry.line.ids) > len(before)

    engine.run([two_turns()])


@pytest.mark.parametrize("world", [Made(turns=5, keep=1), make("maze", max_steps=5)], ids=["made", "maze"])
def test_where_nothing_stays_in_view_branches_read_anew(world):
    trees, agent, engine = grown(Branching(6, 2, even=1.0), world)
    assert not engine.lines and [len(tree.ends) for tree in trees] == [6, 6]
    assert all(turn.fresh for tree in trees for turn in tree.turns if turn.parent >= 0)
    trained = sum(int(row.loss.sum()) for row in rows_of(trees, agent.chat))
    assert trained == sum(len(t.tokens.reply) for tree in trees for t in tree.turns)


def test_a_path_that_breaks_leaves_the_others():
    class Breaks(ScriptedAgent):
        async def act(self, view, carry):
            if view.tick == 1 and view.chance_key % 3 == 0:
                raise RuntimeError("out of order")
            return await super().act(view, carry)

    table = Table(Made(), {"agent": Breaks(lambda view, rng: "x")}, 1)
    trees = table.collect(Branching(6, 3), Made().tasks("train"))
    ends = Counter(leaf.end for tree in trees for leaf in tree.ends)
    assert ends[End.ERROR] and ends[End.DONE] and sum(ends.values()) == 6 * len(trees)


def test_a_world_that_breaks_at_once_is_a_tree_without_turns():
    table = Table(Made(breaks=0), {"agent": ScriptedAgent(lambda view, rng: "x")}, 0)
    with pytest.raises(TurnwiseError, match="all 4 episodes broke"):
        table.collect(Branching(), Made().tasks("train"))


def test_a_turn_that_paths_share_weighs_as_in_each_of_them():
    """ARPO trains every path whole; here a shared turn is trained once, with the sum of its paths' credit."""
    x = CreditInput(
        rewards_T=np.array([0.0, 1.0, 0.0, 0.0, 0.0]),
        starts_E1=np.array([0, 2, 4, 5]),
        done_E=np.ones(3, bool),
        group_E=np.zeros(3, np.int64),
        node_T=np.array([0, 1, 0, 2, 3]),
    )
    each = Arpo().assign(x).credit
    counted = CountedPerPath(Arpo()).assign(x).credit
    np.testing.assert_allclose((counted[0] + counted[2]) / 2, each[0] + each[2])
    np.testing.assert_allclose(counted[[1, 3, 4]], each[[1, 3, 4]])


# --- search ---


def test_search_gives_trees_whose_leaves_are_its_rollouts():
    trees, agent, engine = grown(TreeSearch(simulations=6, width=2), turns=4)
    assert not engine.lines
    for tree in trees:
        assert 1 < len(tree.ends) <= 6
        assert {leaf.turn for leaf in tree.ends} == set(range(len(tree.turns))) - {t.parent for t in tree.turns}
    rows = rows_of(trees, agent.chat)
    assert sum(int(row.loss.sum()) for row in rows) == sum(len(t.tokens.reply) for e in trees for t in e.turns)


def test_search_finds_the_way_that_pays():
    class Right(Made):
        """Pays for every `right`."""

        def step(self, said):
            moment = super().step(said)
            pays = {"agent": float(said["agent"].text == "right")}
            return type(moment)(moment.views, moment.to_act, pays, end=moment.end, facts=moment.facts)

    agent = ScriptedAgent(lambda view, rng: str(rng.choice(["left", "right"])))
    (tree,) = Table(Right(turns=4), {"agent": agent}, 0).collect(TreeSearch(60, 4, c=0.5), Made().tasks("train")[:1])
    first = Counter(tree.turns[tree.path(leaf)[0]].message.text for leaf in range(len(tree.ends)))
    assert first["right"] > 2 * first["left"] and max(tree.total(leaf=n) for n in range(len(tree.ends))) == 4.0
