"""The metrics of DDXPlus on worked numbers (specs/users/ddxplus)."""

from __future__ import annotations

import numpy as np
import pytest

from turnwise.worlds.interview_scores import (
    confirm,
    differential_scores,
    divergence,
    evidence_scores,
    explore,
    none_given,
    restricted,
)

TRUTH, GUESS = np.array([0.5, 0.3, 0.2, 0.0, 0.0]), np.array([0.6, 0.0, 0.3, 0.1, 0.0])
MILD = np.zeros(5, bool)


def test_the_worked_differential():
    found = differential_scores(TRUTH, GUESS, 2, MILD)
    assert (found["ddr"], found["ddp"], found["ddf1"]) == pytest.approx((2 / 3,) * 3)
    assert (found["gtpa"], found["gtpa_1"], found["gtpa_3"]) == (1.0, 0.0, 1.0)
    assert "dsr" not in found and "dsp" not in found  # nothing severe to find or to leave out


def test_the_pathology_must_exceed_the_cut():
    found = differential_scores(TRUTH, np.array([0.995, 0.005, 0.0, 0.0, 0.0]), 1, MILD)
    assert (found["gtpa"], found["gtpa_3"]) == (0.0, 0.0)


def test_severe_conditions():
    severe = np.array([True, True, False, True, True])
    found = differential_scores(TRUTH, GUESS, 0, severe)
    assert (found["dsr"], found["dsp"], found["dsf1"]) == pytest.approx((0.5, 0.5, 0.5))


def test_the_k_most_probable():
    assert restricted(GUESS, 2).tolist() == [0.6, 0.0, 0.3, 0.0, 0.0]


def test_questions():
    present, asked = {"fever", "cough", "asthma"}, {"fever", "asthma", "copd", "rash"}
    found = evidence_scores(present, asked, {"asthma", "copd"})
    assert (found["per"], found["pep"], found["pef1"]) == pytest.approx((2 / 3, 1 / 2, 4 / 7))
    assert (found["per_symptoms"], found["pep_antecedents"]) == (0.5, 0.5)
    assert "per_antecedents" not in evidence_scores({"fever"}, asked, {"asthma", "copd"})


def test_the_trajectory():
    assert confirm(TRUTH, TRUTH) == 1.0 and explore(TRUTH, TRUTH) == 0.0
    assert confirm(TRUTH, np.full(5, 0.2)) == pytest.approx(np.exp(-divergence(TRUTH, np.full(5, 0.2)))) != 1.0
    assert divergence(np.array([0.5, 0.5]), np.array([0.25, 0.75])) == pytest.approx(
        0.5 * np.log(2) + 0.5 * np.log(2 / 3)
    )
    assert confirm(TRUTH, np.stack([TRUTH, GUESS])).shape == (2,)


def test_without_a_differential_all_scores_are_nought():
    assert (
        none_given(differential_scores(TRUTH, GUESS, 2, MILD)).keys()
        == differential_scores(TRUTH, GUESS, 2, MILD).keys()
    )
    assert set(none_given({"gtpa": 1.0}).values()) == {0.0}
