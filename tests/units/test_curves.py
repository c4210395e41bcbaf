"""Learning curves: cost adds up over rounds, seeds are averaged, recipes are compared where all have spent as much."""

from __future__ import annotations

import numpy as np
import pytest

from turnwise.measure.curves import curve_of, equal, points
from turnwise.measure.report.curves import draw


def line(value, episodes=10, turns=2.0, seconds=1.0, kind="train", written=5):
    score = {"value": value, "low": None if value is None else value - 0.1, "high": None}
    return {
        "kind": kind,
        "episodes": episodes,
        "success": score,
        "calls": episodes * turns,
        "tokens": {"written": written},
        "seconds": {"sample": seconds},
    }


IMITATED, EVALUATED = line(0.3, written=0, seconds=4.0), line(0.2, kind="evaluate", seconds=0.5)


def test_a_point_costs_what_was_spent_before_it():
    found = points([IMITATED, EVALUATED, line(0.2), line(0.4, turns=3.0), line(0.6)], "success")
    assert [p[:3] for p in found] == [(0.0, 4.5, 0.2), (20.0, 5.5, 0.4), (50.0, 6.5, 0.6)]
    assert found[0][3:] == (pytest.approx(0.1), 0.2), "an end that is not known is the value itself"


def test_seeds_are_averaged_with_an_interval_over_them():
    curve = curve_of("a", [[line(0.2), line(0.4)], [line(0.4), line(0.8)]], "success")
    np.testing.assert_allclose(curve.value, [0.3, 0.6])
    half = 12.706204736 * np.array([0.2, 0.4]) / 2  # t with one degree of freedom; sd / sqrt(2) is half the distance
    np.testing.assert_allclose(curve.high - curve.value, half)
    assert curve_of("bc", [[IMITATED, EVALUATED]], "success") is None
    assert curve_of("unscored", [[line(None)]], "success") is None


def test_recipes_are_compared_where_both_have_spent_as_much(tmp_path):
    dear = curve_of("dear", [[line(0.1, turns=4.0), line(0.5, turns=4.0), line(0.9)]], "success")
    cheap = curve_of("cheap", [[line(0.1), line(0.2), line(0.3)]], "success")
    assert equal([dear, cheap], "calls") == (40.0, {"dear": pytest.approx(0.3), "cheap": pytest.approx(0.2)})
    assert np.isnan(dear.at("seconds", -1.0)) and dear.at("calls", 80.0, last=1) == 0.9
    assert draw([dear, cheap], "success", tmp_path / "curves.png").stat().st_size > 10_000
