"""A model that wins some games of hidden-type and loses others, for tests that compare whole runs."""

from __future__ import annotations

from pathlib import Path

import turnwise

WORLD = "hidden-type"


def imitator(out: Path) -> str:
    """Its spec; made into a folder, in a few seconds."""
    how = {"demos": 96, "demo_batch": 4, "demo_lr": 3e-3, "max_new": 8, "evaluate": 1}
    run = turnwise.train(WORLD, "bc", model="scratch:nano", settings=how, out=out / "imitator")
    return f"hf:{run.folder.latest_checkpoint() / 'policy'}"


def improved(model: str, recipe: str, out: Path, **settings: object) -> tuple[bytes, list[dict]]:
    """The weights after two rounds of a recipe, and what the rounds' updates said."""
    common = {"demos": 0, "rounds": 2, "tasks": 8, "group": 2, "max_new": 8, "evaluate": 1}
    run = turnwise.train(WORLD, recipe, model=model, settings={**common, **settings}, out=out)
    rounds = [line["update"] for line in run.folder.metrics() if line["stage"] == "improve"]
    assert rounds[0]["zero_credit_share"] < 1, "something was to be learned"
    return (run.folder.latest_checkpoint() / "policy/model.safetensors").read_bytes(), rounds
