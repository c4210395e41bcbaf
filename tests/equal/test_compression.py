"""Pages left out of the prompt: lengths, masks, and why a row per turn is the right way (specs/learn/webagent_r1)."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from made_play import nano
from turnwise.agents.plain import PlainAgent
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor, play
from turnwise.core.types import End, Episode, Message, Moment, Task
from turnwise.credit.grpo import grpo
from turnwise.explore import Grouped, Independent, Table
from turnwise.learn.sequences import Row, rows_of
from turnwise.learn.weights.lots import logprobs
from turnwise.models.engine import Engine
from turnwise.models.sampling import Sampling
from turnwise.worlds import make
from turnwise.worlds.base import World
from turnwise.worlds.compressed import Compressed

SHOP = make("long-shop", filler=30)


class Book(World):
    """Shows a page of so many words each turn, ten turns long."""

    name, turns = "book", 10

    def __init__(self, words: int):
        self.words = words

    def tasks(self, split):
        return [Task("t", self.name, {}, split)]

    def reset(self, task, chance):
        self._at = 0
        return Moment({"agent": (Message("user", "task"), self._page())}, ("agent",))

    def step(self, said):
        self._at += 1
        if self._at == self.turns:
            return Moment({"agent": (self._page(),)}, (), {"agent": 1.0}, end=End.DONE, facts={"success": True})
        return Moment({"agent": (self._page(),)}, ("agent",))

    def _page(self):
        return Message("user", " ".join([f"p{self._at}"] * self.words))


class Words:
    """A rendering in which every word is a token, and nothing is added."""

    extends, stop_ids = True, (-1,)

    def __init__(self):
        self.known: dict[str, int] = {}

    def text_ids(self, text):
        return [self.known.setdefault(word, len(self.known)) for word in text.split()]

    def open(self, messages):
        return [i for message in messages for i in self.text_ids(message.text)]

    def extend(self, messages, closed):
        return self.open(messages)


def read(world: World, said: str) -> list[Row]:
    """The rows of one episode in which always the same is said."""
    table = Table(world, {"agent": ScriptedAgent(lambda view, rng: said)}, 0)
    return rows_of(table.collect(Independent(), world.tasks("train")[:1]), Words())


def test_prompts_grow_by_what_was_said_and_a_placeholder():
    """Page of 2000 tokens, action of 50, placeholder of 5, task of 1: the tenth prompt."""
    rows = read(Compressed(Book(2000), "left out one two three"), " ".join(["act"] * 50))
    prompts = [row.spans[0].start for row in rows]
    assert prompts == [1 + 2000 + t * 55 for t in range(10)]
    whole = read(Book(2000), " ".join(["act"] * 50))
    assert len(whole) == 1 and whole[0].spans[-1].start == 1 + 10 * 2000 + 9 * 50


def test_masks_are_what_was_sampled_whatever_the_placeholder_says():
    masks = [
        [row.loss for row in read(Compressed(Book(40), text), "one two three")] for text in ("gone", "not here now")
    ]
    for short, long in zip(*masks, strict=True):
        assert short.sum() == long.sum() == 3
        np.testing.assert_array_equal(short[-3:], long[-3:])
        assert not short[:-3].any() and not long[:-3].any()


def test_a_page_no_longer_than_the_placeholder_stays():
    plain, short = Book(0), Compressed(Book(0), "")
    views = []

    def told(view, rng):
        views.append(view.messages)
        return "act"

    for world in (plain, short):
        Table(world, {"agent": ScriptedAgent(told)}, 0).collect(Independent(), world.tasks("train"))
    assert views[:10] == views[10:]


def test_a_world_that_forgets_by_itself_is_left_as_it_is():
    maze = make("maze", max_steps=4)
    agent = {"agent": ScriptedAgent(maze.expert())}
    one, other = (Table(w, agent, 0).collect(Independent(), maze.tasks("eval")[:5]) for w in (maze, Compressed(maze)))
    assert [(e.turns, e.ends) for e in one] == [(e.turns, e.ends) for e in other]


# --- with a policy ---


@pytest.fixture(scope="module")
def sampled():
    """A network's episodes in the shop, and the network."""
    policy, world = nano("long-shop"), Compressed(SHOP)
    engine = Engine(policy)
    table = Table(world, {"agent": PlainAgent(engine, Sampling(max_new=6))}, 0, drive=engine.run)
    return policy, table.collect(Grouped(2), world.tasks("train")[:3])


def gaps(policy, rows: list[Row]) -> np.ndarray:
    """|recomputed - sampled log-probability| of all loss tokens."""
    again = logprobs(policy, rows, 4096)
    return np.abs(np.concatenate(again) - np.concatenate([row.logprobs[row.loss] for row in rows]))


