"""Rules that know which turns paths share: worked numbers, trees walked node by node, and what each reduces to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_cases import starts_of
from turnwise.core.errors import TurnwiseError
from turnwise.credit import BRANCHED, CreditInput
from turnwise.credit.arpo import Arpo, arpo
from turnwise.credit.branch_share import BranchShare
from turnwise.credit.branches import paths_of
from turnwise.credit.grpo import grpo
from turnwise.credit.rest_mcts import inferred_values
from turnwise.credit.rloo import rloo
from turnwise.credit.tree_loo import tree_loo
from turnwise.credit.tree_values import tree_values


def close(found, expected, atol=1e-9):
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), atol=atol)


def forest(paths, returns, group=None):
    """Paths written as names of their turns; the return of a path lies on its last turn."""
    names = [name for path in paths for name in path]
    rewards = [r for path, r in zip(paths, returns, strict=True) for r in [0.0] * (len(path) - 1) + [r]]
    numbers = {name: k for k, name in enumerate(dict.fromkeys(names))}
    return CreditInput(
        rewards,
        starts_of([len(path) for path in paths]),
        [True] * len(paths),
        group_E=[0] * len(paths) if group is None else group,
        node_T=[numbers[name] for name in names],
    )


def arrays(x):
    return x.returns_E, x.starts_E1, x.group_E, x.node_T


@st.composite
def forests(draw):
    """Trees of two groups grown at random: each path starts anew or leaves an earlier one of its group somewhere."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 9))
    paths, groups, fresh = [], [], iter(range(10**6))
    for _ in range(count):
        group = int(rng.integers(0, 2))
        earlier = [p for p, g in zip(paths, groups, strict=True) if g == group]
        trunk = []
        if earlier and rng.random() < 0.7:
            trunk = earlier[rng.integers(len(earlier))]
            trunk = trunk[: rng.integers(0, len(trunk) + 1)]
        paths.append([*trunk, *(next(fresh) for _ in range(rng.integers(0 if trunk else 1, 4)))])
        groups.append(group)
    order = rng.permutation(count)
    returns = rng.choice([-1.0, 0.0, 0.1, 1.0], count)
    x = forest([paths[i] for i in order], returns, [groups[i] for i in order])
    return replace(x, node_T=rng.permutation(10**3)[x.node_T])


class Node:
    """A turn, or the root of a group."""

    def __init__(self, parent=None):
        self.parent, self.children, self.ends = parent, {}, []

    def leaves(self):
        return self.ends + [r for child in self.children.values() for r in child.leaves()]

    def branches(self):
        return len(self.children) + len(self.ends)

    def value(self):
        """Mean over branches of their values."""
        return np.mean([*self.ends, *(child.value() for child in self.children.values())])

    def share(self):
        return 1.0 if self.parent.parent is None else self.parent.share() / self.parent.branches()


def grown(x):
    """The node of every turn of a batch."""
    roots, nodes = {}, []
    for e, r in enumerate(x.returns_E):
        node = roots.setdefault(x.group_E[e], Node())
        for number in x.node_T[x.starts_E1[e] : x.starts_E1[e + 1]]:
            node = node.children.setdefault(number, Node(node))
            nodes.append(node)
        node.ends.append(r)
    return nodes


# --- tree values ---


def test_worked_tree_values():
    x = forest(["abc", "abd", "aef", "g"], [1.0, 0.0, 0.5, 0.0])
    credit = tree_values(*arrays(x))
    a, b = 0.5 - 0.375, 0.0
    close(credit, [a, b, 0.5, a, b, -0.5, a, 0.0, 0.0, -0.375])


@given(forests())
def test_tree_values_against_the_tree(x):
    expected = [np.mean(n.leaves()) - np.mean(n.parent.leaves()) for n in grown(x)]
    close(tree_values(*arrays(x)), expected)


@given(forests())
def test_along_a_path_tree_values_sum_to_the_return_over_its_group(x):
    """Where paths end at a shared turn, the turn's value stands for the return."""
    credit, nodes = tree_values(*arrays(x)), grown(x)
    for e, start in enumerate(x.starts_E1[:-1]):
        path = slice(start, x.starts_E1[e + 1])
        last = nodes[path][-1]
        close(credit[path].sum(), np.mean(last.leaves()) - x.returns_E[x.group_E == x.group_E[e]].mean())


