"""New replies of the current policy in old states."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from turnwise.core.types import Tokens
from turnwise.models.engine import Engine
from turnwise.models.policy import Policy
from turnwise.models.sampling import Sampling


def fresh_replies(
    policy: Policy, states: Sequence[np.ndarray], sampling: Sampling, keys: Sequence[int], live: int
) -> list[Tokens]:
    """One reply per state, a ~ pi(.|s).

    Args:
        policy: as it is now.
        states: int32 ids [S] each, all that is read before the reply.
        sampling: the law and the longest reply; it ends where the policy's chat says.
        keys: of the draws, one per state: a reply depends on its state and key alone.
        live: most replies under way at once.
    """
    engine = Engine(policy, max_rows=live)
    how = dataclasses.replace(sampling, stop_ids=policy.chat.stop_ids)

    async def one(state: np.ndarray, key: int) -> Tokens:
        line = engine.open()
        tokens = await engine.reply(line, state.tolist(), how, key)
        engine.close(line)
        return tokens

    return engine.run([one(state, key) for state, key in zip(states, keys, strict=True)])
