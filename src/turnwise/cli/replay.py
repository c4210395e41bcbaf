"""`turnwise replay`: recorded episodes of other projects' worlds, played again in ours."""

from __future__ import annotations

from pathlib import Path

import click

from turnwise.cli.command import command
from turnwise.cli.out import Out

MOST_SHOWN = 20  # mismatches of a file that are printed; --json has all


@command("turnwise replay recorded/maze.json", "turnwise replay --json *.json.gz")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def replay(out: Out, files: tuple[Path, ...]) -> int:
    """Play recorded episodes again in our worlds, and compare.

    FILES are .json or .json.gz, recorded in other projects' worlds; every text, reward and ending is
    compared. The exit code is 1 where anything differs.
    """
    import dataclasses

    from rich.markup import escape

    from turnwise.cli.numbers import plain_table
    from turnwise.worlds.parity import load, replay

    numbers = ("episodes", "steps", "compared", "differ")
    table, found = plain_table("file", "world", *numbers, right=numbers), []
    loaded = [load(path) for path in files]
    for path, recording in zip(files, loaded, strict=True):
        done = replay(recording)
        found.append(dataclasses.asdict(done) | {"file": str(path)})
        counts = (done.episodes, done.steps, done.compared, len(done.mismatches))
        table.add_row(
            escape(str(path)), done.world, *(f"{n:,}" for n in counts), style="red" if done.mismatches else ""
        )
        if not out.as_json:
            for mismatch in done.mismatches[:MOST_SHOWN]:
                out.console.print(f"{path.name}: {mismatch}", markup=False, soft_wrap=True)
            if len(done.mismatches) > MOST_SHOWN:
                out.say(f"[dim]... and {len(done.mismatches) - MOST_SHOWN:,} more (--json has all)[/]")
    differ = any(entry["mismatches"] for entry in found)
    out.say(table)
    moves = ["turnwise worlds NAME shows as_released and other settings"] if differ else ["turnwise worlds"]
    out.finish({"equal": not differ, "files": found}, moves)
    return 1 if differ else 0
