"""Lead somebody to the bugs of a program by questions, never naming the fix (specs/users/treeinstruct).

The tutor sees the program, its bugs and their fixes; how far the student is shows in its answers alone. A fix that the
student says is put into the program, and the program is run: where it passes its cases the session is over, whatever
was understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

from turnwise.core.chance import Chance, uniform_of
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import Message, Moment, Seat, Task
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.person import Reply, Standing
from turnwise.users.phrases import Phrases
from turnwise.worlds import socratic_experts
from turnwise.worlds.base import check_split
from turnwise.worlds.conversation import Conversation, Outcome
from turnwise.worlds.socratic_imagined import imagined
from turnwise.worlds.socratic_learner import PEOPLE, Learner
from turnwise.worlds.socratic_programs import KINDS, LEVELS, Bug, Program, leaks, programs

LANGUAGE = Phrases(
    {
        "purpose": ("what is {about} meant to do?", "what should {about} achieve?", "why is {about} there?"),
        "trace": ("what happens in {about} with a small example?", "what does {about} do, place by place?"),
        "part": ("which part of {about} makes it so?", "what in {about} would you look at?"),
        "teach": ("for {about}, remember that {value}.", "think of {about}: {value}."),
        "fix": ("what would you change?", "how would you correct the program?"),
        "generic": ("take your time.", "read it once more."),
        "tell": ("in {about}, write {value}.", "{about} has to say {value}."),
    }
)
STUDENTS = {"train": 4, "eval": 2}
"""Students for each program and set of bugs."""
EVAL_SHARE = 4
"""One program in so many is kept for eval."""
SLOWEST = 2
"""Most questions that a level takes, without teaching."""


class Socratic(Conversation):
    """Debugging by questions. Train and eval are different programs.

    success says that the program passes its cases. `leaked` says that a line of the tutor held the replacement of a bug
    that was not understood by then, and `leak rate` on how many of its turns: found as a string, so a lower bound.
    `understood` is the share of the bugs that were, at the end. The reward is success - leak_cost, once, if leaked; the
    cost falls due with the first leak.

    Args:
        bugs: in the program, 1 to 3; 0 for any number of them.
        leak_cost: of naming a fix.
        user: `beginner` or `scattered`.
        max_turns: of the tutor.
    """

    name = "socratic"
    title = "lead somebody to the bugs of a program without naming the fix (TreeInstruct)"
    people = PEOPLE
    language = LANGUAGE
    experts = socratic_experts.EXPERTS
    demonstrator = "noisy"
    noted = ("leaked", "leak rate", "understood", "turns (failed: all)")

    def __init__(
        self,
        bugs: int = 0,
        leak_cost: float = 0.5,
        user: str = "beginner",
        max_turns: int = 12,
        patience: int = 0,
        vagueness: float = 0.0,
        error: float = 0.0,
        withholding: float = 0.0,
        cooperation: float = 0.0,
        changing: float = 0.0,
    ):
        super().__init__(user, max_turns, patience, vagueness, error, withholding, cooperation, changing)
        if bugs not in range(4):
            raise TurnwiseError(f"bugs={bugs}", "1, 2 or 3; 0 for any number of them")
        if leak_cost < 0:
            raise TurnwiseError(f"leak_cost={leak_cost:g}", "0 or more")
        self.bugs, self.leak_cost = bugs, leak_cost

    def program(self, name: str) -> Program:
        """A program by its name."""
        return programs()[name]

    def tasks(self, split: str) -> Sequence[Task]:
        """A program, its bugs, and what each asks of the student; those with few bugs first."""
        return _tasks(check_split(split), self.bugs)

    # -- one conversation ----------------------------------------------------------------------------------------------

    def opening(self, task: Task, draws: Draws) -> tuple[str, Standing]:
        self._program, self._bugs = self._learner.program, self._learner.climbing.bugs
        self._leaked = 0
        return self._person.voice.say((DialogueAct("greet"),), draws), self._person.begin()

    @property
    def _learner(self) -> Learner:
        assert isinstance(self._person, Learner)
        return self._person

    def status(self) -> str:
        """The program and its bugs, before the first turn."""
        return brief(self._program, self._bugs) if self._standing.turn == 0 else ""

    def legal(self) -> tuple[str, ...]:
        return legal_texts(self._bugs)

    def hear(self, text: str) -> DialogueAct | None:
        """An act about a line that there is, or about none."""
        act = self.language.read(text)
        return act if act is None or not act.about or act.about in self._program.names else None

    def open_bugs(self, standing: Standing) -> tuple[Bug, ...]:
        """Those that are not understood."""
        state: Any = standing.state
        known = self._learner.climbing.understood(state)
        return tuple(bug for bug in self._bugs if bug.line not in known)

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        text = said["agent"].text
        self._leaks_now = leaks(text, self._bugs) and leaks(text, self.open_bugs(self._standing))
        self._leaked += self._leaks_now
        return super().step(said)

    def judge(self, act: DialogueAct | None, reply: Reply) -> Outcome:
        standing = reply.standing
        solved = self._program.passes(
            {b.line: standing.told.get(b.line, b.wrong) for b in self._bugs if standing.told.get(b.line) != b.right}
        )
        cost = self.leak_cost if self._leaks_now and self._leaked == 1 else 0.0
        return Outcome(float(solved) - cost, True if solved else None, facts={"leak": self._leaks_now})

    def ending(self, won: bool) -> Mapping[str, Any]:
        return {
            "leaked": float(self._leaked > 0),
            "leak rate": self._leaked / self._standing.turn,
            "understood": 1.0 - len(self.open_bugs(self._standing)) / len(self._bugs),
            "turns (failed: all)": float(self._standing.turn if won else self.max_turns),
        }

    def imagine(self, view: View, chance: Chance) -> Socratic:
        return imagined(self, view, chance)


@lru_cache(maxsize=1 << 10)
def brief(program: Program, bugs: tuple[Bug, ...]) -> str:
    """What the tutor is told: the program as it is, and its bugs."""
    code = program.written({bug.line: bug.wrong for bug in bugs}).split("\n")
    lines = [program.problem, *(f"{number} {line}" for number, line in enumerate(code, 1))]
    lines += [f"{bug.line}, {bug.kind}: replace {bug.wrong} with {bug.right}" for bug in bugs]
    return "\n".join(lines)


@lru_cache(maxsize=1 << 10)
def legal_texts(bugs: tuple[Bug, ...]) -> tuple[str, ...]:
    """The plainest wording of each move about the lines of the bugs."""
    plain = {kind: wordings[0] for kind, wordings in LANGUAGE.wordings.items()}
    moves = [plain["fix"], plain["generic"]]
    for bug in bugs:
        moves += [plain[kind].format(about=bug.line) for kind in LEVELS]
        moves.append(plain["teach"].format(about=bug.line, value=KINDS[bug.kind].concept))
        moves.append(plain["tell"].format(about=bug.line, value=bug.right))
    return tuple(f"{move}\n" for move in moves)


@lru_cache(maxsize=8)
def _tasks(split: str, bugs: int) -> tuple[Task, ...]:
    names = [name for at, name in enumerate(programs()) if (at % EVAL_SHARE == 0) == (split == "eval")]
    sizes = (bugs,) if bugs else (1, 2, 3)
    planted = [(name, some) for size in sizes for name in names for some in combinations(programs()[name].bugs, size)]
    return tuple(_task(split, name, some, student) for name, some in planted for student in range(STUDENTS[split]))


def _task(split: str, name: str, bugs: Sequence[Bug], student: int) -> Task:
    """A program with bugs, and a student drawn by its number."""
    key = f"{split}-{name}-{''.join(bug.line[5:] for bug in bugs)}-{student}"
    ladders = {bug.line: _ladder(key, bug.line) for bug in bugs}
    return Task(key, Socratic.name, {"program": name, "ladders": ladders}, split)


def _ladder(key: str, line: str) -> list[int]:
    """One to three levels, each of one or two questions, all drawn evenly."""
    height = 1 + int(uniform_of("height", key, line) * len(LEVELS))
    return [1 + int(uniform_of("tries", key, line, level) * SLOWEST) for level in range(height)]
