"""Episodes over the horizon: the corridors, many runs as one problem, and ArCHer's two levels on tables."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from turnwise.bench.credit import horizon
from turnwise.bench.credit.copies import Copies
from turnwise.bench.credit.horizon import (
    ARMS,
    CORRIDORS,
    OnPolicy,
    bench_horizon,
    corridor,
    factors,
    in_words,
    runs,
    told,
)
from turnwise.bench.credit.horizon_page import horizon_evidence, section
from turnwise.bench.credit.rules import ROWS
from turnwise.bench.credit.scene import Scene
from turnwise.bench.credit.table_archer import TableCritic, TableReplay, actor_step
from turnwise.bench.credit.training import softmax, step
from turnwise.cli import main
from turnwise.core.chance import generator
from turnwise.core.errors import UnknownName
from turnwise.worlds.key_corridor_rules import key_turns, problem
from turnwise.worlds.tabular import mixed, solve, visits

LONG = corridor(16, 4)


def uniform(one):
    return np.full(one.after.shape[:2], 0.25)


def played(one, policy, groups=64, seed=0, count=1):
    """Episodes of a policy in some copies of a problem."""
    copies = Copies(one, count)
    return copies, copies.play(np.tile(policy, (count, 1)), groups, 8, generator(seed, "test"))


# --- corridors ---


@pytest.mark.parametrize("name", CORRIDORS)
@pytest.mark.parametrize("turns", [4, 8, 16, 64])
def test_the_uniform_policy_wins_one_time_in_16_and_the_best_one_always(name, turns):
    one = corridor(turns, CORRIDORS[name](turns))
    assert (one.start @ solve(one, uniform(one)).v)[0] == pytest.approx(1 / 16)
    assert (one.start @ solve(one).v)[0] == pytest.approx(1.0)


def test_one_key_is_the_world_of_the_sheet():
    one, same = corridor(8, 1), problem()
    assert len(one.states) == 13 and np.array_equal(one.after, same.after) and np.array_equal(one.rewards, same.rewards)


def test_keys_are_before_the_door_and_a_missed_one_loses_all():
    assert [*key_turns(8, 1)] == [2] and [*key_turns(16, 4)] == [2, 5, 8, 11] and [*key_turns(64, 16)][-1] < 63
    values = solve(LONG, uniform(LONG))
    for point, v in zip(LONG.points, values.v, strict=True):
        lost = point.key < sum(t < point.t for t in key_turns(16, 4))
        assert (v == 0.0) == lost


# --- many runs as one problem ---


def test_copies_keep_to_themselves_and_have_the_values_of_the_one():
    copies, x = played(LONG, uniform(LONG), groups=2, count=3)
    values, earned = copies.values(softmax(np.zeros(copies.all.after.shape[:2])))
    np.testing.assert_allclose(earned, np.full(3, 1 / 16))
    np.testing.assert_allclose(values.v.reshape(3, -1), np.tile(solve(LONG, uniform(LONG)).v, (3, 1)))
    run_T = np.repeat(x.task_E, np.diff(x.starts_E1))
    assert np.array_equal(x.states_T // len(LONG.states), run_T) and np.bincount(x.task_E).tolist() == [16] * 3
    assert all(len(set(x.task_E[x.group_E == g])) == 1 for g in range(6))


@pytest.mark.parametrize("row", ["rloo", "reinforce", "gae-.95-fitted"])
def test_runs_side_by_side_step_as_each_would_alone(row):
    """The step of the training check, for every run with its own size and its own root mean square."""
    policy = mixed(LONG, 0.6)
    copies, x = played(LONG, policy, groups=8, count=2)
    values, _ = copies.values(np.tile(policy, (2, 1)))
    sizes = copies.spread(np.array([0.5, 2.0]))
    found = OnPolicy(row, copies, generator(0)).step(x, values, np.zeros_like(values.policy), sizes)
    alone = Copies(LONG, 1)
    for run, size in enumerate((0.5, 2.0)):
        mine = np.repeat(x.task_E, np.diff(x.starts_E1)) == run
        turns = len(LONG.states) * run
        part = type(x)(
            alone.all,
            x.states_T[mine] - turns,
            x.actions_T[mine],
            x.rewards_T[mine],
            x.starts_E1[64 * run : 64 * run + 65] - x.starts_E1[64 * run],
            x.group_E[:64],
            x.task_E[:64],
            x.facts_E[:64],
        )
        own = alone.values(policy)[0]
        rule = next(one for one in ROWS if one.name == row)
        credit = rule.credit(Scene(part, own, lambda part=part: part, generator(0)))
        np.testing.assert_allclose(
            found[turns : turns + len(LONG.states)], size * step(part, credit, policy), atol=1e-12
        )


# --- ArCHer on tables ---


@pytest.mark.parametrize(("tau", "steps"), [(1.0, 32), (0.1, 1500)])
def test_the_critic_says_what_the_current_policy_is_worth_whoever_played(tau, steps):
    """Exactly, where nothing is left to luck and all was played once; the player's own returns say something else."""
    one, now = corridor(8, 1), mixed(corridor(8, 1), 0.7)
    _, x = played(one, uniform(one), groups=512)
    replay, critic = TableReplay(now.shape), TableCritic(now.shape, tau=tau)
    replay.add(x)
    assert (replay.counts > 0).all()
    critic.learn(replay, now, steps)
    exact = solve(one, now)
    np.testing.assert_allclose(critic.q, exact.q, atol=1e-6)
    np.testing.assert_allclose(critic.v, exact.v, atol=1e-6)
    assert exact.v[0] > 5 * x.returns_E.mean()


