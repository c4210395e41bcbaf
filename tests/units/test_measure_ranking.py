"""A ranking says no more than the comparisons do."""

from __future__ import annotations

import numpy as np
import pytest

from turnwise.core.errors import TurnwiseError
from turnwise.measure import paired_difference, rank
from turnwise.measure.planning import tasks_needed
from turnwise.measure.ranking import _carried_on, _unseparated_groups


def agents(shifts, tasks=60, trials=4, seed=0):
    """Simulated agents that share the tasks' difficulty: name -> task -> outcomes."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(0.2, 0.6, tasks)
    return {
        name: {t: (rng.random(trials) < base[t] + shift).astype(float).tolist() for t in range(tasks)}
        for name, shift in shifts.items()
    }


def ranked(scores, **more):
    return rank(scores, rng=np.random.default_rng(1), **more)


def test_clear_differences_are_ranked_and_noise_is_not():
    found = ranked(agents({"strong": 0.35, "weak": 0.0, "weak-too": 0.0}))
    assert found.ranks == {"strong": (1, 1), "weak": (2, 3), "weak-too": (2, 3)}
    assert found.groups == (("strong",), ("weak", "weak-too"))
    assert found.agents[0] == "strong"
    above = {(p.a, p.b): p.above for p in found.pairs}
    assert above == {("strong", "weak"): "strong", ("strong", "weak-too"): "strong", ("weak", "weak-too"): None}


def test_equal_agents_are_printed_by_name_with_one_range():
    found = ranked(agents({"c": 0.0, "a": 0.0, "b": 0.0}, seed=4))
    assert found.agents == ("a", "b", "c") and set(found.ranks.values()) == {(1, 3)}
    text = str(found)
    assert text.count("1-3") == 3 and "not separated: a, b, c" in text and " above" not in text


def test_an_undecided_pair_says_how_many_tasks_would_decide_it():
    scores = agents({"a": 0.03, "b": 0.0}, seed=5)
    (pair,) = ranked(scores).pairs
    d = paired_difference(scores["a"], scores["b"], rng=np.random.default_rng(0))
    assert pair.above is None and pair.tasks_needed == tasks_needed(d.sd, d.difference) > 60
    assert pair.episodes_needed == pair.tasks_needed * 8
    assert f"about {pair.tasks_needed} tasks ({pair.episodes_needed} episodes)" in str(ranked(scores))


def test_identical_agents_are_undecidable_by_any_number_of_tasks():
    scores = agents({"a": 0.0})
    (pair,) = ranked(scores | {"copy": scores["a"]}).pairs
    assert pair.tasks_needed is None and pair.episodes_needed is None and pair.difference.p == 1


def test_too_few_tasks_for_any_sign_flip_p_never_rank():
    (pair,) = ranked({"always": dict.fromkeys(range(4), 1.0), "never": dict.fromkeys(range(4), 0.0)}).pairs
    assert pair.above is None and pair.tasks_needed == 6  # four tasks: p is at least 2 / 16


def test_p_values_are_holms_and_intervals_simultaneous():
    found = ranked(agents({"a": 0.1, "b": 0.05, "c": 0.0}))
    for pair in found.pairs:
        assert pair.p_holm >= pair.difference.p and pair.difference.level == pytest.approx(1 - 0.05 / 3)


def test_only_tasks_of_all_agents_count():
    scores = agents({"a": 0.3, "b": 0.0, "c": 0.0})
    scores["b"] = {t: s for t, s in scores["b"].items() if t >= 10}
    scores["c"][59] = [None] * 4
    found = ranked(scores)
    assert (found.tasks, found.dropped) == (49, 11)
    assert {e.clusters for e in found.estimates.values()} == {49}
    with pytest.raises(TurnwiseError, match="no task that all agents have a score on"):
        ranked({"a": {1: 0}, "b": {2: 0}})
    with pytest.raises(TurnwiseError, match="1 agents"):
        ranked({"a": {1: 0}})


def test_order_is_carried_on():
    assert _carried_on({("a", "b"), ("b", "c"), ("c", "d")}) == {
        ("a", "b"), ("b", "c"), ("c", "d"), ("a", "c"), ("b", "d"), ("a", "d"),
    }  # fmt: skip


def test_an_agent_between_two_may_be_separated_from_neither():
    assert _unseparated_groups(("a", "b", "c"), {("a", "c")}) == (("a", "b"), ("b", "c"))
    assert _unseparated_groups(("a", "b"), set()) == (("a", "b"),)


def test_any_false_order_among_equal_agents_is_rare():
    claims = 0
    for seed in range(60):
        found = ranked(agents(dict.fromkeys("abcd", 0.0), tasks=30, trials=2, seed=seed), flips=500)
        claims += any(pair.above for pair in found.pairs)
    assert claims <= 9  # 5% of 60 is 3; 10 or more has a chance of .001


def test_same_seed_same_ranking():
    scores = agents({"a": 0.1, "b": 0.0})
    assert str(ranked(scores)) == str(ranked(scores))
