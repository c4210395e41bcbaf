"""The world of donations: what wins a gift, who gives, what is told and reacted, and whose a failure is."""

from __future__ import annotations

import asyncio
from statistics import mean

import pytest

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, Message
from turnwise.users.person import KINDS
from turnwise.worlds import make
from turnwise.worlds.persuade_data import MOVES
from turnwise.worlds.persuade_fit import ANSWERS, fit_of
from turnwise.worlds.persuade_people import SPEAKS_OF_GIVING, Nature, giver, move_of
from turnwise.worlds.persuade_words import FORMAL, LANGUAGE, PLAIN


def talk(moves, task=0, key=1, split="eval", **settings):
    """The cursor after these moves."""
    world = make("persuade", **settings)
    cursor = Cursor(world.live(), world.tasks(split)[task], Chance(key))
    cursor.begin()
    for move in moves:
        cursor.take({"agent": Act(Message("assistant", LANGUAGE.wordings[move][0]))})
    return cursor


def gifts(name, count=300, **settings):
    world, found = make("persuade", **settings), []
    for number, task in enumerate(world.tasks("train")[:count]):
        agents = {"agent": ScriptedAgent(world.expert(name), name)}
        cursor = asyncio.run(play(Cursor(world.live(), task, Chance(number)), agents))
        found.append(cursor.episode("e", {}))
    return found


def test_every_move_of_the_data_has_words_and_is_read_as_itself():
    assert set(LANGUAGE.wordings) == {*MOVES.values(), "close"}
    for move, wordings in LANGUAGE.wordings.items():
        assert len(wordings) >= 2 and {move_of(LANGUAGE.read(text.upper())) for text in wordings} == {move}


@pytest.mark.parametrize("voice", [PLAIN, FORMAL])
def test_every_reaction_has_words_that_are_read_as_it(voice):
    for kind in (*ANSWERS, *KINDS, "consent", "farewell"):
        for key in [key for key in voice.phrases.wordings if key.partition(":")[0] == kind]:
            for text in voice.phrases.wordings[key]:
                assert [act.kind for act in voice.read(text.replace("{value}", "care"))] == [kind], text


@pytest.mark.parametrize("name", ["first", "second", "both"])
def test_the_reward_is_the_gift_and_never_above_the_cap(name):
    assert fit_of(name).amounts[0] == 0 and max(fit_of(name).amounts) <= 2.0
    assert list(fit_of(name).amounts) == sorted(fit_of(name).amounts)
    if name != "both":
        for episode in gifts("informed", 60, user=name):
            facts = episode.ends[0].facts
            assert episode.total() == facts["donation (none: 0)"] <= 2.0 and facts["consent"]
            assert facts["success"] == (episode.total() > 0)


def test_nobody_gives_who_was_not_told_that_there_is_something_to_give_to():
    assert all(not e.success for e in [talk(["greet", "close"], n).episode("e", {}) for n in range(40)])
    assert any(e.success for e in [talk(["propose", "close"], n).episode("e", {}) for n in range(40)])


def test_a_move_counts_once_and_moves_by_its_weight():
    nature, weights = Nature("first", 0.0, 0.5, 1.0), fit_of("first").move_weights
    said = frozenset({"tell:how", "greet"})
    edge = fit_of("first").thresholds[0]
    needed = edge - weights["tell:how"] - weights["greet"]
    assert Nature("first", needed + 1e-6, 0.5, 1.0).level(said) == 1
    assert Nature("first", needed - 1e-6, 0.5, 1.0).level(said) == 0
    assert nature.inclined == 0 and Nature("first", 0.3, 0.5, 0.0).level(said) == Nature("first", 0.3, 0.5, 0.0).level(
        frozenset()
    )
    once, twice = talk(["propose", "tell:how", "close"]), talk(["propose", "tell:how", "tell:how", "close"])
    assert once.tree.ends[0].facts["moves"] == twice.tree.ends[0].facts["moves"] == 2
    assert once.tree.ends[0].facts["donation (none: 0)"] == twice.tree.ends[0].facts["donation (none: 0)"]


