"""Who is asked for a donation: real personalities, and answers and gifts as fitted (`persuade_fit`).

`first` and `second` are fitted to different talks, tell things by different rules, and speak otherwise.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.disclosure import ByTrust, Disclosure, Facts, OnRequest
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import ACKNOWLEDGE, Person, Reply, Standing
from turnwise.worlds.conversation import Somebody
from turnwise.worlds.persuade_data import CHAT, load
from turnwise.worlds.persuade_fit import ANSWERS, fit_of, standardised, typical
from turnwise.worlds.persuade_words import FORMAL, PLAIN

if TYPE_CHECKING:
    from turnwise.worlds.persuade import Persuade

GIVING = ("often", "sometimes", "never")
VALUES = ("care", "fairness", "loyalty", "authority", "purity")
"""Moral foundations; a person's strongest is what matters most to it."""
SPEAKS_OF_GIVING = frozenset({"propose", "amount", "more", "appeal:little", "tell:how"})
"""Moves without one of which nobody knows that there is something to give to."""


def move_of(act: DialogueAct) -> str:
    """The move that an act of the agent is."""
    return f"{act.kind}:{act.about}" if act.about else act.kind


@dataclass(frozen=True)
class Swayed:
    """A rule that also remembers which moves were made; its state is the inner rule's, and those."""

    inner: Disclosure

    def start(self) -> tuple[Hashable, frozenset[str]]:
        return self.inner.start(), frozenset()

    def hear(self, state: Any, act: DialogueAct, facts: Facts) -> tuple[Hashable, frozenset[str]]:
        return self.inner.hear(state[0], act, facts), state[1] | {move_of(act)}

    def opens(self, state: Any, act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        return self.inner.opens(state[0], act, facts)


@dataclass(frozen=True)
class Nature:
    """What decides on a gift besides what is said; never told."""

    fit: str
    bent: float  # what the person's traits add to eta
    luck: float  # in (0, 1): all that the model does not know
    sway: float  # what the weights of moves are multiplied by

    @cached_property
    def inclined(self) -> float:
        """eta with luck in it, before anything was said; above threshold k a gift is of a level above k."""
        return self.bent + math.log(self.luck / (1 - self.luck))

    def level(self, moves: frozenset[str]) -> int:
        """Of the gift after these moves."""
        return bisect(fit_of(self.fit).thresholds, self.inclined + self.sway * moved(self.fit, moves))

    @property
    def reachable(self) -> bool:
        """Whether some moves would have moved it to give."""
        weights = fit_of(self.fit).move_weights
        others = [w for move, w in weights.items() if move not in SPEAKS_OF_GIVING]
        naming = sorted((weights[move] for move in SPEAKS_OF_GIVING), reverse=True)
        most = sum(max(0.0, w) for w in others) + naming[0] + sum(max(0.0, w) for w in naming[1:])
        return self.inclined + self.sway * most >= fit_of(self.fit).thresholds[0]

    def gift(self, moves: frozenset[str]) -> float:
        """Dollars, from 0 to 2; nothing where giving was never spoken of."""
        return fit_of(self.fit).amounts[self.level(moves)] if moves & SPEAKS_OF_GIVING else 0.0


@lru_cache(maxsize=1 << 14)
def moved(fit: str, moves: frozenset[str]) -> float:
    """What moves add to eta."""
    weights = fit_of(fit).move_weights
    return sum(weights.get(move, 0.0) for move in sorted(moves))


@lru_cache(maxsize=1 << 10)
def law(fit: str, move: str, gives: bool, spoken_of: bool) -> tuple[float, ...]:
    """Probabilities of `ANSWERS` to a move. Nobody agrees to give, or declines, before giving was spoken of: people who
    did were labelled so for another sentence of the same turn, and here make small talk.
    """
    found = list(fit_of(fit).reactions[move][int(gives)])
    if not spoken_of:
        for kind in ("agree", "disagree"):
            found[ANSWERS.index(CHAT)] += found[ANSWERS.index(kind)]
            found[ANSWERS.index(kind)] = 0.0
    return tuple(found)


@lru_cache(maxsize=1 << 10)
def shares(fit: str, move: str, gives: bool, spoken_of: bool) -> tuple[float, ...]:
    """The same, summed up to each."""
    return tuple(accumulate(law(fit, move, gives, spoken_of)))


@dataclass(frozen=True)
class Giver(Person):
    """Somebody who is asked; it answers moves as real people did who would, or would not, give by now."""

    nature: Nature = Nature("both", 0.0, 0.5, 1.0)

    def reply(self, standing: Standing, act: DialogueAct | None, draws: Draws, useful: bool = False) -> Reply:
        """By its rule; where that has nothing to tell, a reaction."""
        reply = super().reply(standing, act, draws, useful)
        if act is None or reply.acts != (ACKNOWLEDGE,):
            return reply
        return replace(reply, acts=(self.reaction(act, reply.standing, draws),))

    def reaction(self, act: DialogueAct, standing: Any, draws: Draws) -> DialogueAct:
        """Drawn as in real talks."""
        move = move_of(act)
        if move not in fit_of(self.nature.fit).reactions:
            return ACKNOWLEDGE
        made = standing.state[1]
        among = shares(self.nature.fit, move, self.nature.level(made) > 0, bool(made & SPEAKS_OF_GIVING))
        return DialogueAct(ANSWERS[min(bisect(among, draws.uniform("reaction")), len(ANSWERS) - 1)])


RULES: dict[str, Disclosure] = {
    "first": Swayed(OnRequest()),
    "second": Swayed(ByTrust({"giving": 0.2, "values": 0.4}, {"greet": 0.2, "praise": 0.2, "ask": 0.1, "more": -0.3})),
}
VOICES = {"first": PLAIN, "second": FORMAL}


@lru_cache(maxsize=1)
def _rows() -> tuple[tuple[tuple[str, float], ...], ...]:
    talks = load()
    return tuple(tuple(zip(talks.traits, map(float, row), strict=True)) for row in standardised(talks.talks))


@lru_cache(maxsize=1 << 12)
def bent(fit: str, row: int) -> float:
    """What the traits of a real persuadee add to eta."""
    weights = fit_of(fit).trait_weights
    return sum(weights[name] * score for name, score in _rows()[row])


@lru_cache(maxsize=1 << 12)
def strongest(row: int) -> str:
    """The moral foundation that a real persuadee scored highest, beside others."""
    scores = dict(_rows()[row])
    return max(VALUES, key=scores.__getitem__)


@lru_cache(maxsize=len(VALUES))
def with_values(name: str) -> tuple[int, ...]:
    """All whose strongest it is."""
    return tuple(row for row in range(len(_rows())) if strongest(row) == name)


def giving_of(nature: Nature, memory: float) -> str:
    """What somebody says of its giving so far, as those did who gave as it would after an average talk."""
    fit = fit_of(nature.fit)
    gives = nature.inclined + typical(nature.fit) >= fit.thresholds[0]
    odds = [fit.reactions["ask:giving"][int(gives)][ANSWERS.index(answer)] for answer in GIVING]
    return GIVING[min(bisect(list(accumulate(odds)), memory * sum(odds)), len(GIVING) - 1)]


def giver(name: str, row: int, luck: float, memory: float, sway: float, knobs: Knobs) -> Giver:
    """The person with the personality of a real one."""
    nature = Nature(name, bent(name, row), luck, sway)
    facts = {"giving": giving_of(nature, memory), "values": strongest(row)}
    others = {"giving": GIVING, "values": VALUES}
    kinds = {"giving": "a habit", "values": "a principle"}
    return Giver(facts, RULES[name], VOICES[name], knobs, others, kinds, nature=nature)


def _make(world: Persuade, task: Task, knobs: Knobs) -> Giver:
    p = task.params
    return giver(world.user, p["row"], p["luck"], p["memory"], world.sway, knobs)


PEOPLE = {
    "first": Somebody("tells what it is asked; fitted to one half of the talks", "requested slot", PLAIN, _make),
    "second": Somebody("tells those whom it trusts; fitted to the other half", "trust threshold", FORMAL, _make),
}
