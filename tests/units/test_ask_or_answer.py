"""Ask or answer on the records of MediQ: patients, limits and abstention (specs/users/mediq)."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, Message
from turnwise.measure import calibration
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.worlds import make
from turnwise.worlds.abstention import CutOff, Fixed
from turnwise.worlds.ask_or_answer import ERROR, NONE, leaning
from turnwise.worlds.ask_or_answer_case import case_of
from turnwise.worlds.ask_or_answer_experts import Player
from turnwise.worlds.ask_or_answer_people import CANNOT, fact_in, overlap
from turnwise.worlds.ask_or_answer_records import records, split_of, words
from turnwise.worlds.ask_or_answer_statistics import read, statistics


def played(rule, count=40, **settings):
    world = make("ask-or-answer", **settings)
    expert = world.expert(rule) if isinstance(rule, str) else rule(world)
    found = []
    for task in world.tasks("eval")[:count]:
        cursor = Cursor(world.live(), task, Chance(key_of(0, task.key)))
        asyncio.run(play(cursor, {"agent": ScriptedAgent(expert, "player")}))
        found.append(cursor.episode("e", {}))
    return found


def facts_of(episodes):
    assert all(episode.ends[0].error is None for episode in episodes)
    return [episode.ends[0].facts for episode in episodes]


def asked(user, question, number=0):
    world = make("ask-or-answer", user=user)
    task = world.tasks("train")[number]
    person = world.person(task)
    reply = person.reply(person.begin(), DialogueAct("ask", question), Draws(1, 1))
    return task, person.voice.say(reply.acts, Draws(1, 1))


def test_the_records_are_those_of_the_release():
    assert len(records("medqa")) == 1269 and len(records("craft")) == 140
    assert [split_of(r) for r in records("craft")].count("eval") == 28
    world = make("ask-or-answer", cases="craft")
    assert not {t.key for t in world.tasks("train")} & {t.key for t in world.tasks("eval")}


def test_the_first_message_shows_the_case_and_no_more():
    world = make("ask-or-answer")
    for task in world.tasks("eval")[:50]:
        cursor = Cursor(world.live(), task, Chance(0))
        cursor.begin()
        case = case_of(cursor.view("agent").messages)
        assert case.params == {name: task.params[name] for name in ("opening", "question", "options")}


def test_facts_are_told_word_for_word_and_equal_questions_get_equal_answers():
    world = make("ask-or-answer")
    for task in world.tasks("eval")[:40]:
        person, standing = world.person(task), world.person(task).begin()
        told = {}
        for turn, word in enumerate(("fever", "pain", "pressure", "fever", "history", "pain", "wings")):
            reply = person.reply(standing, DialogueAct("ask", word), Draws(3, turn))
            standing, text = reply.standing, person.voice.say(reply.acts, Draws(3, turn))
            assert text.strip('"') in (*task.params["facts"], CANNOT)
            assert told.setdefault(word, fact_in(text)) == fact_in(text)
        assert told["wings"] is None


def test_each_patient_tells_what_it_knows():
    task, text = asked("facts", "joint fluid")
    assert fact_in(text) == "Culture of joint fluid shows a bacteria."
    task, text = asked("paragraph", "joint fluid")
    assert fact_in(text) == task.params["context"][1] and text != fact_in(text)
    assert asked("opening", "joint fluid")[1] == CANNOT
    assert fact_in(asked("opening", "right knee")[1]) == task.params["opening"]
    said = [
        fact_in(asked("random", word)[1])
        for word in ("knee", "fever", "fluid", "skin", "age", "blood", "travel", "family")
    ]
    assert 0 < said.count(None) < len(said) and set(said) - {None} <= set(task.params["context"])


def test_rare_words_count_more():
    fact = "Patient denies fever and has a pacemaker."
    assert overlap("pacemaker", fact) > overlap("fever", fact) > overlap("wings", fact) == 0.0
    assert words("The patient has two Rashes") == {"rashe"}


def test_fixed_asks_exactly_so_many():
    for count in (0, 3, 5):
        found = facts_of(played(lambda world, n=count: Player(world, Fixed(n))))
        assert {one["questions"] for one in found} == {float(count)}


def test_thresholds_from_never_asking_to_always_timing_out():
    never, always = (facts_of(played(lambda w, t=t: Player(w, CutOff(t), 99), questions=4)) for t in (0.0, 1.01))
    assert {one["questions"] for one in never} == {0.0} and not any(one["timed_out"] for one in never)
    assert {one["questions"] for one in always} == {4.0} and all(one["timed_out"] for one in always)
    between = facts_of(played(lambda world: Player(world, CutOff(0.262), 99), questions=4))
    assert 0.0 < np.mean([one["timed_out"] for one in between]) < 1.0


def test_the_last_choice_is_the_answer():
    for one in facts_of(played("fixed")):
        letter, share = one["choices"][-1]
        assert (letter, share) == (one["choice"], one["share"]) and len(one["choices"]) == one["questions"] + 1
        assert one[ERROR] == pytest.approx((share - one["accuracy" + NONE]) ** 2)


def test_after_the_last_question_what_was_leaned_to_is_forced():
    world = make("ask-or-answer", questions=2)
    task = world.tasks("train")[0]
    right = "ABCD"[task.params["answer"]]
    for texts, won in (
        (["ask fever", f"{right} 40%: tell me about the skin", "ask age"], True),
        (["ask fever", "ask skin", "ask age"], False),
    ):
        cursor = Cursor(world.live(), task, Chance(0))
        cursor.begin()
        for text in texts:
            assert cursor.open
            cursor.take({"agent": Act(Message("assistant", text))})
        assert not cursor.open and cursor.moment.facts["timed_out"] and cursor.moment.facts["success"] is won


def test_leanings_are_read():
    assert leaning("b 40%") == ("B", 0.4) and leaning("C") == ("C", None) and leaning("e 40%") == ("", None)
    world = make("ask-or-answer")
    assert world.hear("B 40%: tell me about the fever") == DialogueAct("ask", "fever", "b 40%")
    assert world.hear("answer E") is None and world.hear("hello") is None
    assert world.hear("The answer is C 55%.") == DialogueAct("answer", value="c 55%")


def test_the_word_statistics_state_what_they_are_worth():
    """Little, as the sheet expects: their confidence is within noise of their accuracy where they never counted."""
    of, held_out = statistics(), [r for name in ("medqa", "craft") for r in records(name) if split_of(r) == "eval"]
    chances = [of.chances(record.options, read(record)) for record in held_out]
    stated, right = (
        [c.max() for c in chances],
        [int(c.argmax()) == r.answer for c, r in zip(chances, held_out, strict=True)],
    )
    assert abs(calibration.bias(stated, right)) < 3 * np.sqrt(0.25 * 0.75 / len(right))


def test_imagined_cases_would_have_said_the_same():
    for user in ("facts", "paragraph"):
        world = make("ask-or-answer", user=user)
        for number in range(8):
            cursor = Cursor(world.live(), world.tasks("eval")[number], Chance(2))
            cursor.begin()
            rule, questions = world.expert("fixed"), []
            for _ in range(3):
                view = cursor.view("agent")
                questions.append(world.hear(text := rule(view, generator(view.chance_key))))
                cursor.take({"agent": Act(Message("assistant", text))})
            twin = cursor.world.imagine(cursor.view("agent"), Chance(9))
            for question in questions:
                mine, other = (
                    w._person.reply(w._person.begin(), question, Draws(0, 1)).acts for w in (cursor.world, twin)
                )
                assert [(a.kind, a.value) for a in mine] == [(a.kind, a.value) for a in other]


def test_withholding_costs_knowledge_and_patience_ends_it():
    told = []
    for rate in (0.0, 0.5, 1.0):
        episodes = played("fixed", withholding=rate)
        told.append(sum(event[0] == "withheld" for e in episodes for t in e.turns for event in t.facts["events"]))
    assert told == sorted(told) and told[0] == 0 < told[2]
    left = facts_of(played("fixed", patience=1, withholding=1.0))
    assert {one["over"] for one in left} == {"left"} and {one["accuracy" + NONE] for one in left} == {0.0}


def test_what_is_no_setting_is_refused():
    with pytest.raises(TurnwiseError, match="questions=-1"):
        make("ask-or-answer", questions=-1)
    with pytest.raises(TurnwiseError, match="craft"):
        make("ask-or-answer", cases="crafts")
