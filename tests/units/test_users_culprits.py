"""Whose fault a failure is: by the person's own rules played again, and counted over episodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from turnwise.api.evaluating import evaluate
from turnwise.core.types import End, Episode, Leaf, Message, Task, Turn
from turnwise.measure.culprits import CULPRITS, culprit_of, culprit_shares
from turnwise.measure.report.culprits import SAYS
from turnwise.users import culprit as rules
from turnwise.users.acts import DialogueAct
from turnwise.users.culprit import Heard, at_its_best, culprit, replies
from turnwise.users.disclosure import OnRequest
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import Person
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Templates

VOICE = Templates(Phrases({"inform": ("{about} {value}.",)}))
FACTS = {"size": "small", "colour": "red"}
OTHERS = {"size": ("small", "large"), "colour": ("red", "blue")}


def person(**knobs):
    return Person(FACTS, OnRequest(), VOICE, Knobs(**knobs), OTHERS, changing=("size",))


def heard(*facts, useful=()):
    """A question about each; None is what could not be read."""
    acts = [DialogueAct("ask", fact) if fact else None for fact in facts]
    return [Heard(act, Draws(7, turn), turn in useful) for turn, act in enumerate(acts, 1)]


@pytest.mark.parametrize(
    ("knobs", "facts", "cut", "fault"),
    [
        ({}, ("size", "colour"), True, "limit"),  # every turn was of use
        ({}, (), True, "limit"),
        ({}, ("size", "size"), True, "agent"),  # asked twice
        ({}, (None, "size"), True, "agent"),  # not understood
        ({}, ("size",), False, "agent"),  # ended it wrongly, though told rightly
        ({"withholding": 1.0}, ("size",), True, "user"),  # asked, and never told
        ({"vagueness": 1.0}, ("size",), False, "user"),
        ({"error": 1.0}, ("size",), False, "user"),  # acted on what it was told
        ({"error": 1.0}, (None,), False, "agent"),  # a person who errs, and was not asked
        ({"changing": 1.0}, ("size", "colour"), False, "user"),  # told, then another mind
        ({"cooperation": 1.0}, ("size",), True, "limit"),  # help is no fault
    ],
)
def test_the_first_rule_that_applies(knobs, facts, cut, fault):
    somebody = person(**knobs)
    assert culprit(somebody, somebody.begin(), heard(*facts), cut) == fault


def test_what_was_held_back_and_told_later_costs_turns_and_no_more():
    somebody = person(withholding=0.5)
    for key in range(200):
        turns = [Heard(DialogueAct("ask", f), Draws(key, t)) for t, f in enumerate(("size", "size", "colour"), 1)]
        given = replies(somebody, somebody.begin(), turns)
        if [reply.acts[0].kind for reply in given] == ["refuse", "inform", "inform"]:
            # at its best it would have answered at once, so the second question was the agent's waste in that world
            assert culprit(somebody, somebody.begin(), turns, cut=True) == "agent"
            assert culprit(somebody, somebody.begin(), turns[:1], cut=True) == "user"
            return
    raise AssertionError("no such draws")


def test_at_its_best_only_faults_are_gone():
    best = at_its_best(person(patience=3, vagueness=0.1, error=0.2, withholding=0.3, cooperation=0.4, changing=0.5))
    assert best.knobs == Knobs(patience=3, cooperation=0.4)


def test_replies_are_the_same_again():
    somebody = person(vagueness=0.3, error=0.3, withholding=0.3, cooperation=0.5, changing=0.3)
    turns = heard(*("size", None, "colour") * 5)
    assert replies(somebody, somebody.begin(), turns) == replies(somebody, somebody.begin(), turns)


def one(facts, end=End.DONE, noted=True):
    turn = Turn(-1, 0, "agent", (), Message("assistant", "x"), {}, facts={"events": []} if noted else {})
    return Episode("e", Task("t", "w"), (turn,), (Leaf(0, end, facts=facts),))


def test_an_episode_without_a_verdict_of_its_world():
    assert culprit_of(one({"success": True})) is None
    assert culprit_of(one({"success": False, "culprit": "user"})) == "user"
    assert culprit_of(one({}, End.ERROR)) == "world"
    assert culprit_of(one({}, End.TURNS)) == "limit"
    assert culprit_of(one({}, End.LEFT)) == "agent"
    assert culprit_of(one({"success": False}, noted=False)) is None  # nobody was talked to
    assert culprit_shares([one({"success": True})]) == {}


def test_shares_sum_to_one_and_follow_the_fault():
    found: dict[str, Any] = {}
    for name, settings in {"careful": {}, "erring": {"error": 0.5}}.items():
        played = evaluate("script:random", "recommend", episodes=60, world_settings=settings)
        found[name] = culprit_shares(played.episodes)
        assert sum(share.value for share in found[name].values()) == pytest.approx(1.0)
    assert found["careful"]["user"].value == 0.0 and found["erring"]["user"].value > 0.5


def test_the_names_are_one_list():
    assert CULPRITS == rules.CULPRITS == tuple(SAYS)


def test_the_report_counts_them(tmp_path: Path):
    from turnwise.measure.report.build import build_report
    from turnwise.measure.report.culprits import culprits_card
    from turnwise.measure.report.record import read_record

    evaluate("script:always-recommend", "recommend", episodes=40, out=tmp_path / "run")
    card = culprits_card(read_record(tmp_path / "run"))
    assert card is not None and card.table is not None
    assert [row[0].split(":")[0] for row in card.table.rows] == [*CULPRITS, "failed episodes"]
    assert "Whose fault failures are" in build_report(tmp_path / "run").read_text("utf-8")
    evaluate("script:optimal", "maze", episodes=4, out=tmp_path / "other")
    assert culprits_card(read_record(tmp_path / "other")) is None
