"""Clarifying search: the engine, the people and what the sheets say must hold (specs/users/convsim, genir)."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Act, Message
from turnwise.worlds import make
from turnwise.worlds.search_catalogue import facets, pictures, plain, vague
from turnwise.worlds.search_players import reader
from turnwise.worlds.search_ranker import Index, Query, ndcg, singular, terms_of

FIRST, LAST = "nDCG@3 of the first list", "nDCG@3 of the last list (none: 0)"
BY_LIST = "nDCG@3 by list (the last carried on)"


def begun(world, task, key=1):
    cursor = Cursor(world.live(), task, Chance(key_of(key, task.key)))
    cursor.begin()
    return cursor


def say(cursor, text):
    cursor.take({"agent": Act(Message("assistant", text))})
    return cursor.tree.turns[-1] if cursor.open else cursor.tree.ends[-1]


def played(world, task, expert, key=1):
    cursor, rule = begun(world, task, key), world.expert(expert)
    while cursor.open:
        view = cursor.view("agent")
        say(cursor, rule(view, generator(view.chance_key)))
    return cursor


def facts_at_end(world, expert, count=80):
    tasks = world.tasks("eval")
    return [played(world, task, expert).tree.ends[0].facts for task in tasks[:: max(1, len(tasks) // count)]]


# -- the engine --------------------------------------------------------------------------------------------------------


def test_bm25_by_hand():
    index = Index(["red fox red", "grey wolf", "red wolf den"], k1=1.2, b=0.75)
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    mean = (3 + 2 + 3) / 3
    first = idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / mean))
    last = idf * 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 3 / mean))
    assert np.allclose(index.scores(Query().plus("red")), [first, 0.0, last], atol=1e-8)
    assert index.best(Query().plus("red"), 2) == (0, 2) and index.rank(Query().plus("wolf"), 0) == 3


def test_words_are_read_without_their_plural():
    assert [singular(w) for w in ("families", "houses", "parents", "glass", "bus", "is")] == [
        "family", "house", "parent", "glass", "bus", "is",
    ]  # fmt: skip
    assert terms_of("What are you looking for? Obama's parents!") == ("obama", "parent")


def test_ndcg_worked():
    assert ndcg([1, 0, 0], [0, 1, 0]) == 1.0 and ndcg([0, 0, 0, 1], [1]) == 0.0
    assert ndcg([0, 1, 0], [1]) == pytest.approx(1 / math.log2(3)) and ndcg([0, 0, 1], [1]) == 0.5
    assert ndcg([3, 2, 1], [1, 2, 3]) == 1.0 and ndcg([2, 3, 1], [1, 2, 3]) < 1.0
    assert ndcg([2, 2, 1], [1, 2, 2]) == ndcg([2, 2, 1][:2] + [1], [1, 2, 2]) == 1.0  # tied gains may change places
    assert ndcg([2, 3, 1], [1, 2, 3]) == pytest.approx((2 + 3 / math.log2(3) + 0.5) / (3 + 2 / math.log2(3) + 0.5))


@given(st.lists(st.sampled_from(range(762)), min_size=1, max_size=4, unique=True), st.sampled_from(range(0, 762, 50)))
def test_what_is_turned_down_sinks_and_what_is_closer_rises(shown, about):
    index, query = facets().index, Query().plus(facets().titles[about])
    before, after = index.scores(query), index.scores(query.judged(shown, ()))
    assert (after[shown] < before[shown]).all() and (np.delete(after, shown) == np.delete(before, shown)).all()
    liked = index.scores(query.judged((), shown[:1]))
    assert liked[shown[0]] > before[shown[0]] and index.rank(query.judged((), shown[:1]), shown[0]) <= index.rank(
        query, shown[0]
    )


def test_the_catalogues():
    assert len(facets().titles) == len(set(facets().titles)) == 762 and len(facets().by_opening) == 198
    assert sum(len(need.answers) for need in facets().needs) == 10_277 - 15
    assert len(pictures().titles) == len(set(pictures().titles)) == 2064
    assert vague("a woman feeding a large black and white bird") == "feeding white"
    assert plain("No. It is 1.5 m!") == "no, it is 1.5 m"
    with pytest.raises(UnknownName, match="catalogue"):
        make("search", catalogue="facts")
    with pytest.raises(UnknownName, match="pay"):
        make("search", pays="gain")
    with pytest.raises(TurnwiseError, match="k=1"):
        make("search", k=0)


def test_eval_has_other_queries_than_train():
    for name in ("facets", "pictures"):
        world = make("search", catalogue=name)
        groups = [
            {world.shelf.group(world.shelf.by_key[t.params["need"]]) for t in world.tasks(s)} for s in ("train", "eval")
        ]
        assert not groups[0] & groups[1] and 0.1 < len(groups[1]) / len(groups[0] | groups[1]) < 0.3


# -- the conversation --------------------------------------------------------------------------------------------------


def test_a_list_that_leads_with_the_need_gets_no_further_round():
    world = make("search")
    for task in world.tasks("eval")[:20]:
        cursor = begun(world, task)
        end = say(cursor, world.answer(task))
        assert not cursor.open and end.facts["success"] and end.facts["lists"] == 1 and end.facts[LAST] == 1.0
        assert sum(t.rewards["agent"] for t in cursor.tree.turns) == pytest.approx(1.0 - 0.1)


def test_at_most_three_extra_rounds():
    world = make("search")
    seen = set()
    for facts in facts_at_end(world, "no-clarify"):
        assert facts["lists"] <= 4 and len(facts[BY_LIST]) == 4 and len(set(facts[BY_LIST])) == 1
        seen.add((facts["success"], facts["lists"], facts["over"]))
    assert seen == {(True, 1.0, "user"), (False, 4.0, "turns")}


def test_nothing_but_answers_and_feedback_is_told():
    """Until a list holds it, neither the need's key nor its text is shown, but for what people have answered."""
    for user in ("searcher", "hurried"):
        world = make("search", user=user)
        for task in world.tasks("train")[::25]:
            need = world.shelf.by_key[task.params["need"]]
            cursor = begun(world, task)
            while cursor.open and len(cursor.tree.turns) < 6:
                texts = " ".join(m.text for m in cursor.seats["agent"].new).casefold()
                for answer in sorted(need.answers.values(), key=len, reverse=True):
                    texts = texts.replace(answer, "")
                assert f" {need.key} " not in texts and world.shelf.titles[need.document] not in texts
                say(cursor, f"ask {len(cursor.tree.turns) + 1}")


