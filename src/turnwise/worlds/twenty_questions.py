"""Twenty Questions of LMRL-Gym with an oracle that answers from a table (specs/worlds/lmrl-twenty-questions)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds import twenty_questions_experts
from turnwise.worlds.base import World, check_split
from turnwise.worlds.twenty_questions_oracle import Oracle, TableOracle, meaning
from turnwise.worlds.twenty_questions_rules import CLEANING, INVALID, clean_question, matches, verdict
from turnwise.worlds.twenty_questions_table import Meaning, Table, Thing, table
from turnwise.worlds.twenty_questions_voice import ANSWERS, spoken

START = (Message("user", "Questions:\n"),)
ORACLES = {"table": TableOracle}


class TwentyQuestions(World):
    """Find out a hidden object by questions that are answered "Yes." or "No.".

    Any text is a question; one that the oracle cannot read is answered "No.". The question that names the object,
    and is answered yes, earns 0 and ends the game, every other earns -1, and the last of `turns` ends it too.

    Train and eval hide the same objects: nothing of the task is seen before the first question, so it cannot be
    learned by heart, and an object withheld from training would only be learned as one that never occurs. What eval
    holds back is chance: keys of its own, so players phrase their questions, and a noisy oracle errs, in ways that
    no training episode has met.

    Args:
        objects: `all` 158, or `small`, 47 that are easily told apart, for quick runs.
        turns: questions.
        oracle: `table`, or any object with the method of `Oracle`; published numbers used a trained model.
        noise: probability that the table's answer about an attribute is turned around; guesses are answered truly.
        answers: `short` as in LMRL-Gym, or `sentence`, which says what was answered ("No, it is not a car.").
        cleaning: how a question is cleaned before it is judged: `strict`, `simple`, `repeat-filtering`; None, not.
    """

    name = "twenty-questions"
    title = "find out a hidden object by yes-or-no questions (LMRL-Gym)"
    experts = twenty_questions_experts.EXPERTS
    demonstrator = "forgetful"
    turns: int = 20

    def __init__(
        self,
        objects: str = "all",
        turns: int = 20,
        oracle: str | Oracle = "table",
        noise: float = 0.0,
        cleaning: str | None = None,
        answers: str = "short",
    ):
        if isinstance(oracle, str) and oracle not in ORACLES:
            raise UnknownName("oracle", oracle, ORACLES)
        if cleaning is not None and cleaning not in CLEANING:
            raise UnknownName("rule of cleaning", cleaning, CLEANING)
        if answers not in ANSWERS:
            raise UnknownName("way to answer", answers, ANSWERS)
        self.answers = answers
        self.objects, self.turns, self.noise, self.cleaning = objects, turns, float(noise), cleaning
        self.oracle = oracle if isinstance(oracle, str) else type(oracle).__name__
        self._oracle = ORACLES[oracle](self.noise) if isinstance(oracle, str) else oracle
        self._table = table(objects)

    @property
    def table(self) -> Table:
        """The objects and what is true of them."""
        return self._table

    def tasks(self, split: str) -> Sequence[Task]:
        """One task per object."""
        check_split(split)
        names = [thing.name for thing in self._table.things]
        return [Task(f"{split}-{n.lower().replace(' ', '-')}", self.name, {"object": n}, split) for n in names]

    def answer(self, task: Task) -> str:
        """The question that names the hidden object, in the first of its wordings."""
        return self._table.things[self._table.index[task.params["object"]]].questions[0] + "\n"

    def reset(self, task: Task, chance: Chance) -> Moment:
        name = task.params["object"]
        if name not in self._table.index:
            raise UnknownName("object of this game", name, self._table.index)
        self._begin(self._table.things[self._table.index[name]], 0, chance)
        return Moment({"agent": START}, ("agent",))

    def _begin(self, thing: Thing, asked: int, chance: Chance) -> None:
        self._thing, self._asked, self._chance = thing, asked, chance

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        question = self._read(said["agent"].text)
        answer = self._chance.outcome("answer", lambda: self._answer(question))
        self._asked += 1
        names = matches(self._thing.variants, question)
        won = names and answer == "Yes."
        about = meaning(question)
        text = spoken(about, answer == "Yes.") if self.answers == "sentence" else answer
        views, rewards = {"agent": (Message("user", text + "\n"),)}, {"agent": 0.0 if won else -1.0}
        facts = {"names_object": names, "about": list(about) if about else None}
        if won or self._asked >= self.turns:
            return Moment(views, (), rewards, end=End.DONE, facts={**facts, "success": won})
        return Moment(views, ("agent",), rewards, facts=facts)

    def _read(self, text: str) -> str:
        """The question that is judged."""
        return clean_question(text, self.cleaning) if self.cleaning else text.strip()

    def _answer(self, question: str) -> str:
        return "No." if question == INVALID else verdict(self._oracle.answer(self._thing, question, self._chance.rng))

    def fork(self, chance: Chance) -> TwentyQuestions:
        twin = copy.copy(self)
        twin._chance = chance
        return twin

    def belief(self, messages: Sequence[Message]) -> np.ndarray:
        """float64 [objects]: how probable each object is after a conversation, if the table answers.

        Without noise, the objects that fit every answer, each as likely (those that contradict the fewest, should none
        fit); with noise, by Bayes' rule.
        """
        pairs = zip(messages, messages[1:], strict=False)
        said = [(self._read(q.text), a.text) for q, a in pairs if q.role == "assistant"]
        history = [(meaning(question), verdict(answer) == "Yes.") for question, answer in said]
        if self.noise:
            weights = np.prod([self._likelihood(about, yes) for about, yes in history if about is not None], axis=0)
            weights = np.broadcast_to(weights, len(self._table.things))
        else:
            fits = self._table.fitting(history)
            weights = np.array([float(fits >> i & 1) for i in range(len(self._table.things))])
        if not weights.any():
            raise TurnwiseError("a conversation that fits no object of the game", "answers given by this world")
        return weights / weights.sum()

    def _likelihood(self, about: Meaning, yes: bool) -> np.ndarray:
        """float64 [objects]: the probability of an answer under each."""
        if about.kind == "attribute":
            holds, error = self._table.truth[self._table.attributes.index(about.name)], self.noise
        else:
            holds, error = np.array([thing.name == about.name for thing in self._table.things]), 0.0
        return np.where(holds == yes, 1.0 - error, error)

    def imagine(self, view: View, chance: Chance) -> TwentyQuestions:
        """The object drawn anew, each with the probability it has after the conversation in view."""
        reached = np.cumsum(self.belief(view.messages)) > chance.uniform("imagined object")
        twin = copy.copy(self)
        asked = sum(message.role == "assistant" for message in view.messages)
        twin._begin(self._table.things[int(reached.argmax())], asked, chance)
        return twin


class TwentyQuestionsSmall(TwentyQuestions):
    """The same game made small enough to learn in minutes from random weights: 47 objects, answers in sentences, and an
    oracle that errs one time in twenty about attributes.
    """

    name = "twenty-questions-small"
    title = "the same with 47 objects, answers in sentences and a little noise, for quick runs"

    def __init__(
        self,
        objects: str = "small",
        turns: int = 20,
        oracle: str | Oracle = "table",
        noise: float = 0.05,
        cleaning: str | None = None,
        answers: str = "sentence",
    ):
        super().__init__(objects, turns, oracle, noise, cleaning, answers)
