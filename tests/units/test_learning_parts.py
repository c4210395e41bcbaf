"""The small parts of learning, each against numbers or a readable loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from made_play import nano
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import End, Episode, Leaf, Message, Task, Turn
from turnwise.learn.filters import top_share
from turnwise.learn.packing import minibatches, pack
from turnwise.learn.weights.averaging import AVERAGINGS, token_weights
from turnwise.learn.weights.critic import set_unit, spread
from turnwise.learn.weights.imitation import ImitationSettings
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.learn.weights.surrogate import clipped_surrogate, clipped_value_loss, k3

# --- packing ---


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(50, 120))
def test_every_row_is_packed_once_and_fits(lengths, most):
    lots = pack(lengths, most)
    assert sorted(i for lot in lots for i in lot) == list(range(len(lengths)))
    sizes = [sum(lengths[i] for i in lot) for lot in lots]
    assert all(0 < size <= most for size in sizes)
    assert all(a + b > most for a, b in zip(sizes, sizes[1:], strict=False)), "first fit: no two neighbours fit in one"


def test_a_row_that_fits_nowhere_names_the_setting():
    with pytest.raises(TurnwiseError, match="raise the setting `batch_tokens`"):
        pack([3, 51], 50)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 12), st.integers(0, 99))
def test_minibatches_share_out_whole_episodes(groups, count, seed):
    lots = minibatches(groups, count, np.random.default_rng(seed))
    assert sorted(i for lot in lots for i in lot) == list(range(len(groups)))
    held = [{groups[i] for i in lot} for lot in lots]
    assert len(lots) == min(count, len(set(groups))) and sum(map(len, held)) == len(set(groups))
    sizes = [len(names) for names in held]
    assert max(sizes) - min(sizes) <= 1
    assert lots == minibatches(groups, count, np.random.default_rng(seed))


# --- filters (specs/learn/bc_family) ---


def episodes(returns, end=End.DONE):
    def one(number, total):
        turn = Turn(-1, 0, "agent", (), Message("assistant", "x"), {"agent": total})
        return Episode(f"e{number}", Task("t", "made"), (turn,), (Leaf(0, end),))

    return [one(number, total) for number, total in enumerate(returns)]


@pytest.mark.parametrize(("count", "share", "kept"), [(25, 0.1, 2), (128, 0.3, 38), (7, 1.0, 7), (10, 0.1, 1)])
def test_how_many_are_kept(count, share, kept):
    found = top_share(episodes(range(count)), share)
    assert len(found) == kept
    if share < 1:
        assert [e.total() for e in found] == sorted(range(count), reverse=True)[:kept]


def test_equal_returns_keep_their_order():
    assert [e.id for e in top_share(episodes([1, 1, 1, 1, 1, 1]), 0.5)] == ["e0", "e1", "e2"]
    assert [e.id for e in top_share(episodes([0, 1, 0, 1, 1, 0]), 0.5)] == ["e1", "e3", "e4"]
    whole = episodes([3, 1, 2])
    assert top_share(whole, 1.0) == whole


def test_what_broke_is_not_ranked():
    mixed = [*episodes([0.0], End.ERROR), *episodes([-5.0, -7.0])]
    assert [e.total() for e in top_share(mixed, 0.5)] == [-5.0]


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, math.nan])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(TurnwiseError, match="share"):
        top_share(episodes([1, 2]), share)


def test_keeping_none_is_refused():
    with pytest.raises(TurnwiseError, match="keeps none"):
        top_share(episodes([1, 2, 3]), 0.1)


# --- averaging ---


def loop_average(name, losses, constant):
    """Losses per row, averaged as the name says; rows without loss tokens do not count."""
    rows = [row for row in losses if row]
    if name == "token-mean":
        every = [x for row in rows for x in row]
        return sum(every) / len(every)
    per_row = {
        "row-mean": [sum(row) / len(row) for row in rows],
        "row-sum": [sum(row) for row in rows],
        "constant": [sum(row) / constant for row in rows],
        "episode-mean": [sum(row) / len(row) for row in rows],
        "episode-sum": [sum(row) for row in rows],
    }[name]
    return sum(per_row) / (len(losses) if name.startswith("episode") else len(per_row))  # M does not shrink


@pytest.mark.parametrize("name", AVERAGINGS)
@given(st.lists(st.lists(st.floats(-9, 9), max_size=6), min_size=1, max_size=6).filter(any))
def test_each_averaging_is_its_loop(name, losses):
    weights = token_weights(name, [len(row) for row in losses], 7.0)
    weighted = sum(weight * sum(row) for weight, row in zip(weights, losses, strict=True))
    assert weighted == pytest.approx(loop_average(name, losses, 7.0), abs=1e-12)


def test_worked_averages():
    """Rows of 1, 3 and 0 tokens."""
    found = {name: token_weights(name, [1, 3, 0], 10.0, full=2)[:2].tolist() for name in AVERAGINGS}
    assert found == {
        "token-mean": [0.25, 0.25],
        "row-mean": [0.5, pytest.approx(1 / 6)],
        "row-sum": [0.5, 0.5],
        "constant": [0.05, 0.05],
        "episode-mean": [0.5, pytest.approx(1 / 6)],
        "episode-sum": [0.5, 0.5],
    }
    assert np.isfinite(np.concatenate([token_weights(name, [0, 0], 10.0) for name in AVERAGINGS])).all()


def test_misspelt_choices_are_refused_when_the_settings_are_made():
    with pytest.raises(UnknownName, match="token-mean"):
        PolicyGradientSettings(averaging="tokenmean")
    with pytest.raises(UnknownName, match="attended"):
        ImitationSettings(normalise="atended")


# --- the losses of one token (specs/credit/baselines) ---


def surrogate(rho, advantage, **how):
    logp = torch.tensor([math.log(rho)], dtype=torch.float64, requires_grad=True)
    loss, clipped = clipped_surrogate(logp, torch.tensor([float(advantage)]), **how)
    loss.sum().backward()
    return float(loss.detach()), float(clipped), float(logp.grad)


@pytest.mark.parametrize(
    ("rho", "advantage", "loss", "clipped", "slope"),
    [
        (1.0, 2.0, -2.0, 0, -2.0),  # the gradient is -A * grad log pi
        (1.0, -2.0, 2.0, 0, 2.0),
        (1.1, 2.0, -2.2, 0, -2.2),
        (1.5, 2.0, -2.4, 1, 0.0),  # too far up: nothing more to gain
        (0.5, 2.0, -1.0, 0, -1.0),  # too far down: the way back is open
        (0.5, -2.0, 1.6, 1, 0.0),
        (1.5, -2.0, 3.0, 0, 3.0),
        (5.0, -2.0, 6.0, 1, 0.0),  # dual clip: never more than 3 * |A|
    ],
)
def test_the_clipped_surrogate(rho, advantage, loss, clipped, slope):
    found = surrogate(rho, advantage)
    assert found == pytest.approx((loss, clipped, slope))


def test_plain_ppo_has_no_dual_clip_and_the_bounds_may_differ():
    assert surrogate(5.0, -2.0, dual=None) == pytest.approx((10.0, 0, 10.0))
    assert surrogate(1.25, 1.0, low=0.1, high=0.3)[1] == 0 and surrogate(0.85, -1.0, low=0.1, high=0.3)[1] == 1


def test_k3():
    logp, reference = torch.tensor([-1.0, -1.0, -2.0]), torch.tensor([-1.0, -2.0, -1.0])
    assert k3(logp, reference).tolist() == pytest.approx([0.0, math.exp(-1), math.e - 2])
    law, other = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.2, 0.3, 0.5])
    exact = float((law * (law / other).log()).sum())
    assert float((law * k3(law.log(), other.log())).sum()) == pytest.approx(exact, rel=1e-5), "in the mean it is the KL"
    assert bool((k3(torch.randn(99), torch.randn(99)) >= 0).all())


def test_the_value_loss():
    value, old, target = (torch.tensor([x]) for x in (2.0, 1.0, 3.0))
    assert float(clipped_value_loss(value, old, target, None)) == 0.5
    assert float(clipped_value_loss(value, old, target, 0.2)) == pytest.approx(0.5 * (1.2 - 3.0) ** 2)
    assert float(clipped_value_loss(value, value, target, 0.2)) == 0.5, "inactive on the first step"


# --- critic ---


def test_a_critic_that_has_learned_nothing_begins_at_the_mean_of_its_targets():
    policy, unit = nano("maze", value_head=True), np.array([1.0])
    set_unit(policy, [np.array([1.0, 2.0]), np.array([6.0]), np.zeros(0)], unit)
    assert policy.value_head.bias.item() == 3.0 and not policy.value_head.weight.any()
    set_unit(policy, [np.array([100.0])], unit)
    assert policy.value_head.bias.item() == 3.0, "one that has begun is left alone"
    set_unit(nano("maze"), [np.array([1.0])], unit)
    blank = nano("maze", value_head=True)
    set_unit(blank, [np.zeros(0)], unit)
    assert not blank.value_head.bias.any()


def test_errors_are_measured_in_the_spread_of_the_targets():
    assert spread([np.array([1.0, 3.0]), np.array([5.0])]) == pytest.approx(8 / 3)
    assert spread([np.array([2.0, 2.0])]) == 1e-6 and spread([]) == spread([np.zeros(0)]) == 1.0


def test_a_value_weight_without_a_critic_is_refused():
    with pytest.raises(TurnwiseError, match="value = 0.5 without a critic"):
        PolicyGradient(nano("maze"), PolicyGradientSettings(), 0)


# --- optimiser ---


def linear():
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.fill_(1.0)
    return layer


def test_decay_is_for_matrices_alone():
    layer = linear()
    optimiser = Optimiser(layer, lr=0.1, weight_decay=0.5)
    layer.weight.grad, layer.bias.grad = torch.zeros(2, 2), torch.zeros(2)
    optimiser.step()
    assert torch.allclose(layer.weight, torch.full((2, 2), 0.95)) and torch.equal(layer.bias, torch.ones(2))


def test_a_long_gradient_is_cut_and_its_length_told():
    layer = linear()
    optimiser = Optimiser(layer, lr=0.0, max_norm=1.0)
    layer.weight.grad = torch.full((2, 2), 3.0)
    seen = []
    adam = optimiser.adam.step
    optimiser.adam.step = lambda: (seen.append(layer.weight.grad.clone()), adam())
    assert optimiser.step() == pytest.approx(6.0)
    assert float(seen[0].norm()) == pytest.approx(1.0, abs=1e-5) and layer.weight.grad is None


def test_a_scaled_step_is_a_smaller_step():
    moved = []
    for scale in (1.0, 0.25):
        layer = linear()
        optimiser = Optimiser(layer, lr=0.1)
        layer.weight.grad, layer.bias.grad = torch.ones(2, 2), torch.ones(2)
        optimiser.step(scale)
        moved.append(1 - layer.bias[0].item())
    assert moved == pytest.approx([0.1, 0.025])


def test_what_needs_no_gradient_is_left_alone(tmp_path):
    layer = linear()
    layer.bias.requires_grad_(False)
    optimiser = Optimiser(layer, lr=0.1)
    assert list(optimiser.named) == ["weight"]
    optimiser.save(tmp_path / "empty.safetensors")
    optimiser.load(tmp_path / "empty.safetensors")
