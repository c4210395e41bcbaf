"""Guess My City against specs/worlds/lmrl-guess-my-city."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, generator
from turnwise.core.cursor import Cursor
from turnwise.core.errors import UnknownName
from turnwise.core.types import Act, End, Message, Task
from turnwise.explore import Independent, Table
from turnwise.measure.normalised import Anchors
from turnwise.worlds import make
from turnwise.worlds.archer_city_table import cities
from turnwise.worlds.guess_my_city_answers import (
    REFUSAL,
    RIGHT,
    UNREAD,
    WRONG,
    confirmed_as_released,
    fitting,
    pairs,
    reduced,
    wordings,
)
from turnwise.worlds.guess_my_city_experts import CLOSED, OPEN, ask
from turnwise.worlds.guess_my_city_table import aspects, meaning, mentions, plain, table, towns_named


def game(city, questions, answers=None, **options):
    """A cursor after these questions about a city, with an oracle's answers handed in or its own."""
    world = make("guess-my-city", **options)
    script = None if answers is None else {"answer": answers}
    cursor = Cursor(world.live(), Task("t", world.name, {"city": city}), Chance(1, script=script))
    cursor.begin()
    for question in questions:
        cursor.take({"agent": Act(Message("assistant", question + "\n"))})
    assert not any(leaf.error for leaf in cursor.tree.ends), cursor.tree.ends
    return cursor


def rewards(cursor):
    return [turn.rewards["agent"] for turn in cursor.tree.turns]


def heard(cursor):
    return [m.text for m in cursor.seats["agent"].messages if m.role == "user"][1:]


def played(world, name, times=1):
    agent = ScriptedAgent(world.expert(name), name)
    return Table(world, {"agent": agent}, seed=0).collect(Independent(), list(world.tasks("eval")) * times)


# --- the game ---


def test_the_worked_example_of_lima():
    cursor = game("Lima", ["Is it in Asia?", "Do they speak Spanish?", "Is it Lima?"])
    assert rewards(cursor) == [-1.0, -1.0, 0.0] and cursor.moment.end is End.DONE and cursor.moment.facts["success"]
    first, second, _ = heard(cursor)
    assert first.startswith("No, ") and second.startswith("Yes, ") and len(first.split()) > 3 < len(second.split())


class Talkative:
    """Gives its town, or its country, away."""

    def __init__(self, text):
        self.text = text

    def answer(self, town, question, chance):
        return self.text


@pytest.mark.parametrize("text", ["People from Lima eat fish", "LIMA!", "The best of Peru", "lima, of course"])
def test_an_answer_that_names_the_city_or_the_country_is_refused_and_still_costs(text):
    cursor = game("Lima", ["What do people eat?"], oracle=Talkative(text))
    assert rewards(cursor) == [-1.0] and heard(cursor) == [REFUSAL + "\n"]


def test_other_answers_are_shown_on_one_line():
    cursor = game("Lima", ["What do people eat?"], oracle=Talkative("A kind climate\nand fish"))
    assert heard(cursor) == ["A kind climate and fish\n"], "a climate is no Lima"


@pytest.mark.parametrize("answer", ["Yes.", "No.", "What?", ""])
def test_naming_ends_the_game_whatever_is_answered(answer):
    cursor = game("Lima", ["So you are from LIMA, I see"], [answer])
    assert rewards(cursor) == [0.0] and not cursor.open and cursor.moment.facts["success"]


def test_a_part_of_a_word_names_nothing_and_another_spelling_does():
    assert game("Lima", ["What is the climate like?"]).open
    assert game("Cali", ["Is it in California?"]).open
    for city, said in [("Bombay", "Mumbai"), ("Sao Paulo", "São Paulo"), ("Xian", "Xi'an"), ("Kiev", "kyiv")]:
        assert not game(city, [f"Is it {said}?"]).open


def test_return_is_0_at_best_and_minus_20_at_worst():
    assert sum(rewards(game("Lima", ["Is it Lima?"]))) == 0.0
    lost = game("Lima", ["Is it Cairo?"] * 20)
    assert sum(rewards(lost)) == -20.0 and lost.moment.end is End.DONE and lost.moment.facts["success"] is False


def test_several_names_in_one_question_are_counted():
    assert game("Lima", ["Is it Cairo, Rome or Paris?"]).moment.facts["cities_named"] == 3


def test_anchors_belong_to_the_published_game_alone():
    at = make("guess-my-city").anchors
    score = Anchors(at["min"], at["data"], at["max"], "published").score
    assert [score(x) for x in (-20.0, -18.8, -8.56)] == pytest.approx([0.0, 50.0, 100.0])
    assert score(-10.13) == pytest.approx(92.3, abs=0.1) and score(-11.2) == pytest.approx(88.0, abs=1.0)
    assert make("guess-my-city", cities="small").anchors == {} == make("guess-my-city", turns=10).anchors


def test_what_can_be_set():
    with pytest.raises(UnknownName, match="did you mean 'table'"):
        make("guess-my-city", oracle="tabel")
    with pytest.raises(UnknownName, match="small"):
        make("guess-my-city", cities="smal")


# --- as released ---


def test_as_released_naming_the_city_wins_nothing_and_open_questions_get_no():
    asked = ["Is it Lima?", "What is the weather like?", "Is it in South America?"]
    cursor = game("Lima", asked, as_released=True)
    assert rewards(cursor) == [-1.0] * 3 and cursor.open and heard(cursor) == ["Yes.\n", "No.\n", "Yes.\n"]


