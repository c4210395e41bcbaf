"""Counselling practice: a patient reveals itself layer by layer, and the trainee fills in its diagram
(specs/users/patient-psi).

Patients are invented; nothing here is advice, therapy or a measure of anybody.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from turnwise.core.chance import Chance, generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.person import Reply, Standing
from turnwise.users.phrases import Phrases
from turnwise.users.recall import recall
from turnwise.worlds import counsel_experts
from turnwise.worlds.base import check_split
from turnwise.worlds.conversation import Conversation, Outcome
from turnwise.worlds.counsel_diagram import FIELDS, MODELS, draw, texts
from turnwise.worlds.counsel_people import PEOPLE
from turnwise.worlds.counsel_score import form_scores, read_form, total, written

TASKS = {"train": 400, "eval": 100}
ENOUGH = 0.8
"""A form that scores this much is a success."""

NONE = " (no form: 0)"
THANKS = DialogueAct("acknowledge")


class Counsel(Conversation):
    """Get to know a patient and fill in its diagram.

    The patient says which three parts of life it is about. Each turn the trainee asks for a field in a closed or in an
    open question, shows that it understood, gives advice, or ends the session with the form: "form: coping = i wait |
    emotion 1 = sad; hurt". A field is told once trust has reached its threshold: open questions add to trust, showing
    that one understood adds twice as much, advice takes away. The form earns its score, from 0 to 1; without one there
    is nothing.

    Args:
        max_turns: of the trainee, the form among them.
        sensitive: whether statements of hopelessness may occur.
        user: a style (`plain`, `upset`, `verbose`, `reserved`, `tangent`, `pleasing`) or `trusting`.
    """

    name = "counsel"
    title = "get to know a patient who opens up as it trusts, and fill in its diagram"
    people = PEOPLE
    experts = counsel_experts.EXPERTS
    demonstrator = "hasty"
    language = Phrases(
        {
            "form": ("form: {value}", "my form is {value}"),
            "validate": ("that sounds hard", "i can see why you feel that way", "thank you for trusting me with this"),
            "advise": ("you should simply try harder", "just think positively", "you had better see your friends more"),
            "explore": ("can you tell me more about your {about}?", "how is it for you with {about}?"),
            "ask": ("what is your {about}?", "name your {about}", "{about}?"),
        }
    )
    noted = ("score" + NONE, "fields" + NONE, "fields_per_turn" + NONE, "trust")

    def __init__(
        self,
        max_turns: int = 30,
        sensitive: bool = False,
        user: str = "plain",
        patience: int = 0,
        vagueness: float = 0.0,
        error: float = 0.0,
        withholding: float = 0.0,
        cooperation: float = 0.0,
    ):
        if max_turns < 1:
            raise TurnwiseError(f"max_turns={max_turns}", "1 or more")
        super().__init__(user, max_turns, patience, vagueness, error, withholding, cooperation)
        self.sensitive = sensitive

    def settings(self) -> dict[str, Any]:
        """Without `changing`: a diagram does not change within a session."""
        return {name: value for name, value in super().settings().items() if name != "changing"}

    def tasks(self, split: str) -> Sequence[Task]:
        """400 diagrams to train on, 100 others to evaluate on; the styles have the same ones."""
        return _tasks(check_split(split), self.sensitive)

    def answer(self, task: Task) -> str:
        """The form without a fault."""
        return f"form: {written(task.params['diagram'])}\n"

    def is_answer(self, text: str) -> bool:
        act = self.hear(text)
        return act is not None and act.kind == "form"

    def hear(self, text: str) -> DialogueAct | None:
        """An act about a field that the diagram has, or a form that can be read."""
        act = self.language.read(text)
        if act is None or act.kind in ("validate", "advise"):
            return act
        if act.kind == "form":
            return act if read_form(act.value) is not None else None
        return act if act.about in FIELDS else None

    # -- one conversation ----------------------------------------------------------------------------------------------

    def opening(self, task: Task, draws: Draws) -> tuple[str, Standing]:
        hello = DialogueAct("hello", value=", ".join(task.params["domains"]))
        return self._person.voice.say((hello,), draws), self._person.begin()

    def judge(self, act: DialogueAct | None, reply: Reply) -> Outcome:
        trust = reply.standing.state
        if act is not None and act.kind == "form":
            form = read_form(act.value)
            assert form is not None
            scores = form_scores(self._task.params["diagram"], form)
            worth = total(scores)
            return Outcome(worth, worth >= ENOUGH, said=(THANKS,), facts=self._measured(scores, reply))
        over = reply.standing.left or reply.standing.turn >= self.max_turns
        return Outcome(facts=self._measured({}, reply) if over else {"trust": trust})

    def _measured(self, scores: dict[str, float], reply: Reply) -> dict[str, Any]:
        """The metrics of an end. `feedback` has the score of every field beside its true value."""
        right = float(sum(score == 1.0 for score in scores.values()))
        truth = self._task.params["diagram"]
        return {
            "score" + NONE: total(scores) if scores else 0.0,
            "fields" + NONE: right,
            "fields_per_turn" + NONE: right / reply.standing.turn,
            "trust": reply.standing.state,
            "feedback": {field: [score, truth[field]] for field, score in scores.items()},
        }

    def imagine(self, view: View, chance: Chance) -> Counsel:
        """Another diagram in which everything that was told stands as it was told."""
        exchanges = self.exchanges(view.messages)
        domains = tuple(exchanges[0].answer[0].value.split(", "))
        told = {act.about: act.value for one in exchanges[1:] for act in one.answer if act.kind == "inform"}
        diagram = draw(domains, self.sensitive, generator(chance.integer(1 << 32, "imagined diagram")), told)
        twin = copy.copy(self)
        twin._chance = chance
        twin._task = Task("imagined", self.name, {"domains": list(domains), "diagram": diagram})
        twin._person = twin.person(twin._task)
        acts = ((one.act, one.answer) for one in exchanges[1:])
        twin._standing = recall(twin._person, twin._person.begin(), acts)
        twin._begin, twin._heard = twin._standing, ()
        return twin


@lru_cache(maxsize=4)
def _tasks(split: str, sensitive: bool) -> tuple[Task, ...]:
    found = []
    for number in range(TASKS[split]):
        rng = generator("counsel", split, number)
        names = tuple(texts()["domains"])
        domains = tuple(names[at] for at in rng.choice(len(names), size=MODELS, replace=False))
        hidden = {"domains": list(domains), "diagram": draw(domains, sensitive, rng)}
        found.append(Task(f"{split}-{number}", Counsel.name, hidden, split))
    return tuple(found)
