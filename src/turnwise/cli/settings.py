"""`--set key=value`: settings of the recipe by name, settings of the world as `world.NAME`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import click

from turnwise.core.errors import TurnwiseError

WORLD = "world."
LEADING_POINT = re.compile(r"^(-?)\.(?=\d)")  # .9, which people type and no parser of ours reads


def set_option(says: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--set key=value`, as often as wanted."""
    return click.option("--set", "sets", metavar="KEY=VALUE", multiple=True, help=says)


def parse(sets: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """(settings of the recipe, settings of the world), as texts.

    Raises:
        TurnwiseError: no `=`, or a key that is set twice.
    """
    found: dict[str, str] = {}
    for text in sets:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise TurnwiseError(f"--set {text}", "--set key=value", "put a = between the name and its value")
        if key in found:
            raise TurnwiseError(f"--set {key} twice, as {found[key]!r} and {value!r}", "each setting once")
        found[key] = LEADING_POINT.sub(r"\g<1>0.", value)
    of_world = {key.removeprefix(WORLD): value for key, value in found.items() if key.startswith(WORLD)}
    return {key: value for key, value in found.items() if not key.startswith(WORLD)}, of_world


def parse_world(sets: Sequence[str]) -> dict[str, str]:
    """Where there is no recipe: settings of the world, `world.` in front or not."""
    bare, of_world = parse(sets)
    twice = bare.keys() & of_world.keys()
    if twice:
        raise TurnwiseError(f"--set {twice.pop()} twice, with and without world.", "each setting once")
    return bare | of_world
