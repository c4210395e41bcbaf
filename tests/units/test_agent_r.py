"""Agent-R: pairs, the first bad act, and revisions that a world really answered (specs/learn/agent_r)."""

from __future__ import annotations

import asyncio
import copy
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from made_play import Made, gradients_of, nano
from turnwise.agents.spec import expert
from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor
from turnwise.core.errors import WrongPairing
from turnwise.core.types import Batch, End, Message, Moment, Signal
from turnwise.explore import Table
from turnwise.explore.revision import Reviser, say, way_back
from turnwise.explore.tree_search import TreeSearch
from turnwise.feedback.verdict import QUESTION, WORDS, Verdicts, labels, shares
from turnwise.learn.partial import without_wrong
from turnwise.learn.revision import NAME, common, path_pairs, revision_signals, tree_labels
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.agent_r import AgentR, Mixture
from turnwise.learn.weights.imitation import Imitation, ImitationSettings
from turnwise.measure.first_error import first_drop, first_error
from turnwise.measure.repeats import steady
from turnwise.models import options
from turnwise.plan.mcts import uct
from turnwise.recipes.revisions import Mixer
from turnwise.worlds import make
from turnwise.worlds.base import World


class Word(World):
    """Spell ABC; a wrong letter stays until `wait` takes it back. Four letters, or the word, end it."""

    name = "word"
    legal = ("A", "B", "C", "X", "Y", "wait")

    def reset(self, task, chance):
        self._said = ""
        return self._moment()

    def step(self, said):
        text = said["agent"].text
        self._said = self._said[:-1] if text == "wait" else self._said + text
        return self._moment()

    def _moment(self):
        won, over = self._said == "ABC", len(self._said) >= 4
        shown = {"agent": (Message("user", f"so far: {self._said}"),)}
        if won or over:
            return Moment(shown, (), {"agent": float(won)}, end=End.DONE, facts={"success": won})
        return Moment(shown, ("agent",), {"agent": 0.0}, legal=self.legal)

    def fork(self, chance: Chance):
        return copy.copy(self)


def told(world, *paths):
    """A tree of these paths, branching where their texts part."""
    task = Made().tasks("train")[0]
    start = Cursor(world.live(), task, Chance(0))
    start.begin()
    open_at = {(): start}
    for path in paths:
        for n in range(len(path)):
            if tuple(path[: n + 1]) not in open_at:
                twin = open_at[tuple(path[:n])].fork(n, {})
                say(twin, path[n])
                open_at[tuple(path[: n + 1])] = twin
    for key, cursor in open_at.items():
        if cursor.open and not any(other[: len(key)] == key and other != key for other in open_at):
            cursor.cut(End.TURNS)
    return start.episode("tree", {})


def mixer(world, first_bad, **how):
    return Mixer(
        first_bad, Reviser(world, steady), **{"alpha": 0.5, "beta": 0.2, "revisions": 4, "good": 0, "bad": 0} | how
    )


def said(episode, signals):
    learned = {s.turn: s.value == 0.0 for s in signals if s.episode == episode.id}
    return [(t.message.text, int(learned[n])) for n, t in enumerate(episode.turns)]


# --- the worked examples ---


def test_the_worked_bound():
    assert uct(3 / 4, 4, 10, 0.25 / math.sqrt(2)) == pytest.approx(0.93968, abs=1e-5)


def revision_of(first_bad, *paths):
    made = mixer(Word(), lambda tree, leaf: first_bad).mix([told(Word(), *paths)])
    return [said(e, made.signals) for e in made.episodes]


def test_the_worked_splice():
    assert revision_of(2, "ABC", "AXY") == [[("A", 0), ("X", 0), ("wait", 1), ("B", 1), ("C", 1)]]


def test_without_a_common_beginning_all_of_the_good_path_follows():
    assert revision_of(1, "ABC", "XYX") == [[("X", 0), ("wait", 1), ("A", 1), ("B", 1), ("C", 1)]]


