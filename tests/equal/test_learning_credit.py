"""Where the record meets a credit rule: what was cut is bootstrapped, what is over is not, what broke is not scored,
and every number lands on the turn that it is about.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from transformers import LlamaConfig

import made_models
from made_play import Branches, Made, batch_of, nano, sample
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import ROOT, CreditTable, End, Episode, Leaf, Message, Signal, Task, Tokens, Turn
from turnwise.credit import RULES
from turnwise.credit.bilevel_gae import BilevelGae
from turnwise.credit.dr_grpo import DrGrpo
from turnwise.credit.grpo import Grpo
from turnwise.credit.outcome import Outcome
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rloo import Rloo
from turnwise.credit.token_gae import TokenGae
from turnwise.credit.turn_gae import TurnGae
from turnwise.learn.credited import RowValues, credit_input, credit_table, on_rows, paths_of
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.critic import critic_targets, monte_carlo
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.models.chat import chat_of
from turnwise.models.policy import Policy
from turnwise.worlds import make

CHAT = chat_of(made_models.tokenizer())
CRITICS = {rule.name: rule for rule in (TurnGae(1.0, 1.0), TokenGae(1.0, 1.0), BilevelGae(1.0, 1.0, 1.0))}


def said(reward: float, parent: int = ROOT, seat: str = "agent", fresh: bool = False, size: int = 3) -> Turn:
    """A turn of two prompt ids and `size` sampled ids."""
    ids = np.arange(10, 10 + size, dtype=np.int32)
    tokens = Tokens(np.array([5, 6], np.int32), ids, np.zeros(size, np.float32), np.ones(size, bool))
    seen = (Message("user", "hear"),)
    rewards = {seat: reward}
    return Turn(parent, parent + 1, seat, seen, Message("assistant", "say"), rewards, tokens, fresh=fresh)


def line(rewards, end=End.DONE, task="t", id="e", shown="after", fresh=False) -> Episode:
    """A straight episode."""
    turns = tuple(said(reward, parent, fresh=fresh) for parent, reward in enumerate(rewards, ROOT))
    left = {"agent": (Message("user", shown),)} if shown else {}
    leaf = Leaf(len(turns) - 1, end, left, error="made" if end is End.ERROR else None, fresh=("agent",) * fresh)
    return Episode(id, Task(task, "made"), turns, (leaf,))


def critic(rows, tail=7.0) -> list[RowValues]:
    """0.1 times the position everywhere, and `tail` at the tail."""
    found = []
    for row in rows:
        values = 0.1 * np.arange(len(row))
        if row.tail is not None:
            values[row.tail] = tail
        found.append(RowValues(values))
    return found


# --- terminal and cut ---


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("end", [e for e in End if e not in (End.DONE, End.ERROR)])
def test_only_a_cut_reads_what_would_have_followed(end, fresh):
    episodes = [line([1.0, 2.0], End.DONE, fresh=fresh), line([1.0, 2.0], end, fresh=fresh)]
    rows = rows_of(episodes, CHAT)
    x, of = credit_input(episodes, rows, paths_of(episodes, rows), critic(rows))
    assert x.done_E.tolist() == [True, False] and x.bootstrap_E.tolist() == [0.0, 7.0]
    assert of == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [row.tail is not None for row in rows] == ([False, False, False, False, True] if fresh else [False, True])


@pytest.mark.parametrize("name", CRITICS)
def test_rules_with_a_critic_bootstrap_what_was_cut_alone(name):
    """lambda = gamma = 1: the credit of every turn differs by just the value of what would have followed."""
    episodes = [line([1.0, 2.0], End.DONE), line([1.0, 2.0], End.TURNS)]
    rows = rows_of(episodes, CHAT)
    for tail in (7.0, -2.0):
        table = credit_table(CRITICS[name], episodes, rows, critic(rows, tail))
        for told in (table.values, table.targets):
            over, cut = (np.concatenate([np.atleast_1d(v) for v in of_episode]) for of_episode in told)
            assert cut - over == pytest.approx(tail)


def test_a_policy_with_a_value_head_bootstraps_in_the_whole_path():
    """The same episodes, cut or called over: only the critic's word at the last state tells them apart."""
    policy = nano("maze-partial", value_head=True)
    policy.value_head.bias.data.fill_(5.0)
    episodes, _ = sample(policy, make("maze-partial"), 3, turns=3)
    over = [dataclasses.replace(e, ends=(dataclasses.replace(e.ends[0], end=End.DONE),)) for e in episodes]
    learner = PolicyGradient(policy, PolicyGradientSettings(), 0)
    found = []
    for played in (episodes, over):
        rows = learner.rows(played)
        found.append(credit_table(TurnGae(1.0, 1.0), played, rows, learner.values(rows)).values)
    assert all(e.ends[0].end is End.TURNS for e in episodes)
    assert np.allclose(np.subtract(*[np.concatenate(values) for values in found]), 5.0, atol=1e-5)


