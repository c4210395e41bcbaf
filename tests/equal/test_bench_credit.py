"""The credit benchmark as a whole: its table, its reference, training with its rules, its page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_scene import row_of

from turnwise.bench.credit.document import page
from turnwise.bench.credit.evidence import COMMANDS, evidence
from turnwise.bench.credit.reference import compare, mark, reference
from turnwise.bench.credit.rules import ROWS
from turnwise.bench.credit.run import bench_credit, problem_of
from turnwise.bench.credit.training import COURSES, Course, train, training_check
from turnwise.cli import main
from turnwise.core.errors import TurnwiseError, UnknownName

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def short() -> dict:
    """The whole table, four replicates each."""
    return bench_credit(replicates=4)


def test_the_oracle_is_exact(short: dict) -> None:
    for world, policies in short["worlds"].items():
        oracle = policies["mid"]["rules"]["oracle"]
        assert oracle["pearson"] == [1.0, 0.0] and oracle["spearman"] == [1.0, 0.0] and oracle["sign"] == [1.0, 0.0]
        assert oracle["null"] == (None if world == "bit-search" else [0.0, 0.0])
        assert policies["mid"]["truth_check"] >= 0.98


def test_exact_start_values(short: dict) -> None:
    found = {world: policies["mid"]["value"] for world, policies in short["worlds"].items()}
    assert found["key-corridor"] == pytest.approx([0.302500], abs=1e-6)
    assert found["loop-grid"] == pytest.approx([0.496233], abs=1e-6)
    assert found["bit-search"] == pytest.approx([0.199413, 0.393363], abs=1e-6)
    assert found["work-submit"] == pytest.approx([0.278292], abs=1e-6)


def test_rules_that_promise_no_bias_point_along_the_exact_gradient(short: dict) -> None:
    """Where 2048 episodes show the direction: not in bit-search."""
    promised = {row.name for row in ROWS if not row.rule.biased and "fitted" not in row.name and "spa" not in row.name}
    assert {"rloo", "reinforce", "gae-1-exact", "mc-8"} <= promised
    for world in ("key-corridor", "work-submit"):
        rules = short["worlds"][world]["mid"]["rules"]
        for name in promised & rules.keys():
            value, half = rules[name]["cosine"]
            assert abs(value - 1.0) < max(0.03, 1.5 * half), (world, name)


def test_rules_that_lean_are_seen_to_lean(short: dict) -> None:
    worlds = {world: policies["mid"]["rules"] for world, policies in short["worlds"].items()}
    assert worlds["work-submit"]["episode-z"]["cosine"][0] < -0.4
    assert worlds["work-submit"]["dr-grpo-length"]["cosine"][0] < 0.92
    assert worlds["work-submit"]["d-ra-misaligned"]["cosine"][0] < 0.92
    assert worlds["key-corridor"]["spa-credit"]["cosine"][0] < 0.88
    assert worlds["key-corridor"]["spa-credit"]["null"][0] < 0.1 < 0.8 < worlds["key-corridor"]["rloo"]["null"][0]
    assert worlds["bit-search"]["igpo-raw"]["cosine"][0] < 0.6


def test_the_reference_table_is_met_where_a_few_replicates_can_tell() -> None:
    """The pass marks are for 20 replicates; pearson and sign of the two quiet worlds are sure enough at eight."""
    found = bench_credit(["key-corridor", "work-submit"], replicates=8)
    entries = [one for one in compare(found) if one.statistic in ("pearson", "sign", "null")]
    assert len(entries) > 60
    missed = [one for one in entries if not one.within and not one.chance]
    assert len(missed) <= 0.1 * len(entries), missed


def test_pass_marks() -> None:
    assert mark("bit-search", "rloo", "pearson", 0.24) == 0.03 and mark("loop-grid", "rloo", "sign", 0.6) == 0.01
    assert mark("loop-grid", "rloo", "snr", 2.0) == 0.5 and mark("loop-grid", "oracle", "pearson", 1.0) == 0.0
    rows = {row.name for row in ROWS}
    for part in ("mid", "training"):
        assert all(set(table) <= rows for table in reference()[part].values())
    assert all(set(table) <= set(COURSES[world].rows) for world, table in reference()["training"].items())


def test_same_seed_same_figures() -> None:
    def once(seed: int) -> dict:
        return bench_credit(["key-corridor"], replicates=4, seed=seed, rules=["rloo", "mc-8"])

    assert once(1) == once(1) != once(2)
    alone = bench_credit(["key-corridor"], replicates=4, seed=1, rules=["rloo"])["worlds"]["key-corridor"]["mid"][
        "rules"
    ]
    assert alone["rloo"] == once(1)["worlds"]["key-corridor"]["mid"]["rules"]["rloo"]


def test_too_few_replicates_and_unknown_worlds_are_refused() -> None:
    with pytest.raises(TurnwiseError, match="3 replicates"):
        bench_credit(replicates=3)
    with pytest.raises(UnknownName, match="did you mean 'loop-grid'"):
        problem_of("loopgrid")


# training


def test_training_with_the_oracle_reaches_the_top_and_with_a_turned_rule_does_not() -> None:
    problem = problem_of("key-corridor")
    curve = train(problem, row_of("oracle"), replace(COURSES["key-corridor"], updates=30), 0)
    assert curve[0] < 0.3 and curve[-1] > 0.97
    turned = train(problem, row_of("episode-z"), replace(COURSES["key-corridor"], updates=30), 0)
    assert turned[-1] < 0.0625


def test_training_says_when_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COURSES, "key-corridor", Course(0.5, 12, ("rloo", "oracle")))
    found = training_check(problem_of("key-corridor"), seeds=2)
    assert list(found) == ["rloo", "oracle"] and found["rloo"]["episodes"] is None
    assert found["oracle"]["episodes"] % 32 == 0 and 0.8 < found["oracle"]["final"] < 1.0


# the command and the page


def test_the_command(tmp_path: Path) -> None:
    words = ["bench", "credit", "--world", "work-submit", "--rule", "oracle", "--rule", "rloo", "--replicates", "4"]
    told = CliRunner().invoke(main, [*words, "--check", "--out", str(tmp_path), "--json"])
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found.keys() >= {"worlds", "check", "next"} and json.loads((tmp_path / "credit.json").read_text())["worlds"]
    assert (tmp_path / "credit-mid.png").read_bytes().startswith(b"\x89PNG")
    assert any(one["row"] == "oracle" and one["within"] for one in found["check"])
    shown = CliRunner().invoke(main, [*words, "--check"])
    assert "work-submit, mid policy" in shown.stdout and "entries of the reference table" in shown.stdout


def test_the_page_is_up_to_date() -> None:
    told = "python -m turnwise.bench.credit.document > docs/CREDIT.md"
    assert (DOCS / "CREDIT.md").read_text() == page(evidence()), told


def test_the_page_shows_what_was_measured() -> None:
    changed = json.loads(json.dumps(evidence()))
    changed["worlds"]["work-submit"]["mid"]["rules"]["rloo"]["cosine"] = [0.1234, 0.001]
    text = page(changed)
    assert ".123 ± .001" in text and "| `rloo` | .123 | work-submit, mid | 1 of 15 |" in text
    assert all(command in text for command in COMMANDS.values())
