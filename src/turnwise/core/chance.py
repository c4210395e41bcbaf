"""Chance: a generator per (run seed, task, member, tick), every draw logged, any draw replaceable.

Nothing in turnwise draws from a process-wide generator. The key of an episode fixes all its draws, so an episode does
not depend on which others run beside it, and a recorded episode is replayed by handing its logged draws back in.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from turnwise.core.errors import TurnwiseError

T = TypeVar("T")
MASK = (1 << 64) - 1


def key_of(*parts: Any) -> int:
    """A 64-bit key from anything printable: equal parts give equal keys, on every machine."""
    text = "\x1f".join(str(p) for p in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def generator(*parts: Any) -> np.random.Generator:
    """A numpy generator of its own for these parts."""
    return np.random.Generator(np.random.PCG64(key_of(*parts)))


def uniform_of(*parts: Any) -> float:
    """The one number in [0, 1) that these parts fix: where one is enough, a tenth of what a generator costs."""
    return (key_of(*parts) >> 11) * 2.0**-53


class Chance:
    """The draws of one episode.

    Args:
        key: 64-bit key of the episode, from `key_of(run seed, task key, member)`.
        tick: world time; the stream of each tick starts anew, so that a fork at a tick shares what came before and
            nothing after.
        script: draws to use instead of new ones, by name, in order (replay, parity).
    """

    def __init__(self, key: int, tick: int = 0, script: Mapping[str, Iterable[Any]] | None = None):
        self.key, self.tick = key, tick
        self.log: list[tuple[str, Any]] = []
        self._script = {name: deque(draws) for name, draws in (script or {}).items()}
        self._rng: np.random.Generator | None = None

    @property
    def rng(self) -> np.random.Generator:
        """The generator of this tick. Draws made on it directly are not logged; worlds use the methods below."""
        if self._rng is None:
            self._rng = generator(self.key, self.tick)
        return self._rng

    def at(self, tick: int) -> Chance:
        """Move to the stream of another tick and empty the log."""
        self.tick, self._rng, self.log = tick, None, []
        return self

    def fork(self, member: Any) -> Chance:
        """An independent continuation for a branch; a script goes along."""
        twin = Chance(key_of(self.key, "fork", member), self.tick)
        twin._script = {name: deque(draws) for name, draws in self._script.items()}
        return twin

    def integer(self, below: int, name: str) -> int:
        """A whole number in [0, below), uniform."""
        return self._draw(name, lambda: int(self.rng.integers(below)))

    def uniform(self, name: str) -> float:
        """A number in [0, 1), uniform."""
        return self._draw(name, lambda: float(self.rng.random()))

    def choice(self, options: Sequence[T], name: str) -> T:
        """One of the options, uniform; its index is logged."""
        if not options:
            raise TurnwiseError(f"chance was asked to choose {name!r} from nothing", "at least one option")
        return options[self.integer(len(options), name)]

    def outcome(self, name: str, decide: Callable[[], Any]) -> Any:
        """What another party decides (an oracle's answer, an opponent's move): asked of `decide` unless scripted."""
        return self._draw(name, decide)

    def _draw(self, name: str, new):
        scripted = self._script.get(name)
        value = scripted.popleft() if scripted else new()
        self.log.append((name, value))
        return value
