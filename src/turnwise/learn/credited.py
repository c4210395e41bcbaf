"""Where the record meets a credit rule: rows and signals to the flat arrays a rule reads, and its answer back to turns
and tokens.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.core.seats import of_seat
from turnwise.core.types import CreditTable, End, Episode, Seat, Signal
from turnwise.credit.rule import CreditInput, CreditResult, CreditRule
from turnwise.credit.silence import check_heard
from turnwise.learn.seats import check_seat
from turnwise.learn.sequences import Row
from turnwise.learn.states import States


@dataclass(frozen=True, slots=True)
class RowValues:
    """What a critic, or several, say along one row."""

    values: np.ndarray  # float64 [N], [N, K] of several: value at each position of the row, in its reward's units


@dataclass(frozen=True, slots=True)
class Path:
    """One path of an episode with the rows that hold it, in order."""

    episode: int
    leaf: int
    rows: tuple[int, ...]


def paths_of(episodes: Sequence[Episode], rows: Sequence[Row]) -> list[Path]:
    """Paths in the order in which their rows stand. One that broke is not scored, so it is left out: its return says
    nothing about what its turns were worth (specs/credit/baselines, "Masking and tokens", 6).
    """
    held: dict[tuple[int, int], list[int]] = {}
    for number, row in enumerate(rows):
        if episodes[row.episode].ends[row.leaf].end is not End.ERROR:
            held.setdefault((row.episode, row.leaf), []).append(number)
    return [Path(episode, leaf, tuple(numbers)) for (episode, leaf), numbers in held.items()]


def with_company(paths: Sequence[Path], episodes: Sequence[Episode]) -> list[Path]:
    """Without the paths that are alone on their task, because the others of their group broke: there is nothing to
    compare them with. Where nobody has company all stay, and the rule says what it makes of that.
    """
    together = Counter(episodes[path.episode].task.key for path in paths)
    return [path for path in paths if together[episodes[path.episode].task.key] > 1] or list(paths)


def credit_input(
    episodes: Sequence[Episode],
    rows: Sequence[Row],
    paths: Sequence[Path],
    values: Sequence[RowValues] | None = None,
    seat: Seat = "agent",
    signals: Sequence[Signal] = (),
    critics: Sequence[str] = (),
    penalties: Sequence[np.ndarray] | None = None,
) -> tuple[CreditInput, list[tuple[int, int]]]:
    """The flat record of some paths, one entry per agent turn of each, and (episode, turn) of each entry.

    Paths of one task form a group. Rewards that reach the seat between two of its turns belong to the earlier one.
    A state is all that the seat had in view before the turn (`turnwise.learn.states`).

    Args:
        values: what is said along the rows, by one critic or by those named in `critics`.
        critics: where there are several, the signals under which a rule hears them, one per column of the values.
        penalties: float [N] per row, earned by single tokens of the seat's own.
    """
    check_heads(values, critics)
    rewards: list[float] = []
    starts, token_starts = [0], [0]
    done, groups, bootstrap, of = [], [], [], []
    masks: list[np.ndarray] = []
    state_values: list[np.ndarray] = []
    token_values: list[np.ndarray] = []
    token_rewards: list[np.ndarray] = []
    number_of_task: dict[str, int] = {}
    number_of_node: dict[tuple[int, int], int] = {}
    states, state_ids = States(), []
    for path in paths:
        episode = episodes[path.episode]
        earned, over = _earned(episode, path.leaf, seat), episode.ends[path.leaf].end.terminal
        state_ids += states.along(episode, [span.turn for r in path.rows for span in rows[r].spans])
        # A cut whose last state nobody read is refused, not taken for an ending.
        after = np.full(max(len(critics), 1), 0.0 if over else math.nan)
        for r in path.rows:
            row = rows[r]
            for span in row.spans:
                of.append((path.episode, span.turn))
                rewards.append(earned[span.turn])
                tokens = episode.turns[span.turn].tokens
                masks.append(np.ones(span.end - span.start, bool) if tokens is None else tokens.sampled)
                token_starts.append(token_starts[-1] + span.end - span.start)
                if values is not None:
                    state_values.append(values[r].values[span.start - 1])
                    token_values.append(values[r].values[span.start - 1 : span.end - 1])
                if penalties is not None:
                    token_rewards.append(penalties[r][span.start : span.end])
            if row.tail is not None and values is not None:
                after = np.atleast_1d(values[r].values[row.tail])
        starts.append(len(rewards))
        done.append(over)
        groups.append(number_of_task.setdefault(episode.task.key, len(number_of_task)))
        bootstrap.append(after)
    heard_T, heard_E = heard(signals, episodes, paths, of, seat)
    if critics and values is not None:
        heard_T |= dict(zip(critics, np.reshape(state_values, (-1, len(critics))).T, strict=True))
        heard_E |= dict(zip(critics, np.reshape(bootstrap, (-1, len(critics))).T, strict=True))
    one = values is not None and not critics
    x = CreditInput(
        rewards_T=np.asarray(rewards, np.float64),
        starts_E1=np.asarray(starts, np.int64),
        done_E=np.asarray(done, bool),
        group_E=np.asarray(groups, np.int64),
        task_E=np.asarray(groups, np.int64),
        values_T=np.asarray(state_values, np.float64) if one else None,
        bootstrap_E=np.reshape(bootstrap, -1).astype(np.float64) if one else None,
        token_starts_T1=np.asarray(token_starts, np.int64),
        token_mask_N=np.concatenate([np.zeros(0, bool), *masks]),
        token_values_N=np.concatenate([np.zeros(0), *token_values]) if one else None,
        token_rewards_N=None if penalties is None else np.concatenate([np.zeros(0), *token_rewards]),
        state_T=np.asarray(state_ids, np.int64),
        node_T=np.asarray([number_of_node.setdefault(place, len(number_of_node)) for place in of], np.int64),
        signals_T=heard_T,
        signals_E=heard_E,
    )
    return x, of


def heard(
    signals: Sequence[Signal],
    episodes: Sequence[Episode],
    paths: Sequence[Path],
    of: Sequence[tuple[int, int]],
    seat: str,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What feedback said, by name: of each entry (T,), and of each whole path (E,)."""
    turns, whole = [s for s in signals if s.turn is not None], [s for s in signals if s.turn is None]
    leaves = [(path.episode, path.leaf) for path in paths]
    return judged(turns, episodes, of, seat), judged(whole, episodes, leaves, seat)


