"""What a recipe is: parts, settings with their sources, and a claim."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from turnwise.core.errors import TurnwiseError, close_matches
from turnwise.core.protocols import Agent
from turnwise.loop import Parts
from turnwise.worlds.base import World

if TYPE_CHECKING:
    from turnwise.models.policy import Policy

Sees = Callable[[World, Any], World]
"""World and settings -> the world as the policy sees it, while it learns and afterwards."""

Sits = Callable[["Policy", str], Agent]
"""What was learned and a name for the record -> the agent that it makes."""

Plays = Callable[[World, Any], Agent]
"""World and settings -> an agent that learns without weights, before it has learned anything."""


@dataclass(frozen=True)
class Setup:
    """What a recipe builds from.

    Args:
        world: the definition.
        settings: of the recipe, resolved.
        model: spec of the policy (`scratch:micro`, `hf:DIR`, ...).
        seed: of the run.
        checkpoint: where to load the policy from when a run goes on, None for a new one.
    """

    world: World
    settings: Any
    model: str
    seed: int
    checkpoint: Path | None = None


START = "start"
"""A baseline that every improvement has: the agent it began from, on the same tasks with the same draws."""


@dataclass(frozen=True)
class Trial:
    """The smallest honest experiment of a claim: the recipe and a baseline, each with the same seeds."""

    world: str
    against: str | tuple[str, ...] = START  # or what `turnwise compare` takes: recipes, or agents such as script:NAME
    by: str = "success"  # or return
    times: float = 1.0  # with every seed, so many times the baseline's mean must be reached; 1: to be above is enough
    within: float | None = None  # instead of above: the difference must be shown to lie within so much of 0
    no_worse: float | None = None  # instead of above: it must be shown to be less than so much below
    seeds: int = 5
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # NAME for both, RECIPE.NAME for one
    world_settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def rivals(self) -> tuple[str, ...]:
        """Every baseline; the claim must hold against each."""
        return (self.against,) if isinstance(self.against, str) else self.against


@dataclass(frozen=True)
class Claim:
    """What must come out of a method's trial; `turnwise check` finds out whether it does."""

    says: str  # one sentence
    against: str  # the baseline, in words
    trial: Trial


@dataclass(frozen=True)
class Recipe:
    """A method: what it is called, where it comes from, what can be set, and how its parts are put together."""

    name: str
    title: str
    source: str  # paper or specification sheet
    settings: type  # a frozen dataclass; every field made by `setting`
    build: Callable[[Setup], Parts]
    claim: Claim
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # defaults that differ from the settings class
    instead: str = "imitation"  # what stands in the place of a credit rule, where there is none
    sees: Sees | None = None  # what `run:DIR` is shown of a world; None: the world as it is
    sits: Sits | None = None  # who `run:DIR` is; None: one who says what the policy samples
    plays: Plays | None = None  # who `run:DIR` is where no weights are learned; None: what a policy makes of itself
    leans: tuple[str, ...] = ()  # on what, besides the needs of its credit rule: names in `recipes/methods.py`

    def resolve(self, overrides: Mapping[str, Any]) -> Any:
        """The settings with overrides (texts are converted to the field's type).

        Raises:
            TurnwiseError: an unknown setting (close match named), a value of the wrong kind or size, or a setting that
                was changed and has no effect.
        """
        whose = f"recipe {self.name!r}"
        settings = resolve(self.settings, {**self.changes, **overrides}, whose)
        for field in dataclasses.fields(settings):
            check(settings, field, self.changes.get(field.name, field.default), whose)
        return settings


def setting(default: Any, says: str, source: str = "ours", *, needs: str = "", least: float = 0) -> Any:
    """A field of a settings class: its default, a sentence, and where the default comes from.

    Args:
        needs: the setting that must not be zero for this one to have an effect.
        least: the smallest number that is accepted.
    """
    return dataclasses.field(default=default, metadata={"says": says, "source": source, "needs": needs, "least": least})


def resolve(kind: type, overrides: Mapping[str, Any], whose: str) -> Any:
    """An instance of a settings dataclass from plain values or texts."""
    known = {f.name: f for f in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for name, value in overrides.items():
        if name not in known:
            near = close_matches(name, known)
            raise TurnwiseError(
                f"{whose} has no setting {name!r}",
                f"one of: {', '.join(known)}",
                f"did you mean {near[0]!r}?" if near else "turnwise recipes NAME shows what each one does",
            )
        try:
            values[name] = msgspec.convert(value, hints[name], strict=False)
        except msgspec.ValidationError as error:
            raise TurnwiseError(
                f"{name}={value!r}: {error}", f"a value like {known[name].default!r}", f"{name}: {says(known[name])}"
            ) from None
    return kind(**values)


def check(settings: Any, field: dataclasses.Field, default: Any, whose: str) -> None:
    """Refuse a value that is too small, and one that was changed where it has no effect."""
    name, value, needs = field.name, getattr(settings, field.name), field.metadata.get("needs")
    least = field.metadata.get("least", 0)
    if isinstance(value, int | float) and not value >= least:
        raise TurnwiseError(f"{name}={value}", f"{least} or more", f"{name}: {says(field)}")
    if needs and not getattr(settings, needs) and value != default:
        raise TurnwiseError(
            f"{name}={value} has no effect on {whose} with {needs}={getattr(settings, needs)}",
            f"{needs} above 0, or {name} left at {default!r}",
            f"leave out {name}, or set {needs}",
        )


def says(field: dataclasses.Field) -> str:
    """What a setting does, in its own words."""
    return field.metadata.get("says", "see turnwise recipes")


def table_of(kind: type, changes: Mapping[str, Any] | None = None) -> Sequence[tuple[str, Any, str, str]]:
    """(name, default, sentence, source) of every setting."""
    changes = changes or {}
    return [
        (f.name, changes.get(f.name, f.default), f.metadata.get("says", ""), f.metadata.get("source", ""))
        for f in dataclasses.fields(kind)
    ]
