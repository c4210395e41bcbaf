"""How many episodes to a given return, and how that grows with the horizon (specs/learn/archer).

Softmax tables as in the training check: per update 8 groups of 8 episodes, credit of root mean square 1 in the batch,
the exact return after each update. Each arm has the best of some step sizes in each corridor, chosen with other chance.
All begin with the uniform policy, which wins one time in 16 however long the corridor is and however many keys it has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from turnwise.bench.credit.copies import Copies
from turnwise.bench.credit.rules import ROWS
from turnwise.bench.credit.sampling import Play, joined
from turnwise.bench.credit.scene import Scene
from turnwise.bench.credit.table_archer import TableCritic, TableReplay, actor_step
from turnwise.bench.credit.training import GROUPS, MEMBERS, MEMORY, softmax
from turnwise.core.chance import generator
from turnwise.core.errors import UnknownName
from turnwise.worlds.key_corridor_rules import problem
from turnwise.worlds.tabular import Tabular, Values, solve

EPISODES = GROUPS * MEMBERS
HORIZONS = (4, 8, 16, 32, 64)
CORRIDORS: dict[str, Callable[[int], int]] = {
    "one key": lambda turns: 1,
    "a key per four turns": lambda turns: turns // 4,
}
"""How many keys a corridor of so many turns has. Between keys nothing matters."""
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Step sizes among which each arm has the best."""
SEEDS, PILOTS, UPDATES, SHARE, FIRST = 10, 10, 256, 0.8, 1 / 16


class Learner(Protocol):
    """Many runs of one arm."""

    def step(self, played: Play, values: Values, logits: np.ndarray, size: np.ndarray) -> np.ndarray:
        """New logits [R * S, A] after a batch that the policy of `values` played; size [R * S, 1] of each step."""


@dataclass(frozen=True)
class Arm:
    """A way to learn."""

    name: str
    says: str
    make: Callable[[Copies, np.random.Generator], Learner]


class OnPolicy:
    """One step along a rule's credit; what is fitted, on the last four batches."""

    def __init__(self, row: str, copies: Copies, rng: np.random.Generator):
        self.row = next(one for one in ROWS if one.name == row)
        self.copies, self.rng, self.batches = copies, rng, deque[Play](maxlen=MEMORY)

    def step(self, played: Play, values: Values, logits: np.ndarray, size: np.ndarray) -> np.ndarray:
        self.batches.append(played)
        credit_T = self.row.credit(Scene(played, values, lambda: joined(self.batches), self.rng))
        cells, shape = values.policy.size, values.policy.shape
        turns = self.copies.per_run(np.bincount(played.cells_T, minlength=cells).reshape(shape))
        squares = np.bincount(played.cells_T, weights=credit_T**2, minlength=cells).reshape(shape)
        rms = np.sqrt(self.copies.per_run(squares) / turns)
        pushed = np.bincount(played.cells_T, weights=credit_T, minlength=cells).reshape(shape)
        pushed = pushed / self.copies.spread(np.where(rms > 0.0, rms, 1.0))
        return logits + size * (pushed - pushed.sum(1, keepdims=True) * values.policy) / EPISODES


class TableArcher:
    """ArCHer: critic steps on the replay, then three steps of the actor.

    Args:
        gamma, tau: see `TableCritic`.
        steps: of the critic per round; 0: until it is solved.
        memory: batches in the replay; 0: all.
    """

    ACTOR_STEPS = 3

    def __init__(self, copies: Copies, rng: np.random.Generator, gamma: float, tau: float, steps: int, memory: int):
        shape = copies.all.after.shape[:2]
        self.copies, self.rng, self.steps = copies, rng, steps or 2 * len(copies.one.layers)
        self.replay, self.critic = TableReplay(shape, memory), TableCritic(shape, gamma, tau)

    def step(self, played: Play, values: Values, logits: np.ndarray, size: np.ndarray) -> np.ndarray:
        self.replay.add(played)
        self.critic.learn(self.replay, values.policy, self.steps)
        turns = len(played.states_T) // self.copies.count
        for _ in range(self.ACTOR_STEPS):
            policy, visits = softmax(logits), self.replay.visits
            logits = logits + size * actor_step(self.copies, visits, self.critic, policy, EPISODES, turns, self.rng)
        return logits


