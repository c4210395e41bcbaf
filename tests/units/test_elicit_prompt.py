"""Preference elicitation over named dimensions: what the sheets say must hold (specs/users/dialprompt,
specs/plan/prompt-interviewers).
"""

from __future__ import annotations

import numpy as np
import pytest

from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, Message
from turnwise.users.acts import DialogueAct
from turnwise.worlds import make
from turnwise.worlds.elicit_prompt_people import GOOD, OPEN, likes, match, worst
from turnwise.worlds.elicit_prompt_tastes import DIMENSIONS, MATTERS, PRIOR, completed, half, importance, taste


def begun(world, task, key=1):
    cursor = Cursor(world.live(), task, Chance(key_of(key, task.key)))
    cursor.begin()
    return cursor


def say(cursor, text):
    cursor.take({"agent": Act(Message("assistant", text))})
    return cursor.tree.turns[-1]


def played(world, task, expert, key=1):
    cursor, rule = begun(world, task, key), world.expert(expert)
    while cursor.open:
        view = cursor.view("agent")
        say(cursor, rule(view, generator(view.chance_key)))
    return cursor.tree


def of(world, task):
    return taste(task.params["person"], world.concentration, world.leaves_open)


def mean(world, expert, what, count=200):
    return np.mean([played(world, task, expert).ends[0].facts[what] for task in world.tasks("train")[:count]])


def test_the_dimensions():
    assert len(DIMENSIONS) == 15 and all(len(set(values)) == 4 for values in DIMENSIONS.values())
    assert sum(PRIOR) == pytest.approx(1.0) and list(PRIOR) == sorted(PRIOR, reverse=True)
    for kind, names in MATTERS.items():
        weights = importance(kind)
        assert weights.sum() == pytest.approx(1.0) and len(names) == 4
        assert {n for n, w in zip(DIMENSIONS, weights, strict=True) if w == weights.max()} == set(names)
    with pytest.raises(TurnwiseError, match="concentration"):
        make("elicit-prompt", concentration=0.0)


def test_no_question_gives_what_the_prior_gives():
    world = make("elicit-prompt", leaves_open=0.0)
    returns = [sum(t.rewards["agent"] for t in played(world, task, "one-shot").turns) for task in world.tasks("train")]
    error = np.std(returns) / np.sqrt(len(returns))
    assert abs(np.mean(returns) - PRIOR[0]) < 3 * error and error < 0.01


def test_all_fifteen_asked_gives_all_but_their_cost():
    world = make("elicit-prompt", leaves_open=0.0, max_turns=16)
    for task in world.tasks("eval")[:10]:
        cursor = begun(world, task)
        for name in DIMENSIONS:
            say(cursor, f"ask {name}")
        say(cursor, "write the prompt")
        assert sum(t.rewards["agent"] for t in cursor.tree.turns) == pytest.approx(1.0 - 15 * 0.02)
        assert cursor.tree.ends[0].facts["success"]


def test_what_is_left_open_is_filled_as_the_prior_has_it():
    """It costs the turn, and matches only where the commonest happens to be what they would have liked."""
    world = make("elicit-prompt", leaves_open=1.0)
    for task in world.tasks("eval")[:20]:
        cursor, like = begun(world, task), of(world, task)
        assert say(cursor, "ask mood").facts["said"] == [["inform", "mood", OPEN]]
        say(cursor, "write the prompt")
        facts = cursor.tree.ends[0].facts
        commonest = completed({}, {})
        met = sum(w for n, w in zip(DIMENSIONS, like.weights, strict=True) if like.values[n] == commonest[n])
        assert facts["match"] == pytest.approx(met) and facts["match (what was left open excused)"] == 1.0
        assert sum(t.rewards["agent"] for t in cursor.tree.turns) == pytest.approx(met - 0.02)


def test_asking_is_worth_it_exactly_where_the_gain_exceeds_the_cost():
    """With weights known, no other set of questions has a higher expected score than {j: w_j (1 - p_max) > c}."""
    rng, cost = np.random.default_rng(3), 0.02
    for _ in range(50):
        weights = rng.dirichlet(np.full(15, 0.3))
        worth = weights * (1 - PRIOR[0]) > cost

        def score(asked, weights=weights):
            return weights[asked].sum() + PRIOR[0] * weights[~asked].sum() - cost * asked.sum()

        assert all(
            score(worth) >= score(rng.random(15) < share) for share in (0.0, 0.2, 0.5, 0.8, 1.0) for _ in range(5)
        )
        flipped = [worth ^ (np.arange(15) == j) for j in range(15)]
        assert all(score(worth) >= score(other) for other in flipped)


