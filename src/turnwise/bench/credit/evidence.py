"""What docs/CREDIT.md is made of: the figures of four runs, kept small beside the code.

python -m turnwise.bench.credit.evidence SHORT LONG OTHERS NETWORKS > src/turnwise/bench/credit/evidence.json

The four are the files credit.json that the commands in `COMMANDS` write.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

COMMANDS = {
    "short": "turnwise bench credit --training --check --out runs/credit-short",
    "long": "turnwise bench credit --replicates 200 --policy uniform --policy mid --policy good --check "
    "--out runs/credit-long",
    "others": "turnwise bench credit --replicates 200 --world hidden-type --world work-stop --world spelled "
    "--out runs/credit-others",
    "networks": "turnwise bench credit --world key-corridor --world work-submit --world loop-grid --world spelled "
    "--networks nano --out runs/credit-networks",
}
SHOWN = {
    "mid": ("pearson", "sign", "null", "cosine", "snr", "bias", "sd", "size", "model_calls"),
    "uniform": ("cosine", "snr"),
    "good": ("cosine", "snr"),
}
"""The statistics that the page shows, by policy."""


@lru_cache
def evidence() -> dict[str, Any]:
    """{replicates, worlds: as `bench_credit`, training, networks, marks: see `marks`}."""
    return json.loads((resources.files("turnwise.bench.credit") / "evidence.json").read_text())


def distilled(
    short: Mapping[str, Any], long: Mapping[str, Any], others: Mapping[str, Any], networks: Mapping[str, Any]
) -> dict[str, Any]:
    """The four runs without what the page does not show."""
    return {
        "replicates": {"short": short["replicates"], "long": long["replicates"]},
        "seed": long["seed"],
        "worlds": {
            world: {policy: kept(one, SHOWN[policy]) for policy, one in policies.items()}
            for world, policies in {**long["worlds"], **others["worlds"]}.items()
        },
        "training": short["training"],
        "networks": {
            world: {stage: of_network(one) for stage, one in stages.items()}
            for world, stages in networks["networks"].items()
        },
        "marks": marks(short["check"], long["check"]),
    }


def marks(short: Sequence[Mapping[str, Any]], long: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many entries of the reference table lie within its marks in each run, and both runs' of those that do not."""
    missed = [
        {key: one[key] for key in ("world", "row", "statistic", "reference")}
        | {"chance": one["chance"], "within": [one["within"], other["within"]]}
        | {"found": [[four(run["found"]), four(run["half_width"])] for run in (one, other)]}
        for one, other in zip(short, long, strict=True)
        if not (one["within"] and other["within"])
    ]
    counts = [sum(one["within"] for one in run) for run in (short, long)]
    return {"entries": len(short), "within": counts, "missed": missed}


def kept(one: Mapping[str, Any], statistics: tuple[str, ...]) -> dict[str, Any]:
    """A world under a policy with some statistics, four digits each."""
    rules = {
        row: {name: figures[name] and [four(part) for part in figures[name]] for name in statistics}
        for row, figures in one["rules"].items()
    }
    return {"value": [four(value) for value in one["value"]], "truth_check": one["truth_check"], "rules": rules}


def of_network(one: Mapping[str, Any]) -> dict[str, Any]:
    """A stage of a network: per row the cosine over situations and in the weights, and SNR."""
    rules = {
        row: {"cosine": figures["cosine"], "weights": figures["weights"], "snr": figures["snr"]}
        for row, figures in one["rules"].items()
    }
    return {"value": one["value"], "other_texts": four(one["other_texts"]), "rules": rules}


def four(number: float) -> float:
    """To four significant digits."""
    return float(f"{number:.4g}")


def lines(found: Any, depth: int = 0) -> str:
    """JSON with a line per row of a table."""
    if not isinstance(found, dict) or depth == 5 or not any(isinstance(one, dict | list) for one in found.values()):
        inside = isinstance(found, list) and found and isinstance(found[0], dict)
        return "[\n" + ",\n".join(map(json.dumps, found)) + "\n]" if inside else json.dumps(found)
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {lines(one, depth + 1)}" for key, one in found.items()) + "\n}"


if __name__ == "__main__":
    sys.stdout.write(lines(distilled(*(json.loads(Path(name).read_text()) for name in sys.argv[1:5]))) + "\n")
