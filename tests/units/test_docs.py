"""What the documentation says is true: its code runs, its commands parse, its links lead somewhere, its tables are
whole.

Experiments run here with fewer rounds than on the page, so that the suite stays fast; nothing else of the code is
changed.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

import turnwise
from turnwise.cli import main
from turnwise.core import protocols, types
from turnwise.core.registry import Registry
from turnwise.credit.rule import NEEDS
from turnwise.recipes import RECIPES
from turnwise.recipes.base import Recipe, table_of
from turnwise.recipes.methods import NEEDS as NEEDS_IN_WORDS
from turnwise.recipes.methods import UNSHOWN, methods
from turnwise.worlds import WORLDS
from turnwise.worlds.wordle import Wordle

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
}
NOT_THERE = {"check", "credit", "users", "studio", "serve"}
"""Commands that the pages speak of as missing."""


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, and registries that are put back."""
    for registry in (WORLDS, RECIPES):
        monkeypatch.setattr(registry, "_places", dict(registry._places))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(page: str, language: str = "python") -> list[str]:
    """The code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.M | re.S)


def smaller(code: str, **instead: str) -> str:
    """The same code with smaller numbers, by the name in front of each."""
    for name, value in instead.items():
        code, times = re.subn(rf'("?\b{name}"?[:=] ?)[\w.-]+', rf"\g<1>{value}", code)
        assert times, name
    return code


def run(code: str, names: dict[str, Any], page: str) -> None:
    """A block, in the names that the blocks before it left."""
    exec(compile(code, page, "exec"), names)


def file_as_module(path: Path) -> ModuleType:
    """A file that belongs to no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines_of_code(code: str) -> int:
    return sum(bool(line.strip()) for line in code.splitlines())


def test_the_world_on_the_page(apart: Path, capsys: pytest.CaptureFixture) -> None:
    page, names = "docs/worlds.md", dict[str, Any]()
    world, play, _, copies, train, known = blocks(page)
    assert lines_of_code(world) < 60
    run(world, names, page)
    run(play, names, page)
    assert capsys.readouterr().out == blocks(page, "text")[0]
    run(known, dict(names), page)
    assert capsys.readouterr().out == blocks(page, "text")[1]
    run(copies, names, page)
    assert f"`{capsys.readouterr().out.strip()}`" in PAGES[page]
    run(smaller(train, demos="100", demo_epochs="1", rounds="2", evaluate="2"), names, page)
    assert "[" in capsys.readouterr().out and names["run"].complete

    svg = file_as_module(DOCS / "picture.py").picture(names["run"])
    assert "evaluate-after" in svg and "@font-face" not in svg and "url(http" not in svg


def test_the_world_on_the_page_keeps_the_contract(apart: Path) -> None:
    run(blocks("docs/worlds.md")[0], {}, "docs/worlds.md")
    contract = file_as_module(ROOT / "tests" / "contract" / "test_worlds.py")
    checks = [check for name, check in vars(contract).items() if name.startswith("test_")]
    assert len(checks) >= 10
    for settings in ({}, {"largest": 5, "turns": 3}):
        for check in checks:
            check(turnwise.make("guess-number", **settings))


