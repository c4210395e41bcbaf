"""Train a recipe in a world into a run folder, and go on with a run that was stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from turnwise import loop
from turnwise.api.defaults import MODEL, RECIPE, WORLD
from turnwise.api.runs import Run
from turnwise.api.specs import RunSpec, spec, spec_of
from turnwise.core.progress import Progress
from turnwise.core.run_folder import RunFolder

RUNS = Path("runs")
"""Where runs go that are not told where to go, below the current folder."""


def train(
    world: str = WORLD,
    recipe: str = RECIPE,
    *,
    model: str = MODEL,
    settings: Mapping[str, Any] | None = None,
    world_settings: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    command: Sequence[str] = (),
    opened: Callable[[Path], Any] | None = None,
) -> Run:
    """Train from the beginning.

    Args:
        world, recipe: registered names.
        model: spec of the policy: `scratch:nano|micro|small` or `hf:DIR`.
        settings: of the recipe; `world_settings`: of the world. Texts are converted.
        out: a new folder; by default `runs/<world>-<recipe>-<n>`.
        seed: of everything; the same command with the same seed gives the same bytes.
        progress: who watches, and may ask to stop after a round.
        command: the words of the command line, for the record.
        opened: told the folder as soon as it exists.

    Raises:
        TurnwiseError: anything that cannot work, before the first episode.
    """
    resolved = spec(world, recipe, model, settings or {}, world_settings or {}, seed)
    return train_spec(resolved, Path(out) if out else free_folder(resolved), progress, command, opened)


def train_spec(
    resolved: RunSpec,
    out: Path,
    progress: Progress | None = None,
    command: Sequence[str] = (),
    opened: Callable[[Path], Any] | None = None,
) -> Run:
    """As `train`, from a resolved spec."""
    parts = resolved.build()  # refuses parts that cannot work together, before a folder is made
    hashes = {resolved.world.name: resolved.world.hash()}
    with RunFolder.create(out, resolved.as_json(), resolved.seed, command, hashes) as folder:
        if opened:
            opened(folder.path)
        loop.train(parts, folder, progress)
    return Run(folder.path, resolved)


def resume(path: str | Path, *, progress: Progress | None = None, opened: Callable[[Path], Any] | None = None) -> Run:
    """Go on with a run as if it had not been stopped; a complete one is left as it is.

    Raises:
        RunFolderError: no run is there, or another process is writing it.
        TurnwiseError: its world has changed since.
    """
    resolved = spec_of(RunFolder.open(path).info, Path(path))
    with RunFolder.resume(path) as folder:
        if opened:
            opened(folder.path)
        done = Run(folder.path, resolved, tuple(folder.found))
        if not done.complete:
            loop.train(resolved.build(folder.latest_checkpoint()), folder, progress)
    return done


def free_folder(resolved: RunSpec, below: Path = RUNS) -> Path:
    """The first `<world>-<recipe>-<n>` that is not taken."""
    name = f"{resolved.world.name}-{resolved.recipe.name}"
    return next(p for n in count(1) if not (p := below / f"{name}-{n}").exists())
