"""What the tests of preference learning share: graded episodes of a small policy."""

from __future__ import annotations

import dataclasses

from made_play import Made, nano, sample
from turnwise.core.types import Batch


def played(count=8, turns=3, world=None):
    """A policy and its episodes: groups of one task each."""
    policy = nano("maze")
    episodes, _ = sample(policy, world or Made(turns=4), count, turns=turns)
    return policy, Batch(episodes)


def earning(episode, amount):
    """The same episode when its last turn earned so much."""
    *first, last = (dataclasses.replace(turn, rewards={}) for turn in episode.turns)
    return dataclasses.replace(episode, turns=(*first, dataclasses.replace(last, rewards={"agent": float(amount)})))


def graded(policy_and_batch, returns):
    policy, batch = policy_and_batch
    episodes = [earning(e, r) for e, r in zip(batch.episodes, returns, strict=True)]
    return policy, Batch(episodes)
