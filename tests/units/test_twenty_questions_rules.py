"""Twenty Questions: rules on texts, table, meaning, oracle and players (specs/worlds/lmrl-twenty-questions)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.worlds.twenty_questions_experts import RANDOM_RATE, NoisySplitter, RandomAsker, Splitter
from turnwise.worlds.twenty_questions_oracle import TableOracle, meaning, remember
from turnwise.worlds.twenty_questions_rules import INVALID, OPENINGS, clean_question, is_noun, matches, verdict
from turnwise.worlds.twenty_questions_table import SETS, Meaning, members, table

RECORDED = Path(__file__).parents[1] / "parity" / "data" / "lmrl_twenty_questions.json.gz"
THING = {thing.name: thing for thing in table().things}


@pytest.fixture(scope="module")
def recorded():
    return json.loads(gzip.decompress(RECORDED.read_bytes()))


# --- rules on texts ---


def test_every_recorded_match(recorded):
    rows = recorded["guess_matching_table"]
    assert len(rows) == 700
    assert [row for row in rows if matches(row[0], row[1]) is not row[2]] == []


def test_every_recorded_turn_matches(recorded):
    for episode in recorded["episodes"]:
        for step in episode["steps"]:
            assert matches(episode["task"]["word"], step["action"]) is step["info"]["matches_word"], step["action"]


def test_every_recorded_cleaning(recorded):
    for raw, *cleaned in recorded["question_cleaning_table"]:
        assert [clean_question(raw, rule) for rule in ("strict", "simple", "repeat-filtering")] == cleaned


@pytest.mark.parametrize(
    ("variants", "question", "named"),
    [
        (["Truck"], "Is it a truck or a dog?", False),
        (["Horse"], "Is it made of horse?", True),
        (["Plate"], "Is it plates?", False),
        (["Dog"], "IS IT A DOG?!...", True),
        (["Dog"], "Is the animal a dog?", False),
        (["Dog"], "Is it a big brown friendly dog?", True),
        (["Dog"], "Is it a hot dog?", True),
        (["Table"], "Is it a coffee table?", False),
        (["Table"], "Is it a wooden table?", True),
        (["Knife"], "Is it a kitchen knife?", False),
        (["Guitar"], "Is it an electric guitar?", True),
        (["Horse"], "Does it resemble a horse?", True),
        (["Horse"], "Does it zorble a horse?", True),
        (["Horse"], "Is it a zorble horse?", False),
        (["Scissors", "Pair of scissors"], "Is it a pair of scissors?", True),
        (["Paper", "Piece of paper"], "Is it a sheet of paper?", True),
        (["Airplane", "Plane"], "Is it a plane?", True),
        (["Rock"], "Is it a dark, shapeless rock?", True),
        (["Dog"], "", False),
        (["Dog"], "?? 123 ??", False),
    ],
)
def test_matching_of_unrecorded_questions(variants, question, named):
    assert matches(variants, question) is named


def test_nouns_of_a_sentence():
    def nouns(text):
        words = text.split()
        return [word for i, word in enumerate(words) if is_noun(words, i)]

    unknown_is_noun = ["animal", "chase", "mouse", "teeth"]
    assert nouns("does the fluffy animal slowly chase a mouse with 2 sharp teeth") == unknown_is_noun
    assert nouns("does it chase a mouse") == ["mouse"]
    assert nouns("could you see it on the wing of a shapeless building") == ["wing", "building"]


def test_cleaning_limits():
    forty = "Is " + "very " * 38 + "red"
    assert clean_question(forty, "strict") == forty + "?\n"
    assert clean_question(forty + " indeed", "strict") == INVALID
    sixty = " ".join(["word"] * 60)
    assert clean_question(sixty, "repeat-filtering") == " ".join(["word"] * 50) + "?\n"
    assert clean_question(sixty, "simple") == sixty + "?\n"
    assert clean_question("Isn't it red?", "strict") == INVALID
    with pytest.raises(UnknownName, match="strict"):
        clean_question("Is it?", "strikt")


@given(st.text(max_size=80))
def test_texts_of_any_kind_are_taken(text):
    for rule in ("strict", "simple", "repeat-filtering"):
        cleaned = clean_question(text, rule)
        assert cleaned.endswith("?\n")
        assert clean_question(cleaned, rule) == cleaned
    assert meaning(text) is None or meaning(text) == meaning(text.upper())


@pytest.mark.parametrize("reply", ["Yes.", " yes", "YES, it is", "yes\n"])
def test_verdict_yes(reply):
    assert verdict(reply) == "Yes."


@pytest.mark.parametrize("reply", ["No.", "", "I do not know", "well, yes", "nope"])
def test_verdict_anything_else_is_no(reply):
    assert verdict(reply) == "No."


# --- the table ---


def test_the_objects_are_the_recorded_ones_in_order(recorded):
    config = recorded["config"]
    assert [list(thing.variants) for thing in table().things] == config["objects"]
    by_category: dict[str, list[str]] = {}
    for thing in table().things:
        by_category.setdefault(thing.category, []).append(";".join(thing.variants))
    assert by_category == config["categories"]


def test_small_is_a_part_of_all_with_the_same_truth():
    small, whole = table("small"), table("all")
    assert 40 <= len(small.things) <= 48 and {t.category for t in small.things} == {t.category for t in whole.things}
    columns = [whole.index[thing.name] for thing in small.things]
    assert (small.truth == whole.truth[:, columns]).all()
    with pytest.raises(UnknownName, match="small"):
        table("smal")


def differences(name):
    """Number of attributes in which two things differ, int [things, things], and the names of the things."""
    truth = table(name).truth.T.astype(np.int64)
    apart = (truth[:, None] != truth[None]).sum(2) + 1000 * np.eye(len(truth), dtype=np.int64)
    return apart, [thing.name for thing in table(name).things]


def test_attributes_tell_all_objects_apart():
    apart, names = differences("all")
    closest = {frozenset(names[i] for i in pair) for pair in zip(*np.nonzero(apart < 2), strict=True)}
    assert apart.min() == 1 and closest == {frozenset({"Ocean", "Sea"})}
    assert differences("small")[0].min() == 3


def test_attributes_are_worth_asking():
    share = table().truth.mean(1)
    assert len(share) == 72 and (share > 0).all()
    assert ((share >= 0.15) & (share <= 0.85)).sum() == 22


@pytest.mark.parametrize(
    ("attribute", "having", "lacking"),
    [
        ("alive", "Cat, Tree, Cactus", "Apple, Rock, Doll"),
        ("natural", "Lion, Carrot, River", "Chair, Painting, Watch"),
        ("metal", "Spoon, Trumpet, Ring, Hammer", "Pillow, Banana, Violin"),
        ("electric", "Blender, Drill", "Broccoli, Guitar, Whisk"),
        ("worn", "Socks, Locket, Gloves", "Pillow, Drum"),
        ("wheels", "Bus, Lawn mower", "Ship, Helicopter"),
        ("light", "Pen, Grape, Necklace", "Elephant, Couch, Watermelon"),
        ("bigger_than_person", "Horse, Ocean, Train", "Rabbit, Chair, Fork"),
        ("ancient", "Knife, Sheep, Boat", "Smartphone, Car, Saxophone"),
        ("mouth", "Flute, Toothbrush, Peach", "Piano, Shoes"),
        ("kitchen", "Whisk, Onion, Refrigerator", "Mattress, Truck"),
    ],
)
def test_some_truths(attribute, having, lacking):
    true_of = {thing.name for thing in table().members(table().masks[attribute])}
    assert set(having.split(", ")) <= true_of and not set(lacking.split(", ")) & true_of


def test_lists_of_an_attribute():
    things = table().things
    assert members("x", "@Toys, -Kite, Dog", things) == {"Lego", "Doll", "Puzzle", "Stuffed animal", "Dog"}
    for wrong in ("Dgo", "@Toy", "Dog, Dog", "-Dog", "@Toys, Kite", "@Dog"):
        with pytest.raises(TurnwiseError, match="attribute 'x' lists"):
            members("x", wrong, things)


# --- what a question means ---


def test_every_phrasing_is_understood_and_names_nothing():
    known = table()
    seen = set()
    for key, texts in known.questions.items():
        assert len(set(texts)) >= 4
        for text in texts:
            assert text.split()[0] in OPENINGS and text not in seen
            assert clean_question(text, "strict") == text + "\n"
            assert meaning(text) == Meaning("attribute", key), text
            assert not any(matches(thing.variants, text) for thing in known.things), text
            seen.add(text)


def test_every_guess_is_understood_and_names_one_object():
    for thing in table().things:
        for text in thing.questions:
            assert clean_question(text, "strict") == text + "\n"
            assert meaning(text) == Meaning("guess", thing.name)
            assert [t.name for t in table().things if matches(t.variants, text)] == [thing.name]
        for variant in thing.variants:
            assert meaning(f"is it the {variant.lower()}") == Meaning("guess", thing.name)


def test_how_guesses_are_worded():
    names = ("Dog", "Apple", "Pants", "Glue", "Stuffed animal")
    assert [THING[n].phrase for n in names] == ["a dog", "an apple", "pants", "glue", "a stuffed animal"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("is it alive", Meaning("attribute", "alive")),
        ("  IS IT ALIVE ??\n", Meaning("attribute", "alive")),
        ("Is your object usually green?", Meaning("attribute", "green")),
        ("Could it be a kind of vehicle?", Meaning("attribute", "vehicle")),
        ("Is it bigger than breadbox", Meaning("attribute", "breadbox")),
        ("Can it fly?", Meaning("attribute", "fly")),
        ("dog", Meaning("guess", "Dog")),
        ("Is it a pair of pants?", Meaning("guess", "Pants")),
        ("Is it a Frying Pan", Meaning("guess", "Pan")),
        ("Is it a canvas painting?", Meaning("guess", "Painting")),
        ("Is it a painting canvas?", Meaning("guess", "Canvas")),
        ("Is it a dog or a cat?", None),
        ("Does it like jazz?", None),
        ("", None),
        (INVALID, None),
    ],
)
def test_meaning_is_tolerant(question, expected):
    assert meaning(question) == expected


# --- the oracle ---


def test_the_oracle_answers_by_the_table():
    oracle = TableOracle()
    assert oracle.answer(THING["Cat"], "Is it alive?") == "Yes."
    assert oracle.answer(THING["Rock"], "Is it alive?") == "No."
    assert oracle.answer(THING["Cat"], "Is it a cat?") == "Yes."
    assert oracle.answer(THING["Cat"], "Is it a dog?") == "No."
    assert oracle.answer(THING["Horse"], "Is it made of horse?") == "Yes."
    assert oracle.answer(THING["Cat"], "Does it like jazz?") == oracle.answer(THING["Cat"], INVALID) == "No."


@pytest.mark.parametrize("noise", [0.0, 0.25, 1.0])
def test_noise_turns_answers_about_attributes_around(noise):
    questions = [texts[0] for texts in table().questions.values()]
    rng = np.random.default_rng(5)
    for draws in (rng, None):
        oracle = TableOracle(noise, key=3)
        turned = [
            oracle.answer(thing, question, draws) != TableOracle().answer(thing, question)
            for thing in table().things
            for question in questions
        ]
        assert np.mean(turned) == pytest.approx(noise, abs=0.02)
        assert all(oracle.answer(thing, thing.questions[0], draws) == "Yes." for thing in table().things)


def test_noise_without_a_generator_is_a_fixed_belief():
    secret, questions = THING["Cat"], [texts[0] for texts in table().questions.values()]
    first, again, other = ([TableOracle(0.3, key).answer(secret, q) for q in questions] for key in (1, 1, 2))
    assert first == again != other
    with pytest.raises(TurnwiseError, match="noise"):
        TableOracle(1.5)


# --- what is still possible ---


def test_remembering_a_conversation():
    turns = [("Is it alive?\n", "Yes.\n"), ("Is it a dog?\n", "No.\n"), ("Why?\n", "No.\n")]
    assert remember(turns) == [(Meaning("attribute", "alive"), True), (Meaning("guess", "Dog"), False), (None, False)]


@settings(max_examples=60)
@given(st.sampled_from(SETS), st.integers(0, 46), st.integers(0, 2**32))
def test_what_is_possible_agrees_with_the_truth_matrix(name, position, seed):
    known, rng = table(name), np.random.default_rng(seed)
    possible, history = np.ones(len(known.things), dtype=bool), []
    for row in rng.choice(len(known.attributes), size=6, replace=False):
        history.append((Meaning("attribute", known.attributes[row]), bool(known.truth[row, position])))
        possible &= known.truth[row] == known.truth[row, position]
    wrong = int((position + 1 + rng.integers(len(known.things) - 1)) % len(known.things))
    history += [(Meaning("guess", known.things[wrong].name), False), (None, True)]
    possible[wrong] = False
    assert known.members(known.fitting(history)) == [t for t, p in zip(known.things, possible, strict=True) if p]


def test_contradictions_leave_what_fits_best():
    known = table("small")
    history = [(Meaning("attribute", key), True) for key in ("animal", "vehicle", "alive", "legs")]
    assert {t.name for t in known.members(known.fitting(history))} == {"Cat", "Horse", "Tiger"}
    history += [(Meaning("guess", "Horse"), False)]
    assert {t.name for t in known.members(known.fitting(history))} == {"Cat", "Tiger"}
    assert known.fitting([(Meaning("guess", thing.name), False) for thing in known.things]) != 0


# --- players ---


def game(player, secret, rng, oracle=None):
    """The turns (question, answer) of a game of at most 20, and whether it was won."""
    oracle, turns = oracle or TableOracle(), []
    while len(turns) < 20:
        question = player.next_question(remember(turns), rng)
        turns.append((question, oracle.answer(secret, question, rng)))
        if turns[-1][1] == "Yes." and matches(secret.variants, question):
            return turns, True
    return turns, False


def tally(player, rounds, seed=1):
    """Mean return (-1 per question but the winning one) and share of games won, over all things."""
    rng = np.random.default_rng(seed)
    games = [game(player, thing, rng) for _ in range(rounds) for thing in player.known.things]
    return np.mean([1 - len(t) if won else -20 for t, won in games]), np.mean([won for _, won in games])


@pytest.mark.parametrize(("name", "least", "worst"), [("all", -8.0, 12), ("small", -6.0, 9)])
def test_the_splitter_needs_about_as_many_questions_as_bits(name, least, worst):
    known, rng = table(name), np.random.default_rng(0)
    games = [game(Splitter(known), thing, rng) for thing in known.things]
    assert all(won for _, won in games) and max(len(turns) for turns, _ in games) <= worst
    mean = np.mean([1 - len(turns) for turns, _ in games])
    assert least < mean < 1 - np.log2(len(known.things)) + 0.4


def test_the_random_asker_hardly_ever_wins():
    mean, won = tally(RandomAsker(table()), 3)
    assert mean < -19 and won < 0.08


@pytest.mark.parametrize("name", SETS)
def test_the_noisy_splitter_wins_about_as_often_as_the_published_data(name):
    known = table(name)
    mean, won = tally(NoisySplitter(known, RANDOM_RATE[name]), 7 if name == "all" else 20)
    assert 0.25 <= won <= 0.35 and -18.8 < mean < -17


def test_less_noise_plays_better():
    known = table("small")
    means = [tally(NoisySplitter(known, rate), 3)[0] for rate in (0.0, 0.5, 0.8, 1.0)]
    assert means == sorted(means, reverse=True) and means[0] - means[-1] > 10
    assert means[0] == pytest.approx(tally(Splitter(known), 3)[0], abs=0.2)


def test_the_splitter_lives_with_an_oracle_that_errs():
    known, rng = table("small"), np.random.default_rng(2)
    games = [game(Splitter(known), thing, rng, TableOracle(0.15)) for thing in known.things]
    assert np.mean([won for _, won in games]) > 0.7


def test_same_seed_same_game_and_several_ways_to_say_it():
    secret = THING["Violin"]
    games = [game(Splitter(table()), secret, np.random.default_rng(seed))[0] for seed in (4, 4, *range(30))]
    assert games[0] == games[1]
    texts = {question for turns in games for question, _ in turns}
    openings = [{text for text in texts if meaning(text) == meaning(turns[0][0])} for turns in games]
    assert max(map(len, openings)) == 4
