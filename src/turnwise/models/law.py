"""The law of a policy over a few texts: how probable each is as the whole reply in a view.

With it a world that is small enough gives the exact values of a network (`World.exact`). A text can be spelled by many
sequences of tokens, and a policy samples tokens; so the probabilities of all spellings are added up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Message
from turnwise.models.policy import Policy
from turnwise.models.rows import Rows

MOST_SPELLINGS = 512
"""Spellings of one text up to which they are counted out."""


def law_of(
    policy: Policy, texts: Sequence[str], batch_tokens: int = 16384
) -> Callable[[Sequence[tuple[Message, ...]]], np.ndarray]:
    """The law of a policy over some texts.

    Args:
        texts: A replies, without their end token; a policy that samples at temperature 1 may say anything else too.
        batch_tokens: tokens per forward pass.

    Returns:
        From N views to float64 [N, A]; a row sums to at most 1, what it lacks goes to other texts. A reply that is cut
        for its length is such a text.

    Raises:
        TurnwiseError: a text with more spellings than can be counted out.
    """
    spelled = [[(*ids, policy.chat.stop_ids[0]) for ids in spellings(policy, text)] for text in texts]
    act = np.array([number for number, several in enumerate(spelled) for _ in several])
    replies = [reply for several in spelled for reply in several]

    @torch.no_grad()
    def law(views: Sequence[tuple[Message, ...]]) -> np.ndarray:
        found = np.zeros((len(views), len(texts)))
        pairs = [(number, k) for number in range(len(views)) for k in range(len(replies))]
        prompts = [policy.chat.open(view) for view in views]
        longest = max(map(len, prompts), default=0) + max(map(len, replies))
        step = max(1, batch_tokens // longest)
        for first in range(0, len(pairs), step):
            lot = pairs[first : first + step]
            for (number, k), logp in zip(lot, scores(policy, [(prompts[n], replies[k]) for n, k in lot]), strict=True):
                found[number, act[k]] += np.exp(logp)
        return found

    return law


@torch.no_grad()
def scores(policy: Policy, said: Sequence[tuple[Sequence[int], Sequence[int]]]) -> np.ndarray:
    """float64 [R]: log-probability of each reply after its prompt."""
    rows = [np.array([*prompt, *reply], np.int64) for prompt, reply in said]
    asked = [np.arange(len(row)) >= len(prompt) for row, (prompt, _) in zip(rows, said, strict=True)]
    packed = Rows.pack(rows, asked, policy.device)
    logp = policy(packed).score(packed.targets)[0].double().cpu().numpy()
    return np.add.reduceat(logp, np.cumsum([0] + [len(reply) for _, reply in said])[:-1])


def spellings(policy: Policy, text: str) -> list[tuple[int, ...]]:
    """All sequences of tokens that decode to a text.

    Raises:
        TurnwiseError: there are more than `MOST_SPELLINGS`, or none.
    """
    pieces = {ids: piece for ids, piece in pieces_of(policy).items() if piece in text}

    @cache
    def after(start: int) -> list[tuple[int, ...]]:
        if start == len(text):
            return [()]
        ways = [(i, *rest) for i, p in pieces.items() if text.startswith(p, start) for rest in after(start + len(p))]
        if len(ways) > MOST_SPELLINGS:
            raise TurnwiseError(
                f"{text!r} can be spelled in more than {MOST_SPELLINGS} ways",
                "short acts, whose exact probability can be added up",
                "use a tokenizer of fewer pieces, or shorter legal texts",
            )
        return ways

    found = after(0)
    if not found:
        raise TurnwiseError(f"{text!r} cannot be spelled by this tokenizer", "a text of its characters")
    return found


def pieces_of(policy: Policy) -> dict[int, str]:
    """Token -> its text; without those that are no whole text by themselves (special tokens, parts of a character)."""
    texts = {i: policy.chat.decode([i]) for i in range(policy.causal.config.vocab_size)}
    return {i: text for i, text in texts.items() if text and "\N{REPLACEMENT CHARACTER}" not in text}