def archer(name: str, says: str, gamma: float = 1.0, tau: float = 1.0, steps: int = 0, memory: int = 0) -> Arm:
    """An arm of both levels."""
    return Arm(name, says, lambda copies, rng: TableArcher(copies, rng, gamma, tau, steps, memory))


def on_policy(row: str, says: str) -> Arm:
    """An arm that steps once along a row of the benchmark."""
    return Arm(row, says, lambda copies, rng: OnPolicy(row, copies, rng))


OURS = "archer"
ARMS = (
    archer(OURS, "critic solved on the replay of all batches, three actor steps on new acts in its states"),
    archer("archer-last-batch", "the same, replay of the last batch alone", memory=1),
    archer("archer-50-steps", "the sheet's numbers: 50 critic steps a round, tau .1, gamma .95", 0.95, 0.1, 50),
    on_policy("gae-0-fitted", "turn GAE, lambda 0, V fitted on the last four batches"),
    on_policy("gae-.95-fitted", "turn GAE, lambda .95, V fitted on the last four batches"),
    on_policy("rloo", "return minus the mean of the group's others"),
    on_policy("grpo", "z-score of the return in its group"),
    on_policy("reinforce", "return-to-go"),
)


def corridor(turns: int, keys: int) -> Tabular:
    """A corridor in which luck is such that the uniform policy wins one time in 16; with one key there is none."""
    each = FIRST ** (1.0 / (keys + 1))  # to get past a key or the door
    return problem(turns, keys, (4.0 * each - 1.0) / 3.0 if keys > 1 else 0.0)


def runs(arm: Arm, turns: int, keys: int, sizes: np.ndarray, updates: int, *key: Any) -> tuple[np.ndarray, np.ndarray]:
    """Episodes until the return is .8 of the best (inf: never), and where the return ended, float64 (R,) each: one run
    per step size. All stop when the last one is there.
    """
    one = corridor(turns, keys)
    wanted = SHARE * float((one.start @ solve(one).v)[0])
    copies, rng = Copies(one, len(sizes)), generator(*key, "bench horizon", turns, keys, arm.name)
    learner, size = arm.make(copies, rng), copies.spread(sizes)
    logits, needed = np.zeros(copies.all.after.shape[:2]), np.full(len(sizes), np.inf)
    values, earned = copies.values(softmax(logits))
    for update in range(updates):
        logits = learner.step(copies.play(values.policy, GROUPS, MEMBERS, rng), values, logits, size)
        values, earned = copies.values(softmax(logits))
        there = np.isinf(needed) & (earned >= wanted)
        needed[there] = (update + 1) * EPISODES
        if np.isfinite(needed).all():
            break
    return needed, earned


def best_size(arm: Arm, turns: int, keys: int, updates: int, seed: int) -> float:
    """The step size whose runs need the fewest episodes on average, those that were given up counted as if they had
    come there then; where no run of any came there, the one that ends best.
    """
    needed, ended = runs(arm, turns, keys, np.repeat(SIZES, PILOTS), updates, seed, "pilot")
    spent = np.minimum(needed, updates * EPISODES).reshape(-1, PILOTS).mean(1)
    return SIZES[np.lexsort((-ended.reshape(-1, PILOTS).mean(1), spent))[0]]


