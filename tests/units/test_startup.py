"""Starting up: asking for help, for the worlds or for the recipes loads no heavy library."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "tokenizers", "scipy", "matplotlib", "pyarrow", "pandas", "duckdb")
PROBE = """
import json, sys
from turnwise.cli import main
try:
    main(json.loads(sys.argv[1]))
except SystemExit as ended:
    assert not ended.code, ended.code
print("LOADED", json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(script: str, *args: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after a script."""
    done = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.rpartition("LOADED")[2]))


@pytest.mark.parametrize(
    "args",
    [["--help"], ["train", "--help"], ["worlds"], ["worlds", "wordle"], ["recipes"], ["recipes", "turn-ppo"]],
    ids=" ".join,
)
def test_what_only_tells_loads_nothing_heavy(args: list[str]) -> None:
    assert not loaded(PROBE, json.dumps(args)) & set(HEAVY)


def test_help_does_not_even_load_the_nouns() -> None:
    assert not loaded(PROBE, json.dumps(["--help"])) & {"numpy", "rich", *HEAVY}


def test_importing_turnwise_costs_nothing() -> None:
    script = 'import json, sys, turnwise; print("LOADED", json.dumps(sorted(m for m in sys.modules if "." not in m)))'
    assert not loaded(script) & {"numpy", "click", "rich", *HEAVY}


def test_public_names_are_there_and_few() -> None:
    import turnwise

    assert len(turnwise.__all__) <= 31
    assert all(getattr(turnwise, name) is not None for name in turnwise.__all__)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        turnwise.trian  # noqa: B018
