"""`turnwise` itself: finds a command by name, imports it then, and turns whatever goes wrong into a few plain lines."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from turnwise.cli.command import Examples
from turnwise.cli.failure import DEBUG, explain
from turnwise.core.errors import UnknownName


class Commands(Examples, click.Group):
    """A group whose commands are named by "module:attribute" and imported on first use."""

    def __init__(self, name: str, *, commands: Mapping[str, str], **rest: Any):
        super().__init__(name, **rest)
        self.places = dict(commands)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, which is that of a first afternoon."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in self.places:
            return None
        module, attribute = self.places[cmd_name].split(":")
        return getattr(importlib.import_module(module), attribute)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click, with the close match of a misspelt name."""
        name = args[0]
        if name not in self.places and not name.startswith("-"):
            raise UnknownName("command", name, self.places, f"{ctx.command_path} --help")
        return super().resolve_command(ctx, args)


class Turnwise(Commands):
    """The top: prints errors and gives the exit code: 0 well, 1 broke or differed, 2 a mistaken call, 130 stopped."""

    def __init__(self, name: str, **rest: Any):
        super().__init__(name, params=[VERSION], context_settings={"max_content_width": 100}, **rest)

    def main(self, args: Any = None, prog_name: str | None = None, **rest: Any) -> Any:  # type: ignore[override]
        """Run the command line; see `click.Command.main`, of which this is the standalone mode."""
        words = list(sys.argv[1:] if args is None else args)
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # transformers would draw into our display
        shared: dict[str, Any] = {}  # what the command tells of itself, for errors
        try:
            code = super().main(words, prog_name, standalone_mode=False, obj=shared, **rest)
        except BrokenPipeError:  # the reader of our output has left, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
        except BaseException as error:  # every error ends here, and none as a traceback unless it is asked for
            if os.environ.get(DEBUG) or "--debug" in words:
                raise
            code = explain(error, shared.get("run"), as_json="--json" in words)
        sys.exit(code if isinstance(code, int) else 0)


def show_version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    """Print the version and end."""
    if asked and not ctx.resilient_parsing:
        from turnwise import __version__

        click.echo(f"turnwise {__version__}")
        ctx.exit()


VERSION = click.Option(
    ["--version"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the version and exit.",
)