def test_rows_per_turn_are_what_the_policy_read(sampled):
    policy, episodes = sampled
    rows = rows_of(episodes, policy.chat)
    assert len(rows) == sum(len(e.turns) for e in episodes) and all(len(row.spans) == 1 for row in rows)
    assert sum(row.loss.sum() for row in rows) == sum(len(t.tokens.reply) for e in episodes for t in e.turns)
    assert gaps(policy, rows).max() < 1e-4


def test_the_final_transcript_is_not(sampled):
    """The released way: one row, the last prompt with all replies in it, so earlier ones stand under pages left out."""
    policy, episodes = sampled
    long = [e for e in episodes if len(e.turns) > 2]
    finals = [one_row(policy, e, heard_at_last(e)) for e in long]
    assert finals and gaps(policy, finals).max() > 0.02
    trained = sum(len(t.tokens.reply) for e in long for t in e.turns)
    assert sum(row.loss.sum() for row in finals) == trained, "the same tokens, under other prompts"


def test_with_the_whole_history_one_row_is_right():
    """So the gap above comes from the pages left out, and not from how the row is laid."""
    policy, engine = nano("long-shop"), Engine(nano("long-shop"))
    table = Table(SHOP, {"agent": PlainAgent(engine, Sampling(max_new=6))}, 0, drive=engine.run)
    episodes = table.collect(Independent(), SHOP.tasks("train")[:4])
    assert gaps(policy, [one_row(policy, e, [t.seen for t in e.turns]) for e in episodes]).max() < 1e-4


def heard_at_last(episode: Episode) -> list[tuple[Message, ...]]:
    """What stands before each reply in the last view."""
    parts: list[list[Message]] = [[]]
    for message in episode.turns[-1].seen:
        if message.role == "assistant":
            parts.append([])
        else:
            parts[-1].append(message)
    return [tuple(part) for part in parts]


def one_row(policy, episode: Episode, heard: list[tuple[Message, ...]]) -> Row:
    """All replies of an episode as they were sampled, each behind what was heard before it."""
    ids, loss, logp = list[int](), list[bool](), list[float]()
    for turn, messages in zip(episode.turns, heard, strict=True):
        new = policy.chat.extend(messages, ids[-1] in policy.chat.stop_ids) if ids else policy.chat.open(messages)
        reply = turn.tokens.reply.tolist()
        ids += [*new, *reply]
        loss += [False] * len(new) + [True] * len(reply)
        logp += [0.0] * len(new) + turn.tokens.logprobs.tolist()
    return Row(0, 0, np.array(ids, np.int32), np.array(loss), np.array(logp, np.float32), ())


def test_the_sheets_scores():
    group = np.zeros(4, int)
    found = grpo(np.array([1.0, 0, 0, 0]), group, ddof=0, eps=1e-4)
    np.testing.assert_allclose(found, [1.7317, -0.5772, -0.5772, -0.5772], atol=1e-4)
    found = grpo(np.array([1.0, 0, 0, 0]), group, ddof=1, eps=1e-4)
    np.testing.assert_allclose(found, [1.4997, -0.4999, -0.4999, -0.4999], atol=1e-4)
    assert not grpo(np.ones(4), group, ddof=0, eps=1e-4).any()


# --- the shop ---


@pytest.mark.parametrize(("player", "compressed", "succeeds"), [
    ("noting", False, 36), ("forgetful", False, 36), ("noting", True, 36), ("forgetful", True, None)
])  # fmt: skip
def test_what_was_not_written_down_is_gone(player, compressed, succeeds):
    """The voucher stands on the first page and is needed on the last."""
    world = Compressed(SHOP) if compressed else SHOP
    agent = {"agent": ScriptedAgent(world.expert(player), player)}
    won = sum(bool(e.success) for e in Table(world, agent, 0).collect(Independent(), world.tasks("eval")))
    assert won == succeeds if succeeds is not None else won < 20


def test_two_episodes_of_a_group_share_nothing():
    world = Compressed(SHOP)
    task = world.tasks("train")[0]
    one, other = (Cursor(world.live(), task, Chance(key)) for key in (1, 2))
    for cursor in (one, other):
        cursor.begin()
    before = other.view("agent")
    asyncio.run(play(one, {"agent": ScriptedAgent(world.expert())}))
    assert other.view("agent") == before and other.open and not one.open
    branch = other.fork("b", {})
    asyncio.run(play(branch, {"agent": ScriptedAgent(world.expert())}))
    assert other.view("agent") == before and other.world._world._at == ()
