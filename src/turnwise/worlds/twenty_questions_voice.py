"""How the oracle puts its answers: short, as in LMRL-Gym, or in a sentence that says what was answered.

    short      Yes.                     No.
    sentence   Yes, it is an animal.    No, it does not have wheels.    No, it is not a car.

A sentence carries question and answer in one place, so a small model from random weights learns what follows from it
much sooner: from "Yes." alone it must first bind an answer to the question some tokens before it.
"""

from __future__ import annotations

from functools import lru_cache

from turnwise.worlds.twenty_questions_table import Meaning, table

ANSWERS = ("short", "sentence")
SUBJECTS = ("most people", "something to drink", "people", "there", "it", "you")


def spoken(about: Meaning | None, yes: bool) -> str:
    """The sentence that answers a question with a known meaning; short where the oracle could not read it."""
    return _sentence(about, yes) if about is not None else ("Yes." if yes else "No.")


@lru_cache(maxsize=4096)
def _sentence(about: Meaning, yes: bool) -> str:
    known = table()
    if about.kind == "attribute":
        question = known.questions[about.name][0]
    else:
        question = f"Is it {known.things[known.index[about.name]].phrase}?"
    return statement(question, yes)


def statement(question: str, yes: bool) -> str:
    """A yes-or-no question turned into its answer: "Does it have legs?" -> "No, it does not have legs."

    The helping verb and the subject change places.
    """
    verb, _, rest = question.rstrip("?").partition(" ")
    subject = next(s for s in SUBJECTS if rest.startswith(s + " "))
    rest = rest[len(subject) + 1 :]
    return f"{'Yes' if yes else 'No'}, {subject} {verb.lower()}{'' if yes else ' not'} {rest}."
