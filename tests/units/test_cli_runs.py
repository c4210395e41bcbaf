"""The command line with a tiny model: train, stop, resume, evaluate, report, compare."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import turnwise
from turnwise import loop
from turnwise.cli import main
from turnwise.cli.progress import Display
from turnwise.core.run_folder import RunFolder

DEMOS = ["--set", "demos=20", "--set", "demo_epochs=1", "--set", "max_new=4", "--set", "evaluate=1"]
TINY = ["--model", "scratch:nano", *DEMOS, "--set", "world.max_steps=4"]
IMPROVE = [*TINY, "--set", "tasks=4", "--set", "rounds=2"]


def run(*words: object) -> Result:
    """One call, as typed."""
    return CliRunner().invoke(main, [str(word) for word in words])


def document(told: Result) -> dict:
    """The one JSON document on standard output."""
    assert told.exit_code == 0, told.stderr
    return json.loads(told.stdout)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict, str]:
    """A run that was never stopped: its folder, its document, what stood on standard error."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    told = run("train", "maze", *IMPROVE, "--out", path, "--json")
    return path, document(told), told.stderr


def test_a_run_leaves_everything_and_says_it(trained: tuple[Path, dict, str]) -> None:
    path, found, aside = trained
    assert found["complete"] and found["run"] == str(path) and Path(found["report"]).read_text().startswith("<!")
    assert found["recipe"] == "turn-ppo" and found["recipe_settings"]["rounds"] == 2
    assert found["world_settings"]["max_steps"] == 4
    assert found["before"]["episodes"] == found["after"]["episodes"] == 25
    assert found["gain"]["return"]["tasks"] == 25 and found["gain"]["return"]["dropped"] == 0
    assert found["cost"]["demonstrations"] == 20 and found["cost"]["episodes"] == 8
    assert len(found["next"]) == 3
    lines = [line for line in aside.splitlines() if "/" in line and ": " in line]
    assert [line.split()[:2] for line in lines if line.startswith("improve")] == [
        ["improve", "1/2:"],
        ["improve", "2/2:"],
    ]
    info = RunFolder.open(path).info
    assert info["seed"] == 0 and info["command"][0] == "turnwise" and info["worlds"].keys() == {"maze"}