def test_a_cut_whose_last_state_nobody_read_is_refused():
    episodes = [line([1.0], End.TURNS)]
    rows = rows_of(episodes)  # without a chat there is no tail
    with pytest.raises(TurnwiseError, match="bootstrap_E"):
        credit_table(TurnGae(), episodes, rows, critic(rows))


def test_a_cut_after_which_nothing_was_shown_is_bootstrapped_too():
    episodes = [line([1.0], End.LEFT, shown="")]
    (row,) = rows_of(episodes, CHAT)
    assert row.tail == len(row) - 1 and len(row) == 5 + len(CHAT.extend((), closed=False))


def test_a_tail_that_no_model_can_read_is_read_as_far_as_it_can():
    episodes = [line([1.0, 1.0], End.TOKENS, shown="a very long text " * 20), line([1.0], End.TOKENS, fresh=True)]
    whole = rows_of(episodes, CHAT)
    cut = rows_of(episodes, CHAT, longest=14)
    assert len(whole[0]) > 50 and [len(row) for row in cut] == [14, 5, min(14, len(whole[2]))]
    assert cut[0].tail == 13 and cut[0].ids.tolist() == whole[0].ids[:14].tolist()


def test_a_small_context_ends_episodes_and_not_the_training():
    config = LlamaConfig(**made_models.SHAPE | {"max_position_embeddings": 64})
    policy = Policy(made_models.bare(config), made_models.tokenizer(), value_head=True)
    episodes, _ = sample(policy, Made(turns=9), 4, turns=None, max_new=8)
    assert {e.ends[0].end for e in episodes} == {End.TOKENS}
    learner = PolicyGradient(policy, PolicyGradientSettings(), 0)
    rows = learner.rows(episodes)
    assert max(map(len, rows)) <= 64
    table = credit_table(TurnGae(), episodes, rows, learner.values(rows))
    learner.learn(batch_of(episodes, table))


# --- what broke ---


def test_a_broken_path_carries_no_loss_and_no_credit():
    episodes = [line([1.0], End.ERROR), line([2.0])]
    rows = rows_of(episodes, CHAT)
    assert [bool(row.loss.any()) for row in rows] == [False, True] and rows[0].tail is None
    table = credit_table(Outcome(), episodes, rows, None)
    assert math.isnan(table.values[0][0]) and table.values[1] == [2.0]


def test_a_broken_branch_leaves_what_it_shares_to_the_others():
    turns = (said(1.0), said(2.0, 0), said(3.0, 0))
    ends = (Leaf(1, End.ERROR, error="made"), Leaf(2, End.DONE))
    episode = Episode("e", Task("t", "made"), turns, ends)
    rows = rows_of([episode], CHAT)
    assert [int(row.loss.sum()) for row in rows] == [0, 6]
    table = credit_table(RewardToGo(), [episode], rows, None)
    assert table.values[0][0] == 4.0 and math.isnan(table.values[0][1]) and table.values[0][2] == 3.0


@pytest.mark.parametrize("rule", [Rloo(), Grpo(), DrGrpo()], ids=lambda rule: rule.name)
def test_a_broken_member_is_not_in_the_groups_mean(rule):
    episodes = [line([1.0]), line([0.0]), line([-50.0], End.ERROR)]
    table = credit_table(rule, episodes, rows_of(episodes, CHAT), None)
    whole = credit_table(rule, episodes[:2], rows_of(episodes[:2], CHAT), None)
    assert table.values[:2] == whole.values and math.isnan(table.values[2][0])


