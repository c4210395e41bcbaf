"""What each turn contributed to the outcome, by a model whose contributions add up to it over an episode (SPA)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from turnwise.core.chance import key_of
from turnwise.core.types import End, Episode, Signal

NAME = "contribution"

Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(ids of turns (T,), offsets of episodes (E + 1,), outcomes (E,)) -> contribution of each id;
`turnwise.credit.spa.fit_table` is one."""


class Tale(NamedTuple):
    """One path, as the estimator sees it."""

    turns: tuple[int, ...]  # key of what was seen last and what was said, per agent turn
    outcome: float


class Progress:
    """Feedback: the signal `contribution` of a turn is what the estimator says of (what was seen last, what was said).

    The estimator is a table with a number per such pair, refitted every round on the paths of the last rounds. Every
    second episode of a round makes one half, the others the other, and each half is judged by a fit on the other half
    and the rounds before: no contribution is read from the episode's own outcome. A pair that the fit never met gets 0.
    Where the past stays in view, what was seen last is not all that was known, and the table is that much coarser.

    Args:
        fit: how contributions are fitted to outcomes.
        rounds: rounds that are remembered, the present one among them.

    Source: arXiv 2505.20732, specs/credit/spa-rl; the paper reads a language model where this reads a table.
    """

    needs = frozenset[str]()
    gives = frozenset({"signals"})

    def __init__(self, fit: Fit, rounds: int = 4):
        self.fit = fit
        self.past: deque[list[Tale]] = deque(maxlen=rounds - 1)

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """One signal per turn of every path that did not break; the round is remembered."""
        half_of = {episode.id: number % 2 for number, episode in enumerate(episodes)}
        told = [
            (episode, leaf, tale_of(episode, leaf))
            for episode in episodes
            for leaf in range(len(episode.ends))
            if episode.ends[leaf].end is not End.ERROR
        ]
        halves: list[list[Tale]] = [[tale for e, _, tale in told if half_of[e.id] == half] for half in (0, 1)]
        before = list(chain.from_iterable(self.past))
        tables = [self.fitted([*before, *halves[1 - half]]) for half in (0, 1)]
        self.past.append([tale for _, _, tale in told])
        signals: dict[tuple[str, int], Signal] = {}
        for episode, leaf, tale in told:
            table = tables[half_of[episode.id]]
            for turn, key in zip(agent_turns(episode, leaf), tale.turns, strict=True):
                signal = Signal(episode.id, NAME, turn, leaf, value=table.get(key, 0.0), source="progress")
                signals.setdefault((episode.id, turn), signal)
        return list(signals.values())

    def fitted(self, tales: Sequence[Tale]) -> dict[int, float]:
        """Contribution of every pair that these paths met."""
        number: dict[int, int] = {}
        ids = [number.setdefault(key, len(number)) for tale in tales for key in tale.turns]
        if not ids:
            return {}
        starts = np.cumsum([0, *(len(tale.turns) for tale in tales)])
        theta = self.fit(np.array(ids), starts, np.array([tale.outcome for tale in tales]))
        return {key: float(theta[at]) for key, at in number.items()}

    def state(self) -> Any:
        """What is remembered, JSON values."""
        return [[[list(tale.turns), tale.outcome] for tale in tales] for tales in self.past]

    def restore(self, state: Any) -> None:
        """Stand where `state` stood."""
        self.past.clear()
        self.past.extend([Tale(tuple(turns), outcome) for turns, outcome in tales] for tales in state)


def agent_turns(episode: Episode, leaf: int) -> list[int]:
    """The agent's turns on a path."""
    return [index for index in episode.path(leaf) if episode.turns[index].seat == "agent"]


def tale_of(episode: Episode, leaf: int) -> Tale:
    """A path as keys and outcome."""
    turns = [episode.turns[index] for index in agent_turns(episode, leaf)]
    keys = tuple(key_of(turn.seen[-1].text, turn.message.text) for turn in turns)
    return Tale(keys, episode.total(leaf=leaf))
