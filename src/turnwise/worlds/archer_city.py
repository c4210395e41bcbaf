"""Guess My City as ArCHer plays it (specs/worlds/archer-worlds)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from turnwise.core.chance import Chance
from turnwise.core.errors import UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds.archer_city_table import (
    REFUSAL,
    Oracle,
    TableOracle,
    cities,
    fitting,
    guess,
    named,
    questions,
)
from turnwise.worlds.archer_questions_rules import first_line
from turnwise.worlds.base import Expert, World, check_split

START = (Message("user", "Questions:\n"),)


def history(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """(question, answer) of a conversation."""
    pairs = zip(messages, messages[1:], strict=False)
    return [(first_line(q.text), a.text.strip()) for q, a in pairs if q.role == "assistant"]


def player(careless: float) -> Callable[[World], Expert]:
    """Asks what splits the cities still possible most evenly and guesses once at most two are left; with probability
    `careless` it asks or guesses anything instead.
    """

    def ask(view: View, rng: np.random.Generator) -> str:
        said = history(view.messages)
        left, asked = fitting(said), {question for question, _ in said}
        if rng.random() < careless:
            pool = questions() if rng.random() < 0.75 else [guess(city) for city in cities()]
            return pool[int(rng.integers(len(pool)))] + "\n"
        counts = {q: sum(q in city.holds for city in left) for q in questions() if q not in asked}
        splits = {q: min(n, len(left) - n) for q, n in counts.items()}
        best = max(splits.values(), default=0)
        pool = [q for q, n in splits.items() if n == best] if best and len(left) > 2 else [guess(city) for city in left]
        return pool[int(rng.integers(len(pool)))] + "\n"

    return lambda world: ask


class ArcherCity(World):
    """Find out where somebody comes from. -1 per question, 0 for the one that names the city, whatever is answered.

    An answer that names the city is replaced by a refusal. The published oracle is a fine-tuned model and its list has
    91 cities; here a table answers in sentences, and the list is LMRL-Gym's, 99 cities. Train and eval hide the same
    cities, as in `twenty-questions`.

    Args:
        turns: questions.
        oracle: `table`, or any object with the method of `Oracle`.
    """

    name = "archer-city"
    title = "find out somebody's home town by questions, as ArCHer plays it"
    experts = {"noisy": player(0.5), "random": player(1.0), "splitter": player(0.0)}
    demonstrator = "noisy"
    turns: int = 20

    def __init__(self, turns: int = 20, oracle: str | Oracle = "table"):
        if isinstance(oracle, str) and oracle != "table":
            raise UnknownName("oracle", oracle, ("table",))
        self.turns, self.oracle = turns, oracle if isinstance(oracle, str) else type(oracle).__name__
        self._oracle: Oracle = TableOracle() if isinstance(oracle, str) else oracle

    def tasks(self, split: str) -> Sequence[Task]:
        """One task per city."""
        check_split(split)
        return [
            Task(f"{split}-{c.name.lower().replace(' ', '-')}", self.name, {"city": c.name}, split) for c in cities()
        ]

    def answer(self, task: Task) -> str:
        """The question that names the city."""
        return f"Is it {task.params['city']}?\n"

    def reset(self, task: Task, chance: Chance) -> Moment:
        known = {city.name: city for city in cities()}
        if task.params["city"] not in known:
            raise UnknownName("city", task.params["city"], known)
        self._city, self._asked, self._chance = known[task.params["city"]], 0, chance
        return Moment({"agent": START}, ("agent",))

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        question = first_line(said["agent"].text)
        answer = self._chance.outcome("answer", lambda: self._oracle.answer(self._city, question, self._chance.rng))
        answer = REFUSAL if named(self._city, answer) else first_line(answer)
        self._asked += 1
        won = named(self._city, question)
        views, rewards = {"agent": (Message("user", answer + "\n"),)}, {"agent": 0.0 if won else -1.0}
        facts = {"names_city": won}
        if won or self._asked >= self.turns:
            return Moment(views, (), rewards, end=End.DONE, facts={**facts, "success": won})
        return Moment(views, ("agent",), rewards, facts=facts)

    def fork(self, chance: Chance) -> ArcherCity:
        twin = self.live()
        twin._chance = chance
        return twin

    def imagine(self, view: View, chance: Chance) -> ArcherCity:
        """The city drawn anew among those that fit the conversation."""
        twin = self.live()
        said = history(view.messages)
        twin._city = chance.choice(fitting(said), "imagined city")
        twin._asked, twin._chance = len(said), chance
        return twin

    def live(self) -> ArcherCity:
        """As `World.live`; the oracle is shared."""
        twin = super().live()
        assert isinstance(twin, ArcherCity)
        return twin
