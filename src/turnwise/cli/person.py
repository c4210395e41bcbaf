"""A person at the terminal: what they read, what they type, and how they leave."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from turnwise.cli.out import Out

if TYPE_CHECKING:
    from turnwise.core.protocols import Agent


def person(out: Out) -> Agent:
    """Somebody at the keyboard; with --json what they see goes to standard error."""
    from turnwise.agents.human import HumanAgent

    with suppress(ImportError):  # lines can be edited where the system has readline
        import readline  # noqa: F401

    def read(prompt: str) -> str:
        if not out.as_json:
            return input(prompt)
        out.aside.print(prompt, end="", markup=False)
        return input()

    return HumanAgent(read, lambda text: shown(out, text, "cyan"))


def shown(out: Out, text: str, style: str) -> None:
    """A text, in a colour."""
    from turnwise.cli.transcript import printable

    console = out.aside if out.as_json else out.console
    console.print(printable(text.rstrip("\n")), markup=False, style=style, soft_wrap=True)


@contextmanager
def plain_interrupts() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt where the program stands, also while it waits for a line.

    asyncio would only note the first one, and an `input` would wait on.
    """

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
