"""The rules of social deduction: rooms, tasks, kills, reports, discussion, votes (specs/worlds/social-deduction).

A pure state machine that draws nothing: `step` takes what was chosen and says who is asked next. Player 0 is the
impostor in here and nowhere else; names are shuffled by whoever sets the game up. What the sheet leaves open (how long
an act takes, who can be killed at a door, when waiting ends) is read off the 100 recorded games, which replay exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from turnwise.core.errors import TurnwiseError

Room = tuple[int, int]
COLOURS = ("Blue", "Green", "Orange", "Pink", "Purple", "Red", "Yellow")
DIRECTIONS: Mapping[str, Room] = {"north": (0, -1), "west": (-1, 0), "east": (1, 0), "south": (0, 1)}
SKIP = "skip"
ASSEMBLY = 10  # a discussion begins after a time that this divides
MOVE, PAUSE = 3, 1  # timer of a move or a task, and of waiting; two more steps pass before the next choice
IMPOSTOR = 0


@dataclass
class Player:
    """One player, as far as the rules know it."""

    name: str
    tasks: list[Room]  # still to do
    room: Room
    alive: bool = True
    ejected: bool = False
    timer: int = 0  # steps until the act under way is over
    kill_timer: int = 0  # steps until a kill is legal; the impostor's
    done: int = 0  # tasks done
    busy: str = ""  # go, task or wait
    came_from: Room | None = None  # while going
    noticed: object = None  # what it last saw; another sight ends its waiting

    def at_door_of(self, room: Room) -> bool:
        """Whether it is just entering or leaving a room."""
        return self.busy == "go" and room in (self.room, self.came_from)


@dataclass
class Game:
    """One game.

    Args:
        names: of the players, the impostor first.
        tasks: rooms of each player's tasks, in the same order.
        width, height: rooms.
        cooldown: steps after the start of play, and after a kill, before a kill is legal.
    """

    names: Sequence[str]
    tasks: Sequence[Sequence[Room]]
    width: int
    height: int
    cooldown: int = 6
    time: int = 0
    phase: str = "intro"
    players: list[Player] = field(default_factory=list)
    asks: dict[int, tuple[str, ...]] = field(default_factory=dict)  # who chooses now, among what; () is free
    bodies: set[int] = field(default_factory=set)  # that can be reported
    order: tuple[int, ...] = ()  # speakers, set by whoever runs the game when a discussion begins
    spoken: int = 0
    pooled: float | None = None  # summed belief of the crew at the last survey of this discussion
    outcome: str | None = None  # no_imposters, no_tasks (the crew has won), more_imposters
    task_rewards: list[float] = field(default_factory=list)  # of the last step, per player
    speaking_rewards: list[float] = field(default_factory=list)
    win_rewards: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.names) != len(self.tasks) or len(self.names) < 3:
            raise TurnwiseError(f"{len(self.names)} names and {len(self.tasks)} lists of tasks", "as many, at least 3")
        start = self.start
        self.players = [
            Player(n, [(r[0], r[1]) for r in t], start) for n, t in zip(self.names, self.tasks, strict=True)
        ]
        self._pay()

    @property
    def start(self) -> Room:
        """The room in which every stretch of play begins."""
        return (self.width - 1) // 2, 0

    @property
    def living(self) -> list[int]:
        return [p for p, player in enumerate(self.players) if player.alive]

    @property
    def living_crew(self) -> list[int]:
        return [p for p in self.living if p != IMPOSTOR]

    def side(self, p: int) -> int:
        """+1 for the crew, -1 for the impostor."""
        return -1 if p == IMPOSTOR else 1

    def step(self, chosen: Mapping[int, str], beliefs: Mapping[int, float] | None = None) -> None:
        """One step of time.

        Args:
            chosen: what those asked chose; an act that is not among the options counts as waiting, a vote as skipping.
            beliefs: probability that each living player puts on the impostor, in the step after a survey.
        """
        if self.outcome:
            raise TurnwiseError("a step after the end of the game", "a game that goes on", "begin a new one")
        offered, self.asks, self.time = self.asks, {}, self.time + 1
        self._pay()
        getattr(self, f"_{self.phase}")({p: chosen.get(p, "") for p in offered}, beliefs or {})

    def _pay(self) -> None:
        zeros = [0.0] * len(self.players)
        self.task_rewards, self.speaking_rewards, self.win_rewards = zeros[:], zeros[:], zeros[:]

    # -- play --------------------------------------------------------------------------------------------------------

    def _intro(self, chosen: Mapping[int, str], beliefs: Mapping[int, float]) -> None:
        self.phase = "gameplay_intro"

    def _gameplay_intro(self, chosen: Mapping[int, str], beliefs: Mapping[int, float]) -> None:
        self.phase, self.bodies = "gameplay", set()
        self.players[IMPOSTOR].kill_timer = self.cooldown
        for p in self.living:
            player = self.players[p]
            player.room, player.timer, player.busy, player.came_from, player.noticed = self.start, 0, "", None, None

    def _gameplay(self, chosen: Mapping[int, str], beliefs: Mapping[int, float]) -> None:
        for p, act in chosen.items():
            self._begin(self.players[p], act)
        for p, act in chosen.items():
            if p == IMPOSTOR and act.startswith("kill Player "):
                self._kill(self.names.index(act.removeprefix("kill Player ")))
        if self._over():
            return
        for p, act in chosen.items():
            if self.players[p].alive and act.startswith("report body"):
                self.phase, self.task_rewards[p] = "reported", self.task_rewards[p] + 1.0
        if self.phase == "gameplay":
            for p in self.living:
                self._pass_time(p)

    def _begin(self, player: Player, act: str) -> None:
        if act.startswith("go "):
            dx, dy = DIRECTIONS[act.removeprefix("go ")]
            player.came_from, player.room = player.room, (player.room[0] + dx, player.room[1] + dy)
            player.busy, player.timer = "go", MOVE
        elif act == "do Task":
            player.busy, player.timer = "task", MOVE
        elif not act.startswith(("kill", "report")):
            player.busy, player.timer = "wait", PAUSE

    def _kill(self, victim: int) -> None:
        """The body lies where the killer stands, whichever door the victim was at."""
        killer, player = self.players[IMPOSTOR], self.players[victim]
        killer.kill_timer = self.cooldown
        player.alive, player.room = False, killer.room
        self.bodies.add(victim)
        self.task_rewards[IMPOSTOR] += 1.0

    def _pass_time(self, p: int) -> None:
        """A living player's step: those who are free choose, an act under way goes on or is over."""
        player, sight = self.players[p], (self.sight(p), self.players[p].kill_timer)
        if player.busy == "wait" and sight != player.noticed:
            player.busy, player.timer = "", 0
        if not player.busy:
            self.asks[p], player.noticed = self.options(p), sight
        player.kill_timer = max(0, player.kill_timer - 1)
        if player.busy and player.timer:
            player.timer -= 1
        elif player.busy:
            if player.busy == "task":
                player.tasks.remove(player.room)
                player.done, self.task_rewards[p] = player.done + 1, self.task_rewards[p] + 1.0
            player.busy = ""

    def sight(self, p: int) -> tuple[tuple[int, str], ...]:
        """Whom a player sees from its room: (player, at | entering | leaving | dead)."""
        here, seen = self.players[p].room, []
        for q, other in enumerate(self.players):
            if q == p or not (other.room == here or other.at_door_of(here)):
                continue
            if not other.alive:
                if q in self.bodies and other.room == here:
                    seen.append((q, "dead"))
            elif other.busy != "go":
                seen.append((q, "at"))
            else:
                seen.append((q, "entering" if other.room == here else "leaving"))
        return tuple(seen)

    def options(self, p: int) -> tuple[str, ...]:
        """What a free player may do."""
        player = self.players[p]
        found = ["do Task"] if player.room in player.tasks else []
        found += [
            f"go {d}" for d, (dx, dy) in DIRECTIONS.items() if self._inside(player.room[0] + dx, player.room[1] + dy)
        ]
        sight = self.sight(p)
        if p != IMPOSTOR:
            found += [f"report body of Player {self.names[q]}" for q, how in sight if how == "dead"]
        found.append("wait")
        if p == IMPOSTOR and player.kill_timer == 0:
            found += [f"kill Player {self.names[q]}" for q in self.targets()]
        return tuple(found)

    def targets(self) -> list[int]:
        """Whom the impostor can kill: those in the room, then those entering, then those leaving.

        Somebody ejected while at a door stays there as a target, as in the recorded games; killing has no effect on
        the dead but the reward.
        """
        here = self.players[IMPOSTOR].room
        ways: dict[str, list[int]] = {"at": [], "entering": [], "leaving": []}
        for q, how in self.sight(IMPOSTOR):
            if how != "dead":
                ways[how].append(q)
        for q, other in enumerate(self.players):
            if other.ejected and other.at_door_of(here):
                ways["entering" if other.room == here else "leaving"].append(q)
        return [q for several in ways.values() for q in several]

    def _inside(self, x: int, y: int) -> bool:
        return 0 <= x < self.width and 0 <= y < self.height

    # -- discussion and vote -----------------------------------------------------------------------------------------

    def _reported(self, chosen: Mapping[int, str], beliefs: Mapping[int, float]) -> None:
        if (self.time - 1) % ASSEMBLY == 0:
            self.spoken, self.pooled, self.order = 0, None, tuple(self.living)
            self._survey()

    def _survey(self) -> None:
        self.phase, self.asks = "discussion_survey", dict.fromkeys(self.living, COLOURS)

    def _discussion_survey(self, chosen: Mapping[int, str], beliefs: Mapping[int, float]) -> None:
        before, self.pooled = self.pooled, sum(beliefs.get(p, 0.0) for p in self.living_crew)
        if before is None:
            for p in self.living:
                self.task_rewards[p] = self.side(p) * (self.pooled - 1.0)
        else:
            speaker = self.order[(self.spoken - 1) % len(self.order)]
            self.speaking_rewards[speaker] = self.side(speaker) * (self.pooled - before)
        if self.spoken == 2 * len(self.order):
            self.phase = "voting"
        else:
            self.phase, self.asks = "discussion_claim", {self.order[self.spoken % len(self.order)]: ()}

    def _discussion_claim(self, chosen: Mapping[int, str], beliefs: Mapping[int, float]) -> None:
        self.spoken += 1
        self._survey()

    def _voting(self, chosen: Mapping[int, str], beliefs: Mapping[int, float]) -> None:
        self.phase, self.asks = "voting_result", dict.fromkeys(self.living, (*COLOURS, SKIP))

    def _voting_result(self, chosen: Mapping[int, str], beliefs: Mapping[int, float]) -> None:
        for p, name in chosen.items():
            self.task_rewards[p] += float(name == self.names[IMPOSTOR])
        out = elected(chosen.values())
        if out in self.names:
            player = self.players[self.names.index(out)]
            player.alive, player.ejected = False, True
        if not self._over():
            self.phase = "gameplay_intro"
        elif self.outcome == "no_imposters":
            for p in range(1, len(self.players)):  # a win spares the crew its tasks; they are paid as if done
                self.task_rewards[p] = float(len(self.players[p].tasks))

    # -- the end -----------------------------------------------------------------------------------------------------

    def _over(self) -> bool:
        if not self.players[IMPOSTOR].alive:
            self.outcome = "no_imposters"
        elif len(self.living_crew) <= 1:
            self.outcome = "more_imposters"
        elif not any(self.players[p].tasks for p in self.living_crew):
            self.outcome = "no_tasks"
        if self.outcome:
            won = -1 if self.outcome == "more_imposters" else 1
            self.win_rewards = [float(self.side(p) == won) for p in range(len(self.players))]
        return self.outcome is not None


def elected(votes: object) -> str | None:
    """The name with the most votes; a tie, or most for skipping, ejects nobody."""
    counted = Counter(vote or SKIP for vote in votes).most_common()  # type: ignore[attr-defined]
    if not counted or (len(counted) > 1 and counted[0][1] == counted[1][1]) or counted[0][0] == SKIP:
        return None
    return counted[0][0]
