"""Check a claim: run its trial over seeds, say whether it held, and keep what was found as evidence."""

from __future__ import annotations

import dataclasses
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
from turnwise.api.evaluation import Evaluation, per_task
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
    comparison: Comparison  # the baselines first, then the recipe

    @property
    def trial(self) -> Trial:
        """The experiment."""
        return self.recipe.claim.trial

    @property
    def rivals(self) -> tuple[Arm, ...]:
        """The baselines."""
        return self.comparison.arms[:-1]

    @property
    def own(self) -> Arm:
        """The recipe."""
        return self.comparison.arms[-1]

    @cached_property
    def differences(self) -> dict[str, PairedDifference]:
        """The recipe minus each baseline over all seeds, paired by task and seed, clustered by task."""
        clusters: dict[Hashable, Hashable] = {
            (task, e.seed): task for arm in self.comparison.arms for e in arm.evaluations for task in e.tasks
        }
        own, found = per_task(self.own.evaluations, self.trial.by), dict[str, PairedDifference]()
        for arm in self.rivals:
            rng = generator(*self.comparison.seeds, "check")
            base = per_task(arm.evaluations, self.trial.by)
            found[arm.name] = paired_difference(own, base, rng=rng, clusters=clusters)
        return found

    @property
    def held(self) -> bool:
        """Whether what was claimed came out, against every baseline."""
        return all(self._held(arm) for arm in self.rivals)

    def _held(self, rival: Arm) -> bool:
        low, high = span(self.differences[rival.name])
        if self.trial.within is not None:
            return -self.trial.within < low and high < self.trial.within
        if self.trial.no_worse is not None:
            return -self.trial.no_worse < low
        pair = {rival.name, self.recipe.name}
        above = next(v.above for v in self.comparison.verdicts if {v.pair.a, v.pair.b} == pair) == self.recipe.name
        if not above or low <= 0.0:
            return False
        return self.trial.times == 1.0 or all(self._reached(row) for row in self.by_seed(rival))

    def by_seed(self, rival: Arm) -> list[dict[str, Any]]:
        """Per seed: both means and the paired difference, JSON values."""
        rows = []
        for before, after in zip(rival.evaluations, self.own.evaluations, strict=True):
            rng = generator(after.seed, "gain", self.trial.by)
            gain = paired_difference(per_task([after], self.trial.by), per_task([before], self.trial.by), rng=rng)
            means = [e.success if self.trial.by == "success" else e.returns for e in (before, after)]
            rows.append(
                {
                    "seed": after.seed,
                    "against": rival.name,
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
        first, by = self.own.evaluations[0], self.trial.by
        arms = [f"{means(arm.evaluations, by)} ({arm.name})" for arm in self.comparison.arms]
        apart = [f"{difference_text(found)} from {name}" for name, found in self.differences.items()]
        return (
            f"{self.trial.world}, seeds {self.comparison.seeds[0]} to {self.comparison.seeds[-1]}: "
            f"{by} {'; '.join(arms)}; over all, paired, {', '.join(apart)} "
            f"({len(set(first.tasks))} tasks, {len(first.episodes)} episodes a seed)"
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON values: what is stored as evidence."""
        cost = self.own.cost
        return {
            "held": self.held,
            "summary": self.summary,
            "command": f"turnwise check {self.recipe.name} --seeds {len(self.comparison.seeds)}",
            "seeds": [row for arm in self.rivals for row in self.by_seed(arm)],
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


def means(evaluations: Sequence[Evaluation], by: str) -> str:
    """The mean of each seed."""
    return ", ".join(f"{(e.success if by == 'success' else e.returns).value:.2f}" for e in evaluations)


def difference_text(found: PairedDifference) -> str:
    """A difference with its interval."""
    low, high = span(found)
    return f"{found.difference:+.2f} [{low:+.2f}, {high:+.2f}]"


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
    comparison = played(recipe, seeds, out, watch, command)
    return Checked(recipe, comparison) if comparison.complete else None


def played(
    recipe: Recipe, seeds: int, out: Path, watch: Callable[[str], Progress], command: Sequence[str]
) -> Comparison:
    """Its runs beside those of every baseline, the recipe last."""
    trial = recipe.claim.trial
    others = [name for name in trial.rivals if name != START]
    if others:
        found = compare(
            trial.world,
            [*others, recipe.name],
            seeds,
            settings=trial.settings,
            world_settings=trial.world_settings,
            by=trial.by,
            out=out,
            watch=watch,
            command=command,
        )
    else:
        found = alone(recipe, seeds, out, watch, command)
    if not found.complete or START not in trial.rivals:
        return found
    return dataclasses.replace(found, arms=(start(found.arms[-1]), *found.arms))


def alone(
    recipe: Recipe, seeds: int, out: Path, watch: Callable[[str], Progress], command: Sequence[str]
) -> Comparison:
    """The recipe's own runs."""
    trial, runs = recipe.claim.trial, list[Run]()
    for seed in range(seeds):
        wanted = spec(trial.world, recipe.name, MODEL, trial.settings, trial.world_settings, seed)
        runs.append(run_of(wanted, out / f"{recipe.name}-seed{seed}", watch(f"{recipe.name} seed {seed}"), command))
        if not runs[-1].complete:
            return Comparison(out, trial.by, (), tuple(range(seeds)), complete=False)
    own = Arm(recipe.name, tuple(run.after for run in runs if run.after), tuple(runs))
    return Comparison(out, trial.by, (own,), tuple(range(seeds)), complete=True)


def start(own: Arm) -> Arm:
    """What the recipe's runs began from.

    Raises:
        TurnwiseError: it was never evaluated.
    """
    starts = [run.before for run in own.runs if run.before]
    if len(starts) < len(own.runs):
        raise TurnwiseError(
            f"recipe {own.name!r} never evaluates the agent that it starts from",
            f"a recipe with an evaluation before, or a trial against something else than {START!r}",
            "name the baseline in the recipe's claim",
        )
    return Arm(START, tuple(starts))
