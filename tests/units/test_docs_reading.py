"""docs/reading-runs.md is true: its code runs on a run folder, and finds the numbers that turnwise finds."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from made_run import make_run

from turnwise.core.beside import CREDIT
from turnwise.core.parquet import EPISODES

PAGE = (Path(__file__).parents[2] / "docs" / "reading-runs.md").read_text()


def test_every_column_is_explained() -> None:
    table = PAGE[PAGE.index("## The columns") : PAGE.index("## pandas")]
    explained = {name for row in re.findall(r"^\| (`.+?) \|", table, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert explained == set(EPISODES.names)
    assert {"name", "value", "turn"} <= set(CREDIT.names)


def test_the_examples_run_and_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    folder = make_run(tmp_path / "runs" / "hello", rounds=2, tasks=4)
    blocks = re.findall(r"^## (\w+)\n.*?```python\n(.*?)```", PAGE, re.M | re.S)
    assert [title for title, _ in blocks] == ["pandas", "Polars", "DuckDB", "datasets"]
    names: dict = {}
    for title, code in blocks:
        exec(compile(code, f"reading-runs.md: {title}", "exec"), names)

    before = list(folder.episodes("evaluate-before"))
    scored = [e.success for e in before if e.success is not None]
    found = names["pandas_success"].loc[("evaluate-before", 0)]
    assert (found["mean"], found["count"]) == (pytest.approx(np.mean(scored)), len(scored))

    played = [e for e in before if e.turns]
    row = names["polars_turns"].row(by_predicate=names["pl"].col("stage") == "evaluate-before", named=True)
    assert row["turns"] == pytest.approx(np.mean([len(e.turns) for e in played]))
    assert row["return"] == pytest.approx(np.mean([e.total() for e in played]))

    ids, credit = folder.credit("evaluate-before", 0)["potential"]
    first = [values[0] for values in credit.values if values]
    ((mean, turns),) = (
        names["duckdb_credit"].filter("stage = 'evaluate-before' AND turn = 0").project("credit, turns").fetchall()
    )
    assert turns == len(first) and mean == pytest.approx(np.mean(first))

    good = {e.id for e in folder.episodes("evaluate-after") if e.success}
    assert set(names["datasets_good"]["episode"]) == good
    assert "assistant: Is it" in capsys.readouterr().out
