"""What is printed when something goes wrong: found, expected, next. Never a traceback unless it is asked for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from turnwise.core.errors import TurnwiseError, close_matches

DEBUG = "TURNWISE_DEBUG"
"""Environment variable that lets tracebacks through, as `--debug` does."""

MISTAKE, BROKE, STOPPED = 2, 1, 130


def explain(error: BaseException, run: Path | None = None, as_json: bool = False) -> int:
    """Print an error to standard error (with --json a document to standard output as well) and give the exit code.

    Args:
        run: the run folder that the command was writing.
    """
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else BROKE
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return say("stopped", "", f"turnwise train --resume {run}" if run else "", STOPPED, as_json)
    if isinstance(error, TurnwiseError):
        return say(error.found, error.expected, error.next_move, MISTAKE, as_json)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message())
        return 0
    if isinstance(error, click.UsageError):
        return say(*usage(error), MISTAKE, as_json)
    if isinstance(error, click.ClickException):
        return say(error.format_message(), "", "", error.exit_code, as_json)
    found = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(": ")
    where = f"no such mistake in turnwise or in a part of yours{f'; what was written is in {run}' if run else ''}"
    return say(found, where, f"{call()} --debug, which shows the traceback", BROKE, as_json)


def say(found: str, expected: str, next_move: str, code: int, as_json: bool) -> int:
    """The lines, in colour where the terminal has it."""
    label, colour = ("stopped", "yellow") if code == STOPPED else ("error", "red")
    click.secho(found if code == STOPPED else f"error: {found}", fg=colour, err=True)
    if expected:
        click.echo(f"expected: {expected}", err=True)
    if next_move:
        click.echo(f"next: {next_move}", err=True)
    if as_json:
        click.echo(json.dumps({label: {"found": found, "expected": expected, "next": next_move}}))
    return code


def usage(error: click.UsageError) -> tuple[str, str, str]:
    """Click's own refusals in our form: found, expected, next."""
    path = error.ctx.command_path if error.ctx else "turnwise"
    if isinstance(error, click.NoSuchOption):
        known = [opt for p in error.ctx.command.params for opt in p.opts if opt.startswith("-")] if error.ctx else []
        near = close_matches(error.option_name, known)
        hint = f"did you mean {' or '.join(near)}?" if near else f"{path} --help"
        return f"{path} has no option {error.option_name}", f"one of: {', '.join(known)}", hint
    message = error.format_message()
    return message[0].lower() + message[1:].rstrip("."), "", f"{path} --help"


def call() -> str:
    """The command line as it was typed."""
    import shlex

    return " ".join(["turnwise", *map(shlex.quote, sys.argv[1:])])
