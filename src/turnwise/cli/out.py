"""Where a command prints: the result to standard output, as tables or one JSON document; the rest to standard error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


class Out:
    """The two consoles of a command.

    Args:
        as_json: one JSON document instead of what is said.
        shared: what the command tells of itself, for errors.
    """

    def __init__(self, as_json: bool, shared: dict[str, Any]):
        self.as_json, self.shared = as_json, shared

    def opened(self, run: Path) -> None:
        """A run folder is being written from now on."""
        self.shared["run"] = run

    @cached_property
    def console(self) -> Console:
        """Standard output."""
        from rich.console import Console

        return Console(highlight=False)

    @cached_property
    def aside(self) -> Console:
        """Standard error: progress and remarks."""
        from rich.console import Console

        return Console(highlight=False, stderr=True)

    def say(self, *what: Any) -> None:
        """Parts of the result, for people, each on a line of its own; markup is read."""
        for part in () if self.as_json else what:
            self.console.print(part)

    def note(self, text: str) -> None:
        """A remark on the way; text as it is."""
        self.aside.print(text, markup=False, style="dim", soft_wrap=True)

    def working(self, what: str) -> AbstractContextManager[Any]:
        """Say what goes on for some seconds, where somebody looks on."""
        return self.aside.status(what, spinner="line") if self.aside.is_terminal else nullcontext()

    def finish(self, document: dict[str, Any], next_moves: Sequence[str]) -> None:
        """End with what to do next, or with the document."""
        if self.as_json:
            print(json.dumps(document | {"next": list(next_moves)}, ensure_ascii=False))
            return
        width = len("next: ")
        for number, move in enumerate(next_moves):
            label = "next: " if number == 0 else " " * width
            self.console.print(f"[green]{label}[/]", end="")
            self.console.print(move, markup=False, soft_wrap=True)