def check_heads(values: Sequence[RowValues] | None, critics: Sequence[str]) -> None:
    """Refuse a policy whose value heads are not as many as a rule's critics."""
    heads = {1 if v.values.ndim == 1 else v.values.shape[1] for v in values or ()}
    if heads - {len(critics) or 1}:
        raise TurnwiseError(
            f"a policy with {max(heads)} value heads and a rule with {len(critics) or 1} critics",
            "a value head for each critic" + (f": {', '.join(critics)}" if critics else ""),
            "make the policy for this rule: value_head=K",
        )


def judged(
    signals: Sequence[Signal], episodes: Sequence[Episode], places: Sequence[tuple[int, int]], seat: str
) -> dict[str, np.ndarray]:
    """Judgements by name, one number per place, nan where nobody gave one; several judges are averaged.

    Args:
        signals: of turns or of whole paths; those about another seat or without a number are left out.
        places: (episode, turn) or (episode, leaf).
    """
    number_of_id = {episode.id: number for number, episode in enumerate(episodes)}
    given: dict[str, dict[tuple[int, int], list[float]]] = {}
    for signal in signals:
        if signal.value is not None and signal.seat == seat and signal.episode in number_of_id:
            place = number_of_id[signal.episode], signal.leaf if signal.turn is None else signal.turn
            given.setdefault(signal.name, {}).setdefault(place, []).append(signal.value)
    return {
        name: np.asarray([np.mean(of[place]) if place in of else math.nan for place in places], np.float64)
        for name, of in given.items()
    }


def credit_table(
    rule: CreditRule,
    episodes: Sequence[Episode],
    rows: Sequence[Row],
    values: Sequence[RowValues] | None,
    signals: Sequence[Signal] = (),
    penalties: Sequence[np.ndarray] | None = None,
    seat: Seat = "agent",
) -> CreditTable:
    """One rule's credit laid on the episodes; a turn that several paths share gets the mean of what they give it, one
    that no scored path holds gets none (nan).

    Args:
        rule: spreads the signal.
        episodes, rows: the record, and the training rows of one seat.
        values: what a critic says along the rows, or the several that the rule names; None without one.
        signals: what feedback said of the episodes.
        penalties: float [N] per row, earned by single tokens.
        seat: whose rows these are; it stands in the table's name where it is not the agent.
    """
    check_seat(rows, seat)
    paths = paths_of(episodes, rows)
    if "group" in rule.needs:
        paths = with_company(paths, episodes)
    x, of = credit_input(episodes, rows, paths, values, seat, signals, getattr(rule, "critics", ()), penalties)
    result = rule.assign(x)
    check_heard(rule, x, result)

    def laid(flat: np.ndarray, unit: str) -> list[list]:
        """Entries at their episodes and turns."""
        starts = x.given("token_starts_T1")
        per_turn = list(flat) if unit == "turn" else [flat[a:b] for a, b in pairwise(starts)]
        given: dict[tuple[int, int], list] = {}
        for place, entry in zip(of, per_turn, strict=True):
            given.setdefault(place, []).append(entry)
        entries_of: list[list] = [[math.nan] * len(e.turns) for e in episodes]
        for (episode, turn), entries in given.items():
            entries_of[episode][turn] = entries[0] if len(entries) == 1 else np.mean(entries, axis=0)
        return entries_of

    def table(name: str, result: CreditResult) -> CreditTable:
        targets = result.targets_T if result.unit == "turn" else result.token_targets_N
        told = None if targets is None else laid(targets, result.unit)
        critics = [table(f"{name}: {critic}", own) for critic, own in result.critics.items()]
        return CreditTable(name, result.unit, laid(result.credit, result.unit), told, critics, seat)

    return table(of_seat(rule.name, seat), result)


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
    """A table's entries at the tokens of every row: float32 [N], 0 outside replies, nan where there is no credit."""
    laid = []
    for row in rows:
        out = np.zeros(len(row), np.float32)
        for span in row.spans:
            out[span.start : span.end] = table[row.episode][span.turn]
        laid.append(out)
    return laid
