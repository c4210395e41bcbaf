"""docs/STUDIES.md says what the stored figures say."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnwise.bench import budget, poet
from turnwise.bench.studies import page
from turnwise.core.errors import TurnwiseError

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date():
    told = "python -m turnwise.bench.studies > docs/STUDIES.md"
    assert (DOCS / "STUDIES.md").read_text() == page(budget.evidence(), poet.evidence()), told


def test_the_page_tells_every_player_and_every_seed():
    grown, shown = poet.evidence(), page(budget.evidence(), poet.evidence())
    assert all(f"`{agent}`" in shown for agent in budget.AGENTS)
    assert all(f"seed {row['seed']}: " in shown for row in grown["seeds"])
    assert shown.count("| no |") + shown.count("| yes |") == len(grown["claims"])


@pytest.mark.parametrize("bench", [budget, poet])
def test_without_figures_the_next_move_is_told(bench, tmp_path):
    with pytest.raises(TurnwiseError, match=rf"turnwise bench {bench.__name__.rsplit('.', 1)[1]} --store"):
        bench.evidence(tmp_path / "none.json")
