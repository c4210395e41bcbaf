"""First error, recovery and loops: every worked number of specs/evaluate/first-error-recovery-loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.agents.scripted import ScriptedAgent
from turnwise.agents.spec import expert
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import CreditTable
from turnwise.explore import Independent, Table
from turnwise.measure.first_error import (
    detection,
    first_drop,
    first_error,
    located,
    relative_position,
    uncertain_share,
)
from turnwise.measure.kaplan_meier import kaplan_meier
from turnwise.measure.recovery import recovery_by_severity, recovery_rate, time_to_recover
from turnwise.measure.repeats import cycle, longest_run, loops, repeat_fraction, steady, steps_of
from turnwise.measure.report.beside import TRUTH, Laid
from turnwise.measure.report.repeats import recovered, truth
from turnwise.worlds import make

WORDS = {"g": "good", "b": "bad", "u": "uncertain"}
LABELS = [[WORDS[letter] for letter in word] for word in ("ggbg", "ggg", "bb", "gubbb")]
GOLD = [3, None, 2, 3]
WORKED = [("s0", "look"), ("s0", "open"), *[("s1", "take")] * 3, ("s2", "go"), ("s0", "open"), ("s3", "end")]


# --- first error ---


def test_the_worked_first_errors():
    found = [first_error(labels) for labels in LABELS]
    assert found == [3, None, 1, 3]
    places = [relative_position(e, len(labels)) for e, labels in zip(found, LABELS, strict=True)]
    assert places == pytest.approx([0.75, None, 0.5, 0.6])
    assert located(found, GOLD, range(4)).value == 0.75
    assert located(found, GOLD, range(4), within=1).value == 1.0


def test_an_error_that_is_not_there_is_a_miss_at_any_distance():
    assert located([None, 2], [1, None], range(2), within=99).value == 0.0


def test_precision_and_recall_of_having_an_error():
    precision, recall = detection([3, None, 1, 3], [3, 4, None, 2])
    assert (precision.value, precision.n) == (pytest.approx(2 / 3), 3)
    assert (recall.value, recall.n) == (pytest.approx(2 / 3), 3)
    nothing, _ = detection([None], [1])
    assert nothing.value is None


def test_uncertain_labels_are_counted_and_misspelt_ones_refused():
    assert uncertain_share(LABELS) == pytest.approx(1 / 14) and uncertain_share([[]]) is None
    with pytest.raises(UnknownName, match="did you mean 'bad'"):
        first_error(["good", "badd"])


def test_a_drop_must_be_larger_than_the_threshold():
    assert first_drop([0.0, -0.2, 0.1, -0.3]) == 4
    assert first_drop([0.0, -0.2, 0.1], 0.1) == 2
    assert first_drop([]) is None


def test_exact_values_find_a_planted_error():
    """The best player with one wrong lever: found where it was planted, in every episode."""
    world = make("key-corridor")
    best, exact = expert(world, "optimal").rule, world.exact()

    def errs(view, rng):
        return "lever 1\n" if "turn 3 of" in view.messages[-1].text else best(view, rng)

    table = Table(world, {"agent": ScriptedAgent(errs)}, 0)
    for episode in table.collect(Independent(), world.tasks("train")[:4]):
        advantages = exact.advantages(episode)
        assert first_drop(advantages) == 3 and not episode.success
        situations, _ = exact.places(episode)
        values = [*exact.v[situations], 0.0]
        assert time_to_recover(values, 3) == (5, "censored")


# --- recovery ---

ERRORS, SUCCESS = [True, True, False, True, False], [1.0, 0.0, 1.0, 1.0, 0.0]


def test_the_worked_recovery_rate_is_not_the_success_rate():
    found = recovery_rate(ERRORS, SUCCESS, range(5))
    assert found.value == pytest.approx(2 / 3) and found.n == 3 and np.mean(SUCCESS) == 0.6


def test_without_an_error_nothing_is_scored():
    found = recovery_rate([False] * 3, [1, 0, 1], range(3))
    assert found.value is None and found.n == 0


def test_errors_by_what_they_cost():
    harmless, grave = recovery_by_severity([0.3, 0.9, None, 0.25, None], SUCCESS, range(5), [0.2, 0.5])
    assert (harmless.value, harmless.n, grave.value, grave.n) == (1.0, 2, 0.0, 1)
    with pytest.raises(TurnwiseError, match="ascending"):
        recovery_by_severity([0.3], [1.0], [0], [0.5, 0.2])


def test_time_to_recover():
    assert time_to_recover([0.8, 0.8, 0.3, 0.5, 0.8, 1.0], 2) == (2, "solved")
    assert time_to_recover([0.8, 0.8, 0.3, 0.5, 0.6], 2) == (2, "censored")
    assert time_to_recover([0.8, 0.8], None) is None
    times = [(2, "solved"), (2, "censored"), (1, "solved")]
    assert kaplan_meier(*zip(*times, strict=True)).at(2) == pytest.approx(2 / 3)
    with pytest.raises(TurnwiseError, match="turn 3 of 2"):
        time_to_recover([1.0, 1.0, 1.0], 3)


# --- repeats ---


def test_the_worked_repeats():
    assert repeat_fraction(WORKED) == 0.375 and longest_run(WORKED) == 3 and cycle(WORKED) is None
    assert not loops(WORKED)


@given(st.integers(1, 50))
def test_identical_steps_and_none(n):
    assert repeat_fraction([("s", "a")] * n) == pytest.approx(1 - 1 / n)
    assert repeat_fraction([("s", k) for k in range(n)]) == 0.0 and longest_run([("s", "a")] * n) == n
    assert not loops([("s", k) for k in range(n)])


def test_the_same_act_in_a_changed_state_is_no_repeat():
    pages = [(f"page {n}", "next page") for n in range(6)]
    assert repeat_fraction(pages) == 0.0 and cycle(pages) is None


@given(st.lists(st.integers(0, 3), max_size=6), st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_a_cycle_is_the_smallest_period_of_the_end(before, block):
    steps = [("s", a) for a in [*before, *block, *block]]
    found = cycle(steps)
    assert found is not None and found <= len(block) and loops(steps)
    assert steps[-found:] == steps[-2 * found : -found]


def test_nothing_said_is_nothing_repeated():
    assert (repeat_fraction([]), longest_run([]), cycle([]), loops([])) == (0.0, 0, None, False)


def test_counters_are_taken_out_and_places_are_not():
    assert steady("Turn 3 of 12, at 1,2\n") == steady("turn 11 of 12, at 1,2")
    assert steady("turn 3 of 12, at 1,2") != steady("turn 3 of 12, at 2,1")
    assert steady("at 10:15 page 3") != steady("at 10:16 page 4")


def test_steps_of_an_episode_are_what_was_shown_and_said():
    """Against a wall for ever: one step, all over again."""
    world = make("maze", max_steps=9)
    table = Table(world, {"agent": ScriptedAgent(lambda view, rng: "move up\n")}, 0)
    (episode,) = table.collect(Independent(), [world.tasks("train")[0]])
    steps = steps_of(episode)
    assert len(steps) == 10 and longest_run(steps) >= 8 and cycle(steps) == 1 and loops(steps)


# --- in the report ---


def test_the_report_reads_errors_from_the_truth_that_is_laid_beside():
    world = make("key-corridor")
    table = Table(world, {"agent": expert(world, "mid")}, 0)
    episodes = table.collect(Independent(), world.tasks("eval")[:12])
    exact = world.exact()
    laid = Laid(episodes, [CreditTable(TRUTH, "turn", [exact.advantages(e).tolist() for e in episodes])])
    assert {e.id: first_drop(a) for e, a in zip(episodes, truth(laid).values(), strict=True)} == {
        e.id: first_drop(exact.advantages(e)) for e in episodes
    }
    assert recovered([("after", episodes)], None) == ["–"]
    (cell,) = recovered([("after", episodes)], laid)
    wrong = [e for e in episodes if first_drop(exact.advantages(e)) is not None]
    assert wrong and cell.startswith(f"{100 * np.mean([bool(e.success) for e in wrong]):.0f} %")
