"""The loop: collect, judge, credit, learn, keep. It sees protocols only; recipes hand it the parts.

A run is a list of stages; a stage is some rounds; after each round everything that the next one needs is on disk, so a
run that is stopped at any round goes on from there as if it had not been.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turnwise.core.errors import RunFolderError
from turnwise.core.progress import Clock, Progress, Silent
from turnwise.core.types import Batch, CreditTable, Episode, Signal, Task, Update
from turnwise.measure.rounds import measure_round

if TYPE_CHECKING:
    from turnwise.core.run_folder import RunFolder

SMALL_OBJECTS = 100_000
"""New objects after which Python looks for cycles. A round makes a million, in none; with the default of 700, two
thirds of the time that it takes to write a round down go into looking."""


@dataclass
class Round:
    """What one round gave."""

    episodes: list[Episode]
    chosen: list[Episode] = field(default_factory=list)  # what was learned from
    signals: list[Signal] = field(default_factory=list)
    credit: dict[str, CreditTable] = field(default_factory=dict)
    updates: list[Update] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass
class Stage:
    """Some rounds of one kind: collect, judge, choose, credit, learn. Without a learner it is an evaluation.

    Args:
        name: unique in the run; file names carry it.
        rounds: how many.
        collect: round number -> episodes.
        make_learner: called when the stage begins, so that a reference policy is the policy of that moment; None for
            an evaluation.
        credit: learner, episodes and what feedback said of them -> credit of the batch, one table or one for each seat
            that learns; None where the learner needs none.
        choose: which episodes are learned from; all of them by default.
        feedback: judges of the episodes.
    """

    name: str
    rounds: int
    collect: Callable[[int, Progress], list[Episode]]
    make_learner: Callable[[], Any] | None = None
    credit: Callable[[Any, Sequence[Episode], Sequence[Signal]], CreditTable | Sequence[CreditTable]] | None = None
    choose: Callable[[Sequence[Episode]], list[Episode]] = list
    feedback: Sequence[Any] = ()
    learner: Any = None

    def play(self, number: int, progress: Progress) -> Round:
        """One round."""
        clock = Clock()
        done = Round(self.collect(number, progress))
        clock.lap("sample", done.seconds)
        if self.feedback:
            done.signals = [s for judge in self.feedback for s in asyncio.run(judge.judge(done.episodes))]
            clock.lap("judge", done.seconds)
        if self.learner is None:
            return done
        done.chosen = self.choose(done.episodes)
        if self.credit is not None:
            found = self.credit(self.learner, done.chosen, done.signals)
            done.credit = {table.name: table for table in ([found] if isinstance(found, CreditTable) else found)}
            clock.lap("credit", done.seconds)
        batch = Batch(done.chosen, done.signals, done.credit)
        done.updates = self.learner.learn(batch, lambda share: progress.part("learn", share))
        clock.lap("learn", done.seconds)
        return done


@dataclass
class Parts:
    """What a recipe hands to the loop.

    Args:
        stages: in order.
        save: writes to a checkpoint directory whatever the stages share (the policy).
    """

    stages: Sequence[Stage]
    save: Callable[[Path], None]


def train(parts: Parts, folder: RunFolder, progress: Progress | None = None) -> bool:
    """Run all stages into the folder, from its latest checkpoint if it has one.

    Returns:
        True when the run is complete, False when somebody asked to stop; then the same call goes on where it stopped.
    """
    progress = progress or Silent()
    at, checkpoint = resume_point(parts, folder)
    with fewer_collections():
        return run_stages(parts, folder, progress, at, checkpoint)


@contextmanager
def fewer_collections() -> Iterator[None]:
    """Let Python look for cycles less often, and as before afterwards: the process may be somebody's own."""
    before = gc.get_threshold()
    gc.set_threshold(SMALL_OBJECTS, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def run_stages(
    parts: Parts, folder: RunFolder, progress: Progress, at: tuple[int, int], checkpoint: Path | None
) -> bool:
    """All stages from a point on; see `train`."""
    for number, stage in enumerate(parts.stages):
        if (number, stage.rounds) <= at:
            continue
        begin(stage, checkpoint if at[0] == number and at[1] > 0 else None)
        progress.stage(stage.name, stage.rounds)
        for round_number in range(at[1] if at[0] == number else 0, stage.rounds):
            record = one_round(parts, stage, round_number, folder, progress)
            progress.round(record)
            if progress.stop:
                return (number, round_number) == (len(parts.stages) - 1, stage.rounds - 1)
    return True


def one_round(parts: Parts, stage: Stage, round_number: int, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Play a round and put all of it on disk: episodes, signals and credit, metrics, checkpoint."""
    done = stage.play(round_number, progress)
    clock = Clock()
    folder.append(done.episodes, stage.name, round_number)
    if done.signals:
        folder.append_signals(done.signals, stage.name, round_number)
    for table in (part for whole in done.credit.values() for part in (whole, *whole.critics)):
        folder.append_credit(done.chosen, table, stage.name, round_number)
    clock.lap("save", done.seconds)
    kind = "evaluate" if stage.make_learner is None else "train"
    record = measure_round(stage.name, round_number, kind, done.episodes, done.updates, done.seconds)
    folder.metric(record)
    folder.checkpoint(stage.name, round_number, lambda to: save(parts, stage, round_number, to))
    folder.prune_checkpoints(keep=2)
    return record


def begin(stage: Stage, checkpoint: Path | None) -> None:
    """Make the stage's learner, with the state it had if the stage goes on."""
    if stage.make_learner is None:
        return
    stage.learner = stage.make_learner()
    if checkpoint is not None:
        stage.learner.load(checkpoint / "learner")


def save(parts: Parts, stage: Stage, round_number: int, to: Path) -> None:
    """A checkpoint: what is shared, the learner's own state, and where the run stands."""
    parts.save(to)
    if stage.learner is not None:
        (to / "learner").mkdir()
        stage.learner.save(to / "learner")
    (to / "state.json").write_text(json.dumps({"stage": stage.name, "next_round": round_number + 1}))


def resume_point(parts: Parts, folder: RunFolder) -> tuple[tuple[int, int], Path | None]:
    """(number of the stage, next round) and the checkpoint that says so.

    Raises:
        RunFolderError: the checkpoint stands in a stage that these parts do not have.
    """
    checkpoint = folder.latest_checkpoint()
    if checkpoint is None:
        return (0, 0), None
    state, names = json.loads((checkpoint / "state.json").read_text()), [stage.name for stage in parts.stages]
    if state["stage"] not in names:
        raise RunFolderError(
            f"the run stopped in stage {state['stage']!r}",
            f"one of: {', '.join(names)}",
            "go on with the turnwise that began it, or begin a new run",
        )
    return (names.index(state["stage"]), int(state["next_round"])), checkpoint


def tasks_in_turn(tasks: Sequence[Task], count: int, round_number: int) -> list[Task]:
    """`count` tasks, going round the list, so that over the rounds every task comes equally often."""
    first = round_number * count
    return [tasks[(first + i) % len(tasks)] for i in range(count)]
