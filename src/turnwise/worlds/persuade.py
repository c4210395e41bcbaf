"""Ask somebody for a donation to a charity (specs/users/imagined-hindsight-tasks; Wang et al., Persuasion for Good)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from turnwise.core.chance import Chance, generator, key_of, uniform_of
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import Moment, Task
from turnwise.users.acts import DialogueAct
from turnwise.users.culprit import Heard
from turnwise.users.draws import Draws
from turnwise.users.person import Reply, Standing
from turnwise.worlds.base import check_split
from turnwise.worlds.conversation import Conversation, Exchange, Outcome
from turnwise.worlds.persuade_data import load
from turnwise.worlds.persuade_fit import ANSWERS
from turnwise.worlds.persuade_people import PEOPLE, SPEAKS_OF_GIVING, Giver, giver, law, move_of, with_values
from turnwise.worlds.persuade_players import EXPERTS
from turnwise.worlds.persuade_words import LANGUAGE

HELD_OUT = 5
"""Every so many real people are for evaluation."""
TIMES = 2
"""Tasks for each of them: the same personality with other luck."""
CANDIDATES = 64
"""People drawn before one is imagined."""
EVEN = 1e-6
"""How far luck stays from 0 and 1."""


class Persuade(Conversation):
    """Win somebody for a donation of 0 to 2 dollars, which is the reward.

    The agent makes moves that were labelled in real talks. When it says goodbye, or after the last turn, the person
    gives what the fitted model says for its personality (of a real persuadee), its luck (hidden, the same whatever is
    said) and the moves that were made; a move counts once, and nobody gives who was not told that there is something to
    give to. Its reactions on the way are drawn as real people's were who gave, or did not.

    It knows that the agent is a program, says so, and consents; facts of the end tell that. Success is a gift. A
    failure is the person's where no moves would have won a gift.

    Args:
        user: `first` or `second`, of models fitted to disjoint halves of the talks.
        max_turns: of the agent.
        sway: what the weights of moves are multiplied by; 1 is as fitted, 0 are moves without effect.
        patience, vagueness, error, withholding, cooperation, changing: knobs of the person; no fact of it may change.
    """

    name = "persuade"
    title = "win somebody for a donation; personalities and gifts are fitted to real talks"
    people = PEOPLE
    language = LANGUAGE
    experts = EXPERTS
    demonstrator = "rough"

    def __init__(
        self,
        user: str = "first",
        max_turns: int = 10,
        sway: float = 1.0,
        patience: int = 0,
        vagueness: float = 0.0,
        error: float = 0.0,
        withholding: float = 0.0,
        cooperation: float = 0.0,
        changing: float = 0.0,
    ):
        super().__init__(user, max_turns, patience, vagueness, error, withholding, cooperation, changing)
        if max_turns < 1 or sway < 0:
            raise TurnwiseError(f"max_turns={max_turns}, sway={sway:g}", "1 turn or more, and a sway of 0 or more")
        self.sway = float(sway)

    @property
    def noted(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names say what stands where nothing was given."""
        return "donation (none: 0)", f"turns (a failure: {self.max_turns})", "moves"

    def tasks(self, split: str) -> Sequence[Task]:
        """Real personalities, each twice with luck of its own."""
        return _tasks(check_split(split))

    # -- one conversation ----------------------------------------------------------------------------------------------

    def opening(self, task: Task, draws: Draws) -> tuple[str, Standing]:
        self._gift = 0.0
        return self.spoken((DialogueAct("consent"),), draws), self._person.begin()

    def judge(self, act: DialogueAct | None, reply: Reply) -> Outcome:
        before, after = made(self._standing), made(reply.standing)
        useful = after != before and act is not None
        closed = act is not None and act.kind == "close"
        last = reply.standing.turn >= self.max_turns
        gone = reply.standing.left and not useful
        if gone or not (closed or last):
            return Outcome(useful=useful)
        self._gift = self._giver.nature.gift(after)
        success = True if self._gift > 0 else False if closed else None
        said = (DialogueAct("farewell"),) if closed else None
        return Outcome(self._gift, success, useful, said)

    @property
    def _giver(self) -> Giver:
        assert isinstance(self._person, Giver)
        return self._person

    def ending(self, won: bool) -> Mapping[str, Any]:
        turns = len(self._heard)
        return {
            "donation (none: 0)": self._gift,
            f"turns (a failure: {self.max_turns})": turns if won else self.max_turns,
            "moves": len(made(self._standing) - {"close"}),
            "consent": True,
        }

    def _moment(self, outcome: Outcome, reply: Reply, draws: Draws) -> Moment:
        """A failure is the person's where nothing would have helped."""
        moment = super()._moment(outcome, reply, draws)
        if moment.facts.get("culprit") and not self._giver.nature.reachable:
            return dataclasses.replace(moment, facts={**moment.facts, "culprit": "user"})
        return moment

    # -- imagining -----------------------------------------------------------------------------------------------------

    def imagine(self, view: View, chance: Chance) -> Persuade:
        """Somebody else who could have answered so: drawn among real personalities with luck of their own, by how
        likely each was to tell and to react as was heard.
        """
        seen = self.exchanges(view.messages)
        settings = self.settings()
        twin = type(self)(**settings)
        twin._speaker, twin._chance = self._speaker, chance
        twin._person, twin._gift = _likely(self, seen, chance), 0.0
        twin._task = Task("imagined", self.name)
        twin._begin = twin._person.begin()
        twin._heard, twin._standing = _stood(twin, seen)
        return twin


