"""How a policy divides its probability over a fixed set of answers: what it believes, asked without sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.types import Message

if TYPE_CHECKING:
    from turnwise.models.policy import Policy


def shares(
    policy: Policy,
    views: Sequence[Sequence[Message]],
    options: Sequence[Sequence[str]],
    batch_tokens: int = 16384,
) -> list[np.ndarray]:
    """Per view float64 [A]: the probability of each of its options, among them; a row sums to 1.

    An option is spelled as the tokenizer spells it and closed by the end of a reply; other spellings are not counted
    (`turnwise.models.law` adds them up). Reads the policy and changes nothing: nothing is drawn.

    Args:
        views: what is in view when the question is asked, the question included.
        options: A answers of each view.
        batch_tokens: tokens per forward pass.
    """
    import torch

    from turnwise.models.law import scores

    prompts = [policy.chat.open(tuple(view)) for view in views]
    said = [
        (prompt, (*policy.chat.text_ids(text),))
        for prompt, texts in zip(prompts, options, strict=True)
        for text in texts
    ]
    found, lot, size = list[np.ndarray](), list[tuple[Sequence[int], Sequence[int]]](), 0
    with torch.no_grad():
        for pair in said:
            longer = size + len(pair[0]) + len(pair[1])
            if lot and longer > batch_tokens:
                found.append(scores(policy, lot))
                lot, longer = [], longer - size
            lot.append(pair)
            size = longer
        if lot:
            found.append(scores(policy, lot))
    flat = np.concatenate(found) if found else np.zeros(0)
    parts = np.split(flat, np.cumsum([len(texts) for texts in options])[:-1]) if options else []
    return [_softmax(part) for part in parts]


def _softmax(logp: np.ndarray) -> np.ndarray:
    weights = np.exp(logp - logp.max())
    return weights / weights.sum()
