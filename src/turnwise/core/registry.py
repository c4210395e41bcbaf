"""Names to parts. A room registers its parts by module path, so that listing names imports nothing heavy."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from turnwise.core.errors import UnknownName


class Registry:
    """Names of one kind of part, each with the place it is loaded from.

    Args:
        kind: what is registered, for error texts (world, recipe, ...).
        places: name -> "module:attribute", imported on first use.
    """

    def __init__(self, kind: str, places: dict[str, str] | None = None):
        self.kind = kind
        self._places: dict[str, Any] = dict(places or {})

    def add(self, name: str, part: Any) -> None:
        """Register an object, or a "module:attribute" text, under a name (a user's own parts too)."""
        self._places[name] = part

    def get(self, name: str) -> Any:
        """The part.

        Raises:
            UnknownName: with the close matches.
        """
        if name not in self._places:
            raise UnknownName(self.kind, name, self._places)
        place = self._places[name]
        if isinstance(place, str):
            module, attribute = place.split(":")
            place = self._places[name] = getattr(importlib.import_module(module), attribute)
        return place

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._places))

    def __contains__(self, name: str) -> bool:
        return name in self._places
