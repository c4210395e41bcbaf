"""Scripted players of the social-deduction game, and what they believe. Each reads what it was told and nothing else.

random      any act, any claim, any vote
truthful    does its tasks, reports bodies, says what it saw, votes for the one it believes in
babbling    does its tasks and reports bodies; claims and votes at random
careless    as the truthful one, but half of what it claims and votes is babble
lying       kills where few see it, says that a crewmate was where the body lay, votes with the crowd
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from turnwise.core.protocols import View
from turnwise.worlds.base import Expert
from turnwise.worlds.social_deduction_rules import DIRECTIONS, SKIP
from turnwise.worlds.social_deduction_words import NOTHING, Memory, claim, letter, remember, room_of

Script = Callable[[Memory, Sequence[str], np.random.Generator], str]
"""From what is known, what may be done, and draws of one's own, to the text said."""

CAUGHT, AT_SCENE, ELSEWHERE, TOLD, LIED = 8.0, 2.0, -1.5, 1.0, 1.5
"""Weights of evidence, in nats: seen killing; last seen where the body lay; last seen in another room; said by one
other player to have been there; has said that of oneself, who was not."""

SURE = 0.6
"""Belief from which a truthful player votes for somebody."""


def belief(memory: Memory) -> dict[str, float]:
    """How probable each living other player is to be the impostor: a softmax over the weights of the evidence."""
    told = {(speaker, name) for speaker, name, room in memory.claims if room == memory.scene and speaker != memory.me}
    scores = {}
    for name in memory.others:
        score = CAUGHT * (name in memory.killers)
        if name in memory.last:
            score += AT_SCENE if memory.last[name] == memory.scene else ELSEWHERE
        score += TOLD * sum(of == name and speaker != name for speaker, of in told)
        if (name, memory.me) in told and memory.scene not in memory.been:
            score += LIED
        scores[name] = score
    weights = np.exp(np.array(list(scores.values())) - max(scores.values(), default=0.0))
    return dict(zip(scores, (weights / weights.sum()).tolist(), strict=True))


def random_player(memory: Memory, options: Sequence[str], rng: np.random.Generator) -> str:
    """Anything."""
    return pick(options or any_claim(memory), rng)


def truthful_player(memory: Memory, options: Sequence[str], rng: np.random.Generator) -> str:
    """Everything right."""
    if memory.asked == "claim":
        return evidence(memory, rng)
    return best_vote(memory, rng) if memory.asked == "vote" else work(memory, options, rng)


def babbling_player(memory: Memory, options: Sequence[str], rng: np.random.Generator) -> str:
    """Works as it should, and talks as it pleases."""
    return work(memory, options, rng) if memory.asked == "play" else random_player(memory, options, rng)


def careless_player(memory: Memory, options: Sequence[str], rng: np.random.Generator) -> str:
    """Works as it should, and minds what it says every other time."""
    player = babbling_player if rng.random() < 0.5 else truthful_player
    return player(memory, options, rng)


def lying_player(memory: Memory, options: Sequence[str], rng: np.random.Generator) -> str:
    """The impostor's ways."""
    if memory.asked == "claim":
        return claim(pick(memory.others, rng), memory.scene) if memory.others else NOTHING
    if memory.asked == "vote":
        accused = Counter(name for _, name, _ in memory.claims if name in memory.others)
        return pick([n for n, c in accused.items() if c == max(accused.values())] or memory.others or [SKIP], rng)
    kills = [text for text in options if text.startswith("kill")]
    if kills and len(memory.here) == 1:
        return pick(kills, rng)
    if kills and rng.random() < 0.1:
        return pick(kills, rng)
    return pick([text for text in options if not text.startswith("kill")], rng)


def evidence(memory: Memory, rng: np.random.Generator) -> str:
    """The strongest true thing there is to say: a killer seen, somebody where the body lay, somebody anywhere."""
    caught = [name for name in memory.killers if name in memory.others]
    at_scene = [name for name in memory.others if memory.last.get(name) == memory.scene]
    seen = [name for name in memory.others if name in memory.last]
    for names in (caught, at_scene, seen):
        if names:
            name = pick(sorted(names), rng)
            return claim(name, memory.last.get(name, memory.scene))
    return NOTHING


def best_vote(memory: Memory, rng: np.random.Generator) -> str:
    """The one believed in, or nobody."""
    believed = belief(memory)
    most = max(believed.values(), default=0.0)
    return pick([n for n, p in believed.items() if p == most], rng) if most >= SURE else SKIP


def work(memory: Memory, options: Sequence[str], rng: np.random.Generator) -> str:
    """Report what lies there, do the task of this room, or go where the next one is."""
    for wanted in ("report", "do Task"):
        if found := [text for text in options if text.startswith(wanted)]:
            return found[0]
    here = room_of(memory.room, memory.size[0]) if memory.room else (0, 0)
    rooms = [room_of(task, memory.size[0]) for task in memory.tasks]
    away = {r: abs(r[0] - here[0]) + abs(r[1] - here[1]) for r in rooms}
    moves = [text for text in options if text.startswith("go ")]
    if away:
        goal = min(away, key=lambda r: (away[r], r))
        nearer = [m for m in moves if distance_after(here, m, goal) < away[goal]]
        return pick(nearer or list(options), rng)
    return pick([*moves, "wait"], rng)


def distance_after(here: tuple[int, int], move: str, goal: tuple[int, int]) -> int:
    """Rooms to go after a move."""
    dx, dy = DIRECTIONS[move.removeprefix("go ")]
    return abs(here[0] + dx - goal[0]) + abs(here[1] + dy - goal[1])


def any_claim(memory: Memory) -> list[str]:
    """Every claim there is."""
    width, height = memory.size
    rooms = [letter((x, y), width) for y in range(height) for x in range(width)]
    return [NOTHING, *(claim(name, room) for name in memory.names for room in rooms)]


def pick(options: Sequence[str], rng: np.random.Generator) -> str:
    """One of them, uniform."""
    return options[int(rng.integers(len(options)))]


def seated(script: Script) -> Expert:
    """A script in the agent's seat."""

    def play(view: View, rng: np.random.Generator) -> str:
        return script(remember(view), view.legal or (), rng)

    return play


SCRIPTS: Mapping[str, Script] = {
    "babbling": babbling_player,
    "careless": careless_player,
    "lying": lying_player,
    "random": random_player,
    "truthful": truthful_player,
}
EXPERTS = {name: lambda world, script=script: seated(script) for name, script in SCRIPTS.items()}
