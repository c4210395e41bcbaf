"""Who edits drafts in the world `edit`: somebody who wants each kind of document written in its own way and never says
so, but puts right what is not (specs/plan/cipher).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from turnwise.users.draws import Draws
from turnwise.worlds.edit_distance import edit_cost
from turnwise.worlds.edit_documents import SLOTS, Style, full, style_of, write
from turnwise.worlds.edit_words import KINDS, Notes

MOST, LEAST = 5, 2
"""Attributes of style that are wanted of a kind of document, as in the original."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What became of a draft."""

    text: str
    cost: int  # words inserted, deleted or replaced; 0: the draft was accepted
    met: float  # share of the wanted attributes that the draft had
    overlooked: tuple[str, ...] = ()  # attributes that were wrong and were left so by a slip


@dataclass(frozen=True)
class Editor:
    """A person at work on drafts. Edits are exact and no larger than they need be, but for what is said below.

    Args:
        wanted: hidden; kind of document -> attributes of style. Of others the editor thinks nothing.
        slip: chance that an attribute which is wrong is overlooked.
        tolerance: so many wrong attributes are left alone; with more of them, all are put right.
        manner: who touches a draft at all puts everything else in this style too; empty: leaves it as it is.
    """

    wanted: Mapping[str, Style]
    slip: float = 0.0
    tolerance: int = 0
    manner: Style = field(default_factory=dict)

    def edit(self, notes: Notes, draft: str, kind: str, draws: Draws) -> Edit:
        """The draft as it comes back. What is no document about the notes is written anew."""
        wanted, style = self.wanted[kind], style_of(draft)
        if style is None:
            return self._edited(notes, draft, full({**self.manner, **wanted}), 0.0)
        wrong = [slot for slot, value in wanted.items() if style[slot] != value]
        met = (len(wanted) - len(wrong)) / len(wanted)
        right_notes = edit_cost(draft, write(notes, style)) == 0
        if right_notes and len(wrong) <= self.tolerance:
            return Edit(draft, 0, met)
        overlooked = tuple(slot for slot in wrong if draws.happens(self.slip, f"slip {slot}"))
        seen = {slot: wanted[slot] for slot in wrong if slot not in overlooked}
        if right_notes and not seen:
            return Edit(draft, 0, met, overlooked)
        free = {slot: value for slot, value in self.manner.items() if slot not in wanted}
        return self._edited(notes, draft, {**style, **free, **seen}, met, overlooked)

    def _edited(self, notes: Notes, draft: str, style: Style, met: float, overlooked: tuple[str, ...] = ()) -> Edit:
        text = write(notes, style)
        cost = edit_cost(draft, text)
        return Edit(text if cost else draft, cost, met, overlooked)


def careful(wanted: Mapping[str, Style], manner: Style, slip: float) -> Editor:
    """Changes what is wrong and nothing else."""
    return Editor(wanted, slip)


def tolerant(wanted: Mapping[str, Style], manner: Style, slip: float) -> Editor:
    """Lets a draft pass in which one attribute is wrong, as language models do that play editors."""
    return Editor(wanted, slip, tolerance=1)


def rewriter(wanted: Mapping[str, Style], manner: Style, slip: float) -> Editor:
    """Once it has to touch a draft, writes all of it in a manner of its own: its edits say more than it wants."""
    return Editor(wanted, slip, manner=manner)


PEOPLE: dict[str, Callable[[Mapping[str, Style], Style, float], Editor]] = {
    "careful": careful,
    "tolerant": tolerant,
    "rewriter": rewriter,
}
"""Name -> preferences, manner and slip to the editor."""


def at_its_best(editor: Editor) -> Editor:
    """The same person, who overlooks nothing."""
    return replace(editor, slip=0.0)


def drawn_wanted(rng: np.random.Generator) -> dict[str, str]:
    """What somebody wants of one kind of document: two to five attributes, any value of each as likely as the next."""
    count = int(rng.integers(LEAST, MOST + 1))
    slots = [list(SLOTS)[i] for i in sorted(rng.permutation(len(SLOTS))[:count])]
    return {slot: SLOTS[slot][int(rng.integers(len(SLOTS[slot])))] for slot in slots}


def drawn_manner(rng: np.random.Generator) -> dict[str, str]:
    """How somebody writes who writes everything anew."""
    return {slot: values[int(rng.integers(len(values)))] for slot, values in SLOTS.items()}


def drawn_user(rng: np.random.Generator) -> dict[str, dict]:
    """The hidden facts of a person, JSON values: what it wants of each kind, in an order of its own, and its manner."""
    kinds = [KINDS[i] for i in rng.permutation(len(KINDS))]
    return {"wanted": {kind: drawn_wanted(rng) for kind in kinds}, "manner": drawn_manner(rng)}
