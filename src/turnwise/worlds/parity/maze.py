"""LMRL-Gym mazes: the recorded start is the task, and the returned history is compared as its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor
from turnwise.core.types import Message, Task
from turnwise.worlds.maze import Maze, MazePartial
from turnwise.worlds.maze_rules import MOVES, sight_of
from turnwise.worlds.parity.recording import Difference, Recording

DESCRIBE = {
    "describe_observation_give_position": "position",
    "describe_observation": "goal",
    "describe_observation_only_walls": "walls",
}
REWARDS = {
    "standard_reward": (0.0, -1.0, -4.0),
    "illegal_penalty_reward": (1.0, 0.0, -1.0),
    "illegal_penalty_diff_scale": (1.0, -1.0, -100.0),
}


class MazeReplayer:
    """Plays both views as released: a move without its newline is illegal; see specs/worlds/lmrl-maze."""

    def cursor(self, recording: Recording, episode: Mapping[str, Any]) -> Cursor:
        config = episode["config"]
        kind = Maze if recording["world"] == "lmrl_gym.maze_fully_observed" else MazePartial
        world = kind(
            config["maze"],
            DESCRIBE[config["describe"]],
            config["last_k"],
            config["max_steps"],
            *REWARDS[config["reward"]],
            as_released=True,
        )
        task = Task(episode["id"], world.name, {"start": episode["task"]["start"]})
        return Cursor(world, task, Chance(0))

    def info(self, facts: Mapping[str, Any], history: Sequence[Message]) -> dict[str, Any]:
        text = json.dumps([[m.text, m.role == "assistant"] for m in history], ensure_ascii=False)
        return {
            "position": facts["position"],
            "num_steps": facts["steps"],
            "history_len": len(history),
            "history_sha": hashlib.sha256(text.encode()).hexdigest()[:16],
        }

    def tables(self, recording: Recording) -> Iterator[Difference]:
        config = recording["config"]
        yield "actions", config["actions"], {text: list(change) for text, change in MOVES.items()}
        for name, layout in config["layouts"].items():
            ours = sight_of(name, "walls").layout
            yield f"{name} grid", layout["grid"], [[int(mark) for mark in row] for row in ours.rows]
            yield f"{name} goals", layout["goals"], [list(ours.goal)]
