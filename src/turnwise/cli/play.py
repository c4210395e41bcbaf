"""`turnwise play`: sit down in a world yourself, or watch an agent play."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from turnwise.cli.command import command, seed_option
from turnwise.cli.out import Out
from turnwise.cli.person import person, plain_interrupts, shown
from turnwise.cli.settings import parse_world, set_option
from turnwise.core.errors import TurnwiseError, UnknownName

if TYPE_CHECKING:
    from turnwise.core.protocols import Agent, View
    from turnwise.core.types import Act, Episode, Task
    from turnwise.explore.table import Table
    from turnwise.worlds.base import World


@command(
    "turnwise play twenty-questions",
    "turnwise play wordle --agent script:optimal --seed 3",
    "turnwise play maze --task eval-1-1 --out runs/by-hand",
)
@click.argument("world")
@click.option("--seat", help="Where you sit.  [default: agent]")
@click.option("--agent", "spec", metavar="SPEC", help="Who plays the agent: script:NAME, run:DIR, ...; you watch.")
@click.option("--task", "key", metavar="KEY", help="Which task.  [default: drawn from the evaluation tasks]")
@set_option("A setting of the world; as often as wanted.")
@click.option("--out", "folder", type=click.Path(path_type=Path), help="A new folder to keep the episode in.")
@seed_option(None, "Of the task and all luck.  [default: another each time]")
def play(
    out: Out,
    world: str,
    seat: str | None,
    spec: str | None,
    key: str | None,
    sets: tuple[str, ...],
    folder: Path | None,
    seed: int | None,
) -> None:
    """Play an episode at the keyboard, or watch an agent play it.

    An empty line shows the legal moves where the world lists them; /quit leaves.
    """
    from turnwise.api.evaluating import take_seat
    from turnwise.explore.table import Table

    seed = fresh_seed() if seed is None else seed
    spec = None if spec == "human" else spec  # a person sits, and is not watched
    if seat is not None and spec is not None and seat == "agent":
        raise TurnwiseError(f"--seat agent and --agent {spec}", "one of them in the agent's seat", "leave one out")
    if folder is not None and folder.exists() and any(folder.iterdir()):  # asked before the game, not after it
        raise TurnwiseError(f"{folder} is not empty", "a new folder to keep the episode in", "name another with --out")
    place = take_seat(spec or "human", world, parse_world(sets), seed=seed)
    agents = seats(out, place.world, seat, spec, place.seated.agent)
    task = task_of(place.world, key, seed)
    drive = place.seated.drive
    table = Table(place.world, agents, seed, "play", limits=place.limits, drive=drive)
    introduce(out, place.world, by_hand=seat is not None or spec is None)
    with plain_interrupts():
        episode = drive([table.play(task)])[0]
    end(out, episode)
    folder = folder or offer(out, seat is not None or spec is None, episode)
    document = as_json(episode) | {"seed": seed}
    words = ["--task", task.key, "--seed", str(seed), *(["--agent", spec] if spec else [])]
    again = shlex.join(["turnwise", "play", world, *words, *(word for text in sets for word in ("--set", text))])
    if folder is not None:
        keep(folder, table, episode)
        out.finish(document | {"run": str(folder)}, [f"turnwise report {folder} --open", again])
    else:
        out.finish(document, [f"turnwise play {world}", f"{again} --out runs/by-hand"])


class Watched:
    """An agent whose view and words are shown as it plays."""

    def __init__(self, agent: Agent, out: Out):
        self.agent, self.show = agent, lambda text, style: shown(out, text, style)
        self.name, self.slots = agent.name, agent.slots

    async def act(self, view: View, carry: Any) -> Act:
        """What it sees, then what it says."""
        for message in view.new:
            self.show(message.text, "cyan")
        act = await self.agent.act(view, carry)
        self.show(f"{view.seat}> {act.message.text}", "bold")
        return act

    def fork(self, carry: Any) -> Any:
        """As the agent's."""
        return self.agent.fork(carry)

    def close(self, carry: Any) -> None:
        """As the agent's."""
        self.agent.close(carry)


