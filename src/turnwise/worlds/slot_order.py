"""slot-order as text: the agent says which slot comes next, a worker fills it, and the order decides how well."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from turnwise.core.chance import Chance
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds import slot_order_rules as rules
from turnwise.worlds.base import Expert, World, check_split

LUCKS = {"train": range(4), "eval": range(4, 6)}
"""Of the worker, per case: what is held back is luck, not cases."""


class SlotOrder(World):
    """Five slots, five turns. The text says which two slots hang on a third, and of which the worker feels sure.

    An answer to one of the two is a guess among three until the third is filled rightly. When the turns are over the
    share of slots that are right is earned. A slot that is filled already, or any other text, passes the turn.

    Args:
        order_free: the worker reads the third slot from the text, so that no order is better than another.
        per_slot: a fifth is earned with each right slot, instead of everything at the end.
    """

    name = "slot-order"
    title = "choose the order in which a worker fills slots that hang on each other"
    demonstrator = "random"

    def __init__(self, order_free: bool = False, per_slot: bool = False):
        self.order_free, self.per_slot = order_free, per_slot

    @property
    def turns(self) -> int:
        return len(rules.SLOTS)

    def tasks(self, split: str) -> Sequence[Task]:
        """Every case with every luck of the split."""
        return [
            Task(f"{split}-{case.name}-{luck}", self.name, {"case": number, "luck": luck}, split)
            for luck in LUCKS[check_split(split)]
            for number, case in enumerate(rules.CASES)
        ]

    def reset(self, task: Task, chance: Chance) -> Moment:
        self._case, self._luck = rules.CASES[task.params["case"]], int(task.params["luck"])
        self._right: dict[str, bool] = {}
        self._turn = 0
        return Moment({"agent": (Message("user", text_of(self._case)),)}, ("agent",), legal=self._legal())

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        slot, earned = said["agent"].text.removesuffix("\n"), 0.0
        self._turn += 1
        taken = slot in rules.SLOTS and slot not in self._right
        if taken:
            self._right[slot] = rules.answer(self._case, self._luck, self._right, slot, self.order_free)
            earned = self._right[slot] / len(rules.SLOTS) if self.per_slot else 0.0
        shown = (Message("user", f"{slot} filled\n" if taken else "no slot to fill\n"),)
        if self._turn < self.turns:
            return Moment({"agent": shown}, ("agent",), {"agent": earned}, legal=self._legal())
        found = sum(self._right.values()) / len(rules.SLOTS)
        facts = {"success": found == 1.0, "score": found, "filled": list(self._right)}
        return Moment({"agent": shown}, (), {"agent": earned if self.per_slot else found}, end=End.DONE, facts=facts)

    def imagine(self, view: View, chance: Chance) -> SlotOrder:
        """The same case and the same slots, filled with other luck: how well is never shown."""
        twin = type(self)(self.order_free, self.per_slot)
        twin._case, order = read(view)
        twin._luck = chance.integer(1 << 30, "imagined luck")
        twin._right, twin._turn = {}, sum(m.role == "assistant" for m in view.messages)
        for slot in order:
            twin._right[slot] = rules.answer(twin._case, twin._luck, twin._right, slot, self.order_free)
        return twin

    def _legal(self) -> tuple[str, ...]:
        return tuple(f"{slot}\n" for slot in rules.SLOTS if slot not in self._right)


def text_of(case: rules.Case) -> str:
    """What the agent is told of a case."""
    sure = [slot for slot in rules.SLOTS if slot != case.clue and slot != case.pair[1]]
    return f"{case.pair[0]} and {case.pair[1]} hang on {case.clue}; sure of {' '.join(sure)}\n"


OF_TEXT = {text_of(case): case for case in rules.CASES}


def read(view: View) -> tuple[rules.Case, list[str]]:
    """The case, and the slots that were filled, in order."""
    texts = [message.text for message in view.messages if message.role == "user"]
    return OF_TEXT[texts[0]], [text.split()[0] for text in texts[1:] if text.endswith(" filled\n")]


def player(prefer: Callable[[rules.Case, str], float]) -> Callable[[Any], Expert]:
    """What makes the scripted player who asks for the open slot of highest preference, ties by lot."""

    def says(view: View, rng: np.random.Generator) -> str:
        case, filled = read(view)
        left = [slot for slot in rules.SLOTS if slot not in filled]
        most = max(prefer(case, slot) for slot in left)
        wanted = [slot for slot in left if prefer(case, slot) == most]
        return wanted[int(rng.integers(len(wanted)))] + "\n"

    return lambda world: says


SlotOrder.experts = {
    "best": player(lambda case, slot: float(slot == case.clue)),
    "fixed": player(lambda case, slot: -float(rules.SLOTS.index(slot))),
    "random": player(lambda case, slot: 0.0),
    "sure": player(lambda case, slot: float(slot not in (case.clue, case.pair[1]))),
}
"""By expected score: the clue first; one order for all; any; what the worker feels sure of first."""
