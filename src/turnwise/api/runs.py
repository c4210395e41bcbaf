"""A run on disk, read: its spec, how it did before and after, and what changed task by task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turnwise.agents.spec import policy_of
from turnwise.api.evaluation import Evaluation, per_task
from turnwise.api.specs import RunSpec, spec_of
from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.run_folder import RunFolder
from turnwise.core.types import Episode, Seat
from turnwise.measure.paired import PairedDifference, paired_difference
from turnwise.measure.rounds import calls_of

if TYPE_CHECKING:
    from turnwise.models.policy import Policy

BEFORE, AFTER = "evaluate-before", "evaluate-after"
"""Stages that recipes name alike: what an improvement begins from, and what a recipe ends with."""


@dataclass(frozen=True)
class Run:
    """A training run. Everything is read from the folder when it is asked for."""

    path: Path
    spec: RunSpec
    found: tuple[str, ...] = ()  # what was damaged or set aside, a sentence each

    @cached_property
    def folder(self) -> RunFolder:
        """The folder, for reading."""
        return RunFolder.open(self.path)

    @property
    def complete(self) -> bool:
        """Whether its last evaluation is there."""
        return any(seal.stage == AFTER for seal in self.folder.checkpoints())

    @cached_property
    def before(self) -> Evaluation | None:
        """The evaluation that the recipe improves on; None where it has none, or has not come to it."""
        return self._evaluation(BEFORE)

    @cached_property
    def after(self) -> Evaluation | None:
        """The evaluation at the end."""
        return self._evaluation(AFTER)

    def gain(self, by: str = "success") -> PairedDifference | None:
        """After minus before, paired by task (same tasks, same draws); None without both, or without scores."""
        if self.before is None or self.after is None or (by == "success" and self.after.success.value is None):
            return None
        rng = generator(self.spec.seed, "gain", by)
        return paired_difference(per_task([self.after], by), per_task([self.before], by), rng=rng)

    def pairs(self) -> Iterator[tuple[Episode, Episode]]:
        """(before, after) of the same task with the same draws."""
        if self.before is not None and self.after is not None:
            then = {(e.task.key, e.origin["member"]): e for e in self.before.episodes}
            for now in self.after.episodes:
                yield then[(now.task.key, now.origin["member"])], now

    def cost(self) -> dict[str, float]:
        """What the run has cost so far: demonstrations, own episodes to learn from, world calls in them (turns of
        the agent, each counted once where paths share it), tokens written, seconds."""
        lines = self.folder.metrics()
        learned = [line for line in lines if line["kind"] == "train"]
        own = [line for line in learned if line["tokens"]["written"]]
        return {
            "demonstrations": sum(line["episodes"] for line in learned) - sum(line["episodes"] for line in own),
            "episodes": sum(line["episodes"] for line in own),
            "calls": sum(calls_of(line) for line in own),
            "tokens": sum(line["tokens"]["written"] for line in own),
            "seconds": sum(sum(line["seconds"].values()) for line in lines),
        }

    def policy(self, seat: Seat = "agent") -> Policy:
        """The policy that learned to play a seat, as the run left it.

        Raises:
            TurnwiseError: no checkpoint holds one.
        """
        from turnwise.models.policy import Policy

        checkpoint = self.folder.latest_checkpoint()
        if checkpoint is None:
            raise TurnwiseError(f"{self.path} has no checkpoint", "a run that trained", "turnwise train")
        return Policy.load(policy_of(checkpoint, seat))

    def report(self, rules: Sequence[str] = ()) -> Path:
        """Build report.html in the folder.

        Args:
            rules: credit rules to lay on the last evaluation, side by side; see `turnwise.api.laying.lay`.
        """
        from turnwise.api.laying import lay
        from turnwise.measure.report import build_report

        return build_report(self.path, lay(self, rules) if rules else None)

    def as_json(self) -> dict[str, Any]:
        """What came out, JSON values."""
        return {
            "run": str(self.path),
            "complete": self.complete,
            "seed": self.spec.seed,
            **self.spec.as_json(),
            "before": self.before.as_json() if self.before else None,
            "after": self.after.as_json() if self.after else None,
            "gain": {by: difference_json(self.gain(by)) for by in ("success", "return")},
            "cost": self.cost(),
            "found": list(self.found),
        }

    def _evaluation(self, stage: str) -> Evaluation | None:
        episodes = tuple(self.folder.episodes(stage))
        name = f"{self.spec.recipe.name} {stage.removeprefix('evaluate-')}"
        return Evaluation(name, self.spec.world, episodes, self.spec.seed, 1.0) if episodes else None


def open_run(path: str | Path) -> Run:
    """A run by its folder; nothing on disk is changed.

    Raises:
        RunFolderError: no run is there, or it cannot be read.
        TurnwiseError: it is no training run, or its world has changed since.
    """
    folder = RunFolder.open(path)
    return Run(folder.path, spec_of(folder.info, folder.path), tuple(folder.found))


def difference_json(found: PairedDifference | None) -> dict[str, Any] | None:
    """A paired difference, JSON values."""
    if found is None:
        return None
    names = ("difference", "low", "high", "p", "exact", "tasks", "discordant", "episodes", "dropped", "unscored")
    return {name: getattr(found, name) for name in names} | {"note": found.note}
