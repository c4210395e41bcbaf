"""Which rules point where the return grows: exact expected gradients of a small stopping problem, by enumeration.

At turn t = 0, 1, 2 an episode stops (earning STOP[t]) or goes on (earning GO[t]); the third turn is the last. A policy
has its own two logits at each turn. Over all pairs of trajectories (a group of two), weighted by their probability,

    g = E[ sum over both episodes and their turns of  A * grad log pi ]

must be a positive multiple of the gradient of the expected return for every rule that does not say `biased`, and must
not be for every rule that does. A baseline that looks at when its own episode stopped fails.
"""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import product

import numpy as np
import pytest

from turnwise.core.errors import TurnwiseError
from turnwise.credit import RULES, CreditInput
from turnwise.credit.branch_share import BranchShare
from turnwise.credit.multi_critic import SIGNALS, critic_of

P_STOP = np.array([0.3, 0.45, 0.6])
STOP = np.array([0.4, 1.5, 0.1])
GO = np.array([-0.2, 0.3, 0.7])
PI = np.stack([P_STOP, 1.0 - P_STOP], axis=1)  # [turn, action]: 0 stops, 1 goes on

V = np.zeros(4)
Q = np.zeros((3, 2))
for _t in (2, 1, 0):
    Q[_t] = STOP[_t], GO[_t] + V[_t + 1]
    V[_t] = PI[_t] @ Q[_t]
REACH = np.array([1.0, 1 - P_STOP[0], (1 - P_STOP[0]) * (1 - P_STOP[1])])
TRUE = REACH[:, None] * PI * (Q - V[:3, None])  # gradient of V[0] in the logits

PATHS = [(0,), (1, 0), (1, 1, 0), (1, 1, 1)]  # actions of each trajectory


def chance(actions):
    return float(np.prod([PI[t, a] for t, a in enumerate(actions)]))


def rewards(actions):
    return [(STOP, GO)[a][t] for t, a in enumerate(actions)]


def score(actions, turn):
    """grad log pi of one turn."""
    grad = np.zeros((3, 2))
    grad[turn] = np.eye(2)[actions[turn]] - PI[turn]
    return grad


def record(paths, node_T=None):
    """A group of trajectories as rules read it, one token per turn, critics and signals exact."""
    turns = [t for path in paths for t in range(len(path))]
    actions = [a for path in paths for a in path]
    starts = np.concatenate([[0], np.cumsum([len(path) for path in paths])])
    earned = np.concatenate([rewards(path) for path in paths])
    known = {"q": Q[turns, actions], "v": V[turns]}
    known |= {"q1": known["q"], "q2": known["q"] + 0.1, "v1": known["v"], "v2": known["v"] + 0.2}
    for share, name in zip((0.7, 0.2, 0.1), SIGNALS, strict=True):  # three rewards that sum to the world's
        known |= {name: share * earned, critic_of(name): share * V[turns]}
    return CreditInput(
        earned,
        starts,
        np.ones(len(paths), bool),
        group_E=np.zeros(len(paths), int),
        values_T=V[turns],
        token_starts_T1=np.arange(len(turns) + 1),
        token_values_N=V[turns],
        state_T=turns,
        node_T=np.arange(len(turns)) if node_T is None else node_T,
        signals_T=known,
        signals_E={critic_of(name): np.zeros(len(paths)) for name in SIGNALS},
    )


def summed(paths, credit):
    """sum A * grad log pi over the turns of all paths, shared turns once per path."""
    places = [(path, t) for path in paths for t in range(len(path))]
    return sum(c * score(path, t) for (path, t), c in zip(places, credit, strict=True))


def expected_of_pairs(assign):
    """E over pairs of trajectories."""
    return sum(chance(a) * chance(b) * summed((a, b), assign(record((a, b)))) for a, b in product(PATHS, PATHS))


def sine(found, truth):
    """How far a gradient is from the truth's direction: 0 is along it, 1 at a right angle or against it."""
    along = (found * truth).sum() / (truth**2).sum()
    return np.linalg.norm(found - along * truth) / np.linalg.norm(found) if along > 0 else 1.0


def undiscounted(rule):
    """A rule as the promise has it: no discount."""
    names = {f.name for f in fields(rule)} & {"gamma", "gamma_token"}
    return replace(rule, **dict.fromkeys(names, 1.0))


def enumerable(kind):
    """Whether this problem knows what the rule reads; judgements have tests of their own."""
    given = record(PATHS[:1])
    return set(getattr(kind, "reads_T", ())) <= given.signals_T.keys() and "inner" not in kind.__dataclass_fields__


KNOWN = [name for name, kind in RULES.items() if enumerable(kind)]
FAIR = [name for name in KNOWN if not RULES[name].biased]
UNFAIR = [name for name in KNOWN if RULES[name].biased]


def test_the_true_gradient_is_the_derivative_of_the_return():
    def start_value(logits):
        pi = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        v = 0.0
        for t in (2, 1, 0):
            v = pi[t] @ [STOP[t], GO[t] + v]
        return v

    logits, h = np.log(PI), 1e-6
    for t, a in product(range(3), range(2)):
        step = np.zeros((3, 2))
        step[t, a] = h
        assert TRUE[t, a] == pytest.approx(
            (start_value(logits + step) - start_value(logits - step)) / (2 * h), abs=1e-9
        )
    assert sum(map(chance, PATHS)) == pytest.approx(1)


