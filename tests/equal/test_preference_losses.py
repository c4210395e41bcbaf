"""Losses of preferences: the worked numbers of specs/learn/multi_turn_dpo_kto and tdpo."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from made_preferences import played

from turnwise.core.errors import UnknownName
from turnwise.learn.pairs import Pair, Side, Verdict, whole
from turnwise.learn.sides import side_rows
from turnwise.learn.weights.dpo import Dpo
from turnwise.learn.weights.forward_kl import forward_kl
from turnwise.learn.weights.kto import Kto, behind, kto_loss, opening, strangers
from turnwise.learn.weights.preference import PreferenceSettings
from turnwise.learn.weights.simpo import Simpo
from turnwise.learn.weights.sums import Sums
from turnwise.learn.weights.tdpo import Tdpo

PAIR = Pair(Side(0, 0, ()), Side(1, 0, ()))


def sums(logp, kl=(0.0, 0.0), reference=None, tokens=None, strange=None):
    """Sums of some sides; the log-probability and the KL carry gradient."""
    nothing, ones = [0.0] * len(logp), [1.0] * len(logp)
    given = (logp, reference or nothing, kl, tokens or ones, strange or nothing)
    made = Sums(*(torch.tensor(x, dtype=torch.float64) for x in given))
    return dataclasses.replace(made, logp=made.logp.requires_grad_(), kl=made.kl.requires_grad_())


def loss(objective, given, examples=(PAIR,)):
    losses, numbers = objective.losses(given, examples)
    assert all(value.ndim == 1 for value in numbers.values())
    return losses


# --- DPO: worked numbers ---


def test_the_worked_margin_of_two_turns():
    """Per-turn log-ratios (2, 1) and (-1, -2)."""
    given = sums([2.0 + 1.0, -1.0 - 2.0])
    _, numbers = Dpo(0.1).losses(given, [PAIR])
    assert numbers["margin"].item() == pytest.approx(0.6)
    assert loss(Dpo(0.1), given).item() == pytest.approx(0.43749, abs=1e-5)


def test_an_unmasked_observation_would_shrink_the_worked_margin():
    given = sums([3.0, -3.0 + 5.0])
    assert loss(Dpo(0.1), given).item() == pytest.approx(0.64440, abs=1e-5)


def test_a_reference_that_moves_along_changes_nothing():
    one, other = sums([3.0, -3.0]), sums([4.0, 1.0], reference=[1.0, 4.0])
    assert loss(Dpo(0.1), one).item() == loss(Dpo(0.1), other).item()


def test_the_likelihood_term_is_a_mean_over_tokens_of_the_better_side():
    given = sums([-6.0, -3.0], reference=[-6.0, -3.0], tokens=[4.0, 1.0])
    assert loss(Dpo(0.1, nll=0.5), given).item() == pytest.approx(np.log(2) + 0.5 * 6 / 4)


# --- KTO ---


@pytest.mark.parametrize(("ratio", "good", "wanted"), [(3.0, True, 0.43782), (-3.0, False, 0.41338)])
def test_the_worked_losses_of_kto(ratio, good, wanted):
    found = kto_loss(torch.tensor([ratio]), torch.tensor(0.5), torch.tensor([good]), 0.1, 1.0, 1.0)
    assert float(found) == pytest.approx(wanted, abs=1e-5)


def test_z_is_never_negative_and_carries_no_gradient():
    verdicts = [Verdict(PAIR.better, True), Verdict(PAIR.worse, False)]
    for strange, z in (([-4.0, 1.0], 0.0), ([4.0, -1.0], 1.5)):
        given = sums([3.0, -3.0], strange=strange)
        given = dataclasses.replace(given, strangers=given.strangers.requires_grad_())
        losses, numbers = Kto(0.1).losses(given, verdicts)
        assert float(numbers["z"]) == z
        losses.sum().backward()
        assert given.strangers.grad is None and bool(given.logp.grad.all())


def test_weights_of_kto():
    verdicts = [Verdict(PAIR.better, True), Verdict(PAIR.worse, False)]
    plain, weighed = (loss(Kto(0.1, *w), sums([3.0, -3.0], strange=[0.5, 0.5]), verdicts) for w in ((1, 1), (2, 3)))
    assert (weighed / plain).tolist() == pytest.approx([2.0, 3.0])


def test_strangers_open_as_the_next_side_does():
    policy, batch = played()
    sides = [whole(batch.episodes, n) for n in range(3)]
    held = side_rows(batch.episodes, sides, policy.chat)
    for side, other, found in zip(held, [*held[1:], held[0]], strangers(held, 10**6), strict=True):
        for n, (row, made) in enumerate(zip(side, found, strict=True)):
            shown = other[n % len(other)]
            assert made.ids[: opening(made)].tolist() == shown.ids[: opening(shown)].tolist()
            assert made.ids[opening(made) :].tolist() == row.ids[opening(row) :].tolist()
            assert made.ids[made.loss].tolist() == row.ids[row.loss].tolist()
            assert all(made.loss[s.start : s.end].any() for s in made.spans)
    short = behind(held[0][0], held[1][0], opening(held[1][0]) + 1)
    assert len(short) == opening(held[1][0]) + 1 == len(short.loss) and short.loss.sum() == 1


# --- TDPO ---


def laws(*p):
    return torch.log(torch.tensor([p], dtype=torch.float64))


def tdpo_example():
    """ref (0.5, 0.5); better pi (0.8, 0.2) with symbol 0 taken; worse pi = ref."""
    moved = float(forward_kl(laws(0.5, 0.5), laws(0.8, 0.2)))
    return sums([np.log(0.8), np.log(0.5)], [moved, 0.0], [np.log(0.5)] * 2)


def test_the_worked_example_of_tdpo():
    given = tdpo_example()
    assert (given.ratio[0] - given.ratio[1]).item() == pytest.approx(0.47000, abs=1e-5)
    assert given.kl[0].item() == pytest.approx(0.22314, abs=1e-5)
    for objective, wanted in ((Tdpo(variant="tdpo1"), 0.65909), (Tdpo(), 0.66449), (Dpo(), 0.66992)):
        assert float(loss(objective, given).detach()) == pytest.approx(wanted, abs=1e-5)
    z = {v: float(Tdpo(1.0, 0.5, v).losses(given, [PAIR])[1]["margin"].detach()) for v in ("tdpo1", "tdpo2")}
    assert z == pytest.approx({"tdpo1": 0.69315, "tdpo2": 0.58158}, abs=1e-5)


def test_the_kl_is_reference_first():
    assert float(forward_kl(laws(0.8, 0.2), laws(0.5, 0.5))) == pytest.approx(0.19274, abs=1e-5)


def test_the_kl_is_never_negative_and_takes_zeros():
    rng = np.random.default_rng(0)
    one, other = (torch.log_softmax(torch.from_numpy(rng.normal(size=(50, 7))), -1) for _ in range(2))
    assert bool((forward_kl(one, other) > 0).all()) and float(forward_kl(one, one).abs().max()) == 0.0
    assert float(forward_kl(torch.tensor([[0.0, -torch.inf]]), laws(0.5, 0.5))) == pytest.approx(np.log(2))


def test_tdpo2_lets_no_gradient_through_the_better_kl():
    for variant, moved in (("tdpo1", True), ("tdpo2", False)):
        given = tdpo_example()
        loss(Tdpo(variant=variant), given).sum().backward()
        assert bool(given.kl.grad[0] != 0) is moved and float(given.kl.grad[1]) != 0


def test_tdpo2_without_alpha_is_dpo():
    one, other = tdpo_example(), tdpo_example()
    losses = loss(Tdpo(alpha=0.0), one), loss(Dpo(), other)
    for found in losses:
        found.sum().backward()
    assert losses[0].item() == losses[1].item() and torch.equal(one.logp.grad, other.logp.grad)
    assert not one.kl.grad.any()


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'tdpo1'"):
        Tdpo(variant="tpdo1")
    with pytest.raises(UnknownName, match="did you mean 'start'"):
        PreferenceSettings(reference="strat")


# --- SimPO ---


def test_the_worked_loss_of_simpo():
    """Mean log-probabilities -0.5 and -1.0, over 4 and 2 tokens."""
    given = sums([-2.0, -2.0], tokens=[4.0, 2.0])
    losses, numbers = Simpo(2.5, 0.5).losses(given, [PAIR])
    assert numbers["margin"].item() == pytest.approx(0.75) and losses.item() == pytest.approx(0.38687, abs=1e-5)
