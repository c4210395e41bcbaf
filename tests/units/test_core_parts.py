"""Chance, names and pairings: draws that are keyed and logged, parts found by name, pairings refused in time."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from turnwise.core import pairing
from turnwise.core.chance import Chance, generator, key_of, uniform_of
from turnwise.core.errors import TurnwiseError, UnknownName, WrongPairing, close_matches
from turnwise.core.registry import Registry

# --- chance ---


def draws(chance, count=4):
    return [chance.integer(10**9, "x") for _ in range(count)]


def test_keys_are_the_same_everywhere_and_differ_by_any_part():
    assert key_of("a", 1) == 13924241962069754241
    keys = {key_of(*parts) for parts in (("a", 1), ("a", "2"), ("a1",), ("a", "1", ""), (1, "a"), ())}
    assert len(keys) == 6 and all(0 <= key < 2**64 for key in keys)
    assert key_of("a", 1) == key_of("a", "1"), "what prints alike is alike"


def test_a_number_fixed_by_its_parts_is_uniform():
    drawn = np.sort([uniform_of("a", number) for number in range(4000)])
    assert uniform_of("a", 1) == uniform_of("a", 1) and drawn[0] >= 0.0 and drawn[-1] < 1.0
    apart = np.abs(drawn - np.arange(4000) / 4000).max()
    assert apart < 1.63 / 4000**0.5, "Kolmogorov and Smirnov's 1 %"


def test_equal_keys_draw_equally_and_leave_the_process_alone():
    before = np.random.get_state()[1].copy()
    assert draws(Chance(5)) == draws(Chance(5)) != draws(Chance(6))
    assert generator(1, "a").random() == generator(1, "a").random() != generator(1, "b").random()
    assert (np.random.get_state()[1] == before).all()


def test_a_tick_is_a_stream_of_its_own():
    """What was drawn before does not shift what is drawn later."""
    few, many = Chance(5), Chance(5)
    draws(few, 1), draws(many, 9)
    assert draws(few.at(1)) == draws(many.at(1)) != draws(Chance(5))
    assert few.tick == 1 and len(few.log) == 4


def test_every_draw_is_logged_by_name():
    chance = Chance(1)
    chance.integer(6, "die")
    assert chance.choice(["a", "b"], "letter") in "ab"
    assert 0 <= chance.uniform("u") < 1
    assert chance.outcome("answer", lambda: "Yes.") == "Yes."
    assert [name for name, _ in chance.log] == ["die", "letter", "u", "answer"]
    assert chance.log[1][1] in (0, 1) and chance.log[3] == ("answer", "Yes.")


def test_a_script_replaces_draws_by_name_until_it_is_used_up():
    chance = Chance(1, script={"die": [3, 4], "answer": ["No."]})
    twin = chance.fork("branch")
    assert [chance.integer(6, "die"), chance.outcome("answer", lambda: "Yes."), chance.integer(6, "die")] == [
        3,
        "No.",
        4,
    ]
    assert chance.outcome("answer", lambda: "Yes.") == "Yes."
    assert chance.log == [("die", 3), ("answer", "No."), ("die", 4), ("answer", "Yes.")]
    assert twin.integer(6, "die") == 3, "a branch has its own copy"


def test_a_fork_draws_on_its_own():
    assert draws(Chance(1).fork("a")) == draws(Chance(1).fork("a"))
    assert len({tuple(draws(c)) for c in (Chance(1), Chance(1).fork("a"), Chance(1).fork("b"))}) == 3


def test_choosing_from_nothing_is_refused():
    with pytest.raises(TurnwiseError, match="from nothing"):
        Chance(1).choice([], "x")


# --- names ---


def test_a_registry_loads_on_first_use():
    registry = Registry("thing", {"late": "turnwise.core.chance:key_of", "never": "no.such.module:x"})
    assert list(registry) == ["late", "never"] and "late" in registry and "later" not in registry
    assert registry.get("late") is key_of
    registry.add("own", object)
    assert registry.get("own") is object
    with pytest.raises(ModuleNotFoundError):
        registry.get("never")


def test_a_misspelt_name_gets_the_close_ones():
    with pytest.raises(UnknownName, match="did you mean 'late'") as caught:
        Registry("thing", {"late": "x:y", "other": "x:z"}).get("lat")
    assert "one of: late, other" in str(caught.value)
    assert close_matches("GRPo", ["grpo", "dr-grpo", "bc"])[0] == "grpo" and close_matches("zzz", ["grpo"]) == []


def test_errors_say_found_expected_next_and_travel_between_processes():
    for error in (TurnwiseError("a", "b", "c"), UnknownName("thing", "lat", ["late"]), WrongPairing("a", "b")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == str(error)
    assert str(TurnwiseError("a", "b", "c")).splitlines() == ["a", "expected: b", "next: c"]


# --- pairings ---


class Gives:
    gives = frozenset({"group"})


def test_what_is_needed_and_not_given_is_refused_with_the_setting_to_change():
    assert pairing.gives_of(Gives(), object()) == {"group"}
    pairing.check({"rule": {"group"}}, pairing.gives_of(Gives()))
    with pytest.raises(WrongPairing, match="rule needs group") as caught:
        pairing.check({"fine": (), "rule": {"group"}}, {"tokens"})
    assert "group of 2 or more" in caught.value.next_move and "there is: tokens" in str(caught.value)
    with pytest.raises(WrongPairing, match="choose another part"):
        pairing.check({"part": {"something new"}}, ())


def test_everything_that_parts_need_has_a_next_move():
    from turnwise.credit import RULES

    assert set().union(*(rule.needs for rule in RULES.values())) <= set(pairing.NEXT_MOVES)
