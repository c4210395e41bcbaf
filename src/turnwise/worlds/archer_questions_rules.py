"""ArCHer's rules around Twenty Questions: what an answer counts as, and when a question has named the object.

Source: specs/worlds/archer-worlds. Where the released rule is faulty, both stand here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

INVALID = "Invalid Question."
SUBSET = ("Football", "Dog", "Banana", "Truck", "Pants", "Computer", "Piano", "Chair", "Pen", "Scissors")
"""The ten objects of the small game: every tenth of the list, from the second on."""


def first_line(text: str) -> str:
    """What is played of a reply."""
    return text.strip().partition("\n")[0].strip()


def verdict(reply: str) -> str:
    """An oracle's text as an answer, by what it contains: "I do not know" is "No.", and so is any text with n-o in a
    word; what has neither is no answer to a valid question.
    """
    said = reply.lower()
    return "Yes." if "yes" in said else "No." if "no" in said else INVALID


def names_released(variants: Sequence[str], question: str) -> bool:
    """Whether the last word of a question is one of the variants: an object whose every variant has several words is
    never named.
    """
    words = re.sub(r"[^a-z]+$", "", question.lower()).split(" ")
    return words[-1] in {variant.lower() for variant in variants}


def names_intended(variants: Sequence[str], question: str) -> bool:
    """Whether a question ends in a whole variant."""
    text = " " + re.sub(r"[^a-z]+$", "", question.lower())
    return any(text.endswith(f" {variant.lower()}") for variant in variants)
