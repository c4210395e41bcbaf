"""PPO-max: token-level PPO with its stabilisers, each a setting that can be turned on alone (specs/learn/ppo_max).

R          the episode's return, divided by the running spread of all returns (or also centred), clipped
r_j        -kl_reward * (log pi(j) - log pi_ref(j)) at every token, + R at the last token of the last turn
A          token GAE, whitened or cut to [-c, c]
value      the worse of the free and the clipped prediction; the critic begins from the demonstrations' returns
entropy    |mean entropy - target| as a cost
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import CreditTable, End, Episode, Signal
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.shaping import last_turns, with_rewards
from turnwise.credit.token_gae import TokenGae
from turnwise.learn.credited import credit_table
from turnwise.learn.running import Running
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import build, step_settings
from turnwise.recipes.ppo import PpoSettings

if TYPE_CHECKING:
    from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings

SCORES = ("scale", "norm", "raw")


@dataclass(frozen=True)
class PpoMaxSettings(PpoSettings):
    """PPO that is kept from running away."""

    score: str = setting(
        "scale",
        "returns: `scale` by their running spread, `norm` also centres them, `raw`",
        "MOSS: scale",
        needs="rounds",
    )
    score_clip: float = setting(0.0, "scaled returns are cut to [-c, c]; 0: never", "MOSS: off", needs="rounds")
    kl_reward: float = setting(
        0.01, "what a token costs per nat that it leaves the start policy by", "MOSS: 0.01", needs="rounds"
    )
    whiten: str = setting(
        "none",
        "advantages to mean 0 and spread 1; with scaled returns it divides twice",
        "MOSS: an option",
        needs="rounds",
    )
    advantage_clip: float = setting(
        0.0, "advantages are cut to [-c, c]; 0: never", "MOSS: 0.5, an option", needs="rounds"
    )
    value_clip: float = setting(
        0.2, "how far a value may move from that before the round; 0: as far as it likes", "MOSS: 0.2", needs="rounds"
    )
    entropy_target: float = setting(
        0.0,
        "nats per token; entropy weighs the distance from it; 0: a plain bonus",
        "MOSS: 35, of a vocabulary",
        needs="entropy",
    )
    epochs: int = setting(
        2, "passes over a round's episodes", "ours: with one step there is nothing to clip", needs="rounds", least=1
    )


@dataclass(frozen=True)
class Scored:
    """Token GAE on one score at the end of each episode.

    Args:
        less, divide: the score is (R - less) / divide, R the episode's return.
        clip: it is cut to [-clip, clip].
        cut: so are the advantages, to [-cut, cut]; what the critic is told is not.
    """

    rule: TokenGae
    less: float = 0.0
    divide: float = 1.0
    clip: float = np.inf
    cut: float = np.inf
    name: ClassVar[str] = TokenGae.name
    needs: ClassVar[frozenset[str]] = TokenGae.needs
    unit: ClassVar[Unit] = TokenGae.unit
    biased: ClassVar[str] = "the score is scaled by what came before, and large advantages are cut"

    def assign(self, x: CreditInput) -> CreditResult:
        """Reward sits at the last turn alone; a token's own penalty stays where it is."""
        score_E = np.clip((x.returns_E - self.less) / self.divide, -self.clip, self.clip)
        rewards_T = np.zeros(len(x.rewards_T))
        rewards_T[last_turns(x.starts_E1)] = score_E[np.diff(x.starts_E1) > 0]
        found = self.rule.assign(with_rewards(x, rewards_T))
        return replace(found, credit=np.clip(found.credit, -self.cut, self.cut))


def build_ppo_max(setup: Setup) -> Parts:
    """Token GAE in the common way, on scaled returns and with a price on leaving the start."""
    s: PpoMaxSettings = setup.settings
    if s.score not in SCORES:
        raise UnknownName("way with scores", s.score, SCORES)
    if s.score == "norm" and s.whiten != "none":
        raise TurnwiseError(
            "score=norm with whitened advantages", "one of the two: it divides twice", "set whiten=none"
        )
    gae = TokenGae(s.gamma, s.lam, s.whiten)  # type: ignore[arg-type]
    rule = Scored(gae, clip=s.score_clip or np.inf, cut=s.advantage_clip or np.inf)
    seen = Running()
    if setup.checkpoint is not None:
        seen.load(setup.checkpoint / "scores.json")

    def credit(learner: PolicyGradient, episodes: Sequence[Episode], signals: Sequence[Signal]) -> CreditTable:
        seen.note([e.total(leaf=k) for e in episodes for k, leaf in enumerate(e.ends) if leaf.end is not End.ERROR])
        rows = learner.rows(episodes)
        penalties = [-s.kl_reward * far for far in learner.from_reference(rows)]
        now = scaled(rule, s.score, seen)
        return credit_table(now, episodes, rows, learner.values(rows), signals, penalties)

    parts = build(setup, rule, step=steady_step(setup), credit=credit)

    def save(to: Path) -> None:
        parts.save(to)
        seen.save(to / "scores.json")

    return Parts(parts.stages, save)


def scaled(rule: Scored, score: str, seen: Running) -> Scored:
    """The rule with the units of all returns so far."""
    if score == "raw":
        return rule
    return replace(rule, less=seen.mean if score == "norm" else 0.0, divide=seen.std)


def steady_step(setup: Setup) -> PolicyGradientSettings:
    """Both clips, the entropy target, and the start policy kept for the monitors."""
    s: PpoMaxSettings = setup.settings
    return replace(
        step_settings(setup),
        reference=True,
        value_clip=s.value_clip or None,
        entropy_target=s.entropy_target or None,
        dual_clip=None,
    )


RECIPE = Recipe(
    name="ppo-max",
    title="PPO-max: PPO with scaled scores, a KL price per token and clipped values",
    source="arXiv 2307.04964, MOSS-RLHF; specs/learn/ppo_max",
    settings=PpoMaxSettings,
    build=build_ppo_max,
    claim=Claim(
        says="what keeps PPO from running away costs no success where nothing runs away",
        against="ppo, as many episodes from the same kind of imitator",
        trial=Trial(
            "work-submit",
            "ppo",
            no_worse=0.05,
            seeds=3,
            settings={"demos": 300, "rounds": 12, "tasks": 96, "evaluate": 12, "epochs": 2},
        ),
    ),
)
