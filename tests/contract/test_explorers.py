"""What every registered explorer promises."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from made_play import Made, nano
from turnwise.agents.plain import PlainAgent
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.errors import TurnwiseError
from turnwise.core.pairing import NEXT_MOVES
from turnwise.explore import EXPLORERS, Grouped, Table
from turnwise.explore.best_first import BestFirst
from turnwise.explore.tree_search import TreeSearch
from turnwise.models.engine import Engine
from turnwise.models.sampling import Sampling
from turnwise.worlds import make


@pytest.fixture(params=EXPLORERS)
def explorer(request):
    return EXPLORERS.get(request.param)()


def talk(view, rng):
    return f"{view.messages[-1].text} {rng.integers(10**6)}"


def table(world=None, seed=0, **how):
    return Table(world or Made(), {"agent": ScriptedAgent(talk, "talker")}, seed, "made", 2, **how)


def shape(episodes):
    return [(e.id, [(t.seen, t.message, t.rewards, dict(t.facts)) for t in e.turns], e.ends) for e in episodes]


def test_what_it_needs_and_gives_is_known(explorer):
    assert explorer.needs <= set(NEXT_MOVES) and explorer.gives <= set(NEXT_MOVES)


def test_ids_are_unique_and_the_origin_is_told(explorer):
    tasks = Made().tasks("train")
    episodes = table().collect(explorer, [*tasks, tasks[1], tasks[1]])
    assert len({e.id for e in episodes}) == len(episodes)
    for episode in episodes:
        origin = episode.origin
        assert (origin["stage"], origin["round"], origin["seed"]) == ("made", 2, 0)
        assert origin["agents"] == {"agent": "talker"}
        assert episode.id == f"made/2/{episode.task.key}/{origin['member']}"
    members = Counter(e.task.key for e in episodes)
    assert members["train-1"] == 3 * members["train-0"]
    for key, count in members.items():
        assert [e.origin["member"] for e in episodes if e.task.key == key] == list(range(count))


def test_episodes_stand_in_the_order_of_the_tasks(explorer):
    tasks = Made().tasks("train")[::-1]
    order = [tasks.index(e.task) for e in table().collect(explorer, tasks)]
    assert order == sorted(order) and set(order) == set(range(len(tasks)))


def test_same_seed_same_episodes(explorer):
    tasks = Made().tasks("train")
    first = shape(table().collect(explorer, tasks))
    assert first == shape(table().collect(explorer, tasks))
    assert first != shape(table(seed=1).collect(explorer, tasks))
    assert first != shape(
        Table(Made(), {"agent": ScriptedAgent(talk, "talker")}, 0, "made", 3).collect(explorer, tasks)
    )


def test_members_of_a_task_share_nothing_but_the_task(explorer):
    tasks = Made().tasks("train")[:2]
    drawn = [t.facts["noise"] for e in table().collect(explorer, [*tasks, *tasks]) for t in e.turns]
    assert len(set(drawn)) == len(drawn)


def test_an_episode_does_not_depend_on_who_plays_beside(explorer):
    tasks = Made().tasks("train")
    whole = {e.id: e for e in table().collect(explorer, tasks)}
    for seats in (1, 3):
        narrow = table(live=seats).collect(explorer, tasks)
        assert shape(narrow) == shape([whole[e.id] for e in narrow])
    alone = table().collect(explorer, tasks[2:3])
    assert shape(alone) == shape([whole[e.id] for e in alone])


def test_no_more_episodes_are_live_than_asked(explorer):
    live, most = 0, 0

    class Counted(Made):
        def reset(self, task, chance):
            nonlocal live, most
            live += 1
            most = max(most, live)
            return super().reset(task, chance)

    def told(episode):
        nonlocal live
        live -= 1

    class Slow(ScriptedAgent):
        async def act(self, view, carry):
            await asyncio.sleep(0)
            return await super().act(view, carry)

    place = Table(Counted(), {"agent": Slow(talk)}, 0, live=2, on_episode=told)
    for _ in range(2):  # a table can be used again
        place.collect(explorer, Made().tasks("train"))
        assert most == 2 and live == 0


def test_finished_episodes_are_told_one_by_one(explorer):
    told = []
    episodes = table(on_episode=told.append).collect(explorer, Made().tasks("train"))
    assert Counter(e.id for e in told) == Counter(e.id for e in episodes)


def test_nothing_to_play_is_nothing(explorer):
    assert table().collect(explorer, []) == []


def test_a_model_is_sampled_in_the_same_way_whoever_shares_the_batch(explorer):
    policy, world = nano("maze"), make("maze", max_steps=3)

    def words(**how):
        engine = Engine(policy)
        agent = PlainAgent(engine, Sampling(max_new=4))
        place = Table(world, {"agent": agent}, 0, drive=engine.run, **how)
        found = [[t.message.text for t in e.turns] for e in place.collect(explorer, world.tasks("train")[:4])]
        assert not engine.lines
        return found

    assert words() == words(live=1) == words()
    assert len({str(w) for w in words()}) > 2


def test_paired_tables_meet_the_same_luck(explorer):
    tasks = Made().tasks("train")
    one, other = (
        Table(Made(), {"agent": ScriptedAgent(rule)}, 0, stage, draws="evaluate").collect(explorer, tasks)
        for stage, rule in (("before", talk), ("after", lambda view, rng: "nothing"))
    )
    most = 1 if isinstance(explorer, TreeSearch | BestFirst) else None  # where a search goes depends on what was said
    first, second = ([[t.facts["noise"] for t in e.turns[:most]] for e in found] for found in (one, other))
    assert first == second
    assert [e.id for e in one] != [e.id for e in other]


def test_a_group_of_one_is_refused():
    with pytest.raises(TurnwiseError, match="at least 2"):
        Grouped(1)
    found = Counter(e.task.key for e in table().collect(Grouped(3), Made().tasks("train")))
    assert set(found.values()) == {3}