def introduce(out: Out, world: World, by_hand: bool) -> None:
    """What it is about, in a line."""
    how = "an empty line shows the legal moves, /quit leaves" if by_hand else "you watch"
    (out.aside if out.as_json else out.console).print(f"{world.title}; at most {world.turns} turns; {how}", style="dim")


def seats(out: Out, world: World, seat: str | None, spec: str | None, agent: Agent) -> dict[str, Agent]:
    """Who sits where; every seat of the world is taken.

    Raises:
        UnknownName: the world has no such seat.
        TurnwiseError: a seat stays empty.
    """
    from turnwise.agents.company import expert, in_company

    if seat is not None and seat not in world.seats:
        raise UnknownName(f"seat in {world.name}", seat, world.seats)
    human = person(out)
    taken: dict[str, Any] = {seat or "agent": human} if seat or not spec else {}
    if "agent" not in taken:
        taken["agent"] = Watched(agent, out) if spec else Watched(expert(world), out)
    taken = in_company(world, taken)
    empty = [name for name in world.seats if name not in taken]
    if empty:
        raise TurnwiseError(
            f"nobody sits in {', '.join(empty)} of {world.name}",
            f"somebody in every seat: {', '.join(world.seats)}",
            f"turnwise play {world.name} --seat {empty[0]}",
        )
    return taken


def task_of(world: World, key: str | None, seed: int) -> Task:
    """The task with this key, in either split; without a key one of the evaluation tasks, by the seed.

    Raises:
        UnknownName: with the close matches.
    """
    from turnwise.core.chance import generator

    if key is None:
        tasks = world.tasks("eval")
        return tasks[int(generator(seed, "play").integers(len(tasks)))]
    known = {task.key: task for split in ("eval", "train") for task in world.tasks(split)}
    if key not in known:
        raise UnknownName(f"task in {world.name}", key, known, "--task takes a key as train and eval list them")
    return known[key]


def end(out: Out, episode: Episode) -> None:
    """The last words of the world, and how it went."""
    from turnwise.cli.transcript import outcome
    from turnwise.core.types import End

    leaf = episode.ends[0]
    for message in leaf.seen.get("agent", ())[-1:]:
        if leaf.end is not End.LEFT and message.role != "assistant":  # whoever left has read it
            shown(out, message.text, "cyan")
    out.say("", f"[bold]{outcome(episode)}[/]")
    if leaf.error:
        out.say(f"[red]it broke: {leaf.error}[/]")


def as_json(episode: Episode) -> dict[str, Any]:
    """How it went, JSON values."""
    leaf = episode.ends[0]
    return {
        "task": episode.task.key,
        "success": episode.success,
        "return": episode.total(),
        "turns": len(episode.turns),
        "end": leaf.end.value,
        "error": leaf.error,
    }


def offer(out: Out, by_hand: bool, episode: Episode) -> Path | None:
    """Where a person who played wants the episode kept, if anywhere."""
    if not by_hand or out.as_json or not sys.stdin.isatty() or not episode.turns:
        return None
    from itertools import count

    free = next(p for n in count(1) if not (p := Path("runs") / f"played-{episode.task.world}-{n}").exists())
    return free if click.confirm(f"keep this episode in {free}?", default=False) else None


def keep(folder: Path, table: Table, episode: Episode) -> None:
    """A run folder with the one episode."""
    from turnwise.core.run_folder import RunFolder
    from turnwise.measure.rounds import measure_round

    world, names = table.world, {seat: agent.name for seat, agent in table.agents.items()}
    settings: Mapping[str, Any] = {"world": world.name, "world_settings": world.settings(), "seats": names}
    with RunFolder.create(folder, settings, table.seed, ["turnwise", *sys.argv[1:]], {world.name: world.hash()}) as run:
        run.append([episode], "play", 0)
        run.metric(measure_round("play", 0, "evaluate", [episode], (), {}))


def fresh_seed() -> int:
    """A seed nobody chose."""
    from numpy.random import SeedSequence

    return int(SeedSequence().generate_state(1)[0])
