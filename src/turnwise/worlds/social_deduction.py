"""Social deduction in a world of rooms: work, kill, report, discuss, vote (specs/worlds/social-deduction).

The agent plays one seat and the world the others, by rule; or every player has a seat.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds import social_deduction_imagined, social_deduction_players
from turnwise.worlds.base import World, check_split
from turnwise.worlds.social_deduction_players import SCRIPTS, any_claim, belief
from turnwise.worlds.social_deduction_rules import COLOURS, IMPOSTOR, SKIP, Game, elected
from turnwise.worlds.social_deduction_tasks import drawn
from turnwise.worlds.social_deduction_words import (
    CLAIM,
    NOTHING,
    VOTE,
    Memory,
    intro,
    kill_line,
    letter,
    meeting_lines,
    room_lines,
    said_line,
    vote_lines,
)

LAST = 400  # steps of time after which nobody has won; recorded games took at most 199
LONGEST = 120  # characters of a message
SIDES, SPEECH, SEATED = ("crew", "impostor"), ("free", "claims"), ("agent", "all")
BASES = {"train": (12, 10), "eval": (8, 3)}
"""Per split: how many things the agent can see at first, and how many hidden ones go with each."""


class SocialDeduction(World):
    """Find the impostor, or be it. Crewmates do tasks in rooms, report bodies, talk and vote; one player kills.

    Train and eval hold different names and tasks, drawn once; what others do is drawn in every game.

    Args:
        width, height: rooms.
        players: 3 to 7, one of them the impostor.
        tasks: of each crewmate.
        colours: how many names are in use, of seven.
        cooldown: steps from the start of play, or a kill, to the next kill.
        side: `crew` or `impostor`: whom the agent plays.
        crew, impostor: scripts of the others: truthful, careless, babbling, lying or random.
        speech: `free` text, or `claims`, a list of them: X was in room Y.
        turns: acts of the agent, after which nobody has won.
        shaping: weight of the dense rewards (tasks, kills, reports, right votes, the first survey) beside winning.
        seated: `agent`, or `all`, which gives every player a seat of its own; then nobody is played by script.
    """

    name = "social-deduction"
    title = "crewmates work, talk and vote; one of them kills (five players, free speech)"
    experts = social_deduction_players.EXPERTS
    demonstrator = "careless"
    turns: int = 80

    def __init__(
        self,
        width: int = 3,
        height: int = 2,
        players: int = 5,
        tasks: int = 3,
        colours: int = 7,
        cooldown: int = 6,
        side: str = "crew",
        crew: str = "truthful",
        impostor: str = "lying",
        speech: str = "free",
        turns: int = 80,
        shaping: float = 0.2,
        seated: str = "agent",
    ):
        for kind, value, known in (
            ("side", side, SIDES),
            ("player by script", crew, SCRIPTS),
            ("player by script", impostor, SCRIPTS),
            ("way to speak", speech, SPEECH),
            ("seating", seated, SEATED),
        ):
            if value not in known:
                raise UnknownName(kind, value, known)
        if not 3 <= players <= colours <= len(COLOURS):
            raise TurnwiseError(
                f"{players} players of {colours} colours", f"3 players or more, {len(COLOURS)} colours or fewer"
            )
        self.width, self.height, self.players, self.colours = width, height, players, colours
        self.tasks_each, self.cooldown = tasks, cooldown
        self.side, self.crew, self.impostor, self.speech = side, crew, impostor, speech
        self.turns, self.shaping, self.seated = turns, shaping, seated

    def settings(self) -> dict[str, Any]:
        found = super().settings()
        return {("tasks" if name == "tasks_each" else name): value for name, value in found.items()}

    @property
    def seats(self) -> tuple[Seat, ...]:  # type: ignore[override]
        """`agent`, and where everybody is seated the others as player-2, player-3, .."""
        return ("agent", *(f"player-{n}" for n in range(2, self.players + 1 if self.seated == "all" else 2)))

    def tasks(self, split: str) -> Sequence[Task]:
        bases, hidden = BASES[check_split(split)]
        return [drawn(self, split, base, variant) for variant in range(hidden) for base in range(bases)]

    def answer(self, task: Task) -> str:
        """The impostor's name."""
        return task.params["names"][IMPOSTOR]

    def options(self, task: Task) -> tuple[str, ...]:
        """The names that a survey of the agent chooses from: all but its own, in the order of the alphabet."""
        return tuple(sorted(set(task.params["names"]) - {task.params["agent"]}))

    def asked(self, messages: Sequence[Message]) -> bool:
        """Whether a survey belongs to this view: in a discussion, before each of the agent's messages and its vote."""
        return bool(messages) and messages[-1].text in (CLAIM + "\n", VOTE + "\n")

    # -- one game ----------------------------------------------------------------------------------------------------

    def reset(self, task: Task, chance: Chance) -> Moment:
        p = task.params
        game = Game(p["names"], p["tasks"], self.width, self.height, self.cooldown)
        self._begin(game, p["names"].index(p["agent"]), chance)
        for number, player in enumerate(game.players):
            rooms = [letter(room, self.width) for room in player.tasks]
            size = self.width, self.height
            self._tell([number], *intro(player.name, number != IMPOSTOR, p["names"], size, rooms))
        return self._play_on({})

    def _begin(self, game: Game, agent: int, chance: Chance) -> None:
        """The state of a game that nobody has been told about."""
        self._game, self._chance, self._acts = game, chance, 0
        others = sorted(set(range(self.players)) - {agent}, key=lambda p: game.names[p])
        self._seat_of: dict[int, Seat] = dict(zip([agent, *others], self.seats, strict=False))
        self._memories = [Memory() for _ in game.players]
        self._told: dict[Seat, list[str]] = {seat: [] for seat in self.seats}
        self._survey: dict[str, float] = {}

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        chosen = {p: self._read(p, said[seat].text) for p, seat in self._seat_of.items() if seat in said}
        self._acts += "agent" in said
        return self._play_on(chosen)

    def _read(self, p: int, text: str) -> str:
        """What a seated player's text means; what is no move is waiting, skipping, or having seen nobody."""
        text, options = " ".join(text.split())[:LONGEST], self._options(p)
        if not options and text:
            return text
        if text in options:
            return text
        self._told[self._seat_of[p]].append("You cannot do that.")
        return {"discussion_claim": NOTHING, "voting_result": SKIP}.get(self._game.phase, "wait")

    def _play_on(self, chosen: dict[int, str]) -> Moment:
        """Steps of time until a seated player has to choose, or the game is over."""
        game, earned, facts = self._game, dict.fromkeys(self.seats, 0.0), dict[str, Any]()
        while True:
            phase, survey = game.phase, self._survey
            for p in () if phase == "discussion_survey" else game.asks:
                if p not in chosen:
                    chosen[p] = self._chance.outcome(game.names[p], partial(self._decide, p))
            alive = list(game.living)
            game.step(chosen, {game.names.index(name): b for name, b in survey.items()})
            if phase == "reported" and game.phase == "discussion_survey":
                game.order = self._shuffled(game.living)
            self._notice(phase, chosen, alive)
            if game.phase == "discussion_survey":
                self._survey = self._beliefs()
                if phase == "discussion_claim" and self._seat_of.get(next(iter(chosen))) == "agent":
                    facts["beliefs"] = {"before": survey, "after": self._survey}
            for p, seat in self._seat_of.items():
                earned[seat] += game.win_rewards[p] + self.shaping * game.task_rewards[p]
            if game.outcome or game.time >= LAST or self._acts >= self.turns:
                return self._end(earned, facts)
            if waiting := [p for p in self._seat_of if p in game.asks and game.phase != "discussion_survey"]:
                return self._ask(waiting, earned, facts)
            chosen = {}

    def _shuffled(self, players: list[int]) -> tuple[int, ...]:
        """Who speaks when: drawn, for the players' own order would give the impostor away."""
        left = list(players)
        return tuple(left.pop(self._chance.integer(len(left), "speaker")) for _ in players)

    def _decide(self, p: int) -> str:
        """What a player by script chooses."""
        script = SCRIPTS[self.impostor if p == IMPOSTOR else self.crew]
        memory = self._memories[p]
        memory.read("\n".join(self._prompt(p)))
        return script(memory, self._options(p), self._chance.rng)

    def _beliefs(self) -> dict[str, float]:
        """The survey: what each living crewmate by script puts on the impostor."""
        game = self._game
        crew = [p for p in game.living_crew if p not in self._seat_of]
        return {game.names[p]: belief(self._memories[p]).get(game.names[IMPOSTOR], 0.0) for p in crew}

    def _options(self, p: int) -> tuple[str, ...]:
        """The texts that are moves now; none where speech is free."""
        game = self._game
        if game.phase == "discussion_claim":
            return tuple(any_claim(self._memories[p])) if self.speech == "claims" else ()
        if game.phase == "voting_result":
            return (*sorted(game.names[q] for q in game.living), SKIP)
        return game.asks.get(p, ())

    # -- what is told ------------------------------------------------------------------------------------------------

    def _tell(self, players: Sequence[int], *lines: str) -> None:
        for p in players:
            self._memories[p].read("\n".join(lines))
            if p in self._seat_of:
                self._told[self._seat_of[p]] += lines

    def _notice(self, phase: str, chosen: Mapping[int, str], alive: Sequence[int]) -> None:
        """Tell everybody what a step has shown them; `alive` are those who were before it."""
        game = self._game
        if phase == "gameplay":
            self._notice_acts(chosen, alive)
        elif phase == "discussion_claim":
            ((speaker, text),) = chosen.items()
            self._tell([p for p in alive if p != speaker], said_line(game.names[speaker], text))
        elif phase == "voting_result":
            votes = [(game.names[p], chosen[p]) for p in alive]
            self._tell(alive, *vote_lines(sorted(votes), elected(chosen.values())))

    def _notice_acts(self, chosen: Mapping[int, str], alive: Sequence[int]) -> None:
        game = self._game
        name, room = game.names[IMPOSTOR], game.players[IMPOSTOR].room
        for victim in set(alive) - set(game.living):
            near = [p for p in game.living_crew if game.players[p].room == room or game.players[p].at_door_of(room)]
            self._tell(near, kill_line(name, game.names[victim], letter(room, self.width)))
            self._tell([victim], "You are dead.")
        if game.phase == "reported":
            finder, text = next((p, t) for p, t in chosen.items() if t.startswith("report") and p in game.living)
            place = letter(game.players[finder].room, self.width)
            names = [game.names[p] for p in game.living]
            body = text.removeprefix("report body of Player ")
            self._tell(game.living, *meeting_lines(game.names[finder], body, place, names))

    def _prompt(self, p: int) -> list[str]:
        """What a player is told when it has to choose."""
        game, player = self._game, self._game.players[p]
        if game.phase == "gameplay":
            sight = game.sight(p)
            here = [game.names[q] for q, how in sight if how != "dead"]
            bodies = [game.names[q] for q, how in sight if how == "dead"]
            tasks = [letter(room, self.width) for room in player.tasks]
            return room_lines(letter(player.room, self.width), here, bodies, tasks)
        return [CLAIM if game.phase == "discussion_claim" else VOTE]

    def _ask(self, waiting: Sequence[int], earned: Mapping[Seat, float], facts: dict[str, Any]) -> Moment:
        for p in waiting:
            self._tell([p], *self._prompt(p))
        seats = tuple(self._seat_of[p] for p in waiting)
        legal = {self._seat_of[p]: options for p in waiting if (options := self._options(p))}
        facts |= {"phase": self._game.phase, "time": self._game.time}
        if len(seats) == 1:
            return Moment(self._views(), seats, earned, legal.get(seats[0]), facts=facts)
        return Moment(self._views(), seats, earned, legal_of=legal, facts=facts)

    def _end(self, earned: Mapping[Seat, float], facts: dict[str, Any]) -> Moment:
        outcome = self._game.outcome
        won = {None: "Nobody has", "more_imposters": "The impostor has"}.get(outcome, "The crew has")
        for lines in self._told.values():
            lines.append(f"{won} won.")
        success = outcome is not None and (outcome == "more_imposters") == (self.side == "impostor")
        facts |= {"outcome": outcome, "time": self._game.time, "success": success}
        return Moment(self._views(), (), earned, end=End.DONE, facts=facts)

    def _views(self) -> dict[Seat, tuple[Message, ...]]:
        """A message per line: what a line says is then one and the same text wherever it stands."""
        shown = {
            seat: tuple(Message("user", line + "\n") for line in told) for seat, told in self._told.items() if told
        }
        self._told = {seat: [] for seat in self.seats}
        return shown

    def imagine(self, view: View, chance: Chance) -> SocialDeduction:
        """Another game that looks the same: whoever is not seen to be innocent may be the impostor, those out of sight
        may be anywhere, with any tasks left. What others have seen before is not made up.
        """
        twin = copy.copy(self)
        social_deduction_imagined.begin(twin, view, chance)
        return twin
