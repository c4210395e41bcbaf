"""The loop of POET: learn in every environment, breed new ones, let agents change places (specs/learn/poet)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.explore.poet.course import Course
from turnwise.explore.poet.evolution import Evolution, Learner, evolution_step
from turnwise.explore.poet.niches import Criterion, Niche, Pair, novelty
from turnwise.worlds.grows import Grows, Settings


@dataclass(frozen=True)
class PoetSettings:
    """How often, how many, how hard; scores are mean returns from 0 to 1 where POET's walker has up to 340.

    Args:
        evolution: how agents learn.
        criterion: of children, on their score in [0, 1].
        breeds: own score from which a pair may have children; 200 of about 340 in POET.
        solves: score from which an environment counts as solved.
        active: pairs at most; 25 in POET, 40 in Enhanced POET.
        transfer_every, mutate_every: iterations; 25 and 8 * 25 in POET.
        tries, admitted: children made, and taken at most, per breeding; 8 and 1 in POET.
        episodes: per sample of an evolution step. checks: episodes of a check.
        transfers, mutations: off, for comparison; without both, agents learn alone.
    """

    evolution: Evolution = field(default_factory=Evolution)
    criterion: Criterion = field(default_factory=lambda: Criterion(0.05, 0.9))
    breeds: float = 0.6
    solves: float = 0.6
    active: int = 10
    transfer_every: int = 10
    mutate_every: int = 10
    tries: int = 8
    admitted: int = 1
    episodes: int = 4
    checks: int = 100
    transfers: bool = True
    mutations: bool = True

    def __post_init__(self) -> None:
        numbers = self.active, self.transfer_every, self.mutate_every, self.tries, self.admitted, self.episodes
        if min(*numbers, self.checks) < 1:
            raise TurnwiseError("a number of pairs, iterations, tries or episodes below 1", "1 or more of each")


class Poet:
    """A population of (environment, agent) pairs.

    Args:
        family: makes environments; `family.first` is the one with which all begins.
        settings: see `PoetSettings`.
        seed: of all draws. Every draw hangs on (seed, iteration, niche), so a pair learns the same alone as beside
            others.
    """

    def __init__(self, family: type[Grows], settings: PoetSettings, seed: int):
        self.family, self.settings, self.seed = family, settings, seed
        self.iteration = self.episodes = 0  # episodes: all that were played, for learning and for checks
        self.transferred: list[dict[str, Any]] = []
        start = self._made(family.first, None, 0)
        self.archive, self.pairs = [start], [Pair(start, Learner.new(start.course.size))]
        self.retired: list[np.ndarray] = []  # agents whose environments are active no more

    def run(self, iterations: int = 0, episodes: int = 0) -> None:
        """Go on for so many iterations, or until so many episodes were played in all."""
        last = self.iteration + iterations
        while self.iteration < last or self.episodes < episodes:
            self.advance()

    def advance(self) -> None:
        """One iteration."""
        s = self.settings
        for pair in self.pairs:
            pair.learner = self._step(pair.learner, pair.niche, "learn")
        self.iteration += 1
        if self.iteration % s.transfer_every == 0:
            self._check()
            if s.transfers:
                self._transfer()
        if s.mutations and self.iteration % s.mutate_every == 0:
            self._breed()

    def score(self, niche: Niche, thetas: np.ndarray, why: str) -> np.ndarray:
        """float64 [N]: mean returns in an environment; at one time, equal reasons meet equal luck."""
        self.episodes += len(thetas) * self.settings.checks
        return niche.course.sampled(thetas, self.settings.checks, self._rng(why, niche.number))

    @property
    def annecs(self) -> int:
        """Accumulated number of novel environments created and solved (Enhanced POET).

        Novel: of all agents there ever were, those that left with their environments too, the best one met the
        criterion when it was admitted. Solved: later, by the agent that lives there.
        """
        return sum(niche.new and niche.solved is not None for niche in self.archive)

    # -- learning -----------------------------------------------------------------------------------------------------

    def _step(self, learner: Learner, niche: Niche, why: str) -> Learner:
        """One step of evolution in an environment."""
        how, rng = self.settings.evolution, self._rng(why, niche.number)
        self.episodes += how.samples * self.settings.episodes

        def score(thetas: np.ndarray, draws: np.random.Generator) -> np.ndarray:
            return niche.course.sampled(thetas, self.settings.episodes, draws)

        return evolution_step(learner, score, how, rng)

    def _check(self) -> None:
        """Every agent in its own environment."""
        for pair in self.pairs:
            self._note(pair, float(self.score(pair.niche, pair.learner.theta[None], "check")[0]))

    def _note(self, pair: Pair, score: float) -> None:
        pair.recent.append(score)
        if score >= self.settings.solves and pair.niche.solved is None:
            pair.niche.solved, pair.niche.solver = self.iteration, pair.learner.theta

    # -- agents change places -----------------------------------------------------------------------------------------

    def _transfer(self) -> None:
        """Every agent is tried in every other environment; those who come have been chosen before anybody moves."""
        came = [(target, self._newcomer(target)) for target in self.pairs]
        for target, newcomer in came:
            if newcomer is not None:
                source, theta, score, was = newcomer
                target.learner = target.learner.adopt(theta)
                target.recent.clear()
                self._note(target, score)
                self.transferred.append(
                    {"at": self.iteration, "from": source, "to": target.niche.number, "score": score, "was": was}
                )

    def _newcomer(self, target: Pair) -> tuple[int, np.ndarray, float, float] | None:
        """(niche it comes from, theta, its score, the owner's) of the best agent that beats the owner, if any does.

        Directly, then after one step of evolution, and once more with fresh luck, in which it is compared with the
        owner: a maximum over noisy scores would let the lucky pass.
        """
        others = [pair for pair in self.pairs if pair is not target]
        if not others:
            return None
        direct = self.score(target.niche, np.stack([pair.learner.theta for pair in others]), "transfer")
        able = [pair for pair, score in zip(others, direct, strict=True) if score > target.mark]
        if not able:
            return None
        tuned = [self._step(pair.learner.adopt(pair.learner.theta), target.niche, "tune").theta for pair in able]
        scores = self.score(target.niche, np.stack(tuned), "tuned")
        best = int(scores.argmax())
        again = self.score(target.niche, np.stack([tuned[best], target.learner.theta]), "again")
        if scores[best] <= target.mark or again[0] <= max(again[1], target.mark):
            return None
        return able[best].niche.number, tuned[best], float(again[0]), float(again[1])

    # -- environments multiply ----------------------------------------------------------------------------------------

    def _breed(self) -> None:
        """Children of solved environments, the newest kind first; at most `admitted` move in, the oldest move out."""
        s, admitted = self.settings, 0
        for child, parent in self._children():
            if admitted == s.admitted:
                break
            theta, score = self._best_for(child, parent)
            if s.criterion.admits(score):
                child.number, child.new = len(self.archive), s.criterion.admits(self._best_ever(child))
                self.archive.append(child)
                self.pairs.append(Pair(child, Learner.new(len(theta)).adopt(theta)))
                admitted += 1
        too_many = max(0, len(self.pairs) - s.active)
        self.retired += [pair.learner.theta for pair in self.pairs[:too_many]]
        del self.pairs[:too_many]

    def _children(self) -> list[tuple[Niche, Pair]]:
        """New mutants, neither too easy nor too hard for their parent's agent, the most novel first."""
        s, rng = self.settings, self._rng("breed", 0)
        parents = [pair for pair in self.pairs if pair.score >= s.breeds]
        known = {tuple(niche.vector) for niche in self.archive}
        found: list[tuple[float, Niche, Pair]] = []
        for number in range(s.tries if parents else 0):
            parent = parents[int(rng.integers(len(parents)))]
            child = self._made(self.family.mutate(parent.niche.settings, rng), parent.niche.number, -1 - number)
            if tuple(child.vector) in known:
                continue
            known.add(tuple(child.vector))
            if s.criterion.admits(float(self.score(child, parent.learner.theta[None], "child")[0])):
                found.append((novelty(child.vector, [niche.vector for niche in self.archive]), child, parent))
        found.sort(key=lambda one: -one[0])
        return [(child, parent) for _, child, parent in found]

    def _best_for(self, child: Niche, parent: Pair) -> tuple[np.ndarray, float]:
        """Who shall live in a child, and with what score: the best of all agents as they are and after one step;
        without transfers the parent's.
        """
        if not self.settings.transfers:
            theta = parent.learner.theta
            return theta, float(self.score(child, theta[None], "admit")[0])
        thetas = [pair.learner.theta for pair in self.pairs]
        thetas += [self._step(pair.learner.adopt(pair.learner.theta), child, "tune").theta for pair in self.pairs]
        best = thetas[int(self.score(child, np.stack(thetas), "inward").argmax())]
        return best, float(self.score(child, best[None], "admit")[0])

    def _best_ever(self, niche: Niche) -> float:
        """The exact score of the best agent there ever was: for the count alone, no decision reads it."""
        return max(niche.course.exact(theta) for theta in (*self.retired, *(pair.learner.theta for pair in self.pairs)))

    def _made(self, settings: Settings, parent: int | None, number: int) -> Niche:
        course = Course(self.family(**settings))
        return Niche(number, settings, self.family.vector(settings), course, parent, self.iteration)

    def _rng(self, why: str, niche: int) -> np.random.Generator:
        return generator(self.seed, "poet", why, self.iteration, niche)
