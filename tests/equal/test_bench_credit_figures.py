"""The credit benchmark: statistics of a replicate, pooled figures and rows against plain loops and exact values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_scene import rng, row_of, scene_of

from turnwise.bench.credit.rules import rows_of
from turnwise.bench.credit.run import OTHERS, WORLDS, problem_of
from turnwise.bench.credit.scene import CONTINUED
from turnwise.bench.credit.statistics import null_ratio, ranks, score, sign_agreement
from turnwise.bench.credit.summary import exact_gradient, summarise
from turnwise.bench.credit.training import softmax, value
from turnwise.core.errors import UnknownName
from turnwise.credit import RULES
from turnwise.worlds.tabular import solve


def test_sign_null_and_ranks_by_hand() -> None:
    truth, credit = np.array([0.5, -0.5, 0.01, 0.0]), np.array([1.0, 0.0, -1.0, 1.0])
    assert sign_agreement(credit, truth) == 0.75
    assert null_ratio(credit, truth) == pytest.approx(1.0 / np.sqrt(2 / 3))
    assert np.isnan(null_ratio(credit, truth + 1.0)) and np.isnan(null_ratio(credit * 0, truth))
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [2.5, 0.0, 2.5, 1.0]


@pytest.mark.parametrize("world", WORLDS + OTHERS)
def test_the_exact_gradient_is_that_of_the_expected_return(world: str) -> None:
    problem = problem_of(world)
    logits = rng(1).normal(size=problem.after.shape[:2])
    exact = exact_gradient(problem, solve(problem, softmax(logits)))
    for seed in range(3):
        along, h = rng(seed).normal(size=logits.shape), 1e-5
        ahead, behind = (value(problem, solve(problem, softmax(logits + d * along))) for d in (h, -h))
        assert (exact * along).sum() == pytest.approx((ahead - behind) / (2 * h), rel=1e-5)


def test_pooled_figures_against_loops() -> None:
    problem = problem_of("key-corridor")
    scenes = [scene_of("key-corridor", 64, 10 * seed) for seed in range(4)]
    values, row = scenes[0].exact, row_of("dr-grpo")
    scores = [score(one.played, values, row.credit(one), one.meter) for one in scenes]
    found, exact = summarise(scores, problem, values), exact_gradient(problem, values)
    g = np.mean([one.gradient for one in scores], axis=0)
    e2 = float((np.mean([s.gradient for s in scores[::2]], 0) * np.mean([s.gradient for s in scores[1::2]], 0)).sum())
    assert found.cosine.value == pytest.approx((g * exact).sum() / np.sqrt(e2 * (exact**2).sum()))
    assert found.snr.value == pytest.approx(512 * e2 / (np.mean([s.square for s in scores]) - e2))
    kappa = (g * exact).sum() / (g * g).sum()
    assert found.kappa.value == pytest.approx(kappa)
    bias2 = sd2 = turns = 0.0
    credits: dict[tuple[int, int], list[float]] = {}
    for one in scenes:
        for s, a, c in zip(one.played.states_T, one.played.actions_T, row.credit(one), strict=True):
            credits.setdefault((s, a), []).append(c)
    for s in range(len(problem.states)):
        cells = [np.array(credits.get((s, a), [])) for a in range(4)]
        if min(map(len, cells)) < 20:
            continue
        pi, n = values.policy[s], np.array([len(c) for c in cells])
        mean, var = np.array([c.mean() for c in cells]), np.array([c.var(ddof=1) for c in cells])
        for a in range(4):
            off = kappa * (mean[a] - pi @ mean) - values.advantages[s, a]
            noise = (1 - pi[a]) ** 2 * var[a] / n[a] + sum(pi[b] ** 2 * var[b] / n[b] for b in range(4) if b != a)
            bias2, sd2, turns = bias2 + n[a] * (off**2 - kappa**2 * noise), sd2 + n[a] * var[a], turns + n[a]
    assert found.bias.value == pytest.approx(np.sqrt(max(0.0, bias2 / turns)))
    assert found.sd.value == pytest.approx(kappa * np.sqrt(sd2 / turns))


def test_intervals_come_from_leaving_out_one_replicate() -> None:
    problem = problem_of("work-submit")
    scenes = [scene_of("work-submit", 16, 10 * seed) for seed in range(6)]
    scores = [score(one.played, one.exact, row_of("gigpo").credit(one), one.meter) for one in scenes]
    values = scenes[0].exact
    whole, exact = summarise(scores, problem, values), exact_gradient(problem, values)

    def cosine(keep: list[int]) -> float:
        even, odd = (np.mean([scores[i].gradient for i in keep if i % 2 == part], axis=0) for part in (0, 1))
        mean = np.mean([scores[i].gradient for i in keep], axis=0)
        return float((mean * exact).sum() / np.sqrt((even * odd).sum() * (exact**2).sum()))

    left = [cosine([j for j in range(6) if j != i]) for i in range(6)]
    pseudo = 6 * cosine(list(range(6))) - 5 * np.array(left)
    assert whole.cosine.half_width == pytest.approx(1.96 * pseudo.std(ddof=1) / np.sqrt(6))
    pearson = [one.pearson for one in scores]
    assert whole.pearson.value == pytest.approx(np.mean(pearson))
    assert whole.pearson.half_width == pytest.approx(1.96 * np.std(pearson, ddof=1) / np.sqrt(6))


# rows


@pytest.mark.parametrize("world", WORLDS + OTHERS)
def test_every_row_gives_a_finite_credit_per_turn(world: str) -> None:
    scene = scene_of(world)
    rows = rows_of(scene.played.problem)
    assert len(rows) >= 18
    for row in rows:
        credit = row.credit(scene)
        assert credit.shape == scene.played.states_T.shape and np.isfinite(credit).all(), row.name


def test_only_worlds_with_a_probe_or_critics_have_rows_that_read_them() -> None:
    names = {world: {row.name for row in rows_of(problem_of(world))} for world in WORLDS}
    assert "igpo-raw" in names["bit-search"] and "d-ra-aligned" in names["work-submit"]
    assert not any(name.startswith(("igpo", "d-ra", "g-ra")) for name in names["key-corridor"] | names["loop-grid"])
    with pytest.raises(UnknownName, match="did you mean 'rloo'"):
        rows_of(problem_of("loop-grid"), ["rlo"])


@pytest.mark.parametrize("world", ["key-corridor", "bit-search"])
def test_turn_rules_and_token_rules_coincide_with_one_token_a_turn(world: str) -> None:
    scene = scene_of(world)
    x = scene.played.record(scene.values("exact"))
    names = ("turn-gae", "token-gae", "bilevel-gae")
    turn, *others = (RULES[name](gamma=1.0, lam=0.7).assign(x).credit for name in names)
    for other in others:
        assert np.allclose(turn, other)


def test_identities_between_rows() -> None:
    scene = scene_of("bit-search")
    rloo, dr_grpo = (row_of(name).credit(scene) for name in ("rloo", "dr-grpo"))
    assert np.allclose(dr_grpo, 7 / 8 * rloo)
    telescoped = row_of("igpo-telescoped").credit(scene)
    assert np.allclose(telescoped, row_of("reinforce").credit(scene) - scene.values("probe"))
    rise = row_of("igpo-rise").credit(scene)
    assert np.allclose(
        RULES["reward-to-go"]().assign(replace(scene.played.record(), rewards_T=rise)).credit, telescoped
    )
    raw = row_of("igpo-raw").credit(scene)
    last = scene.played.starts_E1[1:] - 1
    assert np.allclose(np.delete(raw, last), np.delete(rise, last)) and np.array_equal(
        raw[last], scene.played.returns_E
    )


def test_costs_are_counted() -> None:
    scene = scene_of("work-submit")
    turns = len(scene.played.states_T)

    def cost(name: str) -> tuple[int, int]:
        row_of(name).credit(scene)
        return scene.meter.model_calls, scene.meter.turns

    assert cost("rloo") == cost("oracle") == cost("gae-0-exact") == (turns, turns)
    assert cost("d-ra-aligned") == (2 * turns, turns)
    other = len(scene.fitted.played.states_T)
    assert cost("fitted-q-v") == cost("spa-credit") == cost("gae-0-fitted") == (turns + other, turns + other)
    calls, played = cost("mc-8")
    assert calls == played >= turns * (1 + CONTINUED)
