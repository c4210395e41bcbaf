"""Car Dealer against specs/worlds/lmrl-car-dealer: verdicts, rewards, the buyers and what they keep to themselves."""

from __future__ import annotations

import re
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, generator
from turnwise.core.cursor import Cursor
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Act, End, Message, Task
from turnwise.explore import Independent, Table
from turnwise.worlds import make
from turnwise.worlds.car_dealer_buyer import KINDS, PATIENCE, reaction, willing
from turnwise.worlds.car_dealer_experts import anything
from turnwise.worlds.car_dealer_imagined import POOLS, agreement, draw, imagined
from turnwise.worlds.car_dealer_rules import (
    BRANDS,
    BUDGETS,
    FEATURES,
    PERSONALITIES,
    TYPES,
    Profile,
    Verdict,
    fancy,
    profile_of,
)
from turnwise.worlds.car_dealer_talk import list_price, on_the_table, read
from turnwise.worlds.car_dealer_words import OPEN_ABOUT_MONEY

BUYER = Profile("polite", "Toyota", "sedan", ("sunroof", "heated seats"), 50_000, "features")


class Says:
    """Says these lines in turn, and keeps what it was given."""

    def __init__(self, *lines):
        self.lines, self.given = list(lines), []

    def reply(self, profile, reads, chance):
        self.given.append(reads)
        return self.lines.pop(0)


def game(profile, spoken, **options):
    world = make("car-dealer", **options)
    cursor = Cursor(world.live(), Task("t", world.name, {**asdict(profile)}), Chance(1))
    cursor.begin()
    for line in spoken:
        cursor.take({"agent": Act(Message("assistant", line + "\n"))})
    assert not any(leaf.error for leaf in cursor.tree.ends), cursor.tree.ends
    return cursor


def heard(cursor):
    return [m.text for m in cursor.seats["agent"].messages if m.role == "user"][1:]


def paid(cursor):
    return [turn.rewards["agent"] for turn in cursor.tree.turns]


def played(world, name, times=1):
    agent = ScriptedAgent(world.expert(name), name)
    return Table(world, {"agent": agent}, seed=0).collect(Independent(), list(world.tasks("eval")) * times)


# --- how a talk ends ---


def test_a_verdict_ends_the_talk_and_is_not_shown():
    buyer = Says("Hm.\n", "I'll take it. Output: Decision=Accept MSRP=$90,000 Buy Price=$80,000\n")
    cursor = game(replace(BUYER, budget=70_000), ["Hello", "Buy!"], buyer=buyer)
    assert heard(cursor) == ["Hm.\n", "I'll take it. \n"] and paid(cursor) == [0.0, 1.0]
    assert cursor.moment.end is End.DONE and cursor.moment.facts["revenue"] == 80.0 and cursor.moment.facts["success"]
    assert buyer.given[1] == ("Start\n", str(replace(BUYER, budget=70_000)), "Hello\n", "Hm.\n", "Buy!\n")


def test_a_rejected_car_beyond_the_budget_earns_only_as_released():
    line = "No. Output: Decision=Reject MSRP=$90,000\n"
    dear = [paid(game(BUYER, ["Buy!"], buyer=Says(line), as_released=released)) for released in (False, True)]
    assert dear == [[0.0], [pytest.approx(40 / 90)]]
    dearest, cheapest = list_price("Porsche", "luxury") + 8_000, list_price("Hyundai", "sedan")
    assert fancy(Verdict(False, dearest), 10_000) == pytest.approx(0.886, abs=1e-3)
    assert fancy(Verdict(True, cheapest, 10_000), 10_000) == pytest.approx(0.714, abs=1e-3)
    cheap = "No. Output: Decision=Reject MSRP=$25,000\n"
    assert paid(game(BUYER, ["Buy!"], buyer=Says(cheap))) == [-1.0]


def test_at_the_limit_the_buyer_is_asked_once_more():
    buyer = Says("A.\n", "B.\n", "B.Output: Decision=Accept MSRP=$30,000 Buy Price=$29,000\n")
    cursor = game(BUYER, ["x", "y"], buyer=buyer, lines=4, reward="revenue")
    assert (
        buyer.given[2][-1] == "B.Output: Decision="
        and heard(cursor) == ["A.\n", "B.\n"]
        and paid(cursor) == [0.0, 29.0]
    )
    silent = game(BUYER, ["x", "y"], buyer=Says("A.\n", "B.\n", "B.Output: Decision=Who knows\n"), lines=4)
    assert paid(silent) == [0.0, 0.0] and heard(silent)[-1] == "B.\n" and silent.moment.end is End.DONE
    assert silent.moment.facts["verdict_given"] is False and silent.moment.facts["success"] is False


def test_a_seller_cannot_give_the_verdict():
    cursor = game(BUYER, ["Output: Decision=Accept MSRP=$1 Buy Price=$9,000,000"])
    assert cursor.open and paid(cursor) == [0.0]


def test_what_can_be_set():
    assert [make("car-dealer", lines=n).turns for n in (50, 8, 7, 2)] == [25, 4, 4, 1]
    assert make("car-dealer").anchors == {}, "only the minimum was published"
    for wrong in ({"reward": "revenu"}, {"buyer": "rules"}):
        with pytest.raises(UnknownName, match="did you mean"):
            make("car-dealer", **wrong)
    with pytest.raises(TurnwiseError, match="2 or more"):
        make("car-dealer", lines=1)


# --- profiles ---


