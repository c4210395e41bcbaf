"""Settings of the whole suite."""

from __future__ import annotations

from hypothesis import settings

# The same examples in every run, and no example fails for being slow on a busy machine.
settings.register_profile("turnwise", deadline=None, derandomize=True)
settings.load_profile("turnwise")
