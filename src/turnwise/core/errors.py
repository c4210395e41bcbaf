"""What goes wrong, said so that the reader can go on: found, expected, next move."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TurnwiseError(Exception):
    """A mistake in what turnwise was given.

    Args:
        found: what is there, quoted.
        expected: what would have been right.
        next_move: the one thing to do now (a command, a setting, a file to look at).
    """

    def __init__(self, found: str, expected: str = "", next_move: str = ""):
        self.found, self.expected, self.next_move = found, expected, next_move
        lines = [found]
        if expected:
            lines.append(f"expected: {expected}")
        if next_move:
            lines.append(f"next: {next_move}")
        super().__init__("\n".join(lines))

    def __reduce__(self):
        return type(self), (self.found, self.expected, self.next_move)


class UnknownName(TurnwiseError):
    """A name that is not registered; suggests the close ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str], next_move: str = ""):
        known = sorted(known)
        self.kind, self.name, self.known = kind, name, known
        near = close_matches(name, known)
        expected = f"one of: {', '.join(known)}" if len(known) <= 12 else f"one of {len(known)} names"
        hint = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else next_move
        super().__init__(f"no {kind} named {name!r}", expected, hint)

    def __reduce__(self):
        return type(self), (self.kind, self.name, self.known, self.next_move)


class WrongPairing(TurnwiseError):
    """Parts that cannot work together, refused before the first episode."""


class RunFolderError(TurnwiseError):
    """A run folder that cannot be read or continued as it is."""


def close_matches(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Registered names that look like `name`, best first."""
    by_lower = {k.lower(): k for k in known}
    return [by_lower[m] for m in difflib.get_close_matches(name.lower(), by_lower, n=most, cutoff=0.5)]
