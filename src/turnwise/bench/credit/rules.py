"""The rows of the benchmark: every rule with what it is told, and what it costs to tell it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from turnwise.bench.credit.over_length import OverLength
from turnwise.bench.credit.scene import CONTINUED, Scene
from turnwise.core.errors import UnknownName
from turnwise.credit.dr_grpo import DrGrpo
from turnwise.credit.episode_z import EpisodeZ
from turnwise.credit.exact import Exact
from turnwise.credit.fitted_q import FittedQ
from turnwise.credit.flow_grpo import FlowGrpo
from turnwise.credit.gated import Gated
from turnwise.credit.gigpo import Gigpo
from turnwise.credit.grpo import Grpo
from turnwise.credit.igpo import Igpo
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rloo import Rloo
from turnwise.credit.rule import CreditRule
from turnwise.credit.spa import Spa
from turnwise.credit.turn_baseline import TurnBaseline
from turnwise.credit.turn_gae import TurnGae
from turnwise.worlds.tabular import Tabular


@dataclass(frozen=True)
class Row:
    """A rule with its settings, and what it reads besides the episodes."""

    name: str
    says: str  # the credit of a turn, in words
    rule: CreditRule
    values: str = ""  # whose word stands for the critic's: exact, fitted, continued, probe
    signals: tuple[str, ...] = ()  # judgements by name

    def fits(self, problem: Tabular) -> bool:
        """Whether a world has what the row reads."""
        probes = self.values == "probe" or "probe" in self.signals
        critics = [name for name in self.signals if name in CRITICS]
        return (problem.probe is not None or not probes) and all(name in problem.critics for name in critics)

    def credit(self, scene: Scene) -> np.ndarray:
        """Credit of each turn (T,); the scene's meter says afterwards what it cost."""
        scene.count_anew()
        values_T = scene.values(self.values) if self.values else None
        of_turns = {name: scene.signal(name) for name in self.signals}
        of_episodes = {key: told for name in self.signals for key, told in scene.signal_of_episodes(name).items()}
        return self.rule.assign(scene.played.record(values_T, of_turns, of_episodes)).credit


CRITICS = ("aligned", "misaligned")


def gae(lam: float) -> TurnGae:
    """Undiscounted."""
    return TurnGae(gamma=1.0, lam=lam)


def paid(critic: str, threshold: float) -> Gated:
    """Leave-one-out on outcome plus step scores; outcomes are 0 or 1."""
    return Gated(signals=(critic,), thresholds=(threshold,))


ON_TABLES = FittedQ(q=("fitted q",), v=("fitted v",))
AS_IT_IS = RewardToGo(gamma=0.0)
"""A turn's own reward is its credit."""

ROWS: tuple[Row, ...] = (
    Row("oracle", "exact Q - V", Exact(), signals=("q", "v")),
    Row("reinforce", "return-to-go", RewardToGo()),
    Row("rloo", "return minus the mean of the group's others", Rloo()),
    Row("dr-grpo", "return minus the group's mean", DrGrpo()),
    Row("grpo", "z-score of the return in its group", Grpo()),
    Row("dr-grpo-length", "Dr. GRPO, divided by the episode's turns", OverLength(DrGrpo())),
    Row("turn-baseline", "return-to-go minus its mean over the group's members at that turn", TurnBaseline()),
    Row("grpo-rows", "z-score over the turns of the group", FlowGrpo()),
    Row("episode-z", "z-score of returns-to-go (gamma .999) inside the episode", EpisodeZ()),
    Row("gae-1-exact", "return-to-go minus exact V", gae(1.0), "exact"),
    Row("gae-.95-exact", "turn GAE, lambda .95, exact V", gae(0.95), "exact"),
    Row("gae-0-exact", "V after minus V before, exact", gae(0.0), "exact"),
    Row("gae-1-fitted", "return-to-go minus fitted V", gae(1.0), "fitted"),
    Row("gae-.95-fitted", "turn GAE, lambda .95, fitted V", gae(0.95), "fitted"),
    Row("gae-0-fitted", "V after minus V before, fitted", gae(0.0), "fitted"),
    Row("mc-8", f"mean of {CONTINUED} continuations after, minus before", gae(0.0), "continued"),
    Row("fitted-q-v", "fitted Q minus fitted V", ON_TABLES, signals=ON_TABLES.q + ON_TABLES.v),
    Row("spa-credit", "contribution to the outcome", Spa(inner=AS_IT_IS), signals=("contribution",)),
    Row("spa-reward", "contributions still to come", Spa(), signals=("contribution",)),
    Row("gigpo", "group-centred return, and return-to-go centred over equal states", Gigpo(gamma=1.0)),
    Row("igpo-norm-then-sum", "rises of the probe, normed, summed", Igpo("norm-then-sum"), signals=("probe",)),
    Row("igpo-sum-then-norm", "rises of the probe, summed, normed", Igpo("sum-then-norm"), signals=("probe",)),
    Row("igpo-telescoped", "return-to-go minus the probe", Igpo("telescoped"), signals=("probe",)),
    Row("igpo-raw", "rise of the probe; at the last turn, the outcome", Igpo("raw"), signals=("probe",)),
    Row("igpo-rise", "rise of the probe; at the last turn, the outcome minus the probe", gae(0.0), "probe"),
    *(
        Row(f"{'dg'[gated]}-ra-{critic}", says, paid(critic, threshold), signals=(critic,))
        for critic in CRITICS
        for gated, threshold, says in (
            (False, -np.inf, "RLOO of outcome plus step scores"),
            (True, 1.0, "RLOO of outcome plus the step scores of successes"),
        )
    ),
)


def rows_of(problem: Tabular, names: Iterable[str] = ()) -> list[Row]:
    """The rows that fit a world; of those named, if any are.

    Raises:
        UnknownName: no such row in any world.
    """
    known = {row.name: row for row in ROWS}
    for name in names:
        if name not in known:
            raise UnknownName("row of the credit benchmark", name, known)
    return [row for row in ROWS if row.fits(problem) and (not names or row.name in names)]
