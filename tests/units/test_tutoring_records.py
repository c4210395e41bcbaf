"""Records of tutoring turns against specs/users/class-spock."""

from __future__ import annotations

from itertools import product

import pytest

from turnwise.core.errors import TurnwiseError
from turnwise.feedback.tutoring_records import ALLOWED, Record, faults, macro_f1, shown


def confirmed(number, state):
    return Record("b", 3, state, number, f"right, number {number}", thoughts="secret")


def test_every_pair_outside_the_table_is_refused():
    table = {"a": {1, 2}, "b": {3}, "c": {4, 5}, "d": {6}, "e": {7}, "f": {8, 9, 10, 11}, "g": {12}}
    assert {e: set(actions) for e, actions in ALLOWED.items()} == table
    for evaluation, action in product("abcdefgh", range(14)):
        if action in table.get(evaluation, ()):
            assert Record(evaluation, action, "x", 0, "").action == action
        else:
            with pytest.raises(TurnwiseError):
                Record(evaluation, action, "x", 0, "")
    with pytest.raises(TurnwiseError, match="state"):
        Record("b", 3, "v", 0, "")


@pytest.mark.parametrize("count", [1, 2, 5])
def test_who_is_always_right_finishes_in_as_many_rounds(count):
    records = [confirmed(i, "z" if i == count - 1 else "y") for i in range(count)]
    assert faults(records, count) == [] and {r.action for r in records} == {3} and len(records) == count


@pytest.mark.parametrize(
    ("evaluation", "action", "sound"),
    [("b", 3, True), ("a", 2, True), ("c", 5, True), ("f", 9, True), ("a", 1, False), ("c", 4, False), ("f", 8, False)],
)
def test_a_sub_problem_is_finished_by_a_right_answer_or_a_solution(evaluation, action, sound):
    records = [Record(evaluation, action, "y", 0, ""), confirmed(1, "z")]
    assert (faults(records, 2) == []) == sound


def test_all_finished_is_for_ever_and_not_before():
    done = [confirmed(0, "z")]
    assert faults([*done, Record("g", 12, "z", None, "bye")], 1) == []
    assert "turn 1" in faults([*done, Record("a", 1, "x", 0, "no")], 1)[0]
    assert faults([confirmed(0, "z")], 2) and faults([confirmed(0, "y")], 1)


def test_thoughts_are_not_shown():
    assert shown([confirmed(0, "z")]) == ["right, number 0"] and "secret" not in "".join(shown([confirmed(0, "z")]))


def test_macro_f1():
    assert macro_f1("abcdefg", "abcdefg") == 1.0
    assert macro_f1("abcdefg" * 5, "a" * 35) == pytest.approx((2 * 5 / (5 + 35)) / 7) == pytest.approx(0.0357, abs=1e-4)
    with pytest.raises(TurnwiseError, match="one each"):
        macro_f1("ab", "a")
