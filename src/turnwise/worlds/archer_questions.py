"""Twenty Questions as ArCHer plays it, with 157 objects or ten (specs/worlds/archer-worlds)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from turnwise.core.types import End, Message, Moment, Seat
from turnwise.worlds.archer_questions_rules import SUBSET, first_line, names_intended, names_released, verdict
from turnwise.worlds.twenty_questions import TwentyQuestions
from turnwise.worlds.twenty_questions_experts import NoisySplitter, RandomAsker, Splitter
from turnwise.worlds.twenty_questions_oracle import Oracle, meaning
from turnwise.worlds.twenty_questions_table import Table, table
from turnwise.worlds.twenty_questions_voice import spoken

LEFT_OUT = "Stuffed animal"
EXPERTS = {
    "noisy": lambda world: NoisySplitter(world.table, 0.5),
    "random": lambda world: RandomAsker(world.table),
    "splitter": lambda world: Splitter(world.table),
}


@lru_cache(maxsize=2)
def objects(subset: bool) -> Table:
    """The objects of the game and what is true of them."""
    whole = table()
    things = tuple(t for t in whole.things if (t.name in SUBSET if subset else t.name != LEFT_OUT))
    having = {key: {t.name for t in whole.members(mask)} for key, mask in whole.masks.items()}
    masks = {key: sum(1 << i for i, t in enumerate(things) if t.name in names) for key, names in having.items()}
    splitting = {key: mask for key, mask in masks.items() if mask and mask != (1 << len(things)) - 1}
    return Table("subset" if subset else "archer", things, splitting, {key: whole.questions[key] for key in splitting})


class ArcherQuestions(TwentyQuestions):
    """ArCHer's Twenty Questions: -1 per question, 0 for the one that names the object, 20 questions.

    A reply is cut at its first line. The published oracle is a fine-tuned flan-t5-small; here a table answers, or any
    object with the method of `Oracle`, whose text is read by what it contains. Train and eval hide the same objects, as
    in `twenty-questions`.

    Args:
        subset: ten objects instead of 157.
        turns: questions.
        oracle, noise, answers: as in `twenty-questions`.
        as_released: compare the question's last word, so that seven objects of several words can never be named.
    """

    name = "archer-questions"
    title = "Twenty Questions as ArCHer plays it, 157 objects"
    experts = EXPERTS
    demonstrator = "noisy"

    def __init__(
        self,
        subset: bool = False,
        turns: int = 20,
        oracle: str | Oracle = "table",
        noise: float = 0.0,
        answers: str = "short",
        as_released: bool = False,
    ):
        super().__init__("all", turns, oracle, noise, None, answers)
        del self.objects, self.cleaning
        self.subset, self.as_released = subset, as_released
        self._table = objects(subset)

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        question = first_line(said["agent"].text)
        answer = self._chance.outcome(
            "answer", lambda: verdict(self._oracle.answer(self._thing, question, self._chance.rng))
        )
        self._asked += 1
        names = (names_released if self.as_released else names_intended)(self._thing.variants, question)
        won = names and answer == "Yes."
        about = meaning(question)
        text = spoken(about, answer == "Yes.") if self.answers == "sentence" else answer
        views, rewards = {"agent": (Message("user", text + "\n"),)}, {"agent": 0.0 if won else -1.0}
        facts = {"names_object": names, "about": list(about) if about else None}
        if won or self._asked >= self.turns:
            return Moment(views, (), rewards, end=End.DONE, facts={**facts, "success": won})
        return Moment(views, ("agent",), rewards, facts=facts)

    def _read(self, text: str) -> str:
        return first_line(text)


class ArcherQuestionsSmall(ArcherQuestions):
    """The ten-object subset; answers are sentences, which a small model from random weights can read."""

    name = "archer-questions-small"
    title = "the same with ten objects, for quick runs"

    def __init__(
        self,
        subset: bool = True,
        turns: int = 20,
        oracle: str | Oracle = "table",
        noise: float = 0.0,
        answers: str = "sentence",
        as_released: bool = False,
    ):
        super().__init__(subset, turns, oracle, noise, answers, as_released)
