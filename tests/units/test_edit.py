"""The world `edit`: what it shows, what it costs, who edits, and what stays hidden (specs/plan/cipher)."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.agents.company import expert
from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Act, End, Message
from turnwise.explore import Independent, Table
from turnwise.users.draws import Draws
from turnwise.worlds import make
from turnwise.worlds.edit_desk import context_of, read_context
from turnwise.worlds.edit_distance import edit_cost, levenshtein
from turnwise.worlds.edit_documents import PLAIN, SLOTS, style_of, write
from turnwise.worlds.edit_users import PEOPLE, at_its_best, drawn_user
from turnwise.worlds.edit_words import KINDS, WORDS, library, likelihood

NOTES = library("news", 0.5)[0]
DRAWS = Draws(3, 0)
styles = st.fixed_dictionaries({slot: st.sampled_from(values) for slot, values in SLOTS.items()})
documents = st.builds(lambda kind, n: library(kind, 0.5)[n], st.sampled_from(KINDS), st.integers(0, 127))
people = st.builds(
    lambda name, number, slip: PEOPLE[name](**drawn_user(generator("a user", number)), slip=slip),
    st.sampled_from(sorted(PEOPLE)), st.integers(0, 99), st.sampled_from([0.0, 0.5, 1.0]),
)  # fmt: skip


# --- distance ---


def table_distance(a, b):
    """The textbook's table."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]


def test_the_sheet_s_distance():
    assert edit_cost("the cat sat", "a cat sat down") == 2
    assert edit_cost("the cat sat", " the  cat\nsat ") == 0 == edit_cost("", "")
    assert edit_cost("", "a b c") == 3 == edit_cost("a b c", "")


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_distance_is_the_textbook_s(a, b):
    assert levenshtein(a, b) == table_distance(a, b) == edit_cost(" ".join(a), " ".join(b))


# --- documents ---


def test_every_style_is_another_text_and_is_read_back():
    texts = set()
    for values in itertools.product(*SLOTS.values()):
        style = dict(zip(SLOTS, values, strict=True))
        texts.add(write(NOTES, style))
        assert style_of(write(NOTES, style)) == style
    assert len(texts) == 4 * 3 * 2 * 2 * 2 * 2 * 3 * 4


@given(documents, styles)
def test_reading_does_not_depend_on_what_is_told(notes, style):
    assert style_of(write(notes, style)) == style
    assert read_context(context_of(notes)) == (notes, None)
    assert read_context(context_of(notes, style)) == (notes, style)


def test_what_is_no_document_has_no_style():
    plain = write(NOTES, {})
    mixed = plain + " " + write(NOTES, {"tone": "lively"})
    for text in ("", "\n", "hello everybody, good to see you here.", "no verb here.", plain[:-1], mixed, "é\x00"):
        assert style_of(text) is None, text


def test_kinds_show_in_their_words_alone_and_less_with_overlap():
    assert not [w for w, n in Counter(w for k in WORDS.values() for part in k for w in part).items() if n > 1]
    for overlap, least, most in ((0.0, 1.0, 1.0), (0.5, 0.9, 0.999), (1.0, 0.0, 0.3)):
        right = [
            max(KINDS, key=lambda other: likelihood(notes, other, overlap)) == kind
            for kind in KINDS
            for notes in library(kind, overlap)
        ]
        assert least <= sum(right) / len(right) <= most


# --- who edits ---


@given(people, documents, styles, st.sampled_from(KINDS))
def test_editing_an_edited_draft_costs_nothing(person, notes, style, kind):
    person = at_its_best(person)
    once = person.edit(notes, write(notes, style), kind, DRAWS)
    again = person.edit(notes, once.text, kind, DRAWS)
    assert (again.cost, again.text) == (0, once.text) and (once.cost == 0 or again.met == 1.0)
    assert once.cost == edit_cost(write(notes, style), once.text)


@given(people, documents, st.sampled_from(KINDS))
def test_what_is_wanted_is_accepted_and_nothing_else_is_asked(person, notes, kind):
    wanted = write(notes, person.wanted[kind])
    edit = person.edit(notes, wanted, kind, DRAWS)
    assert (edit.text, edit.cost, edit.met, edit.overlooked) == (wanted, 0, 1.0, ())


@given(people, documents, st.text(max_size=40), st.sampled_from(KINDS))
def test_nonsense_is_written_anew_as_it_is_wanted(person, notes, text, kind):
    edit = person.edit(notes, text, kind, DRAWS)
    style = style_of(edit.text)
    assert style is not None and all(style[slot] == value for slot, value in person.wanted[kind].items())


def test_notes_that_were_left_out_are_put_in():
    person = PEOPLE["careful"](**drawn_user(generator(1)), slip=0.0)
    kind = next(iter(person.wanted))
    edit = person.edit(NOTES, write(NOTES[:1], person.wanted[kind]), kind, DRAWS)
    assert edit.met == 1.0 and edit.text == write(NOTES, person.wanted[kind]) and edit.cost > 0


def test_the_people_differ_as_they_say():
    wanted, manner = {"news": {"tone": "lively", "layout": "bullets"}}, {**PLAIN, "voice": "passive"}
    careful, tolerant, rewriter = (PEOPLE[name](wanted, manner, 0.0) for name in ("careful", "tolerant", "rewriter"))
    half = write(NOTES, {"tone": "lively"})
    assert careful.edit(NOTES, half, "news", DRAWS).text == write(NOTES, wanted["news"])
    assert tolerant.edit(NOTES, half, "news", DRAWS).cost == 0
    assert tolerant.edit(NOTES, write(NOTES, {}), "news", DRAWS).text == write(NOTES, wanted["news"])
    assert rewriter.edit(NOTES, half, "news", DRAWS).text == write(NOTES, {**wanted["news"], "voice": "passive"})
    assert rewriter.edit(NOTES, write(NOTES, wanted["news"]), "news", DRAWS).cost == 0


