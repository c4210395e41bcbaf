"""The counselling world: what must hold of disclosure, styles, forms and players (specs/users/patient-psi)."""

from __future__ import annotations

import asyncio
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.types import Act, Message
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.worlds import make
from turnwise.worlds.counsel import NONE
from turnwise.worlds.counsel_diagram import CLASSES, FIELDS, JOIN, draw, kind_of, statements, texts
from turnwise.worlds.counsel_people import PEOPLE, STYLES, THRESHOLDS
from turnwise.worlds.counsel_score import f1, field_score, form_scores, read_form, total, written

ACTS = [DialogueAct("validate"), DialogueAct("advise"), None]
ACTS += [DialogueAct(kind, field) for kind in ("ask", "explore") for field in FIELDS]


def played(user, expert, count=20, **more):
    world = make("counsel", user=user, **more)
    agent, found = ScriptedAgent(world.expert(expert), expert), []
    for task in world.tasks("eval")[:count]:
        cursor = asyncio.run(play(Cursor(world.live(), task, Chance(key_of(0, task.key))), {"agent": agent}))
        found.append(cursor.episode("e", {}).ends[0].facts)
    return found


def mean(facts, name):
    return float(np.mean([one[name] for one in facts]))


def test_the_statements_are_as_many_as_in_the_sheet():
    assert [len(statements(name, True)) for name in CLASSES] == [9, 6, 4]
    assert len(texts()["emotions"]) == 9
    assert all(set(texts()[name]["emotions"]) <= set(texts()["emotions"]) for name in CLASSES)


def test_sensitive_statements_are_gated():
    hidden = set(texts()["sensitive"])
    said = {
        value for task in make("counsel").tasks("train") for value in task.params["diagram"]["core beliefs"].split(JOIN)
    }
    assert hidden and not hidden & said
    allowed = make("counsel", sensitive=True).tasks("train")
    assert hidden & {v for task in allowed for v in task.params["diagram"]["core beliefs"].split(JOIN)}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(STYLES)), st.lists(st.sampled_from(ACTS), max_size=30), st.integers(0, 99))
def test_nothing_below_its_threshold_is_uttered_and_caps_hold(style, acts, number):
    world = make("counsel", user=style, cooperation=0.3)
    task = world.tasks("train")[number]
    person, standing = world.person(task), world.person(task).begin()
    for turn, act in enumerate(acts):
        draws = Draws(number, turn)
        reply = person.reply(standing, act, draws)
        text, standing = person.voice.say(reply.acts, draws), reply.standing
        for field, value in task.params["diagram"].items():
            if standing.state < THRESHOLDS[kind_of(field)]:
                assert all(one.about != field for one in reply.acts if one.kind == "inform")
                others = [v for name, v in task.params["diagram"].items() if name != field]
                assert value in others or value not in text
        cap = STYLES[style].cap
        assert cap is None or len(re.findall(r"[.!?](?=\s|$)", text)) <= cap


@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_a_voice_reads_what_it_says(name):
    world, voice = make("counsel", user=name), PEOPLE[name].voice
    remarks = [voice.phrases.all_of(DialogueAct("remark"))[0], ""]
    for task in world.tasks("train")[:20]:
        for field, value in task.params["diagram"].items():
            act = DialogueAct("inform", field, value)
            for text in voice.phrases.all_of(act):
                for remark in remarks:
                    assert [one for one in voice.read(f"{remark} {text}".strip()) if one.kind == "inform"] == [act]
        hello = DialogueAct("hello", value=", ".join(task.params["domains"]))
        assert all(voice.read(text) == (hello,) for text in voice.phrases.all_of(hello))
    for kind in ("refuse", "vague", "acknowledge", "unclear", "leave", "remark"):
        for text in voice.phrases.all_of(DialogueAct(kind)):
            assert {act.kind for act in voice.read(text)} == {kind}


