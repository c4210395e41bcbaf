"""How an interviewer speaks, and how a differential is written and read.

diagnosis pneumonia 60%; influenza 30%; urti          what has no number shares what the others leave
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from turnwise.users.phrases import Phrases
from turnwise.worlds.interview_scores import CUT
from turnwise.worlds.interview_tables import Tables

LANGUAGE = Phrases(
    {
        "diagnose": ("diagnosis {value}", "my differential is {value}", "I think it is {value}"),
        "reassure": ("thank you for telling me", "that must be hard", "you did well to come"),
        "ask": ("do you have {about}?", "ask {about}", "any {about}?", "what about {about}?", "{about}?"),
    }
)
ENTRY = re.compile(r"(?P<name>.+?)(?:\s+(?P<share>\d+(?:\.\d+)?)\s*%?)?")


def spoken(known: Tables, chances: np.ndarray, cut: float = CUT) -> str:
    """Chances as a differential's text: what exceeds the cut, most probable first.

    Args:
        chances: float64 [D].
    """
    ranked = [i for i in np.argsort(-chances, kind="stable") if chances[i] > cut]
    return "; ".join(f"{known.conditions[i].name} {100 * chances[i]:.1f}%" for i in ranked)


@lru_cache(maxsize=1 << 14)
def differential(known: Tables, text: str) -> np.ndarray | None:
    """float64 [D] that sums to 1, or None where something is no condition, is named twice, or is no share.

    Entries without a number share equally what the others leave of 100%.
    """
    named: dict[int, float | None] = {}
    for entry in text.split(";"):
        found = ENTRY.fullmatch(entry.strip())
        at = _index(known).get(found["name"].casefold()) if found else None
        if found is None or at is None or at in named:
            return None
        named[at] = float(found["share"]) if found["share"] else None
    given = sum(share for share in named.values() if share is not None)
    silent = [at for at, share in named.items() if share is None]
    chances = np.zeros(len(known.conditions))
    for at, share in named.items():
        chances[at] = share if share is not None else max(0.0, 100.0 - given) / len(silent)
    if chances.sum() <= 0.0:
        return None
    chances /= chances.sum()
    chances.flags.writeable = False
    return chances


@lru_cache(maxsize=8)
def _index(known: Tables) -> dict[str, int]:
    return {name.casefold(): i for name, i in known.index.items()}
