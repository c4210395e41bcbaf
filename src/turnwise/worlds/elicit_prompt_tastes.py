"""What somebody wants a picture to be: fifteen dimensions, four values each, some of them important to them
(specs/users/dialprompt, specs/plan/prompt-interviewers).

The dimensions are those of DialPrompt; their values, how common each is, and the laws below are ours. A vague request
names a kind of picture. What matters in a picture of this kind is known for a crowd of people (`IMPORTANCE`), and
differs from one to the next: Dirichlet(concentration * importance of the kind).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from turnwise.core.chance import generator

DIMENSIONS: Mapping[str, tuple[str, str, str, str]] = {
    "style": ("oil painting", "photograph", "ink drawing", "watercolour"),
    "form": ("upright format", "wide format", "square format", "round format"),
    "detail": ("rich detail", "plain shapes", "fine texture", "rough strokes"),
    "composition": ("centred", "off centre", "symmetric", "layered"),
    "creativity": ("true to life", "dreamlike", "playful", "abstract"),
    "theme": ("nature", "city life", "legend", "science"),
    "mood": ("calm", "joyful", "gloomy", "tense"),
    "lighting": ("daylight", "golden hour", "moonlight", "studio light"),
    "focus": ("sharp all over", "soft background", "close up", "wide view"),
    "realism": ("realistic", "stylised", "cartoon", "surreal"),
    "colour": ("warm colours", "cold colours", "black and white", "pastel"),
    "setting": ("outdoors", "indoors", "by the sea", "in the mountains"),
    "resolution": ("high resolution", "web size", "print size", "thumbnail"),
    "elements": ("people", "animals", "plants", "buildings"),
    "artist": ("impressionist", "minimalist", "baroque", "modern"),
}
"""Dimension -> values, the commonest first."""

PRIOR = (0.4, 0.3, 0.2, 0.1)
"""How common the values of a dimension are."""

MATTERS: Mapping[str, tuple[str, ...]] = {
    "portrait": ("mood", "lighting", "focus", "realism"),
    "landscape": ("setting", "colour", "style", "composition"),
    "poster": ("form", "theme", "resolution", "detail"),
    "illustration": ("creativity", "artist", "elements", "style"),
}
"""Kind of picture -> dimensions that matter most to people who ask for one."""

SUBJECTS = ("my sister", "an old tower", "a fox", "our village", "a ship", "the harvest", "a violin", "two friends")
WEIGHT = 8.0
"""How much more a dimension matters that matters most to a kind."""


@dataclass(frozen=True, eq=False)
class Taste:
    """What somebody wants.

    Args:
        kind: of picture, named in the request.
        values: dimension -> value.
        weights: how much each dimension counts, float64 [15], summing to 1.
        easy: dimensions that they leave to whoever paints.
    """

    kind: str
    subject: str
    values: Mapping[str, str]
    weights: np.ndarray
    easy: frozenset[str]

    @cached_property
    def weight(self) -> Mapping[str, float]:
        """The weights by dimension."""
        return dict(zip(DIMENSIONS, self.weights.tolist(), strict=True))

    @property
    def request(self) -> str:
        """What they say first."""
        return f"{self.kind} of {self.subject}"


@lru_cache(maxsize=8)
def importance(kind: str) -> np.ndarray:
    """What matters to the crowd who ask for a kind of picture: float64 [15], summing to 1."""
    weights = np.array([WEIGHT if name in MATTERS[kind] else 1.0 for name in DIMENSIONS])
    return weights / weights.sum()


def drawn(rng: np.random.Generator, kind: str, subject: str, concentration: float, easy: float) -> Taste:
    """Somebody with a request, from the crowd. Each draw in a fixed order, so that equal generators give one person."""
    chosen = rng.choice(4, size=len(DIMENSIONS), p=PRIOR)
    values = {name: of[at] for (name, of), at in zip(DIMENSIONS.items(), chosen.tolist(), strict=True)}
    weights = rng.dirichlet(np.maximum(concentration * len(DIMENSIONS) * importance(kind), 1e-3))
    left = frozenset(name for name, u in zip(DIMENSIONS, rng.random(len(DIMENSIONS)).tolist(), strict=True) if u < easy)
    return Taste(kind, subject, values, weights, left)


@lru_cache(maxsize=1 << 13)
def taste(key: str, concentration: float, easy: float) -> Taste:
    """The person of a task."""
    rng = generator("elicit-prompt", key)
    kind, subject = list(MATTERS)[rng.integers(len(MATTERS))], SUBJECTS[rng.integers(len(SUBJECTS))]
    return drawn(rng, kind, subject, concentration, easy)


def completed(known: Mapping[str, str], halves: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """A picture: what is known, the commoner of two values where that much is known, else the commonest."""
    return {name: known.get(name) or halves.get(name, of)[0] for name, of in DIMENSIONS.items()}


def half(name: str, value: str) -> tuple[str, str]:
    """The two values that somebody names who is vague: the commoner two, or the rarer two."""
    of = DIMENSIONS[name]
    return (of[0], of[1]) if value in of[:2] else (of[2], of[3])


def prompt(request: str, picture: Mapping[str, str]) -> str:
    """The text for whoever paints; it names every dimension."""
    return f"{request}: " + ", ".join(picture[name] for name in DIMENSIONS)


@lru_cache(maxsize=1 << 10)
def gain(name: str, kind: str, known: tuple[str, ...] | None) -> float:
    """Expected match that asking about a dimension adds, for somebody from the crowd: w (1 - p of the best guess).

    Args:
        known: the two values between which a vague answer has left it.
    """
    weight = float(importance(kind)[list(DIMENSIONS).index(name)])
    guess = PRIOR[0] if known is None else chance_of(name, known[0]) / sum(chance_of(name, v) for v in known)
    return weight * (1.0 - guess)


def chance_of(name: str, value: str) -> float:
    """How common a value is."""
    return PRIOR[DIMENSIONS[name].index(value)]
