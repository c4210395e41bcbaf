"""`turnwise report`: a run as one page."""

from __future__ import annotations

from pathlib import Path

import click

from turnwise.cli.command import command
from turnwise.cli.out import Out


@command(
    "turnwise report runs/twenty-questions-turn-ppo-1 --open",
    "turnwise report runs/key-corridor-turn-ppo-1 --rules exact,rloo,turn-gae",
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--open", "browse", is_flag=True, help="Open it in the browser.")
@click.option("--rules", metavar="A,B,...", help="Credit rules to show side by side on the last evaluation.")
def report(out: Out, run: Path, browse: bool, rules: str | None) -> None:
    """Build the page of a run: one file that opens offline."""
    from turnwise.api.runs import open_run
    from turnwise.measure.report import build_report

    page = open_run(run).report(names(rules)) if rules else build_report(run)
    if browse and click.launch(str(page)):
        out.note("no browser could be started; the page is a file")
    out.say(f"report: {page}")
    moves = [] if browse else [f"turnwise report {run} --open"]
    out.finish({"run": str(run), "report": str(page)}, [*moves, *agent_moves(run)])


def names(rules: str) -> list[str]:
    """The rules asked for, in their order."""
    return [name.strip() for name in rules.split(",") if name.strip()]


def agent_moves(run: Path) -> list[str]:
    """What can be done with the agent of the run, if it holds one."""
    from turnwise.core.run_folder import RunFolder

    folder = RunFolder.open(run)
    if folder.latest_checkpoint() is None:
        return ["turnwise train"]
    return [f"turnwise play {folder.info['settings']['world']} --agent run:{run}", f"turnwise evaluate run:{run}"]
