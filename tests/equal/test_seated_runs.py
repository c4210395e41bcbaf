"""A trained agent plays as it was trained: shown what its recipe shows it, as the agent that its recipe makes of it;
its evaluation with the run's own seed is the run's last evaluation again.
"""

from __future__ import annotations

import pytest

import turnwise
from turnwise.agents.chooser import Chooser
from turnwise.api.evaluating import take_seat
from turnwise.core.errors import TurnwiseError
from turnwise.worlds.compressed import PLACEHOLDER, Compressed
from turnwise.worlds.truncated import Truncated

SMALL = {"demos": 30, "demo_epochs": 2, "demo_lr": 3e-3, "evaluate": 1, "rounds": 1}


def trained(world, recipe, out, **settings):
    return turnwise.train(world, recipe, model="scratch:nano", settings={**SMALL, **settings}, out=out, seed=3)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    how = {"tasks": 2, "group": 2, "max_new": 12}
    return {
        history: trained("long-shop", "webagent-r1", place / history, history=history, **how)
        for history in ("compressed", "truncated")
    }


@pytest.fixture(scope="module")
def orders(tmp_path_factory):
    return trained("slot-order", "rlap", tmp_path_factory.mktemp("runs") / "rlap", episodes=8, steps=4)


def said(episodes):
    return [(e.task.key, [(t.seen, t.message.text, t.fresh) for t in e.turns]) for e in episodes]


@pytest.mark.parametrize("history", ["compressed", "truncated"])
def test_an_evaluation_with_the_seed_of_the_run_is_its_last_one(shop, history):
    run = shop[history]
    again = turnwise.evaluate(f"run:{run.path}", seed=3, episodes=len(run.after.episodes))
    assert said(again.episodes) == said(run.after.episodes)


def test_earlier_pages_are_left_out_when_a_run_is_evaluated(shop):
    place = take_seat(f"run:{shop['compressed'].path}", None)
    assert isinstance(place.world, Compressed) and place.world.settings()["placeholder"] == PLACEHOLDER
    found = turnwise.evaluate(f"run:{shop['compressed'].path}", episodes=4)
    later = [turn for e in found.episodes for turn in e.turns[1:]]
    assert later and all(any(m.text == PLACEHOLDER for m in turn.seen) for turn in later)
    assert isinstance(take_seat(f"run:{shop['truncated'].path}", None).world, Truncated)


def test_other_settings_of_the_world_are_seen_the_same_way(shop):
    place = take_seat(f"run:{shop['compressed'].path}", None, {"filler": 5})
    assert isinstance(place.world, Compressed) and place.world.settings()["filler"] == 5
    assert isinstance(take_seat("script:noting", "long-shop").world, type(turnwise.worlds.make("long-shop")))


def test_a_run_that_chooses_is_seated_as_a_chooser(orders):
    place = take_seat(f"run:{orders.path}", None)
    assert isinstance(place.seated.agent, Chooser) and place.seated.agent.epsilon == 0 and place.temperature is None
    again = turnwise.evaluate(f"run:{orders.path}", seed=3, episodes=len(orders.after.episodes))
    assert said(again.episodes) == said(orders.after.episodes)
    assert all(not turn.tokens.sampled.any() for e in again.episodes for turn in e.turns)


def test_a_chooser_has_no_temperature(orders):
    with pytest.raises(TurnwiseError, match="does not sample"):
        take_seat(f"run:{orders.path}", None, temperature=0.5)
