"""Finite problems as worlds of text: every state a short line, every action a legal text, values still exact.

The text tells the whole state, and only the newest text stays in view (`Moment.keep`), so that whatever reads the view,
a network too, is a function of the state: a policy of the table, with exact values. Any other text than a legal one is
answered as a wrong move: the turn passes and nothing else happens, which need not be an action of the table. So the
game as it is played (`Played`) has one action more, and each state twice: as it is, and after a wrong move.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import End, Episode, Message, Moment, Seat, Task
from turnwise.worlds.base import Expert, World, check_split
from turnwise.worlds.exact import Exact, Law, asked
from turnwise.worlds.tabular import OVER, Tabular, Values, mixed, soften, solve

SKILLS = {"uniform": 0.0, "mid": 0.4, "good": 0.7, "optimal": 1.0}
"""Experts by name: the share of best actions, the rest uniform (specs/credit/README)."""
FEWEST_TASKS = 16


@dataclass(frozen=True, eq=False)
class Played:
    """A table as it is played with texts: situation 2s is state s, 2s + 1 the same after a wrong move."""

    bare: Tabular  # S states, A actions
    table: Tabular  # 2S situations, A + 1 actions, the last one being any other text
    texts: tuple[str, ...]  # per situation
    acts: tuple[str, ...]  # A legal texts

    @cached_property
    def number(self) -> dict[str, int]:
        """The situation of a text."""
        return {text: at for at, text in enumerate(self.texts)}

    @cached_property
    def views(self) -> tuple[tuple[Message, ...], ...]:
        """What the agent has in view in each situation."""
        return tuple((Message("user", text),) for text in self.texts)

    @lru_cache  # noqa: B019 - one object per world, kept as long as the program
    def skilled(self, share: float) -> np.ndarray:
        """float64 [2S, A + 1]: `share` on the best actions, the rest uniform over the legal ones."""
        return np.pad(np.repeat(mixed(self.bare, share), 2, axis=0), ((0, 0), (0, 1)))

    def find(self, view: View) -> int:
        """The situation that a view tells.

        Raises:
            TurnwiseError: the world never says that.
        """
        text = view.messages[-1].text if view.messages else ""
        if text not in self.number:
            raise TurnwiseError(f"a view that ends in {text!r}", f"a text of {self.bare.name}")
        return self.number[text]


def player(share: float) -> Callable[[Any], Expert]:
    """What makes the scripted player who does the best with some probability, else anything legal."""

    def made(world: TabularWorld) -> Expert:
        played = world.played

        def says(view: View, rng: np.random.Generator) -> str:
            knows = rng.random() < share
            (wanted,) = played.skilled(float(knows))[played.find(view), :-1].nonzero()
            return played.acts[rng.choice(wanted)]

        return says

    return made


class TabularWorld(World):
    """A finite problem told in words. Subclasses give the problem, the texts, and what a lapse costs.

    Train and eval have the same tasks, one or several per hidden fact: there is nothing to hold back, since all states
    are met in training; what eval holds back is luck.
    """

    hidden: ClassVar[tuple[str, ...]] = ("",)  # a name per hidden fact
    acts: ClassVar[tuple[str, ...]]  # legal texts, in the order of the actions
    refusal: ClassVar[str]  # what a wrong move is told, before the text of the state
    closing: ClassVar[Mapping[bool, str]] = {True: "over: won\n", False: "over: lost\n"}
    turns: int
    lapse_reward: ClassVar[float] = 0.0  # earned by a wrong move
    experts = {name: player(share) for name, share in SKILLS.items()}
    demonstrator = "mid"

    def problem(self) -> Tabular:
        """The table."""
        raise NotImplementedError

    def tell(self, point: Any) -> str:
        """The text of a state; different states have different texts."""
        raise NotImplementedError

    @property
    def played(self) -> Played:
        """The tables of this world, made once."""
        return played_of(type(self), tuple(self.settings().items()))  # type: ignore[arg-type]  # a class is hashable

    @property
    def random_observations(self) -> bool:
        """Whether an act in some state can have outcomes that differ in what follows or in reward."""
        table = self.played.bare
        possible = (table.belief.T[:, :, None, None] > 0) & (table.chances > 0)

        def varies(what: np.ndarray) -> np.ndarray:
            seen = np.broadcast_to(what, possible.shape)
            return np.where(possible, seen, -np.inf).max((0, 3)) > np.where(possible, seen, np.inf).min((0, 3))

        return bool((varies(table.after) | varies(table.rewards)).any())

    def lapse(self, point: Any) -> Any:
        """The state after a turn without a legal act: only time has passed; None when it was the last."""
        return None if point.t == self.turns - 1 else point._replace(t=point.t + 1)

    def tasks(self, split: str) -> Sequence[Task]:
        """Every task of the table with every hidden fact, repeated to make at least 16."""
        check_split(split)
        names = self.played.bare.tasks
        cases = [(task, fact) for task in names for fact in self.hidden]
        found = []
        for deal in range(-(-FEWEST_TASKS // len(cases))):
            for task, fact in cases:
                told = filter(None, (task if len(names) > 1 else "", fact))
                key = "-".join([split, *told, str(deal)])
                found.append(Task(key, self.name, {"task": task, "fact": fact, "deal": deal}, split))
        return found

    def reset(self, task: Task, chance: Chance) -> Moment:
        names = self.played.bare.tasks
        for kind, name, known in (("task", task.params["task"], names), ("fact", task.params["fact"], self.hidden)):
            if name not in known:
                raise UnknownName(f"{kind} of {self.name}", name, known)
        self._at = 2 * int(self.played.bare.start[names.index(task.params["task"])].argmax())
        self._fact, self._chance = self.hidden.index(task.params["fact"]), chance
        return Moment({"agent": self.played.views[self._at]}, ("agent",), legal=self.acts, facts=self._facts())

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        table, act = self.played.table, self.read(said["agent"].text)
        outcome = self._draw(table.chances[self._fact, self._at, act])
        reward = float(table.rewards[self._fact, self._at, act, outcome])
        after = int(table.after[self._at, act, outcome])
        if after == OVER:
            won = reward >= 1.0
            shown = (Message("user", self.closing[won]),)
            return Moment(
                {"agent": shown}, (), {"agent": reward}, end=End.DONE, facts={"success": won}, keep={"agent": 1}
            )
        self._at = after
        views, rewards = {"agent": self.played.views[after]}, {"agent": reward}
        return Moment(views, ("agent",), rewards, legal=self.acts, facts=self._facts(), keep={"agent": 1})

    def read(self, text: str) -> int:
        """The number of the action that a text names, with or without its final newline; one more for any other."""
        act = text if text.endswith("\n") else text + "\n"
        return self.acts.index(act) if act in self.acts else len(self.acts)

    def points(self, episode: Episode, leaf: int = 0) -> list[Any]:
        """The state before every turn of a path, as the rules write it."""
        turns = [episode.turns[index] for index in episode.path(leaf)]
        return [self.played.table.points[self.played.number[turn.seen[-1].text]] for turn in turns]

    def _draw(self, law: np.ndarray) -> int:
        """Which outcome comes; asked of chance only where there are several."""
        possible = np.flatnonzero(law)
        if len(possible) == 1:
            return int(possible[0])
        return self._chance.outcome("outcome", lambda: int(self._chance.rng.choice(len(law), p=law / law.sum())))

    def _facts(self) -> dict[str, Any]:
        """The number of the state in the table."""
        return {"state": self._at // 2}

    def fork(self, chance: Chance) -> TabularWorld:
        twin = copy.copy(self)
        twin._chance = chance
        return twin

    def imagine(self, view: View, chance: Chance) -> TabularWorld:
        """The state is what the text tells; the hidden fact is drawn from the belief there."""
        twin = copy.copy(self)
        twin._at, twin._chance = self.played.find(view), chance
        belief = self.played.table.belief[twin._at]
        twin._fact = chance.outcome("imagined fact", lambda: int(chance.rng.choice(len(belief), p=belief)))
        return twin

    def exact(self, law: Law | None = None) -> Exact:
        """True values by backward induction, wrong moves included."""
        policy = self.played.skilled(1.0) if law is None else asked(law, self.played.views, len(self.acts))
        return self._told(solve(self.played.table, policy))

    def soft(self, law: Law, eta: float) -> Exact:
        """Values of the best policy that pays for leaving a reference; see `turnwise.worlds.tabular.soften`."""
        return self._told(soften(self.played.table, asked(law, self.played.views, len(self.acts)), eta))

    def _told(self, values: Values) -> Exact:
        """Values of the table in the situations of the world."""
        table = self.played.table
        number = {
            (point.t, text): at for at, (point, text) in enumerate(zip(table.points, self.played.texts, strict=True))
        }
        return Exact(self.acts, self.read, number, values.v, values.q, values.policy, table.start.mean(0))


@lru_cache
def played_of(kind: type[TabularWorld], settings: tuple[tuple[str, Any], ...]) -> Played:
    """The tables of a world.

    Raises:
        TurnwiseError: two situations are told by one text, or a lapse leads out of the table.
    """
    world = kind(**dict(settings))
    bare = world.problem()
    table = with_lapses(bare, world.lapse, kind.lapse_reward)
    told = [world.tell(point) for point in bare.points]
    texts = tuple(text for line in told for text in (line, kind.refusal + line))
    if len(set(texts)) < len(texts) or len(kind.acts) != len(bare.actions):
        raise TurnwiseError(
            f"texts of {bare.name} that do not fit its table", "one of its own for each state and action"
        )
    return Played(bare, table, texts, kind.acts)


def with_lapses(bare: Tabular, lapse: Callable[[Any], Any], reward: float) -> Tabular:
    """The table with one action more, any other text, and each state twice.

    Args:
        lapse: from a state to the one that follows such an action, None where the episode ends.
        reward: what such an action earns.
    """
    number = {None: OVER} | {point: 2 * s + 1 for s, point in enumerate(bare.points)}
    lapsed = [lapse(point) for point in bare.points]
    if strange := [point for point in lapsed if point not in number]:
        raise TurnwiseError(f"a lapse leads to {strange[0]}", f"a state of {bare.name}")
    extra = [(0, 0)] * 2 + [(0, 1), (0, 0)]
    after = np.pad(np.where(bare.after == OVER, OVER, 2 * bare.after), extra[1:], constant_values=OVER)
    chances, rewards = np.pad(bare.chances, extra), np.pad(bare.rewards, extra)
    after[:, -1, 0] = [number[point] for point in lapsed]
    chances[:, :, -1, 0], rewards[:, :, -1, 0] = 1.0, reward
    start = np.zeros((len(bare.tasks), 2 * len(bare.states)))
    start[:, ::2] = bare.start
    return Tabular(
        name=f"{bare.name} with wrong moves",
        actions=(*bare.actions, "anything else"),
        states=tuple(name for state in bare.states for name in (state, f"{state} after a wrong move")),
        tasks=bare.tasks,
        after=np.repeat(after, 2, axis=0),
        chances=np.repeat(chances, 2, axis=1),
        rewards=np.repeat(rewards, 2, axis=1),
        start=start,
        belief=np.repeat(bare.belief, 2, axis=0),
        anchor=np.repeat(bare.anchor, 2),
        points=tuple(point for point in bare.points for _ in range(2)),
    )
