"""What a run is, resolved: a world, a recipe, a model, every setting, a seed. It is what `run.json` keeps."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import operator
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

import msgspec

from turnwise import worlds
from turnwise.core.errors import TurnwiseError
from turnwise.loop import Parts
from turnwise.recipes import RECIPES
from turnwise.recipes.base import Recipe, Setup
from turnwise.worlds.base import World

PLAIN = (bool, int, float, str, NoneType)
"""Kinds that a text can be read as."""


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides what a run gives."""

    world: World
    recipe: Recipe
    settings: Any  # an instance of `recipe.settings`
    model: str
    seed: int

    def build(self, checkpoint: Path | None = None) -> Parts:
        """The parts, from the beginning or from a checkpoint."""
        return self.recipe.build(Setup(self.world, self.settings, self.model, self.seed, checkpoint))

    def as_json(self) -> dict[str, Any]:
        """The `settings` of run.json; the seed has a place of its own there."""
        return {
            "world": self.world.name,
            "world_settings": self.world.settings(),
            "recipe": self.recipe.name,
            "recipe_settings": dataclasses.asdict(self.settings),
            "model": self.model,
        }


def spec(
    world: str,
    recipe: str,
    model: str,
    settings: Mapping[str, Any],
    world_settings: Mapping[str, Any],
    seed: int,
) -> RunSpec:
    """Resolve names and settings (texts are converted to the setting's type).

    Raises:
        UnknownName: no such world or recipe; the close matches are named.
        TurnwiseError: an unknown setting or a value of the wrong kind.
    """
    method: Recipe = RECIPES.get(recipe)
    return RunSpec(make_world(world, world_settings), method, method.resolve(settings), model, seed)


def spec_of(info: Mapping[str, Any], path: Path) -> RunSpec:
    """The spec that a run folder keeps.

    Raises:
        TurnwiseError: the folder is no training run, or the world is not what it was.
    """
    kept = info["settings"]
    if "recipe" not in kept:
        raise TurnwiseError(f"{path} is no training run", "a folder that turnwise train wrote", "check the path")
    found = spec(
        kept["world"], kept["recipe"], kept["model"], kept["recipe_settings"], kept["world_settings"], info["seed"]
    )
    before, now = info["worlds"].get(found.world.name), found.world.hash()
    if before != now:
        raise TurnwiseError(
            f"the world {found.world.name!r} of {path} had hash {before}, and has {now} today",
            "the world that the run began with",
            f"use turnwise {info['versions'].get('turnwise')}, or begin a new run",
        )
    return found


def make_world(name: str, settings: Mapping[str, Any]) -> World:
    """A world by name; settings given as texts are converted to the types of its constructor.

    Raises:
        UnknownName, TurnwiseError: as `turnwise.worlds.make`, or a value of the wrong kind.
    """
    kind = worlds.WORLDS.get(name)
    hints, known = typing.get_type_hints(kind.__init__), inspect.signature(kind).parameters
    values = {
        key: convert(value, hints[key], key, known[key].default) if key in known else value
        for key, value in settings.items()
    }
    return worlds.make(name, **values)


def convert(value: Any, kind: Any, name: str, default: Any) -> Any:
    """A text as its setting wants it; what is no text stays as it is.

    Raises:
        TurnwiseError: it cannot be read as that kind.
    """
    plain = [k for k in typing.get_args(kind) or (kind,) if k in PLAIN]
    if not isinstance(value, str) or not plain:
        return value
    if NoneType in plain and value.lower() in ("none", "null"):
        return None
    try:
        return msgspec.convert(value, functools.reduce(operator.or_, plain), strict=False)
    except msgspec.ValidationError as error:
        raise TurnwiseError(f"{name}={value!r}: {error}", f"a value like {default!r}") from None
