"""From an agent's spec on the command line to an agent at the table.

script:NAME     a scripted player of the world
human           a person at the keyboard
run:DIR         the trained agent of a run (its latest checkpoint)
run:DIR@SEAT    the one that learned to play another seat, where a run trained several
hf:DIR          a local Hugging Face causal language model
scratch:SIZE    random weights
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from turnwise.agents.company import demonstrators, expert
from turnwise.agents.human import HumanAgent
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import Agent
from turnwise.core.types import Seat
from turnwise.explore.table import Driver, run_plain
from turnwise.worlds.base import World

if TYPE_CHECKING:
    from turnwise.models.policy import Policy

SEATS = "seats.json"
"""The file of a checkpoint that names each seat's policy, where several learn."""

KINDS = ("script", "human", "run", "hf", "scratch")


@dataclass(frozen=True)
class Seated:
    """An agent and what runs its coroutines."""

    agent: Agent
    drive: Driver


def seat(
    spec: str,
    world: World,
    seed: int = 0,
    temperature: float = 1.0,
    max_new: int = 24,
    device: str | None = None,
    at: Seat = "agent",
    sits: Callable[[Policy, str], Agent] | None = None,
) -> Seated:
    """Make the agent that a spec names.

    Args:
        spec: see the module's table.
        world: whose scripted players `script:NAME` means, and whose texts give a scratch model its vocabulary.
        seed: of random weights.
        temperature, max_new: sampling of a language model; 0 is greedy.
        at: the seat it is for; a script is one of that seat's.
        sits: what a run's policy is in a seat; None: one who says what it samples.

    Raises:
        UnknownName: no such kind, or no such scripted player; the close matches are named.
    """
    kind, _, rest = spec.partition(":")
    if kind == "human":
        return Seated(HumanAgent(), run_plain)
    if kind == "script":
        return Seated(expert(world, rest, at), run_plain)
    if kind in ("run", "hf", "scratch"):
        return _model(kind, rest, spec, world, seed, temperature, max_new, device, sits if kind == "run" else None)
    raise UnknownName(
        "kind of agent", kind, KINDS, "specs look like script:NAME, run:DIR, hf:DIR, scratch:micro or human"
    )


def run_and_seat(text: str) -> tuple[str, Seat]:
    """What follows `run:`, read as a folder and the seat that is meant."""
    folder, at, seat = text.rpartition("@")
    return (folder, seat) if at and not Path(text).exists() else (text, "agent")


def policy_of(checkpoint: Path, seat: Seat = "agent") -> Path:
    """Where the policy of a seat lies in a checkpoint.

    Raises:
        UnknownName: no policy learned to play that seat.
    """
    seats = learned_seats(checkpoint)
    if seat not in seats:
        raise UnknownName(f"learned seat in {checkpoint.parent.parent}", seat, seats)
    return checkpoint / seats[seat]


def learned_seats(checkpoint: Path) -> dict[Seat, str]:
    """Seat -> the folder of the policy that learned to play it; one policy may play several seats."""
    file = checkpoint / SEATS
    return json.loads(file.read_text()) if file.is_file() else {"agent": "policy"}


def checkpoint_of(run: str) -> Path:
    """The latest checkpoint of a run folder."""
    from turnwise.core.run_folder import RunFolder

    checkpoint = RunFolder.open(run).latest_checkpoint()
    if checkpoint is None:
        raise TurnwiseError(
            f"{run} holds no checkpoint", "a run that got through its first stage", f"turnwise train --resume {run}"
        )
    return checkpoint


def _model(
    kind: str,
    rest: str,
    spec: str,
    world: World,
    seed: int,
    temperature: float,
    max_new: int,
    device: str | None,
    sits: Callable[[Policy, str], Agent] | None,
) -> Seated:
    from turnwise.agents.plain import PlainAgent
    from turnwise.models.engine import Engine
    from turnwise.models.guided import load_speaker
    from turnwise.models.sampling import Sampling

    if kind == "run":
        run, seat = run_and_seat(rest)
        policy = load_speaker(policy_of(checkpoint_of(run), seat), device=device)
    else:
        policy = new_policy(spec, world, seed, device=device)
    if sits is not None:
        return Seated(sits(policy, spec), run_plain)
    engine = Engine(policy)
    return Seated(PlainAgent(engine, Sampling(temperature=temperature, max_new=max_new), spec), engine.run)


def new_policy(spec: str, world: World, seed: int, value_head: int = False, device: str | None = None) -> Policy:
    """The policy of a model spec; a scratch model learns its vocabulary from the world's texts.

    Raises:
        UnknownName: no such model; the close matches are named.
    """
    from turnwise.models.load import load_policy

    texts = corpus(world, seed) if spec.startswith("scratch:") else None
    return load_policy(spec, seed=seed, corpus=texts, value_head=value_head, device=device)


def corpus(world: World, seed: int, episodes: int = 300) -> list[str]:
    """Texts of the world from its demonstrator's episodes: what a vocabulary is learned from."""
    from turnwise.explore import Independent, Table

    tasks = world.tasks("train")
    table = Table(world, demonstrators(world), seed, "corpus", live=64)
    played = table.collect(Independent(), [tasks[i % len(tasks)] for i in range(episodes)])
    return [m.text for e in played for t in e.turns for m in (*t.seen, t.message)]
