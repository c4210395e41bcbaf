"""JSON as the run folder writes it: keys in their order, exact numbers, null where a number is missing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from turnwise.core.errors import TurnwiseError


def to_json(value: Any, what: str, indent: int | None = None) -> str:
    """JSON text of a value; numpy numbers as numbers, NaN and infinities as null (JSON has none).

    Args:
        value: texts, numbers, booleans, None, lists, mappings with text keys.
        what: what the value is, for the error text.
        indent: spaces per level, or everything on one line.

    Raises:
        TurnwiseError: `value` holds something that JSON cannot say.
    """
    encoder = LINE if indent is None else json.JSONEncoder(**SAY, indent=indent)
    try:
        try:
            return encoder.encode(value)
        except ValueError:
            return encoder.encode(finite(value))
    except TypeError as error:
        expected = "JSON values only: texts, numbers, true, false, null, lists, mappings"
        raise TurnwiseError(f"{what}: {error}", expected) from None


def plain(value: Any) -> Any:
    """What JSON does not know but can say."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{value!r} is a {type(value).__name__}")


def finite(value: Any) -> Any:
    """A JSON value with None in place of NaN and infinities."""
    if isinstance(value, Mapping):
        return {key: finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else finite(plain(value))


SAY: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False, "default": plain}
LINE = json.JSONEncoder(**SAY)  # made once: an encoder costs more than encoding a small value
