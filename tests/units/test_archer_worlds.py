"""ArCHer's worlds: what their sheet says must hold."""

from __future__ import annotations

import numpy as np
import pytest

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor
from turnwise.core.errors import UnknownName
from turnwise.core.types import Act, End, Message, Task
from turnwise.credit.ragged import scan_back
from turnwise.explore import Independent, Table
from turnwise.worlds import make
from turnwise.worlds.archer_city_table import REFUSAL, UNREAD, cities, questions
from turnwise.worlds.archer_questions import objects
from turnwise.worlds.archer_questions_rules import SUBSET, first_line, names_intended, names_released, verdict
from turnwise.worlds.archer_shop_rules import OTHER_KIND, Goal, Product, catalogue, goal, goal_of, score, search

UNWINNABLE = {
    "Soccer ball",
    "Golf ball",
    "Tennis ball",
    "Tennis racket",
    "Baseball bat",
    "Watering can",
    "Lawn mower",
}


def begin(world, **params):
    cursor = Cursor(world.live(), Task("t", world.name, params), Chance(1))
    cursor.begin()
    assert not cursor.tree.ends, cursor.tree.ends
    return cursor


def say(cursor, text):
    cursor.take({"agent": Act(Message("assistant", text))})
    return cursor.tree.turns[-1].rewards["agent"]


def played(world, name, times=1, split="eval"):
    agent = ScriptedAgent(world.expert(name), name)
    return Table(world, {"agent": agent}, seed=0).collect(Independent(), list(world.tasks(split)) * times)


# --- twenty questions ---


def test_objects():
    assert len(objects(False).things) == 157
    assert tuple(t.name for t in objects(True).things) == SUBSET
    assert [t.name for t in objects(False).things][1:92:10] == list(SUBSET), "indices 1, 11, .. 91"


def test_what_counts_as_an_answer():
    assert verdict("Yes, it is.") == "Yes." and verdict("oh YES") == "Yes."
    assert verdict("I do not know") == "No." and verdict("Another one") == "No." and verdict("Snow") == "No."
    assert verdict("Maybe") == "Invalid Question."


def test_the_banana_of_the_sheet():
    for as_released in (False, True):
        world = make("archer-questions", as_released=as_released)
        assert say(begin(world, object="Banana"), "Is it a banana?\n") == 0.0
        cursor = begin(world, object="Banana")
        assert say(cursor, "Is a banana it?\n") == -1.0 and cursor.open


def test_as_released_seven_objects_cannot_be_named():
    things = objects(False).things
    asked = {t.name: f"Is it a {t.variants[0].lower()}?" for t in things}
    released = {t.name for t in things if not any(names_released(t.variants, f"Is it a {v}?") for v in t.variants)}
    assert released == UNWINNABLE
    assert all(names_intended(t.variants, asked[t.name]) for t in things)


def test_return_and_the_first_line():
    world = make("archer-questions-small")
    for name in ("splitter", "random"):
        for episode in played(world, name, 3):
            turns = len(episode.turns)
            assert episode.total() == (-(turns - 1) if episode.success else -20.0)
            assert turns <= 20 and episode.ends[0].end is End.DONE
    assert first_line("\nIs it a dog?\nIs it a pen?") == "Is it a dog?"
    assert say(begin(world, object="Pen"), "Is it a dog?\nIs it a pen?") == -1.0


def test_the_ten_objects_are_split_in_four_to_five_turns():
    world = make("archer-questions-small")
    splitter = np.mean([len(e.turns) for e in played(world, "splitter", 20)])
    random = np.mean([len(e.turns) for e in played(world, "random", 20)])
    assert 4.0 <= splitter <= 5.0 and random > 15


def test_monte_carlo_returns_of_the_record():
    """G_t = sum over k >= t of 0.95^(k - t) r_k, from the record that the off-policy learner is fed."""
    (episode,) = played(make("archer-questions-small"), "splitter")[:1]
    rewards = np.array([t.rewards["agent"] for t in episode.turns])
    n = len(rewards)
    told = [sum(0.95 ** (k - t) * rewards[k] for k in range(t, n)) for t in range(n)]
    assert np.allclose(scan_back(rewards, np.array([0, n]), 0.95), told)


def test_after_the_end_nothing_is_recorded():
    cursor = begin(make("archer-questions-small"), object="Dog")
    say(cursor, "Is it a dog?")
    assert not cursor.open and len(cursor.tree.turns) == len(cursor.tree.ends) == 1