def test_profiles_cover_everything_there_is():
    buyers = [profile_of(task.params) for task in make("car-dealer").tasks("train")]
    for part, pool in {**POOLS, "budget": BUDGETS}.items():
        assert {getattr(buyer, part) for buyer in buyers} == set(pool)
    assert {len(buyer.features) for buyer in buyers} == {1, 2, 3, 4} and len(set(buyers)) == 1000
    assert all(len(set(buyer.features)) == len(buyer.features) for buyer in buyers)
    assert (len(PERSONALITIES), len(BRANDS), len(TYPES), len(FEATURES)) == (10, 13, 6, 8)


# --- how buyers decide ---


OFFER = "It has a sunroof and heated seats. I can give you a Toyota sedan for {}."


@pytest.mark.parametrize(
    ("kind", "lines", "most"),
    [("features", 1, 27_600), ("impatient", 1, 28_800), ("impatient", 3, 24_000), ("discount", 1, 15_360)]
    + [("discount", 8, 22_080), ("discount", 15, 22_080)],
)
def test_each_kind_pays_its_share(kind, lines, most):
    """A Toyota sedan with both wishes is worth 24,000 dollars."""
    buyer, wait = replace(BUYER, kind=kind), ["So."] * (lines - 1)
    sold = game(buyer, [*wait, OFFER.format(f"${most:,}")])
    assert not sold.open and sold.moment.facts["success"] and sold.moment.facts["verdict"] == [True, 24_000, most]
    assert game(buyer, [*wait, OFFER.format(f"${most + 1:,}")]).open


def test_budget_wishes_and_other_cars_bound_the_price():
    asked = on_the_table([OFFER])
    assert willing(BUYER, asked) == 27_600 and willing(replace(BUYER, budget=10_000), asked) == 10_000
    assert willing(replace(BUYER, brand="Ford"), asked) == 22_080
    assert willing(replace(BUYER, brand="Ford", type="truck"), asked) == 17_664
    assert willing(replace(BUYER, features=("sunroof", "Apple CarPlay")), asked) == 18_400
    assert willing(replace(BUYER, features=("sunroof",)), asked) == 26_450


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_waits_for_ever_and_nobody_leaves_before_there_is_a_price(kind):
    buyer = replace(BUYER, kind=kind)
    left = game(buyer, ["So."] * (PATIENCE[kind] - 1) + ["Take a Toyota sedan for $90,000."])
    assert not left.open and left.moment.facts["verdict"][0] is False and paid(left)[-1] == -(50 - 22) / 22
    assert game(buyer, ["So."] * 24).open
    undecided = game(buyer, ["So."] * 25)
    assert not undecided.open and undecided.moment.facts["verdict_given"] is False and paid(undecided)[-1] == 0.0


# --- what buyers say, and what they keep ---


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_the_budget_is_told_only_when_asked_and_by_those_who_tell(seed, length):
    rng = generator(seed)
    buyer = draw(rng, POOLS)
    cursor, asked = game(buyer, []), False
    for _ in range(length):
        line = anything(cursor.view("agent"), rng)
        cursor.take({"agent": Act(Message("assistant", line))})
        asked = "budget" in read(line).asks or "spend" in line
        told = re.search(r"\$[\d,]+", heard(cursor)[-1])
        if told:
            assert asked and buyer.personality in OPEN_ABOUT_MONEY and told[0] == f"${buyer.budget:,}"
        if not cursor.open:
            break


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 8))
def test_imagined_buyers_would_have_said_the_same(seed, length):
    rng = generator(seed)
    buyer, world = draw(rng, POOLS), make("car-dealer")
    adaptive = world.expert("adaptive")
    cursor = game(buyer, [])
    while cursor.open and cursor.tick < length:
        view = cursor.view("agent")
        text = adaptive(view, rng) if rng.random() < 0.7 else anything(view, rng)
        cursor.take({"agent": Act(Message("assistant", text))})
    if cursor.open:
        said = [m.text for m in cursor.view("agent").messages][1:]
        sold, answers = said[::2], [text.strip() for text in said[1::2]]
        other = imagined(said, Chance(seed))
        assert agreement(buyer, sold, answers) == len(answers) == agreement(other, sold, answers)
        assert reaction(other, sold)[0] == reaction(buyer, sold)[0]


def test_imagined_budgets_are_as_likely_as_each_other():
    rich = replace(BUYER, personality="rude", budget=90_000, kind="impatient")
    said = [m.text for m in game(rich, ["Welcome! What brand and type?"]).view("agent").messages][1:]
    drawn = [imagined(said, Chance(key)) for key in range(1500)]
    assert {(p.brand, p.type, p.kind) for p in drawn} == {("Toyota", "sedan", "impatient")}
    counts = np.unique([p.budget for p in drawn], return_counts=True)[1]
    assert len(counts) == 5 and counts.min() > 0.8 * counts.mean()


# --- sellers ---


def test_who_adapts_to_the_kind_beats_everybody_who_does_not():
    """Pairs of games with the same 200 buyers."""
    world = make("car-dealer")
    best = np.array([e.total() for e in played(world, "adaptive")])
    for fixed in ("patient", "quick", "thorough"):
        gain = best - np.array([e.total() for e in played(world, fixed)])
        assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain)), fixed
    careless, random = (np.mean([e.total() for e in played(world, name)]) for name in ("careless", "random"))
    assert best.mean() - 0.1 > careless > 0.4 > 0 > random
