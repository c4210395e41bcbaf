"""The line of metrics that each round leaves in `metrics.jsonl`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from turnwise.core.seats import of_seat
from turnwise.core.types import Episode, Update
from turnwise.measure.estimate import Estimate
from turnwise.measure.intervals import success_rate, task_mean
from turnwise.measure.lines import lines


def measure_round(
    stage: str,
    number: int,
    kind: str,
    episodes: Sequence[Episode],
    updates: Sequence[Update],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """What happened in one round, as JSON values; of a tree, the paths that are fair draws of the policy are scored.

    Args:
        kind: train or evaluate.
        seconds: by part (sample, credit, learn, save).
    """
    played = [(episode, leaf) for episode in episodes for leaf in lines(episode)]
    tasks = [episode.task.key for episode, _ in played]
    scores = [episode.succeeded(leaf) for episode, leaf in played]
    return {
        "stage": stage,
        "round": number,
        "kind": kind,
        "episodes": len(episodes),
        "success": as_json(success_rate([None if score is None else float(score) for score in scores], tasks)),
        "return": as_json(task_mean([episode.total(leaf=leaf) for episode, leaf in played], tasks)),
        **other_returns(played, tasks),
        "turns": as_json(task_mean([agent_turns(*one) for one in played], tasks)),
        "calls": sum(turn.seat == "agent" for episode in episodes for turn in episode.turns),
        "ends": dict(sorted(Counter(leaf.end.value for e in episodes for leaf in e.ends).items())),
        "tokens": token_counts(episodes),
        "update": {of_seat(name, u.seat): value for u in updates for name, value in u.change.items()},
        "version": next((u.after for u in reversed(updates) if u.seat == "agent"), None),
        "seconds": dict(seconds),
    }


def other_returns(played: Sequence[tuple[Episode, int]], tasks: Sequence[str]) -> dict[str, Any]:
    """The return of every seat that acted besides the agent, under its name."""
    others = sorted({turn.seat for episode, _ in played for turn in episode.turns} - {"agent"})
    return {
        of_seat("return", seat): as_json(task_mean([e.total(seat, leaf) for e, leaf in played], tasks))
        for seat in others
    }


def calls_of(line: Mapping[str, Any]) -> float:
    """Turns of the agent that the world answered in a round; folders of older versions have the mean per episode."""
    return line["calls"] if "calls" in line else line["episodes"] * (line["turns"]["value"] or 0.0)


def as_json(found: Estimate) -> dict[str, Any]:
    """An estimate as the report reads it."""
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "clusters": found.clusters,
        "unscored": found.unscored,
        "method": found.method,
    }


def agent_turns(episode: Episode, leaf: int = 0) -> int:
    """Acts of the agent on one path."""
    return sum(episode.turns[i].seat == "agent" for i in episode.path(leaf))


def token_counts(episodes: Sequence[Episode]) -> dict[str, int]:
    """Ids read and written by models of ours."""
    held = [t.tokens for e in episodes for t in e.turns if t.tokens is not None]
    return {"read": sum(len(t.prompt) for t in held), "written": sum(len(t.reply) for t in held)}
