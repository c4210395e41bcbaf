"""Values that are told in units of the spread of their targets (models/value_head.py)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.made_play import nano

from turnwise.learn.weights.critic import set_unit
from turnwise.models.policy import Policy
from turnwise.models.value_head import ValueHead

HIDDEN = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))


def taught(unit: float, steps: int = 60) -> np.ndarray:
    """What a head says after so many steps of Adam towards rewards of some unit, in that unit."""
    head, target = ValueHead(8), unit * (HIDDEN[:, 0] * 2 - 30)
    variance = float(target.var(correction=0))
    head.begin(target.mean()[None], torch.tensor([variance**0.5]))
    adam = torch.optim.Adam(head.parameters(), lr=0.03)
    for _ in range(steps):
        adam.zero_grad()
        ((head(HIDDEN)[:, 0] - target) ** 2 / variance).mean().backward()
        adam.step()
    return head(HIDDEN)[:, 0].detach().numpy() / unit


def test_the_unit_of_rewards_does_not_change_what_is_learned():
    plain, target = taught(1.0), (HIDDEN[:, 0] * 2 - 30).numpy()
    assert np.mean((plain - target) ** 2) < 0.05 * target.var()
    for unit in (1e-3, 1e3):
        assert taught(unit) == pytest.approx(plain, rel=1e-3)


def test_another_unit_is_the_same_value():
    head = ValueHead(8, 2)
    with torch.no_grad():
        head.weight.normal_(0, 0.3, generator=torch.Generator().manual_seed(1))
        head.bias.copy_(torch.tensor([1.0, -5.0]))
    said = head(HIDDEN)
    head.rescale(torch.tensor([0.01, 40.0]))
    assert torch.allclose(said, head(HIDDEN), atol=1e-5) and head.scale.tolist() == pytest.approx([0.01, 40.0])


def test_an_untaught_critic_begins_at_the_mean_and_a_taught_one_goes_on():
    policy = nano("maze", value_head=True)
    head = policy.value_head
    set_unit(policy, [np.array([-10.0, -30.0], np.float32)], np.array([100.0]))
    assert policy.value(torch.zeros(1, head.weight.shape[1])).tolist() == [-20.0] and head.bias.tolist() == [-2.0]
    set_unit(policy, [np.array([0.0], np.float32)], np.array([4.0]))
    assert policy.value(torch.zeros(1, head.weight.shape[1])).tolist() == [-20.0] and head.bias.tolist() == [-10.0]
    set_unit(policy, [], np.array([9.0]))
    assert head.scale.tolist() == [2.0]


def test_the_unit_is_kept_in_the_checkpoint(tmp_path):
    policy = nano("maze", value_head=True)
    set_unit(policy, [np.array([5.0, 9.0], np.float32)], np.array([4.0]))
    policy.save(tmp_path)
    again = Policy.load(tmp_path)
    assert again.value_head.scale.tolist() == [2.0] and again.value_head.bias.tolist() == [3.5]