def test_who_lost_the_others_of_its_group_gets_no_credit():
    episodes = [line([1.0], task="a"), line([0.0], task="a"), line([1.0], task="b"), line([0.0], End.ERROR, "b")]
    table = credit_table(Rloo(), episodes, rows_of(episodes, CHAT), None)
    assert [v[0] for v in table.values[:2]] == [1.0, -1.0] and math.isnan(table.values[2][0])
    with pytest.raises(TurnwiseError, match="groups hold one episode"):
        credit_table(Rloo(), episodes[2:], rows_of(episodes[2:], CHAT), None)


# --- what lands where ---


def test_rewards_between_two_turns_belong_to_the_earlier_one():
    turns = (
        said(9.0, seat="user"),
        said(1.0, 0),
        dataclasses.replace(said(2.0, 1, "user"), rewards={"user": 2.0, "agent": 0.5}),
        said(3.0, 2),
        dataclasses.replace(said(0.0, 3, "user"), rewards={"agent": 0.25}),
    )
    episode = Episode("e", Task("t", "made"), turns, (Leaf(4, End.DONE),))
    table = credit_table(RewardToGo(), [episode], rows_of([episode], CHAT), None)
    assert table.values[0][1] == 4.75 and table.values[0][3] == 3.25
    assert [math.isnan(v) for v in table.values[0]] == [True, False, True, False, True]


def test_a_shared_turn_gets_the_mean_of_its_paths():
    turns = (said(0.0), said(2.0, 0), said(4.0, 0))
    episode = Episode("e", Task("t", "made"), turns, (Leaf(1, End.DONE), Leaf(2, End.DONE)))
    rows = rows_of([episode], CHAT)
    assert credit_table(RewardToGo(), [episode], rows, None).values == [[3.0, 2.0, 4.0]]
    table = credit_table(TurnGae(1.0, 1.0), [episode], rows, critic(rows))
    assert table.values[0] == pytest.approx([3.0 - 0.1, 2.0 - 0.6, 4.0 - 0.6])


def test_values_are_read_where_the_turn_was_chosen():
    episodes = [line([0.0, 0.0])]
    rows = rows_of(episodes, CHAT)
    x, _ = credit_input(episodes, rows, paths_of(episodes, rows), critic(rows))
    # ids: prompt 0 1, reply 2 3 4, prompt 5 6, reply 7 8 9
    assert x.values_T == pytest.approx([0.1, 0.6])
    assert x.token_values_N == pytest.approx([0.1, 0.2, 0.3, 0.6, 0.7, 0.8])
    assert x.token_starts_T1.tolist() == [0, 3, 6] and x.starts_E1.tolist() == [0, 2]


def judgements(rule, episodes):
    """Everything the rule reads, different at every place."""
    signals = []
    for number, episode in enumerate(episodes):
        for name in getattr(rule, "reads_T", ()):
            told = [(turn, 0.01 * (7 * number + 3 * turn + len(name)) % 1) for turn in range(len(episode.turns))]
            signals += [Signal(episode.id, name, turn, value=value) for turn, value in told]
        for name in getattr(rule, "reads_E", ()):
            signals += [Signal(episode.id, name, leaf=leaf, value=0.1 * leaf) for leaf in range(len(episode.ends))]
    return signals


@pytest.mark.parametrize("name", RULES)
def test_every_rule_lies_on_the_rows_of_real_episodes(name):
    rule = RULES[name](right=-99.0) if name == "rest-mcts" else RULES[name]()
    policy = nano("maze-partial", value_head=len(getattr(rule, "critics", ())) or 1)
    learner = PolicyGradient(policy, PolicyGradientSettings(minibatches=1), 0)
    episodes, _ = sample(policy, make("maze-partial"), 4, Branches(), turns=4)
    rows = learner.rows(episodes)
    table = credit_table(rule, episodes, rows, learner.values(rows), judgements(rule, episodes))
    for row, laid in zip(rows, on_rows(table.values, rows), strict=True):
        world = np.ones(len(row), bool)
        for span in row.spans:
            entry = table.values[row.episode][span.turn]
            assert laid[span.start : span.end] == pytest.approx(np.broadcast_to(entry, span.end - span.start))
            world[span.start : span.end] = False
        assert np.isfinite(laid).all() and not laid[world].any() and not row.loss[world].any()
    (update,) = learner.learn(batch_of(episodes, table))
    assert np.isfinite(list(update.change.values())).all()


