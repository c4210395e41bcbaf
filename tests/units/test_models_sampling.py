"""Laws and draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.errors import TurnwiseError
from turnwise.models.sampling import Laws, Sampling, draw, shaped, streams, uniforms

PROBS = torch.tensor([[0.5, 0.25, 0.15, 0.1]])


def law(temperature=1.0, top_p=1.0, top_k=0) -> Laws:
    return Laws.of(np.array([temperature]), np.array([top_p]), np.array([top_k]))


def probs(**how) -> list[float]:
    return torch.softmax(shaped(PROBS.log(), law(**how)), -1)[0].tolist()


def test_worked_laws():
    assert probs() == pytest.approx([0.5, 0.25, 0.15, 0.1])
    assert probs(top_k=2) == pytest.approx([2 / 3, 1 / 3, 0, 0])
    assert probs(top_p=0.5) == pytest.approx([1, 0, 0, 0])
    assert probs(top_p=0.51) == pytest.approx([2 / 3, 1 / 3, 0, 0])
    assert probs(top_k=3, top_p=0.8) == pytest.approx([2 / 3, 1 / 3, 0, 0])  # of what top-k left, 5/9 + 5/18 = 0.833
    assert probs(temperature=0) == [1, 0, 0, 0]
    square = PROBS[0] ** 2
    assert probs(temperature=0.5) == pytest.approx((square / square.sum()).tolist())


def test_rows_keep_their_own_laws():
    laws = Laws.of(np.array([1.0, 0.0, 2.0]), np.array([1.0, 1.0, 0.6]), np.array([0, 0, 1]))
    together = shaped(PROBS.log().repeat(3, 1), laws)
    apart = [shaped(PROBS.log(), laws.rows(slice(i, i + 1)))[0] for i in range(3)]
    assert torch.equal(together, torch.stack(apart))


def test_greedy_takes_the_first_of_equals_at_log_probability_zero():
    token, logp = draw(torch.tensor([[1.0, 3.0, 3.0]]), law(temperature=0), np.array([0.99]))
    assert token.tolist() == [1] and logp.tolist() == [0.0]


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=8), st.floats(0, 1, exclude_max=True))
def test_a_draw_inverts_the_cumulative_distribution(logits, u):
    tensor = torch.tensor([logits])
    token, logp = draw(tensor, law(), np.array([u]))
    reach = torch.softmax(tensor.double(), -1)[0].cumsum(0).numpy()
    assert reach[token[0]] >= u - 1e-6 and (token[0] == 0 or reach[token[0] - 1] <= u + 1e-6)
    assert np.isfinite(logp[0])


def test_tokens_that_were_cut_off_are_never_drawn():
    logits = torch.tensor([[1.0, 2.0, 0.0, 3.0]])
    for u in (0.0, 0.5, 1 - 2.0**-53):
        assert draw(logits, law(top_k=2), np.array([u]))[0][0] in (1, 3)
        assert draw(logits[:, [3, 1, 0]], law(top_k=1), np.array([u]))[0][0] == 0


def test_draws_follow_the_law():
    n = 40_000
    u = uniforms(streams(np.arange(n)), np.zeros(n, np.int64))
    token, _ = draw(PROBS.log().repeat(n, 1), Laws(None, None, None), u)
    share = np.bincount(token, minlength=4) / n
    assert np.abs(share - PROBS[0].numpy()).max() < 4 * 0.5 / np.sqrt(n)


def test_streams_are_uniform_and_unrelated():
    n = 20_000
    grid = uniforms(streams(np.arange(n))[:, None], np.arange(2))
    assert grid.min() >= 0 and grid.max() < 1
    assert np.abs(np.histogram(grid, 10, (0, 1))[0] / grid.size - 0.1).max() < 0.006
    neighbours = uniforms(streams([5]), np.arange(n))
    for a, b in ((grid[:, 0], grid[:, 1]), (grid[:-1, 0], grid[1:, 0]), (neighbours[:-1], neighbours[1:])):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(n)


def test_known_splitmix64_numbers():
    """First outputs of splitmix64 seeded with 1234567 (published test vector)."""
    raw = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    found = uniforms(np.array([1234567], np.uint64), np.arange(3))
    assert found.tolist() == [(z >> 11) * 2.0**-53 for z in raw]


def test_only_the_plain_law_is_exact():
    assert Sampling().exact and Sampling(max_new=3, stop_ids=(1,)).exact
    assert not any(s.exact for s in (Sampling(temperature=0.7), Sampling(top_p=0.9), Sampling(top_k=5)))


@pytest.mark.parametrize("wrong", [{"temperature": -1}, {"top_p": 0}, {"top_p": 1.5}, {"top_k": -2}, {"max_new": 0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(TurnwiseError, match="top_p <= 1"):
        Sampling(**wrong)
