"""Recordings of the maze that claims and the benchmark are tried on, and what each method is told there.

In `SHORT` a lost walk has 41 turns. `HALF_RANDOM`: whole walks; every start is seen to reach the goal, by good walks
and bad. `on_pieces`: no walk that begins far from the goal is seen to reach it (specs/learn/ilql, "stitching maze").
"""

from __future__ import annotations

from typing import Any

SHORT: dict[str, Any] = {"max_steps": 40}

HALF_RANDOM: dict[str, Any] = {"expert": "half-random", "demos": 300, "evaluate": 4}

PIECES: dict[str, Any] = {"expert": "half-random", "demos": 250, "demo_turns": 8, "demo_epochs": 6, "evaluate": 4}
"""Walks of a player whose move is the best one with chance .5, else any of the four, cut after 8 moves, while the
longest way to the goal has 12: what is seen from other starts tells how a walk goes on."""

OWN: dict[str, dict[str, Any]] = {
    "filtered-bc": {"rank": "task", "share": 0.3, "demo_epochs": 20},
    "mc-returns": {
        "gamma": 0.97,
        "cql": 0.0,
        "start": -10.0,
        "lr": 2e-3,
        "batch": 64,
        "epochs": 8,
        "beta": 1.0,
        "top_p": 1.0,
    },
    "ilql": {
        "gamma": 0.97,
        "cql": 0.0,
        "start": -10.0,
        "lr": 2e-3,
        "batch": 32,
        "epochs": 16,
        "tau": 0.8,
        "alpha": 0.1,
        "backup": "turn",
        "beta": 3.0,
        "top_p": 1.0,
    },
    "ppo": {"rounds": 8, "tasks": 50, "minibatches": 8},
    "online-filtered-bc": {"rounds": 8, "episodes": 50},
}
"""Filtered cloning takes as many steps as cloning does. No method cuts words off, so all are sampled alike. Values
begin where no return lies below them: a word that no record tells of keeps that value, and never looks better than one
that a record does tell of. Q looks a turn ahead: at two tokens a move, what the state after the move's own word is
worth has to be learned on the way, in a network whose clone had no use for telling such states apart.
"""


def on_pieces(*recipes: str) -> dict[str, Any]:
    """The settings of a comparison of some recipes on the pieces."""
    own = {f"{recipe}.{name}": value for recipe in recipes for name, value in OWN.get(recipe, {}).items()}
    return PIECES | own
