"""Settings of the whole suite."""

from __future__ import annotations

import os

from hypothesis import settings

# Read when torch is first loaded: workers that share the processors must not each spin on all of them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# The same examples in every run, and no example fails for being slow on a busy machine.
settings.register_profile("turnwise", deadline=None, derandomize=True)
settings.load_profile("turnwise")
