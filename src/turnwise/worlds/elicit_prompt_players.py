"""Scripted interviewers for a prompt; each reads the conversation alone.

    adaptive    asks what adds most for people with such a request, as long as that is worth a turn
    fixed       asks about the first five dimensions in the order of the list
    random      asks about any five dimensions
    careless    adaptive, but three turns in ten any move
    one-shot    has the prompt written at once

Mean return, 200 eval tasks (standard errors below 0.02). A correction costs what a question costs and tells what
matters most, so that a designer is best shown a prompt at once:

                adaptive   careless    random     fixed   one-shot
    novice         0.728      0.652     0.497     0.489      0.398
    designer       0.801      0.777     0.758     0.752      0.817
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.protocols import View
from turnwise.core.types import Message
from turnwise.users.acts import DialogueAct
from turnwise.worlds.base import Expert
from turnwise.worlds.conversation import Exchange
from turnwise.worlds.conversation_read import Reader
from turnwise.worlds.elicit_prompt_people import OPEN
from turnwise.worlds.elicit_prompt_tastes import DIMENSIONS, MATTERS, completed, gain

if TYPE_CHECKING:
    from turnwise.worlds.elicit_prompt import ElicitPrompt

FEW = 5
"""Questions of the fixed and the random one; about as many as in the published dialogues."""
STRAY = 0.3


@dataclass
class Memory:
    """What a conversation told."""

    request: str = ""
    known: dict[str, str] = field(default_factory=dict)
    halves: dict[str, tuple[str, ...]] = field(default_factory=dict)
    open: frozenset[str] = frozenset()  # dimensions that were left open
    asked: list[str] = field(default_factory=list)
    act: DialogueAct | None = None  # what the agent did last
    exchanges: list[Exchange] = field(default_factory=list)  # without the opening
    corrections: list[tuple[DialogueAct, str]] = field(default_factory=list)  # (prompt, what was worst in it)

    @property
    def kind(self) -> str:
        """Of picture; any where the request could not be read."""
        found = self.request.partition(" of ")[0]
        return found if found in MATTERS else next(iter(MATTERS))

    @property
    def subject(self) -> str:
        return self.request.partition(" of ")[2]

    @property
    def drafted(self) -> bool:
        """Whether a prompt was turned down last."""
        last = self.exchanges[-1].act if self.exchanges else None
        return last is not None and last.kind == "draft"

    def hear(self, answer: tuple[DialogueAct, ...]) -> None:
        """The answer to what the agent did last."""
        act = self.act
        if act is not None and act.kind == "draft":
            act = DialogueAct("draft", value=", ".join(completed(self.known, self.halves).values()))
            about = next((said.about for said in answer if said.kind in ("inform", "vague", "refuse")), "")
            self.corrections += [(act, about)] if about else []
        elif act is not None:
            self.asked.append(act.about)
        self.exchanges.append(Exchange(act, answer))
        for said in answer:
            self.note(said)

    def note(self, said: DialogueAct) -> None:
        """What was told last of a dimension counts."""
        if said.kind == "vague":
            self.halves[said.about] = tuple(said.value.split(" or "))
        elif said.kind == "inform":
            self.known.pop(said.about, None)
            self.open -= {said.about}
            if said.value == OPEN:
                self.open |= {said.about}
            else:
                self.known[said.about] = said.value


def reader(world: ElicitPrompt) -> Reader[Memory]:
    """Reads conversations in this world."""
    voice = world.people[world.user].voice

    def take(memory: Memory, message: Message) -> Memory:
        if message.role == "assistant":
            memory.act = world.hear(message.text)
            return memory
        said = voice.read(message.text)
        if not memory.request:
            memory.request = next((act.value for act in said if act.kind == "want"), "?")
        else:
            memory.hear(said)
        return memory

    return Reader(Memory, take)


Policy = Callable[[Memory, float, np.random.Generator], str | None]
"""From what is known, the cost of a turn and draws to a dimension to ask about; None: the prompt."""


def unasked(memory: Memory) -> list[str]:
    return [name for name in DIMENSIONS if name not in memory.asked and name not in memory.known]


def adaptive(memory: Memory, cost: float, rng: np.random.Generator) -> str | None:
    """Ask j iff its expected gain w_j (1 - p_max,j) exceeds the cost, the greatest first."""
    gains = {name: gain(name, memory.kind, memory.halves.get(name)) for name in unasked(memory)}
    best = max(gains, key=lambda name: gains[name], default=None)
    return best if best is not None and gains[best] > cost else None


def fixed(memory: Memory, cost: float, rng: np.random.Generator) -> str | None:
    return list(DIMENSIONS)[len(memory.asked)] if len(memory.asked) < FEW else None


def randomly(memory: Memory, cost: float, rng: np.random.Generator) -> str | None:
    names = unasked(memory)
    return names[rng.integers(len(names))] if names and len(memory.asked) < FEW else None


def careless(memory: Memory, cost: float, rng: np.random.Generator) -> str | None:
    if rng.random() >= STRAY:
        return adaptive(memory, cost, rng)
    move = int(rng.integers(len(DIMENSIONS) + 3))
    return list(DIMENSIONS)[move] if move < len(DIMENSIONS) else None


def one_shot(memory: Memory, cost: float, rng: np.random.Generator) -> str | None:
    return None


def player(policy: Policy) -> Callable[[ElicitPrompt], Expert]:
    """What makes the player of a policy; corrected, it has the prompt written again."""

    def made(world: ElicitPrompt) -> Expert:
        words, read = world.language.wordings, reader(world)

        def says(view: View, rng: np.random.Generator) -> str:
            memory = read(view.messages)
            name = None if memory.drafted else policy(memory, world.cost, rng)
            texts = words["draft" if name is None else "ask"]
            return texts[rng.integers(len(texts))].replace("{about}", name or "") + "\n"

        return says

    return made


EXPERTS: Mapping[str, Callable[[ElicitPrompt], Expert]] = {
    "adaptive": player(adaptive),
    "careless": player(careless),
    "fixed": player(fixed),
    "one-shot": player(one_shot),
    "random": player(randomly),
}
