"""How a person says what it has decided to say. Only this part may ever need a language model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from turnwise.core.types import Message
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.phrases import SENTENCE_END, Phrases, normalised

if TYPE_CHECKING:
    from turnwise.users.person import Person


class Voice(Protocol):
    """Acts to words."""

    def say(self, acts: Sequence[DialogueAct], draws: Draws) -> str:
        """One text for all the acts of a turn."""
        ...


@dataclass(frozen=True)
class Templates:
    """A wording of each act, drawn, and sometimes small talk before it.

    Args:
        phrases: wordings of everything the person may do.
        asides: small talk; it never names a fact.
        chatter: chance of an aside in a turn.
    """

    phrases: Phrases
    asides: tuple[str, ...] = ()
    chatter: float = 0.0

    def say(self, acts: Sequence[DialogueAct], draws: Draws) -> str:
        said = [self.phrases.say(act, draws) for act in acts]
        if self.asides and draws.happens(self.chatter, "chatter"):
            said.insert(0, draws.choice(self.asides, "aside"))
        return " ".join(said)

    def read(self, text: str) -> tuple[DialogueAct, ...]:
        """The acts that a text of this voice says; small talk says nothing."""
        return self.phrases.read_all(text)


class Sentences(Templates):
    """A voice whose acts are one sentence each, so that values may be any words: small talk is known by its text."""

    def read(self, text: str) -> tuple[DialogueAct, ...]:
        found = (self.phrases.read(said) for said in SENTENCE_END.split(text.strip()) if said not in self.asides)
        return tuple(act for act in found if act is not None)


Speaker = Callable[[str], str]
"""A language model as a function: instructions to text."""

ASK = "Say this as one short line of a person in conversation, and nothing else: {acts}"
SHORTEST_SECRET = 4
"""Letters of a value that is looked for in a model's words; shorter ones (yes, no, 12) stand in any text."""


@dataclass(frozen=True)
class ByModel:
    """A language model words the acts; where it says what it must not, or leaves out what it must, the templates do.

    Args:
        speak: the model.
        plain: what stands in where the model's words do not do.
        secrets: texts that may not be said, unless an act of the turn says them.
    """

    speak: Speaker
    plain: Voice
    secrets: tuple[str, ...] = ()
    ask: str = ASK

    def say(self, acts: Sequence[DialogueAct], draws: Draws) -> str:
        text = " ".join(self.speak(self.ask.format(acts="; ".join(map(str, acts)))).split())
        return text if self.faithful(text, acts) else self.plain.say(acts, draws)

    def faithful(self, text: str, acts: Sequence[DialogueAct]) -> bool:
        """Whether every value of the acts is named, and no secret is."""
        words, allowed = normalised(text), [normalised(act.value) for act in acts if act.value]
        hidden = (normalised(secret) for secret in self.secrets)
        leaks = any(secret in words and not any(secret in value for value in allowed) for secret in hidden)
        return bool(words) and all(value in words for value in allowed) and not leaks


class ChatModel(Protocol):
    """The part of a model that is needed: `turnwise.models.scripted.Scripted`, or whatever answers messages."""

    def open(self) -> Any:
        """A conversation, which has `async reply(messages, key) -> Message`."""
        ...


def speaker(model: ChatModel) -> Speaker:
    """A chat model as a speaker; each line is asked in a conversation of its own, and waited for."""

    def speak(ask: str) -> str:
        async def reply() -> str:
            return (await model.open().reply((Message("user", ask),))).text

        with ThreadPoolExecutor(1) as pool:  # a world is stepped inside a running loop, which cannot wait for another
            return pool.submit(asyncio.run, reply()).result()

    return speak


def in_words_of(speak: Speaker, person: Person) -> Person:
    """The same person with a model for its voice; all that it hides is secret, unless it is what is being told."""
    secrets = {str(value) for value in person.facts.values() if len(str(value)) >= SHORTEST_SECRET}
    return replace(person, voice=ByModel(speak, person.voice, tuple(sorted(secrets))))
