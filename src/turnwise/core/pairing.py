"""Do these parts work together? Asked before the first episode, answered with the setting to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from turnwise.core.errors import WrongPairing

NEXT_MOVES: Mapping[str, str] = {
    "group": "use an explorer that plays several episodes of each task: group of 2 or more",
    "critic": "give the policy a value head: choose a recipe with a critic (ppo, turn-ppo)",
    "token_critic": "give the policy a value head: choose a recipe with a critic (ppo)",
    "state": "choose a recipe that numbers what the agent saw",
    "signals": "add feedback that scores turns, or choose a rule that needs the reward alone",
    "answer": "choose a world that tells the right answer of a task: bit-naming, twenty-questions, wordle",
    "branches": "use an explorer that branches, or choose a rule for straight episodes: rloo, grpo",
    "tokens": "use an agent whose model runs here: scratch:..., hf:DIR or run:DIR",
    "logprobs": "use an agent whose model runs here: scratch:..., hf:DIR or run:DIR",
    "fork": "choose a world that can be copied",
    "expert": "choose a world with a scripted player, or set demos to 0 and start from a trained model",
    "exact sampling": "set temperature=1, top_p=1 and top_k=0 for training",
}


def check(needs: Mapping[str, Iterable[str]], gives: Iterable[str]) -> None:
    """Refuse a pairing in which a part lacks what it needs.

    Args:
        needs: part name -> what it cannot work without.
        gives: what the other parts provide.

    Raises:
        WrongPairing: naming the part, what is missing, and the setting to change.
    """
    given = set(gives)
    for part, wanted in needs.items():
        for need in sorted(set(wanted) - given):
            raise WrongPairing(
                f"{part} needs {need.replace('_', ' ')}, and no part of this run provides it",
                f"a part that gives {need.replace('_', ' ')}; there is: {', '.join(sorted(given)) or 'nothing'}",
                NEXT_MOVES.get(need, "choose another part"),
            )


def gives_of(*parts: Any) -> set[str]:
    """Everything that some parts say they give."""
    return {g for part in parts for g in getattr(part, "gives", ())}