def test_a_slip_leaves_something_wrong_and_more_of_them_leave_more():
    left = []
    for slip in (0.0, 0.3, 0.7, 1.0):
        world = make("edit", slip=slip)
        table = Table(world, {"agent": expert(world, "plain")}, 0)
        episodes = table.collect(Independent(), world.tasks("train")[:40])
        left.append(sum(len(turn.facts["overlooked"]) for e in episodes for turn in e.turns))
        if slip == 1.0:
            assert all(e.total() == 0.0 for e in episodes)
    assert left[0] == 0 and left == sorted(set(left))


# --- an episode ---


def start(world, task, key=1):
    cursor = Cursor(world.live(), task, Chance(key_of(key, "edit")))
    cursor.begin()
    return cursor


def finish(cursor, player="plain"):
    rule = cursor.world.expert(player)
    while cursor.open:
        cursor.take({"agent": Act(Message("assistant", rule(cursor.view("agent"), generator(0))))})
    return cursor.episode("e", {})


def test_the_reward_is_what_the_edit_costs_and_the_end_adds_it_up():
    world = make("edit", rounds=40)
    episode = finish(start(world, world.tasks("eval")[0]), "nearest")
    texts = [m.text for t in episode.turns for m in (*t.seen, t.message)] + [episode.ends[0].seen["agent"][0].text]
    costs = [edit_cost(*texts[at : at + 2]) for at in range(1, len(texts), 3)]
    assert [turn.rewards["agent"] for turn in episode.turns] == [-float(c) for c in costs]
    facts = episode.ends[0].facts
    words = sum(len(t.message.text.split()) for t in episode.turns)
    assert facts["cost"] == sum(costs) and facts["cost_per_word"] == pytest.approx(sum(costs) / words)
    assert facts["accepted_share"] == costs.count(0) / 40 and facts["success"] == (costs.count(0) >= 20)
    assert Counter(turn.facts["kind"] for turn in episode.turns) == dict.fromkeys(KINDS, 8)


def test_who_is_told_pays_nothing():
    for user in PEOPLE:
        world = make("edit", user=user, told=True)
        cursor = start(world, world.tasks("eval")[0])
        while cursor.open:
            notes, wanted = read_context(cursor.view("agent").messages[-1].text)
            cursor.take({"agent": Act(Message("assistant", write(notes, wanted)))})
        assert cursor.episode("e", {}).total() == 0.0


def test_the_same_documents_whoever_drafts_and_whoever_edits():
    seen = set()
    for player, user in itertools.product(("plain", "latest", "nearest"), PEOPLE):
        world = make("edit", user=user)
        episode = finish(start(world, world.tasks("eval")[3]), player)
        seen.add(tuple(turn.seen[-1].text for turn in episode.turns))
    assert len(seen) == 1


def test_wishes_show_in_edits_and_nowhere_before():
    """Another user's wishes change nothing until a draft comes back; the view has no word of kinds or wishes."""
    world = make("edit")
    task = world.tasks("eval")[0]
    wishes = world.tasks("eval")[1].params["wanted"].values()
    wanted = dict(zip(task.params["wanted"], wishes, strict=True))
    other = dataclasses.replace(task, params={**task.params, "wanted": wanted})
    one, two = start(world, task), start(world, other)
    for _ in range(world.rounds):
        contexts = [cursor.view("agent").messages[-1] for cursor in (one, two)]
        assert contexts[0] == contexts[1]
        draft = write(read_context(contexts[0].text)[0], {})
        for cursor in (one, two):
            kind = cursor.world._schedule[cursor.tick]
            cursor.take({"agent": Act(Message("assistant", draft))})
            if all(PLAIN[s] == v for s, v in cursor.task.params["wanted"][kind].items()):
                assert cursor.seats["agent"].messages[-1 if not cursor.open else -2].text == draft
    texts = " ".join(m.text for m in one.seats["agent"].messages)
    assert not [word for word in (*KINDS, *SLOTS, "wanted") if f"{word}=" in texts or f"{word}:" in texts]


def test_with_fewer_kinds_it_is_the_same_people():
    all_kinds, one = make("edit").tasks("eval"), make("edit", kinds=1).tasks("eval")
    for many, few in zip(all_kinds, one, strict=True):
        assert list(many.params["wanted"].items())[:1] == list(few.params["wanted"].items())
        assert json.dumps(few.params)
    assert all(2 <= len(wanted) <= 5 for t in all_kinds for wanted in t.params["wanted"].values())


def test_whose_fault():
    def culprits(player="plain", **settings):
        world = make("edit", **settings)
        ends = [finish(start(world, task), player).ends[0] for task in world.tasks("eval")]
        assert all(("culprit" in leaf.facts) is not leaf.facts["success"] and leaf.end is End.DONE for leaf in ends)
        return {leaf.facts["culprit"] for leaf in ends if not leaf.facts["success"]}

    assert culprits() == {"agent"}
    assert culprits(rounds=5) == {"limit"}
    assert "user" in culprits(slip=0.4)


def test_what_cannot_be_set():
    with pytest.raises(UnknownName, match="did you mean 'careful'"):
        make("edit", user="carefull")
    for wrong in ({"rounds": 0}, {"kinds": 6}, {"overlap": 1.5}, {"slip": -0.1}):
        with pytest.raises(TurnwiseError):
            make("edit", **wrong)
