"""Scripted interviewers; each reads the conversation alone.

    adaptive    asks for what rules of the kinds that it has heard of have, and ends once all is known
    careful     asks so for every figure again until two answers agree
    checklist   asks for every fact there could be, one after the other, until a rule is none
    careless    adaptive, but one turn in five any question, and ends too soon now and then
    random      any question, and now and then the end

Mean return and F1, 96 eval tasks (standard errors below 0.025):

                adaptive       careful     checklist      careless        random
    client    0.801 1.00    0.722 0.99    0.695 0.98    0.586 0.75    0.149 0.29
    guarded   0.781 1.00    0.701 0.98    0.677 0.97    0.544 0.71    0.102 0.25
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.protocols import View
from turnwise.core.types import Message
from turnwise.users.acts import DialogueAct
from turnwise.worlds.base import Expert
from turnwise.worlds.conversation import Exchange
from turnwise.worlds.conversation_read import Reader
from turnwise.worlds.elicit_people import sort_of
from turnwise.worlds.elicit_programs import AMOUNTS, ASKED_OF, DIRECTION, FACTS, NONE, RULES, part_of

if TYPE_CHECKING:
    from turnwise.worlds.elicit import Elicit

TRIES = 4
"""Questions about one fact before it is given up."""
STRAY, SOON, END = 0.2, 0.03, 0.05
"""How often the careless one asks anything, and ends too soon; how often the random one ends."""


@dataclass
class Memory:
    """What a conversation told."""

    heard: dict[str, list[str]] = field(default_factory=dict)  # fact -> what was said of it, each time
    asked: dict[str, int] = field(default_factory=dict)  # fact -> questions
    refused: bool = False  # the last question
    act: DialogueAct | None = None  # what the agent did last
    exchanges: list[Exchange] = field(default_factory=list)  # with the opening

    @property
    def told(self) -> dict[str, str]:
        """What was said last of each fact."""
        return {name: values[-1] for name, values in self.heard.items()}

    def hear(self, answer: tuple[DialogueAct, ...]) -> None:
        """The answer to what the agent did last."""
        act, kinds = self.act, [said.kind for said in answer]
        self.exchanges.append(Exchange(act, answer))
        self.refused = "refuse" in kinds
        if act is not None and act.kind == "ask":
            self.asked[act.about] = self.asked.get(act.about, 0) + 1
        for said in answer:
            if said.kind == "inform":
                self.heard.setdefault(said.about, []).append(said.value)


def reader(world: Elicit) -> Reader[Memory]:
    """Reads conversations in this world."""
    voice = world.people[world.user].voice

    def take(memory: Memory, message: Message) -> Memory:
        if message.role == "assistant":
            memory.act = world.hear(message.text)
        else:
            memory.hear(voice.read(message.text))
        return memory

    return Reader(Memory, take)


Policy = Callable[[Memory, np.random.Generator], str | None]
"""From what is known and draws to the fact that is asked for; None ends the talk."""


def wanted(memory: Memory) -> list[str]:
    """Facts that there are, as far as one can know, in the order in which they become known to be there."""
    amounts = [amount for amount in AMOUNTS if memory.heard.get(f"the name of {amount}", [""])[-1] != NONE]
    facts = [*(f"the name of {amount}" for amount in amounts), DIRECTION, *(f"{a} in the goal" for a in amounts)]
    for rule in RULES:
        facts.append(f"the kind of {rule}")
        kind = memory.heard.get(facts[-1], [NONE])[-1]
        if kind == NONE:
            break
        facts += [part_of(part, rule) for part in ASKED_OF[kind] if part not in AMOUNTS or part in amounts]
    return facts


def adaptive(memory: Memory, rng: np.random.Generator) -> str | None:
    return next((fact for fact in wanted(memory) if _open(memory, fact)), None)


def _open(memory: Memory, fact: str) -> bool:
    return fact not in memory.heard and memory.asked.get(fact, 0) < TRIES


def careful(memory: Memory, rng: np.random.Generator) -> str | None:
    """Answers agree once the last was given before."""
    for fact in wanted(memory):
        values = memory.heard.get(fact, [])
        settled = len(set(values)) < len(values) or sort_of(fact) != "figure"
        if _open(memory, fact) or (values and not settled and memory.asked.get(fact, 0) < TRIES):
            return fact
    return None


def checklist(memory: Memory, rng: np.random.Generator) -> str | None:
    last = next((rule for rule in RULES if memory.told.get(f"the kind of {rule}") == NONE), None)
    facts = FACTS if last is None else FACTS[: FACTS.index(f"the kind of {last}") + 1]
    return next((fact for fact in facts if _open(memory, fact)), None)


def randomly(memory: Memory, rng: np.random.Generator) -> str | None:
    return None if rng.random() < END else FACTS[rng.integers(len(FACTS))]


def careless(memory: Memory, rng: np.random.Generator) -> str | None:
    if rng.random() < SOON:
        return None
    return FACTS[rng.integers(len(FACTS))] if rng.random() < STRAY else adaptive(memory, rng)


def player(policy: Policy) -> Callable[[Elicit], Expert]:
    """What makes the player of a policy; it reassures whoever refuses, and uses any of the wordings."""

    def made(world: Elicit) -> Expert:
        words, read = world.language.wordings, reader(world)

        def says(view: View, rng: np.random.Generator) -> str:
            memory = read(view.messages)
            fact = None if memory.refused else policy(memory, rng)
            texts = words["reassure" if memory.refused else "finish" if fact is None else "ask"]
            return texts[rng.integers(len(texts))].replace("{about}", fact or "") + "\n"

        return says

    return made


EXPERTS = {
    "adaptive": player(adaptive),
    "careful": player(careful),
    "careless": player(careless),
    "checklist": player(checklist),
    "random": player(randomly),
}
