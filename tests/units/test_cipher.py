"""CIPHER and what it is compared with, turn by turn: what is asked of the writer, and what is remembered
(specs/plan/cipher).
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from functools import partial

import pytest

from turnwise.agents.drafting import DraftingAgent
from turnwise.core.chance import Chance, generator
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError
from turnwise.explore import Independent, Table
from turnwise.learn.text.baselines import Continual, ExploreThenExploit, IclEdit, NoLearning
from turnwise.learn.text.by_model import ByModel
from turnwise.learn.text.cipher import Cipher
from turnwise.learn.text.drafter import Drafted
from turnwise.learn.text.memory import Memory, Note, bag_of_words, similarity
from turnwise.learn.text.writer import Pair
from turnwise.models.scripted import Scripted
from turnwise.worlds import make
from turnwise.worlds.edit_desk import read_context
from turnwise.worlds.edit_documents import style_of, write
from turnwise.worlds.edit_writer import StyleWriter, difference, majority

WRITER = StyleWriter()
LEARNERS = [
    *(kind(WRITER) for kind in (NoLearning, ExploreThenExploit, Continual, IclEdit)),
    Cipher(WRITER, 1),
    Cipher(WRITER, 5),
]


def played(learner, key=0, **settings):
    """One episode with the first user; the agent's private state after every turn is kept beside it."""
    world, carried = make("edit", **settings), []

    class Watched(DraftingAgent):
        async def act(self, view, carry):
            act = await super().act(view, carry)
            carried.append(act.carry)
            return act

    cursor = Cursor(world.live(), world.tasks("eval")[0], Chance(key))
    episode = asyncio.run(play(cursor, {"agent": Watched(learner)})).episode("e", {})
    assert episode.ends[0].error is None
    return episode, carried


def calls(episode):
    return sum((Counter({k.split()[0]: int(n) for k, n in t.cost.items()}) for t in episode.turns), Counter())


def note(text, content, origin="edit"):
    return Note(bag_of_words(text), text, content, origin)


# --- memory ---


def test_bags_of_words_have_length_one_and_meet_in_shared_words():
    assert bag_of_words("The cat; the HAT.") == pytest.approx({"the": 2 / 6**0.5, "cat": 1 / 6**0.5, "hat": 1 / 6**0.5})
    assert similarity(bag_of_words("a b c"), bag_of_words("a b c")) == pytest.approx(1.0)
    assert similarity(bag_of_words("a b"), bag_of_words("b c")) == pytest.approx(0.5)
    assert similarity(bag_of_words("a b"), bag_of_words("c")) == 0.0


def test_the_nearest_come_first_the_latest_of_equals_and_all_where_there_are_no_more():
    memory = Memory()
    for number, text in enumerate(("a b", "c d", "a b", "a c")):
        memory = memory.written(note(text, number))
    assert [found.content for found in memory.nearest(bag_of_words("a b"), 3)] == [2, 0, 3]
    assert len(memory.nearest(bag_of_words("a b"), 9)) == 4 and Memory().nearest(bag_of_words("a"), 3) == []


def test_a_note_can_be_taken_out_and_the_memory_before_stays():
    memory = Memory().written(note("a", 1)).written(note("b", 2))
    assert [n.content for n in memory.without(0).notes] == [2] and len(memory) == 2
    with pytest.raises(TurnwiseError, match="a number from 0 to 1"):
        memory.without(2)


# --- what is asked of the writer ---


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda one: one.name)
def test_before_the_first_edit_all_are_as_who_never_learns(learner):
    plain = played(NoLearning(WRITER))[0]
    assert played(learner)[0].turns[0].message == plain.turns[0].message


def test_memory_grows_by_one_note_a_round_and_says_where_it_comes_from():
    for learner in (Cipher(WRITER, 1), Cipher(WRITER)):
        episode, carried = played(learner, rounds=60)
        states = [desk.state for desk in carried]
        assert [len(state) for state in states] == list(range(60))
        accepted = [t.facts["distance"] == 0 for t in episode.turns[:-1]]
        assert [n.origin == "kept" for n in states[-1].notes] == accepted and any(accepted) and not all(accepted)
        for before, after, was_accepted in zip(carried, states[1:], accepted, strict=False):
            assert not was_accepted or after.notes[-1].content == before.drafted.by


