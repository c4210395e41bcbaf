"""Did it get better, by how much, and is it noise: the two evaluations compared on the tasks that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from turnwise.core.chance import generator
from turnwise.core.types import End, Episode
from turnwise.measure.estimate import Estimate
from turnwise.measure.intervals import success_rate, task_mean
from turnwise.measure.paired import PairedDifference, paired_difference
from turnwise.measure.report.page import RATE, RETURN, Scale, count, p_value
from turnwise.measure.report.record import Record
from turnwise.measure.rows import by_task

FEW_TASKS = 10
"""Clusters below which a t interval is wide on purpose (specs/evaluate/success-and-return-intervals, Pitfalls)."""


WORDS = {
    "better": ("rose", "more than noise explains"),
    "worse": ("fell", "more than noise explains"),
    "unclear": ("went", "within the noise"),
    "edge": ("went", "at the edge of the noise, interval and test disagree"),
}


@dataclass(frozen=True)
class Comparison:
    """One measure before and after."""

    name: str
    scale: Scale
    before: Estimate | None
    after: Estimate | None
    paired: PairedDifference | None  # after minus before

    @property
    def direction(self) -> str:
        """better or worse; unclear within the noise; edge where interval and test disagree; alone without a pair."""
        found = self.paired
        if found is None:
            return "alone"
        beyond = found.low is not None and found.high is not None and not found.low <= 0 <= found.high
        if beyond != (found.p < 0.05):
            return "edge"
        return "unclear" if not beyond else "better" if found.difference > 0 else "worse"


def compare(record: Record) -> list[Comparison]:
    """Success and return of the agent; a measure that no episode has is left out."""
    seed = record.folder.info.get("seed", 0)
    found = []
    for name, scale, score in (("success", RATE, success_of), ("return", RETURN, return_of)):
        scores = [score(e) for e in record.before], [score(e) for e in record.after]
        before = estimate(scores[0], record.before, scale)
        after = estimate(scores[1], record.after, scale)
        if any(e is not None and e.value is not None for e in (before, after)):
            found.append(Comparison(name, scale, before, after, pair(record, *scores, seed)))
    return found


def success_of(episode: Episode) -> float | None:
    """1, 0, or None where the episode is not scored."""
    return None if episode.success is None else float(episode.success)


def return_of(episode: Episode) -> float | None:
    """The agent's return, None where the episode broke."""
    return None if not episode.ends or episode.ends[0].end is End.ERROR else episode.total()


def estimate(scores: Sequence[float | None], episodes: Sequence[Episode], scale: Scale) -> Estimate | None:
    """Mean over tasks with its interval."""
    if not episodes:
        return None
    return (success_rate if scale.rate else task_mean)(scores, [e.task.key for e in episodes])


def pair(
    record: Record, before: Sequence[float | None], after: Sequence[float | None], seed: int
) -> PairedDifference | None:
    """After minus before, task by task; None where no task has a score in both."""
    a, b = (
        by_task(scores, [e.task.key for e in episodes])
        for scores, episodes in ((after, record.after), (before, record.before))
    )
    shared = [t for t in a if t in b and any(s is not None for s in a[t]) and any(s is not None for s in b[t])]
    return paired_difference(a, b, rng=generator(seed, "report", "paired")) if shared else None


def headline(found: Comparison) -> str:
    """One sentence: what happened to the measure."""
    scale, paired = found.scale, found.paired
    if paired is None:
        alone = found.after or found.before
        assert alone is not None
        value, where = scale.value(alone.value, alone.half_width), count(alone.clusters, "task")
        return f"{found.name.capitalize()} is {value} on {where} ({scale.interval(alone)} with 95 % confidence)."
    before, after = (scale.value(mean, half_width(paired)) for mean in (paired.mean_b, paired.mean_a))
    verb, end = WORDS[found.direction]
    return f"{found.name.capitalize()} {verb} from {before} to {after}: {end}."


def half_width(paired: PairedDifference) -> float | None:
    """Half the interval of a difference."""
    return None if paired.low is None or paired.high is None else (paired.high - paired.low) / 2


def details(found: Comparison) -> str:
    """The difference with its interval, test and counts."""
    paired, scale = found.paired, found.scale
    if paired is None:
        return "There is no second evaluation on the same tasks to compare with."
    half = half_width(paired)
    if paired.low is None:
        interval = f"no interval: {paired.note}"
    else:
        low, high = (scale.difference(x, half) for x in (paired.low, paired.high))
        interval = f"95 % interval {low} to {high}"
    test = f"{p_value(paired.p)}, {'exact' if paired.exact else 'sampled'} sign-flip test by task"
    differ = f"{count(paired.tasks, 'task')} in pairs, {paired.discordant} of them differ"
    return f"{scale.difference(paired.difference, half)}{scale.unit} ({interval}; {test}; {differ})."


def caveats(record: Record, found: Sequence[Comparison]) -> list[str]:
    """What the numbers do not say."""
    says = []
    for one in found[:1]:
        for when, e in (("before", one.before), ("after", one.after)):
            if e is not None and e.warning:
                says.append(f"{when.capitalize()}: {e.warning}.")
        if one.paired and one.paired.clusters < FEW_TASKS:
            says.append(f"Only {count(one.paired.clusters, 'task')}: evaluate on more before you rely on this.")
        if one.paired and one.paired.dropped:
            says.append(f"{count(one.paired.dropped, 'task')} of only one evaluation left out of the comparison.")
    if any(c.paired for c in found):
        says.append(
            "Intervals cover the luck of tasks and draws in this evaluation. They do not cover the luck of training: "
            "this is one run with one seed. Compare recipes over seeds with turnwise compare."
        )
    return says