def test_with_luck_it_comes_close():
    now = mixed(LONG, 0.7)
    _, x = played(LONG, uniform(LONG), groups=2048)
    replay, critic = TableReplay(now.shape), TableCritic(now.shape)
    replay.add(x)
    critic.learn(replay, now, 32)
    assert np.abs(critic.v - solve(LONG, now).v).max() < 0.05 < solve(LONG, now).v[0] - x.returns_E.mean()


def test_few_steps_of_a_slow_target_carry_no_value_through_a_long_corridor():
    """Why ArCHer's fifty steps a round lag behind the horizon: a fifth of the value after 4 turns, nothing after 64."""
    for turns, least, most in ((4, 0.1 / 16, 0.5 / 16), (64, 0.0, 1e-6)):
        one = corridor(turns, 1)
        _, x = played(one, uniform(one), groups=256)
        replay, critic = TableReplay(one.after.shape[:2]), TableCritic(one.after.shape[:2], tau=0.1)
        replay.add(x)
        critic.learn(replay, uniform(one), 50)
        assert least <= critic.v[0] <= most


def test_a_replay_of_one_batch_forgets_the_others():
    copies = Copies(LONG, 1)
    first, second = (copies.play(uniform(LONG), 4, 8, generator(seed)) for seed in (1, 2))
    short, fresh, whole = TableReplay((len(LONG.states), 4), 1), *(TableReplay((len(LONG.states), 4)) for _ in "ab")
    for replay, batches in ((short, (first, second)), (fresh, (second,)), (whole, (first, second))):
        for batch in batches:
            replay.add(batch)
    assert np.array_equal(short.counts, fresh.counts) and np.array_equal(short.rewards, fresh.rewards)
    assert np.array_equal(short.follows.toarray(), fresh.follows.toarray())
    assert whole.counts.sum() == 2 * 32 * 16 == 2 * short.counts.sum()


def test_equal_critics_change_nothing():
    copies, critic = Copies(LONG, 2), TableCritic((2 * len(LONG.states), 4))
    critic.v += 0.3
    critic.q += 0.3
    seen = np.ones(2 * len(LONG.states))
    gradient = actor_step(copies, seen, critic, softmax(np.zeros_like(critic.q)), 64, 1024, generator(0))
    assert not gradient.any()


def test_with_exact_values_the_actor_follows_the_exact_gradient():
    """On the replay's own state distribution; here that of the policy, so it is the gradient of the expected return."""
    policy = mixed(LONG, 0.6)
    exact, d = solve(LONG, policy), visits(LONG, policy)[0]
    critic = TableCritic(policy.shape)
    critic.q, critic.v = exact.q, exact.v
    found = actor_step(Copies(LONG, 1), d, critic, policy, 64, 2_000_000, generator(0)).ravel()
    true = (d[:, None] * policy * exact.advantages).ravel()
    assert found @ true / np.linalg.norm(found) / np.linalg.norm(true) > 0.999


