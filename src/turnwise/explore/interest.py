"""Who says which tasks are boring beside others: the judges of OMNI (specs/learn/omni).

A judge is a function of (tasks that are interesting, last the one just added; tasks still open) to the keys of the open
ones that are too similar to those to be interesting. `turnwise.explore.progress` asks it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from turnwise.core.chance import generator
from turnwise.core.errors import UnknownName
from turnwise.core.types import Task

Judge = Callable[[Sequence[Task], Sequence[Task]], Collection[str]]


def nothing_is_boring(interesting: Sequence[Task], others: Sequence[Task]) -> Sequence[str]:
    """The judge with which OMNI is a curriculum of learning progress alone."""
    return ()


def variants_are_boring(interesting: Sequence[Task], others: Sequence[Task]) -> Sequence[str]:
    """A rule that knows: one task of a kind is enough. The world tells kinds as `Task.params["kind"]`; a task without
    one is a kind of its own.
    """
    last = kind_of(interesting[-1])
    return [task.key for task in others if kind_of(task) == last]


def kind_of(task: Task) -> str:
    """What a task is a variant of."""
    return str(task.params.get("kind", task.key))


@dataclass(frozen=True)
class Guessing:
    """A judge that knows nothing: each task is boring with a probability, once and for all.

    Whichever task the walk asks about first, the answer about a task is the same, so it takes tasks away at random
    and says nothing about how they resemble each other.
    """

    share: float
    seed: int

    def __call__(self, interesting: Sequence[Task], others: Sequence[Task]) -> Sequence[str]:
        return [t.key for t in others if generator(self.seed, "boring", t.key).random() < self.share]


@dataclass
class Asking:
    """A judge that asks a language model in words, and remembers what it said.

    Args:
        ask: prompt -> answer, any model; the answer names boring tasks one per line, by number or by name.
        tell: how a task is told; its key by default.
    """

    ask: Callable[[str], str]
    tell: Callable[[Task], str] = lambda task: task.key
    said: dict[tuple[frozenset[str], str], bool] = field(default_factory=dict)

    def __call__(self, interesting: Sequence[Task], others: Sequence[Task]) -> Sequence[str]:
        done = frozenset(task.key for task in interesting)
        new = [task for task in others if (done, task.key) not in self.said]
        if new:
            named = self._named(self.ask(self.prompt(interesting, new)), new)
            self.said |= {(done, task.key): task.key in named for task in new}
        return [task.key for task in others if self.said[done, task.key]]

    def prompt(self, interesting: Sequence[Task], others: Sequence[Task]) -> str:
        """What the model reads."""
        done = "\n".join(f"- {self.tell(task)}" for task in interesting)
        open_ = "\n".join(f"{number}. {self.tell(task)}" for number, task in enumerate(others, 1))
        return (
            f"A learner does these tasks well, or will soon:\n{done}\n\nThese are left:\n{open_}\n\n"
            "Which of those left would teach nothing new, because they are too similar to one above? "
            "Answer with their numbers, one per line, or with none.\n"
        )

    def _named(self, answer: str, others: Sequence[Task]) -> set[str]:
        """Keys of the tasks that an answer names; what names no task is passed over."""
        by_word = {str(number): task.key for number, task in enumerate(others, 1)}
        by_word |= {self.tell(task).lower(): task.key for task in others}
        lines = (re.sub(r"^\W+|[\s.:;,]+$", "", line).lower() for line in answer.splitlines())
        return {by_word[line] for line in lines if line in by_word}


def judge_of(name: str, seed: int) -> Judge:
    """A judge by name: variants (a rule that knows), nothing (none is boring), guess (half of all, at random).

    Raises:
        UnknownName: with the close matches.
    """
    known: dict[str, Judge] = {
        "variants": variants_are_boring,
        "nothing": nothing_is_boring,
        "guess": Guessing(0.5, seed),
    }
    if name not in known:
        raise UnknownName("judge of interestingness", name, known)
    return known[name]
