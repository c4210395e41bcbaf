"""Several rules on the same episodes: beside the truth, each with its own scale, refused where they cannot be laid."""

from __future__ import annotations

import numpy as np
import pytest

import turnwise
from turnwise.api.laying import lay
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.measure.report.beside import chosen, grids, shortened

SMALL = {"demos": 60, "demo_epochs": 2, "evaluate": 2, "rounds": 1, "tasks": 8}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short run in a world with exact values."""
    return turnwise.train(
        "work-submit", "turn-ppo", settings=SMALL, out=tmp_path_factory.mktemp("runs") / "run", seed=0
    )


def test_the_truth_is_the_exact_advantage_of_the_final_policy(run):
    found = lay(run, ["exact", "rloo", "turn-gae"])
    truth, rloo, gae = found.tables
    assert [t.name for t in found.tables] == ["exact", "rloo", "turn-gae"] and not found.left_out
    for episode, exact, group, critic in zip(found.episodes, truth.values, rloo.values, gae.values, strict=True):
        assert len(exact) == len(group) == len(critic) == len(episode.turns)
        assert np.isfinite([exact, group, critic]).all() and np.abs(exact).max() <= 1.0
        assert len(set(group)) == 1, "rloo gives every turn of an episode the same"


def test_by_default_what_the_record_allows_and_the_truth(run):
    found = lay(run)
    assert [t.name for t in found.tables] == ["exact", "reward-to-go", "rloo", "grpo", "gigpo"]


def test_the_page_shows_them_side_by_side(run):
    page = run.report(["rloo", "exact"]).read_text()
    assert "The same episode under several rules" in page and "follows the truth" in page
    assert page.index("<th>exact</th>") < page.index("<th>rloo</th>"), "the truth stands first"
    assert "The same episode under several rules" not in run.report().read_text()


def test_a_grid_has_a_row_per_turn_and_a_cell_per_rule(run):
    found = lay(run, ["exact", "reward-to-go"])
    for grid, episode in zip(grids(found), chosen(found.episodes), strict=True):
        assert len(grid.rows) == len(episode.turns) and all(len(row.cells) == 2 for row in grid.rows)
        assert all(-1 <= cell.strength <= 1 for row in grid.rows for cell in row.cells)
        assert grid.agreement[0] in ("1.00", "")
    assert shortened("a\nb " + "c" * 80).endswith("…")


def test_what_cannot_be_laid_is_refused(run):
    with pytest.raises(UnknownName, match="did you mean 'rloo'"):
        lay(run, ["rlo"])
    with pytest.raises(TurnwiseError, match="which an evaluation does not have"):
        lay(run, ["igpo"])
