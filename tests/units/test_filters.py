"""Which episodes are imitated where each task is ranked by itself, and where demonstrations are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.api.specs import spec
from turnwise.core.errors import UnknownName
from turnwise.core.progress import Silent
from turnwise.core.types import End, Episode, Leaf, Message, Task, Turn
from turnwise.learn.filters import top_share, top_share_per_task
from turnwise.recipes.base import Setup
from turnwise.recipes.imitate import imitation, make_policy


def episodes(told, end=End.DONE):
    """An episode of one turn per (task, return)."""

    def one(number, task, total):
        turn = Turn(-1, 0, "agent", (), Message("assistant", "x"), {"agent": total})
        return Episode(f"e{number}", Task(task, "made"), (turn,), (Leaf(0, end),))

    return [one(number, task, total) for number, (task, total) in enumerate(told)]


def test_short_tasks_do_not_crowd_out_long_ones():
    told = episodes([("near", -1), ("far", -9), ("near", -2), ("far", -7)])
    assert [e.id for e in top_share(told, 0.5)] == ["e0", "e2"]
    assert [e.id for e in top_share_per_task(told, 0.5)] == ["e0", "e3"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-5, 0)), min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_of_every_task_at_least_one_and_no_better_one_left_out(told, share):
    played = episodes(told)
    kept = top_share_per_task(played, share)
    for task in {name for name, _ in told}:
        own, mine = ([e for e in some if e.task.key == task] for some in (played, kept))
        left = [e.total() for e in own if e not in mine]
        assert len(mine) == max(1, int(len(own) * share))
        assert not left or min(e.total() for e in mine) >= max(left)


def test_what_broke_is_not_ranked():
    told = [*episodes([("a", 0.0)], End.ERROR), *episodes([("a", -5.0), ("b", -7.0)])]
    assert [e.total() for e in top_share_per_task(told, 1.0)] == [-5.0, -7.0]


@pytest.mark.parametrize("recipe", ["filtered-bc", "online-filtered-bc"])
def test_a_misspelt_ranking_is_refused(recipe):
    with pytest.raises(UnknownName, match="task"):
        spec("maze", recipe, "scratch:nano", {"rank": "tasks"}, {}, 0).build()


def test_pieces_are_cut_and_the_cut_is_no_end():
    settings = {"expert": "random", "demos": 25, "demo_turns": 3}
    wanted = spec("maze", "bc", "scratch:nano", settings, {}, 0)
    setup = Setup(wanted.world, wanted.settings, wanted.model, 0)
    (stage,) = imitation(setup, make_policy(setup, critic=False))
    played = stage.collect(0, Silent())
    assert all(len(e.turns) <= 3 for e in played)
    assert {e.ends[0].end for e in played if len(e.turns) == 3 and not e.success} == {End.TURNS}
