"""What a class says about its settings: the section `Args:` of its docstring, and of those it inherits from."""

from __future__ import annotations

import inspect
import re

ENTRY = re.compile(r"^ {4}(?P<names>\w+(?:, \w+)*): (?P<says>.*)")


def arguments(kind: type) -> dict[str, str]:
    """Setting -> its sentences; what a class leaves unsaid is taken from its bases."""
    found: dict[str, str] = {}
    for one in kind.__mro__:
        if one.__doc__:
            found = section(inspect.cleandoc(one.__doc__)) | found
    return found


def section(text: str) -> dict[str, str]:
    """The entries below `Args:`, continuation lines joined."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in text.partition("Args:\n")[2].splitlines():
        if line.strip() and not line.startswith(" "):
            break
        entry = ENTRY.match(line)
        if entry:
            names = entry["names"].split(", ")
            found |= dict.fromkeys(names, entry["says"])
        else:
            found |= {name: f"{found[name]} {line.strip()}".strip() for name in names}
    return found


def description(kind: type) -> str:
    """The docstring before its sections, a line per paragraph."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("\n\nArgs:")[0]
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
