"""The row layouts of `signals/` and `credit/`: what lies beside the record, and back again.

Null means not scored, or no credit: never 0, never NaN. Credit has one row per rule, episode and turn; an episode
without turns has one row with `turn` = -1. A rule that speaks per turn fills `value` (and `target`), one that speaks
per token fills `values` (and `targets`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from turnwise.core.columns import column, number_lists, read_number_lists
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import ROOT, CreditTable, Episode, Signal

SIGNALS = pa.schema(
    [
        ("stage", pa.string()),
        ("round", pa.int32()),
        ("episode", pa.string()),
        ("name", pa.string()),
        ("turn", pa.int32()),  # null: the whole path
        ("leaf", pa.int32()),
        ("seat", pa.string()),
        ("value", pa.float64()),
        ("text", pa.string()),
        ("source", pa.string()),
        ("better_than", pa.string()),
    ]
)
CREDIT = pa.schema(
    [
        ("stage", pa.string()),
        ("round", pa.int32()),
        ("name", pa.string()),
        ("unit", pa.string()),
        ("critic", pa.bool_()),  # whether the rule has targets for a critic
        ("episode", pa.string()),
        ("turn", pa.int32()),
        ("value", pa.float64()),
        ("values", pa.list_(pa.float32())),
        ("target", pa.float64()),
        ("targets", pa.list_(pa.float32())),
    ]
)
SEAT = pa.field("seat", pa.string())
"""One column more in the credit of another seat than the agent's."""


def signals_table(signals: Sequence[Signal], stage: str, round: int) -> pa.Table:
    """One row per signal; a value that is NaN is stored as not scored."""
    fields = [name for name in SIGNALS.names if name not in ("stage", "round")]
    columns = {name: [getattr(signal, name) for signal in signals] for name in fields}
    columns["value"] = [number(v) for v in columns["value"]]
    columns |= {"stage": [stage] * len(signals), "round": [round] * len(signals)}
    return pa.Table.from_arrays([column(columns[f.name], f.type) for f in SIGNALS], schema=SIGNALS)


def read_signals(table: pa.Table) -> list[Signal]:
    """The inverse of `signals_table`."""
    return [Signal(**{k: v for k, v in row.items() if k not in ("stage", "round")}) for row in table.to_pylist()]


def credit_table(episodes: Sequence[Episode], credit: CreditTable, stage: str, round: int) -> pa.Table:
    """One row per turn of the episodes.

    Raises:
        TurnwiseError: the values do not lie on these episodes and their turns.
    """
    check(credit, episodes)
    head = {
        "stage": stage,
        "round": round,
        "name": credit.name,
        "unit": credit.unit,
        "critic": credit.targets is not None,
        "seat": credit.seat,
    }
    schema = CREDIT if credit.seat == "agent" else CREDIT.append(SEAT)
    rows: list[dict[str, Any]] = []
    for e, episode in enumerate(episodes):
        where = head | {"episode": episode.id}
        targets = credit.targets[e] if credit.targets else [None] * len(episode.turns)
        said = enumerate(zip(credit.values[e], targets, strict=True))
        rows += [where | {"turn": t} | cells(credit.unit, *pair) for t, pair in said] or [where | {"turn": ROOT}]
    columns = [
        number_lists([row.get(f.name) for row in rows], np.float32, f.type, nan_is_null=True)
        if pa.types.is_list(f.type)
        else column([row.get(f.name) for row in rows], f.type)
        for f in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def cells(unit: str, value: Any, target: Any) -> dict[str, Any]:
    """What a rule says about one turn; a single nan where the unit is a token means that the turn has no credit."""
    if unit == "turn":
        return {"value": number(value), "target": number(target)}
    return {
        "values": None if np.ndim(value) == 0 else np.asarray(value, np.float32),
        "targets": None if np.ndim(target) == 0 else np.asarray(target, np.float32),
    }


def check(credit: CreditTable, episodes: Sequence[Episode]) -> None:
    """Refuse values that do not lie on these turns."""
    if credit.unit not in ("turn", "token"):
        raise TurnwiseError(f"credit {credit.name!r} has the unit {credit.unit!r}", "turn or token")
    turns = [len(e.turns) for e in episodes]
    for kind, said in (("values", credit.values), ("targets", credit.targets)):
        if said is not None and [len(v) for v in said] != turns:
            raise TurnwiseError(
                f"{kind} of credit {credit.name!r} do not lie on the episodes: {[len(v) for v in said][:5]}... turns",
                f"one entry per episode, in it one per turn: {turns[:5]}...",
                "hand over the episodes that the credit was computed for",
            )


def read_credit(table: pa.Table) -> tuple[list[str], CreditTable]:
    """The inverse of `credit_table`: ids of the episodes, and the credit aligned with them."""
    name, unit, critic = (table[key][0].as_py() if len(table) else None for key in ("name", "unit", "critic"))
    per_token = unit == "token"
    values, targets = (read_cells(table[kind + "s" * per_token]) for kind in ("value", "target"))
    said: dict[str, tuple[list[Any], list[Any]]] = {}
    for id, turn, value, target in zip(
        table["episode"].to_pylist(), table["turn"].to_pylist(), values, targets, strict=True
    ):
        of_episode = said.setdefault(id, ([], []))
        if turn != ROOT:
            of_episode[0].append(value)
            of_episode[1].append(target)
    kept = [targets for _, targets in said.values()] if critic else None
    seat = table["seat"][0].as_py() if "seat" in table.column_names and len(table) else "agent"
    values = [values for values, _ in said.values()]
    return list(said), CreditTable(name or "", unit or "turn", values, kept, seat=seat)


def read_cells(column: pa.ChunkedArray) -> list[Any]:
    """Numbers or float32 [R]; null as nan."""
    cells = (
        read_number_lists(column.combine_chunks(), np.float32) if pa.types.is_list(column.type) else column.to_pylist()
    )
    return [math.nan if cell is None else cell for cell in cells]


def number(value: Any) -> float | None:
    """A float, None where there is none."""
    return None if value is None or math.isnan(value) else float(value)
