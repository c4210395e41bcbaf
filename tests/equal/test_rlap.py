"""The order of subtasks: the world's numbers, the chooser, and Q-learning over what is legal (specs/learn/rlap)."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch

from made_play import Made, nano, sample
from turnwise.agents.chooser import Chooser, options_of
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, End, Message, Moment, Task
from turnwise.explore import Independent, Table
from turnwise.learn.choices import Choice, ChoiceReplay
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.dqn import Dqn, DqnSettings
from turnwise.models.choosing import action_values, text_values
from turnwise.worlds import make
from turnwise.worlds import slot_order_rules as rules
from turnwise.worlds.base import World


class Orders(World):
    """Some subtasks, each done once; the score is a table over orders."""

    name = "orders"

    def __init__(self, names: str = "abc"):
        self.names = names

    @property
    def turns(self):
        return len(self.names)

    def score(self, order):
        """b before a is worth .6, c last .4."""
        place = {name: at for at, name in enumerate(order)}
        return 0.6 * (place["b"] < place["a"]) + 0.4 * (place["c"] == 2) if len(self.names) == 3 else 1.0

    def tasks(self, split):
        return [Task(f"{split}-{n}", self.name, {}, split) for n in range(8)]

    def reset(self, task, chance):
        self._order = []
        return Moment({"agent": (Message("user", "go\n"),)}, ("agent",), legal=self._legal())

    def step(self, said):
        self._order.append(said["agent"].text.strip())
        shown = {"agent": (Message("user", f"{self._order[-1]} done\n"),)}
        if len(self._order) == len(self.names):
            found = self.score(self._order)
            return Moment(shown, (), {"agent": found}, end=End.DONE, facts={"success": found == 1.0})
        return Moment(shown, ("agent",), legal=self._legal())

    def _legal(self):
        return tuple(f"{name}\n" for name in self.names if name not in self._order)


def policy_with_q(seed=0):
    policy = nano("slot-order", value_head=True)
    torch.nn.init.normal_(policy.value_head.weight, std=0.3, generator=torch.Generator().manual_seed(seed))
    return policy


def chosen(policy, world, count=8, epsilon=0.0, menu=None, split="train"):
    tasks = world.tasks(split)
    table = Table(world, {"agent": Chooser(policy, epsilon, menu)}, 0)
    return table.collect(Independent(), [tasks[i % len(tasks)] for i in range(count)])


def orders(episodes):
    return [[t.message.text.strip() for t in e.turns] for e in episodes]


def learner_of(policy, menu, **how):
    return Dqn(policy, DqnSettings(**how), ChoiceReplay(1000, lambda state: options_of(menu, state)), 0)


# --- the world ---


def test_the_best_order_is_the_clue_first():
    """.95 in three slots, .95^2 + .05 / 3 in the two that hang on the clue; a third where they come before it."""
    after = 0.95**2 + 0.05 / 3
    for case in rules.CASES:
        assert rules.best(case) == pytest.approx((3 * 0.95 + 2 * after) / 5)
        first = [case.clue, *(s for s in rules.SLOTS if s != case.clue)]
        assert rules.expected(case, first) == rules.best(case)
        assert rules.expected(case, first[::-1]) == pytest.approx((3 * 0.95 + 2 / 3) / 5)
    fixed = np.mean([rules.expected(case, rules.SLOTS) for case in rules.CASES])
    assert fixed == pytest.approx((3 * 0.95 + after + 1 / 3) / 5), "the clue stands before half of what hangs on it"


def test_scores_average_to_what_is_expected():
    case, lucks = rules.CASES[7], range(3000)
    for order in (rules.SLOTS, rules.SLOTS[::-1], ("class", "date", "city", "seat", "meal")):
        found = np.array([rules.score(case, luck, order) for luck in lucks])
        assert abs(found.mean() - rules.expected(case, order)) < 3 * found.std() / np.sqrt(len(found))


def test_without_hanging_on_each_other_all_orders_score_alike():
    for luck in range(5):
        found = {rules.score(rules.CASES[3], luck, order, order_free=True) for order in permutations(rules.SLOTS)}
        assert len(found) == 1 and rules.best(rules.CASES[3], luck, order_free=True) in found
    assert len({rules.score(rules.CASES[3], 0, order) for order in permutations(rules.SLOTS)}) > 1


def test_players_come_out_in_order():
    world, found = make("slot-order"), {}
    for name in world.experts:
        table = Table(world, {"agent": ScriptedAgent(world.expert(name))}, 0)
        played = table.collect(Independent(), world.tasks("train") * 4)
        assert all(e.total() == e.ends[0].facts["score"] for e in played)
        found[name] = np.mean([e.total() for e in played])
    assert found["best"] > found["sure"] and found["best"] > found["fixed"] > 0.7
    assert abs(found["best"] - rules.best(rules.CASES[0])) < 0.05
    paid = make("slot-order", per_slot=True)
    table = Table(paid, {"agent": ScriptedAgent(paid.expert("fixed"))}, 0)
    for episode in table.collect(Independent(), paid.tasks("train")[:9]):
        assert episode.total() == pytest.approx(episode.ends[0].facts["score"])
        assert {turn.rewards["agent"] for turn in episode.turns} <= {0.0, 0.2}


# --- the chooser ---


@pytest.mark.parametrize("epsilon", [0.0, 1.0])
def test_no_subtask_is_chosen_twice_and_each_is_asked_once(epsilon):
    """As many calls of the worker as under a fixed order: one per slot."""
    world = make("slot-order")
    for order in orders(chosen(policy_with_q(), world, 6, epsilon)):
        assert sorted(order) == sorted(rules.SLOTS)


def test_it_says_the_best_of_what_is_legal():
    policy, menu = policy_with_q(), {}
    seen = set()
    for episode in chosen(policy, make("slot-order"), 3, menu=menu):
        for row in rows_of([episode]):
            for span in row.spans:
                state = row.ids[: span.start]
                values = action_values(policy, state, options_of(menu, state))
                best = options_of(menu, state)[int(values.argmax())]
                assert best.tolist() == row.ids[span.start : span.end].tolist()
                alone = [text_values(policy, [np.concatenate([state, o])]).item() for o in options_of(menu, state)]
                assert values == pytest.approx(np.array(alone), abs=1e-5)
                seen.add(len(values))
        assert not any(turn.tokens.sampled.any() for turn in episode.turns), "nothing was drawn from a law"
    assert seen == {5, 4, 3, 2, 1}


def test_one_subtask_is_no_choice():
    (order,) = {tuple(o) for o in orders(chosen(policy_with_q(), Orders("a"), 4, 0.5))}
    assert order == ("a",)


def test_a_world_without_a_list_of_what_is_legal_is_refused():
    with pytest.raises(TurnwiseError, match="lists what is legal"):
        chosen(policy_with_q(), make("wordle"), 2)
    with pytest.raises(TurnwiseError, match="nobody chose"):
        options_of({}, np.zeros(3, np.int32))


# --- what it learns from ---


def test_targets_of_the_last_choice_are_the_score():
    policy, menu = policy_with_q(), {}
    learner = learner_of(policy, menu)
    episodes = chosen(policy, make("slot-order"), 6, 1.0, menu)
    learner.replay.add(episodes, rows_of(episodes))
    last = [c for c in learner.replay.held if c.after is None]
    assert len(last) == 6 and len(learner.replay) == 30
    assert learner.targets(last).tolist() == [np.float32(e.total()) for e in episodes]


@pytest.mark.parametrize("double", [True, False])
def test_targets_look_at_what_is_legal_alone(double):
    policy, menu = policy_with_q(0), {}
    learner = learner_of(policy, menu, double=double, gamma=0.5)
    learner.target.load_state_dict(policy_with_q(1).state_dict())
    episodes = chosen(policy, make("slot-order"), 4, 1.0, menu)
    learner.replay.add(episodes, rows_of(episodes))
    for choice, told in zip(learner.replay.held, learner.targets(learner.replay.held), strict=True):
        if choice.after is None:
            continue
        online, slow = (action_values(net, choice.after, choice.options) for net in (policy, learner.target))
        picked = slow[online.argmax()] if double else slow.max()
        assert told == pytest.approx(choice.reward + 0.5 * picked, abs=1e-5)
    assert {len(c.options) for c in learner.replay.held} == {0, 1, 2, 3, 4}


def test_a_replay_keeps_the_newest_and_comes_back(tmp_path):
    replay = ChoiceReplay(2, lambda state: ())
    ids = [np.arange(n, dtype=np.int32) for n in range(6)]
    replay.held = [Choice(ids[2], ids[1], 0.5, ids[4], (ids[3], ids[5])), Choice(ids[3], ids[2], 1.0, None)]
    replay.save(tmp_path / "choices.npy")
    again = ChoiceReplay(2, lambda state: ())
    again.load(tmp_path / "choices.npy")
    assert str(again.held) == str(replay.held)
    menu: dict = {}
    replay.options = lambda state: options_of(menu, state)
    episodes = chosen(policy_with_q(), Orders(), 1, 1.0, menu)
    assert replay.add(episodes, rows_of(episodes)) == 3 and len(replay) == 2
    cut = sample(nano("maze"), Made(turns=3), 1, turns=2)[0]
    replay.options = lambda state: ids
    assert replay.add(cut, rows_of(cut, nano("maze").chat)) == 1, "nobody chose after the cut"
    with pytest.raises(TurnwiseError, match="empty replay"):
        ChoiceReplay(2, lambda state: ()).draw(np.random.default_rng(0), 1)


def test_the_target_copy_stays_between_copies():
    policy, menu = policy_with_q(), {}
    learner = learner_of(policy, menu, steps=2, copy_every=3, batch=4)
    episodes = chosen(policy, Orders(), 4, 1.0, menu)
    before = copy.deepcopy(learner.target.value_head.weight)
    learner.learn(Batch(episodes))
    assert torch.equal(before, learner.target.value_head.weight)
    learner.learn(Batch(episodes))
    assert not torch.equal(before, learner.target.value_head.weight)


def test_the_trained_actor_reaches_the_best_of_all_orders():
    """Three subtasks, a deterministic worker: exhaustive search over the six orders, and what is chosen at last."""
    world, policy, menu = Orders(), policy_with_q(), {}
    found = {order: world.score(order) for order in permutations("abc")}
    best = max(found, key=lambda order: found[order])
    assert found[best] == 1.0 and sum(score == 1.0 for score in found.values()) == 1
    assert tuple(orders(chosen(policy, world, 1))[0]) != best
    learner = learner_of(policy, menu, lr=2e-3, steps=15, batch=12, copy_every=10)
    for number in range(8):
        learner.learn(Batch([replace(e, id=f"{number}") for e in chosen(policy, world, 8, 1.0, menu)]))
        if tuple(orders(chosen(policy, world, 1))[0]) == best and number > 0:
            break
    assert tuple(orders(chosen(policy, world, 1))[0]) == best == ("b", "a", "c")