def _likely(world: Persuade, seen: Sequence[Exchange], chance: Chance) -> Giver:
    """One of the people drawn, by the probability of what was heard; what was told last of its values is not drawn."""
    numbers = generator(chance.key, chance.tick, "imagined person").random((CANDIDATES, 3)).tolist()
    told = [a.value for e in seen for a in e.answer if (a.kind, a.about) == ("inform", "values")]
    rows = (world.error == 0 and told and with_values(told[-1])) or range(len(load().talks))
    people = [
        giver(world.user, rows[int(row * len(rows))], min(max(luck, EVEN), 1 - EVEN), memory, world.sway, world.knobs)
        for row, luck, memory in numbers
    ]
    weights = [fitting(person, seen, world.error / 2) for person in people]
    left = chance.uniform("imagined who") * sum(weights)
    for person, weight in zip(people, weights, strict=True):
        left -= weight
        if left < 0:
            return person
    return people[-1]  # nobody fits


def fitting(person: Giver, seen: Sequence[Exchange], slip: float) -> float:
    """How likely somebody is to have told and to have reacted as was heard, `slip` of what it told by mistake."""
    state: Any = person.discloses.start()
    found = 1.0
    for exchange in seen:
        if exchange.act is not None:
            state = person.discloses.hear(state, exchange.act, person.facts)
        gives = person.nature.level(state[1]) > 0
        for answer in exchange.answer:
            if answer.kind == "inform":
                found *= 1.0 if person.facts.get(answer.about) == answer.value else slip
            elif answer.kind in ANSWERS and exchange.act is not None:
                among = law(person.nature.fit, move_of(exchange.act), gives, bool(state[1] & SPEAKS_OF_GIVING))
                found *= among[ANSWERS.index(answer.kind)]
    return found


def made(standing: Standing) -> frozenset[str]:
    """Moves so far, as the person's rule remembers them."""
    state: Any = standing.state
    return state[1]


def _stood(world: Persuade, seen: Sequence[Exchange]) -> tuple[tuple[Heard, ...], Standing]:
    """The talk as this person would have it in mind: moves, what it told, and how many turns were of no use."""
    person, heard, standing = world._person, list[Heard](), world._begin
    for turn, exchange in enumerate(seen[1:], 1):
        act, told = exchange.act, dict(standing.told)
        state: Any = standing.state
        if act is not None:
            state = person.discloses.hear(state, act, person.facts)
        news = {a.about: a.value for a in exchange.answer if a.kind == "inform" and told.get(a.about) != a.value}
        useful = act is not None and state[1] != made(standing)
        idle = 0 if useful or news else standing.idle + 1
        heard.append(Heard(act, Draws(key_of(world._chance.key, "imagined", turn) >> 11, turn), useful))
        standing = Standing(standing.facts, state, turn, {**told, **news}, idle, standing.wasted + (idle > 0))
    return tuple(heard), standing


@lru_cache(maxsize=2)
def _tasks(split: str) -> tuple[Task, ...]:
    rows = [row for row in range(len(load().talks)) if (row % HELD_OUT == 0) == (split == "eval")]
    return tuple(_task(row, time, split) for time in range(TIMES) for row in rows)


def _task(row: int, time: int, split: str) -> Task:
    luck, memory = (uniform_of(Persuade.name, row, time, what) for what in ("luck", "memory"))
    params = {"row": row, "luck": min(max(luck, EVEN), 1 - EVEN), "memory": memory}
    return Task(f"{split}-{row:04d}-{time}", Persuade.name, params, split)
