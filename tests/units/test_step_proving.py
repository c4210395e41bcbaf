"""step-proving: tactics that are sound, theorems whose difficulty is what it says, lemmas that are checked anew
(specs/worlds/step-proving, specs/learn/bfs_prover_v2).
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Message
from turnwise.plan.subgoals import Fact
from turnwise.worlds import make
from turnwise.worlds.step_proving import goals_of, page_of
from turnwise.worlds.step_proving_exact import Shortest
from turnwise.worlds.step_proving_plan import closed, holds, name, parts, with_lemmas
from turnwise.worlds.step_proving_rules import (
    LETTERS,
    OF_GOAL,
    OF_HYPOTHESIS,
    SIGNS,
    Goal,
    applied,
    formula_of,
    goal_of,
    goal_text,
    proves,
    text_of,
    usable,
)
from turnwise.worlds.step_proving_theorems import GRADES, OF_EACH, generate, grown, named, theorems

FORMULAS = st.recursive(
    st.sampled_from(LETTERS), lambda part: st.tuples(st.sampled_from(SIGNS), part, part), max_leaves=6
)
GOALS = st.builds(Goal, st.lists(FORMULAS, max_size=4, unique=True).map(tuple), FORMULAS)


def true(formula, of):
    """Truth by the table: what is provable here is true under every assignment."""
    if isinstance(formula, str):
        return of[formula]
    sign, left, right = formula
    return {"->": not true(left, of) or true(right, of), "&": true(left, of) and true(right, of)}.get(
        sign, true(left, of) or true(right, of)
    )


def follows(goal, of):
    return not all(true(h, of) for h in goal.hypotheses) or true(goal.formula, of)


ASSIGNMENTS = [dict(zip(LETTERS, values, strict=True)) for values in product((False, True), repeat=len(LETTERS))]


# --- goals and tactics ---


def test_there_are_eight_tactics():
    assert [*OF_GOAL, *OF_HYPOTHESIS] == ["intro", "split", "left", "right", "exact", "apply", "cases", "forward"]


@given(GOALS)
def test_goals_are_read_as_they_are_written(goal):
    assert goal_of(goal_text(goal)) == goal and formula_of(text_of(goal.formula)) == goal.formula
    assert goals_of(page_of((goal, goal))) == (goal, goal)
    assert goals_of("not possible. " + page_of((goal,))) == (goal,)


@pytest.mark.parametrize("text", ["", "p ->", "(p", "p q", "p -> q -> r", "p)", "P", "p - q"])
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(TurnwiseError):
        formula_of(text)


@pytest.mark.parametrize(
    ("goal", "tactic", "left"),
    [
        ("|- p -> q", "intro", ["1 p |- q"]),
        ("1 p |- p & q", "split", ["1 p |- p", "1 p |- q"]),
        ("|- p | q", "left", ["|- p"]),
        ("|- p | q", "right", ["|- q"]),
        ("1 p, 2 q |- q", "exact 2", []),
        ("1 p -> (q -> r) |- r", "apply 1", ["1 p -> (q -> r) |- p", "1 p -> (q -> r) |- q"]),
        ("1 p -> (q -> r) |- q -> r", "apply 1", ["1 p -> (q -> r) |- p"]),
        ("1 p & q, 2 r |- s", "cases 1", ["1 r, 2 p, 3 q |- s"]),
        ("1 p | q |- r", "cases 1", ["1 p |- r", "1 q |- r"]),
        ("1 p -> q, 2 p |- r", "forward 1", ["1 p -> q, 2 p, 3 q |- r"]),
    ],
)
def test_what_a_tactic_leaves(goal, tactic, left):
    assert [goal_text(g) for g in applied(goal_of(goal), tactic)] == left


@pytest.mark.parametrize(
    ("goal", "tactic"),
    [
        ("|- p", "intro"),
        ("1 p |- q", "exact 1"),
        ("1 p |- p", "exact 2"),
        ("1 p |- p", "apply 1"),
        ("1 p -> q |- r", "apply 1"),
        ("1 p -> q |- r", "forward 1"),
        ("1 p -> q, 2 p, 3 q |- r", "forward 1"),
        ("1 p |- p", "exact 0"),
        ("1 p |- p", " exact 1"),
        ("1 p |- p", "auto"),
    ],
)
def test_what_cannot_be_used(goal, tactic):
    assert applied(goal_of(goal), tactic) is None and tactic not in usable(goal_of(goal))


@given(GOALS)
def test_every_tactic_is_sound(goal):
    """Where all that is left follows, so does the goal, under every assignment."""
    for left in usable(goal).values():
        for of in ASSIGNMENTS:
            assert not all(follows(g, of) for g in left) or follows(goal, of)


def test_only_whole_proofs_are_accepted():
    theorem, proof = goal_of("|- (p & q) -> (q & p)"), ["intro", "cases 1", "split", "exact 2", "exact 1"]
    assert proves(theorem, proof)
    assert not any(proves(theorem, proof[:n]) for n in range(len(proof)))
    assert not proves(theorem, [*proof, "exact 1"]) and not proves(theorem, ["auto", *proof])
    assert not proves(theorem, [*proof[:3], "exact 1", "exact 2"])


# --- theorems ---


def test_there_are_three_thousand_all_different():
    found = theorems()
    assert list(found) == list(GRADES) and {len(texts) for texts in found.values()} == {OF_EACH}
    every = [text for texts in found.values() for text in texts]
    assert len(set(every)) == len(every) == 3000
    assert all(text_of(named(formula_of(text))) == text for text in every)


def test_the_file_is_what_is_generated():
    """The first of each grade, from the same draws."""
    made = generate(of_each=3)
    assert all(tuple(made[grade]) == theorems()[grade][:3] for grade in GRADES)


def test_the_difficulty_is_the_length_of_the_shortest_proof():
    """A proof so long is there, and breadth-first search finds no shorter one."""
    for grade, texts in theorems().items():
        for text in texts[:: OF_EACH // 5]:
            goal = goal_of(f"|- {text}")
            proof = proof_of(goal, grade)
            assert len(proof) == grade and proves(goal, proof)
            if grade <= 6:
                assert not any(reached(goal, grade - 1))


def proof_of(goal, most):
    shortest, goals, said = Shortest(), (goal,), []
    while goals:
        said.append(shortest.tactic(goals[0], most))
        goals = (*applied(goals[0], said[-1]), *goals[1:])
    return said


def reached(goal, steps):
    """Whether some state after up to so many tactics has no open goal: by brute force over whole states."""
    states = {(goal,)}
    for _ in range(steps):
        states = {(*left, *goals[1:]) for goals in states if goals for left in usable(goals[0]).values()}
        yield () in states


def test_what_cannot_be_proved_has_no_shortest_proof():
    for text in ("|- p", "|- ((p -> q) -> p) -> p", "|- p | (p -> q)", "1 p | q |- p"):  # the middle two are classical
        assert Shortest().length(goal_of(text), 8) is None and Shortest().tactic(goal_of(text), 8) is None


def test_what_is_grown_follows():
    rng = np.random.default_rng(0)
    for _ in range(200):
        goal = grown(rng, int(rng.integers(1, 8)))
        assert all(follows(goal, of) for of in ASSIGNMENTS)


# --- the world ---


def test_training_and_evaluation_differ_in_depth():
    world = make("step-proving", depth=5)
    train, test = ([t.params["depth"] for t in world.tasks(split)] for split in ("train", "eval"))
    assert set(train) == {3, 4, 5} and set(test) == {6, 7} and len(train) == 3 * OF_EACH and len(test) == 96
    whole = make("step-proving", depth=5, conjoined=3, max_steps=40).tasks("eval")
    assert all(20 <= t.params["depth"] <= 23 for t in whole)
    some = whole[0]
    assert Shortest().length(goal_of(some.params["theorem"]), 23) == some.params["depth"]
    for wrong in ({"depth": 9}, {"conjoined": 0}, {"conjoined": 8}, {"max_steps": 0}):
        with pytest.raises(TurnwiseError, match="a depth from 3 to 8"):
            make("step-proving", **wrong)


def test_a_state_is_all_that_stays_in_view():
    world = make("step-proving").live()
    task = world.task("|- (p & q) -> q", "one")
    first = world.reset(task, Chance(0))
    assert first.legal == ("intro\n",) and first.keep == {"agent": 1}
    refused = world.step({"agent": Message("assistant", "split\n")})
    assert refused.views["agent"][0].text == "not possible. " + first.views["agent"][0].text
    for text in ("intro\n", "cases 1\n"):
        world.step({"agent": Message("assistant", text)})
    last = world.step({"agent": Message("assistant", "exact 2")})
    assert last.facts["success"] and last.rewards == {"agent": 1.0} and last.facts["steps"] == 4


# --- lemmas ---


def test_a_name_is_the_same_up_to_letters():
    one, other = goal_of("1 p -> q, 2 p |- q"), goal_of("1 s -> p, 2 s |- p")
    assert name(one) == name(other) != name(goal_of("1 p -> q, 2 q |- p"))
    assert name(one) != name(goal_of("1 p -> q |- p -> q")), "tactics name hypotheses by number"


@given(GOALS, st.permutations(LETTERS))
def test_renaming_keeps_the_name_and_every_tactic(goal, others):
    names = dict(zip(LETTERS, others, strict=True))

    def renamed(formula):
        if isinstance(formula, str):
            return names[formula]
        return (formula[0], renamed(formula[1]), renamed(formula[2]))

    twin = Goal(tuple(map(renamed, goal.hypotheses)), renamed(goal.formula))
    assert name(twin) == name(goal) and list(usable(twin)) == list(usable(goal))
    assert [name(g) for left in usable(twin).values() for g in left] == [
        name(g) for left in usable(goal).values() for g in left
    ]


@given(GOALS)
def test_parts_suffice(goal):
    """Under every assignment in which all parts hold, closed, the goal does."""
    found = parts(goal)
    assert len(found) != 1
    for of in ASSIGNMENTS:
        assert not found or not all(true(closed(part), of) for part in found) or follows(goal, of)


def test_a_fact_is_checked_with_its_lemmas_from_the_start():
    lemma, theorem = goal_of("|- p -> p"), goal_of("|- (q -> q) & (q -> q)")
    known = Fact(lemma, ("intro", "exact 1"))
    used = goal_of("|- q -> q")
    assert with_lemmas(theorem, [used]) == goal_of("1 q -> q |- (q -> q) & (q -> q)")
    proof = ("split", "exact 1", "exact 1")
    assert holds(Fact(theorem, proof, {used: known}))
    assert not holds(Fact(theorem, proof)), "without the lemma there is no hypothesis"
    assert not holds(Fact(theorem, proof, {used: Fact(lemma, ("intro",))})), "a lemma that is not proved"
    assert not holds(Fact(theorem, proof, {used: Fact(goal_of("|- p -> (q -> p)"), ("intro", "intro", "exact 1"))}))
