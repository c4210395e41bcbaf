"""Evaluate any agent: the tasks of the evaluation split, with draws that training never meets.

The draws depend on the seed alone, so two agents evaluated with one seed are paired, and a trained agent evaluated with
the seed of its run gives the run's own last evaluation again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnwise import loop
from turnwise.agents.spec import Seated, seat
from turnwise.api.evaluation import Evaluation
from turnwise.api.specs import make_world
from turnwise.core.cursor import Limits
from turnwise.core.errors import TurnwiseError
from turnwise.core.progress import Clock, Progress, Silent, counting
from turnwise.core.run_folder import RunFolder
from turnwise.core.types import Episode
from turnwise.explore import Independent, Table
from turnwise.measure.rounds import measure_round
from turnwise.worlds.base import World

STAGE = "evaluate"
MODELS = ("run", "hf", "scratch")  # kinds of agents that a language model of ours speaks for


@dataclass(frozen=True)
class Seating:
    """An agent in the seat `agent` of a world."""

    spec: str
    world: World
    seated: Seated
    limits: Limits
    temperature: float | None


def take_seat(
    agent: str,
    world: str | None,
    world_settings: Mapping[str, Any] | None = None,
    *,
    temperature: float | None = None,
    seed: int = 0,
) -> Seating:
    """An agent and the world it plays in.

    A trained agent (`run:DIR`) plays as it was trained: without a world in the run's own, and there with the settings
    of that run unless others are given, with the longest reply and the turn budget of its run.

    Raises:
        UnknownName: no such agent or world.
        TurnwiseError: a temperature for an agent that does not sample.
    """
    kind, _, rest = agent.partition(":")
    kept = RunFolder.open(rest).info["settings"] if kind == "run" else {}
    name = world or kept.get("world")
    if name is None:
        raise TurnwiseError(f"agent {agent!r} without a world", "a world to play in", "turnwise worlds lists them")
    trained_in = kept.get("world_settings", {}) if name == kept.get("world") else {}
    place = make_world(name, {**trained_in, **(world_settings or {})})
    if temperature is not None and kind not in MODELS:
        raise TurnwiseError(
            f"a temperature of {temperature:g} for {agent!r}, which does not sample",
            f"an agent that a model speaks for: {', '.join(MODELS)}",
            "leave out the temperature",
        )
    heat = 1.0 if temperature is None else temperature
    of_run = kept.get("recipe_settings", {})
    longest = {"max_new": of_run["max_new"]} if "max_new" in of_run else {}
    seated = seat(agent, place, seed, heat, **longest)
    return Seating(agent, place, seated, Limits(of_run.get("turns") or None), heat if kind in MODELS else None)


def evaluate(
    agent: str,
    world: str | None = None,
    *,
    episodes: int | None = None,
    world_settings: Mapping[str, Any] | None = None,
    temperature: float | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    progress: Progress | None = None,
    command: Sequence[str] = (),
) -> Evaluation:
    """Play the evaluation tasks in turn and measure.

    Args:
        agent: `script:NAME`, `run:DIR`, `hf:DIR`, `scratch:SIZE` or `human`.
        world: registered name; may be left out for `run:DIR`.
        episodes: how many, going round the tasks; by default two of each task.
        temperature: of a language model's sampling, 1 by default; 0 is greedy.
        seed: names the draws; a random model gets its weights from it too.
        out: a new folder for the episodes.
    """
    place = take_seat(agent, world, world_settings, temperature=temperature, seed=seed)
    return evaluate_seated(place, episodes=episodes, seed=seed, out=out, progress=progress, command=command)


def evaluate_seated(
    place: Seating,
    *,
    episodes: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    progress: Progress | None = None,
    command: Sequence[str] = (),
) -> Evaluation:
    """As `evaluate`, for an agent that has its seat."""
    folder = None
    if out is not None:
        settings = {
            "agent": place.spec,
            "world": place.world.name,
            "world_settings": place.world.settings(),
            "temperature": place.temperature,
        }
        folder = RunFolder.create(out, settings, seed, command, {place.world.name: place.world.hash()})
    progress, clock, seconds = progress or Silent(), Clock(), dict[str, float]()
    played = play_tasks(place, episodes, seed, progress)
    clock.lap("sample", seconds)
    record = measure_round(STAGE, 0, "evaluate", played, (), seconds)
    if folder is not None:
        with folder:
            folder.append(played, STAGE, 0)
            folder.metric(record)
    progress.round(record)
    return Evaluation(place.spec, place.world, tuple(played), seed, place.temperature)


def play_tasks(place: Seating, count: int | None, seed: int, progress: Progress) -> list[Episode]:
    """The evaluation tasks in turn, `count` episodes in all."""
    tasks = place.world.tasks("eval")
    count = 2 * len(tasks) if count is None else count
    if count < 1:
        raise TurnwiseError(f"{count} episodes", "one or more")
    progress.stage(STAGE, 1)
    table = Table(
        place.world, {"agent": place.seated.agent}, seed, STAGE, 0, "evaluate", place.limits,
        live=1 if place.spec == "human" else 512, drive=place.seated.drive,
        on_episode=counting(progress, "sample", count),
    )  # fmt: skip
    return table.collect(Independent(), loop.tasks_in_turn(tasks, count, 0))
