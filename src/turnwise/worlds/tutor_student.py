"""Students of the world `tutor`: what they believe, what makes them understand, and how they speak.

believer   MathDial's student: thinks that it is right, and sees a mistake after two good questions about the step
           (specs/users/mathdial)
tracer     a student as knowledge tracing has it: each good question about a step is a chance to learn it; it has to say
           how it did a step before a hint about it means anything; slips are the knob `error`
           (specs/evaluate/knowledge-tracing-auc)

What either hides is the right result of what it gets wrong. It understands by questions about the step alone; who was
told the answer repeats it and has understood nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from turnwise.core.chance import uniform_of
from turnwise.core.types import Task
from turnwise.users.acts import UNCLEAR, DialogueAct
from turnwise.users.disclosure import ByUnderstanding, Facts
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import ACKNOWLEDGE, Acts, Person, Reply, Standing
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Templates
from turnwise.worlds.conversation import Somebody
from turnwise.worlds.tutor_exercises import ANSWER, Exercise

if TYPE_CHECKING:
    from turnwise.worlds.tutor import Tutor

HELPS = frozenset({"focus", "probing"})
LEARN, MOST_NEEDED = 0.4, 5
"""Of the tracer: chance to learn a step by one question, and questions after which any step is learned."""
BELIEVES = 2
"""Questions after which the believer understands a step."""


@dataclass(frozen=True, kw_only=True)
class Working(ByUnderstanding):
    """A result is right once every misunderstood step that it rests on is understood.

    Args:
        rests: fact -> misunderstood steps under it.
        explained_first: a hint helps only with a step that was explained before.
    """

    rests: Mapping[str, tuple[str, ...]]
    explained_first: bool = False

    def hear(self, state: Any, act: DialogueAct, facts: Facts) -> tuple[tuple[str, int], ...]:
        if self.explained_first and act.kind == "focus" and act.about not in dict(state):
            return state
        return super().hear(state, act, facts)

    def left(self, state: Any) -> tuple[str, ...]:
        """Steps that are still misunderstood."""
        counted = dict(state)
        return tuple(step for step, need in self.needs.items() if counted.get(step, 0) < need)

    def opens(self, state: Any, act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        if act.kind in self.tells:
            return (act.about,) if act.about in facts and facts[act.about] == act.value else ()
        if act.kind == "generic":
            return ()
        left = self.left(state)
        if not left:
            return (ANSWER, act.about) if act.about in facts and act.about != ANSWER else (ANSWER,)
        under = self.rests.get(act.about, left)
        return (act.about,) if act.about in facts and not any(step in left for step in under) else ()


@dataclass(frozen=True, kw_only=True)
class Student(Person):
    """Somebody who works on an exercise, and believes in what it wrote until it understands."""

    exercise: Exercise

    @property
    def working(self) -> Working:
        """Its rule."""
        assert isinstance(self.discloses, Working)
        return self.discloses

    def reply(self, standing: Standing, act: DialogueAct | None, draws: Draws, useful: bool = False) -> Reply:
        return super().reply(standing, act, draws, useful or self.is_use(standing, act))

    def is_use(self, standing: Standing, act: DialogueAct | None) -> bool:
        """Whether an act is a step forward, even if nothing is told: it helps with what is misunderstood, or is the
        first question about the work.
        """
        if act is None:
            return False
        if act.kind == "walk":
            return standing.turn == 0
        return act.about in self.working.left(standing.state) and (
            self.working.hear(standing.state, act, standing.facts) != standing.state
        )

    def closed(self, act: DialogueAct, standing: Standing) -> Acts:
        """What it believes."""
        work = self.exercise.work(self.working.left(standing.state))
        if act.kind == "walk":
            return (*(DialogueAct("works", step, work[step]) for step in self.exercise.steps), self.result(work))
        if act.kind == "ask":
            return (self.result(work),)
        if act.kind == "probing" and act.about in work:
            return (DialogueAct("works", act.about, work[act.about]),)
        if act.kind == "focus" and act.about in work:
            return (DialogueAct("sure", act.about),)
        return (ACKNOWLEDGE,) if act.kind in ("generic", "tell") else (UNCLEAR,)

    @staticmethod
    def result(work: Mapping[str, str]) -> DialogueAct:
        """The answer it has."""
        return DialogueAct("works", ANSWER, work[ANSWER])


def enrolled(
    exercise: Exercise, needs: Mapping[str, int], voice: Templates, knobs: Knobs, explained_first: bool = False
) -> Student:
    """A student who misunderstands some steps.

    Args:
        needs: misunderstood step -> good questions before it is understood.
    """
    facts, others, rests = _hidden(exercise, tuple(needs))
    rule = Working(
        needs=dict(needs), helps=HELPS, tells=frozenset({"tell"}), rests=rests, explained_first=explained_first
    )
    return Student(facts, rule, voice, knobs, others, exercise=exercise)


@lru_cache(maxsize=1 << 14)
def _hidden(exercise: Exercise, wrong: tuple[str, ...]) -> tuple[dict[str, str], Any, Any]:
    """Right results of what is wrong; the results that may stand in their place; and what they rest on."""
    right, work = exercise.work(()), exercise.work(wrong)
    facts = {name: right[name] for name in right if right[name] != work[name]}
    others = {name: (work[name],) for name in facts}
    rests = {name: tuple(step for step in exercise.rests(name) if step in wrong) for name in facts}
    return facts, others, rests


def needed(user: str, task: str, step: str) -> int:
    """How many good questions a step needs. The tracer's are drawn by its chance to learn, once and for all."""
    if user == "believer":
        return BELIEVES
    questions = 1
    while questions < MOST_NEEDED and uniform_of("learns", task, step, questions) >= LEARN:
        questions += 1
    return questions


