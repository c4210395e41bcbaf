"""The world `tutor` against specs/users/mathdial: what helps, what tells, and what is left after telling."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, key_of
from turnwise.core.cursor import Cursor
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Act, Message, Task
from turnwise.explore import Independent, Table
from turnwise.measure.tutoring import mentions, said_after, told_first
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.worlds import make
from turnwise.worlds.tutor_exercises import ANSWER, chain
from turnwise.worlds.tutor_student import BELIEVES, MODEST, SPARING, enrolled, needed
from turnwise.worlds.tutor_written import numbers, phrases, scenarios

SOURCES = ("arithmetic", "cima", "mathdial")


def lesson(texts, wrong=("step 2",), key=1, **options):
    """A cursor after these words to a student of one exercise."""
    world = make("tutor", **options)
    params = {"exercise": "3", "misunderstood": list(wrong)}
    if options.get("exercises", "arithmetic") != "arithmetic":
        params = world.tasks("train")[0].params
    cursor = Cursor(world.live(), Task("t", world.name, params), Chance(key))
    cursor.begin()
    for text in texts:
        cursor.take({"agent": Act(Message("assistant", text.format(answer=cursor.world._exercise.answer) + "\n"))})
    assert not any(leaf.error for leaf in cursor.tree.ends), cursor.tree.ends
    return cursor


def end(cursor):
    return cursor.tree.ends[0].facts if cursor.tree.ends else None


def rewards(cursor):
    return [turn.rewards["agent"] for turn in cursor.tree.turns]


def ends(name, **options):
    world = make("tutor", **options)
    table = Table(world, {"agent": ScriptedAgent(world.expert(name), name)}, seed=0)
    episodes = table.collect(Independent(), list(world.tasks("eval"))[:60])
    assert not any(leaf.error for e in episodes for leaf in e.ends)
    return [leaf.facts for e in episodes for leaf in e.ends]


def share(facts, name):
    return sum(float(f[name]) for f in facts) / len(facts)


# --- what helps, and what does not ---


@pytest.mark.parametrize("pair", [("focus", "probing"), ("focus", "focus"), ("probing", "probing")])
def test_two_good_questions_on_the_step_and_no_fewer(pair):
    says = {"focus": "look at step 2 again", "probing": "how did you get step 2?"}
    cursor = lesson([says[kind] for kind in pair])
    assert end(cursor)["success"] and end(cursor)["transfer"] == 1.0 and end(cursor)["telling"] == 0.0
    assert rewards(cursor) == [0.0, 1.0] and end(lesson([says[pair[0]]])) is None


def test_kind_words_and_questions_about_another_step_never_help():
    cursor = lesson(["keep going", "look at step 1 again", "how did you get step 3?", "you can do this"] * 2)
    assert not end(cursor)["success"] and end(cursor)["transfer"] == 0.0 and end(cursor)["culprit"] == "agent"
    assert sum(rewards(cursor)) == 0.0


def test_both_of_two_steps_must_be_understood():
    two = ["look at step 1 again"] * 2
    cursor = lesson(two, wrong=("step 1", "step 3"))
    assert end(cursor) is None and cursor.moment.facts["said"][0][:2] == ["inform", "step 1"]
    assert end(lesson([*two, *["look at step 3 again"] * 2], wrong=("step 1", "step 3")))["success"]


def test_telling_is_repeated_and_a_sibling_fails():
    cursor = lesson(["the answer is {answer}"])
    facts = end(cursor)
    assert (facts["success"], facts["telling"], facts["transfer"]) == (True, 1.0, 0.0)
    assert rewards(cursor) == [0.5] and (facts["reached"], facts["told"]) == (0, 0)


def test_a_told_step_is_repeated_and_no_more():
    work = chain(3).work(())
    cursor = lesson([f"the result of step 2 is {work['step 2']}", "what do you get now?"])
    assert end(cursor) is None
    assert cursor.moment.facts["said"] == [["works", ANSWER, chain(3).work(("step 2",))[ANSWER]]]


def test_a_wrong_answer_is_not_the_answer():
    assert end(lesson(["the answer is 1234"])) is None


@pytest.mark.parametrize("source", SOURCES)
def test_any_words_with_the_answer_tell_it(source):
    cursor = lesson(["well {answer} of course", "look at step 1 again"], exercises=source)
    assert rewards(cursor)[0] == -0.5 and cursor.world._told is not None


def test_the_tracer_must_explain_before_a_hint_means_anything():
    student = enrolled(chain(3), {"step 2": 2}, SPARING, Knobs(), explained_first=True)
    standing = student.begin()
    for kind, left in (("focus", ("step 2",)), ("focus", ("step 2",)), ("probing", ("step 2",)), ("focus", ())):
        standing = student.reply(standing, DialogueAct(kind, "step 2"), Draws(1, 1)).standing
        assert student.working.left(standing.state) == left


def test_needs_of_the_tracer_are_geometric_and_of_the_task():
    drawn = [needed("tracer", f"task {i}", "step 1") for i in range(4000)]
    assert drawn == [needed("tracer", f"task {i}", "step 1") for i in range(4000)]
    for count, chance in ((1, 0.4), (2, 0.24), (3, 0.144)):
        assert abs(drawn.count(count) / 4000 - chance) < 4 * math.sqrt(chance / 4000)
    assert needed("believer", "task 1", "step 1") == BELIEVES


# --- scripted tutors ---


def test_tutors_rank_as_the_sheet_says():
    tell, kind, locator, sweeper = (ends(n) for n in ("always-tell", "generic", "locator", "sweeper"))
    assert (share(tell, "success"), share(tell, "telling"), share(tell, "transfer")) == (1.0, 1.0, 0.0)
    assert share(kind, "success") == share(kind, "telling") == 0.0
    assert share(locator, "success") == share(locator, "transfer") == 1.0 and share(locator, "telling") == 0.0
    turns = "turns (failed: all)"
    assert share(locator, turns) < share(sweeper, turns)


def test_each_user_and_source_can_be_taught():
    for user in ("believer", "tracer"):
        for source in SOURCES:
            assert share(ends("locator", exercises=source, user=user), "success") > 0.8, (user, source)


def test_counts_at_the_end_are_those_of_the_texts():
    """`reached` and `told` against the words themselves, and telling@k, success@k from both."""
    world = make("tutor")
    table = Table(world, {"agent": ScriptedAgent(world.expert("noisy"), "noisy")}, seed=2)
    for episode in table.collect(Independent(), list(world.tasks("eval"))):
        facts, turns = episode.ends[0].facts, episode.turns
        teacher = [turn.message.text for turn in turns]
        student = [m.text for t in turns[1:] for m in t.seen if m.role == "user"]
        student += [m.text for m in episode.ends[0].seen["agent"] if m.role == "user"]
        gold = float(world.exercise(episode.task.params["exercise"]).answer)
        s, t = said_after(student, gold), said_after(teacher, gold)
        assert (facts["reached"] if facts["reached"] is not None else math.inf) == s
        assert (facts["told"] if facts["told"] is not None else math.inf) == t
        assert [told_first(s, t, k) for k in range(8)] == sorted(told_first(s, t, k) for k in range(8))


def test_telling_costs_what_the_setting_says():
    assert rewards(lesson(["the answer is {answer}"], telling_cost=0.8)) == pytest.approx([0.2])
    with pytest.raises(TurnwiseError, match="telling_cost"):
        make("tutor", telling_cost=-1.0)
    with pytest.raises(UnknownName, match="mathdial"):
        make("tutor", exercises="mathdail")


# --- exercises ---


@pytest.mark.parametrize("number", range(0, 500, 7))
def test_what_a_mistake_spoils_is_said_by_nobody_before_it_is_understood(number):
    made = chain(number)
    right = made.work(())
    for wrong in made.mistakes:
        work, hidden = made.work(wrong), {right[n] for n in right if made.work(wrong)[n] != right[n]}
        assert right[ANSWER] in hidden and not made.sibling_right(wrong) and made.sibling_right(())
        assert not hidden & {*work.values(), *numbers(made.question), *"123"}
    assert made.sibling.skills == made.skills and made.sibling.question != made.question


def test_wrong_solutions_of_mathdial():
    assert len(scenarios()) == 189
    for made in scenarios().values():
        assert numbers(made.answer) == [made.answer] and float(made.answer) >= 10
        assert not any(mentions(text, float(made.answer)) for text in (*made.lines, made.wrong, made.question))
        assert made.work(())[ANSWER] == made.answer != made.work(made.misunderstood)[ANSWER]


def test_phrases_of_cima():
    assert len(phrases()) == 125
    for made in phrases().values():
        for wrong in made.mistakes:
            assert made.answer not in made.work(wrong)[ANSWER]
            assert all(made.work(wrong)[step] != made.work(())[step] for step in wrong)


@pytest.mark.parametrize("voice", [MODEST, SPARING])
def test_every_line_of_a_student_can_be_read(voice):
    for made in list(scenarios().values())[::4]:
        for step, line in zip(made.steps, made.lines, strict=True):
            (*_, act) = voice.read(voice.say((DialogueAct("works", step, line),), Draws(key_of(step, line), 1)))
            assert (act.kind, act.about) == ("works", step) and act.value == line.casefold().strip(" .!?,;:\"'")


# --- any words, any person ---

MOVES = st.sampled_from(
    [f"{words} step {n}{rest}" for n in (1, 2, 3) for words, rest in (("look at", " again"), ("how did you get", "?"))]
    + ["keep going", "walk me through your solution", "what do you get now?", "no move at all"]
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(MOVES, max_size=8), st.integers(0, 499), st.integers(0, 5), st.sampled_from(["believer", "tracer"]),
    st.sampled_from([{}, {"vagueness": 0.5}, {"withholding": 0.5}, {"error": 0.5}, {"cooperation": 1.0}]),
)  # fmt: skip
def test_no_hidden_result_is_said_before_it_is_understood(moves, number, mistake, user, knobs):
    world = make("tutor", user=user, **knobs)
    made = chain(number)
    cursor = Cursor(
        world.live(),
        Task("t", "tutor", {"exercise": str(number), "misunderstood": [*made.mistakes[mistake]]}),
        Chance(5),
    )
    cursor.begin()
    student = cursor.world._student
    for move in moves:
        if not cursor.open:
            break
        cursor.take({"agent": Act(Message("assistant", move))})
        left = student.working.left(cursor.world._standing.state)
        said = cursor.seats["agent"].new[0].text
        for fact, value in student.facts.items():
            if any(step in left for step in student.working.rests[fact]):
                assert value not in numbers(said), (fact, value, said)


@pytest.mark.parametrize(
    ("knob", "values", "measure"),
    [
        ("withholding", (0.0, 0.4, 0.8), "turns (failed: all)"),
        ("vagueness", (0.0, 0.4, 0.8), "turns (failed: all)"),
        ("error", (0.0, 0.4, 0.8), "turns (failed: all)"),
    ],
)
def test_each_knob_makes_it_longer(knob, values, measure):
    found = [share(ends("locator", **{knob: value}), measure) for value in values]
    assert found[0] < found[1] < found[2]


def test_patience_ends_lessons_that_lead_nowhere():
    impatient, patient = ends("generic", patience=2), ends("generic", patience=5)
    assert {f["over"] for f in impatient} == {"left"} == {f["over"] for f in patient}
    assert share(ends("locator", patience=2), "success") == 1.0
