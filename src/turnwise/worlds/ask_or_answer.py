"""Ask or answer: a multiple-choice case of which only the opening is known (specs/users/mediq).

Not medical advice. Records of MediQ, CC BY 4.0: worlds/data/mediq/README.md.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.person import Reply, Standing
from turnwise.users.phrases import Phrases
from turnwise.users.recall import recall
from turnwise.worlds import ask_or_answer_experts
from turnwise.worlds.ask_or_answer_case import LETTERS, SETTLED, Case, case_of, one_line, opening_of
from turnwise.worlds.ask_or_answer_people import PEOPLE, SOURCES, fact_in, overlap
from turnwise.worlds.ask_or_answer_records import Record, records, split_of
from turnwise.worlds.base import check_split
from turnwise.worlds.conversation import Conversation, Outcome

LEANING = re.compile(r"(?P<letter>[a-d])(?:\s+(?P<share>\d+(?:\.\d+)?)\s*%?)?")
NONE = " (no answer: 0)"
CONFIDENCE = "confidence (not stated: 1, no answer: 0)"
ERROR = "squared_error (no answer: 1)"
"""Of the confidence; who states none is taken to be sure."""


class AskOrAnswer(Conversation):
    """Ask about a case, one thing at a time, until you are sure enough to name one of four options.

    The first message has the opening sentence, the question and the options. A turn asks about one thing ("tell me
    about the fever") or answers ("answer B", "answer B 70%"). A question may say what the agent leans to by now
    ("B 40%: tell me about the fever"). After `questions` questions the next turn must answer; if it does not, what it
    last leaned to is its answer. The right option pays 1, each question costs `cost`.

    Args:
        cases: `medqa` (1,269 records) or `craft` (140); every fifth is for evaluation.
        questions: most questions.
        cost: of each.
        user: `facts`, `paragraph`, `opening` or `random`; turnwise users ask-or-answer.
    """

    name = "ask-or-answer"
    title = "ask about a case until sure enough to choose one of four options"
    people = PEOPLE
    experts = ask_or_answer_experts.EXPERTS
    demonstrator = "cautious"
    language = Phrases(
        {
            "answer": ("answer {value}", "the answer is {value}", "I choose {value}"),
            "ask": (
                "{value}: tell me about the {about}",
                "tell me about the {about}",
                "is there anything about the {about}?",
                "ask {about}",
            ),
        }
    )
    noted = ("accuracy" + NONE, "timed_out", "questions", CONFIDENCE, ERROR)

    def __init__(
        self,
        cases: str = "medqa",
        questions: int = 30,
        cost: float = 0.01,
        user: str = "facts",
        patience: int = 0,
        vagueness: float = 0.0,
        withholding: float = 0.0,
        cooperation: float = 0.0,
    ):
        if questions < 0:
            raise TurnwiseError(f"questions={questions}", "0 or more")
        super().__init__(user, questions + 1, patience, vagueness, 0.0, withholding, cooperation)
        records(cases)  # refused here if ever
        self.cases, self.questions, self.cost = cases, questions, cost

    def settings(self) -> dict[str, Any]:
        """Without what follows from the others and what no record has: other values of a fact, a mind that changes."""
        left_out = ("max_turns", "error", "changing")
        return {name: value for name, value in super().settings().items() if name not in left_out}

    def tasks(self, split: str) -> Sequence[Task]:
        """A task per record."""
        return _tasks(self.cases, check_split(split))

    def answer(self, task: Task) -> str:
        """The letter."""
        return f"answer {LETTERS[task.params['answer']]}\n"

    def is_answer(self, text: str) -> bool:
        act = self.hear(text)
        return act is not None and act.kind == "answer"

    def hear(self, text: str) -> DialogueAct | None:
        """A question in words, or a letter."""
        act = self.language.read(text)
        if act is None or (act.kind == "answer" and LEANING.fullmatch(act.value) is None):
            return None
        return act

    # -- one conversation ----------------------------------------------------------------------------------------------

    def opening(self, task: Task, draws: Draws) -> tuple[str, Standing]:
        self._leanings: tuple[tuple[str, float | None], ...] = ()
        return opening_of(task), self._person.begin()

    def judge(self, act: DialogueAct | None, reply: Reply) -> Outcome:
        asked = reply.standing.turn - 1
        self._leanings = (*self._leanings, leaning(act.value if act else ""))
        if act is not None and act.kind == "answer":
            return self._ended(self._leanings[-1], asked, 0.0)
        if asked == self.questions and not reply.standing.left:
            return self._ended(next((one for one in reversed(self._leanings) if one[0]), ("", None)), asked, 0.0)
        letter, share = self._leanings[-1]
        facts = self._measured(("", None), asked + 1) if reply.standing.left else {}
        return Outcome(-self.cost, facts={**facts, "choice": letter, "share": share})

    def _ended(self, choice: tuple[str, float | None], asked: int, pay: float) -> Outcome:
        right = choice[0] == LETTERS[self._task.params["answer"]]
        return Outcome(pay + right, right, said=(SETTLED,), facts=self._measured(choice, asked))

    def _measured(self, choice: tuple[str, float | None], asked: int) -> dict[str, Any]:
        """The metrics of an end. `choices` are the letters leaned to turn by turn, the answer last."""
        letter, share = choice
        right = float(letter == LETTERS[self._task.params["answer"]])
        sure = (1.0 if share is None else share) if letter else 0.0
        return {
            "accuracy" + NONE: right,
            "timed_out": asked == self.questions,
            "questions": float(asked),
            CONFIDENCE: sure,
            ERROR: (sure - right) ** 2 if letter else 1.0,
            "choices": [list(one) for one in self._leanings],
            "choice": letter,
            "share": share,
        }

    def imagine(self, view: View, chance: Chance) -> AskOrAnswer:
        """The same case with what was told, other things of another record that would have been told no sooner, and an
        answer drawn by the word statistics.
        """
        case = case_of(view.messages)
        texts = [m.text for m in view.messages if m.role in ("user", "assistant")]
        exchanges = [(self.hear(said), heard) for said, heard in zip(texts[1::2], texts[2::2], strict=True)]
        told = list(dict.fromkeys(fact for _, text in exchanges if (fact := fact_in(text))))
        other = chance.choice(_drawn_from(), "imagined record")
        rest = [fact for fact in getattr(other, SOURCES[self.user]) if not self._forestalled(fact, exchanges)]
        answer = case.drawn(told, chance.uniform("imagined answer"))
        params = {**case.params, "answer": answer, "facts": [*told, *rest], "context": [*told, *rest]}
        twin = copy.copy(self)
        twin._chance, twin._task = chance, Task("imagined", self.name, params)
        twin._person = twin.person(twin._task)
        said = [(act, self.people[self.user].voice.read(text)) for act, text in exchanges]
        twin._standing = recall(twin._person, twin._person.begin(), said)
        twin._begin, twin._heard = twin._standing, ()
        twin._leanings = tuple(leaning(act.value if act else "") for act, _ in exchanges)
        return twin

    def _forestalled(self, fact: str, exchanges: Sequence[tuple[DialogueAct | None, str]]) -> bool:
        """Whether a fact would have been told in place of what was."""
        return any(
            overlap(act.about, fact) > overlap(act.about, fact_in(text) or "")
            for act, text in exchanges
            if act is not None and act.kind == "ask"
        )


def leaning(text: str) -> tuple[str, float | None]:
    """Letter and share of what an agent leans to: `b 40%` is ("B", 0.4); ("", None) where it says nothing of it."""
    found = LEANING.fullmatch(text.casefold())
    if found is None:
        return "", None
    return found["letter"].upper(), min(1.0, float(found["share"]) / 100.0) if found["share"] else None


@lru_cache(maxsize=1)
def _drawn_from() -> tuple[Record, ...]:
    """Records that imagined ones are made of."""
    return tuple(record for record in records("medqa") if split_of(record) == "train")


@lru_cache(maxsize=4)
def _tasks(cases: str, split: str) -> tuple[Task, ...]:
    return tuple(_task(cases, record) for record in records(cases) if split_of(record) == split)


def _task(cases: str, record: Record) -> Task:
    """A record, every text of it on one line."""
    facts, context, options = (tuple(map(one_line, of)) for of in (record.facts, record.context, record.options))
    hidden = {"answer": record.answer, "facts": list(facts), "context": list(context)}
    shown = Case(context[0], one_line(record.question), options)
    return Task(f"{cases}-{record.number}", AskOrAnswer.name, shown.params | hidden, split_of(record))