def test_trust_starts_by_style_and_moves_as_the_sheet_says():
    assert {name: style.begin for name, style in STYLES.items()} == {
        "plain": 0.4, "upset": 0.1, "reserved": 0.1, "verbose": 0.4, "tangent": 0.3, "pleasing": 0.6,
    }  # fmt: skip
    world = make("counsel", user="reserved")
    rule = world.person(world.tasks("train")[0]).discloses
    trust = rule.start()
    for kind, after in (("explore", 0.18), ("validate", 0.34), ("advise", 0.26), ("ask", 0.26)):
        trust = rule.hear(trust, DialogueAct(kind, "coping"), {})
        assert trust == pytest.approx(after)


def test_a_style_changes_words_and_trust_but_not_the_diagram():
    tasks = [make("counsel", user=name).tasks("eval") for name in PEOPLE]
    assert all(of == tasks[0] for of in tasks)


def test_forms_are_scored_by_f1():
    truth = make("counsel").tasks("eval")[0].params["diagram"]
    assert total(form_scores(truth, truth)) == 1.0
    assert form_scores(truth, {}) == dict.fromkeys(FIELDS, 0.0)
    assert read_form(written(truth)) == truth
    every = JOIN.join(text for name in CLASSES for text in statements(name, True))
    right = truth["core beliefs"].split(JOIN)
    assert field_score("core beliefs", truth["core beliefs"], every) == pytest.approx(
        2 * len(right) / (len(right) + 19)
    )
    assert field_score("core beliefs", truth["core beliefs"], right[0]) == pytest.approx(2 / (len(right) + 1))
    assert field_score("coping", "i wait and wait", "i wait") == pytest.approx(2 * 2 / (4 + 2))
    assert f1([], []) == 0.0 and read_form("no such field = x") is None and read_form("this is no form") is None


def test_without_trust_in_the_way_the_gap_vanishes():
    gap = {}
    for user in ("plain", "reserved", "trusting"):
        trust, plain = (mean(played(user, name), "fields_per_turn" + NONE) for name in ("trust", "questionnaire"))
        gap[user] = trust - plain
        assert mean(played(user, "random"), "score" + NONE) < mean(played(user, "trust"), "score" + NONE)
    assert gap["reserved"] > gap["plain"] > 0.3 and gap["trusting"] == 0.0


def test_imagined_patients_said_what_was_heard():
    world = make("counsel")
    task = world.tasks("eval")[3]
    cursor = Cursor(world.live(), task, Chance(5))
    cursor.begin()
    rule, diagrams = world.expert("trust"), set()
    for _ in range(6):
        view = cursor.view("agent")
        cursor.take({"agent": Act(Message("assistant", rule(view, generator(view.chance_key))))})
    for number in range(10):
        twin = cursor.world.imagine(cursor.view("agent"), Chance(number))
        assert (
            twin._standing.told == cursor.world._standing.told and twin._standing.state == cursor.world._standing.state
        )
        assert all(twin._person.facts[field] == value for field, value in twin._standing.told.items())
        diagrams.add(tuple(twin._person.facts.values()))
    assert len(diagrams) > 1


def test_told_fields_say_of_which_class_a_patient_is():
    """Drawn anew after its thoughts were heard, a patient keeps the class that alone has such thoughts."""
    thought = texts()["unlovable"]["thoughts"][0]
    for number in range(20):
        found = draw(("work", "home", "study"), False, generator(number), {"thoughts 2": thought})
        assert found["thoughts 2"] == thought and found["rules"] in texts()["unlovable"]["rules"]


def test_knobs_have_their_effects():
    score = [mean(played("plain", "trust", withholding=rate), "score" + NONE) for rate in (0.0, 0.4, 0.8)]
    wrong = [mean(played("plain", "trust", error=rate), "score" + NONE) for rate in (0.0, 0.3, 0.9)]
    vague = [mean(played("plain", "trust", vagueness=rate), "score" + NONE) for rate in (0.0, 0.4, 0.8)]
    for values in (score, wrong, vague):
        assert values == sorted(values, reverse=True) and values[0] > values[2]
    assert {one["culprit"] for one in played("plain", "trust", error=0.9)} == {"user"}