def test_critic_targets_are_where_the_policy_learns():
    turns = (said(0.0), said(2.0, 0), said(4.0, 0))
    episode = Episode("e", Task("t", "made"), turns, (Leaf(1, End.DONE), Leaf(2, End.DONE)))
    rows = rows_of([episode], CHAT)
    per_turn = CreditTable("x", "turn", [[0.0] * 3], [[10.0, 20.0, 30.0]])
    read, told = critic_targets(per_turn, rows)
    assert [r.tolist() for r in read] == [[1, 6], [6]] and [t.tolist() for t in told] == [[10.0, 20.0], [30.0]]
    per_token = CreditTable("x", "token", [[np.zeros(3)] * 3], [[np.array([1, 2, 3.0]) * 10**k for k in range(3)]])
    read, told = critic_targets(per_token, rows)
    assert [r.tolist() for r in read] == [[1, 2, 3, 6, 7, 8], [6, 7, 8]]
    assert [t.tolist() for t in told] == [[1, 2, 3, 10, 20, 30], [100, 200, 300]]
    read, told = critic_targets(CreditTable("x", "turn", [[0.0] * 3]), rows)
    assert all(len(r) == len(t) == 0 for r, t in zip(read, told, strict=True))


def test_a_critic_is_taught_the_reward_to_go_of_demonstrations():
    episodes = [line([1.0, 2.0]), line([5.0], End.ERROR)]
    rows = rows_of(episodes, CHAT)
    read, told = monte_carlo(episodes, rows, gamma=0.5)
    assert [r.tolist() for r in read] == [[1, 6], []] and [t.tolist() for t in told] == [[2.0, 2.0], []]


# --- what a rule may read besides rewards: states, shared turns, judgements ---


def read(episodes, signals=()):
    rows = rows_of(episodes, CHAT)
    return credit_input(episodes, rows, paths_of(episodes, rows), signals=signals)


def heard(*texts, fresh=False):
    """A turn before which the user said these texts; the agent says "say"."""
    return dataclasses.replace(said(0.0), seen=tuple(Message("user", text) for text in texts), fresh=fresh)


def talk(*turns, id="e", task="t"):
    linked = tuple(dataclasses.replace(turn, parent=parent) for parent, turn in enumerate(turns, ROOT))
    return Episode(id, Task(task, "made"), linked, (Leaf(len(turns) - 1, End.DONE),))


def test_a_state_is_all_that_is_in_view():
    """In a conversation the same answer after another question is another state; equal beginnings are equal."""
    first = talk(heard("play"), heard("yes"), heard("yes"), id="a")
    second = talk(heard("play"), heard("yes"), heard("no"), id="b")
    other = dataclasses.replace(heard("play"), message=Message("assistant", "else"))
    third = talk(other, heard("yes"), id="c")
    x, _ = read([first, second, third])
    a, b, c = x.state_T[:3].tolist(), x.state_T[3:6].tolist(), x.state_T[6:].tolist()
    assert a[:2] == b[:2] and a[2] != b[2] and len(set(a)) == 3
    assert c[0] == a[0] and c[1] not in a + b


def test_where_the_past_leaves_the_view_the_last_observation_is_the_state():
    walk = talk(heard("at 1"), heard("at 2", fresh=True), heard("at 1", fresh=True), heard("at 2", fresh=True))
    window = talk(heard("at 1"), heard("at 2"), dataclasses.replace(heard(fresh=True), seen=()), id="f")
    x, _ = read([walk, window])
    assert x.state_T[[0, 1]].tolist() == x.state_T[[2, 3]].tolist() and x.state_T[0] != x.state_T[1]
    assert x.state_T[4] == x.state_T[0] and x.state_T[5] != x.state_T[1]
    whole = dataclasses.replace(
        heard(fresh=True), seen=(*window.turns[0].seen, Message("assistant", "say"), *heard("at 2").seen)
    )
    y, _ = read([window, talk(heard("at 9"), whole, id="g")])
    assert y.state_T[4] == y.state_T[1]  # said in pieces or shown at once: the same view


