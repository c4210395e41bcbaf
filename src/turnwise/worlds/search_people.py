"""Who searches: two people with a hidden need, different rules and different words (specs/users/convsim).

searcher   answers clarifying questions as people with its need have, and says of a list that will not do which word
           is missing in it
hurried    answers yes or no at most, and lets another word of the need fall every second turn
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.disclosure import AnyOf, ByPatience, Disclosure, Facts, OnCritique, OnRequest
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import Person, Standing
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Sentences, Templates
from turnwise.worlds.conversation import Somebody
from turnwise.worlds.search_catalogue import MOST_HINTS, Catalogue, Need
from turnwise.worlds.search_desk import documents
from turnwise.worlds.search_ranker import terms_of

if TYPE_CHECKING:
    from turnwise.worlds.search import Search

NEED = "need"
"""The fact that no rule ever opens: which document it is."""
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
MISTAKES = ("yes", "no", "i am not sure")
HINTS = tuple(f"{ordinal} hint" for ordinal in ORDINALS[:MOST_HINTS])


def _voice(
    wordings: Mapping[str, Sequence[str]], hint: Sequence[str], asides: tuple[str, ...], chatter: float
) -> Sentences:
    """Hints are read before answers, which may be in any words; {hint} is which of them it is."""
    hints = {f"inform:{name}": [text.replace("{hint}", name) for text in hint] for name in HINTS}
    return Sentences(Phrases({**hints, **wordings}), asides, chatter)


CALM = _voice(
    {
        "want": ("I am looking for {value}.", "can you find {value}?", "I need something: {value}."),
        "thanks": ("thank you, that is what I need.", "perfect, the first one is it."),
        "closer": ("number {value} is what I mean, not the rest.", "closer: it is number {value}."),
        "restate": ("that is not what this is about, I asked for {value}.", "no idea, I only said {value}."),
        "vague": ("hm, {about}, that would be {value}.", "on {about} I can only say {value}."),
        "refuse": ("I would rather not say.", "why do you ask that."),
        "acknowledge": ("no, none of these.", "not quite."),
        "unclear": ("sorry, what do you mean.", "I did not understand that."),
        "inform": ("as for {about}: {value}.", "on {about} I would say {value}."),
        "leave": ("forget it, I will look elsewhere.", "this leads nowhere, goodbye."),
    },
    ("not quite, and my {hint} is {value}.", "that misses something, here is my {hint}: {value}."),
    ("let me see.", "it is late here.", "my cat is on the keyboard.", "thanks for trying."),
    0.15,
)

SHORT = _voice(
    {
        "want": ("{value}, quick.", "hey, {value}."),
        "thanks": ("got it.", "yes that one, bye."),
        "closer": ("take {value} and drop the others.", "{value} looks like it."),
        "restate": ("off topic.", "{value}, nothing else."),
        "vague": ("{about} is {value} or so.", "dunno, {about} is {value}."),
        "refuse": ("pass.", "skip that."),
        "acknowledge": ("wrong ones.", "keep going."),
        "unclear": ("huh.", "what."),
        "inform": ("{about}: {value}.", "{about} = {value}."),
        "leave": ("too slow, I am off.", "enough."),
    },
    ("{hint}, {value}.", "take a {hint}, think {value}."),
    ("in a meeting.", "typing with one hand.", "battery is low."),
    0.3,
)


@dataclass(frozen=True)
class Searcher(Person):
    """A person whose facts hang together: with another need come other answers."""

    facts_of: Callable[[str], Facts] = field(default=lambda key: {})

    def changed(self, facts: Facts, fact: str, draws: Draws) -> Facts:
        return self.facts_of(draws.choice([key for key in self.others[NEED] if key != facts[NEED]], "changing to"))

    def free(self, standing: Standing, act: DialogueAct) -> list[str]:
        """What could be told along with an answer: other answers, never more words of the need than were asked for."""
        return [name for name in super().free(standing, act) if name not in HINTS]


def briefly(catalogue: Catalogue, need: Need, question: str) -> str:
    """Yes or no: as people with the need have begun, or else if question and title share what the opening lacks."""
    first = need.answers.get(question, "").split(" ")[0].strip(",")
    if first in ("yes", "no"):
        return first
    new = set(terms_of(catalogue.titles[need.document])) - set(terms_of(need.opening))
    return "yes" if new & set(terms_of(question)) else "no"


@lru_cache(maxsize=1 << 14)
def facts_of(catalogue: Catalogue, key: str, brief: bool) -> Facts:
    """What somebody with a need hides: which it is, the answer to each question by its number, and words of it."""
    need = catalogue.by_key[key]
    said = need.answers if not brief else {q: briefly(catalogue, need, q) for q in catalogue.questions(need)}
    answers = {str(n): said[q] for n, q in enumerate(catalogue.questions(need), 1) if q in said}
    return {**answers, **dict(zip(HINTS, need.hints, strict=False)), NEED: key}


@lru_cache(maxsize=1 << 14)
def others(catalogue: Catalogue, key: str) -> Mapping[str, tuple[str, ...]]:
    """What is said by mistake, and the needs that somebody with this opening may turn to; those of the next document
    where nobody else has it.
    """
    need = catalogue.by_key[key]
    near = catalogue.by_opening[need.opening]
    near = near if len(near) > 1 else (need, catalogue.needs[(need.document + 1) % len(catalogue.needs)])
    questions = range(1, len(catalogue.questions(need)) + 1)
    return {**{str(number): MISTAKES for number in questions}, NEED: tuple(other.key for other in near)}


def missing(catalogue: Catalogue) -> Callable[[DialogueAct, Facts], tuple[str, ...]]:
    """Of a list: the words of the need that no title in it has; nothing where what is needed is among them."""

    def wrong(act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        shown = documents(act)
        if catalogue.by_key[facts[NEED]].document in shown:
            return ()
        there = {term for document in shown for term in terms_of(catalogue.titles[document])}
        return tuple(name for name in HINTS if name in facts and terms_of(facts[name])[0] not in there)

    return wrong


@lru_cache(maxsize=8)
def rule(catalogue: Catalogue, brief: bool) -> Disclosure:
    """By which somebody tells."""
    if brief:
        return ByPatience(2, HINTS, frozenset({"ask"}))
    return AnyOf((OnRequest(), OnCritique(missing(catalogue), frozenset({"show"}))))


def _somebody(title: str, said: str, voice: Templates, brief: bool) -> Somebody:
    def make(world: Search, task: Task, knobs: Knobs) -> Person:
        shelf, key = world.shelf, task.params["need"]
        facts, alternatives = facts_of(shelf, key, brief), others(shelf, key)
        own = lambda other: facts_of(shelf, other, brief)  # noqa: E731
        return Searcher(facts, rule(shelf, brief), voice, knobs, alternatives, {}, (NEED,), own)

    return Somebody(title, said, voice, make)


PEOPLE = {
    "searcher": _somebody("answers questions, names what a list lacks", "requested slot, critique", CALM, False),
    "hurried": _somebody("says yes or no, lets a word fall now and then", "requested slot, patience", SHORT, True),
}
