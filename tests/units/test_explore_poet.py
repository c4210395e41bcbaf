"""POET as its sheet has it (specs/learn/poet), and the family of courses in which it is tried."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.bench.poet import bench_poet, line_to, started_at, told_of
from turnwise.core.errors import TurnwiseError
from turnwise.explore.poet import (
    Course,
    Criterion,
    Evolution,
    Learner,
    Poet,
    PoetSettings,
    ancestors,
    centred_ranks,
    evolution_step,
    novelty,
)
from turnwise.worlds import make
from turnwise.worlds.obstacle_run import ObstacleRun, fits
from turnwise.worlds.obstacle_run_rules import line, right_act

SMALL = PoetSettings(Evolution(samples=16, lr=0.1), active=4, transfer_every=5, mutate_every=5, checks=60)


@pytest.fixture(scope="module")
def grown() -> Poet:
    """A population after a while."""
    poet = Poet(ObstacleRun, SMALL, 1)
    poet.run(120)
    return poet


# --- the rules of the sheet ---


def test_the_minimal_criterion_includes_its_ends():
    criterion = Criterion()
    assert [criterion.admits(score) for score in (20, 25, 340, 350)] == [False, True, True, False]
    with pytest.raises(TurnwiseError, match="from 3 to 2"):
        Criterion(3, 2)


def test_a_duplicate_is_not_novel():
    archive = [np.array([3.0, 4.0, 0, 0, 0])] * 5 + [np.zeros(5)]
    assert novelty(archive[0], archive) == 0
    assert novelty(np.zeros(5), archive) == pytest.approx((0 + 4 * 5) / 5)
    assert novelty(np.zeros(5), archive[:2]) == pytest.approx(5)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=20))
def test_ranks_know_order_alone(scores):
    given_ = np.array(scores, np.float64)
    ranks = centred_ranks(given_)
    assert ranks.sum() == pytest.approx(0, abs=1e-9) and np.abs(ranks).max() <= 0.5
    np.testing.assert_array_equal(ranks, centred_ranks(np.exp(given_ / 10)))
    assert not centred_ranks(np.full(7, 3.0)).any(), "nothing follows from scores that are all the same"


def test_evolution_moves_towards_the_optimum_whatever_the_scale():
    target, how = np.array([1.0, -2.0, 0.5]), Evolution(samples=40, lr=0.05, l2=0.0)
    ends = []
    for scale in (lambda x: x, lambda x: np.exp(x / 5) - 7):
        learner, rng = Learner.new(3), np.random.default_rng(0)
        distances = []
        for _ in range(150):
            learner = evolution_step(learner, lambda x, _, f=scale: f(-((x - target) ** 2).sum(1)), how, rng)
            distances.append(np.linalg.norm(learner.theta - target))
        assert distances[-1] < 0.2 < distances[0]
        ends.append(learner.theta)
    np.testing.assert_allclose(ends[0], ends[1])


def test_the_population_stays_small_and_the_archive_keeps_all(grown):
    assert len(grown.pairs) <= SMALL.active < len(grown.archive)
    assert [niche.number for niche in grown.archive] == list(range(len(grown.archive)))
    assert all(grown.archive[pair.niche.number] is pair.niche for pair in grown.pairs)
    assert len(grown.retired) == len(grown.archive) - len(grown.pairs)
    oldest = min(pair.niche.number for pair in grown.pairs)
    assert {pair.niche.number for pair in grown.pairs} == set(range(oldest, len(grown.archive))), "the oldest leave"


def test_every_environment_has_a_chain_of_ancestors_that_mutation_made(grown):
    for niche in grown.archive:
        chain = [grown.archive[number] for number in ancestors(niche, grown.archive)]
        assert chain[0].settings == ObstacleRun.first and chain[-1] is niche
        for parent, child in zip(chain, chain[1:], strict=False):
            assert parent.born < child.born and np.abs(parent.vector - child.vector).max() == pytest.approx(1)
    assert len({tuple(niche.vector) for niche in grown.archive}) == len(grown.archive)


def test_a_transfer_never_lowers_the_score_it_is_judged_by(grown):
    assert grown.transferred
    for moved in grown.transferred:
        assert moved["score"] > moved["was"] and moved["from"] != moved["to"]
    counted = sum(niche.new and niche.solved is not None for niche in grown.archive)
    assert grown.annecs == counted > 0 and not grown.archive[0].new


def test_alone_they_are_independent_runs_of_evolution():
    alone = replace(SMALL, transfers=False, mutations=False)
    poet = Poet(ObstacleRun, alone, 5)
    poet.run(12)
    learner, course = Learner.new(poet.pairs[0].niche.course.size), Course(ObstacleRun(**ObstacleRun.first))
    for iteration in range(12):
        poet_draws = Poet(ObstacleRun, alone, 5)
        poet_draws.iteration = iteration
        learner = poet_draws._step(learner, poet.pairs[0].niche, "learn")
    np.testing.assert_array_equal(learner.theta, poet.pairs[0].learner.theta)
    assert len(poet.pairs) == len(poet.archive) == 1 and not poet.transferred
    assert course.exact(learner.theta) > course.exact(np.zeros(course.size))


def test_every_episode_is_counted():
    poet, played = Poet(ObstacleRun, SMALL, 1), 0
    sampled = Course.sampled

    def counted(self, thetas, episodes, rng):
        nonlocal played
        played += len(thetas) * episodes
        return sampled(self, thetas, episodes, rng)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Course, "sampled", counted)
        poet.run(40)
    assert len(poet.archive) > 2 and poet.episodes == played


def test_same_seed_same_population():
    one, other = (Poet(ObstacleRun, SMALL, 3) for _ in range(2))
    one.run(30)
    other.run(10)
    other.run(20)
    assert [n.settings for n in one.archive] == [n.settings for n in other.archive]
    for a, b in zip(one.pairs, other.pairs, strict=True):
        np.testing.assert_array_equal(a.learner.theta, b.learner.theta)


def test_numbers_that_make_no_run_are_refused():
    with pytest.raises(TurnwiseError, match="below 1"):
        PoetSettings(tries=0)


# --- courses ---


def test_sampled_scores_agree_with_exact_ones():
    rng = np.random.default_rng(0)
    course = Course(ObstacleRun(5, 1, 1, 0, 0.05))
    thetas = rng.normal(size=(4, course.size))
    thetas[0] = 0
    found = course.sampled(thetas, 20000, rng)
    exact = np.array([course.exact(theta) for theta in thetas])
    assert (np.abs(found - exact) < 4 * np.sqrt(np.maximum(exact * (1 - exact), 1e-4) / 20000)).all()


def test_a_policy_plays_the_worlds_text_as_it_plays_the_table():
    world = ObstacleRun(4, 1, 0, 1, 0.05)
    course, theta = Course(world), np.random.default_rng(1).normal(size=Course(world).size)
    law = course.laws(theta[None])[0][course.look]
    number = {world.tell(point): s for s, point in enumerate(world.problem().points)}

    def told(views):
        return law[[number[view[-1].text.removeprefix(world.refusal)] for view in views]]

    assert world.exact(told).mean == pytest.approx(course.exact(theta))


def test_what_a_course_asks_for():
    cells = line(6, 1, 1, 1)
    assert cells == ("flat", "gap", "beam", "flat", "stump", "flat")
    assert [right_act(cells, cell) for cell in range(6)] == ["run", "jump", "duck", "walk", "climb", "walk"]
    world = make("obstacle-run", length=6, slip=0.05)
    assert world.exact().mean == pytest.approx(0.95**6)


@given(st.integers(0, 10**6))
def test_mutants_are_courses_of_the_family(seed):
    rng, settings = np.random.default_rng(seed), ObstacleRun.first
    for _ in range(12):
        child = ObstacleRun.mutate(settings, rng)
        moved = np.abs(ObstacleRun.vector(child) - ObstacleRun.vector(settings))
        assert fits(child) and child != settings and moved.max() == pytest.approx(1)
        settings = child
    ObstacleRun(**settings)


# --- the arms ---


def test_the_curriculum_goes_straight_to_its_target():
    target = {"length": 9, "gaps": 2, "beams": 1, "stumps": 0, "slip": 0.02}
    stages = line_to(target)
    assert stages[0] == ObstacleRun.first and stages[-1] == target
    assert (np.diff([ObstacleRun.vector(stage) for stage in stages], axis=0) >= -1e-9).all()
    assert started_at(target).first == target


def test_the_bench_tells_what_held():
    found = bench_poet(seeds=2, episodes=20_000)
    assert [row["seed"] for row in found["seeds"]] == [0, 1] and len(found["claims"]) == 3
    for row in found["seeds"]:
        assert row["ancestors"][0] == dict(ObstacleRun.first) and row["ancestors"][-1] == row["target"]
        assert 0 <= row["by_chance"] <= 1 and row["poet"] >= SMALL.solves - 0.2
    assert told_of([0.5, 0.6, 0.7])["held"] and not told_of([-0.5, 0.6, 0.7])["held"] and not told_of([1.0])["held"]
