"""What is known of a case before anything was asked, and how a conversation about it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from turnwise.core.types import Message, Task
from turnwise.users.acts import DialogueAct
from turnwise.worlds.ask_or_answer_records import words
from turnwise.worlds.ask_or_answer_statistics import statistics

LETTERS = "ABCD"
SETTLED = DialogueAct("settled")
"""What is answered to an answer."""


@dataclass(frozen=True)
class Case:
    """The part of a record that everybody sees."""

    opening: str
    question: str
    options: tuple[str, ...]

    @property
    def params(self) -> dict[str, Any]:
        """As a task keeps it."""
        return {"opening": self.opening, "question": self.question, "options": list(self.options)}

    @property
    def text(self) -> str:
        """The first message, a line for each part."""
        options = (f"{letter}) {one_line(option)}" for letter, option in zip(LETTERS, self.options, strict=True))
        return "\n".join((one_line(self.opening), one_line(self.question), *options))

    def chances(self, told: Sequence[str]) -> np.ndarray:
        """float64 [4]: probability of each option after these facts, by the word statistics."""
        return statistics().chances(self.options, words(" ".join((self.opening, self.question, *told))))

    def drawn(self, told: Sequence[str], uniform: float) -> int:
        """An option drawn by them."""
        return min(len(LETTERS) - 1, int(np.searchsorted(np.cumsum(self.chances(told)), uniform, side="right")))


def one_line(text: str) -> str:
    """With single spaces."""
    return " ".join(text.split())


def opening_of(task: Task) -> str:
    """The first message of a task."""
    return Case(task.params["opening"], task.params["question"], tuple(task.params["options"])).text


def case_of(messages: Sequence[Message]) -> Case:
    """The case that a conversation is about, from its first message."""
    first = next(message.text for message in messages if message.role == "user")
    opening, question, *options = first.rstrip("\n").split("\n")
    return Case(opening, question, tuple(option.partition(") ")[2] for option in options))
