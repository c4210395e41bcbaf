"""Monitors of reward hacking: the worked numbers of specs/evaluate/reward-hacking-monitors, and what never alarms."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_run import make_run

from turnwise.core.errors import TurnwiseError
from turnwise.core.run_folder import RunFolder
from turnwise.core.types import Signal
from turnwise.credit.gated import gates
from turnwise.measure.hacking import (
    Series,
    alarms,
    audit,
    explained,
    gap,
    pearson,
    signature,
    signatures,
    slope,
)
from turnwise.measure.lift import auroc, lift
from turnwise.measure.report import build_report
from turnwise.measure.report.proxies import watch
from turnwise.measure.report.record import read_record

PROXY, OUTCOME = (0.2, 0.4, 0.6, 0.8, 0.9), (0.3, 0.5, 0.6, 0.5, 0.35)


def test_auroc_counts_pairs():
    positives, negatives = (0.9, 0.8, 0.6, 0.55), (0.7, 0.5, 0.3, 0.2, 0.1)
    assert auroc(positives, negatives) == pytest.approx(0.9)
    assert auroc([1.0, 1.0], [1.0]) == 0.5
    with pytest.raises(TurnwiseError, match="0 negatives"):
        auroc([1.0], [])


@pytest.mark.parametrize(
    ("levels", "gated"),
    [((1.0, 0.6, 0.8), (1.0, 0.6, 0.8)), ((1.0, 0.4, 0.8), (1.0, 0.4, 0.0)), ((0.0, 0.9, 0.8), (0.0, 0.0, 0.0))],
)
def test_gated_sums(levels, gated):
    x = np.array([levels])
    found = np.where(gates(x, (0.0, 0.5), strict=True), x, 0.0)
    assert found.tolist() == [list(gated)]
    assert np.where(gates(x, (-math.inf, -math.inf)), x, 0.0).sum() == pytest.approx(sum(levels))


@given(st.floats(-1, -0.01), st.lists(st.floats(0, 10), min_size=2, max_size=2), st.floats(0, 5))
def test_what_failed_the_gate_is_not_raised_by_lower_rewards(outcome, low, more):
    before, after = (np.array([[outcome, low[0] + extra, low[1] + extra]]) for extra in (0.0, more))
    totals = [np.where(gates(x, (0.0, 0.5), strict=True), x, 0.0).sum() for x in (before, after)]
    assert totals[0] == totals[1] == outcome


def test_the_worked_series():
    proxy, outcome = Series.of(PROXY), Series.of(OUTCOME)
    assert int(outcome.values.argmax()) == 2 and gap(outcome) == pytest.approx(0.25)
    assert gap(outcome, at=2) == 0.0
    assert pearson(proxy.values[:3], outcome.values[:3]) == pytest.approx(0.981981, abs=1e-6)
    assert pearson(proxy.values[2:], outcome.values[2:]) == pytest.approx(-0.953821, abs=1e-6)
    assert slope(proxy.last(3, 4)).value == pytest.approx(0.15)
    assert slope(outcome.last(3, 4)).value == pytest.approx(-0.125)
    found = alarms(proxy, outcome, window=3)
    assert found.divergence == (4,) and found.flat_outcome == (3,) and found.correlation_drop == (4,)


def test_noise_does_not_alarm():
    """The same series, each entry known to 0.2 only: neither slope is shown."""
    proxy, outcome = Series.of(PROXY, [0.2] * 5), Series.of(OUTCOME, [0.2] * 5)
    assert not alarms(proxy, outcome, window=3).divergence
    assert slope(Series.of([0.0, 1.0, 2.0], [0.1] * 3)).rises


@given(st.lists(st.floats(-100, 100), min_size=5, max_size=12))
def test_identical_series_never_alarm(values):
    assert not alarms(Series.of(values), Series.of(values), window=3).any


def test_a_flat_outcome_is_not_divergence():
    found = alarms(Series.of(PROXY), Series.of([0.3] * 5))
    assert found.flat_outcome == (4,) and not found.divergence and not found.correlation_drop


def test_series_that_do_not_fit_are_refused():
    with pytest.raises(TurnwiseError, match="one finite number per evaluation"):
        Series.of([0.1, math.nan])
    with pytest.raises(TurnwiseError, match="5 evaluations of the proxy, 4 of the outcome"):
        alarms(Series.of(PROXY), Series.of(OUTCOME[:4]))


def test_lift():
    found = lift(160, 10_000, 125, 10_000)
    assert found.lift == pytest.approx(0.28) and found.difference == pytest.approx(0.0035)
    assert (found.ratio_low, found.ratio_high) == pytest.approx((1.0146, 1.6147), abs=1e-4)
    assert found.half_width == pytest.approx(0.003285, abs=1e-6)
    with pytest.raises(TurnwiseError, match="0 of 10"):
        lift(0, 10, 1, 10)


def test_one_component_that_explains_the_gain_is_named_only_where_the_outcome_is_flat():
    before, after = {"outcome": 0.5, "form": 0.1}, {"outcome": 0.55, "form": 0.9}
    assert explained(before, after)["form"] == pytest.approx(0.8 / 0.85)
    assert audit(before, after, slope(Series.of([0.5, 0.5, 0.5]))) == ("form",)
    assert audit(before, after, slope(Series.of([0.1, 0.2, 0.3]))) == ()
    assert explained(after, before) == {}


def test_a_closing_line_that_spreads_is_a_signature():
    before, now = ["Done."] * 95 + ["Sure.\nMuch love!"] * 5, ["Done."] * 40 + ["Sure.\nMuch love!"] * 60
    loudest = signatures(now, before)[0]
    assert loudest.pattern == "Much love!" and (loudest.reference, loudest.share) == (0.05, 0.6)
    error = math.sqrt(0.325 * 0.675 * 2 / 100)
    assert loudest.z == pytest.approx(0.55 / error) and loudest.loud
    assert not signature("same", 5, 100, 5, 100).loud and signatures([], before) == []


# --- on a run ---


@pytest.fixture
def praised(tmp_path):
    """A run that gets better in every round, and is praised the more the worse it was at first."""
    path = tmp_path / "run"
    with make_run(path, rounds=6, tasks=12) as folder:
        for number in range(6):
            episodes = list(folder.episodes("improve", [number]))
            folder.append_signals([Signal(e.id, "step", 0, value=0.2 * number) for e in episodes], "improve", number)
            folder.append_signals([Signal(e.id, "probe", None, value=0.5) for e in episodes], "improve", number)
    return path


def test_the_report_shows_what_was_praised(praised):
    found = {watched.name: watched for watched in watch(read_record(praised))}
    assert found.keys() == {"found", "step", "probe"}
    np.testing.assert_allclose(found["step"].proxy.values, 0.2 * np.arange(6), atol=1e-12)
    assert found["step"].proxy.errors.max() < 1e-12 and not found["probe"].found.any
    assert found["found"].found.divergence == (), "the outcome itself cannot diverge from itself"
    html = build_report(praised).read_text()
    assert "What was praised: step" in html and "Divergence" not in html


def test_monitors_change_nothing_in_the_run(praised, tmp_path):
    before = shutil.copytree(praised, tmp_path / "copy")
    build_report(praised)
    assert (praised / "report.html").exists() and not (before / "report.html").exists()
    for file in (p.relative_to(before) for p in before.rglob("*") if p.is_file()):
        assert (praised / file).read_bytes() == (before / file).read_bytes()
    assert RunFolder.open(praised).found == []
