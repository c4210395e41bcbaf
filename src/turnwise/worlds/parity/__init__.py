"""Recorded episodes of other projects' worlds, played again in ours and compared step by step.

It lives with the worlds because a replayer is knowledge of one world: how a recording names its settings, which of
its draws are handed in, and what its notes correspond to here. One small file per family; `REPLAYERS` lists them.
"""

from __future__ import annotations

from turnwise.worlds.parity.compare import Mismatch, Replay, replay
from turnwise.worlds.parity.recording import REPLAYERS, Recording, load

__all__ = ["REPLAYERS", "Mismatch", "Recording", "Replay", "load", "replay"]
