"""docs/LMRL.md, made from the evidence: python -m turnwise.bench.lmrl.document > docs/LMRL.md"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from turnwise.bench.lmrl.evidence import evidence
from turnwise.bench.lmrl.games import GAMES, METHODS


def page(found: Mapping[str, Any]) -> str:
    """The whole page, of a document of `bench_lmrl`."""
    text = (resources.files("turnwise.bench.lmrl") / "lmrl.md.j2").read_text("utf-8")
    template = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True).from_string(text)
    games = found["games"]
    return template.render(
        found=found,
        published=published(),
        scores=scores(games),
        agreements=agreements(games),
        sections=[section(name, one) for name, one in games.items()],
        missing=[GAMES[name].title for name in GAMES if name not in games],
    )


def published() -> str:
    """What the paper prints: normalised scores, raw returns in brackets."""
    rows = [
        [f"`{method}`", *(f"{g.published.scores[n]:.1f} ({g.published.returns[n]:g})" for g in GAMES.values())]
        for n, method in enumerate(METHODS)
    ]
    return table(["method", *(game.title for game in GAMES.values())], rows)


def scores(games: Mapping[str, Any]) -> str:
    """Normalised scores, ours beside the published ones."""
    header = ["method", *(f"{one['title']}: {what}" for one in games.values() for what in ("here", "published"))]
    rows = []
    for number, method in enumerate(METHODS):
        row = [f"`{method}`"]
        for name, one in games.items():
            row += [cell(one["methods"][method]["score"], 0), f"{GAMES[name].published.scores[number]:.1f}"]
        rows.append(row)
    return table(header, rows)


def agreements(games: Mapping[str, Any]) -> str:
    """How well the orders agree."""
    header = ["game", "Kendall tau-b", "p", "Spearman rho", "p", "published order", "order here"]
    rows = []
    for name, one in games.items():
        row = [one["title"]]
        for agreed in one["agreement"].values():
            row += [cell([agreed["value"], agreed["low"], agreed["high"]], 2), f"{agreed['p']:.3f}"]
        ours = {method: figures["return"][0] for method, figures in one["methods"].items()}
        theirs = dict(zip(METHODS, GAMES[name].published.returns, strict=True))
        rows.append([*row, order(theirs), order(ours)])
    return table(header, rows)


def order(returns: Mapping[str, float]) -> str:
    """Methods from the best to the worst."""
    return " > ".join(sorted(returns, key=lambda method: -returns[method]))


def section(name: str, one: Mapping[str, Any]) -> str:
    """One game: what is small, its anchors, raw returns, and which pairs were told apart."""
    game, anchors = GAMES[name], one["anchors"]
    worst, mean, best = game.published.anchors
    lines = [
        f"### {one['title']}\n",
        f"Smaller than published: {one['smaller']}.",
        f"{len(one['seeds'])} seeds, {one['episodes']} evaluation games each.",
        f"Anchors: 0 is {anchors['worst']:g}, 50 is {anchors['data'][0]:.2f} (the return of `script:"
        f"{one['players']['data']}`, who made the data), 100 is {anchors['best'][0]:.2f} (`script:"
        f"{one['players']['best']}`). Published: {worst:g}, {mean:g}, {best:g}.\n",
    ]
    rows = []
    for number, method in enumerate(METHODS):
        figures = one["methods"][method]
        rows.append(
            [
                f"`{method}`",
                cell(figures["return"], 2),
                ", ".join(f"{value:.1f}" for value in figures["by_seed"]),
                f"{sum(figures['success']) / len(figures['success']):.2f}",
                f"{figures['own_episodes']:.0f}",
                f"{game.published.returns[number]:g}",
            ]
        )
    header = ["method", "return", "by seed", "success", "own games", "published return"]
    apart = [
        f"{pair['above']} above {pair['b'] if pair['above'] == pair['a'] else pair['a']}"
        for pair in one["pairs"]
        if pair["above"]
    ]
    told = f"Told apart, over tasks and over seeds, with all pairs counted: {'; '.join(apart) or 'none'}."
    return "\n".join([*lines, table(header, rows), "", told])


def cell(figure: Sequence[float | None], digits: int) -> str:
    """A value and its interval."""
    value, low, high = figure
    if value is None or low is None or high is None:
        return "-" if value is None else f"{value:.{digits}f}"
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown; all columns but the first hold numbers."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page(evidence()))
