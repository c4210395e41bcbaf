"""What all commands share: --json, --debug, examples in --help, and an `Out` to print to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from turnwise.cli.failure import DEBUG
from turnwise.cli.out import Out


class Examples:
    """Adds a section `Examples` to --help."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **rest: Any):
        super().__init__(*args, **rest)
        self.examples = list(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, one per line as they are typed."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class Command(Examples, click.Command):
    """A command with examples."""


def command(*examples: str) -> Callable[[Callable[..., Any]], Command]:
    """Make a command of a function whose first argument is an `Out`; its docstring is the help.

    Args:
        examples: at least one, as typed.
    """

    def wrap(function: Callable[..., Any]) -> Command:
        def run(as_json: bool, **values: Any) -> Any:
            return function(Out(as_json, click.get_current_context().obj), **values)

        run.__doc__ = function.__doc__
        run.__name__ = function.__name__
        own = list(reversed(getattr(function, "__click_params__", [])))
        return Command(
            function.__name__.removesuffix("_command"),
            params=[*own, JSON, DEBUGGING],
            callback=run,
            help=function.__doc__,
            examples=examples,
        )

    return wrap


JSON = click.Option(
    ["--json", "as_json"], is_flag=True, help="Print one JSON document to standard output and nothing else."
)
DEBUGGING = click.Option(
    ["--debug"],
    is_flag=True,
    expose_value=False,
    help=f"Show the traceback of an error (so does {DEBUG}=1).",
)


def seed_option(default: int | None, says: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--seed N`."""
    return click.option(
        "--seed", type=click.IntRange(min=0), default=default, show_default=default is not None, help=says
    )
