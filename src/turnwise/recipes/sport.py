"""SPORT: candidates of every step executed, a verifier's choice, step-wise DPO (specs/learn/sport)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.chance import generator
from turnwise.core.cursor import Cursor
from turnwise.core.types import Batch
from turnwise.explore.candidates import Candidates, Verifier
from turnwise.learn.candidates import Refused, candidate_pairs
from turnwise.learn.pairs import Example
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.prefer import PreferSettings, build
from turnwise.worlds.base import World


@dataclass(frozen=True)
class SportSettings(PreferSettings):
    """The candidates, the verifier, and what makes a pair."""

    group: int = setting(3, "candidates at every step", "SPORT: 3", needs="rounds", least=2)
    tasks: int = setting(64, "tasks per round, one trunk each", needs="rounds", least=1)
    beta: float = setting(0.1, "weight of the KL to the reference", "SPORT: not confirmed", needs="rounds")
    unlike: float = setting(
        0.3, "BLEU to the chosen one below which a candidate is rejected; 0: errors alone", "SPORT: 0.3", needs="rounds"
    )
    errors: int = setting(2, "refused candidates of a step that are rejected", "SPORT: 2", needs="rounds")
    noise: float = setting(0.1, "share of steps at which the verifier chooses blindly", "sheet: 0.1", needs="rounds")


def build_sport(setup: Setup) -> Parts:
    """Preference learning in the common way, on trunks with their candidates."""
    from turnwise.learn.weights.dpo import Dpo

    s: SportSettings = setup.settings

    def examples(batch: Batch, rng: np.random.Generator) -> Sequence[Example]:
        return candidate_pairs(batch.episodes, refused_by(setup.world), s.unlike, s.errors)

    explorer = Candidates(by_truth(setup.world, s.noise), s.group)
    return build(setup, Dpo(s.beta), examples, explorer)


def by_truth(world: World, noise: float) -> Verifier:
    """A verifier that knows the exact values: the candidate with the largest q, blindly chosen now and then."""
    exact = world.exact()

    def best(before: Cursor, after: Sequence[Cursor]) -> str:
        rng = generator(before.chance.key, "verifier", before.tick)
        if rng.random() < noise:
            return str(1 + int(rng.integers(len(after))))
        at = exact.number[before.tick, before.seats["agent"].messages[-1].text]
        said = [cursor.tree.turns[cursor.node].message.text for cursor in after]
        return str(1 + int(np.argmax([exact.q[at, exact.read(text)] for text in said])))

    return best


def refused_by(world: World) -> Refused:
    """Whether the world refused a reply: its read of the text is no legal act."""
    exact = world.exact()
    return lambda reply, answer: exact.read(reply) == len(exact.acts)


RECIPE = Recipe(
    name="sport",
    title="SPORT: a verifier's choice among executed candidates, step-wise DPO",
    source="arXiv 2504.21561; specs/learn/sport",
    settings=SportSettings,
    build=build_sport,
    instead="preferences",
    leans=("pairs", "search"),
    claim=Claim(
        says="preferences between candidates of one step teach more than pairs of whole paths",
        against="dpo on as many executed steps",
        trial=Trial(
            "maze",
            "dpo",
            by="return",
            seeds=3,
            settings={
                "expert": "half-random",
                "demos": 200,
                "demo_lr": 2e-3,
                "max_new": 8,
                "rounds": 4,
                "evaluate": 16,
                "sport.tasks": 16,
                "sport.unlike": 0.6,
                "dpo.tasks": 6,
                "dpo.group": 8,
            },
            world_settings={"layout": "umaze", "max_steps": 12},
        ),
    ),
)
