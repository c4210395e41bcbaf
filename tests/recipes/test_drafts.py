"""Every recipe that learns from edits while it plays: it runs, is read back, and sits again; nothing is trained."""

from __future__ import annotations

import dataclasses

import pytest

import turnwise
from turnwise.api.comparing import compare
from turnwise.api.evaluating import evaluate
from turnwise.api.specs import spec
from turnwise.api.training import resume
from turnwise.core.errors import TurnwiseError, WrongPairing
from turnwise.core.protocols import Agent
from turnwise.core.types import End
from turnwise.recipes import RECIPES
from turnwise.recipes.drafts import NAMES, DraftSettings
from turnwise.worlds import make

SHORT = {"rounds": 12}


@pytest.fixture(scope="module", params=NAMES)
def run(request, tmp_path_factory):
    return turnwise.train("edit", request.param, world_settings=SHORT, out=tmp_path_factory.mktemp("runs") / "run")


def test_they_are_all_that_learn_without_weights():
    without = [name for name in RECIPES if RECIPES.get(name).plays is not None]
    assert sorted(NAMES) == without and all(issubclass(RECIPES.get(n).settings, DraftSettings) for n in NAMES)


def test_it_runs_and_is_read_back(run):
    assert run.complete and not run.found and run.before is None and run.gain() is None
    (line,) = run.folder.metrics()
    assert line["stage"] == "evaluate-after" and line["ends"] == {"done": 10} and line["update"] == {}
    assert run.cost()["episodes"] == 0 and run.cost()["demonstrations"] == 0
    for episode in run.after.episodes:
        assert episode.ends[0].end is End.DONE and len(episode.turns) == 12
        assert all(turn.tokens is None and turn.cost["generate calls"] == 1 for turn in episode.turns)
        assert episode.origin["agents"] == {"agent": run.spec.recipe.name.replace("-k", "-5")}
    assert resume(run.path).complete and run.report().is_file()


def test_only_the_oracle_is_told(run):
    told = run.spec.recipe.name == "oracle-preference"
    texts = [m.text for e in run.after.episodes for t in e.turns for m in t.seen]
    assert any("wanted:" in text for text in texts) is told
    assert (run.after.returns.value == 0) is told


def test_it_sits_again_as_it_was(run):
    """`run:DIR` meets the users anew and knows nothing of them: with the seed of the run it plays the same episodes."""
    again = evaluate(f"run:{run.path}", episodes=10)
    assert [[t.message for t in e.turns] for e in again.episodes] == [
        [t.message for t in e.turns] for e in run.after.episodes
    ]
    assert again.temperature is None
    other = evaluate(f"run:{run.path}", "edit", episodes=10, world_settings={"user": "rewriter"})
    assert other.returns.value <= again.returns.value
    with pytest.raises(TurnwiseError, match="does not sample"):
        evaluate(f"run:{run.path}", temperature=0.5)


@pytest.mark.parametrize("name", NAMES)
def test_settings_resolve_again_and_wrong_ones_are_refused(name):
    recipe = RECIPES.get(name)
    settings = recipe.resolve({"evaluate": "3"})
    assert settings.evaluate == 3 and recipe.resolve(dataclasses.asdict(settings)) == settings
    assert isinstance(recipe.plays(make("edit"), settings), Agent) and recipe.plays(make("edit"), settings).slots == (
        "memory",
    )
    for wrong, said in (({"evaluat": 3}, "did you mean 'evaluate'"), ({"evaluate": 0}, "1 or more")):
        with pytest.raises(TurnwiseError, match=said):
            recipe.resolve(wrong)
    with pytest.raises(WrongPairing, match="choose edit"):
        spec("maze", name, "scratch:nano", {}, {}, 0).build()


def test_they_are_compared_on_the_same_documents(tmp_path):
    found = compare(
        "edit", ["no-learning", "script:plain", "cipher-k"], 2, world_settings=SHORT, by="return", out=tmp_path
    )
    plain, script, cipher = (arm.evaluations for arm in found.arms)
    assert [e.returns.value for e in plain] == [e.returns.value for e in script]
    assert all(a.returns.value < b.returns.value for a, b in zip(plain, cipher, strict=True)) and found.equal_cost