def test_an_unrelated_question_tells_nothing_new():
    for user in ("searcher", "hurried"):
        world = make("search", user=user)
        for task in world.tasks("train")[::60]:
            opening = world.shelf.by_key[task.params["need"]].opening
            turn = say(begun(world, task), "do you collect stamps?")
            assert turn.facts["said"] == [["restate", "", opening]] and not turn.facts["events"]


def test_own_words_find_the_nearest_question():
    world = make("search")
    task = next(t for t in world.tasks("train") if world.shelf.by_key[t.params["need"]].opening == "obama family tree")
    question = world.shelf.questions(world.shelf.by_key[task.params["need"]])[3]
    said = [say(begun(world, task), text).facts["said"] for text in (f"{question.upper()}?", "ask 4", "question 4")]
    assert said[0] == said[1] == said[2] and said[0][0][:2] == ["inform", "4"]


@pytest.mark.parametrize("settings", [{}, {"user": "hurried"}, {"catalogue": "pictures"}, {"cooperation": 1.0}])
def test_both_sides_see_the_same_desk(settings):
    """What a reader of the view takes the search for is what the world takes it for."""
    world = make("search", **settings)
    for task in world.tasks("train")[::90]:
        cursor, rule, read = begun(world, task), world.expert("random"), reader(world)
        while cursor.open:
            view = cursor.view("agent")
            assert read(view.messages).desk == reader(world)(view.messages).desk == cursor.world._desk
            say(cursor, rule(view, generator(view.chance_key)))


def test_questions_about_a_picture_come_up_one_by_one():
    world = make("search", catalogue="pictures")
    cursor = begun(world, world.tasks("train")[0])
    assert cursor.moment.legal == ("ask 1\n", "show results\n")
    say(cursor, "ask 1")
    assert cursor.moment.legal == ("ask 2\n", "show results\n") and "2. " in cursor.seats["agent"].new[-1].text
    assert say(cursor, "ask 9").facts["said"] == [["unclear", "", ""]]  # what has not come up cannot be asked


# -- what it is for ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", ["searcher", "hurried"])
def test_ranking_rises_with_rounds_for_the_informed_alone(user):
    world = make("search", user=user)
    curves = {
        name: np.mean([f[BY_LIST] for f in facts_at_end(world, name)], axis=0)
        for name in ("entropy", "feedback", "no-clarify")
    }
    assert (np.diff(curves["entropy"]) >= 0).all() and curves["entropy"][3] > curves["entropy"][0] + 0.1
    assert curves["feedback"][3] > curves["feedback"][0] + 0.3 and np.ptp(curves["no-clarify"]) == 0.0
    assert curves["entropy"][0] > curves["no-clarify"][0]


