"""Alternative turns from the same state, and the pairs they make (specs/learn/sport, specs/learn/itool).

Two turns are alternatives where the seat read exactly the same before them: the same messages in view, on the same
task, hence with the same hidden facts. They are branches of a tree, or turns of different episodes of a group; it makes
no difference. An alternative is worth the mean of what its paths earned from there on:

    worth(a | s) = mean over the paths through (s, a) of the reward from that turn to the end
    pair (best, other) for the worst other, or for each one       if worth(best) - worth(other) >= gap

A state with one alternative yields nothing. The mean is ours; iTool compares sums over visits, which favours what was
visited often.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from turnwise.core.errors import UnknownName
from turnwise.core.types import Episode
from turnwise.learn.pairs import Pair, Side, paths

AGAINST = ("worst", "all")


@dataclass
class Alternative:
    """What was said in a state."""

    text: str
    side: Side  # where it was said first
    earned: list[float] = field(default_factory=list)  # from that turn to the end, per path through it

    @property
    def worth(self) -> float:
        """Mean of what was earned."""
        return sum(self.earned) / len(self.earned)


def step_pairs(
    episodes: Sequence[Episode], gap: float = 0.1, alike: float = 1.0, against: str = "worst", least: int = 1
) -> list[Pair]:
    """Pairs of single turns, in the order in which states were first met.

    Args:
        episodes: trees, or several episodes of each task.
        gap: smallest difference in worth, in the world's reward units; more than 0 is always asked for.
        alike: largest `overlap` of the two texts; iTool takes 0.95.
        against: the `worst` alternative (iTool), or `all` that are so much worse (SPORT).
        least: paths through an alternative, so that one lucky path does not speak for it.
    """
    if against not in AGAINST:
        raise UnknownName("way to choose the worse turn", against, AGAINST)
    pairs = []
    for alternatives in states(episodes):
        known = [a for a in alternatives if len(a.earned) >= least]
        if len(known) < 2:
            continue
        best = max(known, key=lambda a: a.worth)
        others = [min(known, key=lambda a: a.worth)] if against == "worst" else known
        pairs += [
            Pair(best.side, other.side)
            for other in others
            if best.worth - other.worth >= max(gap, 1e-9) and overlap(best.text, other.text) <= alike
        ]
    return pairs


def states(episodes: Sequence[Episode]) -> list[list[Alternative]]:
    """The alternatives of every state that was met."""
    found: dict[int, dict[str, Alternative]] = {}
    numbers: dict[Hashable, int] = {}
    for path in paths(episodes):
        episode = episodes[path.episode]
        left = sum(episode.turns[i].rewards.get("agent", 0.0) for i in episode.path(path.leaf))
        for state, turn, earned in along(episode, path, numbers):
            text = episode.turns[turn].message.text
            one = found.setdefault(state, {}).setdefault(
                text, Alternative(text, Side(path.episode, path.leaf, (turn,)))
            )
            one.earned.append(left - earned)
    return [list(of_state.values()) for of_state in found.values()]


def along(episode: Episode, path: Side, numbers: dict[Hashable, int]) -> Iterator[tuple[int, int, float]]:
    """(number of the state, turn, what the agent had earned before it) for the agent's turns of a path."""
    state, said, earned, own = -1, "", 0.0, set(path.turns)
    for i in episode.path(path.leaf):
        turn = episode.turns[i]
        if i in own:
            seen = tuple((message.role, message.text) for message in turn.seen)
            before = (-1, "") if turn.fresh else (state, said)
            state = numbers.setdefault((episode.task.key, *before, seen), len(numbers))
            said = turn.message.text
            yield state, i, earned
        earned += turn.rewards.get("agent", 0.0)


def overlap(one: str, other: str) -> float:
    """|words in both| / |words of the shorter|, words parted by white space; 1 where one has none."""
    left, right = set(one.split()), set(other.split())
    fewest = min(len(left), len(right))
    return len(left & right) / fewest if fewest else 1.0
