"""Car Dealer's texts and numbers against specs/worlds/lmrl-car-dealer; the world that uses them is tested beside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.worlds.car_dealer_imagined import profiles
from turnwise.worlds.car_dealer_rules import (
    BRANDS,
    BUDGETS,
    FEATURES,
    TYPES,
    Profile,
    Verdict,
    fancy,
    read_verdict,
    revenue,
)
from turnwise.worlds.car_dealer_talk import read
from turnwise.worlds.car_dealer_words import CUES, MANNERS, SENTENCES, sentences, wordings
from turnwise.worlds.parity.car_dealer import buyer_of


def test_the_worked_numbers():
    sold, refused = Verdict(True, 90_000, 80_000), Verdict(False, 35_000)
    assert (fancy(sold, 70_000), revenue(sold, 70_000)) == (1.0, 80.0)
    assert (fancy(refused, 70_000), revenue(refused, 70_000)) == (-1.0, 0.0)


def test_prices_of_nothing_and_no_price_pay_nothing():
    for verdict in (Verdict(True, 90_000, 0), Verdict(True, 90_000)):
        assert fancy(verdict, 70_000) == revenue(verdict, 70_000) == 0.0


@pytest.mark.parametrize(
    ("line", "verdict", "shown"),
    [
        ("Yes. Output: Decision=Accept MSRP=$35,000 Buy Price=$26,097\n", Verdict(True, 35_000, 26_097), "Yes. \n"),
        ("Output: Decision=Accept MSRP=$61500 Buy Price=$0 ok\n", Verdict(True, 61_500, 0), " ok\n"),
        ("Output: Decision=Accept MSRP=$28,000\n", Verdict(True, 28_000), "\n"),
        ("Output: Decision=Reject MSRP=$9,500 Buy Price=$8,000\n", Verdict(False, 9_500), "\n"),
        ("Output: Decision=Accept MSRP=$0 Buy Price=$100\n", None, None),
        ("Output: Decision=Maybe MSRP=$100\n", None, None),
        ("output: decision=accept msrp=$100\n", None, None),
    ],
)
def test_reading_a_verdict(line, verdict, shown):
    assert read_verdict(line) == (verdict, line if shown is None else shown)


@given(st.booleans(), st.integers(1, 10**7), st.integers(0, 10**7))
def test_a_verdict_reads_as_it_was_written(accepted, list_price, price):
    verdict = Verdict(accepted, list_price, price if accepted else None)
    assert read_verdict(f"So. {verdict} ok") == (verdict, "So.  ok")


@given(st.integers(1, 200), st.integers(0, 200), st.sampled_from(BUDGETS), st.integers(1, 9))
def test_fancy_is_scale_free_and_revenue_is_not_bounded(list_price, price, budget, scale):
    sold, larger = Verdict(True, list_price, price), Verdict(True, scale * list_price, scale * price)
    assert fancy(sold, budget) == pytest.approx(fancy(larger, scale * budget))
    assert revenue(Verdict(True, list_price, price * 10**6), budget) == 1_000.0 * price


def test_the_same_seed_gives_the_same_profile():
    assert buyer_of(8000) == buyer_of(8000) != buyer_of(8001)
    assert str(Profile(**buyer_of(8000))) == (
        "Personality: uncommunicative. Prefers a Toyota luxury with navigation system, heated seats, third-row "
        "seating. Budget: $70,000\n"
    )
    assert profiles("train-0001") == profiles("train-0001") != profiles("eval-0001")


def test_what_a_line_says():
    said = read("Welcome! Which brand do you like, and can you afford a Porsche?")
    assert said.greets and said.asks == ("brand", "budget") and not said.offers, "a question promises nothing"
    said = read("How about an Audi SUV with a sunroof for $45,000?")
    assert (said.brand, said.type, said.features, said.price) == ("Audi", "SUV", {"sunroof"}, 45_000)
    assert read("$50,000, no, $40,000").price == 40_000 and read("for $0").price is None
    assert read("An affordable one").brand is None, "a Ford is a word"
    assert read("anything but a Tesla, a Lexus").brand == "Lexus"


def test_everything_said_means_one_thing():
    moves = [("cue", kind) for kind in CUES] + [("brand", b) for b in BRANDS] + [("type", t) for t in TYPES]
    moves += [("other brand", b) for b in BRANDS] + [("other type", t) for t in TYPES]
    moves += [(what, f) for what in ("features", "lacking") for f in FEATURES] + [("budget", str(b)) for b in BUDGETS]
    moves += [(what, "") for what in SENTENCES if "{}" not in SENTENCES[what][0]]
    texts = [text for move in moves for text in sentences(move)]
    assert len(texts) == len(set(texts)) == 3 * len(moves)
    assert {len(wordings((move,), who)) for move in moves for who in MANNERS} == {12}
