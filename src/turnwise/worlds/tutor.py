"""Teach without telling: a student who believes in a wrong solution (specs/users/mathdial).

The tutor sees the exercise and its key, not what the student wrote, nor which steps it misunderstands. It may ask to be
walked through the work, draw attention to a step (focus), ask how a step was done (probing), say something kind
(generic), or tell. The episode ends when the student says the answer, whoever said it first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from turnwise.core.chance import Chance, uniform_of
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import Message, Moment, Seat, Task
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.person import Reply, Standing
from turnwise.users.phrases import Phrases
from turnwise.worlds import tutor_experts
from turnwise.worlds.base import check_split
from turnwise.worlds.conversation import Conversation, Outcome
from turnwise.worlds.tutor_exercises import ANSWER, Exercise, chain
from turnwise.worlds.tutor_imagined import imagined
from turnwise.worlds.tutor_student import PEOPLE, Student
from turnwise.worlds.tutor_written import numbers, phrases, scenarios

LANGUAGE = Phrases(
    {
        "walk": ("walk me through your solution.", "please show me your steps.", "what did you do, step by step?"),
        "ask": ("what do you get now?", "so what is the answer?"),
        "focus": ("look at {about} again.", "take another look at {about}.", "think about {about} once more."),
        "probing": ("how did you get {about}?", "why do you do {about} like that?", "what happens in {about}?"),
        "generic": ("keep going.", "you can do this.", "are you sure about all of it?"),
        "tell:answer": ("the answer is {value}.", "it has to be {value}."),
        "tell": ("for {about} you should get {value}.", "the result of {about} is {value}."),
    }
)
GENERATED = {"train": range(400), "eval": range(400, 500)}
EVAL_SHARE = 5
"""One written exercise in so many is kept for eval."""


class Tutor(Conversation):
    """Lead a student from a wrong solution to the right answer.

    success is MathDial's: the student says the right answer. `telling` says that the tutor did so first or before,
    `transfer` that the student, as it is at the end, solves a sibling of the exercise: after telling it does not. The
    reward is success - telling_cost * telling; the cost falls due when it is told.

    Train and eval are different exercises.

    Args:
        exercises: `arithmetic`, generated chains of three steps; `mathdial`, wrong solutions that were collected, which
            the student shows at once; `cima`, Italian phrases of three pieces.
        telling_cost: of saying the answer.
        user: `believer` or `tracer`.
        max_turns: of the tutor.
    """

    name = "tutor"
    title = "lead a student to the answer without telling it (MathDial, CIMA)"
    people = PEOPLE
    language = LANGUAGE
    experts = tutor_experts.EXPERTS
    demonstrator = "noisy"
    noted = ("telling", "transfer", "turns (failed: all)")

    def __init__(
        self,
        exercises: str = "arithmetic",
        telling_cost: float = 0.5,
        user: str = "believer",
        max_turns: int = 8,
        patience: int = 0,
        vagueness: float = 0.0,
        error: float = 0.0,
        withholding: float = 0.0,
        cooperation: float = 0.0,
        changing: float = 0.0,
    ):
        super().__init__(user, max_turns, patience, vagueness, error, withholding, cooperation, changing)
        if exercises not in SOURCES:
            raise UnknownName("exercises", exercises, SOURCES)
        if telling_cost < 0:
            raise TurnwiseError(f"telling_cost={telling_cost:g}", "0 or more")
        self.exercises, self.telling_cost = exercises, telling_cost

    def exercise(self, name: str) -> Exercise:
        """The exercise of a name in `Task.params`."""
        return SOURCES[self.exercises](name)

    def tasks(self, split: str) -> Sequence[Task]:
        """An exercise, and the steps that the student misunderstands."""
        return _tasks(check_split(split), self.exercises)

    def answer(self, task: Task) -> str:
        """Telling: what a tutor should not say."""
        return f"the answer is {self.exercise(task.params['exercise']).answer}.\n"

    # -- one conversation ----------------------------------------------------------------------------------------------

    def opening(self, task: Task, draws: Draws) -> tuple[str, Standing]:
        self._exercise = self.exercise(task.params["exercise"])
        self._told: int | None = None
        begin, greets = self._person.begin(), (DialogueAct("greet"),)
        shows = self._student.closed(DialogueAct("walk"), begin) if self._exercise.shown else ()
        return self._person.voice.say(greets + shows, draws), begin

    @property
    def _student(self) -> Student:
        assert isinstance(self._person, Student)
        return self._person

    def status(self) -> str:
        """The exercise and its key, before the first turn."""
        return brief(self._exercise) if self._standing.turn == 0 else ""

    def legal(self) -> tuple[str, ...]:
        return legal_texts(self._exercise)

    def hear(self, text: str) -> DialogueAct | None:
        """An act about a step that there is, or about none."""
        act = self.language.read(text)
        known = act is None or not act.about or act.about == ANSWER or act.about in self._exercise.steps
        return act if known else None

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        self._tells_now = self._told is None and says(said["agent"].text, self._exercise.answer)
        self._told = self._before(self._standing.turn) if self._tells_now else self._told
        return super().step(said)

    def judge(self, act: DialogueAct | None, reply: Reply) -> Outcome:
        reached = any(
            said.kind == "inform" and said.about == ANSWER and said.value == self._exercise.answer
            for said in reply.acts
        )
        reward = float(reached) - self.telling_cost * self._tells_now
        return Outcome(reward, True if reached else None)

    def _before(self, turns: int) -> int:
        """Utterances of a side before its next, as MathDial counts: asking for the work, and the work, come first."""
        return turns + self._exercise.shown

    def ending(self, won: bool) -> Mapping[str, Any]:
        """`reached` and `told` are MathDial's s and t: utterances before the one with the answer, or None."""
        turns, left = self._standing.turn, self._student.working.left(self._standing.state)
        return {
            "telling": float(self._told is not None),
            "transfer": float(self._exercise.sibling_right(left)),
            "turns (failed: all)": float(turns if won else self.max_turns),
            "reached": self._before(turns - 1) if won else None,
            "told": self._told,
        }

    def imagine(self, view: View, chance: Chance) -> Tutor:
        return imagined(self, view, chance)


