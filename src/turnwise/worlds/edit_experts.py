"""Scripted players of the world `edit`; each reads the conversation alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np

from turnwise.core.protocols import View
from turnwise.worlds.base import Expert, World
from turnwise.worlds.edit_desk import read_context
from turnwise.worlds.edit_documents import style_of, write


def plain(view: View, rng: np.random.Generator) -> str:
    """Writes every document in the same plain style."""
    return write(read_context(view.messages[-1].text)[0], {})


def latest(view: View, rng: np.random.Generator) -> str:
    """Writes as the last document came back."""
    texts = view.messages
    return _like(texts[-1].text, texts[-2].text) if len(texts) > 3 else plain(view, rng)


def nearest(view: View, rng: np.random.Generator) -> str:
    """Writes as that document came back whose notes share most words with these, the last of several."""
    texts = view.messages
    here = words_of(texts[-1].text)
    shared = [len(here & words_of(texts[at].text)) for at in range(0, len(texts) - 1, 3)]
    if not shared:
        return plain(view, rng)
    best = 3 * max(range(len(shared)), key=lambda n: (shared[n], n))
    return _like(texts[-1].text, texts[best + 2].text)


def _like(context: str, edited: str) -> str:
    """A document written as another one is that came back."""
    return write(read_context(context)[0], style_of(edited) or {})


@lru_cache(maxsize=1 << 14)
def words_of(context: str) -> frozenset[str]:
    """The words of the notes."""
    return frozenset(word for point in read_context(context)[0] for word in str(point).split())


EXPERTS: Mapping[str, Callable[[World], Expert]] = {
    "plain": lambda world: plain,
    "latest": lambda world: latest,
    "nearest": lambda world: nearest,
}
