"""The section of docs/CREDIT.md on the horizon, made from what `turnwise bench horizon` found."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from turnwise.bench.credit.horizon import ARMS, EPISODES, SIZES, in_words, times_in_words

GOAL = 5.0
"""Times ArCHer's episodes, at 32 turns."""
HERE = resources.files("turnwise.bench.credit")


@lru_cache
def horizon_evidence() -> dict[str, Any]:
    """What the command wrote, kept beside the code."""
    return json.loads((HERE / "horizon.json").read_text())


def section(found: Mapping[str, Any]) -> str:
    """Both tables of every corridor, and what they say."""
    keys = found["corridors"]["a key per four turns"]
    others = [arm.name for arm in ARMS if not arm.name.startswith("archer")]
    template = Environment(undefined=StrictUndefined).from_string((HERE / "horizon.md.j2").read_text())
    return template.render(
        sizes=", ".join(f"{size:g}" for size in SIZES),
        seeds=found["seeds"],
        most=f"{found['updates'] * EPISODES:,}",
        arms=ARMS,
        corridors={
            name: (table(one, in_words), table(one, times_in_words)) for name, one in found["corridors"].items()
        },
        times=lambda name, turns: times_in_words(keys[turns][name]),
        reached=named([name for name in others if keys["32"][name]["factor"][0] >= GOAL]),
        sure=named([name for name in others if keys["32"][name]["factor"][1] >= GOAL]),
        missed=named([name for name in others if keys["32"][name]["factor"][0] < GOAL]),
    )


def table(by_turns: Mapping[str, Any], cell: Callable[[dict[str, Any]], str]) -> str:
    """Markdown: arms by turns."""
    names = [arm.name for arm in ARMS if all(arm.name in one for one in by_turns.values())]
    lines = [["arm", *(f"{turns} turns" for turns in by_turns)], ["---", *["--:"] * len(by_turns)]]
    lines += [[f"`{name}`", *(cell(one[name]) for one in by_turns.values())] for name in names]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def named(names: list[str]) -> str:
    """A list in words."""
    return ", ".join(f"`{name}`" for name in names) or "none"
