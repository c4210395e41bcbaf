"""What makes a person harder to talk to: six knobs, all at rest by default, each with a measured effect."""

from __future__ import annotations

from dataclasses import dataclass, fields

from turnwise.core.errors import TurnwiseError


@dataclass(frozen=True)
class Knobs:
    """Chances from 0 to 1, and a number of turns.

    A person at rest says what its disclosure rule allows, rightly, to whoever asks, for as long as it takes.

    Args:
        patience: turns without use, in a row, after which it leaves; 0: it never does.
        vagueness: chance that an answer names the kind of thing and not the thing.
        error: chance that an answer names another value by mistake.
        withholding: chance that an answer is refused that the rule would allow; it may be asked for again.
        cooperation: chance that a second fact that may be told is told along with the first.
        changing: chance per turn that a fact which may change does.
    """

    patience: int = 0
    vagueness: float = 0.0
    error: float = 0.0
    withholding: float = 0.0
    cooperation: float = 0.0
    changing: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "patience":
                if value < 0:
                    raise TurnwiseError(f"patience={value}", "0 (endless) or a number of turns")
            elif not 0.0 <= value <= 1.0:
                raise TurnwiseError(f"{field.name}={value:g}", "a chance from 0 to 1")


AT_REST = Knobs()