# --- leave-one-out at every fork ---


def test_worked_tree_loo():
    """Two trees; the first forks behind its first turn, then once more in one branch."""
    x = forest(["abc", "abd", "aef", "g"], [1.0, 0.0, 0.25, 0.0])
    a = (0.5 + 0.25) / 2 - 0.0
    b, e = 0.5 * (0.5 - 0.25), 0.5 * (0.25 - 0.5)
    close(tree_loo(*arrays(x)), [a, b, 0.25 * 1.0, a, b, 0.25 * -1.0, a, e, e, 0.0 - 0.375])


@given(forests())
def test_tree_loo_against_the_tree(x):
    def by_hand(node):
        fork = node
        while fork.parent is not None and len(fork.parent.leaves()) == len(node.leaves()):
            fork = fork.parent
        if fork.parent is None:
            return 0.0
        above = fork.parent
        others = [*above.ends, *(c.value() for c in above.children.values() if c is not fork)]
        return node.share() * (node.value() - np.mean(others))

    close(tree_loo(*arrays(x)), [by_hand(node) for node in grown(x)])


@given(forests())
def test_shares_of_turns_and_ends(x):
    share_T, share_E = paths_of(x.starts_E1, x.group_E, x.node_T).shares()
    nodes = grown(x)
    close(share_T, [n.share() for n in nodes])
    close(share_E, [nodes[end - 1].share() / nodes[end - 1].branches() for end in x.starts_E1[1:]])
    assert share_E.sum() == pytest.approx(len(set(x.node_T[x.starts_E1[:-1]])))  # one walk per first turn


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 1.0]), st.integers(1, 4)), min_size=2, max_size=8))
def test_without_branches(episodes):
    """Leave-one-out is RLOO, ARPO is GRPO, and tree values put everything on the first turn."""
    returns, lengths = np.array([e[0] for e in episodes]), [e[1] for e in episodes]
    starts, one = starts_of(lengths), np.zeros(len(episodes), int)
    batch = (returns, starts, one, np.arange(starts[-1]))
    close(tree_loo(*batch), np.repeat(rloo(returns, one), lengths))
    for attribution in ("soft", "hard"):
        close(arpo(*batch, attribution), np.repeat(grpo(returns, one), lengths))
    first = np.zeros(starts[-1])
    first[starts[:-1]] = returns - returns.mean()
    close(tree_values(*batch), first)


def test_what_all_paths_share_is_compared_with_nothing():
    x = forest(["abc", "abd"], [1.0, 0.0])
    for rule in (tree_loo, tree_values):
        credit = rule(*arrays(x))
        assert not credit[[0, 1, 3, 4]].any() and credit[2] == -credit[5] > 0
    assert not arpo(*arrays(x), "hard")[[0, 1, 3, 4]].any()


# --- ARPO ---


@given(forests())
def test_arpo_against_its_definition(x):
    soft, hard = arpo(*arrays(x), "soft"), arpo(*arrays(x), "hard")
    close(soft, np.repeat(grpo(x.returns_E, x.group_E), np.diff(x.starts_E1)))
    for node in np.unique(x.node_T):
        copies = x.node_T == node
        close(hard[copies], soft[copies].mean())
        assert hard[copies].sum() == pytest.approx(soft[copies].sum(), abs=1e-9)


def test_worked_arpo():
    """Mean 1/2, sample deviation .577: +-.866; of the shared turn's three paths two are right."""
    x = forest(["ab", "ac", "ad", "e"], [1.0, 1.0, 0.0, 0.0])
    close(arpo(*arrays(x), "hard"), [0.2887, 0.866, 0.2887, 0.866, 0.2887, -0.866, -0.866], atol=1e-4)


# --- ReST-MCTS* ---


def test_worked_inferred_values():
    """Must hold 1, 2, 3 of specs/learn/rest_mcts: a chain of three; a wrong sibling under its first node and one under
    the root.
    """
    x = forest(["abc", "ad", "e"], [1.0, 0.0, 0.0])
    values = inferred_values(x.returns_E > 0, x.starts_E1, x.group_E, x.node_T)
    close(values, [1 / 3, 2 / 3, 1, 1 / 3, 1 / 9, 0], atol=1e-9)


