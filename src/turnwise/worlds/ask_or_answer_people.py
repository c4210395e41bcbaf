"""Who is asked about a case: the four patients of MediQ, with the overlap of words in place of a language model
(specs/users/mediq).

    facts       tells word for word the fact that answers the question best         (FactSelect)
    paragraph   the same with the sentences of the whole record, in words of its own (Instruct)
    opening     knows its first sentence alone                                        (Direct)
    random      cannot answer, or says any sentence, each half of the time; the same to the same question

Where nothing answers, it says that it cannot and should not be asked again. The published FactSelect may tell several
facts at once; this one tells one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from turnwise.core.chance import uniform_of
from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.disclosure import Disclosure, Facts
from turnwise.users.knobs import Knobs
from turnwise.users.person import Person
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Templates
from turnwise.worlds.ask_or_answer_records import records, split_of, words
from turnwise.worlds.conversation import Somebody

if TYPE_CHECKING:
    from turnwise.worlds.ask_or_answer import AskOrAnswer

CANNOT = "I cannot answer this question, please do not ask it again."
REST: Mapping[str, tuple[str, ...]] = {
    "acknowledge": (CANNOT,),
    "vague": ("I do not remember it well.",),
    "refuse": ("I would rather not say.",),
    "unclear": ("I did not understand.",),
    "leave": ("I have to go now.",),
    "settled": ("thank you.",),
}
OWN = ("well: {value}", "what I can say: {value}", "they wrote down: {value}")
BARE = ("{value}", '"{value}"')
"""The facts themselves: no word is added."""


@dataclass(frozen=True)
class Telling(Templates):
    """Tells facts that are named by their own text, in one sentence or in several."""

    def read(self, text: str) -> tuple[DialogueAct, ...]:
        fact = fact_in(text)
        return self.phrases.read_all(text) if fact is None else (DialogueAct("inform", fact, fact),)


VERBATIM = Telling(Phrases({**REST, "inform": BARE}))
OWN_WORDS = Telling(Phrases({**REST, "inform": OWN}))


@lru_cache(maxsize=1)
def rarity() -> Mapping[str, float]:
    """Word -> log of how rare it is among the facts of the records to train on."""
    facts = [fact for record in records("medqa") if split_of(record) == "train" for fact in record.facts]
    count = Counter(word for fact in facts for word in words(fact))
    return {word: math.log(len(facts) / number) for word, number in count.items()}


UNHEARD = 10.0  # rarity of a word that no fact has; one of some 11,000 facts has 9.3


def overlap(question: str, fact: str) -> float:
    """How well a fact answers a question: rarity of the words that they share; 0 where they share none."""
    shared = words(question) & words(fact)
    return sum(rarity().get(word, UNHEARD) for word in sorted(shared)) if shared else 0.0


@dataclass(frozen=True)
class BySelection:
    """What answers the question best, the first of equals; nothing where nothing does."""

    def start(self) -> None:
        return None

    def hear(self, state: None, act: DialogueAct, facts: Facts) -> None:
        return None

    def opens(self, state: None, act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        if act.kind != "ask":
            return ()
        best = max(facts, key=lambda name: overlap(act.about, facts[name]), default="")
        return (best,) if best and overlap(act.about, facts[best]) > 0.0 else ()


@dataclass(frozen=True)
class AtRandom:
    """Nothing, or any of its facts, whatever is asked; a question is always answered alike."""

    def start(self) -> None:
        return None

    def hear(self, state: None, act: DialogueAct, facts: Facts) -> None:
        return None

    def opens(self, state: None, act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        drawn = uniform_of("random patient", act.about) * 2.0
        return (tuple(facts)[int((drawn - 1.0) * len(facts))],) if act.kind == "ask" and drawn >= 1.0 else ()


def fact_in(text: str) -> str | None:
    """The fact that an answer tells, in its own spelling; None where it tells none."""
    plain = text.rstrip("\n")
    if plain in {wording for wordings in REST.values() for wording in wordings}:
        return None
    for template in OWN:
        plain = plain.removeprefix(template.removesuffix("{value}"))
    return plain.removeprefix('"').removesuffix('"')


SOURCES = {"facts": "facts", "paragraph": "context", "opening": "context", "random": "context"}
"""Where each of them knows a task from; the third knows the opening alone."""


def _somebody(name: str, title: str, rule: Disclosure, voice: Templates) -> Somebody:
    def make(world: AskOrAnswer, task: Task, knobs: Knobs) -> Person:
        known = task.params[SOURCES[name]] if name != "opening" else [task.params["opening"]]
        return Person({text: text for text in known}, rule, voice, knobs)

    return Somebody(title, "requested slot", voice, make)


PEOPLE = {
    "facts": _somebody("facts", "tells the fact that answers best, word for word", BySelection(), VERBATIM),
    "paragraph": _somebody("paragraph", "tells the sentence of the record that answers best", BySelection(), OWN_WORDS),
    "opening": _somebody("opening", "knows the first sentence alone", BySelection(), OWN_WORDS),
    "random": _somebody("random", "tells nothing or anything", AtRandom(), VERBATIM),
}
