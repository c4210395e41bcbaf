"""Every world still plays its golden game; `playthrough.py` says how to write the files anew."""

from __future__ import annotations

import pytest
from playthrough import GAMES, HERE, play_through


@pytest.mark.parametrize("name", list(GAMES))
def test_same_game_as_the_golden_file(name):
    golden = HERE / f"{name}.txt"
    assert golden.is_file(), f"no golden file for {name}: run python tests/golden/playthrough.py"
    assert play_through(name) == golden.read_text("utf-8")


def test_no_golden_file_without_a_world():
    assert {path.stem for path in HERE.glob("*.txt")} <= set(GAMES)
