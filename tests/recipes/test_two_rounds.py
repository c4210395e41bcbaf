"""Every recipe that learns weights, two tiny rounds in a small maze: it runs, it learns something, and a run that was
stopped half-way gives the same bytes.
"""

from __future__ import annotations

import math

import pytest
import torch

import turnwise
from turnwise.agents.spec import new_policy
from turnwise.api.training import resume
from turnwise.core.progress import Silent
from turnwise.core.types import End
from turnwise.explore.rolls import GUIDE
from turnwise.measure.rounds import agent_turns
from turnwise.models.policy import Policy
from turnwise.recipes import RECIPES
from turnwise.recipes.base import table_of
from turnwise.recipes.improve import CriticSettings

SMALL = {
    "demos": 16, "demo_epochs": 1, "demo_batch": 8, "rounds": 2, "tasks": 4, "group": 2, "episodes": 8, "share": 0.5,
    "max_new": 5, "evaluate": 1, "every": 1, "turns": 3, "batch_tokens": 512, "live": 16,
    "simulations": 4, "value_steps": 3, "step_rounds": 2,
    "feedback_rounds": 1, "critic_steps": 3, "actor_steps": 2, "actor_batch": 8, "critic_warmup": 0,
}  # fmt: skip


PLACES = {
    "calm": ("key-corridor", {"turns": 5}),
    "dir": ("safe-answers", {"rounds": 3}),
    "dir-labels": ("safe-answers", {"rounds": 3}),
    "dir-unconditional": ("safe-answers", {"rounds": 3}),
    "era": ("key-corridor", {"turns": 5}),
    "fair-dpo": ("work-submit", {}),
    "igpo": ("bit-naming", {"turns": 5}),
    "influence": ("social-deduction-small", {"turns": 8}),
    "itool": ("api-calls", {}),
    "random-mining": ("api-calls", {}),
    "video-mtr": ("bit-search", {}),
}
"""Where a recipe runs that cannot in the small maze: it needs a world with subgoals, an answer, or hidden roles."""


VALUED = ("ltc", "ltc-imitation", "ltc-ppo", "rlap")
"""Whose policy has a value head without a credit rule that reads it."""


class StopIn(Silent):
    """Asks to stop after the first round of a stage."""

    def __init__(self, stage: str = ""):
        self.stage_name, self.stop = stage, False

    def round(self, record):
        self.stop = record["stage"] == self.stage_name


def train(name, out, watch=None):
    known = {field for field, *_ in table_of(RECIPES.get(name).settings)}
    settings = {key: value for key, value in SMALL.items() if key in known}
    place, world = PLACES.get(name, ("maze", {"max_steps": 4}))
    return turnwise.train(
        place, name, model="scratch:nano", settings=settings, world_settings=world, out=out, progress=watch
    )


@pytest.fixture(scope="module", params=[name for name in RECIPES if RECIPES.get(name).plays is None])
def run(request, tmp_path_factory):
    """Trained once; all that is said of a recipe is said of this run."""
    return train(request.param, tmp_path_factory.mktemp("runs") / request.param)


def test_it_runs_to_its_end(run):
    assert run.complete and not run.found
    lines = run.folder.metrics()
    stages = [line["stage"] for line in lines]
    assert stages[0] == "imitate" and stages[-1] == "evaluate-after"
    assert stages.count("improve") == getattr(run.spec.settings, "rounds", 0)
    for line in lines:
        assert line["episodes"] > 0 and "error" not in line["ends"]
        assert (line["kind"] == "train") == bool(line["update"])
        assert all(math.isfinite(number) for number in line["update"].values())
    assert run.after is not None and len(run.after.episodes) == len(run.spec.world.tasks("eval"))


def test_its_policy_learned(run):
    versions = [line["version"] for line in run.folder.metrics() if line["version"] is not None]
    assert versions == list(range(1, len(versions) + 1))
    policy = Policy.load(run.folder.latest_checkpoint() / "policy")
    assert policy.version == versions[-1]
    critic = isinstance(run.spec.settings, CriticSettings) or run.spec.recipe.name in VALUED
    start = new_policy("scratch:nano", run.spec.world, seed=0, value_head=critic)
    before, after = start.state_dict(), policy.state_dict()
    assert before.keys() == after.keys() and ("value_head.weight" in after) is critic
    assert not any(torch.equal(before[name], after[name]) for name in after)


def test_its_episodes_are_whole(run):
    ids = [e.id for e in run.folder.episodes()]
    assert len(set(ids)) == len(ids)
    for episode in run.folder.episodes():
        for leaf in episode.ends:
            assert leaf.end in (End.DONE, End.TURNS)
        own = episode.origin["stage"] != "imitate"
        guided = {n for n, turn in enumerate(episode.turns) if turn.message.writer == GUIDE}
        assert all((turn.tokens is not None) == (own and n not in guided) for n, turn in enumerate(episode.turns))
        assert not own or all(agent_turns(episode, leaf) <= 3 for leaf in range(len(episode.ends)))


CURRICULA = ("failure-replay", "learning-progress", "omni", "tti")
"""What is learned from depends on earlier rounds."""

STOPPED = {
    "archer", "bc", "dpo", "online-filtered-bc", "grpo", "ppo", "mc-returns", "ilql", "arpo", "spa", "d2lols", "ltc",
    "itool", "rlap", "ppo-max", "slim", "rapo", *CURRICULA,
}  # fmt: skip
"""One of each way of learning."""


@pytest.mark.parametrize("run", [name for name in RECIPES if name in STOPPED], indirect=True)
def test_stopped_half_way_and_resumed_it_gives_the_same_bytes(run, tmp_path):
    whole, path, name = run.folder.path, tmp_path / "stopped", run.spec.recipe.name
    improves = any(line["stage"] == "improve" for line in run.folder.metrics())
    assert not train(name, path, StopIn("improve" if improves else "imitate")).complete
    assert resume(path).complete
    for room in ("episodes", "credit", "checkpoints"):
        files = sorted(p.relative_to(whole) for p in (whole / room).rglob("*") if p.is_file())
        assert files == sorted(p.relative_to(path) for p in (path / room).rglob("*") if p.is_file())
        for file in files:
            assert (path / file).read_bytes() == (whole / file).read_bytes(), file
