"""`turnwise bench lmrl`: orders are compared as the sheet says, and the page says what the evidence says."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from turnwise.api.comparing import plan
from turnwise.api.defaults import MODEL
from turnwise.bench.lmrl import document, games, run
from turnwise.bench.lmrl import picture as picture_of
from turnwise.bench.lmrl.agreement import agreement, kendall, spearman
from turnwise.bench.lmrl.document import page
from turnwise.bench.lmrl.evidence import evidence
from turnwise.bench.lmrl.games import GAMES, METHODS, Published
from turnwise.bench.lmrl.picture import picture
from turnwise.cli import main
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.measure.normalised import Anchors
from turnwise.worlds import make
from turnwise.worlds.wordle import Wordle

DOCS = Path(__file__).parents[2] / "docs"
X = (30.7, 44.4, 46.0, 46.8, 48.0, 50.0, 55.0)
Y = (28.0, 46.0, 44.0, 47.0, 50.0, 49.0, 56.0)


def alone(values):
    """One seed, one task: nothing to draw anew."""
    return np.array(values)[:, None, None]


def test_the_worked_example_of_the_sheet():
    assert spearman(X, Y) == pytest.approx(0.928571, abs=1e-6)
    assert kendall(X, Y) == pytest.approx(0.809524, abs=1e-6)
    found = agreement(spearman, alone(X), Y, np.random.default_rng(0), resamples=10)
    assert found.p == pytest.approx(17 / 5040) and found.low == found.value == found.high


@given(st.permutations(range(5)), st.permutations(range(5)))
def test_only_the_order_counts(x, y):
    for correlation in (kendall, spearman):
        assert correlation(np.exp(x), y) == pytest.approx(correlation(x, y))
        assert correlation(x, x) == pytest.approx(1) and correlation(x, [-one for one in x]) == pytest.approx(-1)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=8))
def test_ties_are_treated_as_scipy_treats_them(pairs):
    x, y = np.array(pairs, float).T
    if np.ptp(x) and np.ptp(y):
        assert kendall(x, y) == pytest.approx(kendalltau(x, y).statistic)
        assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)


def test_where_nothing_differs_nothing_agrees():
    assert kendall([1, 1, 1], [1, 2, 3]) == spearman([1, 1, 1], [1, 2, 3]) == 0


def test_what_varies_from_seed_to_seed_widens_the_interval():
    rng = np.random.default_rng(1)
    order = np.arange(6.0)
    clear = order[:, None, None] + 0.01 * rng.normal(size=(6, 5, 10))
    noisy = order[:, None, None] + 6.0 * rng.normal(size=(6, 5, 1))
    told = [agreement(kendall, one, order, np.random.default_rng(2), 200) for one in (clear, noisy)]
    assert told[0].low == told[0].high == pytest.approx(1) and told[1].high - told[1].low > 0.2


def test_three_methods_are_too_few():
    with pytest.raises(TurnwiseError, match="3 methods"):
        agreement(kendall, alone([1, 2, 3]), [1, 2, 3], np.random.default_rng(0))


@pytest.mark.parametrize("name", GAMES)
def test_a_game_can_be_played(name):
    """Nothing is played: every setting is known and has an effect; published figures are the sheet's own arithmetic."""
    game = GAMES[name]
    assert len(plan(game.world, METHODS, game.seeds, MODEL, game.settings, game.world_settings)[0]) == len(METHODS)
    assert game.settings["expert"] == game.data
    row = game.published
    assert len(row.returns) == len(row.scores) == len(METHODS) and game.seeds >= 3
    worst, data, best = row.anchors
    printed = [Anchors(worst, data, best, "").carried(one) for one in row.returns]
    assert printed[METHODS.index("ilql")] == pytest.approx(row.scores[METHODS.index("ilql")], abs=1.0)