# --- figures ---


def test_medians_and_factors():
    ours, half = np.array([64.0, 64.0, 128.0]), np.array([640.0, np.inf, 1280.0])
    table = {"archer": told(ours, generator(0)), "rloo": told(half, generator(0))}
    assert table["archer"]["median"] == 64.0 and table["archer"]["low"] == 64.0 and table["archer"]["high"] == 128.0
    assert table["rloo"]["episodes"] == [640.0, None, 1280.0] and table["rloo"]["median"] == 1280.0
    assert table["rloo"]["high"] is None
    factors(table, 6400, generator(0))
    assert table["rloo"]["factor"][0] == 20.0 and table["rloo"]["factor"][3] is False
    assert table["archer"]["factor"] == [1.0, 1.0, 1.0, False]
    table = {"archer": told(ours, generator(0)), "rloo": told(np.full(3, np.inf), generator(0))}
    factors(table, 6400, generator(0))
    assert table["rloo"]["factor"][0] == 100.0 and table["rloo"]["factor"][3] is True


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
def test_every_arm_learns_a_short_corridor(arm):
    needed, ended = runs(arm, 4, 1, np.full(3, 2.0), 40, 0, "test")
    assert np.isfinite(needed).all() and (needed % 64 == 0).all() and ended.min() >= 0.8


def test_the_same_seed_gives_the_same_figures_and_the_command_keeps_them(tmp_path):
    words = ["--turns", "4", "--arm", "archer", "--arm", "rloo", "--seeds", "2", "--updates", "4", "--json"]
    said = CliRunner().invoke(main, ["bench", "horizon", *words, "--out", str(tmp_path)])
    found = json.loads(said.stdout)
    again = bench_horizon([4], ["archer", "rloo"], seeds=2, updates=4)
    assert found["corridors"] == again["corridors"] == json.loads((tmp_path / "horizon.json").read_text())["corridors"]
    assert "<svg" in (tmp_path / "horizon.svg").read_text()
    with pytest.raises(UnknownName, match="archer"):
        bench_horizon([4], ["archr"])


def test_step_sizes_are_chosen_on_other_chance(monkeypatch):
    """Pilots and reported runs never share a key."""
    keys = []
    monkeypatch.setattr(horizon, "runs", lambda *given: keys.append(given[5:]) or runs(*given))
    bench_horizon([4], ["rloo"], seeds=2, updates=2)
    assert {key[-1] for key in keys} == {"pilot", "report"}


def test_the_section_shows_what_was_measured():
    """Figures of the stored run, and words that follow them."""
    text = section(horizon_evidence())
    keys = horizon_evidence()["corridors"]["a key per four turns"]
    assert all(f"| `{arm.name}` | " in text for arm in ARMS) and in_words(keys["64"]["rloo"]) in text
    changed = json.loads(json.dumps(horizon_evidence()))
    one = changed["corridors"]["a key per four turns"]["32"]["grpo"]
    one.update(median=None, high=None, factor=[123.4, 99.0, 130.0, True])
    said = " ".join(section(changed).split())
    assert "`grpo` > 123" in said and "interval lies above it for `rloo`, `grpo`, `reinforce`." in said


def test_what_the_page_says_of_the_horizon_came_out():
    """The lead over credit of whole episodes grows with the number of turns that must be right, and only with that."""
    corridors = horizon_evidence()["corridors"]
    for name in ("reinforce", "grpo", "rloo", "gae-.95-fitted"):
        at = {turns: one[name]["factor"] for turns, one in corridors["a key per four turns"].items()}
        assert at["8"][0] < at["64"][0] and at["8"][2] < at["64"][1], name
        assert all(one[name]["factor"][0] < 2.0 for one in corridors["one key"].values())
    slow = [one["archer-50-steps"]["factor"][0] for one in corridors["one key"].values()]
    assert slow == sorted(slow) and slow[-1] > 10.0