@pytest.mark.parametrize("name", FAIR)
def test_a_rule_that_promises_it_points_where_the_return_grows(name):
    rule = undiscounted(RULES[name]())
    assert sine(expected_of_pairs(lambda x: rule.assign(x).credit), TRUE) < 1e-9


@pytest.mark.parametrize("name", UNFAIR)
def test_a_rule_that_is_called_biased_points_elsewhere_and_says_why(name):
    rule = undiscounted(RULES[name]())
    assert sine(expected_of_pairs(lambda x: rule.assign(x).credit), TRUE) > 1e-2
    assert len(rule.biased.split()) > 5


def test_both_kinds_are_there():
    assert {"outcome", "rloo", "dr-grpo", "turn-gae", "tree-loo", "fitted-q", "exact"} <= set(FAIR)
    assert {"grpo", "flow-grpo", "episode-z", "turn-baseline", "gigpo", "arpo", "rapo", "tree-values"} <= set(UNFAIR)


def minus_mean_of_own_turns(x):
    to_go = RULES["reward-to-go"]().assign(x).credit
    own = np.add.reduceat(to_go, x.starts_E1[:-1]) / np.diff(x.starts_E1)
    return to_go - np.repeat(own, np.diff(x.starts_E1))


def minus_a_price_per_own_turn(x):
    lengths = np.diff(x.starts_E1)
    return RULES["rloo"]().assign(x).credit - 0.1 * np.repeat(lengths, lengths)


def divided_by_own_length(x):
    lengths = np.diff(x.starts_E1)
    return RULES["rloo"]().assign(x).credit / np.repeat(lengths, lengths)


def other_only_where_it_stopped_no_earlier(x):
    """The other's return as baseline, if the other played at least as long as oneself in the end."""
    lengths, returns = np.diff(x.starts_E1), x.returns_E
    return np.repeat(np.where(lengths[::-1] >= lengths, returns - returns[::-1], returns), lengths)


@pytest.mark.parametrize(
    "baseline",
    [
        minus_mean_of_own_turns,
        minus_a_price_per_own_turn,
        divided_by_own_length,
        other_only_where_it_stopped_no_earlier,
    ],
)
def test_a_baseline_that_depends_on_when_its_own_episode_stopped_is_caught(baseline):
    assert sine(expected_of_pairs(baseline), TRUE) > 1e-2


# --- trees: two in a group; one whose first turn goes on forks there, so that where it forks depends on what it did ---


def trees():
    """(probability, paths, node ids) of every tree."""
    yield chance((0,)), [(0,)], [0]
    behind = [path for path in PATHS if path[0] == 1]
    for a, b in product(behind, behind):
        yield chance(a) * chance(b) / PI[0, 1], [a, b], [0, *range(1, len(a)), 0, *range(len(a), len(a) + len(b) - 1)]


def expected_of_trees(rule):
    """E over groups of two trees; a shared turn trains once, with the mean of what its paths give it."""
    total = np.zeros((3, 2))
    for (p, paths_a, nodes_a), (q, paths_b, nodes_b) in product(trees(), trees()):
        paths, nodes = [*paths_a, *paths_b], np.array([*nodes_a, *(n + 10 for n in nodes_b)])
        credit = rule.assign(record(paths, nodes)).credit
        places = [(path, t) for path in paths for t in range(len(path))]
        for node in np.unique(nodes):
            copies = np.flatnonzero(nodes == node)
            total += p * q * credit[copies].mean() * score(*places[copies[0]])
    return total


def test_every_tree_is_counted():
    assert sum(p for p, _, _ in trees()) == pytest.approx(1)


def test_leave_one_out_at_every_fork_is_fair_wherever_trees_fork():
    assert sine(expected_of_trees(RULES["tree-loo"]()), TRUE) < 1e-9


@pytest.mark.parametrize("name", ["rloo", "arpo", "tree-values", "rest-mcts"])
def test_rules_that_take_branches_for_episodes_are_not(name):
    assert sine(expected_of_trees(RULES[name]()), TRUE) > 1e-2


@pytest.mark.parametrize(
    "inner", [RULES["reward-to-go"](), RULES["turn-gae"](gamma=1.0, lam=1.0)], ids=lambda r: r.name
)
def test_weighed_by_its_share_of_the_tree_a_rule_that_was_fair_is_fair_again(inner):
    assert sine(expected_of_trees(inner), TRUE) > 1e-2
    assert sine(expected_of_trees(BranchShare(inner)), TRUE) < 1e-9


def test_without_branches_shares_change_nothing():
    x = record([(0,), PATHS[-1]], np.arange(1 + len(PATHS[-1])))
    np.testing.assert_allclose(BranchShare().assign(x).credit, RULES["reward-to-go"]().assign(x).credit)
    with pytest.raises(TurnwiseError, match="which credits tokens"):
        BranchShare(RULES["token-gae"]())
