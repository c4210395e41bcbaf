"""The world `socratic` against specs/worlds/socratic-debugging and specs/users/treeinstruct."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, Message, Task
from turnwise.explore import Independent, Table
from turnwise.users.acts import DialogueAct
from turnwise.worlds import make
from turnwise.worlds.socratic_experts import Seen, tree
from turnwise.worlds.socratic_learner import Climbing
from turnwise.worlds.socratic_programs import KINDS, LEVELS, RIGHT, leaks, programs, squeezed

ASK = {"purpose": "what is {} meant to do?", "trace": "what happens in {} with a small example?"}
ASK["part"] = "which part of {} makes it so?"
FIX_4 = "in line 4, write result + items[i]"


def talk(texts, ladders, program="total", **options):
    """A cursor after these words to a student with these ladders."""
    world = make("socratic", **options)
    params = {"program": program, "ladders": {line: list(tries) for line, tries in ladders.items()}}
    cursor = Cursor(world.live(), Task("t", world.name, params), Chance(2))
    cursor.begin()
    for text in texts:
        cursor.take({"agent": Act(Message("assistant", text + "\n"))})
    assert not any(leaf.error for leaf in cursor.tree.ends), cursor.tree.ends
    return cursor


def said(cursor):
    return [act[0] for act in cursor.tree.turns[-1].facts["said"]]


def end(cursor):
    return cursor.tree.ends[0].facts if cursor.tree.ends else None


def ends(name, **options):
    world = make("socratic", **options)
    table = Table(world, {"agent": ScriptedAgent(world.expert(name), name)}, seed=0)
    episodes = table.collect(Independent(), list(world.tasks("train"))[::3])
    assert not any(leaf.error for e in episodes for leaf in e.ends)
    return episodes, [leaf.facts for e in episodes for leaf in e.ends]


def share(facts, name):
    return sum(float(f[name]) for f in facts) / len(facts)


# --- what a question does ---


def climbing(ladders, program="total", scattered=False):
    return Climbing(ladders, programs()[program].planted(tuple(ladders)), scattered)


def after(rule, *moves):
    state = rule.start()
    for kind, line in moves:
        state = rule.hear(state, DialogueAct(kind, line), {})
    return state


def test_a_wrong_answer_stays_and_a_right_one_goes_deeper():
    rule = climbing({"line 4": (2, 1)})
    first = after(rule, ("purpose", "line 4"))
    assert first[0] == (("line 4", 0, 1),) and not rule.answers(first, DialogueAct("purpose", "line 4"))
    second = after(rule, *[("purpose", "line 4")] * 2)
    assert second[0] == (("line 4", 1, 0),) and rule.answers(second, DialogueAct("purpose", "line 4"))
    assert rule.understood(second) == ()
    assert rule.understood(after(rule, *[("purpose", "line 4")] * 2, ("trace", "line 4"))) == ("line 4",)


def test_questions_ahead_of_the_student_change_nothing():
    rule = climbing({"line 4": (1, 1)})
    assert after(rule, ("part", "line 4"), ("trace", "line 4"))[0] == (("line 4", 0, 0),)


def test_a_later_bug_of_the_same_kind_is_understood_along():
    rule = climbing({"line 4": (1,), "line 5": (1, 1, 1)}, "average")  # both are about an operator
    assert rule.understood(after(rule, ("purpose", "line 4"))) == ("line 4", "line 5")
    late = after(rule, ("purpose", "line 5"), ("trace", "line 5"), ("part", "line 5"))
    assert rule.understood(late) == ("line 5",)  # an earlier one is not checked again


def test_who_is_scattered_starts_again():
    ladders = {"line 2": (1, 1), "line 4": (1, 1)}
    moves = [("purpose", "line 2"), ("purpose", "line 4"), ("trace", "line 2")]
    assert climbing(ladders).understood(after(climbing(ladders), *moves)) == ("line 2",)
    rule = climbing(ladders, scattered=True)
    assert rule.understood(after(rule, *moves)) == ()


MOVES = st.lists(
    st.tuples(st.sampled_from([*LEVELS, "fix", "tell"]), st.sampled_from(["line 2", "line 4", "line 5"])), max_size=15
)


@given(MOVES, st.booleans())
def test_understanding_never_goes_back_and_answers_deepen_by_one(moves, scattered):
    rule = climbing({"line 2": (1, 2), "line 4": (2,), "line 5": (1, 1, 1)}, "average", scattered)
    state, known, height = rule.start(), set(), {}
    for kind, line in moves:
        state = rule.hear(state, DialogueAct(kind, line), {})
        assert known <= set(rule.understood(state))
        known = set(rule.understood(state))
        levels = {name: level for name, level, _ in state[0]}
        assert all(level <= height.get(name, 0) + 1 for name, level in levels.items())
        height = levels


# --- a session ---


def test_who_answers_fully_needs_one_question_per_bug():
    ladders = {"line 2": (1,), "line 3": (1,), "line 4": (1,)}
    cursor = talk([ASK["purpose"].format(line) for line in ladders], ladders)
    assert end(cursor)["success"] and end(cursor)["turns (failed: all)"] == 3 and end(cursor)["understood"] == 1.0
    assert end(cursor)["leaked"] == 0.0


def test_naming_the_fix_ends_it_at_once_and_leaks():
    cursor = talk([FIX_4], {"line 4": (1,)})
    facts = end(cursor)
    assert (facts["success"], facts["leak rate"], facts["understood"]) == (True, 1.0, 0.0)
    assert [turn.rewards["agent"] for turn in cursor.tree.turns] == [0.5]


def test_accepted_fixes_end_it_though_nothing_was_understood():
    cursor = talk([FIX_4, ASK["purpose"].format("line 2")], {"line 2": (1,), "line 4": (2, 2)})
    assert end(cursor)["success"] and end(cursor)["understood"] == 0.5


def test_who_never_gets_it_reaches_the_limit():
    cursor = talk([ASK["part"].format("line 4")] * 12, {"line 4": (1, 1)})
    assert end(cursor)["over"] == "turns" and end(cursor)["culprit"] == "agent" and not end(cursor)["success"]


def test_a_line_of_teaching_is_always_answered_rightly():
    teach = f"for line 4, remember that {KINDS['operator'].concept}"
    assert said(talk([teach], {"line 4": (2, 2)})) == ["thinks"]
    assert talk([teach], {"line 4": (2, 2)}).tree.turns[-1].facts["said"][0][2] in RIGHT
    assert end(talk([teach, teach], {"line 4": (2, 2)}))["success"]
    assert end(talk(["for line 4, remember that all is well"] * 4, {"line 4": (2,)})) is None


def test_a_leak_is_of_an_open_bug():
    ladders = {"line 2": (1,), "line 4": (1,)}
    cursor = talk([ASK["purpose"].format("line 4"), "yes, RESULT +items[i]", "so result=0 , right?"], ladders)
    assert [turn.facts["leak"] for turn in cursor.tree.turns[:3]] == [False, False, True]
    assert sum(turn.rewards["agent"] for turn in cursor.tree.turns) == -0.5


def test_the_tree_teaches_from_the_fourth_question_of_a_level():
    asked = [tree(Seen({"line 4": "operator"}, {}, target="line 4", asked=n), None).kind for n in range(5)]  # type: ignore[arg-type]
    assert asked == ["purpose", "purpose", "purpose", "teach", "teach"]


@pytest.mark.parametrize("user", ["beginner", "scattered"])
def test_tutors_rank_as_the_sheet_says(user):
    _, by_tree = ends("tree", user=user)
    _, by_chance = ends("random", user=user)
    _, by_list = ends("flat", user=user)
    _, told = ends("direct", user=user)
    turns = "turns (failed: all)"
    assert share(by_tree, "leaked") == share(by_chance, "leaked") == share(by_list, "leaked") == 0.0
    assert share(by_tree, turns) < share(by_list, turns) < share(by_chance, turns)
    assert share(by_tree, "success") > max(share(by_list, "success"), share(by_chance, "success"))
    assert share(told, "leak rate") == share(told, "leaked") == share(told, "success") == 1.0
    assert share(told, turns) < share(by_tree, turns) and share(told, "understood") == 0.0


def test_telling_takes_a_turn_per_bug():
    for count in (1, 2, 3):
        episodes, _ = ends("direct", bugs=count)
        assert all(len(episode.turns) == count for episode in episodes)


def test_settings_are_checked():
    with pytest.raises(TurnwiseError, match="bugs=4"):
        make("socratic", bugs=4)
    with pytest.raises(TurnwiseError, match="leak_cost"):
        make("socratic", leak_cost=-1)


# --- the programs ---


@pytest.mark.parametrize("name", list(programs()))
def test_every_bug_breaks_its_program_and_no_fix_is_shown(name):
    program = programs()[name]
    assert program.passes({})
    for size in (1, 2, 3):
        for bugs in combinations(program.bugs, size):
            wrong = {bug.line: bug.wrong for bug in bugs}
            assert not program.passes(wrong)
            shown = squeezed(program.problem + program.written(wrong))
            assert not any(squeezed(bug.right) in shown for bug in bugs)
            orders = [dict(sorted(wrong.items())), dict(sorted(wrong.items(), reverse=True))]
            assert program.written(orders[0]) == program.written(orders[1])
    for bug in program.bugs:
        kind = KINDS[bug.kind]
        assert not leaks(" ".join((kind.concept, *kind.right, *kind.wrong)), program.bugs)
        assert not {*kind.right} & {*kind.wrong} and not {*kind.wrong} & RIGHT


@settings(max_examples=60, deadline=None)
@given(
    MOVES, st.sampled_from(["beginner", "scattered"]),
    st.sampled_from([{}, {"vagueness": 0.5}, {"withholding": 0.5}, {"error": 0.5}, {"cooperation": 1.0}]),
)  # fmt: skip
def test_no_fix_is_said_before_its_bug_is_understood(moves, user, knobs):
    ladders = {"line 2": (1, 2), "line 4": (2,), "line 5": (1, 1, 1)}
    cursor = talk([], ladders, "average", user=user, **knobs)
    for kind, line in moves:
        if not cursor.open or kind == "tell":
            continue
        text = "what would you change?" if kind == "fix" else ASK[kind].format(line)
        cursor.take({"agent": Act(Message("assistant", text))})
        said_now = [m.text for m in cursor.seats["agent"].seen() if m.role == "user"][-1:]
        still_open = cursor.world.open_bugs(cursor.world._standing)
        assert not leaks(" ".join(said_now), still_open)
