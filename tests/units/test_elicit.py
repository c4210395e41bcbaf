"""Requirement elicitation: programs, solver, clients, what the sheet says must hold (specs/users/lp-elicitation)."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor
from turnwise.core.types import Act, Message
from turnwise.worlds import make
from turnwise.worlds.elicit import ENOUGH, recovered
from turnwise.worlds.elicit_people import sort_of
from turnwise.worlds.elicit_programs import FACTS, NONE, RULES, number, part_of, problems, same
from turnwise.worlds.elicit_solver import Program, optimum, optimum_gap, program

PROBLEMS = {problem.key: problem for problem in problems()}
COCONUTS = PROBLEMS["eval--640645082"].facts


def begun(world, task, key=1):
    cursor = Cursor(world.live(), task, Chance(key_of(key, task.key)))
    cursor.begin()
    return cursor


def say(cursor, text):
    cursor.take({"agent": Act(Message("assistant", text))})
    return cursor.tree.turns[-1]


def played(world, task, expert, key=1):
    cursor, rule = begun(world, task, key), world.expert(expert)
    while cursor.open:
        view = cursor.view("agent")
        say(cursor, rule(view, generator(view.chance_key)))
    return cursor.tree


def true_facts(facts):
    return [name for name, value in facts.items() if value != NONE]


# -- programs ----------------------------------------------------------------------------------------------------------


def test_numbers_in_words():
    said = {
        "10,000": 10000,
        "70%": 0.7,
        "twice": 2,
        "a third": 1 / 3,
        "thirty percent": 0.3,
        "1.5 times": 1.5,
        "half": 0.5,
    }
    said |= {"one hundred thousand": 100000, "8000 minutes": 8000, "35 percent": 0.35, "itself": 1, "Two": 2, "$": None}
    assert {text: number(text) for text in said} == pytest.approx(said)
    assert same("30%", "0.3") and same("twice", "2") and not same("2", "3") and not same("at most", "at least")


def test_the_story_of_the_coconuts():
    assert COCONUTS["the name of the second amount"] == "ox carts" and COCONUTS["the kind of the third rule"] == NONE
    assert len(true_facts(COCONUTS)) == 14
    assert program(COCONUTS) == Program((50.0, 30.0), False, ((10.0, 8.0), (1.0, -1.0)), (200.0, 0.0))
    assert optimum(program(COCONUTS)) == pytest.approx(200 / 18 * 80)


def test_every_optimum_is_the_one_that_a_library_finds():
    unsolved = 0
    for problem in problems():
        of = program(problem.facts)
        sign = 1.0 if of.least else -1.0
        found = linprog(sign * np.array(of.goal), np.array(of.left), np.array(of.right), method="highs")
        mine = optimum(of)
        assert (mine is None) == (found.status != 0), problem.key
        assert mine is None or mine == pytest.approx(sign * found.fun, rel=1e-6, abs=1e-6)
        unsolved += mine is None
    assert (len(problems()), unsolved) == (385, 26)  # stories whose program has no optimum as annotated


def test_full_recall_has_no_gap_in_whatever_order():
    for problem in problems()[::7]:
        assert recovered(problem.facts, problem.facts) == (1.0, 1.0, 1.0)
        if optimum(program(problem.facts)) is None:
            continue
        assert optimum_gap(problem.facts, problem.facts) == 0.0
        turned = swapped(problem.facts)
        assert optimum(program(turned)) == pytest.approx(optimum(program(problem.facts)), rel=1e-6, abs=1e-6)


def swapped(facts):
    """The same program with its first two amounts in the other order."""

    def turn(text):
        marked = text.replace("the first amount", "\0").replace("the second amount", "the first amount")
        return marked.replace("\0", "the second amount")

    return {turn(name): turn(value) for name, value in facts.items()}


def without(facts, rule):
    return {name: value for name, value in facts.items() if not name.endswith(rule)}


def test_what_binds_moves_the_optimum_and_what_is_slack_does_not():
    facts = dict(COCONUTS) | {part_of("kind", RULES[2]): "a most amount", part_of("limit", RULES[2]): "1000"}
    facts |= {part_of("subject", RULES[2]): "the first amount"}
    slack, binding = without(facts, RULES[2]), without(facts, RULES[1])
    assert optimum_gap(slack, facts) == pytest.approx(0.0) and recovered(slack, facts)[0] < 1.0
    assert optimum_gap(binding, facts) == pytest.approx((1000 - 200 / 18 * 80) / (200 / 18 * 80))


def test_programs_without_an_optimum():
    assert optimum(Program((1.0, 1.0), False, (), ())) is None  # knows no bound
    assert optimum(Program((1.0, 1.0), True, (), ())) == 0.0
    assert optimum(Program((1.0, 1.0), True, ((1.0, 0.0), (-1.0, 0.0)), (1.0, -2.0))) is None  # nothing is feasible
    assert optimum_gap({}, COCONUTS) is None


@given(st.sampled_from(sorted(PROBLEMS)), st.data())
def test_f1_of_some_facts(key, data):
    """k right facts and m wrong ones of |F|: precision k / (k + m), recall k / |F|."""
    facts = PROBLEMS[key].facts
    names = true_facts(facts)
    kept = data.draw(st.lists(st.sampled_from(names), unique=True))
    wrong = [name for name in FACTS if name not in facts][: data.draw(st.integers(0, 5))]
    f1, precision, recall = recovered({n: facts[n] for n in kept} | dict.fromkeys(wrong, "17.5"), facts)
    assert recall == pytest.approx(len(kept) / len(names))
    assert precision == pytest.approx(len(kept) / (len(kept) + len(wrong)) if kept or wrong else 0.0)
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall) if kept else 0.0)


# -- people ------------------------------------------------------------------------------------------------------------


def test_answers_hold_only_numbers_of_the_story():
    """In figures. What a client says by mistake may be any."""
    figures = re.compile(r"\d[\d,.]*")
    for problem in problems():
        story = problem.story.casefold()
        for name, value in problem.facts.items():
            assert all(figure.strip(".,") in story for figure in figures.findall(value)), (problem.key, name)
    assert not any(figures.search(name) for name in FACTS)


def test_asking_again_gives_the_same_and_nothing_more():
    world = make("elicit")
    cursor = begun(world, world.tasks("train")[3])
    turns = [
        say(cursor, text) for text in ("what is the limit of the first rule?", "tell me the limit of the first rule")
    ]
    assert turns[0].facts == turns[1].facts | {"draws": turns[0].facts["draws"]}


def test_the_perfect_asker_needs_as_many_questions_as_there_are_facts():
    world = make("elicit")
    for task in world.tasks("eval")[::9]:
        cursor = begun(world, task)
        names = true_facts(PROBLEMS[task.params["problem"]].facts)
        shares = [say(cursor, f"what is {name}?").facts["F1"] for name in names]
        assert shares == pytest.approx([2 * k / (k + len(names)) for k in range(1, len(names) + 1)])
        end = say(cursor, "done")
        facts = cursor.tree.ends[0].facts
        assert facts["success"] and facts["questions"] == len(names) and facts["optimum gap"] == 0.0
        assert sum(t.rewards["agent"] for t in cursor.tree.turns) == pytest.approx(1.0 - 0.01 * len(names))
        assert end.rewards["agent"] == 1.0


def test_figures_need_trust():
    world = make("elicit", user="guarded")
    cursor = begun(world, world.tasks("train")[0])
    asks = [say(cursor, "what is the limit of the first rule?").facts["said"][0][0] for _ in range(2)]
    named = say(cursor, "what is the name of the first amount?").facts["said"][0][0]
    say(cursor, "this stays between us"), say(cursor, "nobody else will see this")
    after = say(cursor, "what is the limit of the first rule?").facts["said"][0][0]
    assert (asks, named, after) == (["refuse", "refuse"], "inform", "inform")
    assert {sort_of(f) for f in FACTS} == {"figure", "relation", "name"}


def test_what_was_noted_counts():
    world = make("elicit")
    cursor = begun(world, world.tasks("eval")[0])
    facts = PROBLEMS[world.tasks("eval")[0].params["problem"]].facts
    right = say(cursor, f"I note that {FACTS[0]} is {facts[FACTS[0]]}").facts["F1"]
    wrong = say(cursor, f"let us say {FACTS[0]} is something else").facts["F1"]
    assert right == 2 / (1 + len(true_facts(facts))) and wrong == 0.0


# -- players -----------------------------------------------------------------------------------------------------------


def test_adaptive_gets_there_with_fewer_questions_than_the_checklist():
    for user in ("client", "guarded"):
        world = make("elicit", user=user, max_turns=90)
        first = {
            name: [reached(played(world, t, name)) for t in world.tasks("eval")[::6]]
            for name in ("adaptive", "checklist")
        }
        assert all(a < c for a, c in zip(first["adaptive"], first["checklist"], strict=True))


def reached(tree):
    """The turn at which F1 was enough."""
    return next(k for k, turn in enumerate(tree.turns) if turn.facts["F1"] >= ENOUGH)


def test_asking_twice_pays_where_people_err():
    world = make("elicit", error=0.3, max_turns=90)
    f1 = {
        name: np.mean([played(world, t, name).ends[0].facts["F1"] for t in world.tasks("eval")[::3]])
        for name in ("adaptive", "careful")
    }
    assert f1["careful"] > f1["adaptive"] + 0.02


def test_imagined_problems_agree_with_all_that_was_heard():
    for user in ("client", "guarded"):
        world = make("elicit", user=user)
        for task in world.tasks("eval")[::30]:
            cursor, rule, stories = begun(world, task), world.expert("careless"), set()
            while cursor.open and len(cursor.tree.turns) < 12:
                view = cursor.view("agent")
                for key in range(3):
                    twin = cursor.world.imagine(view, Chance(key))
                    told = cursor.world._standing.told
                    assert {n: twin._person.facts.get(n) for n in told} == dict(told)
                    assert (twin._standing.state, twin._standing.turn) == (
                        cursor.world._standing.state,
                        cursor.world._standing.turn,
                    )
                    stories.add(tuple(twin._person.facts.items()))
                say(cursor, rule(view, generator(view.chance_key)))
            assert len(stories) > 5


def test_all_problems_look_the_same_until_something_is_told():
    for user in ("client", "guarded"):
        world = make("elicit", user=user)
        cursors = [Cursor(world.live(), task, Chance(7)) for task in world.tasks("train")[::40]]
        for cursor in cursors:
            cursor.begin()
        for text in ("this stays between us", "what is it about?", "let us say the direction of the goal is up"):
            said = {say(cursor, text).facts["said"][0][0] for cursor in cursors}
            views = [cursor.view("agent").messages for cursor in cursors]
            assert len(said) == 1 and all(view == views[0] for view in views)


@pytest.mark.parametrize("knob", ["withholding", "vagueness"])
def test_a_harder_client_needs_more_turns(knob):
    worlds = [make("elicit", max_turns=90, **{knob: level}) for level in (0.0, 0.25, 0.5)]
    turns = [np.mean([len(played(w, t, "adaptive").turns) for t in w.tasks("eval")[::6]]) for w in worlds]
    assert turns[0] < turns[1] < turns[2]


def test_an_impatient_client_leaves_those_who_waste_turns():
    worlds = [make("elicit", patience=patience) for patience in (0, 2, 1)]
    turns = [np.mean([len(played(w, t, "random").turns) for t in w.tasks("eval")[::3]]) for w in worlds]
    ends = [played(worlds[2], t, "random").ends[0].facts for t in worlds[2].tasks("eval")[::3]]
    assert turns[0] > turns[1] > turns[2] and {"left"} <= {facts["over"] for facts in ends}
