"""Settings of the whole suite."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import settings

# Read when torch is first loaded: workers that share the processors must not each spin on all of them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# The same examples in every run, and no example fails for being slow on a busy machine.
settings.register_profile("turnwise", deadline=None, derandomize=True)
settings.load_profile("turnwise")


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk():
    """No test cuts the power: what a process wrote is there for the next one without being brought to the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def a_vocabulary_is_played_once():
    """The texts from which scratch models learn their vocabulary are 300 episodes, the same whenever they are asked
    for: a run of the suite plays them once per world, settings and seed.
    """
    from turnwise.agents import spec

    played, worlds = spec.corpus, dict[tuple[str, str, int], Any]()

    @lru_cache
    def texts(key: tuple[str, str, int], episodes: int) -> tuple[str, ...]:
        return tuple(played(worlds[key], key[2], episodes))

    def corpus(world, seed, episodes=300):
        key = (f"{type(world).__module__}.{type(world).__qualname__}", repr(sorted(world.settings().items())), seed)
        worlds.setdefault(key, world)
        return list(texts(key, episodes))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spec, "corpus", corpus)
        yield
