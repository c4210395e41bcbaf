"""The LMRL-Gym maze in two views: with coordinates, and with only the walls near you (specs/worlds/lmrl-maze)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds import maze_exact, maze_experts
from turnwise.worlds.base import World, check_split
from turnwise.worlds.exact import Exact, Law
from turnwise.worlds.maze_rules import FAILURE, MOVES, SUCCESS, Sight, complete, members, sight_of

LEGAL = tuple(MOVES)


class Maze(World):
    """Walk to the goal; every text tells the goal, where you are, and the walls around you.

    Moves are "move left\\n", right, up and down; a move into a wall is legal and leaves you in place; any other text
    is illegal. The step that reaches the goal earns `goal_reward`, others `step_reward` or `illegal_reward`. After
    `max_steps` moves one more is asked for, which moves nothing, earns -1 and fails: a lost episode has 101 turns.

    Train and eval hold the same 25 starts, as published: the maze and the goal never change, so what is learned is
    this maze, and the question is how well it was learned from the episodes seen. Published evaluations play each
    start 32 times.

    Args:
        layout: `double_t_maze`, or `umaze`, which no published number uses.
        describe: `position` tells goal, place and walls, `goal` goal and walls, `walls` walls alone.
        last_k: how many texts stay in view after a legal move, moves included; 1 and 40 (walls only) in published
            trainers, 7 and 20 with prompted models. An illegal move always wipes the view down to the newest text.
        max_steps: moves before the episode fails.
        goal_reward, step_reward, illegal_reward: (0, -1, -4) is the published rule; the original code also has
            (1, 0, -1) and (1, -1, -100).
        as_released: a move without its final newline is illegal, as in the original; else the newline is supplied.
    """

    name = "maze"
    title = "walk to the goal of a maze, told where you are (LMRL-Gym)"
    experts = maze_experts.EXPERTS
    demonstrator = "mix"

    def __init__(
        self,
        layout: str = "double_t_maze",
        describe: str = "position",
        last_k: int = 1,
        max_steps: int = 100,
        goal_reward: float = 0.0,
        step_reward: float = -1.0,
        illegal_reward: float = -4.0,
        as_released: bool = False,
    ):
        self.layout, self.describe, self.last_k, self.max_steps = layout, describe, last_k, max_steps
        self.goal_reward, self.step_reward = float(goal_reward), float(step_reward)
        self.illegal_reward = float(illegal_reward)
        self.as_released = as_released
        self._sight = sight_of(layout, describe)
        self._views = tuple((Message("user", text),) for text in self._sight.texts)

    @property
    def sight(self) -> Sight:
        """The layout, what its cells look like, and where a conversation leaves one."""
        return self._sight

    @property
    def views(self) -> tuple[tuple[Message, ...], ...]:
        """What is shown at each cell, in row-major order."""
        return self._views

    @property
    def turns(self) -> int:
        """One more than the moves: the last one fails."""
        return self.max_steps + 1

    @property
    def random_observations(self) -> bool:
        """Where you are is all that is hidden, and `position` tells it."""
        return self.describe != "position"

    @property
    def anchors(self) -> Mapping[str, float]:
        """Of specs/worlds/lmrl-scores-and-data, for the game that was published."""
        published = type(self)(as_released=self.as_released).settings() == self.settings()
        return self._published if published else {}

    _published: Mapping[str, float] = {"min": -101.0, "data": -83.0, "max": -6.84}

    def tasks(self, split: str) -> Sequence[Task]:
        """One task per start."""
        check_split(split)
        starts = self._sight.layout.starts
        return [Task(f"{split}-{r}-{c}", self.name, {"start": [r, c]}, split) for r, c in starts]

    def reset(self, task: Task, chance: Chance) -> Moment:
        layout, start = self._sight.layout, tuple(task.params["start"])
        if start not in layout.starts:
            raise TurnwiseError(f"a task that starts at {start}", "a free cell of the maze other than its goal")
        self._cell, self._steps = layout.number[start], 0
        return Moment({"agent": self._views[self._cell]}, ("agent",), legal=LEGAL, facts=self._facts())

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        if self._steps >= self.max_steps:
            return self._over(FAILURE, -1.0)
        move, layout = self.read(said["agent"].text), self._sight.layout
        legal = move < len(LEGAL)
        if legal:
            self._cell = layout.after[LEGAL[move]][self._cell]
        if layout.cells[self._cell] == layout.goal:
            return self._over(SUCCESS, self.goal_reward)
        self._steps += 1
        return Moment(
            {"agent": self._views[self._cell]},
            ("agent",),
            {"agent": self.step_reward if legal else self.illegal_reward},
            legal=LEGAL,
            facts=self._facts(),
            keep={"agent": self.last_k if legal else 1},
        )

    def read(self, text: str) -> int:
        """The number of the move that a text names, 4 for any other text."""
        move = text if self.as_released else complete(text)
        return LEGAL.index(move) if move in MOVES else len(LEGAL)

    def exact(self, law: Law | None = None) -> Exact:
        """True values where the text tells the position and stands alone in view."""
        return maze_exact.exact(self, law)

    def _over(self, text: str, reward: float) -> Moment:
        facts = {**self._facts(), "success": text == SUCCESS}
        views = {"agent": (Message("user", text),)}
        return Moment(views, (), {"agent": reward}, end=End.DONE, facts=facts, keep={"agent": 1})

    def _facts(self) -> dict:
        return {"position": list(self._sight.layout.cells[self._cell]), "steps": self._steps}

    def fork(self, chance: Chance) -> Maze:
        return copy.copy(self)

    def imagine(self, view: View, chance: Chance) -> Maze:
        """The place drawn anew among the cells that fit the view; with coordinates there is only the true one."""
        fitting = members(self._sight.belief(view.messages))
        if not fitting:
            raise TurnwiseError("a conversation that fits no cell of the maze", "texts given by this world")
        twin = copy.copy(self)
        twin._cell, twin._steps = chance.choice(fitting, "imagined position"), view.tick
        return twin


class MazePartial(Maze):
    """The same walk told by walls alone, with the last 40 texts in view: it takes memory to know where one is."""

    name = "maze-partial"
    title = "walk to the goal of a maze, told only the walls near you (LMRL-Gym)"
    _published = {"min": -101.0, "data": -83.0, "max": -25.75}

    def __init__(
        self,
        layout: str = "double_t_maze",
        describe: str = "walls",
        last_k: int = 40,
        max_steps: int = 100,
        goal_reward: float = 0.0,
        step_reward: float = -1.0,
        illegal_reward: float = -4.0,
        as_released: bool = False,
    ):
        super().__init__(layout, describe, last_k, max_steps, goal_reward, step_reward, illegal_reward, as_released)