def test_tool_calls_are_part_of_what_was_seen_and_the_writer_is_not():
    def call(**arguments):
        return dataclasses.replace(said(0.0), seen=(Message("tool", "", ({"name": "f", "arguments": arguments},)),))

    writer = dataclasses.replace(said(0.0), seen=(Message("user", "hear", writer="somebody"),))
    episodes = [talk(turn, id=str(k)) for k, turn in enumerate([call(a=1), call(a=2), call(a=1), said(0.0), writer])]
    a, b, c, d, e = read(episodes)[0].state_T.tolist()
    assert a == c != b and d == e


def test_paths_share_node_numbers_where_they_share_turns():
    turns = (said(0.0), said(2.0, 0), said(4.0, 0))
    tree = Episode("e", Task("t", "made"), turns, (Leaf(1, End.DONE), Leaf(2, End.DONE)))
    x, of = read([tree, line([1.0, 0.0], id="f")])
    assert of == [(0, 0), (0, 1), (0, 0), (0, 2), (1, 0), (1, 1)]
    assert x.node_T.tolist() == [0, 1, 0, 2, 3, 4] and x.group_E.tolist() == [0, 0, 0]
    rows = rows_of([tree, line([1.0, 0.0], id="f")], CHAT)
    table = credit_table(RULES["tree-loo"](), [tree, line([1.0, 0.0], id="f")], rows, None)
    # first turn: mean of 2 and 4 against the 1 of the other tree; behind the fork half the weight each
    assert table.values == [[2.0, -1.0, 1.0], [-2.0, -2.0]]
    table = credit_table(RULES["tree-values"](), [tree, line([1.0, 0.0], id="f")], rows, None)
    assert table.values[0] == pytest.approx([3 - 7 / 3, -1.0, 1.0]) and table.values[1] == pytest.approx([-4 / 3, 0.0])


def test_judges_of_one_thing_are_averaged_and_what_nobody_judged_is_not_zero():
    episodes = [line([0.0, 0.0], id="a"), line([0.0], id="b")]
    signals = [
        Signal("a", "good", 0, value=1.0, source="one"),
        Signal("a", "good", 0, value=0.0, source="two"),
        Signal("a", "good", 1, value=0.25),
        Signal("b", "good", 0, text="no number"),
        Signal("b", "good", 0, seat="user", value=9.0),
        Signal("a", "whole", value=3.0),
        Signal("b", "whole", value=4.0),
        Signal("elsewhere", "good", 0, value=9.0),
    ]
    x, _ = read(episodes, signals)
    np.testing.assert_equal(x.signals_T["good"], [0.5, 0.25, np.nan])
    assert (
        x.signals_E["whole"].tolist() == [3.0, 4.0] and set(x.signals_T) == {"good"} and set(x.signals_E) == {"whole"}
    )
    rows = rows_of(episodes, CHAT)
    rule = RULES["exact"](q="good", v="worth")
    with pytest.raises(TurnwiseError, match="exact reads the signal 'good' of every turn, and 1 of 3 have none"):
        credit_table(rule, episodes, rows, None, signals)
    signals += [Signal("b", "good", 0, value=1.0)]
    with pytest.raises(TurnwiseError, match="exact reads the signal 'worth' of every turn, and the batch has none"):
        credit_table(rule, episodes, rows, None, signals)
    signals += [Signal(e.id, "worth", t, value=0.5) for e in episodes for t in range(len(e.turns))]
    assert credit_table(rule, episodes, rows, None, signals).values == [[0.0, -0.25], [0.5]]


def test_a_signal_of_a_path_belongs_to_that_path():
    turns = (said(0.0), said(2.0, 0), said(4.0, 0))
    tree = Episode("e", Task("t", "made"), turns, (Leaf(1, End.DONE), Leaf(2, End.DONE)))
    signals = [
        Signal("e", "whole", leaf=1, value=2.0),
        Signal("e", "whole", leaf=0, value=1.0),
        Signal("e", "step", 0, value=7.0),
    ]
    x, _ = read([tree], signals)
    assert x.signals_E["whole"].tolist() == [1.0, 2.0]
    np.testing.assert_equal(x.signals_T["step"], [7.0, np.nan, 7.0, np.nan])
