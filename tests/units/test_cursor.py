"""One loop plays everything: forks, limits, what breaks, seats that act at once, views that forget."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from made_play import Branches, Made
from turnwise.core.chance import Chance, key_of
from turnwise.core.cursor import Cursor, Leave, Limits, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import ROOT, Act, End, Message, Moment, Task, Tokens
from turnwise.explore import Independent, Table

TASK = Task("t", "made", {"n": 0})


class Speaker:
    """Says its name and how often it spoke; notes its views, and which of what it carries was closed."""

    slots: tuple[str, ...] = ()

    def __init__(self, name="speaker", breaks=None, leaves=None, waits=0, tokens=0):
        self.name, self.breaks, self.leaves, self.waits, self.tokens = name, breaks, leaves, waits, tokens
        self.views: list[View] = []
        self.opened, self.closed = 0, 0

    async def act(self, view, carry):
        spoken = 0 if carry is None else carry
        self.opened += carry is None
        self.views.append(view)
        for _ in range(self.waits):
            await asyncio.sleep(0)
        if self.breaks == spoken:
            raise ValueError("lost for words")
        if self.leaves == spoken:
            raise Leave(End.REFUSED)
        ids = Tokens(*[[0] * self.tokens] * 4) if self.tokens else None
        return Act(Message("assistant", f"{self.name} {spoken}"), spoken + 1, ids, version=3)

    def fork(self, carry):
        return carry

    def close(self, carry):
        self.closed += carry is not None


def begin(world, key=1, limits=None):
    cursor = Cursor(world.live(), TASK, Chance(key), limits)
    cursor.begin()
    return cursor


def finish(world, *agents, key=1, limits=None):
    seats = dict(zip(world.seats, agents or (Speaker(),), strict=False))
    cursor = Cursor(world.live(), TASK, Chance(key), limits)
    return asyncio.run(play(cursor, seats)).episode("e", {})


def say(cursor, text="so"):
    cursor.take({"agent": Act(Message("assistant", text))})


# --- the record ---


def test_an_episode_says_what_was_seen_said_and_earned():
    speaker = Speaker()
    episode = finish(Made(), speaker)
    assert [t.parent for t in episode.turns] == [ROOT, 0, 1] and [t.tick for t in episode.turns] == [0, 1, 2]
    assert [t.message.text for t in episode.turns] == ["speaker 0", "speaker 1", "speaker 2"]
    assert [t.rewards for t in episode.turns] == [{"agent": 1.0}, {"agent": 2.0}, {"agent": 3.0}]
    assert episode.total() == 6.0 and {t.version for t in episode.turns} == {3}
    (leaf,) = episode.ends
    assert (leaf.turn, leaf.end, leaf.fresh) == (2, End.DONE, ()) and "turn 3" in leaf.seen["agent"][0].text
    assert [len(t.seen) for t in episode.turns] == [1, 1, 1]
    assert [len(view.messages) for view in speaker.views] == [1, 3, 5]
    assert [view.new for view in speaker.views] == [t.seen for t in episode.turns]


def test_draws_are_on_the_record():
    episode = finish(Made())
    (hidden, first) = episode.origin["draws"]
    assert hidden[0] == "hidden" and first[0] == "noise" and str(first[1]) in episode.turns[0].seen[0].text
    for turn, seen in zip(
        episode.turns, [*(t.seen for t in episode.turns[1:]), episode.ends[0].seen["agent"]], strict=True
    ):
        ((name, drawn),) = turn.facts["draws"]
        assert name == "noise" and str(drawn) in seen[0].text and turn.facts["hidden"] == hidden[1]


def test_recorded_draws_replay():
    episode = finish(Made())
    script = {"hidden": [], "noise": []}
    for name, drawn in [*episode.origin["draws"], *(d for t in episode.turns for d in t.facts["draws"])]:
        script[name].append(drawn)
    cursor = Cursor(Made(), TASK, Chance(999, script=script))
    again = asyncio.run(play(cursor, {"agent": Speaker()})).episode("e", {})
    assert again.turns == episode.turns and again.ends == episode.ends


# --- forks ---


def test_forks_share_the_past_and_the_hidden_facts_and_draw_anew():
    cursor = begin(Made())
    say(cursor)
    twins = [cursor.fork(member, {}) for member in (0, 1)]
    before = [t.facts["hidden"] for t in cursor.tree.turns]
    for path in (cursor, *twins):
        while path.open:
            say(path)
    episode = cursor.episode("e", {})
    assert len(episode.turns) == 1 + 3 * 2 and len(episode.ends) == 3
    paths = [episode.path(leaf) for leaf in range(3)]
    assert [path[0] for path in paths] == [0, 0, 0] and len({tuple(path) for path in paths}) == 3
    assert {t.facts["hidden"] for t in episode.turns} == set(before)
    noise = [tuple(episode.turns[i].facts["noise"] for i in path[1:]) for path in paths]
    assert len(set(noise)) == 3, "draws after a fork are each branch's own"
    alone = finish(Made())
    assert [episode.turns[i].facts["noise"] for i in paths[0]] == [t.facts["noise"] for t in alone.turns], (
        "the trunk's are not"
    )


def test_a_fork_is_the_same_whenever_it_is_made_again():
    def branch(member):
        cursor = begin(Made())
        say(cursor)
        twin = cursor.fork(member, {})
        key = twin.view("agent").chance_key
        say(twin)
        return key, twin.tree.turns[-1].facts["noise"]

    assert branch(0) == branch(0) and len({branch(0), branch(1), branch("x")}) == 3


def test_a_fork_leaves_the_others_views_and_carries_alone():
    async def both():
        agent, world = Speaker(), Made()
        cursor = Cursor(world, TASK, Chance(1))
        cursor.begin()
        cursor.take({"agent": await agent.act(cursor.view("agent"), None)})
        twin = cursor.fork(0, {"agent": agent})
        assert twin.seats["agent"].carry == cursor.seats["agent"].carry == 1
        await play(twin, {"agent": agent})
        return cursor, twin

    cursor, twin = asyncio.run(both())
    assert len(cursor.view("agent").messages) == 3 and not twin.open and cursor.open
    assert (cursor.turns_taken, twin.turns_taken) == (1, 3) and twin.tree is cursor.tree


# --- limits ---


def test_a_turn_limit_cuts_and_keeps():
    speaker = Speaker()
    episode = finish(Made(turns=9), speaker, limits=Limits(turns=2))
    assert len(episode.turns) == 2 and episode.ends[0].end is End.TURNS
    assert "turn 2" in episode.ends[0].seen["agent"][0].text, "what came after the last act is kept for a critic"
    assert [view.limits["turns"] for view in speaker.views] == [2, 1]
    assert finish(Made(turns=2), limits=Limits(turns=2)).ends[0].end is End.DONE, "the world's own end goes first"


def test_a_token_limit_cuts_and_keeps():
    episode = finish(Made(turns=9), Speaker(tokens=5), limits=Limits(tokens=21))
    assert len(episode.turns) == 3 and episode.ends[0].end is End.TOKENS


def test_a_budget_of_nothing_is_refused():
    for wrong in ({"turns": 0}, {"tokens": -1}):
        with pytest.raises(TurnwiseError, match="a budget of"):
            Limits(**wrong)


# --- what breaks ---


@pytest.mark.parametrize("spoken", [0, 2])
def test_an_agent_that_breaks_ends_its_path_alone(spoken):
    episode = finish(Made(), Speaker(breaks=spoken))
    (leaf,) = episode.ends
    assert len(episode.turns) == spoken and leaf.end is End.ERROR
    assert leaf.error == "agent.act: ValueError: lost for words" and episode.success is None


def test_an_agent_may_leave():
    episode = finish(Made(), Speaker(leaves=1))
    assert len(episode.turns) == 1 and episode.ends[0].end is End.REFUSED and episode.ends[0].error is None


@pytest.mark.parametrize(("breaks", "boundary"), [(0, "world.reset"), (2, "world.step")])
def test_a_world_that_breaks_ends_its_path_alone(breaks, boundary):
    speaker = Speaker()
    episode = finish(Made(breaks=breaks), speaker)
    (leaf,) = episode.ends
    assert len(episode.turns) == breaks and leaf.end is End.ERROR
    assert leaf.error == f"{boundary}: RuntimeError: out of order"
    if breaks:
        assert episode.turns[-1].message.text == "speaker 1" and episode.turns[-1].rewards == {}
    assert speaker.closed == (1 if breaks else 0)


class BreaksNow(Made):
    """Only one task is out of order."""

    def reset(self, task, chance):
        self.breaks = 1 if task.params["n"] == 2 else None
        return super().reset(task, chance)


def test_the_batch_goes_on():
    table = Table(BreaksNow(), {"agent": Speaker()}, 0)
    ends = [e.ends[0].end for e in table.collect(Independent(), BreaksNow().tasks("train"))]
    assert ends == [End.DONE, End.DONE, End.ERROR, End.DONE]


def test_everything_broken_is_a_mistake_and_not_data():
    table = Table(Made(breaks=1), {"agent": Speaker()}, 0)
    with pytest.raises(TurnwiseError, match="all 4 episodes broke; the first: world.step: RuntimeError"):
        table.collect(Independent(), Made().tasks("train"))
    with pytest.raises(TurnwiseError, match="all 4 episodes broke"):
        table.collect(Branches(1), Made().tasks("train"))
    with pytest.raises(TurnwiseError, match="agent.act: KeyError"):
        Table(Made(together=True), {"agent": Speaker()}, 0).collect(Independent(), Made().tasks("train"))


# --- seats that act at once ---


def test_seats_that_act_at_once():
    episode = finish(Made(turns=2, together=True), Speaker("a", waits=3), Speaker("u"))
    assert [t.seat for t in episode.turns] == ["agent", "user"] * 2 and [t.tick for t in episode.turns] == [0, 0, 1, 1]
    assert [t.parent for t in episode.turns] == [ROOT, 0, 1, 2]
    assert [t.rewards for t in episode.turns] == [{"agent": 1.0}, {"user": 1.0}, {"agent": 2.0}, {"user": 2.0}]
    assert [bool(t.facts) for t in episode.turns] == [False, True, False, True]
    assert "agent hears" in episode.turns[0].seen[0].text and "user hears" in episode.turns[1].seen[0].text
    assert episode.total("agent") == episode.total("user") == 3.0


def test_one_of_several_that_breaks_waits_for_the_others():
    """An agent that is still at work cannot be closed; what it carried by then is closed after."""
    slow = Speaker("slow", waits=9)
    episode = finish(Made(together=True), slow, Speaker(breaks=0))
    assert episode.turns == () and episode.ends[0].error == "agent.act: ValueError: lost for words"
    assert slow.opened == slow.closed == 1


def test_a_reward_of_a_seat_that_did_not_act_lies_on_the_last_act():
    class Shares(Made):
        def step(self, said):
            return dataclasses.replace(super().step(said), rewards={"agent": 1.0, "user": 5.0})

    episode = finish(Shares(turns=1))
    assert episode.turns[0].rewards == {"agent": 1.0, "user": 5.0}


# --- views ---


def test_a_view_that_forgets_is_fresh():
    speaker = Speaker()
    episode = finish(Made(turns=4, keep=2), speaker)
    assert [t.fresh for t in episode.turns] == [False, True, True, True]
    assert [len(view.messages) for view in speaker.views] == [1, 2, 2, 2]
    assert all(t.seen == view.messages for t, view in zip(episode.turns, speaker.views, strict=True))
    assert episode.turns[2].seen[0].text == "speaker 1", "its own words stay in view where they are recent"
    assert episode.ends[0].fresh == ("agent",) and len(episode.ends[0].seen["agent"]) == 2


def test_a_view_that_keeps_enough_is_not_fresh():
    episode = finish(Made(turns=3, keep=5))
    assert [t.fresh for t in episode.turns] == [False, False, False] and episode.ends[0].fresh == ("agent",)


def test_the_same_view_has_the_same_key_and_another_none():
    one, two, other = begin(Made(), 1), begin(Made(), 1), begin(Made(), 2)
    assert one.view("agent").chance_key == two.view("agent").chance_key != other.view("agent").chance_key
    keys = [one.view("agent").chance_key, one.view("user").chance_key]
    say(one)
    keys.append(one.view("agent").chance_key)
    assert len(set(keys)) == 3
    assert keys[0] == key_of(1, "seat", "agent", 0)


def test_a_moment_goes_on_or_ends():
    for wrong in ({"to_act": ()}, {"to_act": ("agent",), "end": End.DONE}):
        with pytest.raises(ValueError, match="goes on"):
            Moment(views={}, **wrong)