def test_gains_pay_what_the_final_ranking_pays():
    final, gains = (
        make("search", cost=0.0, question_cost=0.0),
        make("search", cost=0.0, question_cost=0.0, pays="gains"),
    )
    for task in final.tasks("eval")[::20]:
        one, other = (played(w, task, "careless") for w in (final, gains))
        returns = [sum(t.rewards["agent"] for t in c.tree.turns) for c in (one, other)]
        assert returns[0] == pytest.approx(returns[1]) == pytest.approx(one.tree.ends[0].facts[LAST])


def test_hits_in_any_list_never_fall():
    world = make("search", catalogue="pictures")
    for facts in facts_at_end(world, "feedback", 60):
        ranks = facts["ranks"]
        hits = [float(any(rank <= 10 for rank in ranks[: t + 1])) for t in range(len(ranks))]
        assert hits == sorted(hits) and hits[-1] == facts["hits@10 in any list"]


@pytest.mark.parametrize("knob, setting", [("withholding", (0.0, 0.5, 1.0)), ("vagueness", (0.0, 0.5, 1.0))])
def test_a_harder_person_needs_more_turns(knob, setting):
    turns = [
        np.mean(
            [
                len(played(make("search", **{knob: at}), t, "feedback").tree.turns)
                for t in make("search").tasks("eval")[::4]
            ]
        )
        for at in setting
    ]
    assert turns[0] < turns[1] < turns[2]


def test_imagined_needs_fit_what_was_heard():
    """Those who share the opening and would have answered so; and the answers they gave are theirs."""
    for settings in ({}, {"user": "hurried"}, {"catalogue": "pictures"}):
        world = make("search", **settings)
        task = world.tasks("train")[12]
        cursor = begun(world, task)
        for text in ("ask 1", "show results", "ask 2"):
            if cursor.open:
                say(cursor, text)
        if not cursor.open:
            continue
        view, needs = cursor.view("agent"), set()
        for number in range(12):
            twin = cursor.world.imagine(view, Chance(number))
            needs.add(twin._task.params["need"])
            assert twin._desk == cursor.world._desk and twin._standing.turn == cursor.world._standing.turn
            told = {name: value for name, value in cursor.world._standing.told.items() if name.isdecimal()}
            assert {name: twin._person.facts[name] for name in told} == told
        openings = {world.shelf.by_key[key].opening for key in needs}
        assert world.shelf.in_order or openings == {world.shelf.by_key[task.params["need"]].opening}


def test_a_mind_that_changes_takes_all_answers_along():
    world = make("search", changing=1.0)
    task = world.tasks("train")[0]
    cursor = begun(world, task)
    turn = say(cursor, "ask 1")
    assert list(turn.facts["events"]) == [["changed", "need"]]
    facts = cursor.world._standing.facts
    assert facts["need"] != task.params["need"]
    assert world.shelf.by_key[facts["need"]].opening == world.shelf.by_key[task.params["need"]].opening
    assert json.dumps(dict(facts)) == json.dumps(
        dict(world.person(replace(task, params={"need": facts["need"]})).facts)
    )


def test_other_needs_look_the_same_until_an_answer_tells_them_apart():
    """With one key: same words, same questions, and the same moves of those who plan or play, up to a reveal."""
    for user in ("searcher", "hurried"):
        world = make("search", user=user)
        needs = world.shelf.by_opening["obama family tree"]
        tasks = [t for t in world.tasks("train") if world.shelf.by_key[t.params["need"]] in needs]
        cursors = [Cursor(world.live(), t, Chance(7)) for t in tasks]
        for cursor in cursors:
            cursor.begin()
        views = [cursor.view("agent") for cursor in cursors]
        assert len(tasks) > 2 and all(view.messages == views[0].messages for view in views)
        assert len({world.expert(name)(view, generator(3)) for view in views for name in ("entropy",)}) == 1
        imagined = {c.world.imagine(v, Chance(5))._task.params["need"] for c, v in zip(cursors, views, strict=True)}
        assert len(imagined) == 1
        asked = [say(cursor, "do you like cheese?").facts["said"] for cursor in cursors]
        assert all(said == asked[0] for said in asked)