MODEST = Templates(
    Phrases(
        {
            "greet": ("hello, I am done with it.", "hi, I have solved it.", "good morning, here is my solution."),
            "inform:answer": ("oh, now I see: the answer is {value}.", "then it must be {value}.", "so it is {value}!"),
            "inform": ("oh, {about} should be {value}.", "I see: {about} is really {value}."),
            "vague": ("I think I see what was wrong with {about}.", "something about {about} is clearer now."),
            "refuse": ("let me think about {about} first.", "give me a moment with {about}."),
            "sure": ("I think that {about} is right.", "{about} looks fine to me."),
            "works:answer": ("so in the end I get {value}.", "my answer is {value}."),
            "works": ("for {about} I wrote {value}.", "{about}: {value}."),
            "acknowledge": ("okay.", "thank you.", "all right."),
            "unclear": ("sorry, what do you mean?", "I do not understand the question."),
            "leave": ("I have to go now.", "can we stop here? bye."),
        }
    ),
    ("this is a long one.", "I like these.", "it is warm in here.", "my pencil broke."),
    chatter=0.15,
)

SPARING = Templates(
    Phrases(
        {
            "greet": ("done.", "finished, I guess.", "here."),
            "inform:answer": ("wait. {value} then?", "{value}. got it.", "ah, {value}."),
            "inform": ("hm, {value} for {about}.", "right, {about} makes {value}."),
            "vague": ("{about}, maybe.", "not sure about {about} any more."),
            "refuse": ("{about}? hang on.", "one second, {about}."),
            "sure": ("nothing wrong with {about}.", "{about} is okay, no?"),
            "works:answer": ("gives {value}.", "total: {value}."),
            "works": ("{about} gave {value}.", "well, {about}, that was {value}."),
            "acknowledge": ("mhm.", "if you say so.", "yes."),
            "unclear": ("what?", "huh?"),
            "leave": ("I am off.", "enough for today."),
        }
    ),
    ("is it lunch yet?", "so tired.", "whatever."),
    chatter=0.3,
)


def believer(world: Tutor, task: Task, knobs: Knobs) -> Student:
    """Two good questions per misunderstood step."""
    needs = dict.fromkeys(task.params["misunderstood"], BELIEVES)
    return enrolled(world.exercise(task.params["exercise"]), needs, MODEST, knobs)


def tracer(world: Tutor, task: Task, knobs: Knobs) -> Student:
    """A chance to learn per good question."""
    needs = {step: needed("tracer", task.key, step) for step in task.params["misunderstood"]}
    return enrolled(world.exercise(task.params["exercise"]), needs, SPARING, knobs, explained_first=True)


PEOPLE = {
    "believer": Somebody("sees a mistake after two good questions about it", "understanding flag", MODEST, believer),
    "tracer": Somebody(
        "learns by chance from a question, once it has explained itself", "understanding flag", SPARING, tracer
    ),
}
