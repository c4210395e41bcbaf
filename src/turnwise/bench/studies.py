"""docs/STUDIES.md, made from what `bench budget` and `bench poet` found.

python -m turnwise.bench.studies > docs/STUDIES.md
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from turnwise.bench import budget, poet
from turnwise.bench.lmrl.document import cell, table


def page(budgets: Mapping[str, Any], grown: Mapping[str, Any]) -> str:
    """The whole page, of documents of `bench_budget` and `bench_poet`."""
    text = (resources.files("turnwise.bench") / "studies.md.j2").read_text("utf-8")
    template = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True).from_string(text)
    most = max(one["steps"] for one in budgets["cells"])
    return template.render(
        budgets=budgets,
        most=most,
        answers=answers(budgets, most),
        acts=acts(budgets),
        grown=grown,
        claims=claims(grown),
        courses=courses(grown),
    )


def answers(found: Mapping[str, Any], most: int) -> str:
    """What asking again buys where acts are many: a row per player, decoy rate and number of answers."""
    rows = [
        [
            f"`{one['agent']}`",
            f"{one['decoys']:g}",
            str(one["attempts"]),
            *(cell(one[name], 2) for name in ("success", "mended", "lost")),
            cell(one["actions"], 1),
        ]
        for one in found["cells"]
        if one["steps"] == most
    ]
    header = ["player", "decoys", "answers", "accuracy", "mended", "lost", "acts"]
    return table(header, rows)


def acts(found: Mapping[str, Any]) -> str:
    """What a cap on acts costs where one answer is taken: a row per player and decoy rate, a column per cap."""
    caps = sorted({one["steps"] for one in found["cells"]})
    once = {(c["agent"], c["decoys"], c["steps"]): c["success"] for c in found["cells"] if c["attempts"] == 1}
    lines = dict.fromkeys((agent, rate) for agent, rate, _ in once)
    rows = [[f"`{a}`", f"{rate:g}", *(cell(once[a, rate, cap], 2) for cap in caps)] for a, rate in lines]
    return table(["player", "decoys", *(f"{cap} acts" for cap in caps)], rows)


def claims(found: Mapping[str, Any]) -> str:
    """What had to come out, and did or did not."""
    rows = [
        [says, cell([one["difference"], one["low"], one["high"]], 2), "yes" if one["held"] else "no"]
        for says, one in found["claims"].items()
    ]
    return table(["claim", "difference", "held"], rows)


def courses(found: Mapping[str, Any]) -> str:
    """The hardest course of each seed, and what each way of training came to on it."""
    arms = {"poet": "POET", "no_transfers": "no transfers", "curriculum": "by hand", "direct": "direct"}
    rows = [
        [
            f"seed {one['seed']}: " + ", ".join(f"{name} {value:g}" for name, value in one["target"].items() if value),
            f"{one['by_chance']:.1g}",
            *(f"{one[arm]:.2f}" for arm in arms),
            *(f"{one['annecs'][arm]}" for arm in ("poet", "no_transfers")),
        ]
        for one in found["seeds"]
    ]
    return table(["hardest course", "by chance", *arms.values(), "ANNECS of POET", "ANNECS without transfers"], rows)


if __name__ == "__main__":
    sys.stdout.write(page(budget.evidence(), poet.evidence()))