def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    trained: tuple[Path, dict, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, whole = tmp_path / "stopped", trained[0]
    seen = Display.round

    def stop_after_the_first_improvement(display: Display, record: dict) -> None:
        seen(display, record)
        display.stop = (record["stage"], record["round"]) == ("improve", 0)

    with monkeypatch.context() as patched:
        patched.setattr(Display, "round", stop_after_the_first_improvement)
        told = run("train", "maze", *IMPROVE, "--out", path)
    assert told.exit_code == 130 and f"next: turnwise train --resume {path}" in told.stdout
    assert not turnwise.open_run(path).complete
    assert document(run("train", "--resume", path, "--json"))["complete"]
    for inside in sorted(p.relative_to(whole) for p in (whole / "episodes").iterdir()):
        assert (path / inside).read_bytes() == (whole / inside).read_bytes(), inside


def test_a_complete_run_is_shown_again_and_not_run_again(
    trained: tuple[Path, dict, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, found, _ = trained
    monkeypatch.setattr(loop, "train", lambda *_: pytest.fail("trained again"))
    assert document(run("train", "--resume", path, "--json")) == found
    told = run("train", "maze", "--resume", path, "--seed", "0")
    assert told.exit_code == 0, "what says the same is no conflict"
    assert "paired difference" in told.stdout and "the same secret and the same luck" in told.stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [(["--seed", "3"], "--seed 3"), (["--recipe", "grpo"], "--recipe grpo"), (["--set", "rounds=9"], "--set rounds=9")],
)
def test_what_a_resumed_run_cannot_take_is_an_error(
    trained: tuple[Path, dict, str], words: list[str], found: str
) -> None:
    told = run("train", "--resume", trained[0], *words)
    assert told.exit_code == 2 and f"{found} with --resume" in told.stderr and "Traceback" not in told.stderr


def test_damage_that_resuming_finds_is_told(trained: tuple[Path, dict, str], tmp_path: Path) -> None:
    import shutil

    path = tmp_path / "torn"
    shutil.copytree(trained[0], path)
    with open(path / "metrics.jsonl", "a") as file:
        file.write('{"stage": "impr')
    told = run("train", "--resume", path)
    assert told.exit_code == 0 and "found: metrics.jsonl: 1 lines torn off" in told.stderr


def test_a_world_that_has_changed_is_refused(trained: tuple[Path, dict, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnwise.worlds.maze.Maze.hash", lambda world: "0" * 16)
    told = run("train", "--resume", trained[0])
    assert told.exit_code == 2 and "has 0000000000000000 today" in told.stderr


def test_evaluating_a_trained_agent_gives_its_last_evaluation_again(trained: tuple[Path, dict, str]) -> None:
    path, found, _ = trained
    again = document(run("evaluate", f"run:{path}", "--episodes", "25", "--json"))
    assert again["world_settings"] == found["world_settings"]
    for name in ("success", "return", "turns", "ends"):
        assert again[name] == found["after"][name], name


def test_a_trained_agent_can_be_watched_and_reported(trained: tuple[Path, dict, str]) -> None:
    path = trained[0]
    shown = document(run("play", "maze", "--agent", f"run:{path}", "--seed", "1", "--json"))
    assert shown["turns"] <= 5 and shown["error"] is None
    found = document(run("report", path, "--json"))
    assert found["report"] == str(path / "report.html")


def test_a_run_folder_is_named_when_something_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    path = tmp_path / "broken"
    monkeypatch.setattr(loop, "train", breaks)
    told = run("train", "maze", *IMPROVE, "--out", path)
    assert told.exit_code == 1 and f"what was written is in {path}" in told.stderr
    assert run("train", "maze", *IMPROVE, "--out", path).exit_code == 2, "the folder is taken"


def test_a_misspelt_model_is_answered_with_the_close_one(tmp_path: Path) -> None:
    told = run("train", "maze", *TINY, "--model", "scrach:nano", "--out", tmp_path / "none")
    assert told.exit_code == 2 and "did you mean 'scratch:nano'" in told.stderr
    assert not (tmp_path / "none").exists()


def test_parts_that_cannot_work_together_leave_no_folder(tmp_path: Path) -> None:
    told = run("train", "maze", *IMPROVE, "--recipe", "grpo", "--set", "group=1", "--out", tmp_path / "none")
    assert told.exit_code == 2 and "needs group" in told.stderr
    assert not (tmp_path / "none").exists()


def test_comparing_uses_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [
        "compare",
        "maze",
        "--recipes",
        "bc,filtered-bc,script:optimal",
        *TINY,
        "--by",
        "return",
        "--out",
        tmp_path,
    ]
    first = document(run(*words, "--seeds", "1", "--json"))
    found = document(run(*words, "--seeds", "2", "--json"))
    assert [arm["name"] for arm in found["arms"]] == ["bc", "filtered-bc", "script:optimal"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        f"{name}-seed{seed}" for name in ("bc", "filtered-bc") for seed in (0, 1)
    )
    assert first["arms"][0]["cost"]["demonstrations"] == 20 and found["equal_cost"]
    assert {(p["a"], p["b"]) for p in found["pairs"]} == {
        ("bc", "filtered-bc"), ("bc", "script:optimal"), ("filtered-bc", "script:optimal")}  # fmt: skip
    monkeypatch.setattr(loop, "train", lambda *_: pytest.fail("trained again"))
    assert document(run(*words, "--seeds", "2", "--json")) == found
    other = run(*(word if word != "demos=20" else "demos=30" for word in words))
    assert other.exit_code == 2 and "holds a run with other settings: demos=20 instead of 30" in other.stderr


def test_seeds_have_a_say_in_what_is_above() -> None:
    from turnwise.api.comparison import Verdict
    from turnwise.core.chance import generator
    from turnwise.measure.paired import paired_difference
    from turnwise.measure.ranking import rank

    tasks = {a: {(t, s): [score] for t in range(40) for s, score in scores.items()} for a, scores in
             {"a": {0: 1.0, 1: 0.2, 2: 0.9}, "b": {0: 0.0, 1: 0.9, 2: 0.1}}.items()}  # fmt: skip
    pair = rank(tasks, rng=generator("test")).pairs[0]
    assert pair.above == "a", "these runs differ"
    seeds = paired_difference({0: 1.0, 1: 0.2, 2: 0.9}, {0: 0.0, 1: 0.9, 2: 0.1}, rng=generator("test"))
    assert Verdict(pair, seeds, seeds.t_p, 40).above is None, "the recipes may not"
    clear = paired_difference({0: 0.9, 1: 0.8, 2: 0.9}, {0: 0.1, 1: 0.1, 2: 0.0}, rng=generator("test"))
    assert Verdict(pair, clear, clear.t_p, None).above == "a"
