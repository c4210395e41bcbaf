"""Subgoals: what a planner names, provers prove once for all, and a theorem stands on (specs/learn/bfs_prover_v2)."""

from __future__ import annotations

import asyncio

import pytest

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.errors import TurnwiseError
from turnwise.explore import Table
from turnwise.explore.best_first import Proposed, page_of
from turnwise.explore.ideas import Ideas, Spot
from turnwise.explore.subgoals import ByParts, TableProvers, said
from turnwise.plan.best_first import best_first
from turnwise.plan.subgoals import Facts, Proving, Step
from turnwise.worlds import make
from turnwise.worlds.step_proving_plan import holds, name, parts, with_lemmas
from turnwise.worlds.step_proving_rules import goal_of, goal_text


class Counted:
    """Provers of numbers: a goal takes as many expansions of one prover as its whole part, less those of its lemmas.
    What stands behind the point is a name only.
    """

    def __init__(self):
        self.begun, self.closed = [], 0

    def name(self, goal):
        return int(goal)

    def attempt(self, goal, lemmas, draw):
        self.begun.append((goal, lemmas, draw))
        return Count(self, max(1, int(goal) - sum(map(int, lemmas))))


class Count:
    def __init__(self, provers, left):
        self.provers, self.left, self.open = provers, left, True

    async def expand(self):
        await asyncio.sleep(0)
        self.left -= 1
        self.open = self.left > 0
        return "shown" if not self.left else None

    def close(self):
        self.provers.closed += 1


