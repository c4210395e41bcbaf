"""Scripted players of ask-or-answer: one way to ask, one way to believe, and the strategies of MediQ.

They ask about the words that would move the options apart most, and believe the word statistics of the records to train
on. What differs is when they answer:

    opening     at once                                        (the low bound)
    fixed       after five questions
    cautious    at a confidence of 0.3, or after ten questions
    random      after some questions about anything, with any letter
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from turnwise.core.protocols import View
from turnwise.users.acts import DialogueAct
from turnwise.worlds.abstention import CutOff, Fixed, Strategy
from turnwise.worlds.ask_or_answer_case import LETTERS, Case, case_of
from turnwise.worlds.ask_or_answer_people import fact_in
from turnwise.worlds.ask_or_answer_statistics import topics
from turnwise.worlds.base import Expert

if TYPE_CHECKING:
    from turnwise.worlds.ask_or_answer import AskOrAnswer

MOST = 10
"""Questions after which those who are never sure answer."""


class Player:
    """Asks until its strategy says that it is time.

    Args:
        when: the strategy.
        most: questions at most, besides the world's own limit.
    """

    def __init__(self, world: AskOrAnswer, when: Strategy, most: int = MOST):
        self.world, self.when, self.most = world, when, min(most, world.questions)

    def __call__(self, view: View, rng: np.random.Generator) -> str:
        texts = tuple(m.text for m in view.messages if m.role in ("user", "assistant"))
        case, asked = case_of(view.messages), len(texts) // 2
        chances = believed(case, tuple(fact for text in texts[2::2] if (fact := fact_in(text))))
        best = int(np.argmax(chances))
        leaning = f"{LETTERS[best]} {100 * chances[best]:.0f}%"
        open_now = [word for word in topics(case.options) if all(word not in said for said in texts[1::2])]
        if asked >= self.most or not open_now or self.when.answers(float(chances[best]), asked):
            return self.say("answer", rng, value=leaning)
        return self.say("ask", rng, about=open_now[0], value=leaning)

    def say(self, kind: str, rng: np.random.Generator, **parts: str) -> str:
        """The first wording of a question, which says what is leaned to; any wording of an answer."""
        texts = self.world.language.all_of(DialogueAct(kind, **parts))
        return (texts[0] if kind == "ask" else texts[int(rng.integers(len(texts)))]) + "\n"


class Clueless(Player):
    """Asks about anything, stops at any time, chooses any letter."""

    def __init__(self, world: AskOrAnswer):
        super().__init__(world, Fixed(MOST))

    def __call__(self, view: View, rng: np.random.Generator) -> str:
        asked = sum(message.role == "assistant" for message in view.messages)
        if asked >= self.most or rng.random() < 0.2:
            return self.say("answer", rng, value=LETTERS[int(rng.integers(len(LETTERS)))])
        words = topics(case_of(view.messages).options)
        return f"ask {words[int(rng.integers(len(words)))]}\n"


@lru_cache(maxsize=1 << 14)
def believed(case: Case, told: tuple[str, ...]) -> np.ndarray:
    """float64 [4]: probability of each option."""
    return case.chances(told)


EXPERTS: Mapping[str, Callable[[Any], Expert]] = {
    "cautious": lambda world: Player(world, CutOff(0.3)),
    "fixed": lambda world: Player(world, Fixed(5), 5),
    "opening": lambda world: Player(world, Fixed(0)),
    "random": Clueless,
}
