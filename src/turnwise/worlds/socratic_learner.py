"""Students of the world `socratic`: what each bug asks of them, and what a question does.

For each bug a student climbs a ladder: questions about its line go from its purpose to what happens there to the part
that makes it so. At each level it may need several questions before its answer is right; one right answer lifts it to
the next level, and at the top it has understood, and says the fix. A line of teaching always gives a right answer. Who
has understood a bug has understood every later one of its kind. After specs/worlds/socratic-debugging.

beginner     goes on where a question left off
scattered    loses the thread: a bug that is dropped for another starts again from the bottom
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turnwise.core.types import Task
from turnwise.users.acts import UNCLEAR, DialogueAct
from turnwise.users.disclosure import Facts
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import ACKNOWLEDGE, Acts, Person, Reply, Standing
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Templates
from turnwise.worlds.conversation import Somebody
from turnwise.worlds.socratic_programs import KINDS, LEVELS, Bug, Program, same_code

if TYPE_CHECKING:
    from turnwise.worlds.socratic import Socratic

Ladders = Mapping[str, tuple[int, ...]]
"""Line -> for each level, questions until the answer is right."""
Climb = tuple[tuple[tuple[str, int, int], ...], str]
"""(line, level, questions there) of each line spoken of, and the line spoken of last."""


@dataclass(frozen=True)
class Climbing:
    """A fix is told once its bug is understood, or was named.

    Args:
        ladders: of each bug.
        bugs: in the order of their lines.
        scattered: whether a dropped bug starts again.
    """

    ladders: Ladders
    bugs: tuple[Bug, ...]
    scattered: bool = False

    def start(self) -> Climb:
        return (), ""

    def hear(self, state: Any, act: DialogueAct, facts: Facts) -> Climb:
        rows, last = state
        if act.about not in self.ladders or act.kind not in (*LEVELS, "teach"):
            return state
        at = {line: (level, tries) for line, level, tries in rows}
        if self.scattered and last and last != act.about and at[last][0] < len(self.ladders[last]):
            at[last] = (0, 0)
        at[act.about] = self._lifted(act, *at.get(act.about, (0, 0)))
        return tuple(sorted((line, level, tries) for line, (level, tries) in at.items())), act.about

    def _lifted(self, act: DialogueAct, level: int, tries: int) -> tuple[int, int]:
        """Level and questions after one more; a question of another level than the student's changes nothing."""
        ladder = self.ladders[act.about]
        if level >= len(ladder):
            return level, tries
        if act.kind == "teach":
            fits = same_code(act.value, KINDS[self.bug(act.about).kind].concept)
            return (level + 1, 0) if fits else (level, tries)
        if LEVELS.index(act.kind) != level:
            return level, tries
        return (level + 1, 0) if tries + 1 >= ladder[level] else (level, tries + 1)

    def bug(self, line: str) -> Bug:
        """The one on a line."""
        return next(bug for bug in self.bugs if bug.line == line)

    def understood(self, state: Climb) -> tuple[str, ...]:
        """Lines whose ladder was climbed, and later ones with a bug of the same kind."""
        at = {line: level for line, level, _ in state[0]}
        found, kinds = list[str](), set[str]()
        for bug in self.bugs:
            if at.get(bug.line, 0) >= len(self.ladders[bug.line]) or bug.kind in kinds:
                found.append(bug.line)
                kinds.add(bug.kind)
        return tuple(found)

    def answers(self, state: Climb, act: DialogueAct) -> bool:
        """Whether a question about a bug, just heard, is answered rightly."""
        if act.about in self.understood(state):
            return True
        at = {line: level for line, level, _ in state[0]}
        return act.kind in LEVELS and at.get(act.about, 0) > LEVELS.index(act.kind)

    def opens(self, state: Climb, act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        if act.kind == "tell":
            return (act.about,) if act.about in facts and same_code(facts[act.about], act.value) else ()
        if act.kind not in (*LEVELS, "teach", "fix"):
            return ()
        known = self.understood(state)
        return known if act.kind == "fix" else (*known[known.index(act.about) :],) if act.about in known else ()


@dataclass(frozen=True, kw_only=True)
class Learner(Person):
    """Somebody who looks for bugs, and says what it thinks of each line."""

    program: Program

    @property
    def climbing(self) -> Climbing:
        """Its rule."""
        assert isinstance(self.discloses, Climbing)
        return self.discloses

    def reply(self, standing: Standing, act: DialogueAct | None, draws: Draws, useful: bool = False) -> Reply:
        before: Any = standing.state
        moves = act is not None and self.climbing.hear(before, act, standing.facts)[0] != before[0]
        return super().reply(standing, act, draws, useful or moves)

    def closed(self, act: DialogueAct, standing: Standing) -> Acts:
        """What it thinks."""
        if act.kind in ("generic", "tell"):
            return (ACKNOWLEDGE,)
        if act.kind == "fix":
            return (DialogueAct("unsure"),)
        if act.about not in standing.facts:
            return (DialogueAct("fine", act.about) if act.about in self.program.names else UNCLEAR,)
        state: Any = standing.state
        kind, level = KINDS[self.climbing.bug(act.about).kind], self._spoken_of(act, state)
        right = act.kind == "teach" or self.climbing.answers(state, act)
        return (DialogueAct("thinks", act.about, (kind.right if right else kind.wrong)[level]),)

    def _spoken_of(self, act: DialogueAct, state: Climb) -> int:
        """The level of an answer; a line of teaching is answered at the level that it has lifted to."""
        if act.kind in LEVELS:
            return LEVELS.index(act.kind)
        return max(0, next((level for line, level, _ in state[0] if line == act.about), 0) - 1)


def debugging(program: Program, ladders: Ladders, voice: Templates, knobs: Knobs, scattered: bool = False) -> Learner:
    """A student before a program with bugs on the lines of these ladders."""
    bugs = program.planted(tuple(ladders))
    rule = Climbing(ladders, bugs, scattered)
    others = {bug.line: (bug.wrong,) for bug in bugs}
    return Learner({bug.line: bug.right for bug in bugs}, rule, voice, knobs, others, program=program)


EAGER = Templates(
    Phrases(
        {
            "greet": ("hello, my program does not work.", "hi, the tests fail and I do not see why."),
            "inform": ("oh, {about} should say {value}.", "I see, in {about} it must be {value}."),
            "thinks": ("in {about}, I think, {value}.", "about {about}: {value}."),
            "fine": ("I see nothing special in {about}.", "{about} is as it should be."),
            "unsure": ("I would not know what to change.", "I have no idea yet."),
            "vague": ("I think I know what to do in {about}.", "{about} needs a change."),
            "refuse": ("wait, I want to try {about} first.", "let me look at {about} alone for a moment."),
            "acknowledge": ("okay.", "thank you."),
            "unclear": ("sorry, what do you mean?", "I do not understand."),
            "leave": ("I have to go now.", "I give up for today."),
        }
    ),
    ("debugging is hard.", "I wrote this late at night.", "my coffee is empty."),
    chatter=0.15,
)
TERSE = Templates(
    Phrases(
        {
            "greet": ("it fails.", "tests are red."),
            "inform": ("so {about} becomes {value}.", "{about}, then {value}."),
            "thinks": ("hm, {about}, {value}?", "maybe {value}, in {about}."),
            "fine": ("{about} is fine.", "nothing in {about}."),
            "unsure": ("dunno.", "nothing yet."),
            "vague": ("something in {about}.", "{about} is off."),
            "refuse": ("later, {about}.", "not {about} now."),
            "acknowledge": ("mhm.", "right."),
            "unclear": ("what?", "huh?"),
            "leave": ("I am off.", "enough."),
        }
    ),
    ("so many brackets.", "is it friday?", "anyway."),
    chatter=0.3,
)


def _made(voice: Templates, scattered: bool) -> Any:
    def make(world: Socratic, task: Task, knobs: Knobs) -> Learner:
        ladders = {line: tuple(ladder) for line, ladder in task.params["ladders"].items()}
        return debugging(world.program(task.params["program"]), ladders, voice, knobs, scattered)

    return make


PEOPLE = {
    "beginner": Somebody("climbs from question to question", "understanding flag", EAGER, _made(EAGER, False)),
    "scattered": Somebody("loses the thread when the subject changes", "understanding flag", TERSE, _made(TERSE, True)),
}
