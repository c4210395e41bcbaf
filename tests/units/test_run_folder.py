"""The run folder: what is written comes back exactly."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_folder import episode, made
from made_run import make_run

from turnwise.core.columns import to_bytes
from turnwise.core.errors import RunFolderError, TurnwiseError
from turnwise.core.parquet import episodes_table, read_episodes
from turnwise.core.types import ROOT, CreditTable, End, Episode, Leaf, Message, Signal, Task, Tokens, Turn

# --- episodes that can be anything


def same_episode(a: Episode, b: Episode) -> bool:
    """Equality that looks into the arrays, bit by bit."""
    return plain(a) == plain(b) and [bits(t.tokens) for t in a.turns] == [bits(t.tokens) for t in b.turns]


def plain(episode: Episode) -> Episode:
    return replace(episode, turns=tuple(replace(t, tokens=None) for t in episode.turns))


def bits(tokens: Tokens | None) -> object:
    if tokens is None:
        return None
    arrays = (tokens.prompt, tokens.reply, tokens.logprobs, tokens.sampled)
    return [(a.dtype.str, a.tobytes()) for a in arrays], tokens.versions


texts = st.text(max_size=12) | st.sampled_from(
    ["", "two\nlines\r\n", "tab\t end ", "größer 数 🎲", "\x00null", "NaN", "null"]
)


numbers = st.floats(allow_nan=False, allow_infinity=False)


jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


mappings = st.dictionaries(texts, jsons, max_size=3)


named_numbers = st.dictionaries(texts, numbers | st.just(math.inf) | st.just(-0.0), max_size=3)


messages = st.builds(Message, texts, texts, st.lists(mappings, max_size=2).map(tuple), st.none() | texts)


said = st.lists(messages, max_size=3).map(tuple)


@st.composite
def token_records(draw: st.DrawFn) -> Tokens:
    ids = st.integers(0, 2**31 - 1)
    prompt, reply = draw(st.lists(ids, max_size=5)), draw(st.lists(ids, max_size=5))
    n = len(reply)
    logprobs = draw(st.lists(st.floats(width=32), min_size=n, max_size=n))
    sampled = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    versions = draw(st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 9), st.integers(0, 9)), max_size=2))
    arrays = (
        np.array(prompt, np.int32),
        np.array(reply, np.int32),
        np.array(logprobs, np.float32),
        np.array(sampled, bool),
    )
    return Tokens(*arrays, tuple(versions))


@st.composite
def trees(draw: st.DrawFn, id: str = "improve/0/a/0") -> Episode:
    """Any tree: leaves at inner nodes, several at one node, paths cut before the first turn, no turn at all."""
    turns = []
    for i in range(draw(st.integers(0, 4))):
        parent = draw(st.integers(ROOT, i - 1))
        tokens = draw(st.none() | token_records())
        fields = [draw(s) for s in (said, messages, named_numbers)]
        rest = draw(named_numbers), draw(st.integers(0, 2**40)), draw(st.booleans()), draw(mappings)
        turns.append(Turn(parent, draw(st.integers(0, 2**40)), draw(texts), *fields, tokens, *rest))
    facts = st.fixed_dictionaries({}, optional={"success": st.none() | st.booleans(), "note": jsons})
    leaf = st.builds(
        Leaf,
        st.integers(ROOT, len(turns) - 1),
        st.sampled_from(End),
        st.dictionaries(texts, said, max_size=2),
        facts,
        st.none() | texts,
    )
    task = Task(draw(texts), draw(texts), draw(mappings), draw(st.sampled_from(["train", "eval"])))
    return Episode(id, task, tuple(turns), tuple(draw(st.lists(leaf, max_size=4))), draw(mappings))


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 3), max_size=4).flatmap(lambda ns: st.tuples(*(trees(f"e{i}") for i in range(len(ns))))))
def test_what_is_read_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, episodes: tuple[Episode, ...]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.parquet"
    data = to_bytes(episodes_table(episodes, "improve", 3))
    path.write_bytes(data)
    back = list(read_episodes(str(path)))
    assert len(back) == len(episodes)
    assert all(same_episode(a, b) for a, b in zip(back, episodes, strict=True))
    assert to_bytes(episodes_table(back, "improve", 3)) == data


def turn(parent: int, text: str = "hm", **fields: object) -> Turn:
    return Turn(parent, parent + 1, "agent", (), Message("assistant", text), {"agent": 0.0}, **fields)


def test_one_row_per_turn_and_one_for_nobody_acted(tmp_path: Path) -> None:
    cut_and_gone_on = episode(
        "tree",
        (turn(ROOT), turn(0), turn(0)),
        (
            Leaf(0, End.TURNS),
            Leaf(ROOT, End.LEFT),
            Leaf(1, End.DONE, facts={"success": True}),
            Leaf(2, End.ERROR, error="world.step: x"),
        ),
    )
    broken = episode("empty", (), (Leaf(ROOT, End.ERROR, error="world.reset: x"),))
    with made(tmp_path) as folder:
        path = folder.append([cut_and_gone_on, broken], "improve", 0)
        rows = pq.ParquetFile(path).read().to_pylist()
    assert [(r["episode"], r["turn"], r["end"], r["success"]) for r in rows] == [
        ("tree", -1, "left", None),
        ("tree", 0, "turns", None),
        ("tree", 1, "done", True),
        ("tree", 2, "error", None),
        ("empty", -1, "error", None),
    ]
    assert list(folder.episodes()) == [cut_and_gone_on, broken]


def test_no_tokens_are_not_empty_tokens_and_no_reward_is_not_zero(tmp_path: Path) -> None:
    none = np.zeros(0, np.int32)
    empty = Tokens(none, none, np.zeros(0, np.float32), np.zeros(0, bool))
    unpaid = Turn(1, 2, "agent", (), Message("assistant", ""), {"user": 1.0})
    with made(tmp_path) as folder:
        path = folder.append([episode("e", (turn(ROOT), turn(0, tokens=empty), unpaid))], "improve", 0)
        rows = pq.ParquetFile(path).read().to_pylist()
        back = next(folder.episodes())
    assert [r["reply"] for r in rows] == [None, [], None]
    assert [r["reward"] for r in rows] == [0.0, 0.0, None]
    assert back.turns[0].tokens is None and len(back.turns[1].tokens.reply) == 0


def test_half_a_character_and_numpy_numbers_do_not_stop_a_run(tmp_path: Path) -> None:
    cut = episode("e", (turn(ROOT, "cut \ud83d", facts={"left": np.int64(3), "p": math.nan, "draws": (1, 2)}),))
    with made(tmp_path) as folder:
        folder.append([cut], "improve", 0)
        back = next(folder.episodes()).turns[0]
    assert back.message.text == "cut \ufffd"
    assert back.facts == {"left": 3, "p": None, "draws": [1, 2]}


def test_what_cannot_be_stored_is_named(tmp_path: Path) -> None:
    with made(tmp_path) as folder:
        with pytest.raises(TurnwiseError, match="facts of turn 0 of episode 'e'.*object"):
            folder.append([episode("e", (turn(ROOT, facts={"world": object()}),))], "improve", 0)
        with pytest.raises(TurnwiseError, match="two episodes of improve, round 0 have the id 'e'"):
            folder.append([episode(), episode()], "improve", 0)
        with pytest.raises(RunFolderError, match="stage '../up'"):
            folder.append([], "../up", 0)
        assert list(folder.episodes()) == []


def test_the_same_episodes_give_the_same_bytes(tmp_path: Path) -> None:
    def files(path: Path) -> dict[str, bytes]:
        make_run(path).close()
        return {
            str(p.relative_to(path)): p.read_bytes()
            for p in sorted(path.rglob("*"))
            if p.is_file() and p.name != ".lock"
        }

    assert files(tmp_path / "a") == files(tmp_path / "b")


# --- beside the record


def test_signals_and_credit_come_back(tmp_path: Path) -> None:
    signals = [
        Signal("e", "found", value=0.0),
        Signal("e", "kind", 1, 2, "user", None, "words\nonly", "judge", "other"),
        Signal("e", "n", value=math.nan),
    ]
    two = [episode("e", (turn(ROOT), turn(0))), episode("empty"), episode("f", (turn(ROOT),))]
    third, token = np.float32(1 / 3), np.array([0.1, math.nan], np.float32)
    per_turn = CreditTable("gae", "turn", [[third, math.nan], [], [0.0]], [[1.0, math.nan], [], [2.0]])
    per_token = CreditTable("tokens", "token", [[token, math.nan], [], [np.zeros(0, np.float32)]])
    with made(tmp_path) as folder:
        for _ in range(2):  # the same batch again is fine
            path = folder.append_signals(signals, "improve", 0)
            folder.append_credit(two, per_turn, "improve", 0)
        folder.append_credit(two, per_token, "improve", 0)
        assert [s.value for s in folder.signals("improve")] == [0.0, None, None]
        assert list(folder.signals())[:2] == signals[:2]
        assert pq.ParquetFile(path).read()["value"].null_count == 2
        credit = folder.credit("improve", 0)
        with pytest.raises(TurnwiseError, match="credit 'gae'"):
            folder.append_credit(two[:2], per_turn, "improve", 0)
    assert folder.credit("improve", 1) == {}
    ids, gae = credit["gae"]
    assert ids == ["e", "empty", "f"]
    np.testing.assert_equal([gae.values, gae.targets], [[[float(third), math.nan], [], [0.0]], per_turn.targets])
    np.testing.assert_equal(credit["tokens"][1].values[0], [token, math.nan])
    assert credit["tokens"][1].values[2][0].dtype == np.float32 and credit["tokens"][1].targets is None
    cells = pq.ParquetFile(folder.path / "credit" / "improve-000000-001.parquet").read()["values"].to_pylist()
    assert cells[0][1] is None and cells[1] is None


def test_metrics_keep_what_is_missing_missing(tmp_path: Path) -> None:
    with made(tmp_path) as folder:
        folder.metric(
            {"stage": "improve", "round": 0, "loss": math.nan, "norm": np.float32(0.5), "kl": None, "inf": math.inf}
        )
        folder.metric({"stage": "improve", "round": 1})
    assert folder.metrics()[0] == {"stage": "improve", "round": 0, "loss": None, "norm": 0.5, "kl": None, "inf": None}
    assert len(folder.metrics()) == 2


def test_stages_and_rounds_are_found_by_name(tmp_path: Path) -> None:
    with make_run(tmp_path / "run", rounds=2, tasks=2, group=1) as folder:
        assert folder.stages() == {"evaluate-after": [0], "evaluate-before": [0], "improve": [0, 1]}
        assert [e.id for e in folder.episodes("improve", [1])] == ["improve/1/train-000/0", "improve/1/train-001/0"]
        assert len(list(folder.episodes())) == 4 + 4 + 2 * 2
