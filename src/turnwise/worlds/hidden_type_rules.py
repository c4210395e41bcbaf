"""hidden-type: win the consent of a person who is one of three types and shows it only by noisy reactions.

The open type agrees to an offer, the hesitant one has to be pushed, the wary one comes round when it is asked and walks
away from pressure. Every act is met with consent, with leaving, or with a warm or cool reaction; how often, hangs on
the type, so reactions tell something about it. A state holds how many warm and cool reactions each act has met: all
that matters of what was seen, and hence what is believed about the type.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from turnwise.worlds.tabular import Tabular
from turnwise.worlds.unfold import Outcome, unfold

TURNS = 6
TYPES = OPEN, HESITANT, WARY = "open", "hesitant", "wary"
ACTIONS = ASK, OFFER, INSIST, WAIT = "ask", "offer", "insist", "wait"
SPEECH = ASK, OFFER, INSIST


class Manner(NamedTuple):
    """How a type takes an act."""

    agrees: float
    leaves: float
    warm: float  # share of warm reactions where it neither agrees nor leaves


MANNERS = {
    (OPEN, ASK): Manner(0.0, 0.05, 0.8),
    (OPEN, OFFER): Manner(0.5, 0.05, 0.5),
    (OPEN, INSIST): Manner(0.1, 0.5, 0.3),
    (HESITANT, ASK): Manner(0.0, 0.05, 0.6),
    (HESITANT, OFFER): Manner(0.05, 0.05, 0.8),
    (HESITANT, INSIST): Manner(0.6, 0.1, 0.4),
    (WARY, ASK): Manner(0.3, 0.02, 0.2),
    (WARY, OFFER): Manner(0.05, 0.3, 0.1),
    (WARY, INSIST): Manner(0.0, 0.6, 0.1),
}


class State(NamedTuple):
    t: int  # turns taken
    warm: tuple[int, ...]  # reactions per speech act: ask, offer, insist
    cool: tuple[int, ...]


def rules(state: State, action: int) -> list[Outcome]:
    """Consent earns 1 and ends it, leaving and the last turn end with 0; waiting does nothing."""
    t, warm, cool = state
    last = t == TURNS - 1
    if ACTIONS[action] == WAIT:
        return [Outcome(None if last else state._replace(t=t + 1))]
    agrees, leaves, share = np.array([MANNERS[kind, ACTIONS[action]] for kind in TYPES]).T
    stays = 1.0 - agrees - leaves
    ended = [Outcome(None, agrees, 1.0)]
    if last:
        return [*ended, Outcome(None, 1.0 - agrees)]
    return [
        *ended,
        Outcome(None, leaves),
        Outcome(State(t + 1, one_more(warm, action), cool), stays * share),
        Outcome(State(t + 1, warm, one_more(cool, action)), stays * (1.0 - share)),
    ]


def one_more(counts: tuple[int, ...], action: int) -> tuple[int, ...]:
    """The counts with one more reaction to an act."""
    return tuple(count + (act == action) for act, count in enumerate(counts))


@lru_cache
def problem() -> Tabular:
    """792 states, 4 actions, 3 hidden types, one task; the probe is the posterior of the true type."""
    nothing = (0,) * len(SPEECH)
    start, prior = State(0, nothing, nothing), [1 / len(TYPES)] * len(TYPES)
    bare = unfold("hidden-type", ACTIONS, {"person": start}, rules, lambda state: state[1:], prior)
    return replace(bare, probe=bare.belief.T.copy())
