"""The command line without a language model: help, mistakes, lists, playing, replaying."""

from __future__ import annotations

import gzip
import json
import shlex
import signal
from io import StringIO
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from turnwise.api.specs import make_world
from turnwise.cli import main
from turnwise.cli.docstrings import arguments, section
from turnwise.cli.progress import Display, duration, sparkline
from turnwise.cli.settings import parse
from turnwise.cli.transcript import printable, shared_opening, side_by_side, without
from turnwise.core.run_folder import RunFolder
from turnwise.recipes import RECIPES
from turnwise.worlds import WORLDS

RECORDED = Path(__file__).parent.parent / "parity" / "data"
COMMANDS = [[name] for name in main.places] + [["bench", "rollout"], ["bench", "train"]]


def run(*words: str, typed: str | None = None) -> Result:
    """One call, as typed."""
    return CliRunner().invoke(main, list(words), input=typed)


def command_at(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words lead to, and the words left for it."""
    found: click.Command = main
    while isinstance(found, click.Group) and words:
        below = found.get_command(click.Context(found), words[0])
        assert below is not None, words
        found, words = below, words[1:]
    return found, words


@pytest.mark.parametrize("words", [[], *COMMANDS], ids=lambda words: " ".join(words) or "turnwise")
def test_help_has_examples_that_parse(words: list[str]) -> None:
    shown = run(*words, "--help")
    assert shown.exit_code == 0
    examples = [line.strip() for line in shown.stdout.partition("Examples:\n")[2].splitlines() if line.strip()]
    assert examples
    for example in examples:
        typed = shlex.split(example)
        assert typed[: len(words) + 1] == ["turnwise", *words]
        found, rest = command_at(typed[1:])
        found.make_context(found.name, list(rest))


def test_a_number_may_begin_with_its_point() -> None:
    assert parse(["lam=.9", "world.noise=-.5", "model=./here"]) == (
        {"lam": "0.9", "model": "./here"},
        {"noise": "-0.5"},
    )


def test_first_sentences_fit_in_the_list() -> None:
    assert "..." not in run("--help").stdout.partition("Commands:")[2]


MISTAKES = [
    (["trian"], "no command named 'trian'", "did you mean 'train'"),
    (["bench", "rolout"], "no command named 'rolout'", "did you mean 'rollout'"),
    (["train", "--recipee", "grpo"], "no option --recipee", "did you mean --recipe"),
    (["train", "mazes"], "no world named 'mazes'", "did you mean 'maze'"),
    (["train", "maze", "--recipe", "gropo"], "no recipe named 'gropo'", "did you mean 'grpo'"),
    (["train", "maze", "--set", "roundz=3"], "no setting 'roundz'", "did you mean 'rounds'"),
    (["train", "maze", "--set", "rounds=many"], "rounds='many'", "a value like "),
    (["train", "maze", "--set", "rounds"], "--set rounds", "put a ="),
    (["train", "maze", "--set", "rounds=1", "--set", "rounds=2"], "--set rounds twice", "each setting once"),
    (["train", "maze", "--set", "world.last=3"], "no setting 'last'", "did you mean 'last_k'"),
    (["train", "maze", "--set", "world.last_k=few"], "last_k='few'", "a value like 1"),
    (["train", "maze", "--set", "value=0"], "value=0", "leave out --set value"),
    (["train", "maze", "--seed", "-1"], "--seed", "turnwise train --help"),
    (["train", "--resume", "nowhere"], "no run.json in nowhere", "check the path"),
    (["evaluate", "script:optimum", "maze"], "no expert of maze named 'optimum'", "did you mean 'optimal'"),
    (["evaluate", "scrip:optimal", "maze"], "no kind of agent named 'scrip'", "did you mean 'script'"),
    (["evaluate", "script:optimal"], "without a world", "turnwise worlds"),
    (["evaluate", "script:optimal", "maze", "--temperature", "0"], "does not sample", "leave out the temperature"),
    (["evaluate", "script:optimal", "maze", "--episodes", "0"], "--episodes", "turnwise evaluate --help"),
    (["compare", "maze", "--recipes", "bc"], "to compare", "two different recipes"),
    (["compare", "maze", "--recipes", "bc,ppo", "--set", "lam=1"], "'bc' has no setting 'lam'", "--set ppo.lam=1"),
    (["compare", "maze", "--recipes", "bc,grpo", "--set", "ppo.lam=1"], "'ppo' is not compared", "one of: bc, grpo"),
    (["compare", "maze", "--recipes", "bc,script:best"], "no expert of maze named 'best'", "one of"),
    (["play", "maze", "--seat", "user"], "no seat in maze named 'user'", "one of: agent"),
    (["play", "maze", "--task", "eval-1"], "no task in maze named 'eval-1'", "did you mean 'eval-1-"),
    (["play", "maze", "--agent", "script:mix", "--seat", "agent"], "--seat agent and --agent", "leave one out"),
    (["play", "maze", "--set", "last_k=1", "--set", "world.last_k=2"], "--set last_k twice", "each setting once"),
    (["worlds", "wordl"], "no world named 'wordl'", "did you mean 'wordle'"),
    (["recipes", "turn_ppo"], "no recipe named 'turn_ppo'", "did you mean 'turn-ppo'"),
    (["report", "nowhere"], "no run.json in nowhere", "check the path"),
    (["replay", "nothing.json"], "no file nothing.json", "a JSON file of recorded episodes"),
    (["report"], "missing argument 'RUN'", "turnwise report --help"),
]


@pytest.mark.parametrize(
    ("words", "found", "hint"), MISTAKES, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_mistakes_are_answered_with_the_next_move(
    words: list[str], found: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = run(*words)
    assert told.exit_code == 2
    assert told.stderr.startswith("error: ") and found in told.stderr and hint in told.stderr
    assert told.stdout == "" and "Traceback" not in told.stderr
    assert not list(tmp_path.iterdir()), "a refused call leaves nothing behind"


def test_a_mistake_in_json_is_one_document() -> None:
    told = run("worlds", "mazy", "--json")
    assert told.exit_code == 2
    assert json.loads(told.stdout)["error"]["next"] == "did you mean 'maze'?"


def test_what_breaks_is_one_line_and_names_the_way_to_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(name: str, **settings: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("turnwise.worlds.make", breaks)
    told = run("worlds", "maze")
    assert told.exit_code == 1
    assert "error: ZeroDivisionError: a bug" in told.stderr and "--debug" in told.stderr
    assert "Traceback" not in told.stderr
    assert isinstance(run("worlds", "maze", "--debug").exception, ZeroDivisionError)
    monkeypatch.setenv("TURNWISE_DEBUG", "1")
    assert isinstance(run("worlds", "maze").exception, ZeroDivisionError)


@pytest.mark.parametrize("name", list(WORLDS))
def test_every_world_shows_itself_and_every_setting_has_a_sentence(name: str) -> None:
    found = json.loads(run("worlds", name, "--json").stdout)
    assert found["name"] == name and found["tasks"]["eval"] > 0
    assert [entry["name"] for entry in found["settings"] if not entry["says"]] == []
    text = run("worlds", name).stdout
    assert name in text and "next: turnwise play" in text


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_recipe_shows_itself_and_every_setting_has_a_sentence_and_a_source(name: str) -> None:
    found = json.loads(run("recipes", name, "--json").stdout)
    assert all(entry["says"] and entry["source"] for entry in found["settings"])
    assert found["claim"]["trial"]["world"] in WORLDS
    assert found["claim"]["says"] in " ".join(run("recipes", name).stdout.split())


def test_lists_name_everything() -> None:
    assert [w["name"] for w in json.loads(run("worlds", "--json").stdout)["worlds"]] == list(WORLDS)
    assert [r["name"] for r in json.loads(run("recipes", "--json").stdout)["recipes"]] == list(RECIPES)


def test_sections_of_a_docstring() -> None:
    text = "A thing.\n\nArgs:\n    a: first\n        and on.\n    b, c: two at once.\n\nRaises:\n    d: no setting."
    assert section(text) == {"a": "first and on.", "b": "two at once.", "c": "two at once."}


def test_a_class_inherits_sentences_and_may_replace_them() -> None:
    class Base:
        """Base.

        Args:
            a: of the base.
            b: of the base.
        """

    class Child(Base):
        """Child.

        Args:
            b: of the child.
        """

    assert arguments(Child) == {"a": "of the base.", "b": "of the child."}


def test_evaluating_a_scripted_player(tmp_path: Path) -> None:
    folder = str(tmp_path / "kept")
    told = run("evaluate", "script:optimal", "maze", "--episodes", "50", "--out", folder, "--json")
    found = json.loads(told.stdout)
    assert found["success"]["value"] == 1.0 and found["episodes"] == 50 and found["ends"] == {"done": 50}
    assert found["return"]["value"] == pytest.approx(-6.84, abs=0.005) and found["anchors"]["max"] == -6.84
    assert found["success_at_turn"][-1]["value"] == 1.0
    assert found["pass_at_k"]["2"]["value"] == 1.0
    assert len(list(RunFolder.open(folder).episodes("evaluate"))) == 50
    assert any(folder in move for move in found["next"])


def test_the_same_seed_gives_the_same_evaluation() -> None:
    words = ["evaluate", "script:consistent", "wordle", "--episodes", "30", "--set", "turns=5", "--json"]
    first, again, other = (json.loads(run(*words, "--seed", seed).stdout) for seed in ("1", "1", "2"))
    assert first == again and first["return"] != other["return"]
    assert first["world_settings"]["turns"] == 5


def test_a_normalised_score_needs_every_task_equally_often() -> None:
    whole, part = (
        json.loads(run("evaluate", "script:random", "maze", "--episodes", n, "--json").stdout) for n in ("25", "26")
    )
    assert whole["normalised"] is not None and part["normalised"] is None


def test_playing_by_hand(tmp_path: Path) -> None:
    folder = str(tmp_path / "mine")
    told = run("play", "maze", "--task", "eval-7-6", "--out", folder, "--seed", "5", typed="\nmove down\n")
    assert told.exit_code == 0
    assert "legal: move" in told.stdout and "solved in 1 turn, return 0" in told.stdout
    episode = next(RunFolder.open(folder).episodes("play"))
    assert [t.message.text for t in episode.turns] == ["move down"] and episode.success


def test_leaving_a_game_is_an_episode_that_was_cut() -> None:
    told = run("play", "wordle", "--seed", "1", "--json", typed="s l a t e\n/quit\n")
    found = json.loads(told.stdout)
    assert (found["end"], found["turns"], found["success"]) == ("left", 1, None)
    assert "agent> " in told.stderr and "Wordle:" in told.stderr


def test_watching_an_agent_twice_is_the_same_game() -> None:
    first, again = (run("play", "wordle", "--agent", "script:random", "--seed", "7").stdout for _ in range(2))
    assert first == again and "agent> " in first


def test_a_seed_is_drawn_where_none_is_given() -> None:
    seeds = {json.loads(run("play", "maze", "--json", typed="/quit\n").stdout)["seed"] for _ in range(2)}
    assert len(seeds) == 2


def test_recordings_that_agree() -> None:
    told = run("replay", str(RECORDED / "lmrl_wordle.json.gz"), "--json")
    found = json.loads(told.stdout)
    assert told.exit_code == 0 and found["equal"] and found["files"][0]["compared"] > found["files"][0]["episodes"] > 0


def test_a_recording_that_differs_is_shown_turn_by_turn(tmp_path: Path) -> None:
    recording = json.loads(gzip.decompress((RECORDED / "lmrl_wordle.json.gz").read_bytes()))
    episode = recording["episodes"][2]
    episode["steps"][0]["reward"] = 17.0
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(recording))
    told = run("replay", str(changed))
    assert told.exit_code == 1
    assert f"{episode['id']} turn 0: reward: expected 17.0, got " in told.stdout
    assert [m["field"] for m in json.loads(run("replay", str(changed), "--json").stdout)["files"][0]["mismatches"]] == [
        "reward"
    ]


def test_interrupting_once_waits_and_twice_does_not() -> None:
    display = Display(Console(stderr=True))
    before = signal.getsignal(signal.SIGINT)
    with display.watching():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)  # nothing has begun, so there is nothing to wait for
        display.stage("improve", 3)
        signal.raise_signal(signal.SIGINT)
        assert display.stop
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_nothing_said_can_move_the_cursor_of_a_terminal() -> None:
    assert (
        printable("a\x1b[2Jb\x07\tc\nd") == "a\N{REPLACEMENT CHARACTER}[2Jb" + "\N{REPLACEMENT CHARACTER}" * 2 + "c\nd"
    )


def test_long_episodes_lose_their_middle(tmp_path: Path) -> None:
    folder = str(tmp_path / "kept")
    run("evaluate", "script:random", "maze", "--episodes", "2", "--out", folder)
    left, right = RunFolder.open(folder).episodes("evaluate")
    console = Console(width=100, file=StringIO())
    console.print(side_by_side(left, right, ("before", "after")))
    lines = console.file.getvalue().splitlines()
    assert all(len(line) <= 100 for line in lines) and len(lines) < 24
    assert any(" turns ..." in line for line in lines)


def test_small_figures() -> None:
    assert [duration(s) for s in (7, 750, 3723)] == ["0:07", "12:30", "1:02:03"]
    assert sparkline([0.0, 0.5, 1.0]) == "▁▅█"
    assert len(sparkline([0.5] * 100)) <= 10


@pytest.mark.parametrize("name", list(WORLDS))
def test_settings_of_a_world_survive_the_command_line_and_the_file(name: str) -> None:
    world = make_world(name, {})
    as_texts = {key: str(value) for key, value in world.settings().items()}
    assert make_world(name, as_texts).settings() == world.settings()
    assert make_world(name, json.loads(json.dumps(world.settings()))).hash() == world.hash()


def test_a_folder_that_is_taken_is_refused_before_the_game(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    told = run("play", "maze", "--out", str(tmp_path), typed="/quit\n")
    assert told.exit_code == 2 and "is not empty" in told.stderr and "agent>" not in told.stdout


def test_a_person_can_be_evaluated() -> None:
    told = run("evaluate", "human", "maze", "--episodes", "1", "--json", typed="move down\n/quit\n")
    assert json.loads(told.stdout)["ends"] == {"left": 1}


def test_what_all_answers_begin_with_is_left_out() -> None:
    opening = shared_opening(["You are at position 1, 2.", "You are at position 10, 2. A wall."])
    assert opening == "You are at position"
    assert without("You are at position 1, 2.", opening) == "... 1, 2." and without("Success", opening) == "Success"
    assert shared_opening(["Yes. It is", "Yes. It was"]) == ""