# --- city ---


def test_the_worked_example_of_lima():
    cursor = begin(make("archer-city"), city="Lima")
    rewards = [say(cursor, text) for text in ("Is it in Asia?", "Is the language Spanish?", "Is it Lima?")]
    assert rewards == [-1.0, -1.0, 0.0] and not cursor.open
    seen = [m.text for t in cursor.tree.turns for m in t.seen]
    assert seen == ["Questions:\n", "No, it is not in Asia.\n", "Yes, the language is Spanish.\n"]


class Talkative:
    """Gives its town away."""

    def answer(self, city, question, rng):
        return f"People from {city.name} eat fish"


def test_an_answer_that_names_the_city_is_refused_and_still_costs():
    cursor = begin(make("archer-city", oracle=Talkative()), city="Lima")
    assert say(cursor, "What do people eat?") == -1.0
    assert cursor.view("agent").new[-1].text == REFUSAL + "\n"
    assert say(cursor, "So you are from LIMA, I see") == 0.0 and not cursor.open, "whatever is answered"


def test_the_city_splitter_needs_about_eight_questions_and_hears_no_name():
    world = make("archer-city")
    assert len(cities()) == 99 and len({c.name for c in cities()}) == 99
    episodes = played(world, "splitter")
    assert all(e.success for e in episodes) and np.mean([len(e.turns) for e in episodes]) < 8.5
    for episode in episodes:
        told = [m.text for t in episode.turns for m in t.seen]
        assert not any(episode.task.params["city"].lower() in text.lower() for text in told)
    assert say(begin(world, city="Paris"), "asdf") == -1.0
    assert all(any(q in c.holds for c in cities()) for q in questions()) and UNREAD


def test_oracles_are_known():
    with pytest.raises(UnknownName, match="did you mean 'table'"):
        make("archer-city", oracle="tabel")


# --- shop ---


def test_goods_and_requests():
    for split, number in (("train", 3), ("eval", 2000), ("eval", 2100)):
        wanted = goal(number, split)
        assert goal_of(wanted.text) == wanted
        assert max(score(wanted, p, wanted.options) for p in catalogue()) == 1.0
    world = make("archer-shop")
    assert [t.key for t in world.tasks("eval")][:: len(world.tasks("eval")) - 1] == [
        "eval-fixed_2000",
        "eval-fixed_2100",
    ]


def test_score_is_the_share_of_what_was_asked():
    lamp = Product("b", "lamp", ("tall", "metal"), 20, {"color": ("black", "white")})
    wanted = Goal("lamp", ("tall", "wooden"), {"color": "white"}, 25)
    assert score(wanted, lamp, {"color": "white"}) == 3 / 4
    assert score(wanted, lamp, {"color": "black"}) == 2 / 4
    assert score(Goal("lamp", ("tall", "wooden"), {"color": "white"}, 10), lamp, {}) == 1 / 4
    assert score(Goal("mug", ("tall", "wooden"), {"color": "white"}, 25), lamp, {}) == pytest.approx(OTHER_KIND / 2)


def test_pages_and_wrong_clicks():
    world = make("archer-shop")
    cursor = begin(world, goal=Goal("lamp", ("tall", "wooden"), {"color": "white"}, 25).text)
    assert cursor.moment.legal is None
    say(cursor, "click[Buy Now]")
    assert cursor.view("agent").new[-1].text == "Invalid action!\n"
    say(cursor, "think[a lamp]")
    assert cursor.view("agent").new[-1].text == "OK.\n"
    say(cursor, "search[tall wooden lamp]")
    assert len(cursor.moment.legal) == 4, "back, and only the first three products"
    assert [f"click[{p.id}]" for p in search("tall wooden lamp")[:3]] == list(cursor.moment.legal[1:])
    say(cursor, cursor.moment.legal[1])
    assert "click[Buy Now]" in cursor.moment.legal
    assert 0 <= say(cursor, "click[Buy Now]") <= 1 and not cursor.open
    tired = begin(world, goal=Goal("lamp", ("tall", "wooden"), {}, 25).text)
    assert [say(tired, "think[..]") for _ in range(10)] == [0.0] * 10 and not tired.open


def test_shoppers_differ_in_skill():
    world = make("archer-shop")
    careful, forgetful, random = (
        np.mean([e.total() for e in played(world, n)]) for n in ("careful", "forgetful", "random")
    )
    assert careful > 0.95 > forgetful > 0.5 > 0.2 > random