def test_two_wrong_acts_are_taken_back_one_by_one():
    assert revision_of(3, "ABC", "AXYX") == [
        [("A", 0), ("X", 0), ("Y", 0), ("wait", 1), ("wait", 1), ("B", 1), ("C", 1)]
    ]


def test_no_bad_verdict_no_revision():
    assert revision_of(None, "ABC", "AXY") == []


def test_a_mistake_that_the_good_path_makes_too_is_none():
    assert revision_of(1, "ABC", "AXY") == []


def test_a_difference_of_exactly_beta_is_no_pair():
    tree = told(Word(), "ABC", "AXYX")
    assert [(tree.total(leaf=p.good), tree.total(leaf=p.bad)) for p in path_pairs(tree, 0.5, 0.9)] == [(1.0, 0.0)]
    assert path_pairs(tree, 0.5, 1.0) == [] and path_pairs(tree, 1.0, 0.2) == []


# --- the world's word ---


def test_where_nothing_can_be_taken_back_there_is_no_revision():
    """key-corridor: time only goes forward, and a lost key stays lost."""
    world = make("key-corridor")
    found = Table(world, {"agent": expert(world, "mid")}, 0).collect(TreeSearch(24, 4), world.tasks("train")[:6])
    exact = world.exact()
    made = mixer(world, lambda tree, leaf: first_drop(exact.advantages(tree, leaf))).mix(found)
    assert any(path_pairs(tree, 0.5, 0.2) for tree in found) and made.told["revisions"] == 0


def maze_trees(layout="umaze"):
    world = make("maze", layout=layout, max_steps=12)
    table = Table(world, {"agent": expert(world, "half-random")}, 0)
    return world, table.collect(TreeSearch(16, 3), world.tasks("train")[:6])


def by_truth(world):
    exact = world.exact()
    return lambda tree, leaf: first_drop(exact.advantages(tree, leaf))


def test_a_revision_goes_back_and_on_in_the_real_world():
    """Prefix of the bad path to the letter, then moves that the world answered, to the goal; the mask is stored."""
    world, found = maze_trees()
    made = mixer(world, by_truth(world), alpha=-12.0, beta=2.0).mix(found)
    assert made.told["revisions"] == len(made.episodes) >= 3 and made.told["first_bad"] >= 1
    for episode in made.episodes:
        tree = next(t for t in found if episode.id.startswith(t.id + "/"))
        good, bad = map(int, episode.id.split("revision ")[1].split("-"))
        mask = [s.value for s in made.signals if s.episode == episode.id]
        first_bad = mask.count(-1.0)
        assert mask == [-1.0] * first_bad + [0.0] * (len(mask) - first_bad)
        ours, theirs = episode.turns[:first_bad], [tree.turns[i] for i in tree.path(bad)[:first_bad]]
        assert [(t.seen, t.message) for t in ours] == [(t.seen, t.message) for t in theirs]
        tail = [t.message.text for t in (tree.turns[i] for i in tree.path(good))]
        together = common(next(p for p in path_pairs(tree, -12.0, 2.0) if (p.good, p.bad) == (good, bad)), first_bad)
        rest = tail[together:]
        assert [t.message.text for t in episode.turns[-len(rest) :]] == rest
        assert episode.success and world.exact().advantages(episode)[first_bad - 1] < 0


def test_in_a_world_with_draws_the_bad_beginning_keeps_its_own():
    world = make("loop-grid")
    found = Table(world, {"agent": expert(world, "mid")}, 0).collect(TreeSearch(24, 3), world.tasks("train"))
    exact = world.exact()
    how = Reviser(world, steady, most=4, tries=6)
    made = Mixer(lambda t, n: first_drop(exact.advantages(t, n), 0.02), how, 0.5, 0.2, 4, 0, 0).mix(found)
    assert made.told["revisions"] >= 3
    for episode in made.episodes:
        tree = next(t for t in found if episode.id.startswith(t.id + "/"))
        first_bad = sum(s.value < 0 for s in made.signals if s.episode == episode.id)
        bad = int(episode.id.rsplit("-", 1)[1])
        shown = [t.seen for t in episode.turns[:first_bad]]
        assert shown == [tree.turns[i].seen for i in tree.path(bad)[:first_bad]] and episode.success


