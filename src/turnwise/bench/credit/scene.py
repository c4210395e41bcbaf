"""One replicate and all that a rule may ask about it, with counters of what the asking costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from turnwise.bench.credit.estimators import Fitted, continued
from turnwise.bench.credit.sampling import Play
from turnwise.worlds.tabular import Values

CONTINUED = 8
"""Episodes played on from each turn where a critic is replaced by continuations (MC-8)."""


@dataclass
class Meter:
    """What was asked of the model and of the world, in all."""

    model_calls: int = 0  # acts sampled, answers scored, turns judged
    turns: int = 0  # of the environment


class Scene:
    """Episodes, the exact values of the policy that played them, and other episodes to fit estimators on.

    Args:
        spare: makes the other batch, when something is fitted for the first time.
        rng: of episodes that are played on.
    """

    def __init__(self, played: Play, values: Values, spare: Callable[[], Play], rng: np.random.Generator):
        self.played, self.exact, self.rng = played, values, rng
        self._spare = spare
        self.count_anew()

    def count_anew(self) -> None:
        """From here on the counters hold the episodes themselves and what is asked next."""
        turns = len(self.played.states_T)
        self.meter, self._asked_spare = Meter(turns, turns), False

    @cached_property
    def _tables(self) -> Fitted:
        return Fitted(self._spare())

    @property
    def fitted(self) -> Fitted:
        """Tables of the other batch; whoever reads them pays for its episodes, once."""
        if not self._asked_spare:
            self._asked_spare = True
            turns = len(self._tables.played.states_T)
            self._pay(turns, turns)
        return self._tables

    def values(self, of: str) -> np.ndarray:
        """What stands for a critic before each turn, float64 (T,): exact or fitted values, continuations, the probe."""
        if of == "continued":
            returns, turns = continued(
                self.played.problem, self.exact.policy, self.played.states_T, CONTINUED, self.rng
            )
            self._pay(turns, turns)
            return returns.mean(1)
        if of == "probe":
            return self._probe_T()
        return (self.exact if of == "exact" else self.fitted).v[self.played.states_T]

    def signal(self, name: str) -> np.ndarray:
        """A judgement of each turn (T,): a step critic, the probe after it, or a critic's value of state or action."""
        x = self.played
        if name == "probe":
            before_T = self._probe_T()
            after_T = np.append(before_T[1:], 0.0)
            after_T[x.starts_E1[1:] - 1] = before_T[x.starts_E1[1:] - 1]  # nobody asks after the last turn
            return after_T
        if name in x.problem.critics:
            self._pay(len(x.states_T), 0)
            return x.problem.critics[name][x.states_T, x.actions_T]
        of = self.fitted if name in FITTED else self.exact
        table = getattr(of, FITTED.get(name, name))
        return table[x.states_T, x.actions_T] if table.ndim == 2 else table[x.states_T]

    def signal_of_episodes(self, name: str) -> dict[str, np.ndarray]:
        """The same before the first turn (E,), where there is one."""
        x = self.played
        if name != "probe" or x.problem.probe is None:
            return {}
        return {name: x.problem.probe[x.facts_E, x.states_T[x.starts_E1[:-1]]]}

    def _probe_T(self) -> np.ndarray:
        """How probable the right answer looks before each turn: a scoring pass each."""
        x = self.played
        assert x.problem.probe is not None, "rows that read it are left out of worlds without one"
        self._pay(len(x.states_T), 0)
        return x.problem.probe[np.repeat(x.facts_E, np.diff(x.starts_E1)), x.states_T]

    def _pay(self, model_calls: int, turns: int) -> None:
        self.meter.model_calls += model_calls
        self.meter.turns += turns


FITTED = {"fitted q": "q", "fitted v": "v", "contribution": "contributions"}
"""Judgements that are read from a table of the other batch."""
