"""The world of Twenty Questions against specs/worlds/lmrl-twenty-questions; its rules on texts are tested beside."""

from __future__ import annotations

import asyncio
from collections import Counter

import numpy as np
import pytest

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Act, End, Message, Task
from turnwise.worlds.twenty_questions import TwentyQuestions
from turnwise.worlds.twenty_questions_experts import KINDS, Forgetful
from turnwise.worlds.twenty_questions_oracle import meaning
from turnwise.worlds.twenty_questions_table import Meaning, table


def game(name, questions, answers=None, key=0, **options):
    """A cursor after these questions about an object, with the oracle's answers handed in or its own."""
    world = TwentyQuestions(**options)
    script = None if answers is None else {"answer": answers}
    cursor = Cursor(world, Task("t", world.name, {"object": name}), Chance(key, script=script))
    cursor.begin()
    for question in questions:
        cursor.take({"agent": Act(Message("assistant", question))})
    return cursor


def texts(cursor):
    return [m.text for m in cursor.seats["agent"].messages if m.role == "user"]


def total(cursor):
    return sum(turn.rewards["agent"] for turn in cursor.tree.turns)


def attribute_of(name, holds):
    known = table()
    at = known.index[name]
    key = next(k for k, mask in known.masks.items() if bool(mask >> at & 1) == holds)
    return key, known.questions[key][0]


def test_a_game_that_is_won():
    _, yes = attribute_of("Horse", True)
    _, no = attribute_of("Horse", False)
    cursor = game("Horse", [yes, no, "What is it?\n", "Is it a horse?\n"])
    assert texts(cursor) == ["Questions:\n", "Yes.\n", "No.\n", "No.\n", "Yes.\n"]
    assert [t.rewards["agent"] for t in cursor.tree.turns] == [-1, -1, -1, 0]
    assert cursor.moment.end is End.DONE and cursor.moment.facts["success"] is True


@pytest.mark.parametrize("turns", [1, 20])
def test_a_lost_game_costs_every_question(turns):
    cursor = game("Horse", ["Is it a cow?\n"] * turns, turns=turns)
    assert total(cursor) == -turns and cursor.moment.end is End.DONE and cursor.moment.facts["success"] is False


def test_the_last_question_can_still_win():
    cursor = game("Horse", ["Is it a cow?\n"] * 19 + ["Is it a horse?\n"])
    assert total(cursor) == -19 and cursor.moment.facts["success"] is True


def test_a_correct_guess_answered_no_goes_on():
    cursor = game("Horse", ["Is it a horse?\n"], ["No."])
    assert cursor.open and total(cursor) == -1 and cursor.moment.facts["names_object"] is True


def test_a_yes_to_another_object_goes_on():
    assert game("Horse", ["Is it a cow?\n"], ["Yes."]).open


def test_the_released_quirk_that_any_question_ending_in_the_name_wins():
    assert not game("Horse", ["Is it made of horse?\n"]).open


def test_every_answer_is_in_the_record():
    cursor = game("Horse", [attribute_of("Horse", True)[1]])
    assert cursor.tree.turns[0].facts["draws"] == [["answer", "Yes."]]


class Contrary:
    """Says yes to everything, in its own words."""

    def answer(self, secret, question, rng=None):
        return f"yes, {secret.name} {question}"


def test_any_oracle_can_answer():
    cursor = game("Horse", ["Is it a stone?\n"], oracle=Contrary())
    assert texts(cursor)[-1] == "Yes.\n" and cursor.world.settings()["oracle"] == "Contrary"
    with pytest.raises(UnknownName, match="did you mean 'table'"):
        TwentyQuestions(oracle="tabel")


def test_cleaning_comes_before_the_judging():
    say = ["horse", "it is a stone"]
    assert texts(game("Horse", say[1:], oracle=Contrary(), cleaning="strict"))[-1] == "No.\n"
    assert game("Horse", say[:1], oracle=Contrary(), cleaning="strict").open
    assert not game("Horse", say[:1], oracle=Contrary()).open
    with pytest.raises(UnknownName, match="strict"):
        TwentyQuestions(cleaning="strickt")


def test_noise_turns_answers_about_attributes_around_at_its_rate():
    _, question = attribute_of("Horse", True)
    answers = Counter(a for key in range(60) for a in texts(game("Horse", [question] * 19, key=key, noise=0.2))[1:])
    assert answers["No.\n"] / answers.total() == pytest.approx(0.2, abs=0.04)
    guesses = texts(game("Horse", ["Is it a cow?\n"] * 19, noise=0.9))[1:]
    assert set(guesses) == {"No.\n"}
    with pytest.raises(TurnwiseError, match="probability"):
        TwentyQuestions(noise=1.5)


