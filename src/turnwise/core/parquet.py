"""The row layout of `episodes/*.parquet`: one row per turn, and back again without loss.

A reader without turnwise needs to know four things. A row with `turn` = -1 holds no turn: it stands for an episode in
which nobody got to act, or for a path cut before its first turn. `leaves` lists the paths that end at this turn
(usually none or one); `end` and `success` repeat the first of them, `reward` repeats the acting seat's entry of
`rewards`. `prompt` holds only the ids that no earlier turn of the row's training sequence holds: concatenate along the
path to have all (specs/scale, section 7). Null means that there is nothing (no tokens were recorded, not scored); an
empty list or 0 is a fact.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from turnwise.core.columns import column, number_lists, read_number_lists, read_tables
from turnwise.core.errors import TurnwiseError
from turnwise.core.jsontext import to_json
from turnwise.core.types import ROOT, End, Episode, Leaf, Message, Task, Tokens, Turn

MESSAGE = pa.struct([("role", pa.string()), ("text", pa.string()), ("writer", pa.string()), ("calls", pa.string())])
NUMBERS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.float64())]))
SEEN = pa.list_(pa.struct([("seat", pa.string()), ("messages", pa.list_(MESSAGE))]))
LEAF = pa.struct(
    [
        ("leaf", pa.int32()),
        ("end", pa.string()),
        ("error", pa.string()),
        ("facts", pa.string()),
        ("seen", SEEN),
    ]
)
SPAN = pa.struct([("version", pa.int64()), ("start", pa.int32()), ("end", pa.int32())])

EPISODES = pa.schema(
    [
        ("stage", pa.string()),
        ("round", pa.int32()),
        ("episode", pa.string()),
        ("task", pa.string()),  # key
        ("world", pa.string()),
        ("split", pa.string()),
        ("params", pa.string()),  # JSON: hidden facts of the task
        ("origin", pa.string()),  # JSON: who made the episode
        ("turn", pa.int32()),
        ("parent", pa.int32()),
        ("tick", pa.int64()),
        ("seat", pa.string()),
        ("seen", pa.list_(MESSAGE)),
        ("role", pa.string()),
        ("text", pa.string()),
        ("writer", pa.string()),
        ("calls", pa.string()),  # JSON list, null where there is none
        ("reward", pa.float64()),
        ("rewards", NUMBERS),
        ("prompt", pa.list_(pa.int32())),
        ("reply", pa.list_(pa.int32())),
        ("logprobs", pa.list_(pa.float32())),
        ("sampled", pa.list_(pa.bool_())),
        ("versions", pa.list_(SPAN)),
        ("version", pa.int64()),
        ("fresh", pa.bool_()),
        ("cost", NUMBERS),
        ("facts", pa.string()),  # JSON
        ("end", pa.string()),
        ("success", pa.bool_()),
        ("leaves", pa.list_(LEAF)),
    ]
)
TOKENS = {"prompt": np.int32, "reply": np.int32, "logprobs": np.float32, "sampled": np.bool_}


def episodes_table(episodes: Sequence[Episode], stage: str, round: int) -> pa.Table:
    """Rows of one round, one per turn, in the order of the episodes.

    Raises:
        TurnwiseError: two episodes share an id, or something in them cannot be stored as JSON.
    """
    seen: set[str] = set()
    rows: list[dict[str, Any]] = []
    for episode in episodes:
        if episode.id in seen:
            raise TurnwiseError(
                f"two episodes of {stage}, round {round} have the id {episode.id!r}",
                "an id per episode: round/task/member",
            )
        seen.add(episode.id)
        rows += episode_rows(episode, {"stage": stage, "round": round})
    columns = [
        number_lists([row.get(name) for row in rows], TOKENS[name], EPISODES.field(name).type)
        if name in TOKENS
        else column([row.get(name) for row in rows], EPISODES.field(name).type)
        for name in EPISODES.names
    ]
    return pa.Table.from_arrays(columns, schema=EPISODES)


def episode_rows(episode: Episode, where: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of one episode; absent keys are nulls."""
    task, leaves = episode.task, leaves_by_turn(episode)
    head = where | {
        "episode": episode.id,
        "task": task.key,
        "world": task.world,
        "split": task.split,
        "params": to_json(task.params, f"params of task {task.key!r}"),
        "origin": to_json(episode.origin, f"origin of episode {episode.id!r}"),
    }
    if ROOT in leaves or not episode.turns:
        yield head | {"turn": ROOT} | ending(leaves.get(ROOT, []))
    for index, turn in enumerate(episode.turns):
        yield (
            head
            | {"turn": index}
            | turn_row(turn, f"turn {index} of episode {episode.id!r}")
            | ending(leaves.get(index, []))
        )


