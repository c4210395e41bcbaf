"""Diagnosis by questions: ask a patient for evidences, stop, and give a differential (specs/users/ddxplus).

Not medical advice: patients and chances are invented (`interview_patients.py`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from turnwise.core.chance import Chance, generator
from turnwise.core.protocols import View
from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.person import Reply, Standing
from turnwise.users.phrases import normalised
from turnwise.users.recall import recall
from turnwise.worlds import interview_experts
from turnwise.worlds.base import check_split
from turnwise.worlds.conversation import Conversation, Outcome
from turnwise.worlds.interview_belief import Belief, entropy, fitting_patient, true_posterior
from turnwise.worlds.interview_differential import LANGUAGE, differential
from turnwise.worlds.interview_patients import ANTECEDENT, SYMPTOM, Law, law, patients
from turnwise.worlds.interview_people import PEOPLE
from turnwise.worlds.interview_scores import confirm, differential_scores, evidence_scores, explore, none_given

TASKS = {"train": 10, "eval": 5}
"""Patients of each condition."""

INQUIRY, NEW, PRESENT = -1.0, 0.7, 1.0
"""What a turn that is not the last pays, what is added if it asks what was not asked before, and what more if that is
present (AARLC)."""

NONE = " (no differential: 0)"
NOTED = ("gtpa", "gtpa_1", "gtpa_3", "ddr", "ddp", "ddf1", "confirm")


class Interview(Conversation):
    """Find out what a patient has.

    The patient states age, sex and one complaint. Each turn the agent asks for one evidence ("do you have fever?", or
    the question of the tables), says something kind, or ends the interview with a differential: "diagnosis pneumonia
    60%; influenza 30%", most probable first. What has no number shares what the others leave.

    An inquiry pays -1, +0.7 if it was not asked before, +1 more if that is present; the end +1 where the most probable
    condition is right, else -1, and so does an interview that ends without a differential. All count `mu` times. On
    top comes `nu` times what the entropy of the exact posterior has fallen by, as a share of the first entropy: the
    belief of an ideal reader stands for the classifier of AARLC.

    Args:
        conditions: `all` (49) or `small` (8 of the airways).
        max_turns: of the agent, the differential among them.
        nu, mu: weights of the entropy and of the rest.
        symptom, antecedent: chances by which patients are drawn.
        user: `patient` or `guarded`; turnwise users interview.
    """

    name = "interview"
    title = "find out by questions what a patient has, and give a differential"
    people = PEOPLE
    experts = interview_experts.EXPERTS
    demonstrator = "careless"
    language = LANGUAGE
    noted = (*(name + NONE for name in NOTED), "per", "pep", "il")

    def __init__(
        self,
        conditions: str = "all",
        max_turns: int = 30,
        nu: float = 2.826,
        mu: float = 1.0,
        symptom: float = SYMPTOM,
        antecedent: float = ANTECEDENT,
        user: str = "patient",
        patience: int = 0,
        vagueness: float = 0.0,
        error: float = 0.0,
        withholding: float = 0.0,
        cooperation: float = 0.0,
    ):
        super().__init__(user, max_turns, patience, vagueness, error, withholding, cooperation)
        self.conditions, self.nu, self.mu = conditions, nu, mu
        self.symptom, self.antecedent = symptom, antecedent
        self._law = law(conditions, symptom, antecedent)

    def settings(self) -> dict[str, Any]:
        """Without `changing`: what somebody has does not change while it is asked."""
        return {name: value for name, value in super().settings().items() if name != "changing"}

    @property
    def law(self) -> Law:
        """How patients are drawn, and from what."""
        return self._law

    @property
    def limit_reward(self) -> float:  # type: ignore[override]
        """What an interview without a differential is worth: as much as a wrong one."""
        return -self.mu

    def tasks(self, split: str) -> Sequence[Task]:
        """Ten patients of each condition to train on, five others to evaluate on."""
        return _tasks(self._law, check_split(split))

    def answer(self, task: Task) -> str:
        """The condition."""
        return f"diagnosis {task.params['condition']}\n"

    def is_answer(self, text: str) -> bool:
        act = self.hear(text)
        return act is not None and act.kind == "diagnose"

    def hear(self, text: str) -> DialogueAct | None:
        """A question about an evidence of the tables, or a differential over their conditions."""
        act = self.language.read(text)
        if act is None or act.kind == "diagnose":
            return act if act is None or differential(self._law.tables, act.value) is not None else None
        if act.kind != "ask" or act.about in self._law.tables.evidences:
            return act
        named = _questions(self._law).get(normalised(text))
        return DialogueAct("ask", named) if named else None

    # -- one conversation ----------------------------------------------------------------------------------------------

    def opening(self, task: Task, draws: Draws) -> tuple[str, Standing]:
        hidden = task.params
        come = DialogueAct("come", hidden["first"], f"{hidden['age']} year old {hidden['sex']}")
        self._belief = Belief(self._law, hidden["first"], (), self.error)
        self._asked: tuple[str, ...] = (hidden["first"],)
        begin = Standing(self._person.facts, self._person.discloses.start(), told={hidden["first"]: "yes"})
        return self._person.voice.say((come,), draws), begin

    def judge(self, act: DialogueAct | None, reply: Reply) -> Outcome:
        if act is not None and act.kind == "diagnose":
            guess = differential(self._law.tables, act.value)
            assert guess is not None
            right = self._law.tables.conditions[int(guess.argmax())].name == self._task.params["condition"]
            return Outcome(self.mu * (1.0 if right else -1.0), right, facts=self._measured(reply, guess))
        pay, before = INQUIRY, self._belief
        if act is not None and act.kind == "ask":
            if act.about not in self._asked:
                pay += NEW + PRESENT * (act.about in self._task.params["present"])
            self._asked = (*self._asked, act.about)
        self._belief = heard(before, reply.acts)
        reward = self.mu * pay + self._fall(before)
        over = reply.standing.left or reply.standing.turn >= self.max_turns
        return Outcome(reward, facts=self._measured(reply, None) if over else {})

    def _fall(self, before: Belief) -> float:
        """What a fallen entropy pays."""
        if not self.nu or self._belief is before:
            return 0.0
        begin = entropy(Belief(self._law, before.first, (), self.error).posterior)
        fall = entropy(before.posterior) - entropy(self._belief.posterior)
        return self.nu * max(0.0, fall) / begin if begin > 0.0 else 0.0

    def _measured(self, reply: Reply, guess: np.ndarray | None) -> dict[str, Any]:
        """The metrics of an end. `confirm_by_answer` and `explore_by_answer` are those of the exact posterior."""
        of, hidden = self._law.tables, self._task.params
        truth = true_posterior(self._law, hidden["first"], frozenset(hidden["present"]))
        given = np.zeros(len(of.conditions)) if guess is None else guess
        severe = np.array([condition.severe for condition in of.conditions])
        scores = differential_scores(truth, given, of.index[hidden["condition"]], severe)
        scores |= {"confirm": float(confirm(truth, given))}
        scores = none_given(scores) if guess is None else scores
        antecedents = {name for name, evidence in of.evidences.items() if evidence.antecedent}
        found = {name + NONE: value for name, value in scores.items()}
        found |= evidence_scores(hidden["present"].keys(), set(self._asked), antecedents)
        path = np.array([earlier.posterior for earlier in self._belief.history])
        return found | {
            "il": float(reply.standing.turn + 1),
            "confirm_by_answer": confirm(truth, path).tolist(),
            "explore_by_answer": explore(path[0], path).tolist(),
        }

    def imagine(self, view: View, chance: Chance) -> Interview:
        """Another patient who could have answered so, drawn by the exact posterior."""
        exchanges = self.exchanges(view.messages)
        come = exchanges[0].answer[0]
        twin = copy.copy(self)
        twin._chance = chance
        belief, told, asked = Belief(self._law, come.about, (), self.error), dict[str, str](), [come.about]
        for exchange in exchanges[1:]:
            belief = heard(belief, exchange.answer)
            told |= {act.about: act.value for act in exchange.answer if act.kind == "inform"}
            asked += [exchange.act.about] if exchange.act is not None and exchange.act.kind == "ask" else []
        patient = fitting_patient(belief, told, generator(chance.integer(1 << 32, "imagined patient")))
        twin._task = Task("imagined", self.name, {**patient.params, "age": 0, "sex": ""})
        twin._person = twin.person(twin._task)
        begin = Standing(twin._person.facts, twin._person.discloses.start(), told={come.about: "yes"})
        twin._standing = recall(twin._person, begin, ((one.act, one.answer) for one in exchanges[1:]))
        twin._begin, twin._heard = twin._standing, ()
        twin._belief, twin._asked = belief, tuple(asked)
        return twin


def heard(belief: Belief, answer: Sequence[DialogueAct]) -> Belief:
    """What was told, added to what is believed."""
    of = belief.law.tables.evidences
    for act in answer:
        if act.kind == "inform" and act.about in of:
            belief = belief.hear(act.about, act.value != of[act.about].default)
    return belief


@lru_cache(maxsize=8)
def _tasks(of: Law, split: str) -> tuple[Task, ...]:
    drawn = patients(of, split, TASKS[split])
    return tuple(Task(f"{split}-{n}", Interview.name, patient.params, split) for n, patient in enumerate(drawn))


@lru_cache(maxsize=8)
def _questions(of: Law) -> Mapping[str, str]:
    """The tables' own questions -> what they ask for."""
    return {normalised(evidence.question): name for name, evidence in of.tables.evidences.items()}
