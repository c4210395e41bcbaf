"""The world of buyer and seller: what a price and a deal are, what each seat is shown and earns, who sits in them."""

from __future__ import annotations

import asyncio
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.agents.company import in_company
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Act, End, Message
from turnwise.worlds import make
from turnwise.worlds.bargain_items import items
from turnwise.worlds.bargain_players import PLAYERS, Haggler
from turnwise.worlds.bargain_rules import BUYER, HOPES, LEASTS, MONEY, SELLER, Side, last_price, sale_to_list
from turnwise.worlds.bargain_view import on_card
from turnwise.worlds.bargain_words import LANGUAGE, VOICES, read


def begin(task=0, **settings):
    world = make("bargain", **settings)
    cursor = Cursor(world.live(), world.tasks("eval")[task], Chance(1))
    cursor.begin()
    return cursor


def say(cursor, *texts):
    """By turns, the one who has the move first."""
    for text in texts:
        cursor.take({cursor.moment.to_act[0]: Act(Message("assistant", text))})
    return cursor


def episodes(seller, buyer, count=120, **settings):
    world = make("bargain", **settings)
    return episodes_of(world, world.expert(seller), count, buyer)


def episodes_of(world, rule, count, buyer="linear"):
    """Of a seller with a buyer by name, on the first tasks."""
    agents, found = {SELLER: ScriptedAgent(rule), BUYER: ScriptedAgent(world.expert(buyer, BUYER))}, []
    for number, task in enumerate(world.tasks("train")[:count]):
        found.append(asyncio.run(play(Cursor(world.live(), task, Chance(number)), agents)).episode("e", {}))
    assert not any(episode.ends[0].error for episode in found)
    return found


def test_sale_to_list_of_the_sheet():
    """Seller 100, buyer's target 60: a deal at 80 is half way, at 100 nothing, at 60 all; no deal is 0."""
    assert [sale_to_list(deal, 100, 60) for deal in (80, 100, 60, None, 110)] == [0.5, 0.0, 1.0, 0.0, 0.0]


def test_the_last_price_named_is_read_with_its_sign_alone():
    money = MONEY["dollars"]
    assert last_price(["$16?", "I accept $15"], money) == 15 and last_price(["12.50"], money) is None
    assert last_price(["it is $12.50, or $13", "no"], money) == 13 and last_price([], money) is None


def test_items_are_real_adverts_with_prices_that_have_steps():
    assert len(items()) == 1200 and len({(i.category, i.title.casefold()) for i in items()}) == 1200
    assert {sum(i.category == c for i in items()) for c in {i.category for i in items()}} == {200}
    assert min(i.price for i in items()) >= 40 and not any("$" in i.title for i in items())


def test_hidden_prices_follow_their_law_and_one_task_in_nine_has_no_price_for_both():
    tasks = [t for split in ("train", "eval") for t in make("bargain").tasks(split)]
    assert {t.params["least"] for t in tasks} == set(LEASTS) and {t.params["hope"] for t in tasks} == set(HOPES)
    assert all(t.params["hope"] < t.params["most"] <= 105 for t in tasks)
    assert mean(t.params["least"] for t in tasks) == pytest.approx(70, abs=1)
    assert 0.09 < mean(t.params["most"] < t.params["least"] for t in tasks) < 0.14


@pytest.mark.parametrize("seat", [SELLER, BUYER])
@pytest.mark.parametrize("voice", ["plain", "brisk"])
@pytest.mark.parametrize("unit", ["percent", "dollars"])
def test_whatever_a_voice_says_is_read(seat, voice, unit):
    table, price = VOICES[seat][voice].phrases, MONEY[unit].say(1250 if unit == "dollars" else 85)
    for key in table.wordings:
        kind, _, rest = key.partition(":")
        about, _, value = rest.partition("=")
        act = read(seat, "", unit).acts or LANGUAGE[seat].read(table.wordings[key][0].replace("{value}", price))
        assert act.kind == ("quit" if kind == "leave" else kind) and act.about == about, key
        for wording in table.wordings[key]:
            (heard,) = read(seat, wording.replace("{value}", price), unit).acts
            assert (heard.kind, heard.about) == (act.kind, about), wording
            assert heard.value in (value, price, ""), wording
    assert read(seat, "how about tomorrow?", unit).acts == () == read(seat, "i could pay 300.", unit).acts