@pytest.mark.parametrize("user", ["novice", "designer"])
def test_the_prompt_says_every_value_that_was_told(user):
    world = make("elicit-prompt", user=user)
    for expert in world.experts:
        for task in world.tasks("eval")[::40]:
            tree = played(world, task, expert)
            told = {}
            for turn in tree.turns:
                told |= {about: value for kind, about, value in turn.facts["said"] if kind == "inform"}
            told = {name: value for name, value in told.items() if value != OPEN}
            assert all(value in tree.ends[0].facts["prompt"] for value in told.values())


def test_nothing_of_a_taste_is_shown_but_in_answers():
    world = make("elicit-prompt")
    for task in world.tasks("eval")[:20]:
        cursor = begun(world, task)
        shown = cursor.view("agent").messages[0].text
        assert not any(value in shown for values in DIMENSIONS.values() for value in values)
        say(cursor, "ask mood"), say(cursor, "which lighting do you have in mind?")
        shown = " ".join(m.text for m in cursor.view("agent").messages if m.role == "user")
        asked = {*DIMENSIONS["mood"], *DIMENSIONS["lighting"]}
        assert not any(v in shown for values in DIMENSIONS.values() for v in values if v not in asked)


def test_a_designer_names_the_worst_until_it_will_do():
    world = make("elicit-prompt", user="designer", max_turns=20, leaves_open=0.0)
    for task in world.tasks("eval")[::20]:
        cursor, like = begun(world, task), of(world, task)
        weight, before = dict(zip(DIMENSIONS, like.weights, strict=True)), np.inf
        while cursor.open:
            turn = say(cursor, "write the prompt")
            kinds = [kind for kind, *_ in turn.facts.get("said", [])]
            if cursor.open:
                assert kinds == ["reject", "inform"]
                assert weight[turn.facts["said"][1][1]] <= before
                before = weight[turn.facts["said"][1][1]]
        facts = cursor.tree.ends[0].facts
        assert facts["success"] and facts["match"] >= GOOD and facts["prompts"] == len(cursor.tree.turns)


def test_a_vague_answer_leaves_two_values():
    world = make("elicit-prompt", vagueness=1.0, leaves_open=0.0)
    cursor, like = begun(world, world.tasks("eval")[0]), of(world, world.tasks("eval")[0])
    said = say(cursor, "ask mood").facts["said"]
    assert said == [["vague", "mood", " or ".join(half("mood", like.values["mood"]))]]
    assert like.values["mood"] in half("mood", like.values["mood"])
    assert completed({}, {"mood": ("gloomy", "tense")})["mood"] == "gloomy"


def test_adaptive_beats_a_fixed_order_where_people_care_for_few_things():
    world = make("elicit-prompt", vagueness=0.3)
    found = {name: mean(world, name, "match") for name in ("adaptive", "fixed", "random", "one-shot")}
    asked = {name: mean(world, name, "questions") for name in found}
    assert found["adaptive"] > found["fixed"] + 0.1 and asked["adaptive"] < asked["fixed"]
    assert found["one-shot"] < min(found["fixed"], found["random"])


def test_imagined_tastes_fit_what_was_heard():
    for user in ("novice", "designer"):
        world = make("elicit-prompt", user=user, vagueness=0.3)
        told = 0
        for task in world.tasks("eval")[:12]:
            cursor = begun(world, task)
            for text in ("ask mood", "ask form", "write the prompt", "ask colour"):
                if cursor.open:
                    say(cursor, text)
            if not cursor.open:
                continue
            live = cursor.world
            drawn = [live.imagine(cursor.view("agent"), Chance(key)) for key in range(3)]
            assert len({tuple(twin._taste.weights) for twin in drawn}) == 3
            for twin in drawn:
                known = dict(live._standing.told.items())
                assert {n: twin._person.facts[n] for n in known} == known and twin._taste.kind == live._taste.kind
                assert all(twin._taste.values[n] in pair for n, pair in live._halves.items() if n not in known)
                assert twin._standing.turn == live._standing.turn and twin._picture(twin._standing) == live._picture(
                    live._standing
                )
                told += 1
        assert (told > 0) == (user == "designer")  # a novice takes the first prompt


def test_what_is_wrong_is_named_by_weight():
    like = taste("train-0001", 0.3, 0.0)
    facts = likes(like)
    picture = {name: next(v for v in DIMENSIONS[name] if v != facts[name]) for name in DIMENSIONS}
    order = worst(DialogueAct("draft", value=", ".join(picture.values())), facts)
    assert [like.weight[name] for name in order] == sorted(like.weights, reverse=True) and match(picture, facts) == 0.0
    assert worst(DialogueAct("draft", value=", ".join(like.values.values())), facts) == ()