@pytest.mark.parametrize("depth", [1, 2, 5, 9])
def test_on_a_right_chain_values_are_k_over_its_length(depth):
    values = inferred_values(np.array([True]), np.array([0, depth]), np.array([0]), np.arange(depth))
    close(values, np.arange(1, depth + 1) / depth)


def test_of_two_right_leaves_the_nearer_one_counts():
    """Leaves at depths 3 and 5 below one node: its m is 4, so three quarters remain after it."""
    x = forest(["abcd", "aefghi"], [1.0, 1.0])
    values = inferred_values(x.returns_E > 0, x.starts_E1, x.group_E, x.node_T)
    assert values[0] == pytest.approx(1 / 4) and values[3] == values[9] == 1.0


def test_without_a_right_leaf_there_is_nothing_to_infer():
    x = forest(["ab", "ac", "de", "df"], [0.0, 0.0, 1.0, 0.0], [0, 0, 1, 1])
    values = inferred_values(x.returns_E > 0, x.starts_E1, x.group_E, x.node_T)
    assert np.isnan(values[:4]).all() and np.isfinite(values[4:]).all()
    credit = BRANCHED[3]().assign(x).credit
    assert not credit[:4].any()
    close(credit[4:], [0.5, 0.5, 0.5, -0.25])


@given(forests())
def test_inferred_values_against_the_tree(x):
    def m_of(node):
        below = [1.0 for r in node.ends if r == 1.0] + [1.0 + m_of(c) for c in node.children.values()]
        return min(below, default=np.inf)

    def value(node):
        if node.parent is None:
            return 0.0
        labelled = node
        while labelled.parent is not None and not np.isfinite(m_of(labelled)):
            labelled = labelled.parent
        m, before = m_of(labelled), value(node.parent)
        return max(0.0, before + (1 - before) * (1.0 if labelled is node else -1.0) / m)

    found = inferred_values(x.returns_E == 1.0, x.starts_E1, x.group_E, x.node_T)
    expected = [value(n) for n in grown(x)]
    judged = np.isfinite(found)
    right = [1.0 in x.returns_E[x.group_E == g] for g in np.repeat(x.group_E, np.diff(x.starts_E1))]
    np.testing.assert_array_equal(judged, right)
    close(found[judged], np.array(expected)[judged])
    assert (found[judged] >= 0).all() and (found[judged] <= 1).all()


# --- invariants ---


@pytest.mark.parametrize("rule", [*(kind() for kind in BRANCHED), Arpo("hard")], ids=lambda rule: str(rule))
@settings(max_examples=30)
@given(x=forests(), random=st.randoms(use_true_random=False))
def test_paths_in_another_order_and_other_ids_change_nothing(rule, x, random):
    order = list(range(len(x.done_E)))
    random.shuffle(order)
    turns = np.concatenate([np.arange(x.starts_E1[e], x.starts_E1[e + 1]) for e in order]).astype(int)
    shuffled = CreditInput(
        x.rewards_T[turns],
        starts_of(np.diff(x.starts_E1)[order]),
        x.done_E[order],
        group_E=-7 * x.group_E[order],
        node_T=-3 * x.node_T[turns],
    )
    close(rule.assign(shuffled).credit, rule.assign(x).credit[turns])


@pytest.mark.parametrize("rule", [tree_values, tree_loo, arpo])
@settings(max_examples=30)
@given(x=forests(), shift=st.sampled_from([-0.1, 3.0]))
def test_a_constant_on_every_return_changes_nothing_and_equal_returns_give_exact_zeros(rule, x, shift):
    returns, *rest = arrays(x)
    close(rule(returns + shift, *rest), rule(returns, *rest), atol=1e-5)
    assert not rule(np.full(len(returns), 0.1), *rest).any()


@pytest.mark.parametrize("kind", BRANCHED)
def test_copies_of_a_turn_agree_unless_they_are_their_paths(kind):
    x = forest(["abc", "abd", "e"], [1.0, 0.0, 0.5])
    credit = kind().assign(x).credit
    assert (credit[[0, 1]] == credit[[3, 4]]).all() is np.bool_(kind not in (Arpo, BranchShare))


def test_a_misspelt_attribution_is_refused():
    with pytest.raises(TurnwiseError, match="attribution"):
        Arpo(attribution="middle")
