"""Normalised scores: the "must hold" list of specs/evaluate/normalised-score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.errors import TurnwiseError
from turnwise.measure import Anchors, Estimate, normalise, task_mean
from turnwise.measure.normalised import interquartile_mean

MAZE = Anchors(-20, -5, 0, origin="10,000 logged episodes", data_hash="1f")


@given(st.floats(-20, 0))
def test_linear_interpolation_through_the_three_anchors(r):
    assert MAZE.score(r) == pytest.approx(np.interp(r, [-20, -5, 0], [0, 50, 100]), abs=1e-9)


def test_continuous_at_the_data_and_strictly_rising():
    assert MAZE.score(-5) == 50 and MAZE.score(-5 + 1e-9) == pytest.approx(50)
    scores = [MAZE.score(r) for r in np.linspace(-20, 0, 101)]
    assert (np.diff(scores) > 0).all()


def test_data_midway_is_min_max_scaling():
    assert Anchors(0, 5, 10, "").score(8) == pytest.approx(80)


@given(st.floats(-20, 0), st.floats(0.1, 10), st.floats(-50, 50))
def test_a_change_of_units_changes_nothing(r, scale, shift):
    moved = Anchors(*(scale * x + shift for x in (-20, -5, 0)), origin="")
    value = min(max(scale * r + shift, moved.worst), moved.best)
    assert moved.score(value) == pytest.approx(MAZE.score(r), abs=1e-6)


def test_the_mean_return_is_mapped_not_each_episode():
    found = normalise(task_mean([-20, 0], ["a", "b"]), MAZE)
    assert found.score.value == pytest.approx(100 / 3)
    assert np.mean([MAZE.score(-20), MAZE.score(0)]) == 50


def test_interval_ends_are_mapped_and_the_anchors_travel_along():
    found = normalise(Estimate(-5, 40, -10, -1, 2.0, 20, 3), MAZE)
    assert (found.score.low, found.score.value, found.score.high) == pytest.approx((100 / 3, 50, 90))
    assert (found.score.n, found.score.clusters, found.score.unscored) == (40, 20, 3)
    assert found.anchors is MAZE and "50 = -5 (10,000 logged episodes)" in str(found)
    assert normalise(Estimate(None, 0), MAZE).score.value is None


def test_interval_ends_beyond_the_anchors_are_not_clipped():
    assert normalise(Estimate(-1, 4, -2.5, 0.5, 0.5, 4), MAZE).score.high == pytest.approx(105)


def test_a_mean_beyond_the_anchors_says_that_an_anchor_is_wrong():
    for r in (-20.1, 0.1):
        with pytest.raises(TurnwiseError, match="correct the anchor"):
            MAZE.score(r)


@pytest.mark.parametrize("anchors", [(0, 0, 1), (0, 1, 1), (1, 0.5, 0)])
def test_anchors_that_meet_or_cross_are_refused(anchors):
    with pytest.raises(TurnwiseError, match="worst < data < best"):
        Anchors(*anchors, origin="")


def test_interquartile_mean():
    assert interquartile_mean([0, 1, 2, 100]) == 1.5
    assert interquartile_mean([7]) == 7 and interquartile_mean([0, 10]) == 5
    assert interquartile_mean([0, 3, 9]) == pytest.approx((3 * (1 / 3) + (0 + 9) * (1 / 12)) * 2)