def test_the_way_back_is_the_shortest():
    world = Word()
    cursor = Cursor(world.live(), Made().tasks("train")[0], Chance(0))
    cursor.begin()
    for text in "XY":
        say(cursor, text)
    assert way_back(cursor, "so far:", steady, 4) == ["wait", "wait"]
    assert way_back(cursor, "so far:", steady, 1) is None and way_back(cursor, "so far: xy", steady, 0) == []


def test_a_stored_path_that_does_not_replay_makes_no_revision():
    tree = told(Word(), "ABC", "AXY")
    other = replace(tree, turns=tuple(replace(t, seen=(Message("user", "so far: Q"),)) for t in tree.turns))
    reviser = Reviser(Word(), steady)
    bad, good = ([other.turns[i] for i in other.path(n)] for n in (1, 0))
    assert reviser.revise(other, bad[:2], good[1:], "x") is None


def test_a_world_with_two_at_the_table_is_refused():
    with pytest.raises(WrongPairing, match="the agent acts alone"):
        Reviser(Made(), steady)


# --- who finds the mistake ---


def test_labels_from_the_tree_alone():
    """V: root 1/4; A 1/3 (three leaves), X 0 with one leaf; AX 0 with two, AB 1 with one."""
    tree = told(Word(), "ABC", "AXXX", "AXYX", "XXXX")
    labels = [tree_labels(tree, leaf, 0.2) for leaf in range(len(tree.ends))]
    texts = ["".join(tree.turns[i].message.text for i in tree.path(leaf)) for leaf in range(len(tree.ends))]
    assert dict(zip(texts, labels, strict=True))["AXYX"] == ["good", "bad", "uncertain", "uncertain"]
    assert dict(zip(texts, labels, strict=True))["XXXX"][0] == "uncertain"


def verdicts_of(trees, words, version=7):
    """Verdicts of an actor that calls an act by the word that a function of its text gives."""

    def score(views, options):
        assert all(tuple(said) == WORDS for said in options) and {view[-1].text for view in views} == {QUESTION}
        said = [words(view) for view in views]
        return [np.array([0.6 if word == one else 0.2 for word in WORDS]) for one in said]

    return asyncio.run(Verdicts(score, lambda: version).judge(trees))


def test_the_actor_is_asked_after_each_act_with_all_that_it_saw():
    tree, asked = told(Word(), "ABC", "AXY"), []
    verdicts_of([tree], lambda view: asked.append(view) or "Good")
    histories = {tuple(m.text for m in view[:-1]) for view in asked}
    assert ("so far: ", "A", "so far: A", "X") in histories and ("so far: ", "A") in histories
    assert len(asked) == len(tree.turns), "a shared act is judged once"


def test_verdicts_are_stored_with_the_version_that_gave_them():
    tree = told(Word(), "ABC", "AXY")
    found = verdicts_of([tree], lambda view: "Bad" if view[-2].text == "X" else "Good")
    assert {s.source for s in found} == {"the actor, version 7"} and {s.name for s in found} == {"verdict"}
    assert {(s.text, s.value) for s in found} == {("bad", 0.6), ("good", 0.2)}
    later = verdicts_of([tree], lambda view: "Good", version=8)
    assert {s.source for s in later} == {"the actor, version 8"}
    places = [first_error(labels(signals, tree, 1)) for signals in (found, later, ())]
    assert places == [2, None, None], "the first error moves with the actor, and nobody's word is no word"
    assert shares(found) == {"good": 0.8, "bad": 0.2, "uncertain": 0.0} and shares([]) == {}


