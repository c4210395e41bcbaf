"""Rooms import only what the table allows; the table stands in docs/architecture.md too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import turnwise

SOURCE = Path(turnwise.__file__).parent
ARCHITECTURE = SOURCE.parent.parent / "docs" / "architecture.md"

BASE = {"core"}
PARTS = {"models", "plan", "worlds", "users", "agents", "explore", "feedback", "credit", "learn", "measure"}
ALLOWED: dict[str, set[str]] = {
    "core": set(),
    "models": BASE,
    "plan": BASE,
    "worlds": BASE | {"users"},
    "credit": BASE,
    "measure": BASE,
    "users": BASE | {"models"},
    "explore": BASE | {"plan", "worlds"},
    "agents": BASE | {"models", "plan", "explore", "worlds"},
    "feedback": BASE | {"models"},
    "learn": BASE | {"models", "credit"},
    "loop": BASE | {"measure"},
    "recipes": BASE | PARTS | {"loop"},
    "bench": BASE | PARTS | {"loop", "recipes", "api"},
    "api": BASE | PARTS | {"loop", "recipes"},
    "studio": BASE | PARTS | {"loop", "recipes", "api"},
    "cli": BASE | PARTS | {"loop", "recipes", "api", "bench", "studio", "__version__"},
}
"""Room (or file beside the rooms) -> what it may import of ours, besides itself."""

HEAVY = {"torch", "transformers", "tokenizers", "safetensors"}
HEAVY_HOMES = ("models", "learn/weights", "bench")
"""Where heavy libraries may be imported when a module is; elsewhere only inside a function."""


def modules() -> list[Path]:
    """Every file of the package but the two at the door."""
    doors = {SOURCE / "__init__.py", SOURCE / "__main__.py"}
    return sorted(set(SOURCE.rglob("*.py")) - doors)


def room_of(path: Path) -> str:
    """The room, or the file's own name where it stands beside the rooms."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, full name) of everything imported, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports name the whole path"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def imported_at_once(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    """Those that run when the module does: not in functions, not for type checkers alone."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(ast.Module([node], []))
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imported_at_once(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ("body", "orelse", "finalbody"):
                yield from imported_at_once(getattr(node, inner, []))


def wrong_rooms(text: str, room: str) -> list[str]:
    """line: import, for each that the table does not allow."""
    found = []
    for line, name in imports(ast.parse(text)):
        if name.startswith("turnwise."):
            target = name.split(".")[1]
            if target != room and target not in ALLOWED[room]:
                found.append(f"{line}: {room} imports {name}")
    return found


def test_rooms_import_what_the_table_allows() -> None:
    wrong = [f"{p.relative_to(SOURCE)}:{w}" for p in modules() for w in wrong_rooms(p.read_text(), room_of(p))]
    assert not wrong, "\n".join(wrong)


def test_heavy_libraries_stay_at_home() -> None:
    wrong = []
    for path in modules():
        place = path.relative_to(SOURCE).as_posix()
        if not place.startswith(HEAVY_HOMES):
            at_once = imported_at_once(ast.parse(path.read_text()).body)
            wrong += [f"{place}:{line}: {name}" for line, name in at_once if name.split(".")[0] in HEAVY]
    assert not wrong, "\n".join(wrong)


def test_no_room_is_called_utils() -> None:
    assert not [
        p for p in modules() if re.search(r"\b(utils?|helpers?|misc|common)\b", p.relative_to(SOURCE).as_posix())
    ]


@pytest.mark.parametrize(
    ("text", "room", "wrong"),
    [
        (
            "from turnwise.learn.filters import top_share",
            "worlds",
            ["1: worlds imports turnwise.learn.filters.top_share"],
        ),
        ("def f():\n    import turnwise.recipes.base", "measure", ["2: measure imports turnwise.recipes.base"]),
        ("from turnwise import loop", "credit", ["1: credit imports turnwise.loop"]),
        ("from turnwise.core.types import Episode", "credit", []),
    ],
)
def test_the_offending_line_is_named(text: str, room: str, wrong: list[str]) -> None:
    assert wrong_rooms(text, room) == wrong


def test_what_only_type_checkers_import_is_not_at_once() -> None:
    late = "if TYPE_CHECKING:\n    import torch\ndef f():\n    import torch\n"
    text = late + "try:\n    import numpy\nexcept ImportError:\n    pass"
    assert [name for _, name in imported_at_once(ast.parse(text).body)] == ["numpy"]


@pytest.mark.skipif(not ARCHITECTURE.exists(), reason="docs/architecture.md is not written yet")
def test_the_docs_have_the_same_table() -> None:
    """A row per room: | `room/` | ... | what it imports |, the last column naming rooms, or `everything`."""
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)?` \|.*\| ([^|]*) \|$", ARCHITECTURE.read_text(), re.MULTILINE)
    told = {room: set(re.findall(r"\w+", cell)) & ALLOWED.keys() for room, cell in rows if "everything" not in cell}
    assert told.items() <= {room: rooms - BASE - {"__version__"} for room, rooms in ALLOWED.items()}.items()
    assert {room for room, _ in rows} >= {p.name for p in SOURCE.iterdir() if (p / "__init__.py").exists()}