def brief(exercise: Exercise) -> str:
    """What the tutor is told about the exercise."""
    return f"{exercise.question}\nkey: {'; '.join(exercise.key)}; the answer: {exercise.answer}"


def says(text: str, answer: str) -> bool:
    """Whether a text gives the answer away: the number, or the phrase."""
    if answer.replace(",", "").replace(".", "").isdigit():
        gold = float(answer.replace(",", ""))
        return any(abs(float(number) - gold) < 1e-7 for number in numbers(text))
    return answer.casefold() in text.casefold()


@lru_cache(maxsize=1 << 12)
def legal_texts(exercise: Exercise) -> tuple[str, ...]:
    """The plainest wording of each move."""
    plain = {kind: wordings[0] for kind, wordings in LANGUAGE.wordings.items()}
    moves = [plain["walk"], plain["ask"], plain["generic"], plain["tell:answer"].format(value=exercise.answer)]
    moves += [plain[kind].format(about=step) for kind in ("focus", "probing") for step in exercise.steps]
    return tuple(f"{move}\n" for move in moves)


SOURCES: Mapping[str, Any] = {
    "arithmetic": lambda name: chain(int(name)),
    "cima": lambda name: phrases()[name],
    "mathdial": lambda name: scenarios()[name],
}


@lru_cache(maxsize=8)
def _tasks(split: str, source: str) -> tuple[Task, ...]:
    if source == "arithmetic":
        names = [str(number) for number in GENERATED[split]]
    else:
        every = sorted(scenarios() if source == "mathdial" else phrases(), key=lambda name: uniform_of("split", name))
        names = [name for at, name in enumerate(every) if (at % EVAL_SHARE == 0) == (split == "eval")]
    return tuple(_task(split, source, name) for name in names)


def _task(split: str, source: str, name: str) -> Task:
    """An exercise with the student who did it; what it misunderstands is drawn by the name, or was collected."""
    exercise = SOURCES[source](name)
    if source == "mathdial":
        wrong = exercise.misunderstood
    else:
        wrong = exercise.mistakes[int(uniform_of("misunderstood", source, name) * len(exercise.mistakes))]
    return Task(f"{split}-{name}", Tutor.name, {"exercise": name, "misunderstood": list(wrong)}, split)
