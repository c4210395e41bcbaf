"""Scripted players of bargain for both seats: a tactic for the next price, and a person who answers questions.

The tactics are those of Faratin, Sierra and Jennings (1998): by the time that is left (`tough` late, `linear`, `eager`
early) and by what the other does (`mirror`). An argument that touches what one cares about counts as two rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from turnwise.core.protocols import View
from turnwise.users.acts import DialogueAct
from turnwise.users.disclosure import ByTrust
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import Person, Reply
from turnwise.worlds.bargain_rules import ARGUMENTS, BUYER, GRID, MONEY, SELLER, Side
from turnwise.worlds.bargain_view import Scene, scene
from turnwise.worlds.bargain_words import LANGUAGE, VOICES, read
from turnwise.worlds.base import Expert

CONCEDE = DialogueAct("concede")
WORTH = 2
"""Rounds that a fitting argument counts for."""
NEVER = 2.0
"""Trust that cannot be reached."""
RULES = {
    "plain": ByTrust({"limit": 0.5}, {"greet": 0.1, "ask": 0.1, "concede": 0.2, "press": -0.1}),
    "brisk": ByTrust({"limit": NEVER, "cares": 0.2}, {"greet": 0.2, "concede": 0.2}),
}
"""Voice -> when its owner tells what counts with it, and its limit."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a player knows when it has the move."""

    side: Side
    unit: str
    rounds: int  # own turns so far
    most: int  # turns of each seat
    own: tuple[float, ...]  # offers so far
    theirs: tuple[float, ...]
    heard: tuple[tuple[str, ...], ...]  # arguments, turn by turn of the other
    used: frozenset[str]  # own arguments so far
    told: str | None  # what counts with the other, as far as it has told
    asked: bool  # whether one has asked for that

    @property
    def fitting(self) -> int:
        """Arguments heard that touch what one cares about; the same one counts once."""
        return int(any(self.side.cares in turn for turn in self.heard))

    @property
    def step(self) -> float:
        """Of the grid of prices."""
        return max(1, round(self.side.asked / GRID))

    @property
    def last_round(self) -> bool:
        """Whether there is no turn of one's own after this one."""
        return self.rounds + 1 >= self.most


Tactic = Callable[[Table], float]
"""The price to ask for, or to offer, next."""


def by_time(exponent: float) -> Tactic:
    """From hope to limit while the rounds pass; below 1 late, above 1 early."""

    def price(table: Table) -> float:
        passed = min(1.0, (table.rounds + WORTH * table.fitting) / (table.most - 1))
        return table.side.between(passed ** (1 / exponent))

    return price


def mirroring(table: Table) -> float:
    """Concede what the other did, a step to its first offer, and two for an argument that fits."""
    side, theirs = table.side, table.theirs
    if not table.own:
        return side.hope
    conceded = table.step if len(theirs) == 1 else max(0.0, abs(theirs[-1] - theirs[-2])) if theirs else 0.0
    if len(theirs) > 1 and side.better(theirs[-2], theirs[-1]):
        conceded = 0.0
    fits = bool(table.heard) and side.cares in table.heard[-1] and not any(side.cares in t for t in table.heard[:-1])
    moved = conceded + WORTH * table.step * fits
    wanted = table.own[-1] - moved if side.seat == SELLER else table.own[-1] + moved
    return side.limit if side.gain(wanted) < 0 else wanted


def holding(table: Table) -> float:
    """What was hoped for, always."""
    return table.side.hope


@dataclass(frozen=True)
class Haggler:
    """Somebody who bargains by a tactic.

    Args:
        tactic: the next price.
        voice: one of the seat's voices; it also fixes what is told to whom.
        argues: whether it asks what counts with the other, and brings that forward.
    """

    tactic: Tactic
    voice: str = "plain"
    argues: bool = False

    def __call__(self, world: Any) -> Expert:
        """The player for a world."""
        unit, most, patience = world.prices, world.max_turns, world.patience

        def says(view: View, rng: np.random.Generator) -> str:
            seen = scene(view, unit)
            table = table_of(seen, unit, most)
            acts = self.acts(seen, table, patience)
            return f"{VOICES[seen.side.seat][self.voice].say(acts, Draws(view.chance_key, view.tick))}\n"

        return says

    def acts(self, seen: Scene, table: Table, patience: int) -> tuple[DialogueAct, ...]:
        """An answer where one was asked for, or an argument, and the next move."""
        answer = self._answer(seen, table, patience)
        if answer and answer[0].kind == "leave":
            return (DialogueAct("quit"),)
        price, say = self.tactic(table), MONEY[table.unit].say
        stands = table.theirs[-1] if table.theirs else table.side.asked if table.side.seat == BUYER else None
        if stands is not None and self._takes(stands, price, table):
            return (*answer, DialogueAct("accept", value=say(stands)))
        if not answer and self.argues:
            answer = argument(table)
        move = DialogueAct("offer", value=say(price))
        held = len(table.own) > 1 and price == table.own[-1] == table.own[-2]
        return (*answer, DialogueAct("press") if held else move)

    def _takes(self, stands: float, price: float, table: Table) -> bool:
        """Whether what the other offers is as good as what one would offer, or the last there is and no loss."""
        side = table.side
        return side.gain(stands) >= 0 and (not side.better(price, stands) or table.last_round)

    def _answer(self, seen: Scene, table: Table, patience: int) -> tuple[DialogueAct, ...]:
        """What the person behind the seat answers to what was said last; silence where a move says enough."""
        reply = stood(table.side, table.unit, self.voice, patience, heard_by(seen, table.unit))
        return () if reply is None else tuple(act for act in reply.acts if act.kind != "acknowledge")