def test_calls_of_a_round():
    rounds = 60
    for k in (1, 5):
        episode, _ = played(Cipher(WRITER, k), rounds=rounds)
        edited = sum(t.facts["distance"] > 0 for t in episode.turns[:-1])  # the last edit comes after the last draft
        found = calls(episode)
        assert found["generate"] == rounds and found["infer"] == edited
        assert found["aggregate"] == (rounds - 1 if k > 1 else 0)
    assert calls(played(NoLearning(WRITER), rounds=9)[0]) == {"generate": 9}
    assert calls(played(IclEdit(WRITER), rounds=9)[0]) == {"generate": 9}
    assert calls(played(ExploreThenExploit(WRITER), rounds=60)[0]) == {"generate": 60, "infer": 1}


def test_an_accepted_draft_costs_nothing_and_nothing_is_inferred():
    pair_free = Drafted("as it was", by={"tone": "lively"})
    for learner in LEARNERS:
        learned = asyncio.run(learner.learn(learner.start(), "notes", pair_free, "as it was"))
        assert "infer" not in learned.calls
    kept = asyncio.run(Cipher(WRITER).learn(Memory(), "notes", pair_free, "as it was")).state
    assert kept.notes[0].content == {"tone": "lively"} and kept.notes[0].origin == "kept"


def test_no_preference_is_left_over_from_the_round_before():
    """With nothing remembered a draft has no preference, whatever was drafted before."""
    cipher, memory = Cipher(WRITER, 1), Memory().written(note("a", {"tone": "lively"}))
    context = "write this up: mayor approve bridge narrowly."
    assert asyncio.run(cipher.complete(memory, context)).by == {"tone": "lively"}
    assert asyncio.run(cipher.complete(Memory(), context)).by is None
    kept = Memory().written(note("a", None, "kept"))  # a draft without a preference was accepted: none was needed
    for k in (1, 5):
        drafted = asyncio.run(Cipher(WRITER, k).complete(kept, context))
        assert drafted.by is None and drafted.calls == {"generate": 1}


def test_more_neighbours_than_notes_are_all_of_them():
    for rounds in (5, 20):
        texts = [[t.message.text for t in played(Cipher(WRITER, k), rounds=rounds)[0].turns] for k in (20, 1000)]
        assert texts[0] == texts[1]


def test_one_preference_is_of_the_first_edits_or_of_the_last():
    explore = played(ExploreThenExploit(WRITER, 3), rounds=60)[1]
    by = [desk.drafted.by for desk in explore]
    first = next(i for i, found in enumerate(by) if found is not None)
    assert all(found is None for found in by[:first]) and all(found == by[first] for found in by[first:])
    for desk in played(Continual(WRITER, 1), rounds=40)[1][1:]:
        (pair,) = desk.state.pairs
        assert desk.state.preference == difference(pair) == desk.drafted.by


def test_branches_remember_apart():
    world = make("edit", rounds=6)
    agents = {"agent": DraftingAgent(Cipher(WRITER))}
    trunk = Cursor(world.live(), world.tasks("eval")[1], Chance(3))
    trunk.begin()

    async def both():
        trunk.take({"agent": await agents["agent"].act(trunk.view("agent"), None)})
        twin = trunk.fork(0, agents)
        await play(twin, agents)
        return await play(trunk, agents)

    assert all(leaf.error is None for leaf in asyncio.run(both()).tree.ends) and len(trunk.tree.ends) == 2


@pytest.mark.parametrize(
    "made", [lambda n: Cipher(WRITER, n), lambda n: IclEdit(WRITER, n), lambda n: Continual(WRITER, n)]
)
def test_nothing_to_look_at_is_refused(made):
    with pytest.raises(TurnwiseError, match="1 or more"):
        made(0)


# --- the writers ---


