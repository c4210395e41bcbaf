"""RAPO from the record to the weights, line by line of its sheet's "Must hold" (specs/learn/rapo); the scaling is
tested in test_credit_compared.py, the pruning in test_feedback_judges.py.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from made_imitator import imitator, improved
from made_play import apart, batch_of, gradients_of, nano, sample
from turnwise.core.errors import TurnwiseError, UnknownName, WrongPairing
from turnwise.core.types import CreditTable, End, Episode, Leaf, Task
from turnwise.credit.grpo import grpo
from turnwise.learn.last_success import LastSuccess
from turnwise.learn.weights.planted import Planted
from turnwise.learn.weights.policy_gradient import PolicyGradientSettings
from turnwise.worlds import make

PLAIN = PolicyGradientSettings(value=0.0, minibatches=1, clip_low=0.999, clip_high=1e6, dual_clip=None, warmup=0)


def ended(task: str, name: str, won: bool | None) -> Episode:
    end = End.ERROR if won is None else End.DONE
    return Episode(f"{task}{name}", Task(task, "made"), (), (Leaf(-1, end, facts={"success": won}),))


def group(task: str, marks, number: int = 0) -> list[Episode]:
    return [ended(task, f"{number}.{n}", mark) for n, mark in enumerate(marks)]


def seen(buffer: LastSuccess, *groups: list[Episode]) -> list[Episode]:
    """A round: planted, then noted."""
    found = buffer.plant([episode for members in groups for episode in members])
    buffer.note(found)
    return found


# --- what is planted ---


@given(st.lists(st.lists(st.sampled_from([True, False, None]), min_size=2, max_size=5), min_size=1, max_size=4))
def test_replay_fires_only_where_all_failed_and_then_one_stands_out(marks):
    buffer = LastSuccess(age=3, seed=0)
    seen(buffer, *(group(str(n), [True]) for n in range(len(marks))))
    fresh = [e for n, members in enumerate(marks) for e in group(str(n), members, 1)]
    found = buffer.plant(fresh)
    for n, members in enumerate(marks):
        scored = [e for e in found if e.task.key == str(n) and e.success is not None]
        fired = members.count(False) > 1 and True not in members
        assert sum(e not in fresh for e in scored) == fired
        if fired:
            credit = grpo(np.array([float(e.success) for e in scored]), np.zeros(len(scored), int))
            assert (credit > 0).sum() == 1 and credit.std() > 0
    assert [a.task for a in found] == [b.task for b in fresh]
    assert buffer.planted == {n for n, (a, b) in enumerate(zip(found, fresh, strict=True)) if a is not b}


def test_the_newest_success_is_planted_and_never_grows_younger():
    buffer = LastSuccess(age=2, seed=1)
    assert not seen(buffer, group("a", [False] * 4))[0].success, "nothing is stored yet"
    seen(buffer, group("a", [True, False, True], 1))
    seen(buffer, group("b", [True, False], 2))
    for number in (3, 4):
        found = seen(buffer, group("a", [False] * 4, number))
        planted = [e.id for e in found if e.success]
        assert planted == (["a1.2"] if number == 3 else []), "played in round 1, too old in round 4"
    assert buffer.held["a"].id == "a1.2" and buffer.now == 5


def test_no_age_stores_nothing_and_a_negative_one_is_refused():
    buffer = LastSuccess(age=0, seed=0)
    seen(buffer, group("a", [True]))
    assert not buffer.held and not buffer.plant(group("a", [False] * 3))[0].success
    with pytest.raises(TurnwiseError, match="0 or more rounds"):
        LastSuccess(-1, 0)


# --- by which ratio it is learned from ---


@pytest.fixture(scope="module")
def played():
    """Episodes of a policy, and the policy as it is later."""
    policy = nano("maze")
    episodes, _ = sample(policy, make("maze"), 6, turns=3)
    later = copy.deepcopy(policy)
    with torch.no_grad():
        for weight in later.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(len(weight)))
    return policy, later, episodes


def learner(policy, planted=(), **how) -> Planted:
    buffer = LastSuccess(1, 0)
    buffer.planted = frozenset(planted)
    return Planted(copy.deepcopy(policy), PLAIN, 0, buffer, **how)


def alone(episodes, number, credit=1.0) -> CreditTable:
    """Credit for one episode, none for the others."""
    return CreditTable("made", "turn", [[credit * (n == number)] * len(e.turns) for n, e in enumerate(episodes)])


def test_planted_tokens_are_weighed_by_the_ratio_to_what_was_stored(played):
    """The surrogate's gradient is sum ratio * A * grad log pi; forced to 1 it is that of log pi."""
    _, later, episodes = played
    everywhere = range(len(episodes))
    batch = batch_of(episodes, alone(episodes, 2))
    stored, forced = (learner(later, everywhere, ratio=ratio) for ratio in ("stored", "forced"))
    rows = stored.rows(episodes)
    own = [row for row in rows if row.episode == 2]
    now = [row for row in forced.rows(episodes) if row.episode == 2]
    ratios = [np.exp(n.logprobs[n.loss] - o.logprobs[o.loss]) for n, o in zip(now, own, strict=True)]
    assert np.abs(np.concatenate(ratios) - 1).max() > 0.05, "the policy has moved"
    (found,) = gradients_of(stored, batch)
    (biased,) = gradients_of(forced, batch)
    assert apart(found, biased) > 0.01
    weighed = [[np.zeros(len(turn.tokens.reply), np.float32) for turn in e.turns] for e in episodes]
    for row, ratio in zip(own, ratios, strict=True):
        where = np.flatnonzero(row.loss)
        for span in row.spans:
            inside = (where >= span.start) & (where < span.end)
            weighed[2][span.turn][where[inside] - span.start] = ratio[inside]
    by_hand = CreditTable("made", "token", weighed)
    (expected,) = gradients_of(learner(later, everywhere, ratio="forced"), batch_of(episodes, by_hand))
    assert apart(expected, found) < 1e-4


