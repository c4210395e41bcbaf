"""Monte-Carlo returns and ILQL, what they are told: the worked numbers and rules of specs/learn/mc_returns and ilql."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from made_values import episode

from made_play import nano
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import End, Leaf, Message
from turnwise.learn.action_tokens import BACKUPS, NOWHERE, numbered
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.ilql import expectile
from turnwise.learn.weights.mc_returns import squared
from turnwise.models.values import Head


def told(values):
    """A head that says the same values everywhere."""
    head = Head(4, len(values), 0.0, torch.Generator().manual_seed(0))
    with torch.no_grad():
        head.outer.bias.copy_(torch.tensor(values))
    return head


SEEN = 7  # the id that stands for everything the world says


def flat(one, name, gamma=0.9, chat=None, backup="token"):
    """A column of an episode's action tokens over all its rows."""
    rows = rows_of([one], chat)
    return np.concatenate([getattr(found, name) for found in numbered([one], rows, gamma, backup)])


FIVE = (0.0, 0.0, -1.0, 0.0, 1.0)


RETURNS = (-0.1539, -0.171, -0.19, 0.9, 1.0)


TOGETHER = episode([([SEEN], [1, 2, 3], -1.0, False), ([SEEN], [4, 5], 1.0, False)])


# --- returns ---


def test_worked_returns():
    assert flat(TOGETHER, "rewards") == pytest.approx(FIVE)
    assert flat(TOGETHER, "returns") == pytest.approx(RETURNS)


@pytest.mark.parametrize("words", [1, 3, 50])
@pytest.mark.parametrize("fresh", [False, True], ids=["one row", "linked rows"])
def test_what_the_world_says_and_where_a_row_is_cut_changes_no_return(words, fresh):
    other = episode([([SEEN] * words, [1, 2, 3], -1.0, False), ([SEEN] * words, [4, 5], 1.0, fresh)])
    assert len(rows_of([other])) == 1 + fresh
    assert flat(other, "returns") == pytest.approx(RETURNS)


def test_the_worked_loss_where_q_is_zero():
    g = torch.tensor(RETURNS)
    assert float(squared(torch.zeros(5), g).mean()) == pytest.approx(0.18990, abs=5e-6)


def test_a_cut_path_counts_what_it_earned():
    assert flat(episode([([SEEN], [1, 2], 1.0, False)], End.TURNS), "returns", 0.5) == pytest.approx([0.5, 1.0])


def test_on_a_deterministic_policy_returns_are_its_values():
    """A corridor walked right to the end: -1 a step and 0 at the goal, so Q = -(1 + gamma + ...) of the steps left."""
    steps = 6
    walk = episode([([SEEN], [s + 1], 0.0 if s == steps - 1 else -1.0, True) for s in range(steps)])
    q, wanted = 0.0, []
    for s in reversed(range(steps)):
        q = (0.0 if s == steps - 1 else -1.0) + 0.9 * q
        wanted.append(q)
    assert flat(walk, "returns") == pytest.approx(wanted[::-1])


# --- what comes after ---


def test_the_state_after_a_token_is_the_one_before_the_next():
    one = episode([([SEEN, SEEN], [1, 2], 0.0, False), ([SEEN], [3], 0.0, False), ([SEEN, SEEN], [4], 0.0, True)])
    assert flat(one, "next_row").tolist() == [0, 0, 1, NOWHERE]
    assert flat(one, "next_at").tolist()[:3] == [2, 4, 1]


def test_by_turns_the_rest_of_a_reply_is_taken_as_it_was():
    def column(name):
        return flat(TOGETHER, name, backup="turn")

    assert column("rewards") == pytest.approx([-0.81, -0.9, -1.0, 0.9, 1.0])
    assert column("discounts") == pytest.approx([0.9**3, 0.9**2, 0.9, 0.9**2, 0.9])
    assert column("next_row").tolist() == [0, 0, 0, NOWHERE, NOWHERE] and column("next_at").tolist()[:3] == [4] * 3
    with pytest.raises(TurnwiseError, match="did you mean 'turn'"):
        flat(TOGETHER, "rewards", backup="turns")


