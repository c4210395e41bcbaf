"""Who else could have edited the drafts of a conversation as they were edited: the world `edit` imagined anew.

Each document seen is given a kind by chance, as likely as its words say, among the kinds whose wishes could be the
same; what an edit changed is wanted, what it left is no other value than the wanted one. Where no kind fits, the
likeliest is taken and its earlier edits are forgotten. Of some users drawn so, who explains most edits is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from turnwise.core.chance import Chance, generator
from turnwise.users.draws import Draws
from turnwise.worlds.edit_desk import Past, read_context, rounds_of
from turnwise.worlds.edit_distance import edit_cost
from turnwise.worlds.edit_documents import PLAIN, SLOTS, Style, style_of
from turnwise.worlds.edit_record import Record
from turnwise.worlds.edit_users import LEAST, MOST, PEOPLE, Edit, Editor, at_its_best, drawn_manner, drawn_wanted
from turnwise.worlds.edit_words import KINDS, Notes, likelihood


@dataclass(frozen=True)
class Bounds:
    """What is known of the wishes for one kind of document: must ⊆ wishes ⊆ may."""

    must: Style = field(default_factory=dict)
    may: Style | None = None  # None: nothing is ruled out

    def both(self, other: Bounds) -> Bounds | None:
        """What holds where both do; None where they cannot."""
        agree = all(other.must.get(slot, value) == value for slot, value in self.must.items())
        must, may = {**self.must, **other.must}, self.may if other.may is None else other.may
        if self.may is not None and other.may is not None:
            may = {slot: value for slot, value in self.may.items() if other.may.get(slot) == value}
        fits = agree and len(must) <= MOST and (may is None or must.items() <= may.items())
        return Bounds(must, may) if fits else None

    def draw(self, rng: np.random.Generator) -> dict[str, str]:
        """Wishes between the bounds: those that must be, and as many others as a new user would have."""
        free = drawn_wanted(rng) if self.may is None else dict(self.may)
        others = [slot for slot in free if slot not in self.must]
        count = max(int(rng.integers(LEAST, MOST + 1)) - len(self.must), 0)
        more = [others[i] for i in rng.permutation(len(others))[:count]]
        wanted = {**{slot: free[slot] for slot in more}, **self.must}
        return {slot: wanted[slot] for slot in SLOTS if slot in wanted} or drawn_wanted(rng)


ANY = Bounds()


@dataclass(frozen=True)
class Reader:
    """What edits say, depending on whose they are.

    Args:
        user: which of the people.
        slips: whether it may overlook something.
        manner: in which it rewrites, as imagined.
    """

    user: str
    slips: bool
    manner: Style

    def bounds(self, round: Past) -> Bounds:
        """What a round says of the wishes for its kind."""
        told = read_context(round.context)[1]
        if told is not None:
            return Bounds(told, told)
        before, after = style_of(round.draft), style_of(round.edited)
        rewrites = self.user == "rewriter"
        if after is None:
            return ANY
        base = before if before is not None and not rewrites else self.manner if rewrites else PLAIN
        edited = edit_cost(round.draft, round.edited) > 0
        must = {slot: value for slot, value in after.items() if edited and base.get(slot) != value}
        silent = self.slips or (self.user == "tolerant" and not edited)
        return Bounds(must, None if silent else after)


TRIES = 16
"""Draws of a user; the first that would have edited everything as it was edited is taken, or else the best."""


@dataclass(frozen=True)
class Guess:
    """A user that could be, the kinds of the documents up to the present one, and how many past edits are explained."""

    editor: Editor
    schedule: tuple[str, ...]
    explained: int


def imagined(world: Any, texts: Sequence[str], chance: Chance) -> None:
    """Give a copy of the world other hidden facts, drawn to fit all that was seen and said (`texts`, in order)."""
    rng = generator(chance.key, "imagine", len(texts))
    past, context = rounds_of(texts)
    best = _guess(world, past, context, rng)
    for _ in range(TRIES - 1):
        if best.explained == len(past):
            break
        best = max(best, _guess(world, past, context, rng), key=lambda guess: guess.explained)
    later = _later(list(best.editor.wanted), best.schedule, world.rounds, rng)
    record = _record(best.editor, past, best.schedule)
    world.begin(best.editor, (*best.schedule, *later), chance.key, read_context(context)[0], record)


def _guess(world: Any, past: Sequence[Past], context: str, rng: np.random.Generator) -> Guess:
    """One draw."""
    kinds = [KINDS[i] for i in rng.permutation(len(KINDS))[: world.kinds]]
    reader = Reader(world.user, world.slip > 0, _manner(past, rng))
    known = dict.fromkeys(kinds, ANY)
    schedule = [_place(reader.bounds(p), read_context(p.context)[0], known, world.overlap, rng) for p in past]
    present, told = read_context(context)
    schedule.append(_place(ANY if told is None else Bounds(told, told), present, known, world.overlap, rng))
    wanted = {kind: bounds.draw(rng) for kind, bounds in known.items()}
    editor: Editor = PEOPLE[world.user](wanted, reader.manner, world.slip)
    explained = sum(
        at_its_best(editor).edit(read_context(p.context)[0], p.draft, kind, Draws(0, 0)).text == p.edited
        for p, kind in zip(past, schedule, strict=False)
    )
    return Guess(editor, tuple(schedule), explained)


def _manner(past: Sequence[Past], rng: np.random.Generator) -> dict[str, str]:
    """How the user would write where it does not care: each slot as edited documents have it most often."""
    edited = [style_of(p.edited) or {} for p in past if edit_cost(p.draft, p.edited)]
    seen = {slot: [style[slot] for style in edited if slot in style] for slot in SLOTS}
    return {**drawn_manner(rng), **{slot: max(values, key=values.count) for slot, values in seen.items() if values}}


def _place(bounds: Bounds, notes: Notes, known: dict[str, Bounds], overlap: float, rng: np.random.Generator) -> str:
    """The kind of a document, drawn; what is known of that kind is narrowed."""
    fits = {kind: both for kind, before in known.items() if (both := before.both(bounds)) is not None}
    narrowed = fits or dict.fromkeys(known, bounds)
    odds = np.array([likelihood(notes, kind, overlap) for kind in narrowed]) + 1e-300
    kind = list(narrowed)[int(rng.choice(len(odds), p=odds / odds.sum()))]
    known[kind] = narrowed[kind]
    return kind


def _later(kinds: Sequence[str], sofar: Sequence[str], rounds: int, rng: np.random.Generator) -> list[str]:
    """The kinds of the rounds to come: those that have come least, so that in the end all come equally often."""
    counts, later = {kind: sofar.count(kind) for kind in kinds}, list[str]()
    while len(sofar) + len(later) < rounds:
        later.append(min(counts, key=lambda kind: counts[kind]))
        counts[later[-1]] += 1
    return [later[i] for i in rng.permutation(len(later))]


def _record(editor: Editor, past: Sequence[Past], schedule: Sequence[str]) -> Record:
    """What happened, as it was seen, had this been the user."""
    record = Record()
    for number, (round, kind) in enumerate(zip(past, schedule, strict=False)):
        again = editor.edit(read_context(round.context)[0], round.draft, kind, Draws(0, number))
        record = record.after(round.draft, Edit(round.edited, edit_cost(round.draft, round.edited), again.met))
    return record