def test_the_world_on_the_page_from_the_command_line(apart: Path) -> None:
    world, _, last_lines, *_ = blocks("docs/worlds.md")
    (apart / "guess_number.py").write_text(f"import turnwise.cli\n{world}\n{last_lines}")
    words = [sys.executable, "guess_number.py", "evaluate", "script:halving", "guess-number", "--json"]
    told = subprocess.run([*words, "--set", "largest=31"], capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["success"]["value"] == 1.0


def test_the_method_on_the_page(apart: Path, capsys: pytest.CaptureFixture) -> None:
    page, names = "docs/recipes.md", dict[str, Any]()
    method, worked, refused, compared = blocks(page)
    assert lines_of_code(method) < 60
    run(method, names, page)
    run(worked, names, page)
    run(refused, names, page)
    assert [capsys.readouterr().out] == blocks(page, "text")
    run(smaller(compared, rounds="1", demos="50", tasks="2", group="2", evaluate="1", seeds="1"), names, page)
    assert set(names["found"].ranks) == {"rloo", "same-turn"}


def test_the_readme_from_python(apart: Path, capsys: pytest.CaptureFixture) -> None:
    (code,) = blocks("README.md")
    assert lines_of_code(code) <= 10
    WORLDS.add("wordle", FewWords)
    few = code.replace('"rounds": 40', '"rounds": 1, "demos": 50, "tasks": 2, "evaluate": 1')
    assert few.count('"demos": 50') == 2
    names: dict[str, Any] = {}
    run(smaller(few, seeds="1", episodes="10"), names, "README.md")
    assert names["before"].task == names["after"].task and Path("runs/wordle/report.html").exists()
    assert "->" in capsys.readouterr().out


class FewWords(Wordle):
    """Wordle with five words unless others are asked for, which keeps a test short."""

    def __init__(
        self,
        vocabulary: str | Sequence[str] = ("slate", "crane", "plant", "trace", "least"),
        turns: int = 6,
        bad_word_reward: float = -1.0,
        require_words_in_vocab: bool = True,
        as_released: bool = False,
        answers: str = "marks",
    ):
        super().__init__(vocabulary, turns, bad_word_reward, require_words_in_vocab, as_released, answers)


def test_the_table_of_methods_is_up_to_date() -> None:
    expected = methods(RECIPES.get(name) for name in RECIPES)
    assert PAGES["docs/METHODS.md"] == expected, "python -m turnwise.recipes.methods > docs/METHODS.md"


def test_the_table_of_methods_says_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnwise.recipes.methods.evidence", {"bc": {"held": False, "summary": "no: 0.1"}}.get)
    page = methods([RECIPES.get("bc"), RECIPES.get("grpo")])
    assert "| none: imitation | nothing | no |" in page and "- Last evidence: no: 0.1" in page
    assert "| `grpo` | several episodes of each task | not measured yet |" in page
    assert "- grpo: whether the episodes of one task" in page
    assert set(NEEDS) <= set(NEEDS_IN_WORDS) <= set(UNSHOWN)


def test_every_noun_is_in_the_table() -> None:
    table = re.search(r"\| noun \| what it is \|\n.*?\n\n", PAGES["docs/architecture.md"], re.S)
    assert table is not None
    told = set(re.findall(r"^\| `(\w+)` \|", table[0], re.M))
    nouns = {name for name, noun in vars(types).items() if dataclasses.is_dataclass(noun)}
    assert told == nouns | {"End", "View"} and all(hasattr(types, n) or hasattr(protocols, n) for n in told)


def test_links_and_files_are_there() -> None:
    rooms = "|".join(p.name for p in (ROOT / "src" / "turnwise").iterdir() if p.is_dir())
    missing = []
    for page, text in PAGES.items():
        links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
        missing += [f"{page}: {link}" for link in links if not (ROOT / page).parent.joinpath(link).exists()]
        files = re.findall(rf"`((?:src|tests|docs|{rooms})/[\w/.-]+\.(?:py|md|html))`", text)
        places = [(name, [ROOT / name, ROOT / "src" / "turnwise" / name]) for name in files if "same_turn" not in name]
        missing += [f"{page}: {name}" for name, where in places if not any(place.exists() for place in where)]
    assert not missing


def commands() -> list[tuple[str, str]]:
    """(page, command) of everything that can be typed: in backticks, or indented."""
    found = []
    for page, text in PAGES.items():
        text = text.replace("\\\n", " ")
        typed = re.findall(r"`(turnwise [^`]+)`", text) + re.findall(
            r"^ {4}[^`\n]*?\b(turnwise [a-z][^\n]*)$", text, re.M
        )
        found += [(page, " ".join(command.split())) for command in typed if "same-turn" not in command]
    return found


@pytest.mark.parametrize(("page", "command"), commands())
def test_commands_can_be_typed(page: str, command: str) -> None:
    words = re.sub(r"\b(FILE\.\.\.|NAME)", "turn-ppo" if " check " in command else "x", command)
    found, rest = command_at(shlex.split(words)[1:])
    if rest and rest[0] in NOT_THERE:
        assert isinstance(found, click.Group) and rest[0] not in found.list_commands(click.Context(found))
        return
    if isinstance(found, click.Group):
        assert rest in ([], ["--help"])
        return
    given = found.make_context(found.name, list(rest)).params if "--help" not in rest else {}
    check_names(given)


def command_at(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words lead to, and the words left for it."""
    found: click.Command = main
    while isinstance(found, click.Group) and words:
        below = found.get_command(click.Context(found), words[0])
        if below is None:
            break
        found, words = below, words[1:]
    return found, words


def check_names(given: dict[str, Any]) -> None:
    """Worlds, recipes, scripted players, settings and files that a command names exist."""
    world, recipes = given.get("world") or given.get("name"), str(given.get("recipes") or given.get("recipe") or "")
    named = [*recipes.split(","), str(given.get("agent", "")), str(given.get("spec") or "")]
    for name in filter(None, named):
        kind, _, player = name.partition(":")
        if kind == "script":
            assert player in WORLDS.get(world).experts
        elif kind != "run":
            known: Recipe = RECIPES.get(name)
            settings = {row[0] for row in table_of(known.settings)}
            keys = [text.partition("=")[0] for text in given.get("sets", ())]
            assert {key for key in keys if not key.startswith("world.")} <= settings
            of_world = {key[6:] for key in keys if key.startswith("world.")}
            assert not of_world or of_world <= set(inspect.signature(WORLDS.get(world)).parameters)
    for file in given.get("files", ()):
        assert str(file) == "x" or (ROOT / file).exists()


def test_the_readme_shows_every_command() -> None:
    table = PAGES["README.md"].partition("## The commands")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `turnwise (\w+)", table, re.M) == list(main.places)


def test_the_readme_has_the_two_commands_that_ci_runs() -> None:
    marked = re.search(r"<!-- commands -->\n```sh\n(.*?)```\n<!-- /commands -->", PAGES["README.md"], re.S)
    assert marked is not None
    install, test = marked[1].splitlines()
    assert install.endswith("/turnwise train") and test.endswith("-m pytest")
    assert "<!-- commands -->" in (ROOT / ".ci" / "run").read_text()


def test_nothing_in_the_registries_stayed() -> None:
    for registry in (WORLDS, RECIPES):
        assert isinstance(registry, Registry) and "guess-number" not in registry and "same-turn" not in registry