def test_the_released_test_of_success_compares_characters_with_words():
    assert not confirmed_as_released("lima,peru", "Is it lima?", "Yes.")
    assert not confirmed_as_released("lima,peru", "Is it Lima,Peru?", "Yes.")
    assert confirmed_as_released("lima,peru", "l i m a , p e r u?", "Yes.")
    assert confirmed_as_released("lima,peru", "l", "Yes."), "a short question is compared as far as it goes"
    assert not confirmed_as_released("lima,peru", "l i m a , p e r u?", "No.")
    assert not confirmed_as_released("lima,peru", "?!", "Yes.")


@pytest.mark.parametrize(
    ("text", "verdict"), [("yes, it is", "Yes."), ("Fine, yes", "No."), ("no", "No."), ("", "No.")]
)
def test_the_released_reduction_reads_the_first_word(text, verdict):
    assert reduced(text) == verdict


# --- what is true, and how it is said ---


def test_every_city_is_told_apart_and_seoul_is_not_among_them():
    towns = table().towns
    assert len(towns) == 99 == len({tuple(town.values.values()) for town in towns}) and len(aspects()) == 12
    assert [t.name for t in towns] == [c.name for c in cities()] and "Seoul" not in table().index
    assert towns[0].entry == "sao paulo,brazil" and len(table("small").towns) == 24
    for name, aspect in aspects().items():
        assert {town.values[name] for town in towns} == set(aspect.values)
        assert {len(a) for a in (aspect.told, aspect.yes, aspect.no, aspect.open, aspect.closed)} == {3}


def every_question():
    rng = generator("questions")
    for about in OPEN + CLOSED:
        forms = {ask(about, rng) for _ in range(30)}
        assert len(forms) == 3 and all(meaning(form) == about for form in forms)
        yield from forms


def test_no_answer_of_the_table_names_the_city_or_the_country():
    questions = [*every_question(), "Is it Cairo?", "Tell me the name of your city!"]
    for town in table().towns:
        for question in questions:
            assert not any(mentions(text, town.forbidden) for text in wordings(town.name, question))


def test_an_answer_speaks_for_its_value_alone():
    """All the ways to answer a question differ, and so do the answers of towns that differ in what was asked."""
    for question in every_question():
        answers = {wordings(town.name, question) for town in table().towns}
        texts = [text for options in answers for text in options]
        assert len(texts) == len(set(texts)) and all(len(options) == 3 for options in answers)
    assert len({*RIGHT, *WRONG, *UNREAD}) == 9


def test_questions_are_read_whatever_their_looks():
    assert meaning("do you speak SPANISH") == meaning("Do they speak Spanish?") == ("language", "Spanish")
    assert meaning("Is it near the sea?") is None and meaning("Is your city near the sea?") == ("coast", "on the coast")
    assert plain("Is it the São-Paulo?") == "is it sao paulo" and towns_named("são paulo or XIAN") == (
        "Sao Paulo",
        "Xian",
    )


# --- what follows from an answer ---


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 98), st.integers(0, 2**32), st.booleans())
def test_the_hidden_city_always_fits_and_the_imagined_ones_answer_the_same(number, seed, as_released):
    town, rng = table().towns[number], generator(seed)
    questions = [ask(about, rng) for about in (OPEN + CLOSED) if rng.random() < 0.1][:8]
    cursor = game(town.name, questions, as_released=as_released)
    said = pairs([m.text for m in cursor.seats["agent"].messages][1:])
    left = table().members(fitting(table(), said, as_released))
    assert town in left
    imagined = cursor.world.imagine(cursor.view("agent"), Chance(seed))
    assert imagined._town in left and imagined._asked == len(questions)
    for other in left:
        same = [wordings(other.name, q) == wordings(town.name, q) for q in questions]
        assert as_released or all(same)


def test_imagined_cities_are_as_likely_as_each_other():
    cursor = game("Lima", ["What language do you speak?", "Which continent is it in?", "Is it the capital or not?"])
    view = cursor.view("agent")
    drawn = [cursor.world.imagine(view, Chance(key))._town.name for key in range(1800)]
    names, counts = np.unique(drawn, return_counts=True)
    assert set(names) == {t.name for t in table().towns if t.values["language"] == "Spanish"} - {
        "Madrid",
        "Mexico City",
        "Havanna",
    }
    assert counts.min() > 0.75 * counts.mean()


def test_only_the_hidden_city_changes_what_is_answered():
    """Towns that agree in what was asked give the same words under the same draws."""
    agree = [t.name for t in table().towns if t.values["language"] == "Chinese" and t.values["coast"] == "inland"]
    asked = ["Do you speak Chinese?", "What do people eat there?", "Is it on the coast or inland?", "Why?"]
    assert len(agree) > 5 and len({tuple(heard(game(name, asked))) for name in agree}) == 1


# --- players ---


def test_a_splitter_names_the_city_within_about_eight_questions():
    world = make("guess-my-city")
    for name, least, most in (("splitter", 3.0, 3.7), ("yes-no", 7.0, 8.5)):
        episodes = played(world, name)
        assert all(e.success for e in episodes) and least < np.mean([len(e.turns) for e in episodes]) < most
        for episode in episodes:
            told = [m.text for turn in episode.turns for m in turn.seen]
            assert not any(episode.task.params["city"] in towns_named(text) for text in told)


def test_players_differ_in_skill():
    world = make("guess-my-city")
    means = [
        np.mean([e.total() for e in played(world, name, 3)]) for name in ("splitter", "yes-no", "curious", "random")
    ]
    assert means == sorted(means, reverse=True) and -17.5 < means[2] < -14 and means[3] < -19
    released = make("guess-my-city", as_released=True)
    assert {e.total() for e in played(released, "splitter")} == {-20.0}