def test_the_first_bad_verdict_makes_the_revision_and_uncertain_goes_on():
    tree = told(Word(), "ABC", "AXYX")
    words = {"A": "Good", "X": "Uncertain", "Y": "Bad"}
    signals = verdicts_of([tree], lambda view: words.get(view[-2].text, "Good"))
    made = mixer(Word(), None).mix([tree], signals)
    assert [said(e, made.signals) for e in made.episodes] == [
        [("A", 0), ("X", 0), ("Y", 0), ("wait", 1), ("wait", 1), ("B", 1), ("C", 1)]
    ]
    assert made.told["verdict_bad"] == pytest.approx(1 / 6) and made.told["first_bad"] == 3.0
    assert mixer(Word(), None).mix([tree], verdicts_of([tree], lambda view: "Good")).told["revisions"] == 0.0


def test_a_policy_gives_its_own_verdicts():
    _, found = maze_trees()
    policy = nano("maze")
    signals = asyncio.run(Verdicts(partial(options.shares, policy), lambda: policy.version).judge(found[:2]))
    assert len(signals) == sum(len(tree.turns) for tree in found[:2]) and all(0 < s.value < 1 for s in signals)
    assert sum(shares(signals).values()) == pytest.approx(1.0)


def test_first_paths_are_imitated_however_they_went():
    tree = told(Word(), "XXXX", "ABC", "AXYX")
    ends = ["".join(tree.turns[i].message.text for i in tree.path(n)) for n in range(3)]
    made = mixer(Word(), lambda tree, leaf: None, initial=2, good=1).mix([tree])
    texts = ["".join(t.message.text for t in e.turns) for e in made.episodes]
    assert texts == list(dict.fromkeys([*ends[:2], "ABC"])) and {s.value for s in made.signals} == {0.0}


# --- the learner ---


def test_the_beginning_carries_no_loss_and_the_rest_all_of_it():
    world, found = maze_trees()
    made = mixer(world, by_truth(world), alpha=-12.0, beta=2.0).mix(found)
    policy = nano("maze")
    rows = without_wrong(rows_of(made.episodes, policy.chat), Batch(made.episodes, made.signals), NAME)
    for row in rows:
        episode = made.episodes[row.episode]
        first_bad = sum(s.value < 0 for s in made.signals if s.episode == episode.id)
        for span in row.spans:
            assert row.loss[span.start : span.end].all() == (span.turn >= first_bad)
            assert row.loss[span.start : span.end].any() == (span.turn >= first_bad)


def test_good_paths_alone_are_plain_cloning():
    world, found = maze_trees()
    plain = mixer(world, by_truth(world), alpha=-12.0, beta=2.0, revisions=0, good=3).mix(found)
    assert all(e.success for e in plain.episodes) and {s.value for s in plain.signals} == {0.0}
    policy, how = nano("maze"), ImitationSettings(batch=99)
    ours = AgentR(policy, lambda trees, signals: plain, how, 0).imitation
    (one,) = gradients_of(ours, Batch(plain.episodes, plain.signals))
    (other,) = gradients_of(Imitation(copy.deepcopy(policy), how, 0), Batch(plain.episodes))
    assert torch.equal(one, other)


def test_a_round_without_anything_to_imitate_changes_nothing():
    policy = nano("maze")
    (update,) = AgentR(policy, lambda trees, signals: Mixture(), ImitationSettings(), 0).learn(Batch([]))
    assert (update.before, update.after, policy.version) == (0, 1, 1)


def test_bad_paths_are_imitated_only_where_they_are_wanted():
    world, found = maze_trees()
    raw = mixer(world, by_truth(world), alpha=-12.0, beta=2.0, revisions=0, good=2, bad=2).mix(found)
    assert any(not e.success or e.total() < -6 for e in raw.episodes)
    assert np.unique([s.value for s in raw.signals]).tolist() == [0.0]


def test_the_mask_names_every_turn():
    tree = told(Word(), "ABC")
    assert revision_signals(tree, 2) == [
        Signal("tree", NAME, n, value=v, source="revision") for n, v in enumerate((-1.0, -1.0, 0.0))
    ]