def test_only_what_was_planted_may_come_from_another_policy(played):
    _, later, episodes = played
    batch = batch_of(episodes)
    with pytest.raises(TurnwiseError, match="the tokens must come from this policy"):
        learner(later, range(1, len(episodes))).learn(batch)
    (update,) = learner(later, range(len(episodes))).learn(batch)
    assert update.change["planted"] == 6 and update.change["forced_ratio"] == 0.0


def test_what_was_not_stored_is_forced_and_said_so(played):
    """An episode without tokens, as a person's: ratio 1 at its own tokens, and the update tells how many."""
    policy, _, episodes = played
    bare = replace(episodes[0], turns=tuple(replace(turn, tokens=None) for turn in episodes[0].turns))
    batch = batch_of([bare, *episodes[1:]])
    (update,) = learner(policy, [0, 1]).learn(batch)
    assert 0 < update.change["forced_ratio"] < 1
    (row, *_) = learner(policy, [0]).rows(batch.episodes)
    assert (row.logprobs[row.loss] < 0).all()
    (row, *_) = learner(policy).rows(batch.episodes)
    assert not row.logprobs.any(), "only what was planted is filled in"
    with pytest.raises(UnknownName, match="did you mean 'stored'"):
        learner(policy, ratio="store")


def test_a_round_that_teaches_nothing_moves_nothing(played):
    """No update, even where steps before have left a momentum."""
    policy, _, episodes = played
    one = learner(policy)
    one.learn(batch_of(episodes))
    fresh, _ = sample(one.policy, make("maze"), 4, turns=3)
    before = copy.deepcopy(one.policy.state_dict())
    (update,) = one.learn(batch_of(fresh, alone(fresh, 0, credit=0.0)))
    assert update.change["steps"] == 0.0 and update.after == one.policy.version == 2
    assert all(torch.equal(before[name], weight) for name, weight in one.policy.state_dict().items())


def test_the_buffer_is_part_of_the_checkpoint(played, tmp_path):
    policy, _, episodes = played
    one, two = learner(policy), learner(policy)
    marked = [replace(e, ends=tuple(replace(leaf, facts={"success": True}) for leaf in e.ends)) for e in episodes]
    one.learn(batch_of(marked))
    one.save(tmp_path)
    two.load(tmp_path)
    assert two.buffer.held.keys() == one.buffer.held.keys() and two.buffer.played == one.buffer.played
    failed = group(marked[0].task.key, [False] * 3)
    old = [e for e in two.buffer.plant(failed) if e.turns]
    assert [e.id for e in old] == [e.id for e in one.buffer.plant(failed) if e.turns] and len(old) == 1
    np.testing.assert_array_equal(
        old[0].turns[0].tokens.logprobs, one.buffer.held[old[0].task.key].turns[0].tokens.logprobs
    )


# --- the recipe ---


def test_with_all_three_switched_off_it_is_grpo_byte_for_byte(tmp_path):
    model = imitator(tmp_path)
    plain, _ = improved(model, "grpo", tmp_path / "grpo")
    alike, _ = improved(model, "rapo", tmp_path / "off", easy=1.1, scale=False, replay=0)
    other, rounds = improved(model, "rapo", tmp_path / "on")
    assert plain == alike != other
    assert all(line.keys() >= {"planted", "stored_successes", "pruned_tasks"} for line in rounds)


def test_a_steerable_reward_needs_a_world_of_calls():
    from turnwise.api.specs import spec

    with pytest.raises(WrongPairing, match="such as search-rooms"):
        spec("maze", "rapo", "scratch:nano", {"reward": "steerable"}, {}, 0).build()
    spec("search-rooms", "rapo", "scratch:nano", {"reward": "steerable"}, {}, 0).build()