class Halves:
    """A planner that knows the two halves of what was too hard."""

    def __init__(self):
        self.asked = []

    def plan(self, theorem, proved, stuck):
        self.asked.append((proved, stuck))
        return list(dict.fromkeys(self._steps(theorem, {theorem, *stuck})))

    def _steps(self, goal, apart):
        whole, name = int(goal), goal % 1
        halves = (whole // 2 + name, whole - whole // 2 + name) if goal in apart else ()
        for half in halves:
            yield from self._steps(half, apart)
        yield Step(goal, tuple(dict.fromkeys(halves)))


def prove(theorem, planner=None, facts=None, provers=None, **how):
    provers, facts = provers or Counted(), facts or Facts()
    found = asyncio.run(Proving(provers, facts, planner, **how).prove(theorem))
    assert provers.closed == len(provers.begun), "whoever began was released"
    return found, facts, provers


# --- the rule, on numbers ---


def test_without_a_planner_the_theorem_is_all_there_is():
    found, facts, provers = prove(9, nodes=20, patience=3, together=1)
    assert found.fact is not None and (found.nodes, found.plans, facts.hits) == (9, 0, 0)
    assert provers.begun == [(9, (), 0)] and found.fact.lemmas == {}
    assert prove(9, nodes=8, together=1)[0].fact is None


def test_a_goal_is_worked_on_by_all_provers_and_what_they_spend_is_added():
    found, _, provers = prove(9, nodes=40, together=3)
    assert found.nodes == 27 and [draw for _, _, draw in provers.begun] == [0, 1, 2]
    assert prove(9, nodes=25, together=3)[0].nodes == 25, "the first of them has a ninth, and needs no other"
    assert prove(9, nodes=24, together=3)[0].fact is None


def test_subgoals_come_in_order_and_the_theorem_uses_them():
    found, _, provers = prove(7, Halves(), nodes=100, patience=10, together=1)
    assert [goal for goal, _, _ in provers.begun] == [3, 4, 7] and provers.begun[-1][1] == (3, 4)
    assert set(found.fact.lemmas) == {3, 4} and found.plans == 1 and found.nodes == 3 + 4 + 1


def test_a_stuck_goal_is_planned_again_with_what_is_proved():
    planner = Halves()
    found, _, provers = prove(15, planner, nodes=100, patience=7, together=1)
    assert planner.asked == [((), ()), ((7,), (8,))]
    assert [goal for goal, _, _ in provers.begun] == [7, 8, 4, 8, 15], "what is proved is not proved again"
    assert found.fact is not None and found.plans == 2 and found.nodes == 7 + 7 + 4 + 4 + 1


def test_luck_differs_from_time_to_time():
    class Stubborn(Halves):
        def plan(self, theorem, proved, stuck):
            return [Step(theorem)]

    _, _, provers = prove(9, Stubborn(), nodes=12, patience=4, together=2)
    assert [draw for _, _, draw in provers.begun] == [0, 1, 2, 3, 4, 5]


def test_nodes_are_never_overspent():
    for nodes in range(1, 40):
        for planner in (None, Halves()):
            found, _, _ = prove(15, planner, nodes=nodes, patience=7, together=2)
            assert found.nodes <= nodes


def test_a_goal_is_proved_once_for_all_and_hits_are_counted():
    facts, provers = Facts(), Counted()

    async def all_of_them():
        theorems = (14, 14.25, 14.5, 13)  # three that differ in names alone, and one that shares the half 7
        return await asyncio.gather(*(Proving(provers, facts, Halves(), 100, 20, 1).prove(t) for t in theorems))

    found = asyncio.run(all_of_them())
    assert all(one.fact is not None for one in found)
    assert sorted(int(goal) for goal, _, _ in provers.begun) == sorted(facts.held) == [6, 7, 13, 14]
    assert facts.hits == 5, "7 and 14 for two, 7 for 13"
    assert sum(one.nodes for one in found) == 7 + (14 - 7) + 6 + 1


def test_who_waits_for_a_goal_that_was_not_proved_tries_himself():
    facts, provers = Facts(), Counted()

    async def both():
        poor = Proving(provers, facts, None, nodes=3, together=1).prove(9)
        rich = Proving(provers, facts, None, nodes=30, together=1).prove(9.5)
        return await asyncio.gather(poor, rich)

    poor, rich = asyncio.run(both())
    assert poor.fact is None and rich.fact is not None and (poor.nodes, rich.nodes, facts.hits) == (3, 9, 0)


def test_a_prover_with_nothing_left_to_try_ends_it():
    class Shut(Counted):
        def attempt(self, goal, lemmas, draw):
            made = super().attempt(goal, lemmas, draw)
            made.open = False
            return made

    found, _, _ = prove(5, nodes=10, provers=Shut())
    assert found.fact is None and found.nodes == 0


def test_nonsense_is_refused():
    for how in ({"nodes": 0}, {"patience": 0}, {"together": 0}):
        with pytest.raises(TurnwiseError, match="1 or more of each"):
            Proving(Counted(), Facts(), None, **how)


# --- the provers, at a table ---


def table(max_steps=40, seed=0):
    world = make("step-proving", max_steps=max_steps)
    return Table(world, {"agent": ScriptedAgent(world.expert("novice"))}, seed)


def provers(seed=0):
    place = table(seed=seed)

    def task_of(goal, lemmas):
        return place.world.task(goal_text(with_lemmas(goal, lemmas)), "t")

    return TableProvers(place, task_of, name, 3)


def test_a_planner_by_parts_takes_apart_what_is_stuck():
    theorem = goal_of("|- (p -> p) & ((q | r) -> (r | q))")
    planner = ByParts(parts)
    first = planner.plan(theorem, (), ())
    assert [goal_text(s.goal) for s in first] == ["|- p -> p", "|- (q | r) -> (r | q)", goal_text(theorem)]
    assert first[-1].uses == tuple(s.goal for s in first[:2]) and not first[0].uses
    again = planner.plan(theorem, (first[0].goal,), (first[1].goal,))
    assert [goal_text(s.goal) for s in again] == [
        "|- p -> p",
        "1 q |- r | q",
        "1 r |- r | q",
        "|- (q | r) -> (r | q)",
        goal_text(theorem),
    ]


def test_what_is_proved_with_lemmas_holds_from_the_start():
    theorem = goal_of("|- ((p & q) -> (q & p)) & (((p & r) -> (r & p)) & ((q | r) -> (r | q)))")
    facts = Facts()
    found = asyncio.run(Proving(provers(), facts, ByParts(parts), 200, 60, 2).prove(theorem))
    assert found.fact is not None and facts.hits == 1 and holds(found.fact)
    assert [goal_text(goal) for goal in found.fact.lemmas][:2] == ["|- (p & q) -> (q & p)", "|- (p & r) -> (r & p)"]
    assert found.fact.lemmas[goal_of("|- (p & r) -> (r & p)")].goal == goal_of("|- (p & q) -> (q & p)")


def test_without_a_planner_it_is_the_plain_search():
    """One prover, the same draws: the same expansions, and the same proof."""
    theorem = goal_of("|- (p & q) -> (q & p)")
    maker, place = provers(), table()
    found = asyncio.run(Proving(maker, Facts(), None, 50, 5, 1).prove(theorem))
    start = place.cursor(place.world.task(goal_text(theorem), "t"), 0)
    start.begin()
    reached = asyncio.run(best_first(Proposed(Ideas(place, 3)), Spot(start), 50, same=page_of(place.world.refusal)))
    assert said(next(one.place for one in reached if one.solved)) == found.fact.proof
    assert len({id(one.place.cursor) for one in reached}) == len(reached) and 0 < found.nodes <= 50