def test_the_gift_is_given_after_the_last_turn_too():
    ends = [talk(["propose", "tell:how"], n, max_turns=2).tree.ends[0].facts for n in range(40)]
    assert {facts["over"] for facts in ends} == {"user", "turns"} and 0 < mean(f["success"] for f in ends) < 1


def test_nobody_agrees_or_declines_before_giving_was_spoken_of():
    for number in range(120):
        cursor = talk(["praise", "appeal:logic", "ask:source"], number, key=number)
        heard = {turn.facts["said"][0][0] for turn in cursor.tree.turns}
        assert not heard & {"agree", "disagree"}
    asked = [talk(["propose"], n, key=n).moment.facts["said"][0][0] for n in range(120)]
    assert {"agree", "disagree"} <= set(asked)


def test_those_who_would_give_agree_more_often():
    agreed = {True: [], False: []}
    for number in range(300):
        cursor = talk(["propose"], number, key=number, split="train")
        gives = cursor.world._person.nature.level(frozenset({"propose"})) > 0
        agreed[gives].append(cursor.moment.facts["said"][0][0] == "agree")
    assert mean(agreed[True]) > mean(agreed[False]) + 0.05


def test_persuaders_differ_in_skill_and_sway_is_what_makes_them_differ():
    rate = {name: mean(e.success for e in gifts(name)) for name in ("informed", "warm", "pushy")}
    assert rate["informed"] > rate["warm"] > rate["pushy"]
    flat = {name: mean(e.success for e in gifts(name, sway=0.0)) for name in ("informed", "warm", "pushy")}
    assert len(set(flat.values())) == 1


def test_a_failure_is_the_persons_where_nothing_would_have_helped():
    """What the agent might have said is tried out: all sets of moves that name the gift."""
    weights = fit_of("first").move_weights
    for number in range(60):
        cursor = talk(["propose", "close"], number)
        facts, nature = cursor.tree.ends[0].facts, cursor.world._person.nature
        good = frozenset(m for m, w in weights.items() if w > 0)
        tries = [good | {naming} for naming in SPEAKS_OF_GIVING]
        assert nature.reachable == any(nature.gift(moves) > 0 for moves in tries)
        if not facts["success"]:
            assert facts["culprit"] == ("agent" if nature.reachable else "user")


def test_the_second_tells_only_those_whom_it_trusts():
    first = talk(["ask:values"], user="first").moment.facts["said"][0]
    assert first[:2] == ["inform", "values"] and first[2] in ("care", "fairness", "loyalty", "authority", "purity")
    assert talk(["ask:values"], user="second").moment.facts["said"][0][0] == "refuse"
    assert talk(["greet", "praise", "ask:values"], user="second").moment.facts["said"][0][:2] == ["inform", "values"]


def test_imagined_people_fit_what_was_told_and_reactions_move_belief():
    cursor = talk(["ask:values", "propose"])
    told = cursor.world._person.facts["values"]
    view = cursor.view("agent")
    people = [cursor.world.imagine(view, Chance(key))._person for key in range(60)]
    assert {person.facts["values"] for person in people} == {told} and len({p.nature for p in people}) > 30
    chances = {}
    for reaction in ("yes, i will give something.", "no, i do not want to donate."):
        heard = (*view.messages[:-1], Message("user", reaction))
        found = [cursor.world.imagine(type(view)("agent", heard, (), False, 2, 0), Chance(key)) for key in range(150)]
        chances[reaction] = mean(w._person.nature.level(frozenset({"propose"})) > 0 for w in found)
    yes, no = chances.values()
    assert yes > no + 0.1
    imagined = cursor.world.imagine(view, Chance(1))
    assert imagined._standing.told == cursor.world._standing.told and imagined._standing.turn == 2


def test_settings_that_cannot_be():
    with pytest.raises(TurnwiseError, match="sway"):
        make("persuade", sway=-1.0)
    with pytest.raises(TurnwiseError, match="may change"):
        make("persuade", changing=0.5).person(make("persuade").tasks("train")[0])
    assert giver("first", 3, 0.5, 0.5, 1.0, make("persuade").knobs).facts.keys() == {"giving", "values"}
