"""The command line. Each command is a file of its own, imported when it is called; nothing heavy before that."""

from __future__ import annotations

from turnwise.cli.group import Turnwise

main = Turnwise(
    "turnwise",
    commands={
        "train": "turnwise.cli.train:train",
        "evaluate": "turnwise.cli.evaluate:evaluate",
        "compare": "turnwise.cli.compare:compare",
        "check": "turnwise.cli.check:check",
        "play": "turnwise.cli.play:play",
        "replay": "turnwise.cli.replay:replay",
        "worlds": "turnwise.cli.worlds:worlds",
        "users": "turnwise.cli.users:users",
        "recipes": "turnwise.cli.recipes:recipes",
        "report": "turnwise.cli.report:report",
        "bench": "turnwise.cli.bench:bench",
    },
    help="Simulate, train, guide and evaluate agents that act over many turns.",
    examples=["turnwise train", "turnwise play wordle", "turnwise worlds"],
)
