"""Multi-round recommendation: what its sheets say must hold (specs/users/crs-multi-round, bot-play-crs)."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.agents.scripted import ScriptedAgent
from turnwise.api.evaluating import evaluate
from turnwise.core.chance import Chance, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, Message
from turnwise.users.acts import DialogueAct
from turnwise.worlds import make
from turnwise.worlds.recommend_catalogue import built, generated, papers
from turnwise.worlds.recommend_people import Wish, most_frequent
from turnwise.worlds.recommend_rules import PAYS, entropy, hdcg, search

TOY = built(["a", "b", "c", "d"], ["hue red", "hue blue", "size big"], [(0, 2), (0,), (1, 2), (1,)])


def begun(task=0, key=1, **options) -> Any:
    world = make("recommend", **options)
    cursor = Cursor(world.live(), world.tasks("train")[task], Chance(key_of(key)))
    cursor.begin()
    return cursor


def say(cursor, text):
    cursor.take({"agent": Act(Message("assistant", text))})
    assert not cursor.tree.ends or cursor.tree.ends[-1].error is None, cursor.tree.ends[-1].error
    return cursor.moment.rewards["agent"]


def played(task, expert, **options):
    world = make("recommend", **options)
    agent = ScriptedAgent(world.expert(expert), expert)
    cursor = Cursor(world.live(), task, Chance(key_of(1, task.key)))
    return asyncio.run(play(cursor, {"agent": agent})).episode("e", {})


# -- the rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("turn", "rank", "gain"), [(1, 1, 1.0), (2, 1, 0.6309), (2, 3, 0.5655), (5, 10, 0.3651)])
def test_hdcg_of_the_sheet(turn, rank, gain):
    assert hdcg(turn, rank) == pytest.approx(gain, abs=5e-5)
    assert hdcg(None, 0) == 0.0


def test_entropy_in_bits():
    assert entropy(np.array([0.0, 1.0, 0.5, 0.25])) == pytest.approx([0.0, 0.0, 1.0, 0.811278], abs=1e-6)
    known = search(TOY)
    assert known.entropies() == pytest.approx([1.0, 1.0, 1.0])
    assert known.told(0, True).entropies() == pytest.approx([0.0, 0.0, 1.0])


def test_weighted_entropy_counts_by_the_score():
    known = search(TOY).told(2, False)
    scores = known.scores(np.arange(4))
    weights = 1 / (1 + np.exp(-scores))
    assert scores[0] < 0 and scores[1] == 0.0  # only items with the rejected attribute lose
    share = weights[[0, 1]].sum() / weights.sum()
    assert known.entropies(weighted=True)[0] == pytest.approx(float(entropy(np.array(share))))


@settings(max_examples=40)
@given(st.integers(0, 358), st.lists(st.tuples(st.integers(0, 93), st.booleans()), max_size=12))
def test_candidates_never_grow_and_an_answer_does_what_the_sheet_says(item, asked):
    catalogue = papers()
    known = search(catalogue, accepted=catalogue.of(item)[:1])
    for attribute, _ in asked:
        yes = attribute in catalogue.of(item)
        after = known.told(attribute, yes)
        kept = {i for i in catalogue.members(known.candidates) if not yes or attribute in catalogue.of(i)}
        assert set(catalogue.members(after.candidates)) == kept and after.size == len(kept)
        assert item in kept and (yes or after.size == known.size)
        known = after


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=6), st.randoms())
def test_what_is_known_does_not_depend_on_the_order(said, shuffled):
    unique = list({a: (a, yes) for a, yes in said}.values())
    one = search(TOY)
    for attribute, yes in unique:
        one = one.told(attribute, yes)
    shuffled.shuffle(unique)
    other = search(TOY)
    for attribute, yes in unique:
        other = other.told(attribute, yes)
    assert one is other


def test_bit_sets_are_the_attributes():
    catalogue = generated(300)
    for attribute in range(0, 96, 7):
        has = [attribute in catalogue.of(i) for i in range(300)]
        assert catalogue.members(catalogue.having[attribute]).tolist() == np.flatnonzero(has).tolist()
        assert catalogue.has(attribute, np.arange(300)).tolist() == has
    assert (catalogue.counts(catalogue.everything) == np.bincount(catalogue.flat, minlength=96)).all()
    assert generated(300) is catalogue and len({catalogue.of(i) for i in range(300)}) > 290
    with pytest.raises(TurnwiseError, match="items"):
        generated(3)


def test_the_shipped_catalogue():
    catalogue = papers()
    sizes = np.diff(catalogue.starts)
    assert (len(catalogue.items), len(catalogue.attributes), sizes.min(), sizes.max()) == (359, 94, 7, 14)
    assert len({catalogue.of(i) for i in range(359)}) == 355


# -- conversations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", sorted(PAYS))
def test_rewards_of_both_tables(table):
    cursor = begun(reward=table, k=1, max_turns=5)
    world, pays = cursor.world, PAYS[table]
    wish = world._person.facts
    yes = next(n for n in world.catalogue.attributes if wish[n] == "yes" and n not in world._begin.told)
    no = next(n for n in world.catalogue.attributes if wish[n] == "no")
    other = next(i for i in world.catalogue.items if i != world.catalogue.items[wish.item])
    assert say(cursor, f"ask {yes}") == pays["yes"]
    assert say(cursor, f"do you like {no}?") == pays["no"]
    assert say(cursor, f"recommend {other}") == pays["reject"]
    assert say(cursor, "tell me what you want") == pays["no"]
    assert say(cursor, world.answer(cursor.task)) == pays["accept"]  # the last turn is played
    assert cursor.tree.ends[0].facts["success"] and cursor.tree.ends[0].facts["hDCG@(5,1) (a failure: 0)"] == hdcg(5, 1)


def test_the_limit_comes_in_place_of_the_last_reward():
    cursor = begun(max_turns=2)
    assert say(cursor, "nonsense") == -0.1
    assert say(cursor, "nonsense") == -0.3 and not cursor.open
    facts = cursor.tree.ends[0].facts
    assert (facts["over"], facts["turns (a failure: 2)"], facts["culprit"]) == ("turns", 2.0, "agent")


def test_a_facet_is_answered_with_all_its_values():
    cursor = begun()
    wish, before = cursor.world._person.facts, cursor.world._search.size
    say(cursor, "which domain?")
    assert cursor.world._standing.told["domain"] == wish["domain"]
    known = cursor.world._search
    of_domain = set(cursor.world.catalogue.facets["domain"])
    assert of_domain <= set(known.accepted) | set(known.rejected)
    assert {a for a in known.accepted if a in of_domain} == wish.has & of_domain and known.size <= before


@pytest.mark.parametrize("text", ["ask nothing", "ask target", "recommend p999", "recommend p001 p001", "which p001?"])
def test_what_the_catalogue_does_not_have_is_not_understood(text):
    cursor = begun()
    say(cursor, text)
    assert cursor.moment.facts["said"] == [["unclear", "", ""]]


def test_a_list_that_is_too_long_is_not_understood():
    cursor = begun(k=2)
    say(cursor, "recommend p001 p002 p003")
    assert cursor.moment.facts["said"][0][0] == "unclear"
    say(cursor, "recommend p001, p002")
    assert cursor.moment.views["agent"][1].text.startswith("shown p001 p002, ")


def test_the_same_words_give_the_same_conversation():
    texts = ["ask task tutoring", "show me the best", "which turns?", "recommend", "huh"]
    first, second = begun(3), begun(3)
    for text in texts:
        assert say(first, text) == say(second, text) and first.moment == second.moment


@pytest.mark.parametrize("user", ["critic", "seeker"])
def test_a_critique_names_what_was_shown_and_is_not_wanted(user):
    for task in range(0, 200, 20):
        cursor = begun(task, user=user)
        while cursor.open:
            say(cursor, "recommend")
            for kind, about, value in cursor.moment.facts["said"]:
                if kind == "inform":
                    catalogue, wish = cursor.world.catalogue, cursor.world._person.facts
                    shown = [catalogue.number[name] for name in cursor.world._shown]
                    assert value == "no" and wish[about] == "no"
                    assert any(catalogue.index[about] in catalogue.of(item) for item in shown)
        assert cursor.tree.ends[0].facts["success"] == (cursor.tree.ends[0].facts["over"] == "user")


def test_the_most_frequent_critique_first():
    shown = DialogueAct("recommend", value="a b c")
    assert most_frequent(shown, Wish(TOY, 3)) == ("hue red", "size big")
    assert most_frequent(DialogueAct("recommend", value="c"), Wish(TOY, 2)) == ()


def test_a_changed_mind_shares_something_with_the_old_one():
    cursor = begun(changing=1.0)
    for _ in range(6):
        before = cursor.world._standing.facts
        say(cursor, "ask task tutoring")
        after = cursor.world._standing.facts
        assert after.item != before.item and after.has & before.has


def test_success_by_turn_and_turns_agree_with_the_sheet():
    found = evaluate("script:careless", "recommend", world_settings={"k": 1, "max_turns": 7}, seed=2)
    shares: Any = [estimate.value for estimate in found.curve]
    assert all(now <= later for now, later in pairwise(shares))
    assert shares[-1] == found.success.value
    mean_turns: Any = found.noted["turns (a failure: 7)"].value
    assert mean_turns <= 7 and mean_turns == pytest.approx(sum(1 - s for s in [0.0, *shares[:-1]]))


def test_the_best_of_a_list_are_those_of_the_whole_order():
    known = search(generated(300)).told(3, False).told(20, False)
    items = known.catalogue.members(known.candidates)
    whole = items[np.argsort(-known.scores(items), kind="stable")]
    for count in (1, 3, 10, 299):
        assert known.best(count) == tuple(whole[:count].tolist())
    few = search(TOY, accepted=(0, 2))
    assert few.best(3) == (0, 1, 2)  # filled up with others


@pytest.mark.parametrize("k", [1, 3])
def test_asking_what_splits_most_finds_more_than_showing_at_once_and_chance(k):
    rates: dict[str, Any] = {}
    for expert in ("always-recommend", "random", "entropy-greedy", "halving"):
        found = evaluate(f"script:{expert}", "recommend", world_settings={"k": k}, episodes=60)
        rates[expert] = found.success.value, found.turns.value
    asking, others = ("entropy-greedy", "halving"), ("always-recommend", "random")
    assert min(rates[expert][0] for expert in asking) > max(rates[expert][0] for expert in others)
    assert rates["halving"][1] < min(rates[other][1] for other in rates if other != "halving")
