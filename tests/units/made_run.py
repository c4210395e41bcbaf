"""A small run folder without a model: an agent of a given skill guesses a hidden number, better in every round."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from turnwise.core.chance import generator
from turnwise.core.run_folder import RunFolder
from turnwise.core.types import ROOT, CreditTable, End, Episode, Leaf, Message, Signal, Task, Tokens, Turn, Update
from turnwise.measure.rounds import measure_round

HIGHEST, BUDGET = 50, 6


def tokens_of(text: str, rng: np.random.Generator, prompt: str, version: int) -> Tokens:
    """Bytes as ids; every id but the last (the end of the turn) drawn."""
    reply = np.frombuffer(text.encode() + b"\n", np.uint8).astype(np.int32)
    sampled = np.ones(len(reply), bool)
    sampled[-1] = False
    logprobs = np.where(sampled, -rng.exponential(0.3, len(reply)), 0).astype(np.float32)
    return Tokens(
        np.frombuffer(prompt.encode(), np.uint8).astype(np.int32),
        reply,
        logprobs,
        sampled,
        ((version, 0, len(reply)),),
    )


def guess(low: int, high: int, skill: float, rng: np.random.Generator) -> int:
    """The middle of what is left, or anything."""
    return (low + high) // 2 if rng.random() < skill else int(rng.integers(1, HIGHEST + 1))


def made_episode(stage: str, round: int, task: Task, member: int, skill: float, rng: np.random.Generator) -> Episode:
    """One game: found (DONE), out of turns (TURNS), and now and then broken (ERROR) or left (LEFT)."""
    id, origin = (
        f"{stage}/{round}/{task.key}/{member}",
        {
            "agents": {"agent": "teacher" if stage == "imitate" else "made"},
            "stage": stage,
            "round": round,
            "member": member,
        },
    )
    if rng.random() < 0.01:
        return Episode(id, task, (), (Leaf(ROOT, End.ERROR, error="world.reset: RuntimeError: no answer"),), origin)
    hidden, low, high = task.params["hidden"], 1, HIGHEST
    said = f"I am thinking of a number from 1 to {HIGHEST}. You have {BUDGET} guesses."
    turns: list[Turn] = []
    while True:
        number = guess(low, high, skill, rng)
        text = f"Is it {number}?"
        found = number == hidden
        reward = 1.0 if found else -0.05
        tokens = tokens_of(text, rng, said, round)
        facts = {"left": max(high - low + 1, 1)}
        turns.append(
            Turn(
                len(turns) - 1,
                len(turns),
                "agent",
                (Message("user", said),),
                Message("assistant", text),
                {"agent": reward},
                tokens,
                {},
                round,
                False,
                facts,
            )
        )
        said = "Yes, that is it!" if found else "Higher." if number < hidden else "Lower."
        low, high = (max(low, number + 1), high) if number < hidden else (low, min(high, number - 1))
        end = End.DONE if found else End.TURNS if len(turns) == BUDGET else End.LEFT if rng.random() < 0.01 else None
        if end:
            leaf = Leaf(len(turns) - 1, end, {"agent": (Message("user", said),)}, {"success": found})
            return Episode(id, task, tuple(turns), (leaf,), origin)


def made_credit(episodes: list[Episode]) -> CreditTable:
    """How much each guess changed the chance to find the number by halving what is left."""

    def value(left: int, guesses: int) -> float:
        return min(1.0, (2**guesses - 1) / left)

    values = []
    for episode in episodes:
        states = [value(t.facts["left"], BUDGET - i) for i, t in enumerate(episode.turns)] + [
            float(bool(episode.success))
        ]
        values.append([after - before for before, after in zip(states, states[1:], strict=False)])
    return CreditTable("potential", "turn", values, None)


def made_round(
    folder: RunFolder, stage: str, round: int, tasks: list[Task], group: int, skill: float, seed: int
) -> None:
    """Play, credit and measure one round, and write all of it."""
    learning = not stage.startswith("evaluate")
    draws = "evaluate" if not learning else f"{stage}/{round}"
    episodes = [
        made_episode(stage, round, task, member, skill, generator(seed, draws, task.key, member))
        for task in tasks
        for member in range(group)
    ]
    folder.append(episodes, stage, round)
    folder.append_signals(
        [Signal(e.id, "found", value=None if e.success is None else float(e.success)) for e in episodes], stage, round
    )
    folder.append_credit(episodes, made_credit(episodes), stage, round)
    rng = generator(seed, "numbers", stage, round)
    change = {
        "loss": 0.4 / (round + 1) + rng.normal(0, 0.02),
        "gradient_norm": 1.1 / (round + 1) ** 0.5 + rng.normal(0, 0.05),
        "entropy": 1.4 - 0.05 * round,
        "kl": 0.004 * round,
        "clip_fraction": 0.03 + rng.uniform(0, 0.02),
        "logprob_gap": abs(rng.normal(0, 2e-6)),
        "zero_credit_share": 0.2 + 0.01 * round,
    }
    seconds = {"sample": 1.8 + rng.uniform(0, 0.4), "credit": 0.02, "learn": 0.9 + rng.uniform(0, 0.2), "save": 0.05}
    updates = [Update("weights", round, round + 1, change)] if learning else []
    folder.metric(
        measure_round(
            stage,
            round,
            "train" if learning else "evaluate",
            episodes,
            updates,
            seconds if learning else {"sample": 1.5},
        )
    )
    if learning:
        folder.checkpoint(stage, round, lambda to: (to / "weights.bin").write_bytes(bytes([round % 256]) * 64))


def tasks_of(split: str, count: int, seed: int) -> list[Task]:
    """Hidden numbers."""
    rng = generator(seed, "tasks", split)
    return [
        Task(f"{split}-{i:03d}", "guess", {"hidden": int(rng.integers(1, HIGHEST + 1))}, split) for i in range(count)
    ]


def make_run(path: Path, rounds: int = 3, tasks: int = 12, group: int = 2, seed: int = 7) -> RunFolder:
    """Evaluate, improve for some rounds, evaluate again on the same tasks; the folder stays open for writing."""
    command = ["turnwise", "train", "guess", "--recipe", "made", "--seed", str(seed), "--set", f"rounds={rounds}"]
    settings = {
        "recipe": "made",
        "world": "guess",
        "model": "scratch:micro",
        "rounds": rounds,
        "tasks": tasks,
        "group": group,
        "lr": 3e-4,
    }
    folder = RunFolder.create(path, settings, seed, command, {"guess": "9f86d081884c7d65"})
    train, held_out = tasks_of("train", tasks, seed), tasks_of("eval", 2 * tasks, seed)
    made_round(folder, "evaluate-before", 0, held_out, group, 0.3, seed)
    for round in range(rounds):
        made_round(folder, "improve", round, train, group, 0.3 + 0.6 * (round + 1) / rounds, seed)
    made_round(folder, "evaluate-after", 0, held_out, group, 0.9, seed)
    return folder