@pytest.mark.parametrize("backup", BACKUPS)
@pytest.mark.parametrize("fresh", [False, True], ids=["one row", "linked rows"])
def test_where_v_is_the_return_that_followed_so_is_what_q_is_told(backup, fresh):
    one = episode([([SEEN], [1, 2, 3], -1.0, False), ([SEEN] * 2, [4], 0.5, fresh), ([SEEN], [5, 6], 1.0, fresh)])
    rows = rows_of([one])
    found, told = numbered([one], rows, 0.9, backup), []
    followed = {  # the return from the state at a position of a row
        (r, at - 1): g
        for r, row in enumerate(rows)
        for at, g in zip(np.flatnonzero(row.loss).tolist(), found[r].returns, strict=True)
    }
    for its in found:
        v = [followed.get(place, 0.0) for place in zip(its.next_row.tolist(), its.next_at.tolist(), strict=True)]
        told += (its.rewards + its.discounts * v).tolist()
    assert told == pytest.approx(flat(one, "returns"))


def test_the_end_has_nothing_after_it_and_a_cut_has_its_last_state():
    chat = nano().chat
    done = episode([([SEEN], [1, 2], 0.0, False)])
    assert flat(done, "next_row", chat=chat).tolist() == [0, NOWHERE]
    unheard = episode([([SEEN], [1, 2], 0.0, False)], End.TURNS)
    rows = rows_of([unheard])
    assert flat(unheard, "next_row").tolist() == [0, 0] and flat(unheard, "next_at").tolist() == [1, 2]
    heard = dataclasses.replace(unheard, ends=(Leaf(0, End.TURNS, {"agent": (Message("user", "and now?"),)}),))
    tail = rows_of([heard], chat)[0].tail
    assert tail is not None and tail >= len(rows[0])
    assert flat(heard, "next_at", chat=chat).tolist() == [1, tail]


# --- losses ---


def test_the_worked_loss_of_q():
    v, r, q = np.array([0.2, 0.5, 0.8]), np.array([0, 0, 1.0]), torch.tensor([0.5, 0.7, 0.9])
    y = r + 0.99 * np.append(v[1:], 0.0)
    assert y == pytest.approx([0.495, 0.792, 1.0])
    assert float(squared(q, torch.from_numpy(y)).mean()) == pytest.approx(0.0030815)


def test_the_worked_loss_of_v():
    v, u = torch.tensor([0.2, 0.5, 0.8]), torch.tensor([0.4, 0.6, 0.9])
    assert float(expectile(v, u, 0.7).mean()) == pytest.approx(0.007)
    one, zero = torch.ones(1), torch.zeros(1)
    assert float(expectile(zero, one, 0.7)) == pytest.approx(0.35)
    assert float(expectile(one, zero, 0.7)) == pytest.approx(0.15)
    assert expectile(v, u.flip(0), 0.5) == pytest.approx(0.25 * (v - u.flip(0)) ** 2)


def test_the_cross_entropy_on_q():
    hidden, first = torch.randn(1, 4, generator=torch.Generator().manual_seed(1)), torch.zeros(1, dtype=torch.int64)
    assert told([0.5, 0.1]).surprise(hidden, first).item() == pytest.approx(0.51302, abs=5e-6)
    assert told([2.0] * 7).surprise(hidden, first).item() == pytest.approx(np.log(7))


def test_one_token_of_a_head_is_that_of_all():
    rng = torch.Generator().manual_seed(0)
    head, hidden = Head(8, 5, -4.4, rng), torch.randn(6, 8, generator=rng)
    assert bool((head(hidden) == -4.4).all()), "what it says at first"
    torch.nn.init.normal_(head.outer.weight, generator=rng)
    tokens = torch.tensor([0, 4, 2, 1, 3, 3])
    assert torch.allclose(head.of(hidden, tokens), head(hidden).gather(1, tokens[:, None])[:, 0], atol=1e-6)


# --- tabular chains ---


def fixed_point(tau, rewards, gamma, rounds=400):
    """Expectile iteration on a table: a state whose data holds each of `rewards` once and ends, before it a state that
    leads there for nothing. The V of both, by descending the expectile loss itself."""
    q_last = torch.tensor(rewards)
    v = torch.zeros(2, requires_grad=True)
    for _ in range(rounds):
        q_first = gamma * v[1].detach()
        loss = expectile(v[1].expand(len(q_last)), q_last, tau).mean() + expectile(v[0], q_first, tau)
        (gradient,) = torch.autograd.grad(loss, v)
        with torch.no_grad():
            v -= gradient
    return v.tolist()


def test_the_expectile_goes_from_the_data_s_mean_to_its_best():
    mean = fixed_point(0.5, [0.0, 0.0, 3.0], 0.9)
    assert mean == pytest.approx([0.9, 1.0], abs=1e-3)
    best = fixed_point(0.999, [0.0, 0.0, 3.0], 0.9, 3000)
    assert best == pytest.approx([2.7, 3.0], abs=0.02)
    between = fixed_point(0.8, [0.0, 0.0, 3.0], 0.9)
    assert mean[0] < between[0] < best[0]
