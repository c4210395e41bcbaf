"""Small programs with planted bugs, their cases, and what there is to say about each kind of bug.

After specs/users/treeinstruct, with programs of our own. Whether a fix is right is found out by running the program on
its cases.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

from turnwise.users.phrases import normalised

LEVELS = ("purpose", "trace", "part")
"""Kinds of questions, each a child of the one before."""


@dataclass(frozen=True)
class Kind:
    """A kind of bug.

    Args:
        concept: what there is to be taught about it, without the fix.
        right: an answer to a question of each level that shows understanding.
        wrong: one that does not.
    """

    concept: str
    right: tuple[str, str, str]
    wrong: tuple[str, str, str]


KINDS: Mapping[str, Kind] = {
    "range": Kind(
        "a range stops before its end",
        ("every place has to be visited", "one place is missed or too many", "the bounds are off by one"),
        ("it just repeats something", "all places are visited", "the name of the counter"),
    ),
    "start": Kind(
        "what is gathered has to start from nothing gathered",
        ("it sets what we begin with", "the result is off before anything is added", "the first value is not neutral"),
        ("it makes a name", "it does not change the result", "the order of the names"),
    ),
    "operator": Kind(
        "each sign of arithmetic has one meaning, and its sides an order",
        ("it combines two values", "the combination comes out differently", "the sign and its sides"),
        ("it stores a value", "the two values are combined as asked", "the brackets around it"),
    ),
    "compare": Kind(
        "a condition should hold in just the cases that are meant",
        ("it chooses the cases that count", "other cases pass than those meant", "the sign of comparison"),
        ("it skips a line", "just the meant cases pass", "the word at its beginning"),
    ),
    "return": Kind(
        "the caller sees what is returned and nothing else",
        ("it hands the result to the caller", "something else than the result comes out", "the name after the word"),
        ("it prints something", "the result comes out", "the place of the line"),
    ),
    "index": Kind(
        "a place in a list is not what stands there",
        ("it takes a thing from its place", "another thing is taken", "which place or value is named"),
        ("it counts up", "the thing that was meant is taken", "the length of the list"),
    ),
}
RIGHT = frozenset(text for kind in KINDS.values() for text in kind.right)


@dataclass(frozen=True)
class Bug:
    """Replace `wrong` with `right` on a line."""

    line: str  # "line 3"
    right: str
    wrong: str
    kind: str


@dataclass(frozen=True, eq=False)
class Program:
    """A function that is right, and where it can be broken."""

    name: str
    problem: str
    lines: tuple[str, ...]
    bugs: tuple[Bug, ...]
    cases: tuple[tuple[Sequence[Any], Any], ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """line 1, line 2, ..."""
        return tuple(f"line {number + 1}" for number in range(len(self.lines)))

    def planted(self, lines: Sequence[str]) -> tuple[Bug, ...]:
        """The bugs on these lines."""
        return tuple(bug for bug in self.bugs if bug.line in lines)

    def written(self, replaced: Mapping[str, str]) -> str:
        """The program with other fragments on the lines of bugs: line -> what stands in place of the right one."""
        by_line = {bug.line: bug for bug in self.bugs}
        changed = [
            line.replace(by_line[name].right, replaced[name]) if name in replaced else line
            for name, line in zip(self.names, self.lines, strict=True)
        ]
        return "\n".join(changed)

    def passes(self, replaced: Mapping[str, str]) -> bool:
        """Whether the program so written gives the right result in every case."""
        return _passes(self, tuple(sorted(replaced.items())))


@lru_cache(maxsize=1 << 12)
def _passes(program: Program, replaced: tuple[tuple[str, str], ...]) -> bool:
    scope: dict[str, Any] = {}
    try:  # every fragment comes from the program's own table
        exec(program.written(dict(replaced)), scope)
        return all(scope[program.name](*arguments) == result for arguments, result in program.cases)
    except (TypeError, IndexError, ZeroDivisionError, NameError):
        return False


@lru_cache(maxsize=1)
def programs() -> Mapping[str, Program]:
    """All there are, by name."""
    text = (files("turnwise") / "worlds" / "data" / "socratic" / "programs.toml").read_text("utf-8")
    return {name: _program(name, row) for name, row in tomllib.loads(text).items()}


def _program(name: str, row: Mapping[str, Any]) -> Program:
    bugs = tuple(Bug(f"line {line}", right, wrong, kind) for line, right, wrong, kind in row["bugs"])
    lines = tuple(row["code"].strip("\n").split("\n"))
    return Program(name, row["problem"], lines, bugs, tuple((args, result) for args, result in row["cases"]))


def squeezed(text: str) -> str:
    """A text without the differences that code does not see: case and white space."""
    return "".join(text.casefold().split())


def leaks(text: str, bugs: Sequence[Bug]) -> bool:
    """Whether a text holds the replacement of any of these bugs: a lower bound, since paraphrases are missed."""
    plain = squeezed(text)
    return any(squeezed(bug.right) in plain for bug in bugs)


def same_code(one: str, other: str) -> bool:
    """Whether two fragments are the same, as far as words that were read can tell."""
    return squeezed(normalised(one)) == squeezed(normalised(other))
