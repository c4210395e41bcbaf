"""Every knob has an effect that only grows with it, measured on whole conversations."""

from __future__ import annotations

import numpy as np
import pytest

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.cursor import Limits
from turnwise.explore import Independent, Table
from turnwise.worlds import make

EPISODES = 100


def measured(expert, measure, **settings):
    """Mean of a measure over conversations with the same draws."""
    world = make("recommend", **settings)
    table = Table(world, {"agent": ScriptedAgent(world.expert(expert), expert)}, 0, draws="knobs", limits=Limits())
    tasks = (list(world.tasks("train")) * 2)[:EPISODES]
    return float(np.mean([measure(episode) for episode in table.collect(Independent(), tasks)]))


def length(episode):
    return len(episode.turns)


def success(episode):
    return bool(episode.success)


def told(episode):
    """Attributes named by the person, per turn."""
    return sum(act[0] == "inform" for turn in episode.turns for act in turn.facts["said"]) / len(episode.turns)


def changes(episode):
    return sum(what == "changed" for turn in episode.turns for what, _ in turn.facts["events"])


@pytest.mark.parametrize(
    ("knob", "values", "expert", "measure", "rises", "others"),
    [
        ("patience", (1, 3, 0), "always-recommend", length, True, {}),  # 0 is endless
        ("vagueness", (0.0, 0.3, 0.6), "entropy-greedy", length, True, {}),
        ("error", (0.0, 0.2, 0.5), "entropy-greedy", success, False, {}),
        ("withholding", (0.0, 0.3, 0.6), "entropy-greedy", length, True, {}),
        ("withholding", (0.0, 0.6), "entropy-greedy", success, False, {"max_turns": 12}),
        ("cooperation", (0.0, 0.5, 1.0), "entropy-greedy", length, False, {}),
        ("cooperation", (0.0, 0.5, 1.0), "random", told, True, {}),
        ("changing", (0.0, 0.1, 0.4), "entropy-greedy", success, False, {}),
        ("changing", (0.0, 0.1, 0.4), "random", changes, True, {}),
    ],
)
def test_monotone(knob, values, expert, measure, rises, others):
    found = [measured(expert, measure, **{knob: value}, **others) for value in values]
    steps = np.diff(found) if rises else -np.diff(found)
    assert (steps > 0).all(), dict(zip(values, found, strict=True))


def test_patience_never_makes_a_conversation_longer_than_the_endless_one():
    for value in (1, 4):
        world = make("recommend", patience=value)
        endless = make("recommend")
        for task in world.tasks("train")[:10]:
            lengths = []
            for place in (world, endless):
                seats = {"agent": ScriptedAgent(place.expert("random"), "random")}
                lengths.append(length(Table(place, seats, 1, draws="same").collect(Independent(), [task])[0]))
            assert lengths[0] <= lengths[1]