def test_a_price_that_both_name_is_a_deal_and_both_earn_their_surplus():
    cursor = begin()
    side = {seat: on_card(cursor.seats[seat].messages[0].text, "percent")[1] for seat in (SELLER, BUYER)}
    say(cursor, "i am asking 95%.", "would you take 80%?", "how does 80% sound?")
    facts = cursor.tree.ends[0].facts
    assert (facts["deal"], facts["over"], facts["agreement"], facts["named_last"]) == (80, "deal", True, 80)
    episode = cursor.episode("e", {})
    assert episode.total() == pytest.approx((80 - side[SELLER].limit) / 100)
    assert episode.total(BUYER) == pytest.approx((side[BUYER].limit - 80) / 100)
    assert facts["success"] == (side[SELLER].limit <= 80) and facts["turns_no_deal_limit"] == 2


def test_offers_that_cross_meet_at_the_price_that_stood():
    assert say(begin(), "how does 70% sound?", "i could pay 85%.").tree.ends[0].facts["deal"] == 70
    assert say(begin(), "i am asking 100%.", "i could pay 60%.", "make it 55%.").tree.ends[0].facts["deal"] == 60


def test_to_accept_is_to_accept_the_price_that_stands():
    assert say(begin(), "hello!", "okay, i will take it.").tree.ends[0].facts["deal"] == 100, "the advert is an offer"
    assert say(begin(), "deal!").open, "the buyer has offered nothing yet"
    cursor = say(begin(), "i am asking 90%.", "i could pay 60%.", "agreed, 70% it is.")
    assert cursor.open, "another price than the one that stands is an offer"
    assert say(cursor, "deal!").tree.ends[0].facts["deal"] == 70


def test_prices_at_an_edge_are_counted_and_left_out_of_the_mean():
    edge = say(begin(), "hello!", "i could pay 60%.", "deal!").tree.ends[0].facts
    assert edge["on_the_edge"] and "price_valid_deals" not in edge and edge["sale_to_list_deals"] == 0.6
    valid = say(begin(), "hello!", "i could pay 60%.", "make it 80%.", "deal!").tree.ends[0].facts
    assert not valid["on_the_edge"] and valid["price_valid_deals"] == 0.8


def test_either_may_quit_and_turns_run_out_with_the_buyers_last_word():
    facts = say(begin(), "sorry, then i will keep it.").tree.ends[0].facts
    assert (facts["over"], facts["by"], facts["turns_no_deal_limit"], facts["sl_no_deal_0"]) == ("quit", SELLER, 8, 0)
    assert not any(name in facts for name in ("sale_to_list_deals", "price_valid_deals"))
    assert say(begin(), "hello!", "forget it.").tree.ends[0].facts["by"] == BUYER
    cursor = say(begin(max_turns=2), "hello!", "hello!", "hello!")
    assert cursor.open and cursor.moment.to_act == (BUYER,)
    assert say(cursor, "hello!").tree.ends[0].facts["over"] == "turns"


def test_no_more_than_two_acts_of_a_turn_are_heard():
    assert [a.kind for a in read(SELLER, "hello! it works like new. i am asking 80%.", "percent").acts] == [
        "greet",
        "argue",
    ]


def test_each_seat_sees_its_own_card_alone():
    cursor = say(begin(), "how low can we go?", "i could pay 60%.")
    for seat, other in ((SELLER, BUYER), (BUYER, SELLER)):
        (own,) = [m.text for m in cursor.seats[seat].messages if m.role == "system"]
        assert own not in [m.text for m in cursor.seats[other].messages]
        assert on_card(own, "percent")[1].seat == seat


