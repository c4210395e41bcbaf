"""A chooser in a seat: it writes nothing of its own, it values each legal text and says the best (specs/learn/rlap)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import Act, Message, Tokens

if TYPE_CHECKING:
    from turnwise.models.policy import Policy

Menu = dict[bytes, tuple[np.ndarray, ...]]
"""What could be said in each state that was met: int32 ids of the state, as bytes -> int32 ids of every legal text."""


class Chooser:
    """Says argmax_a Q(s, a) over the legal texts a; Q is read by a policy's value head where the text a ends.

    What it says is recorded in ids, none of them sampled: no law was drawn from, so nothing may take them for draws.

    Args:
        policy: with a value head.
        epsilon: probability of a legal text drawn uniformly instead.
        menu: is told what could be said where, for who learns from it.
        name: for the record.
    """

    slots: tuple[str, ...] = ("weights",)

    def __init__(self, policy: Policy, epsilon: float = 0.0, menu: Menu | None = None, name: str = "chooser"):
        self.policy, self.epsilon, self.menu, self.name = policy, epsilon, menu, name

    async def act(self, view: View, carry: np.ndarray | None) -> Act:
        """One legal text; `carry` is int32 ids [S] of all that was read and said so far.

        Raises:
            TurnwiseError: the world does not list what is legal.
        """
        from turnwise.models.choosing import action_values

        if not view.legal:
            raise TurnwiseError("a choice without candidates", "a world that lists what is legal, such as slot-order")
        chat = self.policy.chat
        held = None if view.fresh or not chat.extends else carry
        new = np.array(chat.open(view.messages) if held is None else chat.extend(view.new, closed=True), np.int32)
        state = new if held is None else np.concatenate([held, new])
        options = tuple(np.array(chat.text_ids(text), np.int32) for text in view.legal)
        if self.menu is not None:
            self.menu[state.tobytes()] = options
        rng = generator(view.chance_key)
        if rng.random() < self.epsilon:
            chosen = int(rng.integers(len(options)))
        else:
            chosen = int(np.argmax(action_values(self.policy, state, options)))
        return self._act(view.legal[chosen], options[chosen], new, state)

    def _act(self, text: str, reply: np.ndarray, new: np.ndarray, state: np.ndarray) -> Act:
        silent = np.zeros(len(reply), np.float32)
        tokens = Tokens(new, reply, silent, np.zeros(len(reply), bool))
        carry = np.concatenate([state, reply])
        return Act(Message("assistant", text), carry, tokens, version=self.policy.version)

    def fork(self, carry: Any) -> Any:
        """Ids are never changed, so branches can share them."""
        return carry

    def close(self, carry: Any) -> None:
        """Ids hold nothing."""


def options_of(menu: Menu, state: np.ndarray) -> Sequence[np.ndarray]:
    """What could be said in a state.

    Raises:
        TurnwiseError: nobody chose there.
    """
    found = menu.get(np.asarray(state, np.int32).tobytes())
    if found is None:
        raise TurnwiseError("a state in which nobody chose", "episodes of the chooser whose menu this is")
    return found