def turn_row(turn: Turn, place: str) -> dict[str, Any]:
    """The columns that a turn fills."""
    row: dict[str, Any] = {
        "parent": turn.parent,
        "tick": turn.tick,
        "seat": turn.seat,
        "seen": [message_row(m) for m in turn.seen],
        "reward": turn.rewards.get(turn.seat),
        "rewards": numbers_row(turn.rewards),
        "version": turn.version,
        "fresh": turn.fresh,
        "cost": numbers_row(turn.cost),
        "facts": to_json(turn.facts, f"facts of {place}"),
    } | message_row(turn.message)
    if turn.tokens is not None:
        spans = [{"version": v, "start": s, "end": e} for v, s, e in turn.tokens.versions]
        row |= {name: getattr(turn.tokens, name) for name in TOKENS} | {"versions": spans}
    return row


def ending(leaves: list[dict[str, Any]]) -> dict[str, Any]:
    """The columns of the paths that end at a turn, the first of them repeated in plain columns."""
    first = leaves[0] if leaves else {"end": None, "success": None}
    return {"leaves": leaves, "end": first["end"], "success": first["success"]}


def leaves_by_turn(episode: Episode) -> dict[int, list[dict[str, Any]]]:
    """The ends of an episode, by the turn at which they lie."""
    found: dict[int, list[dict[str, Any]]] = {}
    for number, leaf in enumerate(episode.ends):
        success = leaf.facts.get("success")
        row = {
            "leaf": number,
            "end": leaf.end.value,
            "error": leaf.error,
            "facts": to_json(leaf.facts, f"facts of leaf {number} of episode {episode.id!r}"),
            "seen": [{"seat": seat, "messages": [message_row(m) for m in said]} for seat, said in leaf.seen.items()],
            "success": None if success is None or leaf.end is End.ERROR else bool(success),
        }
        found.setdefault(leaf.turn, []).append(row)
    return found


def message_row(message: Message) -> dict[str, Any]:
    """A message as a struct."""
    calls = to_json(list(message.calls), "tool calls") if message.calls else None
    return {"role": message.role, "text": message.text, "writer": message.writer, "calls": calls}


def numbers_row(numbers: Mapping[str, float]) -> list[dict[str, Any]]:
    """Named numbers as a list of structs, which every reader knows (maps are not)."""
    return [{"name": name, "value": value} for name, value in numbers.items()]


def read_episodes(path: str) -> Iterator[Episode]:
    """The episodes of one file, in order, exactly as they were written; tuples in JSON values come back as lists."""
    rows = (row for table in read_tables(path) for row in read_rows(table))
    for _, group in groupby(rows, key=lambda row: row["episode"]):
        yield read_episode(list(group))


def read_rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Rows as dictionaries, token columns as numpy arrays of their own type."""
    columns = [
        read_number_lists(table[name].combine_chunks(), TOKENS[name]) if name in TOKENS else table[name].to_pylist()
        for name in EPISODES.names
    ]
    for values in zip(*columns, strict=True):
        yield dict(zip(EPISODES.names, values, strict=True))


def read_episode(rows: list[dict[str, Any]]) -> Episode:
    """The inverse of `episode_rows`."""
    first = rows[0]
    task = Task(first["task"], first["world"], json.loads(first["params"]), first["split"])
    turns = tuple(read_turn(row) for row in rows if row["turn"] != ROOT)
    leaves = {leaf["leaf"]: read_leaf(row["turn"], leaf) for row in rows for leaf in row["leaves"]}
    ends = tuple(leaves[number] for number in sorted(leaves))
    return Episode(first["episode"], task, turns, ends, json.loads(first["origin"]))


def read_turn(row: dict[str, Any]) -> Turn:
    """The inverse of `turn_row`."""
    tokens = None
    if row["reply"] is not None:
        spans = tuple((span["version"], span["start"], span["end"]) for span in row["versions"])
        tokens = Tokens(**{name: row[name] for name in TOKENS}, versions=spans)
    return Turn(
        parent=row["parent"],
        tick=row["tick"],
        seat=row["seat"],
        seen=tuple(read_message(m) for m in row["seen"]),
        message=read_message(row),
        rewards=read_numbers(row["rewards"]),
        tokens=tokens,
        cost=read_numbers(row["cost"]),
        version=row["version"],
        fresh=row["fresh"],
        facts=json.loads(row["facts"]),
    )


def read_leaf(turn: int, leaf: dict[str, Any]) -> Leaf:
    """One entry of `leaves`."""
    seen = {entry["seat"]: tuple(read_message(m) for m in entry["messages"]) for entry in leaf["seen"]}
    return Leaf(turn, End(leaf["end"]), seen, json.loads(leaf["facts"]), leaf["error"])


def read_message(row: dict[str, Any]) -> Message:
    """The inverse of `message_row`."""
    calls = tuple(json.loads(row["calls"])) if row["calls"] else ()
    return Message(row["role"], row["text"], calls, row["writer"])


def read_numbers(entries: list[dict[str, Any]]) -> dict[str, float]:
    """The inverse of `numbers_row`."""
    return {entry["name"]: entry["value"] for entry in entries}
