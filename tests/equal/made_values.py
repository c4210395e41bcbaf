"""What the tests of values learned from records share."""

from __future__ import annotations

import numpy as np
import torch

from made_play import nano
from turnwise.core.types import ROOT, End, Episode, Leaf, Message, Task, Tokens, Turn
from turnwise.models.guided import Guide, Guided
from turnwise.models.values import Values


def episode(turns, end=End.DONE, heard=()):
    """An episode of given (prompt, reply, reward, fresh)."""
    made = []
    for number, (prompt, reply, reward, fresh) in enumerate(turns):
        ids, said = np.asarray(prompt, np.int32), np.asarray(reply, np.int32)
        tokens = Tokens(ids, said, np.zeros(len(said), np.float32), np.ones(len(said), bool))
        seen = (Message("user", "?"),)
        made.append(
            Turn(number - 1 if number else ROOT, number, "agent", seen, Message("assistant", "!"), {"agent": reward},
                 tokens, fresh=fresh and number > 0)
        )  # fmt: skip
    leaf = Leaf(len(made) - 1, end, {"agent": heard})
    return Episode("e", Task("t", "made"), tuple(made), (leaf,))


def guided_maze(heads=2, state=True, guide=None, seed=3):
    """A cloned policy whose values say something different everywhere."""
    policy = nano("maze")
    values = Values(policy, heads, state, seed=seed)
    rng = torch.Generator().manual_seed(seed)
    for head in values.q:
        torch.nn.init.normal_(head.outer.weight, std=0.3, generator=rng)
    return Guided(policy, values, guide or Guide())