@given(st.sampled_from((SELLER, BUYER)), st.integers(40, 9000), st.data())
def test_a_side_moves_from_hope_to_limit_and_never_beyond(seat, asked, data):
    near, far = data.draw(st.integers(asked // 2, asked)), data.draw(st.integers(asked // 2, asked))
    hope, limit = (max(near, far), min(near, far)) if seat == SELLER else (min(near, far), max(near, far))
    side = Side(seat, float(asked), float(hope), float(limit), "x")
    path = [side.between(share / 7) for share in range(8)]
    assert path[0] == hope and path[-1] == limit and all(side.gain(price) >= 0 for price in path)
    assert all(not side.better(late, early) for early, late in zip(path, path[1:], strict=False))


@pytest.mark.parametrize("prices", ["percent", "dollars"])
@pytest.mark.parametrize("name", sorted(set(PLAYERS) - {"random", "rough"}))
def test_scripted_players_never_lose_in_either_seat(name, prices):
    for seller, buyer in ((name, "random"), ("random", name), (name, "linear"), ("linear", name)):
        for episode in episodes(seller, buyer, 40, prices=prices):
            assert episode.total() >= -1e-9 or seller == "random"
            assert episode.total(BUYER) >= -1e-9 or buyer == "random"


def test_conceding_early_makes_more_deals_and_conceding_late_better_ones():
    found = {name: [e.ends[0].facts for e in episodes(name, "linear")] for name in ("eager", "linear", "tough", "firm")}
    agreed = {name: mean(f["agreement"] for f in facts) for name, facts in found.items()}
    assert agreed["eager"] >= agreed["linear"] > agreed["tough"] > agreed["firm"] == 0
    for early, late in (("eager", "linear"), ("linear", "tough")):
        both = [
            (a["deal"], b["deal"]) for a, b in zip(found[early], found[late], strict=True) if a["deal"] and b["deal"]
        ]
        assert mean(b - a for a, b in both) > 0, "the same tasks"


def test_to_ask_what_counts_and_to_bring_it_forward_is_worth_something():
    """The same tactic with and without arguments."""
    mute = PLAYERS["prober"].tactic
    world = make("bargain")
    plain = mean(e.total() for e in episodes_of(world, Haggler(mute)(world), 300))
    assert mean(e.total() for e in episodes_of(world, world.expert("prober"), 300)) > plain + 0.01


def test_patience_ends_what_leads_nowhere():
    lengths = [mean(len(e.turns) for e in episodes("firm", "linear", 40, patience=p)) for p in (1, 3, 5, 0)]
    assert lengths == sorted(lengths) and lengths[0] < lengths[-1]


def test_a_limit_is_told_to_those_who_have_earned_trust_and_never_by_the_brisk():
    ask, low = "what is the most you could pay?", "i am asking {}%."
    for buyer, told in (("linear", True), ("mirror", False)):
        cursor = begin(buyer=buyer, patience=0)
        first = answers(cursor, buyer, [ask])
        assert "limit" not in [a.about for a in first if a.kind == "inform"]
        later = answers(begin(buyer=buyer, patience=0), buyer, [low.format(p) for p in (99, 98, 97)] + [ask])
        assert (("inform", "limit") in [(a.kind, a.about) for a in later]) == told


def answers(cursor, buyer, lines):
    """What the buyer says to the last of these lines."""
    rule = cursor.world.expert(buyer, BUYER)
    for line in lines:
        say(cursor, line)
        view = cursor.view(BUYER)
        text = rule(view, None)
        say(cursor, text)
    return read(BUYER, text, "percent").acts


def test_settings_that_cannot_be():
    with pytest.raises(UnknownName, match="did you mean 'percent'"):
        make("bargain", prices="percents")
    with pytest.raises(UnknownName, match="buyer"):
        make("bargain", buyer="nobody")
    with pytest.raises(TurnwiseError, match="2 or more"):
        make("bargain", max_turns=1)


def test_the_setting_seats_the_buyer():
    for name in ("linear", "mirror"):
        agents = in_company(make("bargain", buyer=name), {SELLER: ScriptedAgent(lambda view, rng: "hello!")})
        assert agents[BUYER].name == name
    assert episodes("linear", "mirror", 1)[0].ends[0].end is End.DONE