def argument(table: Table) -> tuple[DialogueAct, ...]:
    """A question for what counts with the other, and once that is known or refused the arguments in order."""
    if not table.asked:
        return (DialogueAct("ask", "cares"),)
    fresh = [kind for kind in ARGUMENTS[table.side.seat] if kind not in table.used]
    best = [kind for kind in fresh if kind == table.told] if table.told else fresh
    return (DialogueAct("argue", best[0]),) if best else ()


def table_of(seen: Scene, unit: str, most: int) -> Table:
    """The talk so far as the one who has the move sees it."""
    seat = seen.side.seat
    lines = [(who == seat, read(who, text, unit)) for who, text in seen.said]
    mine, others = [line for own, line in lines if own], [line for own, line in lines if not own]
    return Table(
        seen.side,
        unit,
        len(mine),
        most,
        tuple([line.price for line in mine if line.price is not None]),
        tuple([line.price for line in others if line.price is not None]),
        tuple([line.argued for line in others]),
        frozenset([kind for line in mine for kind in line.argued]),
        next((line.cares for line in reversed(others) if line.cares), None),
        any(line.asked is not None and line.asked.about == "cares" for line in mine),
    )


# -- the person behind a seat ------------------------------------------------------------------------------------------

Heard = tuple[tuple[DialogueAct | None, bool], ...]
"""Turn by turn of the other: the act that the person takes it for, and whether the turn was of use."""


def heard_by(seen: Scene, unit: str) -> Heard:
    """Each turn of the other as one act: a question before all else, an offer better than its last as `concede`."""
    side, best, fitted, found = seen.side, None, False, list[tuple[DialogueAct | None, bool]]()
    for who, text in seen.said:
        if who == side.seat:
            continue
        line = read(who, text, unit)
        conceded = line.price is not None and (best is None or side.better(line.price, best))
        best = line.price if conceded else best
        fits = not fitted and side.cares in line.argued
        fitted = fitted or fits
        first = line.acts[0] if line.acts else None
        found.append((line.asked or (CONCEDE if conceded else first), conceded or fits))
    return tuple(found)


@lru_cache(maxsize=1 << 12)
def person_of(side: Side, unit: str, voice: str, patience: int) -> Person:
    """Who sits in a seat: its limit and what counts with it are what it hides."""
    facts = {"limit": MONEY[unit].say(side.limit), "cares": side.cares}
    return Person(facts, RULES[voice], VOICES[side.seat][voice], Knobs(patience=patience))


@lru_cache(maxsize=1 << 14)
def stood(side: Side, unit: str, voice: str, patience: int, heard: Heard) -> Reply | None:
    """What a person does after what it has heard; None where that is nothing. It draws nothing: its knobs but
    patience are at rest.
    """
    if not heard:
        return None
    person, before = person_of(side, unit, voice, patience), stood(side, unit, voice, patience, heard[:-1])
    act, useful = heard[-1]
    return person.reply(before.standing if before else person.begin(), act, Draws(0, len(heard)), useful)


# -- players without a plan --------------------------------------------------------------------------------------------


def anything(world: Any) -> Expert:
    """Any act in any wording; prices from 50 to 105 percent of the list price."""

    def says(view: View, rng: np.random.Generator) -> str:
        seen = scene(view, world.prices)
        seat, money = seen.side.seat, MONEY[world.prices]
        price = money.say(round(seen.side.asked * int(rng.integers(10, 22)) / GRID))
        kinds = ("offer", "offer", "offer", "press", "accept", "greet", "ask", "argue")
        kind = kinds[int(rng.integers(len(kinds)))]
        abouts = {"ask": ("limit", "cares"), "argue": ARGUMENTS[seat]}.get(kind, ("",))
        act = DialogueAct(kind, abouts[int(rng.integers(len(abouts)))], price if kind == "offer" else "")
        plain = [text for text in LANGUAGE[seat].all_of(act) if "  " not in text and not text.startswith(" ")]
        fit = [
            text for text in plain if kind != "accept" or not any(c in text for c in ("{", " it is.", "for .", "at ."))
        ]
        return f"{fit[int(rng.integers(len(fit)))]}\n"

    return says


def half(one: Callable[[Any], Expert]) -> Callable[[Any], Expert]:
    """A player half the time, and half the time anything."""

    def make(world: Any) -> Expert:
        plays, strays = one(world), anything(world)
        return lambda view, rng: plays(view, rng) if rng.random() < 0.5 else strays(view, rng)

    return make


LINEAR = Haggler(by_time(1.0))
PLAYERS: dict[str, Callable[[Any], Expert]] = {
    "eager": Haggler(by_time(3.0)),
    "firm": Haggler(holding),
    "linear": LINEAR,
    "mirror": Haggler(mirroring, "brisk"),
    "prober": Haggler(by_time(0.6), argues=True),
    "random": anything,
    "rough": half(LINEAR),
    "tough": Haggler(by_time(0.5)),
}
SELLERS = PLAYERS
BUYERS = PLAYERS