def test_belief_without_noise_is_what_fits():
    (key, question), known = attribute_of("Horse", True), table()
    cursor = game("Horse", [question, "Is it a cow?\n", "Well?\n"])
    fitting = known.masks[key] & ~(1 << known.index["Cow"])
    belief = cursor.world.belief(cursor.seats["agent"].messages)
    assert belief.sum() == pytest.approx(1.0)
    assert {i for i in range(158) if belief[i]} == {i for i in range(158) if fitting >> i & 1}
    assert len(set(belief[belief > 0])) == 1


def test_belief_under_noise_is_bayes_rule():
    (key, question), known = attribute_of("Horse", True), table()
    holds = known.truth[known.attributes.index(key)]

    def belief(questions, answers):
        cursor = game("Horse", questions, answers, noise=0.1)
        return cursor.world.belief(cursor.seats["agent"].messages)

    once = np.where(holds, 0.9, 0.1)
    assert belief([question], ["Yes."]) == pytest.approx(once / once.sum())
    twice = np.where(holds, 0.81, 0.01)
    assert belief([question] * 2, ["Yes."] * 2) == pytest.approx(twice / twice.sum())
    assert belief([question] * 2, ["Yes.", "No."]) == pytest.approx(np.full(158, 1 / 158))
    assert belief([], []) == pytest.approx(np.full(158, 1 / 158))
    refused = belief(["Is it a cow?"], ["No."])
    assert refused[known.index["Cow"]] == 0 and refused[known.index["Horse"]] == pytest.approx(1 / 157)


def test_imagined_objects_follow_the_belief():
    _, question = attribute_of("Horse", True)
    cursor = game("Horse", [question], noise=0.1, objects="small")
    view, names = cursor.view("agent"), [thing.name for thing in cursor.world.table.things]
    drawn = Counter(cursor.world.imagine(view, Chance(key))._thing.name for key in range(2000))
    expected = cursor.world.belief(view.messages) * 2000
    counts = np.array([drawn[name] for name in names])
    assert ((counts - expected) ** 2 / expected).sum() < 90  # chi-squared, 46 degrees of freedom: 99.99% below 92


def returns(name, **options):
    world = TwentyQuestions(**options)
    agent = ScriptedAgent(world.expert(name), name)

    async def run():
        cursors = [Cursor(world.live(), task, Chance(key_of(task.key))) for task in world.tasks("eval")]
        return [(await play(cursor, {"agent": agent})).episode("e", {}).total() for cursor in cursors]

    return np.array(asyncio.run(run()))


def test_splitting_in_halves_needs_about_seven_questions():
    assert returns("splitter").mean() == pytest.approx(-np.log2(158), abs=0.8)


def test_experts_have_several_skills():
    skills = [returns(name).mean() for name in ("random", "noisy", "splitter")]
    assert skills == sorted(skills) and skills[0] < -19


def test_the_forgetful_player_knows_where_it_stands_from_the_last_answer():
    """Without lapses it goes round its routine, kinds answered no passed over; with nothing but lapses it repeats."""
    steady, deaf, rng = (
        Forgetful(table("small"), lapse=0.0),
        Forgetful(table("small"), lapse=1.0),
        np.random.default_rng(0),
    )
    history, asked = [], []
    for _ in KINDS:
        asked.append(meaning(steady.next_question(history, rng)))
        history = [(asked[-1], False)]
    assert sorted(about.name for about in asked) == sorted(KINDS)
    animal = Meaning("attribute", "animal")
    assert meaning(steady.next_question([(animal, True)], rng)) == Meaning("guess", "Cat")
    assert meaning(steady.next_question([(Meaning("guess", "Cat"), False)], rng)) == Meaning("guess", "Horse")
    assert meaning(steady.next_question([(Meaning("guess", "Tiger"), False)], rng)).name == KINDS[1]
    assert {meaning(deaf.next_question([(animal, True)], rng)) for _ in range(9)} == {animal}
    assert meaning(deaf.next_question([(None, False)], rng)) == animal, "what it cannot read it does not repeat"


def test_tasks_hide_each_object_once():
    assert [t.params["object"] for t in TwentyQuestions().tasks("train")] == [t.name for t in table().things]
    assert len(TwentyQuestions("small").tasks("eval")) == 47
    with pytest.raises(UnknownName, match="did you mean 'Horse'"):
        TwentyQuestions().reset(Task("t", "", {"object": "Horsey"}), Chance(0))