def test_differences_and_majorities():
    notes = read_context("write this up: mayor approve bridge narrowly; council fund stadium officially.")[0]
    pair = Pair(write(notes, {"tone": "lively"}), write(notes, {"tone": "careful", "layout": "bullets"}))
    assert difference(pair) == {"tone": "careful", "layout": "bullets"}
    assert difference(Pair("no document", pair.edited)) == style_of(pair.edited)
    assert majority([{"tone": "lively"}, {"tone": "careful", "voice": "passive"}, {"tone": "careful"}]) == {
        "tone": "careful", "voice": "passive",
    }  # fmt: skip
    assert majority([{"tone": "lively"}, {"tone": "careful"}]) == {"tone": "lively"} and majority([]) == {}


def symbolic_model(asked):
    """A scripted language model that reads the prompts as a person would, and writes styles as slot=value."""

    def phrase(style):
        return ", ".join(f"{slot}={value}" for slot, value in style.items()) or "nothing in particular"

    def style(text):
        return dict(re.findall(r"(\w+)=(\w+)", text))

    def reply(seen):
        text = seen[-1].text
        examples = re.findall(r"A draft:\n(.*?)\n\nAs the reader edited it:\n(.*?)\n\n", text, re.S)
        found = majority([difference(Pair(*example)) for example in examples])
        asked.append(
            "infer" if "What does the reader prefer?" in text else "aggregate" if "in common" in text else "write"
        )
        if asked[-1] == "infer":
            return phrase(found) + ".\n"
        if asked[-1] == "aggregate":
            return phrase(majority([style(line) for line in text.split("\n") if line.startswith("- ")]))
        notes = read_context(re.search(r"write this up: .*", text)[0])[0]
        wanted = re.search(r"The reader prefers: (.*)", text)
        return write(notes, style(wanted[1]) if wanted else found)

    return Scripted(reply)


@pytest.mark.parametrize("made", [partial(Cipher, k=1), Cipher, IclEdit, Continual, NoLearning])
def test_a_model_behind_the_interface_does_what_the_program_does(made):
    asked = []
    by_model, by_program = (played(made(writer), rounds=30)[0] for writer in (ByModel(symbolic_model(asked)), WRITER))
    assert [t.message for t in by_model.turns] == [t.message for t in by_program.turns]
    assert [t.rewards for t in by_model.turns] == [t.rewards for t in by_program.turns]
    names = {"write": "generate"}
    assert Counter(names.get(name, name) for name in asked) == calls(by_model)


# --- what comes out ---


def cost(learner, key, **settings):
    return -played(learner, key, **settings)[0].total()


def test_the_order_that_the_sheet_predicts():
    def mean(learner, **settings):
        world = make("edit", rounds=100, **settings)
        table = Table(world, {"agent": DraftingAgent(learner)}, 7, draws="evaluate")
        return -sum(e.total() for e in table.collect(Independent(), world.tasks("eval"))) / 10

    five, icl, one, latest, none = (mean(LEARNERS[n]) for n in (5, 3, 4, 2, 0))
    assert mean(NoLearning(WRITER), told=True) == 0 < five < one < latest < none and five < icl < latest


@pytest.mark.parametrize("key", range(5))
def test_with_one_kind_all_pay_for_one_draft_or_two(key):
    """The latest edits, examples and memories come to the same; the oracle bounds them, seed by seed."""
    found = {cost(learner, key, rounds=60, kinds=1) for learner in LEARNERS[2:]}
    assert len(found) == 1 and cost(NoLearning(WRITER), key, rounds=60, kinds=1, told=True) == 0 <= min(found)


@pytest.mark.parametrize("key", range(5))
def test_perfect_retrieval_pays_for_one_uninformed_draft_of_each_kind(key):
    """Where only contexts of the same kind are asked, the kinds are learned apart, each like a single one: regret is
    at most one uninformed draft a kind.
    """
    rng = generator("perfect", key)
    world = make("edit", rounds=40, kinds=1)
    for task in [world.tasks("train")[int(i)] for i in rng.integers(0, 200, 5)]:
        for k in (1, 5):
            cursor = Cursor(world.live(), task, Chance(key))
            episode = asyncio.run(play(cursor, {"agent": DraftingAgent(Cipher(WRITER, k))})).episode("e", {})
            assert -episode.total() == episode.turns[0].facts["distance"]
