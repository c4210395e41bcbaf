"""From the rules of a small game to the arrays of all that can happen in it.

Rules are one function: from a state and the number of an action to what can come of it. A state is any hashable
value that holds the time; `unfold` walks from the starts through everything that can be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.worlds.tabular import OVER, Tabular


class Outcome(NamedTuple):
    """One thing that can come of an action. Where it hangs on the hidden fact, an array holds a number per fact."""

    after: Any  # the state that follows, None where the episode ends
    chance: float | np.ndarray = 1.0
    reward: float | np.ndarray = 0.0


Rules = Callable[[Any, int], Iterable[Outcome]]


def unfold(
    name: str,
    actions: Sequence[str],
    starts: Mapping[str, Any],
    rules: Rules,
    anchor: Callable[[Any], Hashable],
    prior: Sequence[float] = (1.0,),
    **more: Any,
) -> Tabular:
    """The game as arrays, states in the order of time.

    Args:
        starts: the state in which each task begins.
        rules: what can come of an action in a state; outcomes that
            the belief there rules out are left out.
        anchor: what a state looks like apart from its time.
        prior: float [H], law of the hidden fact before anything was seen.
        more: further fields of the table.
    """
    came, beliefs = _walk(list(starts.values()), len(actions), rules, np.array(prior))
    points = tuple(beliefs)
    number = {point: s for s, point in enumerate(points)}
    shape = len(points), len(actions), max(map(len, came.values()))
    after = np.full(shape, OVER)
    chances, rewards = np.zeros((len(prior), *shape)), np.zeros((len(prior), *shape))
    for (point, a), outcomes in came.items():
        for k, outcome in enumerate(outcomes):
            where = number[point], a, k
            after[where] = OVER if outcome.after is None else number[outcome.after]
            chances[:, *where], rewards[:, *where] = outcome.chance, outcome.reward
    looks: dict[Hashable, int] = {}
    return Tabular(
        name=name,
        actions=tuple(actions),
        states=tuple(" ".join(map(str, point)) for point in points),
        tasks=tuple(starts),
        after=after,
        chances=chances,
        rewards=rewards,
        start=np.array([[float(point == start) for point in points] for start in starts.values()]),
        belief=np.array(list(beliefs.values())),
        anchor=np.array([looks.setdefault(anchor(point), len(looks)) for point in points]),
        points=points,
        **more,
    )


def _walk(
    starts: list, actions: int, rules: Rules, prior: np.ndarray
) -> tuple[dict[tuple[Any, int], list[Outcome]], dict[Any, np.ndarray]]:
    """What can come of each action in every state that can be reached, and what is believed there, first come first.

    Raises:
        TurnwiseError: two ways to a state leave different beliefs.
    """
    beliefs = dict.fromkeys(starts, prior)
    came: dict[tuple[Any, int], list[Outcome]] = {}
    points = list(beliefs)
    for point in points:
        for a in range(actions):
            came[point, a] = kept = []
            for outcome in rules(point, a):
                joint = beliefs[point] * outcome.chance
                if not joint.any():
                    continue
                kept.append(outcome)
                then, belief = outcome.after, joint / joint.sum()
                if then is not None and then not in beliefs:
                    points.append(then)
                elif then is not None and not np.allclose(beliefs[then], belief):
                    raise TurnwiseError(
                        f"{then} is reached with different beliefs", "states that hold all that was seen"
                    )
                if then is not None:
                    beliefs.setdefault(then, belief)
    return came, beliefs
