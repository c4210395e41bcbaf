"""Check a claim: run its trial over seeds, say whether it held, and keep what was found as evidence."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import turnwise.recipes
from turnwise.api.comparing import compare, run_of
from turnwise.api.comparison import Arm, Comparison
from turnwise.api.defaults import MODEL
from turnwise.api.evaluation import per_task
from turnwise.api.runs import Run, difference_json
from turnwise.api.specs import spec
from turnwise.api.training import RUNS
from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.progress import Progress, Silent
from turnwise.measure.paired import PairedDifference, paired_difference
from turnwise.measure.rounds import as_json
from turnwise.recipes import RECIPES
from turnwise.recipes.base import START, Recipe, Trial

EVIDENCE = Path(turnwise.recipes.__file__).parent / "evidence"


@dataclass(frozen=True)
class Checked:
    """What a trial found."""

    recipe: Recipe
    comparison: Comparison  # the baseline first, then the recipe

    @property
    def trial(self) -> Trial:
        """The experiment."""
        return self.recipe.claim.trial

    @cached_property
    def difference(self) -> PairedDifference:
        """The recipe minus its baseline over all seeds, paired by task and seed, clustered by task."""
        base, own = (per_task(arm.evaluations, self.trial.by) for arm in self.comparison.arms)
        clusters: dict[Hashable, Hashable] = {
            (task, e.seed): task for arm in self.comparison.arms for e in arm.evaluations for task in e.tasks
        }
        return paired_difference(own, base, rng=generator(*self.comparison.seeds, "check"), clusters=clusters)

    @property
    def held(self) -> bool:
        """Whether what was claimed came out."""
        if self.trial.within is not None:
            low, high = span(self.difference)
            return -self.trial.within < low and high < self.trial.within
        above = self.comparison.verdicts[0].above == self.recipe.name
        return above and (self.trial.times == 1.0 or all(self._reached(seed) for seed in self.by_seed()))

    def by_seed(self) -> list[dict[str, Any]]:
        """Per seed: both means and the paired difference, JSON values."""
        base, own = self.comparison.arms
        rows = []
        for before, after in zip(base.evaluations, own.evaluations, strict=True):
            rng = generator(after.seed, "gain", self.trial.by)
            gain = paired_difference(per_task([after], self.trial.by), per_task([before], self.trial.by), rng=rng)
            means = [e.success if self.trial.by == "success" else e.returns for e in (before, after)]
            rows.append(
                {
                    "seed": after.seed,
                    "baseline": as_json(means[0]),
                    "recipe": as_json(means[1]),
                    "difference": difference_json(gain),
                }
            )
        return rows

    def _reached(self, row: dict[str, Any]) -> bool:
        enough = row["recipe"]["value"] >= self.trial.times * row["baseline"]["value"]
        low = row["difference"]["low"]
        return enough and low is not None and low > 0

    @property
    def summary(self) -> str:
        """What was found, in a sentence."""
        rows, by = self.by_seed(), self.trial.by
        before, after = ([f"{row[arm]['value']:.2f}" for row in rows] for arm in ("baseline", "recipe"))
        found, tasks = self.difference, len(set(self.comparison.arms[0].evaluations[0].tasks))
        episodes = len(self.comparison.arms[0].evaluations[0].episodes)
        low, high = span(found)
        return (
            f"{self.trial.world}, seeds {rows[0]['seed']} to {rows[-1]['seed']}: {by} {', '.join(before)} "
            f"({self.comparison.arms[0].name}) and {', '.join(after)} ({self.recipe.name}); over all, paired, "
            f"{found.difference:+.2f} [{low:+.2f}, {high:+.2f}] ({tasks} tasks, {episodes} episodes a seed)"
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON values: what is stored as evidence."""
        cost = self.comparison.arms[1].cost
        return {
            "held": self.held,
            "summary": self.summary,
            "command": f"turnwise check {self.recipe.name} --seeds {len(self.comparison.seeds)}",
            "seeds": self.by_seed(),
            "cost": {k: round(v, 1) for k, v in cost.items()} if cost else None,
        }

    def store(self, place: Path = EVIDENCE) -> Path:
        """Keep it where `turnwise recipes` and docs/METHODS.md read it."""
        file = place / f"{self.recipe.name}.json"
        file.write_text(json.dumps(self.as_json(), indent=1) + "\n", "utf-8")
        return file


def span(found: PairedDifference) -> tuple[float, float]:
    """Its interval; a point where all differences are the same and leave nothing to estimate."""
    if found.low is None or found.high is None:
        return found.difference, found.difference
    return found.low, found.high


def check(
    name: str,
    seeds: int | None = None,
    *,
    out: str | Path | None = None,
    watch: Callable[[str], Progress] = lambda label: Silent(),
    command: Sequence[str] = (),
) -> Checked | None:
    """Run the trial of a recipe's claim.

    Args:
        seeds: how many, counted from 0; by default as many as the trial says.
        out: where its runs lie; those that are there are used again, or gone on with.
        watch: who watches a run, by its label.

    Returns:
        What was found; None where somebody asked to stop, then the same call goes on.

    Raises:
        UnknownName: no such recipe; the close match is named.
    """
    recipe: Recipe = RECIPES.get(name)
    trial = recipe.claim.trial
    seeds, out = seeds or trial.seeds, Path(out) if out else RUNS / f"check-{name}"
    found = against_start if trial.against == START else against_other
    comparison = found(recipe, seeds, out, watch, command)
    return Checked(recipe, comparison) if comparison.complete else None


def against_other(
    recipe: Recipe, seeds: int, out: Path, watch: Callable[[str], Progress], command: Sequence[str]
) -> Comparison:
    """The recipe beside another, or beside an agent."""
    trial = recipe.claim.trial
    return compare(
        trial.world,
        [trial.against, recipe.name],
        seeds,
        settings=trial.settings,
        world_settings=trial.world_settings,
        by=trial.by,
        out=out,
        watch=watch,
        command=command,
    )


def against_start(
    recipe: Recipe, seeds: int, out: Path, watch: Callable[[str], Progress], command: Sequence[str]
) -> Comparison:
    """The recipe's last evaluation beside its first."""
    trial, runs = recipe.claim.trial, list[Run]()
    for seed in range(seeds):
        wanted = spec(trial.world, recipe.name, MODEL, trial.settings, trial.world_settings, seed)
        runs.append(run_of(wanted, out / f"{recipe.name}-seed{seed}", watch(f"{recipe.name} seed {seed}"), command))
        if not runs[-1].complete:
            return Comparison(out, trial.by, (), tuple(range(seeds)), complete=False)
    starts = [run.before for run in runs if run.before]
    if len(starts) < len(runs):
        raise TurnwiseError(
            f"recipe {recipe.name!r} never evaluates the agent that it starts from",
            f"a recipe with an evaluation before, or a trial against something else than {START!r}",
            "name the baseline in the recipe's claim",
        )
    ends = [run.after for run in runs if run.after]
    arms = (Arm(START, tuple(starts)), Arm(recipe.name, tuple(ends), tuple(runs)))
    return Comparison(out, trial.by, arms, tuple(range(seeds)), complete=True)