def test_what_differs_from_the_published_wordle_is_said():
    """Every setting of the world that is not the published one, and the data where it is not the published policy's."""
    game = GAMES["wordle"]
    assert set(game.world_settings) == {"vocabulary", "answers"} and game.data != Wordle.demonstrator
    for said in ("22 words", "letters of the guess beside their marks", "with chance .8"):
        assert said in " ".join(game.smaller.split())
    player = make(game.world, **game.world_settings).expert(game.data)
    assert len(game.world_settings["vocabulary"]) == 22 and player.share == 0.8


def test_the_page_says_why_wordle_is_another_game_and_shows_its_pilots_while_it_is_not_played():
    found = evidence()
    played = {**found, "games": {**found["games"], "wordle": found["games"]["maze"]}}
    unplayed = {**found, "games": {name: one for name, one in found["games"].items() if name != "wordle"}}
    assert "`sg lb ay tb eg`" in page(played) and "`sg lb ay tb eg`" in page(unplayed)
    assert "Pilots of cloning" in page(unplayed) and "Pilots of cloning" not in page(played)


def test_an_unknown_game_is_named():
    with pytest.raises(UnknownName, match="maze"):
        run.bench_lmrl(["mazes"])


FOUR = ("bc", "mc-returns", "ilql", "ppo")


@pytest.fixture
def tiny(monkeypatch):
    """Four methods in a game of seconds."""
    few = {"expert": "optimal", "demos": 12, "demo_turns": 3, "demo_epochs": 1, "evaluate": 1}
    few |= {"ppo.rounds": 1, "ppo.tasks": 4, "mc-returns.epochs": 1, "ilql.epochs": 1}
    row = Published((-5.0, -3.0, 0.0), (-4.0, -3.0, -2.0, -1.0), (25.0, 50.0, 66.7, 83.3))
    small = {"layout": "umaze", "max_steps": 4}
    game = dataclasses.replace(GAMES["maze"], world_settings=small, settings=few, seeds=2, published=row)
    monkeypatch.setattr(games, "GAMES", {**GAMES, "maze": game})
    for module in (run, document, picture_of):
        monkeypatch.setattr(module, "GAMES", games.GAMES)
    for module in (games, run, document, picture_of):
        monkeypatch.setattr(module, "METHODS", FOUR)


def test_it_runs_goes_on_and_is_kept(tiny, tmp_path):
    words = ["bench", "lmrl", "--game", "maze", "--out", str(tmp_path / "runs"), "--json"]
    told = [CliRunner().invoke(main, words) for _ in range(2)]
    assert [one.exit_code for one in told] == [0, 0], told[0].output
    first, again = (json.loads(one.stdout)["games"]["maze"] for one in told)
    assert first == again and list(first["methods"]) == list(FOUR)
    assert first["anchors"]["worst"] == -5 < first["anchors"]["data"][0] < first["anchors"]["best"][0]
    for figures in first["methods"].values():
        assert len(figures["by_seed"]) == 2 and figures["return"][0] == pytest.approx(np.mean(figures["by_seed"]))
    assert first["methods"]["bc"]["own_episodes"] == 0 and first["methods"]["ppo"]["own_episodes"] == 4
    found = {"model": MODEL, "source": "here", "games": {"maze": first}}
    place = tmp_path / "evidence.json"
    place.write_text(json.dumps({"games": {"wordle": first}}))
    run.store(found, place)
    assert list(json.loads(place.read_text())["games"]) == ["maze", "wordle"]
    shown = page(found)
    assert "Not played yet: Maze, partially observed; Wordle." in shown and "| `ilql` |" in shown
    svg = [picture(found, tmp_path / name).read_bytes() for name in ("a.svg", "b.svg")]
    assert svg[0] == svg[1] and b"mc-returns" in svg[0]


def test_the_page_is_up_to_date():
    told = "python -m turnwise.bench.lmrl.document > docs/LMRL.md"
    assert (DOCS / "LMRL.md").read_text() == page(evidence()), told