def bench_horizon(
    horizons: Sequence[int] = HORIZONS,
    arms: Sequence[str] = (),
    seeds: int = SEEDS,
    seed: int = 0,
    updates: int = UPDATES,
    watch: Callable[[str, float], None] = lambda what, share: None,
) -> dict[str, Any]:
    """Every arm in corridors of growing length.

    Args:
        arms: names; none: all.
        seeds: runs of each.
        updates: after which a run is given up.

    Returns:
        {bench, seed, seeds, updates, corridors: {corridor: {turns: {arm: {size, episodes: [per run, or null], median,
        low, high, final, factor}}}}}; null: more than `updates` * 64 episodes; factor: see `factors`.
    """
    known = {arm.name: arm for arm in ARMS}
    for name in arms:
        if name not in known:
            raise UnknownName("arm of the horizon benchmark", name, known)
    chosen = [arm for arm in ARMS if not arms or arm.name in arms]
    found: dict[str, Any] = {corridor: {str(turns): {} for turns in horizons} for corridor in CORRIDORS}
    places = [(c, turns, arm) for c in CORRIDORS for turns in horizons for arm in chosen]
    for number, (corridor, turns, arm) in enumerate(places):
        watch(f"{corridor}, {turns} turns, {arm.name}", number / len(places))
        keys = CORRIDORS[corridor](turns)
        size = best_size(arm, turns, keys, updates, seed)
        needed, ended = runs(arm, turns, keys, np.full(seeds, size), updates, seed, "report")
        found[corridor][str(turns)][arm.name] = {"size": size, **told(needed, generator(seed, "bench horizon median"))}
        found[corridor][str(turns)][arm.name]["final"] = round(float(ended.mean()), 4)
    for table in (one for tables in found.values() for one in tables.values()):
        factors(table, updates * EPISODES, generator(seed, "bench horizon factor"))
    return {"bench": "horizon", "seed": seed, "seeds": seeds, "updates": updates, "corridors": found}


def told(needed: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """Runs, their median, and 95 % of the medians of runs drawn again; None: beyond the last update."""
    low, high = np.quantile(medians(needed, rng), [0.025, 0.975], method="nearest")
    median = float(np.median(needed))
    return {
        "episodes": [finite(one) for one in needed],
        "median": finite(median),
        "low": finite(low),
        "high": finite(high),
    }


def medians(needed: np.ndarray, rng: np.random.Generator, draws: int = 2000) -> np.ndarray:
    """Medians of runs drawn again with replacement, float64 (draws,)."""
    again = np.sort(needed[rng.integers(len(needed), size=(draws, len(needed)))], axis=1)
    return again[:, (len(needed) - 1) // 2] / 2 + again[:, len(needed) // 2] / 2


def factors(table: dict[str, Any], most: int, rng: np.random.Generator) -> None:
    """Put into each arm how many times as many episodes as ArCHer's its median is: [factor, low, high, whether that is
    only a lower bound]; runs that were given up count as if they had come to an end there.
    """
    if OURS not in table:
        return
    of = {name: np.array([most if n is None else n for n in one["episodes"]], float) for name, one in table.items()}
    ours = medians(of[OURS], rng)
    for name, one in table.items():
        ratios = medians(of[name], rng) / ours if name != OURS else np.ones(1)
        low, high = np.quantile(ratios, [0.025, 0.975])
        factor = float(np.median(of[name]) / np.median(of[OURS]))
        one["factor"] = [*(round(float(n), 2) for n in (factor, low, high)), one["median"] is None]


def in_words(one: dict[str, Any]) -> str:
    """Episodes of an arm: median and interval."""
    median, low, high = ("never" if one[part] is None else f"{one[part]:,.0f}" for part in ("median", "low", "high"))
    return f"{median} [{low}, {high}]"


def times_in_words(one: dict[str, Any]) -> str:
    """How many times ArCHer's episodes that is; only so much is known where most runs were given up."""
    factor, low, high, at_least = one["factor"]
    return f"> {factor:.3g}" if at_least else f"{factor:.3g} [{low:.3g}, {high:.3g}]"


def finite(number: float) -> float | None:
    """A number as JSON has it."""
    return float(number) if np.isfinite(number) else None
