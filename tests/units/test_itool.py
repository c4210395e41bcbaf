"""iTool: the rules of specs/learn/itool, on pure functions, on searches of a real policy, and on a real learner."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_play import nano
from turnwise.agents.plain import PlainAgent
from turnwise.agents.spec import expert
from turnwise.core.errors import TurnwiseError, UnknownName, WrongPairing
from turnwise.core.types import Batch
from turnwise.explore import Table
from turnwise.explore.fragments import AFTER, FragmentSearch, cuts
from turnwise.feedback.grades import own_opinion, worth, worth_of_share
from turnwise.learn.alternatives import overlap
from turnwise.learn.deficiency import anybody, hardest, kept_again, perplexity
from turnwise.learn.fragments import families, fast_reward, fragment_pairs
from turnwise.learn.fragments import worth as mean_of
from turnwise.learn.mined import Mined
from turnwise.learn.sides import side_rows
from turnwise.learn.weights.preference import Preference, PreferenceSettings
from turnwise.learn.weights.simpo import Simpo
from turnwise.models.engine import Engine
from turnwise.models.sampling import Sampling
from turnwise.plan.fragments import Fragment, Fragments, Piece, bound, cut, ids_of, search_fragments, select, walk
from turnwise.recipes.mining import Miner, opening, perplexities
from turnwise.worlds import make
from turnwise.worlds.api_calls_rules import (
    FUNCTIONS,
    NO_CALL,
    Request,
    calls_in,
    complaint,
    read,
    requests,
    share_right,
)

# --- the worked examples ---


def test_the_worked_bound():
    assert bound(2.0, 3, 0.8, 6, 1.0) == pytest.approx(1.03543, abs=1e-5)
    assert bound(2.0, 3, 0.8, 0, 1.0) == bound(2.0, 3, 0.8, 1, 1.0) == 0.5


def test_the_worked_overlap_and_fast_reward():
    assert overlap("f(a, b)", "f(a, c)") == 0.5 and overlap("f(a, b)", "f(a, b)") == 1.0
    assert fast_reward("[f(a, b)]", "[f(a, b)]") == pytest.approx(0.6)
    assert fast_reward("[f(a,", "[f(a, b)]") == pytest.approx(-0.1 + 1.0 - 0.5)
    assert fast_reward("f(b)") == 0.1 and fast_reward("f(b") == -0.1


def test_the_worked_self_evaluation():
    assert worth([1, 0, 0, 0]) == 0.25 and worth([0, 0, 0, 1]) == -0.5
    assert worth([0, 1, 0, 0]) == pytest.approx(0.025) and worth([0, 0, 1, 0]) == -0.25
    assert worth_of_share(1.0) == 0.25 and worth_of_share(0.0) == -0.5 and worth_of_share(0.5) == -0.125


def test_the_share_is_taken_of_each_class():
    classes, ppl = [True] * 10 + [False] * 5, [*range(10), *range(5)]
    assert hardest(ppl, classes, 0.3) == [9, 8, 7, 14]
    drawn = anybody(np.random.default_rng(0), classes, 0.3)
    assert [i < 10 for i in drawn] == [True] * 3 + [False] and len(set(drawn)) == 4
    assert {tuple(anybody(np.random.default_rng(k), classes, 0.3)) for k in range(9)} != {tuple(drawn)}
    with pytest.raises(TurnwiseError, match="at most 1"):
        hardest(ppl, classes, 0.0)


@given(st.lists(st.tuples(st.floats(1, 1e6), st.booleans()), max_size=40), st.floats(0.01, 1.0))
def test_nothing_left_out_is_harder_than_what_is_kept(samples, share):
    ppl, classes = [p for p, _ in samples], [c for _, c in samples]
    kept = set(hardest(ppl, classes, share))
    for name in (True, False):
        mine = {i for i, c in enumerate(classes) if c is name}
        assert len(mine & kept) == int(share * len(mine) + 1e-9)
        assert all(ppl[i] <= ppl[k] for i in mine - kept for k in mine & kept)


def test_perplexity_of_a_sure_reply_is_one():
    assert perplexity(0.0, 5) == 1.0 and perplexity(4 * math.log(0.5), 4) == pytest.approx(2.0)


def test_the_overlap_of_two_rounds():
    assert kept_again("abcd", "cdef") == 0.5 and kept_again("ab", "ab") == 1.0 and kept_again("", "a") == 0.0


# --- the search ---


class Letters:
    """Texts of four letters over a and b, written evenly; worth the share of a."""

    def __init__(self, seed: int = 0):
        self.rng, self.begun, self.scored = np.random.default_rng(seed), [], []

    async def continued(self, begun, count):
        self.begun.append(begun)
        return [
            [Piece((int(i),), math.log(0.5)) for i in self.rng.integers(2, size=4 - len(begun))] for _ in range(count)
        ]

    def fast(self, fragment):
        return -0.1 * sum(fragment)

    async def score(self, whole):
        assert len(whole) == 4
        self.scored.append(whole)
        return 1.0 - sum(whole) / 4


def searched(how, seed=0):
    writing = Letters(seed)
    return writing, asyncio.run(search_fragments(writing, how))


@pytest.mark.parametrize("seed", range(3))
def test_a_node_holds_what_was_written_through_it(seed):
    writing, root = searched(Fragments(iterations=8, width=3, depth=2, pieces=1), seed)
    assert writing.begun[0] == () and len(set(writing.begun)) == len(writing.begun), "each node is expanded once"
    for begun, node in walk(root):
        ids = begun + node.ids
        through = [whole for whole in writing.scored if whole[: len(ids)] == ids]
        assert node.visits == len(through) and node.total == pytest.approx(sum(1 - sum(w) / 4 for w in through))
        assert node.mean == pytest.approx(node.total / node.visits) and node.depth <= 3
        assert node.whole == (len(ids) == 4) and not (node.whole and node.children)
        assert node.prior == pytest.approx(1.0 if node is root else 0.5)
        assert node.value == pytest.approx(node.total + (0.0 if node is root else -0.1 * sum(node.ids)))


def test_a_chain_is_cut_at_the_depth():
    pieces = [Piece((n,), 0.0) for n in range(7)]
    assert [[p.ids[0] for p in part] for part in cut(pieces, 2, 2)] == [[0, 1], [2, 3], [4, 5, 6]]
    assert [len(part) for part in cut(pieces, 2, 9)] == [2, 2, 2, 1] and [len(p) for p in cut(pieces, 2, 0)] == [7]
    assert [len(part) for part in cut(pieces[:4], 2, 2)] == [2, 2]


def test_the_likelier_and_the_better_child_is_gone_to():
    root = Fragment(visits=6, expanded=True)
    root.children = {(0,): Fragment((0,), total=2.0, visits=3, prior=0.8), (1,): Fragment((1,), visits=3, prior=0.8)}
    assert ids_of(select(root, Fragments())) == (0,)
    root.children[0,].visits = 60
    assert ids_of(select(root, Fragments(w=9.0))) == (1,), "what was visited less, where exploration weighs"


def test_a_whole_text_that_comes_again_is_counted_again():
    _, root = searched(Fragments(iterations=60, width=3, depth=1, pieces=4))
    assert root.visits == 3 + 59


def test_what_is_no_search_is_refused():
    for how in ({"iterations": 0}, {"width": 0}, {"depth": 0}, {"pieces": 0}, {"w": -1.0}):
        with pytest.raises(TurnwiseError, match="1 or more"):
            Fragments(**how)


def test_pieces_end_behind_a_mark():
    text = "[f(a=1, b=22), g(c=3)]"
    parts = [text[start:end] for start, end in cuts(list(text.encode()), lambda ids: bytes(ids).decode())]
    assert parts == ["[f(", "a=", "1, ", "b=", "22), ", "g(", "c=", "3)]"]
    assert all(any(mark in part for mark in AFTER) for part in parts[:-1])


# --- a policy's own fragments ---


@pytest.fixture(scope="module")
def found():
    """Trees of a small policy on requests of all classes."""
    world, policy = make("api-calls", tries=2), nano("api-calls")
    engine = Engine(policy)
    agent = PlainAgent(engine, Sampling(max_new=12))
    table = Table(world, {"agent": agent}, 0, drive=engine.run)
    explorer = FragmentSearch(
        lambda writer, view, task, reply: worth_of_share(len(reply) % 7 / 6),
        lambda task, fragment: fast_reward(fragment, world.answer(task)),
        Fragments(iterations=4, width=3, depth=2, pieces=1),
    )
    trees = table.collect(explorer, world.tasks("train")[:4])
    assert not engine.lines
    return world, policy, explorer, table, trees


def test_every_whole_reply_is_said_once_and_answered(found):
    world, policy, _, _, trees = found
    for tree in trees:
        assert len({tuple(t.tokens.reply) for t in tree.turns}) == len(tree.turns) == len(tree.ends) >= 3
        for turn in tree.turns:
            assert turn.parent == -1 and turn.tokens.sampled.all() and (turn.tokens.logprobs < 0).all()
            assert policy.chat.decode(turn.tokens.reply.tolist()) == turn.message.text
            assert turn.tokens.prompt.tolist() == policy.chat.open(opening(world, tree.task))


def test_the_nodes_are_told_with_their_tokens(found):
    *_, trees = found
    for tree in trees:
        nodes = tree.origin["fragments"]
        for number, node in enumerate(nodes):
            reply = tree.turns[node["turn"]].tokens.reply
            assert node["parent"] < number and 0 <= node["start"] < node["end"] <= len(reply)
            if node["parent"] >= 0:
                parent = nodes[node["parent"]]
                assert parent["end"] == node["start"]
                assert (
                    reply[: node["start"]].tolist() == tree.turns[parent["turn"]].tokens.reply[: node["start"]].tolist()
                )
            else:
                assert node["start"] == 0
            below = [child for child in nodes if child["parent"] == number]
            assert not below or node["visits"] == sum(child["visits"] for child in below)
            ends = [t for t in tree.turns if t.tokens.reply[: node["end"]].tolist() == reply[: node["end"]].tolist()]
            if all(n["visits"] == 1 for n in nodes):
                assert node["visits"] == len(ends)


def test_a_search_is_the_same_every_time(found):
    world, _, explorer, table, trees = found
    again = table.collect(explorer, world.tasks("train")[:4])
    assert [t.origin["fragments"] for t in again] == [t.origin["fragments"] for t in trees]
    alone = table.collect(explorer, world.tasks("train")[2:3])
    assert [n["text"] for n in alone[0].origin["fragments"]] == [n["text"] for n in trees[2].origin["fragments"]]


def test_siblings_of_a_pair_share_the_beginning_and_nothing_else_is_trained(found):
    _, policy, _, _, trees = found
    pairs = fragment_pairs(trees, alike=1.0)
    assert len(pairs) >= 4 and any(pair.better.part[0] > 0 for pair in pairs)
    for pair in pairs:
        rows = [of_side[0] for of_side in side_rows(trees, pair.sides, policy.chat)]
        begun = [row.ids[: int(np.flatnonzero(row.loss)[0])].tolist() for row in rows]
        assert begun[0] == begun[1]
        for side, row in zip(pair.sides, rows, strict=True):
            reply = trees[side.episode].turns[side.turns[0]].tokens.reply
            assert row.ids[row.loss].tolist() == reply[side.part[0] : side.part[1]].tolist()
            assert len(begun[0]) == len(row.ids) - row.loss.sum()


def test_a_player_who_cannot_go_on_is_refused(found):
    world, _, explorer, *_ = found
    with pytest.raises(WrongPairing, match="go on with a reply"):
        Table(world, {"agent": expert(world)}, 0).collect(explorer, world.tasks("train")[:1])
    with pytest.raises(TurnwiseError, match="more than 0"):
        replace(explorer, temperature=0.0)


# --- pairs ---


def told(*totals, texts="abcdefg", visits=1):
    """A tree of siblings with these worths."""
    nodes = [
        {"parent": -1, "text": texts[n], "turn": n, "start": 0, "end": 1, "visits": visits, "total": visits * total}
        for n, total in enumerate(totals)
    ]
    turns = tuple(SimpleNamespace(parent=-1, seat="agent") for _ in totals)
    ends = tuple(SimpleNamespace(turn=n) for n in range(len(totals)))
    return SimpleNamespace(origin={"fragments": nodes}, turns=turns, ends=ends, path=lambda leaf: [leaf])


def chosen(tree, **how):
    return [(pair.better.turns[0], pair.worse.turns[0]) for pair in fragment_pairs([tree], **how)]


def test_the_gap_the_least_and_the_overlap_decide():
    assert chosen(told(-0.1, 0.2, -0.2)) == [(1, 2)], "the best and the worst"
    assert chosen(told(0.2, 0.15)) == [] and chosen(told(0.25, 0.15)) == [(0, 1)]
    assert chosen(told(-0.31, -0.5)) == [] and chosen(told(-0.3, -0.5)) == [(0, 1)]
    assert chosen(told(0.2, -0.5, texts=("a b", "b a"))) == []
    assert chosen(told(0.2, -0.5, texts=("a b", "b a")), alike=1.0) == [(0, 1)]
    assert chosen(told(0.2)) == [] and chosen(told(0.2, 0.2), gap=0.0) == []


def test_means_are_compared_and_not_sums():
    tree = told(0.2, 0.05)
    tree.origin["fragments"][1].update(visits=9, total=0.45)
    assert [mean_of(n) for n in families(tree)[0]] == [0.2, pytest.approx(0.05)] and chosen(tree) == [(0, 1)]


# --- the checker and the requests ---


def test_every_request_is_read_back():
    found = requests("train", (0.1, 0.45, 0.45), 300)
    assert all(read(request.text) == request for request in found)
    assert len(FUNCTIONS) == 20 and {len(request.calls) for request in found} == {0, 1, 2}
    assert {c.function.name for r in found for c in r.calls} == {f.name for f in FUNCTIONS}
    other = {request.text for request in requests("eval", (0.1, 0.45, 0.45), 300) if request.calls}
    assert not other & {request.text for request in found}
    assert read("what nobody asks") == Request("what nobody asks", ())


def test_the_checker_reads_the_parts():
    right = "[f(a=1, b=2), g(c=3)]"
    assert calls_in(right) == [("f", {"a": "1", "b": "2"}), ("g", {"c": "3"})]
    for reply, share, said in (
        ("[f(a=1, b=2), g(c=4)]", 4 / 5, "wrong c of g"),
        ("[f(a=1, b=2)]", 3 / 5, "wrong functions"),
        ("[f(a=1, b=2), h(c=3)]", 3 / 5, "wrong functions"),
        ("[f(a=1), g(c=3)]", 2 / 5, "wrong parameters of f"),
        ("[f(a=1, b=2), g(c=3), g(c=3)]", 5 / 7, "wrong functions"),
        ("f(a=1)", 0.0, "that is no list of calls"),
    ):
        assert share_right(reply, right) == pytest.approx(share) and complaint(reply, right) == said
    assert share_right(f"{NO_CALL}", NO_CALL) == 1.0 and share_right(right, NO_CALL) == 0.0
    world = make("api-calls")
    task = world.tasks("train")[0]
    assert world.grade(task, world.answer(task) + "\n") == 1.0 and make("maze").grade(task, "x") == 0.0


def test_tested_is_what_is_evaluated():
    assert {len(read(t.params["request"]).calls) for t in make("api-calls", tested=2).tasks("eval")} == {2}
    with pytest.raises(TurnwiseError, match="tested 0, 1, 2 or None"):
        make("api-calls", tested=3)


def test_the_policy_can_grade_itself(found):
    world, policy, *_ = found
    agent = PlainAgent(Engine(policy), Sampling())
    task = world.tasks("train")[0]
    found = own_opinion(agent.score, opening(world, task), "[f()]", world.answer(task))
    assert -0.5 < found < 0.25


# --- mining ---


def test_mining_takes_what_the_policy_finds_hard_and_moves_with_it(found):
    world, policy, *_, trees = found
    pool = world.tasks("train")[:30]
    miner = Miner(world, pool, 0.3, "hard", 0)
    kept = miner.choose(policy, 0, 4096)
    answers = [world.answer(task) for task in pool]
    ppl = perplexities(policy, [opening(world, task) for task in pool], answers, 4096)
    assert perplexities(policy, [opening(world, task) for task in pool], answers, 100) == pytest.approx(ppl, rel=1e-4)
    assert [pool.index(t) for t in kept] == hardest(ppl, [")" in a for a in answers], 0.3)
    other = nano("api-calls", seed=1)
    assert kept_again([t.key for t in kept], [t.key for t in miner.choose(other, 1, 4096)]) < 1.0
    drawn = [replace(miner, select="random").choose(policy, n, 4096) for n in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2] and len(drawn[0]) == len(kept)
    with pytest.raises(UnknownName, match="did you mean 'hard'"):
        replace(miner, select="hrad")
    with pytest.raises(WrongPairing, match="tasks do not tell one"):
        Miner(make("maze"), make("maze").tasks("train"), 0.3, "hard", 0)


def test_a_round_tells_what_was_kept_again_and_goes_on_where_it_stopped(found, tmp_path):
    _, policy, _, _, trees = found

    def learner():
        inner = Preference(
            nano("api-calls"), Simpo(), lambda b, rng: fragment_pairs(b.episodes), PreferenceSettings(), 0
        )
        return Mined(inner)

    one = learner()
    (first,) = one.learn(Batch(trees))
    assert first.change["tasks"] == 4.0 and "kept_again" not in first.change and first.change["examples"] > 0
    one.save(tmp_path)
    two = learner()
    two.load(tmp_path)
    assert two.learn(Batch(trees[1:3]))[0].change["kept_again"] == 1.0
    assert one.learn(Batch([trees[0], *trees[2:]]))[0].change["kept_again"] == 1.0
    assert one.learn(Batch(trees[:2]))[0].change["kept_again"] == 0.5
