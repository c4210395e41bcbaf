"""A person at the keyboard, in any seat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from turnwise.core.cursor import Leave
from turnwise.core.protocols import View
from turnwise.core.types import Act, End, Message


class HumanAgent:
    """Shows what is new and waits for a line. An empty line shows the legal moves; `/quit` or end of input leaves.

    Args:
        read: asks for a line (by default `input`).
        show: prints a line.
    """

    slots: tuple[str, ...] = ()
    name = "human"

    def __init__(self, read: Callable[[str], str] = input, show: Callable[[str], Any] = print):
        self.read, self.show = read, show

    async def act(self, view: View, carry: Any) -> Act:
        """The person's line as typed."""
        for message in view.new:
            self.show(message.text.rstrip("\n"))
        while True:
            try:
                line = self.read(f"{view.seat}> ")  # in this thread, where Ctrl-C reaches it
            except (EOFError, KeyboardInterrupt):
                raise Leave(End.LEFT) from None
            if line.strip() == "/quit":
                raise Leave(End.LEFT)
            if line.strip():
                return Act(Message("assistant", line, writer=self.name))
            self.show(
                "legal: " + " | ".join(t.strip() for t in view.legal) if view.legal else "say something, or /quit"
            )

    def fork(self, carry: Any) -> Any:
        """A person carries nothing that could be copied."""
        return None

    def close(self, carry: Any) -> None:
        """Nothing to release."""
