"""The credit benchmark: episodes, continuations and estimators against plain loops and exact values."""

from __future__ import annotations

import numpy as np
import pytest
from made_scene import rng, row_of, scene_of
from scipy import stats

from turnwise.bench.credit.estimators import Fitted, continued
from turnwise.bench.credit.run import OTHERS, WORLDS, problem_of
from turnwise.bench.credit.sampling import draw, joined, play
from turnwise.bench.credit.scene import Meter
from turnwise.bench.credit.statistics import score
from turnwise.worlds.tabular import mixed, solve, visits

# sampling


@pytest.mark.parametrize("world", WORLDS + OTHERS)
def test_episodes_follow_the_arrays(world: str) -> None:
    x = scene_of(world).played
    problem, last = x.problem, np.zeros(len(x.states_T), bool)
    last[x.starts_E1[1:] - 1] = True
    following = np.append(x.states_T[1:], 0)
    for t, (s, a) in enumerate(zip(x.states_T, x.actions_T, strict=True)):
        after = problem.after[s, a]
        assert (-1 if last[t] else following[t]) in after
    first = x.states_T[x.starts_E1[:-1]]
    assert (problem.start[x.task_E, first] > 0).all()
    for of_group in (x.task_E, x.facts_E, first):
        assert (of_group.reshape(-1, 8) == of_group.reshape(-1, 8)[:, :1]).all()


@pytest.mark.parametrize("world", WORLDS + OTHERS)
def test_play_visits_states_as_often_as_it_should_and_earns_what_it_should(world: str) -> None:
    problem = problem_of(world)
    values = solve(problem, mixed(problem, 0.4))
    x = play(problem, values.policy, 2000, 2, rng(3))
    often = np.bincount(x.states_T, minlength=len(problem.states)) / 4000
    assert np.abs(often - visits(problem, values.policy).mean(0)).max() < 0.05
    per_group = x.returns_E.reshape(-1, 2).mean(1)
    error = per_group.std(ddof=1) / np.sqrt(len(per_group))
    assert abs(per_group.mean() - (problem.start @ values.v).mean()) < 4 * error


def test_same_generator_same_episodes() -> None:
    one, two = scene_of("bit-search", seed=5).played, scene_of("bit-search", seed=5).played
    assert np.array_equal(one.states_T, two.states_T) and np.array_equal(one.actions_T, two.actions_T)


def test_an_entry_of_chance_zero_never_comes() -> None:
    laws = np.tile([0.0, 0.5, 0.0, 0.5, 0.0], (20_000, 1))
    drawn = draw(laws, rng())
    assert set(drawn) == {1, 3} and abs((drawn == 1).mean() - 0.5) < 0.02


def test_joined_batches_keep_groups_apart() -> None:
    one, two = scene_of("work-submit", 4, 1).played, scene_of("work-submit", 4, 2).played
    both = joined([one, two])
    assert np.array_equal(both.returns_E, np.concatenate([one.returns_E, two.returns_E]))
    assert np.array_equal(np.bincount(both.group_E), np.full(8, 8))
    assert both.record().starts_E1[-1] == len(one.states_T) + len(two.states_T)


# estimators


def test_fitted_tables_against_loops() -> None:
    x = scene_of("work-submit").played
    fitted = Fitted(x)
    totals: dict[tuple[int, ...], list[float]] = {}
    for first, end in zip(x.starts_E1[:-1], x.starts_E1[1:], strict=True):
        for t in range(first, end):
            ahead = x.rewards_T[t:end].sum()
            totals.setdefault((x.states_T[t],), []).append(ahead)
            totals.setdefault((x.states_T[t], x.actions_T[t]), []).append(ahead)
    for s in range(len(x.problem.states)):
        assert fitted.v[s] == pytest.approx(np.mean(totals.get((s,), [0.0])))
        for a in range(len(x.problem.actions)):
            assert fitted.q[s, a] == pytest.approx(np.mean(totals.get((s, a), [fitted.v[s]])))


def test_contributions_minimise_the_ridge_loss() -> None:
    x = scene_of("key-corridor").played
    theta = Fitted(x, ridge=1.0).contributions.reshape(-1)

    def loss(table: np.ndarray) -> float:
        sums = np.add.reduceat(table[x.cells_T], x.starts_E1[:-1])
        return float(((sums - x.returns_E) ** 2).sum() + (table**2).sum())

    best = loss(theta)
    for seed in range(20):
        assert loss(theta + 0.01 * rng(seed).normal(size=len(theta))) > best


@pytest.mark.parametrize("world", ["bit-search", "work-stop"])
def test_continuations_have_the_exact_mean(world: str) -> None:
    problem = problem_of(world)
    values = solve(problem, mixed(problem, 0.4))
    states, actions = np.array([0, 5, 9]), np.array([1, 0, 2])
    returns, turns = continued(problem, values.policy, states, 4000, rng(), actions)
    assert returns.shape == (3, 4000) and turns >= 12_000
    error = returns.std(1) / np.sqrt(4000) + 1e-9
    assert (np.abs(returns.mean(1) - values.q[states, actions]) < 4 * error).all()


def test_statistics_of_a_replicate_against_loops() -> None:
    scene = scene_of("work-submit", groups=32)
    x, values = scene.played, scene.exact
    credit = row_of("rloo").credit(scene)
    truth = np.array([values.advantages[s, a] for s, a in zip(x.states_T, x.actions_T, strict=True)])
    found = score(x, values, credit, Meter(512, 256))
    assert found.pearson == pytest.approx(stats.pearsonr(credit, truth).statistic)
    assert found.spearman == pytest.approx(stats.spearmanr(credit, truth.round(12)).statistic)
    agreed = [(np.sign(c) * np.sign(a) + 1) / 2 for c, a in zip(credit, truth, strict=True) if abs(a) > 0.02]
    assert found.sign == pytest.approx(np.mean(agreed))
    nothing = np.abs(truth) < 1e-9
    assert found.null == pytest.approx(np.sqrt(np.mean(credit[nothing] ** 2)) / np.sqrt(np.mean(credit[~nothing] ** 2)))
    assert (found.model_calls, found.turns) == (2.0, 1.0)
    gradients = []
    for first, end in zip(x.starts_E1[:-1], x.starts_E1[1:], strict=True):
        gradient = np.zeros_like(values.policy)
        for t in range(first, end):
            gradient[x.states_T[t]] -= credit[t] * values.policy[x.states_T[t]]
            gradient[x.states_T[t], x.actions_T[t]] += credit[t]
        gradients.append(gradient)
    assert np.allclose(found.gradient, np.mean(gradients, axis=0))
    assert found.square == pytest.approx(np.mean([(g**2).sum() for g in gradients]))
