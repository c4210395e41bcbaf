"""Requirement elicitation: ask a client until its linear program could be written down (specs/users/lp-elicitation)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from turnwise.core.chance import Chance
from turnwise.core.protocols import View
from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.person import Reply, Standing
from turnwise.users.phrases import Phrases
from turnwise.users.recall import recall
from turnwise.worlds import elicit_players
from turnwise.worlds.base import check_split
from turnwise.worlds.conversation import Conversation, Outcome
from turnwise.worlds.elicit_imagined import imagined
from turnwise.worlds.elicit_people import PEOPLE
from turnwise.worlds.elicit_programs import FACTS, NONE, problems, same
from turnwise.worlds.elicit_solver import optimum_gap

ENOUGH = 0.95
"""F1 that counts as success (of the sheet)."""
KNOWN = frozenset(FACTS)


class Elicit(Conversation):
    """Recover the linear program behind a story that a client knows and does not hand over.

    Each turn the agent asks for one fact ("what is the limit of the second rule?"; `elicit_programs` lists their
    names), notes one itself ("I note that the limit of the second rule is 5"), reassures ("this stays between us"), or
    ends the talk ("that is all, thank you"). What was told last, and what was noted, is the recovered program.

    F = {amounts, direction, the goal's terms, of each rule its kind, sign, limit, terms, subject}; reward = F1 at the
    end, less `cost` for each turn before it. The talk is also over after `max_turns`, or when the client leaves.
    Whether a program with the same optimum was recovered is measured beside it: a rule that does not bind can be
    missing.

    Args:
        cost: of a turn, the agent's last word excepted.
        user: `client` or `guarded`; turnwise users elicit.
    """

    name = "elicit"
    title = "recover somebody's linear program by asking for one fact at a time"
    people = PEOPLE
    experts = elicit_players.EXPERTS
    demonstrator = "careless"
    noted = ("F1", "questions", "same optimum")
    language = Phrases(
        {
            "finish": ("that is all, thank you", "I have what I need", "done"),
            "reassure": ("this stays between us", "nobody else will see this"),
            "note": ("I note that {about} is {value}", "let us say {about} is {value}"),
            "ask": ("what is {about}?", "tell me {about}", "please give me {about}"),
        }
    )

    def __init__(
        self,
        max_turns: int = 30,
        cost: float = 0.01,
        user: str = "client",
        patience: int = 0,
        vagueness: float = 0.0,
        error: float = 0.0,
        withholding: float = 0.0,
        cooperation: float = 0.0,
        changing: float = 0.0,
    ):
        super().__init__(user, max_turns, patience, vagueness, error, withholding, cooperation, changing)
        self.cost = cost

    def tasks(self, split: str) -> Sequence[Task]:
        """A task per story: NL4Opt's test file to train on, its dev file to evaluate on."""
        return _tasks(check_split(split))

    def hear(self, text: str) -> DialogueAct | None:
        """An act about facts that there can be."""
        act = self.language.read(text)
        return act if act is None or not act.about or act.about in KNOWN else None

    # -- one conversation ----------------------------------------------------------------------------------------------

    def opening(self, task: Task, draws: Draws) -> tuple[str, Standing]:
        self._notes: Mapping[str, str] = {}
        return self._person.voice.say((DialogueAct("want"),), draws), self._person.begin()

    def judge(self, act: DialogueAct | None, reply: Reply) -> Outcome:
        kind, before, useful, said = (act.kind if act else ""), self._standing, False, None
        if act is not None and kind == "note":
            useful = self._notes.get(act.about) != act.value
            self._notes = {**self._notes, act.about: act.value}
        elif kind == "reassure":
            useful = reply.standing.state != before.state
        if kind in ("note", "reassure", "finish"):
            said = (DialogueAct("goodbye" if kind == "finish" else "fine"),)
        left, last = reply.standing.left and not useful, reply.standing.turn >= self.max_turns
        ledger = {**reply.standing.told, **self._notes}
        f1, precision, recall = recovered(ledger, reply.standing.facts)
        paid = 0.0 if kind == "finish" else -self.cost
        if not (kind == "finish" or left or last):
            return Outcome(paid, None, useful, said, {"F1": f1})
        success = f1 >= ENOUGH if kind == "finish" else True if f1 >= ENOUGH and not left else None
        facts = {"precision": precision, "recall": recall, **self._measured(f1, ledger, reply.standing)}
        return Outcome(paid + f1, success, useful or kind == "finish", said, facts)

    def _measured(self, f1: float, ledger: Mapping[str, str], standing: Standing) -> dict[str, Any]:
        """The metrics of an end."""
        gap = 0.0 if f1 == 1.0 else optimum_gap(ledger, standing.facts)
        complete = gap is not None and gap <= 1e-6
        asked = sum(heard.act is not None and heard.act.kind == "ask" for heard in self._heard)
        return {"F1": f1, "questions": float(asked), "same optimum": float(complete), "optimum gap": gap}

    def imagine(self, view: View, chance: Chance) -> Elicit:
        """Another problem that the client could have, given what it said and what it said that there is not."""
        memory = elicit_players.reader(self)(view.messages)
        exchanges = memory.exchanges[1:]
        twin = copy.copy(self)
        facts = imagined(memory.told, chance)
        twin._task, twin._chance = Task("imagined", self.name, {"facts": facts}), chance
        twin._person = replace(self._person, facts=facts)
        known = ((one.act, one.answer) for one in exchanges)
        twin._standing = recall(twin._person, twin._person.begin(), known, lambda act: act.kind in ("note", "reassure"))
        twin._begin, twin._heard = twin._standing, ()
        twin._notes = {e.act.about: e.act.value for e in exchanges if e.act is not None and e.act.kind == "note"}
        return twin


def recovered(ledger: Mapping[str, str], true: Mapping[str, str]) -> tuple[float, float, float]:
    """(F1, precision, recall) of facts against the true ones. That a rule is none is no fact."""
    said = {name: value for name, value in ledger.items() if value != NONE}
    size = sum(value != NONE for value in true.values())
    right = sum(name in true and same(value, true[name]) for name, value in said.items())
    precision, recall = right / len(said) if said else 0.0, right / size
    return 2 * right / (len(said) + size), precision, recall


@lru_cache(maxsize=2)
def _tasks(split: str) -> tuple[Task, ...]:
    return tuple(Task(p.key, Elicit.name, {"problem": p.key}, split) for p in problems() if p.split == split)
