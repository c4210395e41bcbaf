"""Where the record meets a credit rule: rows to the flat arrays a rule reads, and its answer back to turns and
tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.types import CreditTable, Episode
from turnwise.credit.rule import CreditInput, CreditRule
from turnwise.learn.sequences import Row


@dataclass(frozen=True, slots=True)
class RowValues:
    """What a critic says along one row."""

    values: np.ndarray  # float64 [N]: value read at each position of the row, in the world's reward units


@dataclass(frozen=True, slots=True)
class Path:
    """One path of an episode with the rows that hold it, in order."""

    episode: int
    leaf: int
    rows: tuple[int, ...]


def paths_of(rows: Sequence[Row]) -> list[Path]:
    """Paths in the order in which their rows stand."""
    held: dict[tuple[int, int], list[int]] = {}
    for number, row in enumerate(rows):
        held.setdefault((row.episode, row.leaf), []).append(number)
    return [Path(episode, leaf, tuple(numbers)) for (episode, leaf), numbers in held.items()]


def credit_input(
    episodes: Sequence[Episode], rows: Sequence[Row], values: Sequence[RowValues] | None = None, seat: str = "agent"
) -> tuple[CreditInput, list[tuple[int, int]]]:
    """The flat record of a batch, one entry per agent turn of each path, and (episode, turn) of each entry.

    Episodes of one task in the batch form a group. Rewards that reach the seat between two of its turns belong to the
    earlier one.
    """
    rewards: list[float] = []
    starts, token_starts = [0], [0]
    done, groups, bootstrap, of = [], [], [], []
    masks: list[np.ndarray] = []
    state_values: list[float] = []
    token_values: list[np.ndarray] = []
    number_of_task: dict[str, int] = {}
    for path in paths_of(rows):
        episode = episodes[path.episode]
        earned = _earned(episode, path.leaf, seat)
        after = 0.0
        for r in path.rows:
            row = rows[r]
            for span in row.spans:
                of.append((path.episode, span.turn))
                rewards.append(earned[span.turn])
                tokens = episode.turns[span.turn].tokens
                masks.append(np.ones(span.end - span.start, bool) if tokens is None else tokens.sampled)
                token_starts.append(token_starts[-1] + span.end - span.start)
                if values is not None:
                    state_values.append(float(values[r].values[span.start - 1]))
                    token_values.append(values[r].values[span.start - 1 : span.end - 1])
            if row.tail is not None and values is not None:
                after = float(values[r].values[row.tail])
        starts.append(len(rewards))
        done.append(episode.ends[path.leaf].end.terminal)
        groups.append(number_of_task.setdefault(episode.task.key, len(number_of_task)))
        bootstrap.append(after)
    with_values = values is not None
    x = CreditInput(
        rewards_T=np.asarray(rewards, np.float64),
        starts_E1=np.asarray(starts, np.int64),
        done_E=np.asarray(done, bool),
        group_E=np.asarray(groups, np.int64),
        task_E=np.asarray(groups, np.int64),
        values_T=np.asarray(state_values, np.float64) if with_values else None,
        bootstrap_E=np.asarray(bootstrap, np.float64) if with_values else None,
        token_starts_T1=np.asarray(token_starts, np.int64),
        token_mask_N=np.concatenate(masks) if masks else np.zeros(0, bool),
        token_values_N=np.concatenate(token_values)
        if with_values and token_values
        else (np.zeros(0) if with_values else None),
    )
    return x, of


def credit_table(
    rule: CreditRule, episodes: Sequence[Episode], rows: Sequence[Row], values: Sequence[RowValues] | None
) -> CreditTable:
    """One rule's credit laid on the episodes; a turn that several paths share gets the mean of what they give it."""
    x, of = credit_input(episodes, rows, values)
    result = rule.assign(x)
    assert x.token_starts_T1 is not None
    if result.unit == "turn":
        credit, target = list(result.credit), None if result.targets_T is None else list(result.targets_T)
    else:
        cut = x.token_starts_T1[1:-1]
        credit = np.split(result.credit, cut)
        target = None if result.token_targets_N is None else np.split(result.token_targets_N, cut)
    return CreditTable(
        rule.name, result.unit, _laid(credit, of, episodes), None if target is None else _laid(target, of, episodes)
    )


def _laid(entries: Sequence, of: Sequence[tuple[int, int]], episodes: Sequence[Episode]) -> list[list]:
    sums: dict[tuple[int, int], list] = {}
    for place, entry in zip(of, entries, strict=True):
        sums.setdefault(place, []).append(entry)
    table: list[list] = [[float("nan")] * len(e.turns) for e in episodes]
    for (episode, turn), found in sums.items():
        table[episode][turn] = found[0] if len(found) == 1 else np.mean(found, axis=0)
    return table


def _earned(episode: Episode, leaf: int, seat: str) -> dict[int, float]:
    """Reward of each turn of the seat on a path: its own and all that follow up to the seat's next turn."""
    earned: dict[int, float] = {}
    current = None
    for index in episode.path(leaf):
        turn = episode.turns[index]
        if turn.seat == seat:
            current = index
            earned[index] = 0.0
        if current is not None:
            earned[current] += turn.rewards.get(seat, 0.0)
    return earned


def on_rows(table: Sequence[Sequence], rows: Sequence[Row]) -> list[np.ndarray]:
    """A table's entries at the tokens of every row: float32 [N], 0 outside replies."""
    laid = []
    for row in rows:
        out = np.zeros(len(row), np.float32)
        for span in row.spans:
            out[span.start : span.end] = table[row.episode][span.turn]
        laid.append(out)
    return laid
