"""SocialDeductionLLM's games: recorded choices and beliefs are handed in; phases, positions, timers, options and
rewards are compared.

The order in which several kill options stand is drawn by the recorded code, so options are compared as sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from turnwise.worlds.parity.recording import Difference, Recording
from turnwise.worlds.social_deduction_rules import IMPOSTOR, Game

COLUMNS = ("Red", "Green", "Orange", "Purple", "Blue", "Yellow", "Pink")
"""The recorded order of the names in a row of beliefs."""

ROUNDED = 2.5e-4
"""Beliefs are recorded to four digits; so far can a sum over the crew be off."""


class SocialDeductionReplayer:
    """Plays the rules without their texts, which were not recorded; see specs/worlds/social-deduction."""

    def states(self, recording: Recording, episode: Mapping[str, Any]) -> Iterator[tuple[int, Difference]]:
        """(number of the step, what was compared) of a whole episode."""
        game = game_of(episode)
        steps: Sequence[Mapping[str, Any]] = episode["steps"]
        chosen, beliefs, speakers = dict[int, str](), dict[int, float](), list(orders(steps))
        for number, step in enumerate(steps):
            yield number, ("over", False, game.outcome is not None)
            if game.outcome:
                return
            game.step(chosen, beliefs)
            if game.phase == "discussion_survey" and game.spoken == 0:
                game.order = speakers.pop(0)
            for difference in compare(game, step):
                yield number, difference
            chosen = {int(p): text for p, text in step.get("actions", {}).items()}
            column = COLUMNS.index(game.names[IMPOSTOR])
            beliefs = {int(p): row[column] for p, row in step.get("beliefs", {}).items()}
        yield len(steps) - 1, ("win", episode["win"], game.outcome)

    def tables(self, recording: Recording) -> Iterator[Difference]:
        yield "player_row", recording["config"]["player_row"], ["alive", "x", "y", "timer", "kill_timer", "tasks_done"]


def game_of(episode: Mapping[str, Any]) -> Game:
    """The recorded game before its first step."""
    config, task = episode["config"], episode["task"]
    return Game(task["names"], task["tasks"], config["width"], config["height"], config["cooldown_time"])


def orders(steps: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, ...]]:
    """The order of speakers of each discussion: the first half of those who spoke, for each speaks twice."""
    spoken: list[int] = []
    for step in steps:
        if step["phase"] == "discussion_claim":
            spoken += [int(p) for p in step["actions"]]
        if step["phase"] == "voting":
            yield tuple(spoken[: len(spoken) // 2])
            spoken = []


def compare(game: Game, step: Mapping[str, Any]) -> Iterator[Difference]:
    """A recorded step beside ours."""
    zeros = [0.0] * len(game.players)
    yield "t", step["t"], game.time
    yield "phase", step["phase"], game.phase
    rows = [[int(p.alive), *p.room, p.timer, p.kill_timer, p.done] for p in game.players]
    yield "players", step["players"], rows
    if "options" in step and game.phase == "gameplay":
        recorded = {int(p): sorted(texts) for p, texts in step["options"].items()}
        yield "options", recorded, {p: sorted(texts) for p, texts in game.asks.items()}
    else:
        yield "asked", sorted(map(int, step.get("actions", {}))), sorted(game.asks)
    for name, ours in (("task", game.task_rewards), ("discussion", game.speaking_rewards)):
        recorded = step.get(f"{name}_rewards", zeros)
        close = len(recorded) == len(ours) and all(abs(a - b) < ROUNDED for a, b in zip(recorded, ours, strict=True))
        yield f"{name}_rewards", recorded, recorded if close else ours
    yield "rewards", [float(r) for r in step.get("rewards", zeros)], game.win_rewards
    yield "done", step["done"], game.outcome is not None
    yield "win", step.get("win"), game.outcome
