"""Offline value learning in one common way: clone the recorded episodes, learn from the same episodes what the clone's
words are worth, and let the clone speak with its words shifted by that.

The clone alone and the guided clone are evaluated on the same tasks with the same draws, both with the words that the
clone hardly knows cut off, so a run's gain is what the values add.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from turnwise.core.errors import TurnwiseError
from turnwise.loop import Parts
from turnwise.recipes.base import Setup, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of

if TYPE_CHECKING:
    from turnwise.models.guided import Guided


@dataclass(frozen=True)
class OfflineSettings(ImitateSettings):
    """Settings of the recipes that learn values from recorded episodes alone."""

    gamma: float = setting(0.99, "discount per action token", "LMRL-Gym: 0.99")
    epochs: int = setting(6, "passes over the demonstrations in which values are learned", least=1)
    batch: int = setting(
        64, "rows per step: conversations, or their segments where the view forgets", "LMRL-Gym: 32", least=1
    )
    lr: float = setting(1e-3, "step size of the values, falling to a twentieth", "LMRL-Gym: 1e-5 to 1e-4, constant")
    cql: float = setting(
        0.01, "weight of the cross-entropy that keeps unseen tokens low", "LMRL-Gym: 0.01; 0 for maze and chess"
    )
    start: float = setting(-4.4, "what the values say before they learn", "LMRL-Gym: -4.4", least=float("-inf"))
    beta: float = setting(
        2.0, "nats by which a word's logit rises per unit of value; 0 is the clone", "LMRL-Gym: 8 (maze, chess), 16"
    )
    top_p: float = setting(
        0.95, "share of the clone's probability that is kept, before and after; 1 keeps and values every word"
    )


def build_offline(setup: Setup, heads: int, state: bool, make_learner: Callable[[Guided], Any]) -> Parts:
    """Clone and learn values, evaluate the clone, evaluate it guided.

    Args:
        heads, state: Q heads, and whether there is a V head.
        make_learner: of the values, once the clone is there.
    """
    s: OfflineSettings = setup.settings
    if not s.demos:
        raise TurnwiseError("demos=0", "demonstrations, of which the values are learned", "leave out demos")
    guided = make_guided(setup, heads, state)
    after = tables_of(setup, guided)
    clone = replace(after, policy=guided.policy, sampling=replace(after.sampling, top_p=s.top_p))
    stages = imitation(setup, guided.policy, then=[lambda: make_learner(guided)])
    return parts_of(guided, [*stages, clone.evaluation("evaluate-before"), after.evaluation("evaluate-after")])


def make_guided(setup: Setup, heads: int, state: bool) -> Guided:
    """The policy and its values: new, or as the checkpoint has them."""
    from turnwise.models.guided import Guide, Guided
    from turnwise.models.threads import fit_threads
    from turnwise.models.values import Values

    s: OfflineSettings = setup.settings
    if setup.checkpoint is not None:
        guided = Guided.load(setup.checkpoint / "policy")
        fit_threads(guided.policy)
        return guided
    policy = make_policy(setup, critic=False)
    return Guided(policy, Values(policy, heads, state, s.start, setup.seed), Guide(s.beta, s.top_p))
