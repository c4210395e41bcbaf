"""Scripted persuaders of several skills; they know what is shown to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from turnwise.core.protocols import View
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.worlds.base import Expert
from turnwise.worlds.persuade_fit import fit_of
from turnwise.worlds.persuade_people import SPEAKS_OF_GIVING
from turnwise.worlds.persuade_words import LANGUAGE

if TYPE_CHECKING:
    from turnwise.worlds.persuade import Persuade

CLOSE = "close"
MOVES = tuple(fit_of("both").move_weights)


def act_of(move: str) -> DialogueAct:
    """The act of a move's name."""
    return DialogueAct(*move.partition(":")[::2])


def spoken(move: str, view: View) -> str:
    """One of its wordings."""
    return f"{LANGUAGE.say(act_of(move), Draws(view.chance_key, view.tick))}\n"


def in_order(moves: Sequence[str]) -> Callable[[Persuade], Expert]:
    """These moves, one a turn, and then goodbye."""

    def make(world: Persuade) -> Expert:
        def says(view: View, rng: np.random.Generator) -> str:
            turn = sum(message.role == "assistant" for message in view.messages)
            return spoken(moves[turn] if turn < len(moves) else CLOSE, view)

        return says

    return make


def closing(moves: Sequence[str]) -> Callable[[Persuade], Expert]:
    """These moves until the person agrees, and then goodbye."""

    def make(world: Persuade) -> Expert:
        inner = in_order(moves)(world)

        def says(view: View, rng: np.random.Generator) -> str:
            agreed = any(a.kind == "agree" for a in world.exchanges(view.new)[-1].answer)
            return spoken(CLOSE, view) if agreed else inner(view, rng)

        return says

    return make


def anything(world: Any) -> Expert:
    """Any move, and goodbye one time in ten."""

    def says(view: View, rng: np.random.Generator) -> str:
        return spoken(CLOSE if rng.random() < 0.1 else MOVES[int(rng.integers(len(MOVES)))], view)

    return says


def half(one: Callable[[Persuade], Expert]) -> Callable[[Persuade], Expert]:
    """A player half the time, and half the time any move."""

    def make(world: Persuade) -> Expert:
        plays, strays = one(world), anything(world)
        return lambda view, rng: plays(view, rng) if rng.random() < 0.5 else strays(view, rng)

    return make


def by_weight() -> list[str]:
    """Moves that went with gifts in all talks, those that name the gift first."""
    weights = fit_of("both").move_weights
    good = sorted((move for move, weight in weights.items() if weight > 0), key=lambda move: -weights[move])
    return sorted(good, key=lambda move: move not in SPEAKS_OF_GIVING)


WARM = ("greet", "praise", "ask:giving", "appeal:emotion", "appeal:story", "tell:how", "propose")
EXPERTS: dict[str, Callable[[Any], Expert]] = {
    "brief": in_order(("propose",)),
    "closer": closing(WARM),
    "informed": in_order(by_weight()),
    "pushy": in_order(("propose", "amount", "more", "appeal:credibility", "more", "propose")),
    "random": anything,
    "rough": half(in_order(WARM)),
    "warm": in_order(WARM),
}
