"""Guess My City of LMRL-Gym with an oracle that answers from a table (specs/worlds/lmrl-guess-my-city)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from turnwise.core.chance import Chance
from turnwise.core.errors import UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds import guess_my_city_experts
from turnwise.worlds.base import World, check_split
from turnwise.worlds.guess_my_city_answers import (
    Oracle,
    TableOracle,
    confirmed_as_released,
    fitting,
    kept_secret,
    pairs,
    reduced,
)
from turnwise.worlds.guess_my_city_table import Table, Town, table, towns_named

START = (Message("user", "Questions:\n"),)


class GuessMyCity(World):
    """Find out where somebody comes from, by open questions that are answered in sentences.

    Any text is a question. It costs 1, the one in which the city's name occurs nothing, and that one ends the game,
    whatever is answered; so does the last of `turns`. Other spellings of a name count (Mumbai), parts of words do not
    (a climate is no Lima). An answer that names the city or its country is replaced by a refusal. A question may name
    any number of cities; `cities_named` among the facts counts them.

    Train and eval hide the same cities, as in `twenty-questions`: nothing of a task is seen before the first question,
    so no task can be learned by heart. What eval holds back are the draws: other questions in other words.

    Args:
        cities: `all` 99, or `small`, the 24 largest, for quick runs.
        turns: questions.
        oracle: `table`, or any object with the method of `Oracle`; published numbers used trained models.
        as_released: the original's code: an answer is reduced to "Yes." or "No." by its first word, so open questions
            get "No.", and the test of success compares characters with words and is never true: no game is won.
    """

    name = "guess-my-city"
    title = "find out somebody's home town by open questions (LMRL-Gym)"
    experts = guess_my_city_experts.EXPERTS
    demonstrator = "curious"
    turns: int = 20

    def __init__(self, cities: str = "all", turns: int = 20, oracle: str | Oracle = "table", as_released: bool = False):
        if isinstance(oracle, str) and oracle != "table":
            raise UnknownName("oracle", oracle, ("table",))
        self.cities, self.turns, self.as_released = cities, turns, as_released
        self.oracle = oracle if isinstance(oracle, str) else type(oracle).__name__
        self._oracle: Oracle = TableOracle() if isinstance(oracle, str) else oracle
        self._table = table(cities)

    @property
    def table(self) -> Table:
        """The cities and what is true of them."""
        return self._table

    @property
    def anchors(self) -> Mapping[str, float]:
        """Of specs/worlds/lmrl-scores-and-data, for the game that was published."""
        published = GuessMyCity(as_released=self.as_released).settings()
        return {"min": -20.0, "data": -18.8, "max": -8.56} if self.settings() == published else {}

    def tasks(self, split: str) -> Sequence[Task]:
        """One task per city."""
        check_split(split)
        names = [town.name for town in self._table.towns]
        return [Task(f"{split}-{n.lower().replace(' ', '-')}", self.name, {"city": n}, split) for n in names]

    def answer(self, task: Task) -> str:
        """The question that names the city."""
        return f"Is it {task.params['city']}?\n"

    def reset(self, task: Task, chance: Chance) -> Moment:
        name = task.params["city"]
        if name not in self._table.index:
            raise UnknownName("city of this game", name, self._table.index)
        self._begin(self._table.towns[self._table.index[name]], 0, chance)
        return Moment({"agent": START}, ("agent",))

    def _begin(self, town: Town, asked: int, chance: Chance) -> None:
        self._town, self._asked, self._chance = town, asked, chance

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        question = said["agent"].text.strip()
        answer = self._chance.outcome("answer", lambda: self._answer(question))
        self._asked += 1
        named = towns_named(question)
        won = self._town.name in named
        if self.as_released:
            won = confirmed_as_released(self._town.entry, question, answer)
        views, rewards = {"agent": (Message("user", answer + "\n"),)}, {"agent": 0.0 if won else -1.0}
        facts = {"names_city": self._town.name in named, "cities_named": len(named)}
        if won or self._asked >= self.turns:
            return Moment(views, (), rewards, end=End.DONE, facts={**facts, "success": won})
        return Moment(views, ("agent",), rewards, facts=facts)

    def _answer(self, question: str) -> str:
        """What is shown of the oracle's answer."""
        answer = self._oracle.answer(self._town, question, self._chance)
        return reduced(answer) if self.as_released else kept_secret(self._town, " ".join(answer.split()))

    def fork(self, chance: Chance) -> GuessMyCity:
        twin = copy.copy(self)
        twin._chance = chance
        return twin

    def imagine(self, view: View, chance: Chance) -> GuessMyCity:
        """The city drawn anew among those that fit the conversation, each as likely as the next."""
        said = pairs([m.text for m in view.messages if m.role in ("user", "assistant")][1:])
        towns = self._table.members(fitting(self._table, said, self.as_released))
        twin = copy.copy(self)
        twin._begin(chance.choice(towns, "imagined city"), len(said), chance)
        return twin
