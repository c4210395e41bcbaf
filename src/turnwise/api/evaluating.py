"""Evaluate any agent: the tasks of the evaluation split, with draws that training never meets.

The draws depend on the seed alone, so two agents evaluated with one seed are paired, and a trained agent evaluated with
the seed of its run gives the run's own last evaluation again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from turnwise import loop
from turnwise.agents.company import in_company
from turnwise.agents.spec import Seated, checkpoint_of, learned_seats, run_and_seat, seat
from turnwise.api.evaluation import Evaluation
from turnwise.api.specs import make_world
from turnwise.core.cursor import Limits
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.progress import Clock, Progress, Silent, counting
from turnwise.core.protocols import Agent
from turnwise.core.run_folder import RunFolder
from turnwise.core.types import Episode, Seat
from turnwise.explore import Independent, Table
from turnwise.explore.table import Driver, run_plain
from turnwise.measure.rounds import measure_round
from turnwise.recipes import RECIPES
from turnwise.recipes.base import Recipe
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
    others: Mapping[Seat, Seated] = field(default_factory=dict)  # who was chosen for the other seats
    chosen: Mapping[Seat, str] = field(default_factory=dict)  # their specs

    def everybody(self) -> tuple[dict[Seat, Agent], Driver]:
        """Who sits where, the world's companions where nobody was chosen, and what runs them."""
        seats = {"agent": self.seated, **self.others}
        drive = next((s.drive for s in seats.values() if s.drive is not run_plain), run_plain)
        return in_company(self.world, {seat: one.agent for seat, one in seats.items()}), drive


def take_seat(
    agent: str,
    world: str | None,
    world_settings: Mapping[str, Any] | None = None,
    *,
    temperature: float | None = None,
    seed: int = 0,
    others: Mapping[Seat, str] | None = None,
) -> Seating:
    """An agent and the world it plays in.

    A trained agent (`run:DIR`) plays as it was trained: without a world in the run's own, and there with the settings
    of that run unless others are given, with the longest reply and the turn budget of its run, shown what its recipe
    shows it of a world, and as the agent that its recipe makes of a policy. Where its run trained
    several seats of that world, all of them sit with it, unless somebody else is chosen for a seat.

    Args:
        others: specs of who else sits where, by seat.

    Raises:
        UnknownName: no such agent or world.
        TurnwiseError: a temperature for an agent that does not sample.
    """
    kind, _, rest = agent.partition(":")
    kept = RunFolder.open(run_and_seat(rest)[0]).info["settings"] if kind == "run" else {}
    name = world or kept.get("world")
    if name is None:
        raise TurnwiseError(f"agent {agent!r} without a world", "a world to play in", "turnwise worlds lists them")
    at_home = kind == "run" and name == kept.get("world")
    place = make_world(name, {**(kept.get("world_settings", {}) if at_home else {}), **(world_settings or {})})
    method: Recipe | None = RECIPES.get(kept["recipe"]) if "recipe" in kept else None
    if method is not None and method.sees is not None:
        place = method.sees(place, method.resolve(kept["recipe_settings"]))
    samples = kind in MODELS and (method is None or method.sits is method.plays is None)
    if temperature is not None and not samples:
        raise TurnwiseError(
            f"a temperature of {temperature:g} for {agent!r}, which does not sample",
            f"an agent that a model speaks for: {', '.join(MODELS)}",
            "leave out the temperature",
        )
    heat = 1.0 if temperature is None else temperature
    of_run = kept.get("recipe_settings", {})
    longest = {"max_new": of_run["max_new"]} if "max_new" in of_run else {}
    chosen = {**(trained_with(rest, place.seats) if at_home else {}), **(others or {})}
    for name in chosen:
        if name not in place.seats or name == "agent":
            raise UnknownName(f"other seat of {place.name}", name, [s for s in place.seats if s != "agent"])
    if method is not None and method.plays is not None:
        seated = Seated(method.plays(place, method.resolve(kept["recipe_settings"])), run_plain)
    else:
        seated = seat(agent, place, seed, heat, **longest, sits=method.sits if method is not None else None)
    return Seating(
        agent,
        place,
        seated,
        Limits(of_run.get("turns") or None),
        heat if samples else None,
        {at: seat(one, place, seed, heat, **longest, at=at) for at, one in chosen.items()},
        chosen,
    )


def trained_with(run: str, seats: Sequence[Seat]) -> dict[Seat, str]:
    """Specs of those who learned beside a run's agent, for these seats of its world."""
    folder, main = run_and_seat(run)
    learned = learned_seats(checkpoint_of(folder)) if main == "agent" else {}
    return {seat: f"run:{folder}@{seat}" for seat in learned if seat in seats and seat != "agent"}


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
    others: Mapping[Seat, str] | None = None,
) -> Evaluation:
    """Play the evaluation tasks in turn and measure.

    Args:
        agent: `script:NAME`, `run:DIR`, `run:DIR@SEAT`, `hf:DIR`, `scratch:SIZE` or `human`.
        world: registered name; may be left out for `run:DIR`.
        episodes: how many, going round the tasks; by default two of each task.
        temperature: of a language model's sampling, 1 by default; 0 is greedy.
        seed: names the draws; a random model gets its weights from it too.
        out: a new folder for the episodes.
        others: who else sits where, as specs by seat; see `take_seat`.
    """
    place = take_seat(agent, world, world_settings, temperature=temperature, seed=seed, others=others)
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
        } | ({"others": dict(place.chosen)} if place.chosen else {})
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
    agents, drive = place.everybody()
    table = Table(
        place.world, agents, seed, STAGE, 0, "evaluate", place.limits,
        live=1 if place.spec == "human" else 512, drive=drive,
        on_episode=counting(progress, "sample", count),
    )  # fmt: skip
    return table.collect(Independent(), loop.tasks_in_turn(tasks, count, 0))
