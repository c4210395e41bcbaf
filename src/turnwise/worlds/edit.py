"""PRELUDE: drafts that a user edits silently, by preferences that it never states (specs/plan/cipher).

An episode is T rounds with one user, who wants each kind of document written in its own way:

    x_t    what is to be written up: notes, whose words tell its kind to who has met it before
    y_t    the agent's draft
    y'_t   the draft as it comes back; the same text where it was accepted
    cost   Levenshtein distance of y_t and y'_t over words; the reward is minus that

The agent sees these three texts and nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import lru_cache

from turnwise.core.chance import Chance, generator
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.users.draws import Draws
from turnwise.worlds import edit_experts
from turnwise.worlds.base import World, check_split
from turnwise.worlds.edit_desk import context_of
from turnwise.worlds.edit_imagined import imagined
from turnwise.worlds.edit_record import Record
from turnwise.worlds.edit_users import PEOPLE, Editor, drawn_user
from turnwise.worlds.edit_words import KINDS, Notes, library

USERS = {"train": 200, "eval": 10}


@lru_cache
def users(split: str, kinds: int) -> tuple[dict[str, dict], ...]:
    """The users of a split. With fewer kinds of document it is the same people, with fewer to think of."""
    drawn = [drawn_user(generator("edit", "user", split, number)) for number in range(USERS[split])]
    return tuple({**user, "wanted": dict(list(user["wanted"].items())[:kinds])} for user in drawn)


class Edit(World):
    """Write drafts for somebody who edits them.

    Train and eval are different people. The kinds of document come equally often, in a drawn order.

    Args:
        rounds: documents (T); the original has 200.
        kinds: of document, 1 to 5.
        overlap: chance of each word of the notes to be drawn from all kinds together; at 1 nothing tells the kinds
            apart.
        user: who edits: `careful`, `tolerant` or `rewriter`.
        slip: chance that the user overlooks an attribute that is wrong.
        told: whether what the user wants stands below the notes: an upper bound on learning it.
    """

    name = "edit"
    title = "write drafts for somebody who edits them by preferences of its own (PRELUDE)"
    experts = edit_experts.EXPERTS
    demonstrator = "nearest"
    noted = ("cost", "cost_per_word", "accepted_share", "met_share")

    def __init__(
        self,
        rounds: int = 20,
        kinds: int = 5,
        overlap: float = 0.5,
        user: str = "careful",
        slip: float = 0.0,
        told: bool = False,
    ):
        if user not in PEOPLE:
            raise UnknownName("user of edit", user, PEOPLE)
        if rounds < 1 or not 1 <= kinds <= len(KINDS):
            raise TurnwiseError(f"rounds={rounds}, kinds={kinds}", f"1 round or more, 1 to {len(KINDS)} kinds")
        if not (0.0 <= overlap <= 1.0 and 0.0 <= slip <= 1.0):
            raise TurnwiseError(f"overlap={overlap:g}, slip={slip:g}", "chances from 0 to 1")
        self.rounds, self.kinds, self.overlap = rounds, kinds, overlap
        self.user, self.slip, self.told = user, slip, told

    @property
    def turns(self) -> int:
        return self.rounds

    def tasks(self, split: str) -> Sequence[Task]:
        """One task per user."""
        check_split(split)
        return [Task(f"{split}-{n:03d}", self.name, user, split) for n, user in enumerate(users(split, self.kinds))]

    def editor(self, hidden: Mapping[str, dict]) -> Editor:
        """The person with these hidden facts."""
        return PEOPLE[self.user](hidden["wanted"], hidden["manner"], self.slip)

    def reset(self, task: Task, chance: Chance) -> Moment:
        kinds = tuple(task.params["wanted"])
        order = generator(chance.key, "kinds").permutation(self.rounds) % len(kinds)
        schedule = tuple(kinds[i] for i in order)
        self.begin(self.editor(task.params), schedule, chance.key, self._document(schedule[0], chance.key, 0))
        return Moment({"agent": (self._context(),)}, ("agent",))

    def begin(
        self, editor: Editor, schedule: tuple[str, ...], key: int, notes: Notes, record: Record | None = None
    ) -> None:
        """Set the live state: who edits, the kinds of all rounds, the draws, the present notes, what has happened."""
        self._editor, self._schedule, self._key, self._notes = editor, schedule, key, notes
        self._record = record or Record()

    def _document(self, kind: str, key: int, number: int) -> Notes:
        return Draws(key, number).choice(library(kind, self.overlap), "document")

    def _context(self) -> Message:
        wanted = self._editor.wanted[self._schedule[self._record.rounds]] if self.told else None
        return Message("user", context_of(self._notes, wanted))

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        number, draft = self._record.rounds, said["agent"].text
        kind = self._schedule[number]
        edit = self._editor.edit(self._notes, draft, kind, Draws(self._key, number))
        self._record = self._record.after(draft, edit)
        facts = {"kind": kind, "distance": edit.cost, "met": edit.met, "overlooked": list(edit.overlooked)}
        back, rewards = Message("user", edit.text), {"agent": -float(edit.cost)}
        if self._record.rounds < self.rounds:
            self._notes = self._document(self._schedule[number + 1], self._key, number + 1)
            return Moment({"agent": (back, self._context())}, ("agent",), rewards, facts=facts)
        facts |= {**self._record.summary(), "user": self.user}
        if not facts["success"]:
            facts["culprit"] = self._record.culprit(len(set(self._schedule)))
        return Moment({"agent": (back,)}, (), rewards, end=End.DONE, facts=facts)

    def fork(self, chance: Chance) -> Edit:
        twin = copy.copy(self)
        twin._key = chance.key
        return twin

    def imagine(self, view: View, chance: Chance) -> Edit:
        """Somebody else who would have edited what was seen as it was, and other documents to come.

        The present document stays; its kind, and those of all others, are as likely as their words say.
        """
        twin = copy.copy(self)
        imagined(twin, [message.text for message in view.messages], chance)
        return twin
