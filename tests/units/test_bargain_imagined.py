"""What a seat of bargain imagines of the other: what fits the talk, and nothing of what is true."""

from __future__ import annotations

from collections import Counter

import pytest
from test_bargain import begin, say

from turnwise.core.chance import Chance, generator
from turnwise.core.types import Message
from turnwise.worlds.bargain_rules import BUYER, SELLER


def drawn(cursor, seat, count=400):
    """The other seat's side, imagined so many times."""
    other = BUYER if seat == SELLER else SELLER
    worlds = [cursor.world.imagine(cursor.view(seat), Chance(key)) for key in range(count)]
    return [world._case.side(other) for world in worlds]


def test_nobody_has_offered_at_a_loss():
    heard = say(begin(), "hello!", "i could pay 85%.")
    sides = drawn(heard, SELLER)
    assert min(s.limit for s in sides) == 85 and max(s.limit for s in sides) == 105
    assert {s.hope for s in sides} == {50, 70, 90}, "a hope does not tell what will be offered"
    sold = say(begin(), "make it 65%.")
    assert {s.limit for s in drawn(sold, BUYER)} == {55, 60, 65}


def test_what_was_told_is_believed_where_it_fits():
    told = say(begin(), "hello!", "i cannot pay more than 75%. i have no way to fetch it.")
    assert {(s.limit, s.cares) for s in drawn(told, SELLER, 50)} == {(75, "delivery")}
    lied = say(told, "hello!", "i could pay 90%.")
    assert min(s.limit for s in drawn(lied, SELLER)) == 90
    assert {s.limit for s in drawn(say(begin(), "make it 140%.", "i could pay 130%."), SELLER, 20)} == {130}


def test_the_law_of_the_tasks_where_nothing_was_heard():
    counted = Counter(s.limit for s in drawn(begin(), SELLER, 2000))
    assert counted[105] / 2000 == pytest.approx((1 / 11 + 1 / 7 + 1 / 3) / 3, abs=0.03)
    assert counted[55] / 2000 == pytest.approx(1 / 33, abs=0.015)


@pytest.mark.parametrize("seat", [SELLER, BUYER])
def test_whoever_sits_there_is_dealt_the_imagined_card(seat):
    """A companion in an imagined world plays by what was imagined, and sees all that was said."""
    cursor = say(begin(), "i am asking 95%.", "i could pay 60%.")
    if seat == BUYER:
        cursor = say(cursor, "make it 90%.")
    other = BUYER if seat == SELLER else SELLER
    view, true = cursor.view(seat), cursor.seats[other].messages[0].text
    shown = set()
    for key in range(12):
        world = cursor.world.imagine(view, Chance(key))
        text = "would you take 61%?" if seat == BUYER else "make it 89%."
        moment = world.step({seat: Message("assistant", text)})
        new = moment.views[other]
        assert moment.keep[other] == len(new) and [m.role for m in new].count("system") == 1
        assert [m.text for m in new if m.role != "system"][-1] == text
        assert {"i am asking 95%.", "i could pay 60%."} <= {m.text for m in new}
        shown.add(new[0].text)
        again = world.step({other: Message("assistant", "hello!")})
        assert not again.keep and len(again.views[seat]) == 1
    assert len(shown) > 3 and shown != {true}


def test_imagining_knows_no_hidden_fact():
    """Seats with equal views imagine the same, whatever the other seat hides."""
    one, two = begin(), begin()
    two.world._case = type(two.world._case)(two.world._case.seller, drawn(two, SELLER, 1)[0])
    for key in range(20):
        views = [cursor.world.imagine(cursor.view(SELLER), Chance(key))._case for cursor in (one, two)]
        assert views[0] == views[1]
    rules = [cursor.world.expert("prober") for cursor in (one, two)]
    assert len({rule(one.view(SELLER), generator(5)) for rule in rules}) == 1
