"""The picture of README.md: what `turnwise train` prints at its end, made from a run folder.

python docs/picture.py runs/twenty-questions-turn-ppo-1 > docs/picture.svg
"""

from __future__ import annotations

import io
import re
import sys

from rich.console import Console

from turnwise.api.runs import Run, open_run
from turnwise.cli.out import Out
from turnwise.cli.progress import sparkline
from turnwise.cli.train import show


class Recorded(Out):
    """Prints into a picture."""

    console = Console(record=True, width=110, file=io.StringIO(), highlight=False)


def picture(run: Run) -> str:
    """SVG that fetches nothing from elsewhere; the same run gives the same bytes."""
    out = Recorded(False, {})
    out.say(f"[bold green]$[/] {' '.join(run.folder.info['command'])}")
    for stage in dict.fromkeys(line["stage"] for line in run.folder.metrics()):
        out.say(stage_line(run, stage))
    show(out, run, run.path / "report.html")
    svg = out.console.export_svg(title="turnwise", unique_id="turnwise")
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.S)


def stage_line(run: Run, stage: str) -> str:
    """A stage in a line: episodes, seconds, and the success of its rounds."""
    lines = [line for line in run.folder.metrics() if line["stage"] == stage]
    rates = [line["success"]["value"] for line in lines]
    episodes, seconds = sum(line["episodes"] for line in lines), sum(sum(line["seconds"].values()) for line in lines)
    shown = f"{rates[0]:.2f} {sparkline(rates, 30)} {rates[-1]:.2f}" if len(rates) > 1 else f"{rates[0]:.2f}"
    return f"[dim]{stage:<16}[/]{episodes:>6,} episodes{seconds:>5.0f} s   success {shown}"


if __name__ == "__main__":
    sys.stdout.write(picture(open_run(sys.argv[1])))
