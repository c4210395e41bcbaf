"""success@k, telling@k and knowledge tracing against the worked cases of specs/users/mathdial and
specs/evaluate/knowledge-tracing-auc.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.errors import TurnwiseError
from turnwise.measure import knowledge_tracing as tracing
from turnwise.measure import tutoring
from turnwise.measure.knowledge_tracing import Skill

SKILL = Skill(known=0.4, learn=0.2, guess=0.25, slip=0.1)


# --- success@k and telling@k ---


def at(student, teacher, k, gold=6):
    return tutoring.success_at(student, gold, k), tutoring.telling_at(student, teacher, gold, k)


def test_case_a_the_student_says_it_first():
    student = ["It is 5.", "sorry", "So it is 6!", "thanks"]
    teacher = ["walk me through it", "look again", "and now?", "yes, 6"]
    assert [at(student, teacher, k) for k in (1, 2, 3)] == [(False, False), (True, False), (True, False)]


def test_case_b_the_teacher_says_it_first():
    student = ["5", "no idea", "still 5", "6 then"]
    teacher = ["walk me through it", "look again", "it is 6", "good"]
    assert [at(student, teacher, k) for k in (1, 2, 3)] == [(False, False), (False, True), (True, True)]


def test_the_wrong_solution_is_number_0():
    assert tutoring.success_at(["there are 6 and I get 5"], 6, 0)
    assert not tutoring.success_at(["I get 5", "6"], 6, 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$3,650 × 0.1 = $365.", [3650, 0.1, 365]),
        ("12-3=9, and -4", [12, 3, 9, -4]),
        ("x = 4.50 pounds", [4.5]),
        ("no number", []),
        ("15 - 5", [15, 5]),
    ],
)
def test_numbers(text, found):
    assert tutoring.numbers(text) == found
    assert not found or tutoring.mentions(text, found[-1] + 1e-8) and not tutoring.mentions(text, found[-1] + 1e-6)


UTTERANCES = st.lists(st.sampled_from(["6", "5 or so", "look again", "it is 6.0", "60"]), min_size=1, max_size=8)


@given(UTTERANCES, UTTERANCES)
def test_neither_curve_falls_with_k(student, teacher):
    flags = [at(student, teacher, k) for k in range(9)]
    assert all(
        before <= after for b, a in zip(flags, flags[1:], strict=False) for before, after in zip(b, a, strict=True)
    )


@given(UTTERANCES)
def test_who_prints_no_number_tells_nothing(student):
    assert not any(tutoring.telling_at(student, ["look again", "why?"], 6, k) for k in range(9))


def test_curves_from_the_counts():
    curves = tutoring.tutoring_curves([2, 3, None], [3, 2, None], ["a", "b", "c"], most=3)
    assert [round(e.value, 6) for e in curves["success"]] == [0, round(1 / 3, 6), round(2 / 3, 6)]
    assert [round(e.value, 6) for e in curves["telling"]] == [0, round(1 / 3, 6), round(1 / 3, 6)]
    with pytest.raises(TurnwiseError, match="one of each"):
        tutoring.tutoring_curves([1], [], ["a"])
    with pytest.raises(TurnwiseError, match="k=-1"):
        tutoring.success_at(["6"], 6, -1)


# --- knowledge tracing ---


def test_auc_by_pairs_and_by_ranks():
    scores, right = [0.9, 0.8, 0.7, 0.6, 0.4, 0.3], [1, 0, 1, 1, 0, 0]
    pairs = [(a > b) + 0.5 * (a == b) for a, r in zip(scores, right, strict=True) if r
             for b, q in zip(scores, right, strict=True) if not q]  # fmt: skip
    assert tracing.auc(scores, right) == pytest.approx(7 / 9) == pytest.approx(np.mean(pairs))
    assert tracing.auc([0.5, 0.7, 0.5, 0.2], [1, 1, 0, 0]) == pytest.approx(0.875)
    assert tracing.auc([0.5, 0.7], [1, 1]) is None


def test_one_step_of_tracing():
    assert SKILL.correct(0.4) == pytest.approx(0.51)
    assert SKILL.answered(0.4, True) == pytest.approx(12 / 17) and SKILL.after(0.4, True) == pytest.approx(13 / 17)
    assert SKILL.answered(0.4, False) == pytest.approx(4 / 49)
    assert SKILL.after(0.4, False) == pytest.approx(0.265306, abs=1e-6)


def test_predictions_equal_the_enumeration_of_hidden_states():
    assert tracing.predictions(SKILL, [1, 1, 0]) == pytest.approx([0.51, 0.747059, 0.859055], abs=1e-6)
    for answers in product([0, 1], repeat=4):
        assert tracing.predictions(SKILL, answers) == pytest.approx([enumerated(answers[:t]) for t in range(4)])


def enumerated(before):
    """P(right) after these answers, over every path of knowing and not knowing."""
    joint = {True: 0.0, False: 0.0}
    for path in product([0, 1], repeat=len(before) + 1):
        weight = SKILL.known if path[0] else 1 - SKILL.known
        for now, then, answer in zip(path, path[1:], before, strict=False):
            right = 1 - SKILL.slip if now else SKILL.guess
            weight *= right if answer else 1 - right
            weight *= (1.0 if then else 0.0) if now else (SKILL.learn if then else 1 - SKILL.learn)
        joint[True] += weight * ((1 - SKILL.slip) if path[-1] else SKILL.guess)
        joint[False] += weight
    return joint[True] / joint[False]


def test_without_slips_and_learning_one_wrong_answer_is_for_ever():
    known = Skill(0.7, learn=0.0, guess=0.3, slip=0.0).after(0.7, False)
    assert known == 0.0 and Skill(0.7, 0.0, 0.3, 0.0).after(known, True) == 0.0


def test_increasing_maps_change_the_loss_and_not_the_order():
    scores, right = np.array([0.9, 0.8, 0.4, 0.3]), [1, 0, 1, 0]
    assert tracing.auc(scores**3, right) == tracing.auc(scores, right)
    assert tracing.log_loss(scores**3, right) != pytest.approx(tracing.log_loss(scores, right))
    assert tracing.log_loss([1.0], [0]) == np.inf


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 11))
def test_no_prediction_looks_ahead(answers, t):
    altered = [*answers[:t], *(not a for a in answers[t:])]
    assert list(tracing.predictions(SKILL, answers)[: t + 1]) == list(tracing.predictions(SKILL, altered)[: t + 1])


def test_students_with_one_kind_of_answer_are_unscored():
    scores, right = np.array([0.2, 0.9, 0.5, 0.6]), np.array([0, 1, 1, 1])
    own = tracing.per_student_auc(scores, right, ["a", "a", "b", "b"], rng=np.random.default_rng(0))
    assert (own.value, own.n, own.unscored) == (1.0, 1, 1)


def test_the_generating_model_reaches_the_best_auc_there_is():
    """Students of known parameters: tracing ranks as well as their true chances allow, and better than the average."""
    rng = np.random.default_rng(3)
    traced, right, student, history = [], [], [], []
    for s in range(300):
        knows = rng.random() < SKILL.known
        answers = []
        for _ in range(12):
            answers.append(bool(rng.random() < ((1 - SKILL.slip) if knows else SKILL.guess)))
            knows = knows or rng.random() < SKILL.learn
        traced += list(tracing.predictions(SKILL, answers))
        right, student, history = right + answers, student + [s] * 12, history + list(range(12))
    scores, right = np.array(traced), np.array(right)
    pooled = tracing.pooled_auc(scores, right, student, rng=rng, resamples=100)
    by_position = np.array([right[np.array(history) == h].mean() for h in history])
    assert pooled.low > tracing.auc(by_position, right)
    wrong = Skill(0.4, 0.2, 0.6, 0.5)
    assert tracing.log_loss(scores, right) < tracing.log_loss(
        np.concatenate([tracing.predictions(wrong, right[i : i + 12]) for i in range(0, len(right), 12)]), right
    )
    first = tracing.cold_start(history, 0)
    assert first.sum() == 300 and tracing.auc(scores[first], right[first]) == 0.5  # nothing tells them apart yet


def test_review_gain():
    assert tracing.review_gain(lambda item: {0: 0.5, 1: 0.9}[item], 1, [0, 1]) == pytest.approx(0.2)


@pytest.mark.parametrize("wrong", [-0.1, 1.5])
def test_a_skill_of_impossible_chances(wrong):
    with pytest.raises(TurnwiseError, match="a chance"):
        Skill(0.4, wrong, 0.2, 0.1)
