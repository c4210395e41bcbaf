"""Calibration: the worked numbers of specs/evaluate/calibration, and what must hold for any claims."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.errors import TurnwiseError
from turnwise.measure import calibration as c

P, Y = (0.95, 0.9, 0.85, 0.6, 0.55, 0.3), (1, 1, 0, 1, 0, 0)
GROUPED = (0.9, 0.9, 0.9, 0.6, 0.6, 0.3)
CLAIMS = st.lists(st.tuples(st.sampled_from((0.0, 0.1, 0.25, 0.5, 0.7, 1.0)), st.integers(0, 1)), min_size=1)


def test_the_first_worked_example():
    assert c.brier(P, Y) == pytest.approx(0.214583, abs=1e-6)
    assert c.log_loss(P, Y) == pytest.approx(0.619964, abs=1e-6)
    assert c.expected_calibration_error(P, Y, (0.0, 0.5, 0.8, 1.0)) == pytest.approx(23 / 120)
    assert 1 - c.risk_coverage(P, Y) == pytest.approx([1, 1, 2 / 3, 0.75, 0.6, 0.5])
    assert c.risk_coverage(P, Y).mean() == pytest.approx(0.247222, abs=1e-6)
    assert c.selective(P, Y, 0.8) == pytest.approx((0.5, 2 / 3))
    assert c.selective(P, Y, 0.99) == (0.0, None)
    assert c.bias(P, Y) == pytest.approx(np.mean(P) - 0.5)


def test_the_decomposition_worked():
    found = c.decomposition(GROUPED, Y)
    assert (found.reliability, found.resolution, found.uncertainty) == pytest.approx(
        (0.045556, 0.055556, 0.25), abs=1e-6
    )
    assert c.brier(GROUPED, Y) == pytest.approx(0.24)


def test_a_constant_that_is_the_share_right_is_reliable_and_tells_nothing():
    found = c.decomposition([0.25] * 4, [0, 0, 1, 0])
    assert (found.reliability, found.resolution) == (0.0, 0.0)
    assert c.brier([0.25] * 4, [0, 0, 1, 0]) == found.uncertainty == 0.1875


def test_bins_of_equal_counts():
    p, y = (0.1, 0.2, 0.3, 0.9), (0, 1, 0, 1)
    assert c.equal_count_calibration_error(p, y, 2) == pytest.approx((abs(0.3 - 1) + abs(1.2 - 1)) / 4)
    assert c.equal_count_calibration_error(p, y, 99) == pytest.approx(np.abs(np.subtract(p, y)).mean())


@given(CLAIMS)
def test_the_parts_make_the_brier_score(claims):
    p, y = zip(*claims, strict=True)
    found = c.decomposition(p, y)
    assert c.brier(p, y) == pytest.approx(found.reliability - found.resolution + found.uncertainty)


@given(CLAIMS)
def test_an_increasing_map_leaves_risk_and_coverage(claims):
    p, y = zip(*claims, strict=True)
    assert c.risk_coverage(np.square(p), y).tolist() == c.risk_coverage(p, y).tolist()


def test_an_increasing_map_changes_the_brier_score():
    assert c.brier(np.square(P), Y) != pytest.approx(c.brier(P, Y))


@pytest.mark.parametrize(
    ("p", "y"), [((), ()), ((0.5,), (1, 0)), ((1.5,), (1,)), ((0.5,), (2,)), ((float("nan"),), (1,))]
)
def test_what_is_no_claim_is_refused(p, y):
    with pytest.raises(TurnwiseError):
        c.brier(p, y)
