"""Play the games: every method with every seed, normalised, and held against the published table."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from turnwise.api.comparing import compare
from turnwise.api.comparison import Arm, Comparison
from turnwise.api.defaults import MODEL
from turnwise.api.evaluating import evaluate
from turnwise.api.evaluation import per_task
from turnwise.bench.lmrl.agreement import agreement, kendall, spearman
from turnwise.bench.lmrl.games import GAMES, METHODS, SOURCE, Game
from turnwise.core.chance import generator
from turnwise.core.errors import UnknownName
from turnwise.core.progress import Progress, Silent
from turnwise.measure.estimate import Estimate
from turnwise.measure.intervals import naive_mean
from turnwise.measure.normalised import Anchors

RUNS = Path("runs") / "lmrl"
ANCHOR_GAMES = 40
"""Games per task that scripted players play to fix the anchors; they cost next to nothing."""


def bench_lmrl(
    games: Sequence[str] = tuple(GAMES),
    seeds: int | None = None,
    *,
    out: str | Path = RUNS,
    watch: Callable[[str], Progress] = lambda label: Silent(),
    command: Sequence[str] = (),
) -> dict[str, Any] | None:
    """Train every method with every seed in every game; runs that lie in `out` are used again, or gone on with.

    Args:
        games: names of `GAMES`.
        seeds: how many, counted from 0; by default as many as each game says.
        watch: who watches a run, by its label.

    Returns:
        {model, source, games: {name: see `measured`}}; None where somebody asked to stop, then the same call goes on.

    Raises:
        UnknownName: no such game.
    """
    for name in games:
        if name not in GAMES:
            raise UnknownName("game", name, GAMES)
    found = {}
    for name in games:
        game = GAMES[name]

        def watch_here(label: str, name: str = name) -> Progress:
            return watch(f"{name}: {label}")

        comparison = compare(
            game.world,
            METHODS,
            seeds or game.seeds,
            settings=game.settings,
            world_settings=game.world_settings,
            by="return",
            out=Path(out) / name,
            watch=watch_here,
            command=command,
        )
        if not comparison.complete:
            return None
        found[name] = measured(game, comparison)
    return {"model": MODEL, "source": SOURCE, "games": found}


def measured(game: Game, comparison: Comparison) -> dict[str, Any]:
    """A game's figures, JSON values."""
    data, best = (played(game, player) for player in (game.data, game.best))
    assert data.value is not None and best.value is not None
    anchors = Anchors(game.worst, data.value, best.value, f"reference player script:{game.data}")
    returns = returns_of(comparison.arms)
    rng = generator(*comparison.seeds, "agreement")
    agreed = {
        correlation.__name__: vars(agreement(correlation, returns, game.published.returns, rng))
        for correlation in (kendall, spearman)
    }
    return {
        "title": game.title,
        "smaller": game.smaller,
        "seeds": list(comparison.seeds),
        "episodes": len(comparison.arms[0].evaluations[0].episodes),
        "anchors": {"worst": anchors.worst, "data": told(data), "best": told(best)},
        "players": {"data": game.data, "best": game.best},
        "methods": {arm.name: method(arm, anchors) for arm in comparison.arms},
        "pairs": [
            {"a": v.pair.a, "b": v.pair.b, "above": v.above, "difference": round(v.pair.difference.difference, 3)}
            for v in comparison.verdicts
        ],
        "agreement": agreed,
    }


def played(game: Game, player: str) -> Estimate:
    """The mean return of a scripted player, over all tasks to the world's own end."""
    found = evaluate(f"script:{player}", game.world, world_settings=game.world_settings, episodes=1)
    tasks = len(found.world.tasks("eval"))
    episodes = ANCHOR_GAMES * tasks
    return evaluate(f"script:{player}", game.world, world_settings=game.world_settings, episodes=episodes).returns


def method(arm: Arm, anchors: Anchors) -> dict[str, Any]:
    """One method's return and normalised score, each with its interval over seeds: others would train others."""
    by_seed = [evaluation.returns.value for evaluation in arm.evaluations]
    mean = naive_mean(by_seed)
    return {
        "return": told(mean),
        "score": [None if end is None else anchors.carried(end) for end in told(mean)],
        "by_seed": by_seed,
        "success": [evaluation.success.value for evaluation in arm.evaluations],
        "seconds": None if arm.cost is None else round(arm.cost["seconds"], 1),
        "own_episodes": None if arm.cost is None else arm.cost["episodes"],
    }


def told(found: Estimate) -> list[float | None]:
    """Value and the ends of its interval."""
    return [found.value, found.low, found.high]


def returns_of(arms: Sequence[Arm]) -> np.ndarray:
    """Mean return of each arm with each seed on each task: float64 [methods, seeds, tasks]."""
    seeds, tasks = [e.seed for e in arms[0].evaluations], list(dict.fromkeys(arms[0].evaluations[0].tasks))
    found = [per_task(arm.evaluations, "return") for arm in arms]
    every = [[[one[(task, seed)] for task in tasks] for seed in seeds] for one in found]
    return np.array(every, np.float64).mean(-1)  # every task is played equally often


def store(found: dict[str, Any], place: Path) -> Path:
    """Keep the figures where docs/LMRL.md reads them; games that were not played keep theirs."""
    before = json.loads(place.read_text("utf-8")) if place.is_file() else {"games": {}}
    games = {**before["games"], **found["games"]}
    whole = {**found, "games": {name: games[name] for name in GAMES if name in games}}
    place.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    return place
