"""Compare recipes: each trained with each seed, evaluated on the same tasks with the same draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from turnwise.api.comparison import Arm, Comparison
from turnwise.api.defaults import MODEL
from turnwise.api.evaluating import evaluate_seated, take_seat
from turnwise.api.runs import Run, open_run
from turnwise.api.specs import RunSpec, make_world, spec
from turnwise.api.training import RUNS, resume, train_spec
from turnwise.core.chance import key_of
from turnwise.core.errors import TurnwiseError, close_matches
from turnwise.core.progress import Progress, Silent
from turnwise.recipes import RECIPES
from turnwise.recipes.base import table_of
from turnwise.worlds.base import World


def compare(
    world: str,
    recipes: Sequence[str],
    seeds: int = 3,
    *,
    model: str = MODEL,
    settings: Mapping[str, Any] | None = None,
    world_settings: Mapping[str, Any] | None = None,
    by: str = "success",
    out: str | Path | None = None,
    watch: Callable[[str], Progress] = lambda label: Silent(),
    command: Sequence[str] = (),
) -> Comparison:
    """Train every recipe with every seed, and compare at the end.

    Args:
        recipes: names of recipes; agents (`script:NAME`, `run:DIR`, ...) may stand among them as references.
        seeds: how many, counted from 0.
        settings: NAME for all recipes, or RECIPE.NAME for one.
        by: success, or return.
        out: where the runs lie; those that are there are used again, or gone on with where they were stopped.
        watch: who watches a run, by its label.

    Raises:
        TurnwiseError: fewer than two arms, a setting that cannot take effect, or runs that were made otherwise.
    """
    specs, place = plan(world, recipes, seeds, model, settings or {}, world_settings or {})
    out = Path(out) if out else RUNS / default_name(world, model, settings or {}, world_settings or {})
    arms = []
    for name in recipes:
        if name in specs:
            runs: list[Run] = []
            for one in specs[name]:
                runs.append(run_of(one, out / f"{name}-seed{one.seed}", watch(f"{name} seed {one.seed}"), command))
                if not runs[-1].complete:
                    return Comparison(out, by, (), tuple(range(seeds)), complete=False)
            arms.append(Arm(name, tuple(run.after for run in runs if run.after), tuple(runs)))
    count = len(arms[0].evaluations[0].episodes) if arms else None
    references = [reference(name, place, seeds, count, watch) for name in recipes if name not in specs]
    order = {name: number for number, name in enumerate(recipes)}
    in_order = tuple(sorted([*arms, *references], key=lambda arm: order[arm.name]))
    return Comparison(out, by, in_order, tuple(range(seeds)), complete=True)


def plan(
    world: str,
    names: Sequence[str],
    seeds: int,
    model: str,
    settings: Mapping[str, Any],
    world_settings: Mapping[str, Any],
) -> tuple[dict[str, list[RunSpec]], World]:
    """Recipe -> the spec of each seed, and the world; everything is checked before anything is trained."""
    if len(names) < 2 or len(set(names)) < len(names) or seeds < 1:
        raise TurnwiseError(
            f"{', '.join(names) or 'nothing'} to compare, over {seeds} seeds",
            "two different recipes or more, and one seed or more",
            "turnwise recipes lists them",
        )
    place = make_world(world, world_settings)
    recipes = [name for name in names if ":" not in name]
    for name in names:
        if name not in recipes:
            take_seat(name, world, place.settings())
    own = {name: settings_of(name, recipes, settings) for name in recipes}
    specs = {n: [spec(world, n, model, own[n], place.settings(), seed) for seed in range(seeds)] for n in recipes}
    return specs, place


def settings_of(recipe: str, recipes: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of one recipe out of those of all.

    Raises:
        TurnwiseError: a setting that a recipe lacks, or of a recipe that is not compared.
    """
    known = [name for name, *_ in table_of(RECIPES.get(recipe).settings)]
    own = {}
    for key, value in settings.items():
        whose, dot, name = key.rpartition(".")
        if dot and whose not in recipes:
            near = close_matches(whose, [*recipes, "world"])
            raise TurnwiseError(
                f"--set {key}: {whose!r} is not compared",
                f"one of: {', '.join(recipes)}",
                f"did you mean {near[0]!r}?" if near else "",
            )
        if not dot and key not in known:
            near = close_matches(key, known)
            having = [r for r in recipes if key in [n for n, *_ in table_of(RECIPES.get(r).settings)]]
            raise TurnwiseError(
                f"recipe {recipe!r} has no setting {key!r}",
                "a setting that all compared recipes have, or RECIPE.NAME for one of them",
                f"--set {having[0]}.{key}={value}" if having else f"did you mean {near[0]!r}?" if near else "",
            )
        if not dot or whose == recipe:
            own[name] = value
    return own


def run_of(wanted: RunSpec, path: Path, progress: Progress, command: Sequence[str]) -> Run:
    """The run of a spec: as it is, gone on with, or new.

    Raises:
        TurnwiseError: the folder holds a run with other settings.
    """
    if not (path / "run.json").exists():
        return train_spec(wanted, path, progress, command)
    there = open_run(path)
    asked, found = flat(wanted), flat(there.spec)
    other = [f"{k}={found.get(k)!r} instead of {asked.get(k)!r}" for k in asked | found if asked.get(k) != found.get(k)]
    if other:
        raise TurnwiseError(
            f"{path} holds a run with other settings: {', '.join(other[:5])}",
            "runs of this comparison, or an empty folder",
            "name another folder with --out",
        )
    return there if there.complete else resume(path, progress=progress)


def flat(found: RunSpec) -> dict[str, Any]:
    """Every setting of a spec by one name."""
    kept = found.as_json()
    inner = {f"world.{k}": v for k, v in kept.pop("world_settings").items()} | kept.pop("recipe_settings")
    return kept | {"seed": found.seed} | inner


def reference(name: str, world: World, seeds: int, count: int | None, watch: Callable[[str], Progress]) -> Arm:
    """An agent that is not trained here, on as many episodes."""
    found = []
    for seed in range(seeds):
        place = take_seat(name, world.name, world.settings(), seed=seed)
        found.append(evaluate_seated(place, episodes=count, seed=seed, progress=watch(f"{name} seed {seed}")))
    return Arm(name, tuple(found))


def default_name(world: str, model: str, settings: Mapping[str, Any], world_settings: Mapping[str, Any]) -> str:
    """A folder name that stays the same for the same settings, so that a second call finds the runs of the first."""
    if model == MODEL and not settings and not world_settings:
        return f"compare-{world}"
    return f"compare-{world}-{key_of(model, sorted(settings.items()), sorted(world_settings.items())):016x}"[:-10]
