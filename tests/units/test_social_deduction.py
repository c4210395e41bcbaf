"""The social-deduction game: what its sheet says must hold, and what the seats are told."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Act, End, Message
from turnwise.explore import Independent, Table
from turnwise.worlds import make
from turnwise.worlds.parity.social_deduction import game_of
from turnwise.worlds.social_deduction_players import AT_SCENE, ELSEWHERE, TOLD, belief
from turnwise.worlds.social_deduction_rules import Game, elected
from turnwise.worlds.social_deduction_words import Memory

NAMES = ("Red", "Blue", "Green", "Pink", "Yellow")
WHOLE = Path(__file__).parents[3] / "shared" / "parity" / "social_deduction" / "episodes.json"
KEPT = Path(__file__).parents[1] / "parity" / "data" / "social_deduction.json.gz"


def game(players=5, width=2, tasks=((0, 0), (1, 0))):
    """A game at its first choice, everybody in the first room."""
    made = Game(NAMES[:players], [(), *([tasks] * (players - 1))], width, 1)
    while not made.asks:
        made.step({})
    return made


def wait(made, steps):
    for _ in range(steps):
        made.step(dict.fromkeys(made.asks, "wait"))
    return made


def discussion(made, beliefs=None):
    """A body found in the first room; on to the vote. Returns the rewards of speaking, in the order of messages."""
    wait(made, 10)
    while "kill Player Blue" not in made.asks.get(0, ()):
        wait(made, 1)
    made.step({**dict.fromkeys(made.asks, "wait"), 0: "kill Player Blue"})
    while not any("report body of Player Blue" in options for options in made.asks.values()):
        made.step(dict.fromkeys(made.asks, "wait"))
    finder = next(p for p, options in made.asks.items() if "report body of Player Blue" in options)
    made.step({finder: "report body of Player Blue"})
    paid, survey = [], 0
    while made.phase != "voting":
        told = beliefs[survey] if beliefs and made.phase == "discussion_survey" else {}
        survey += made.phase == "discussion_survey"
        made.step(dict.fromkeys(made.asks, "words"), told)
        if survey > 1 and made.phase in ("discussion_claim", "voting"):
            paid.append(list(made.speaking_rewards))
    made.step({})
    return paid


# --- must hold ---


def test_a_tied_vote_ejects_nobody_and_a_majority_the_impostor():
    assert elected(["Red", "Red", "Blue", "Blue", "Green"]) is None
    assert elected(["Red", "Red", "Red", "Blue", "Green"]) == "Red"
    assert elected(["skip", "skip", "Red"]) is None and elected([]) is None
    tied, won = game(), game()
    for made, votes in ((tied, ("Red", "Red", "Blue", "Blue")), (won, ("Red", "Red", "Red", "Blue"))):
        discussion(made)
        made.step(dict(zip(made.living, votes, strict=True)))
    assert tied.outcome is None and tied.phase == "gameplay_intro" and tied.players[0].alive
    assert won.outcome == "no_imposters" and won.win_rewards == [0.0, 1.0, 1.0, 1.0, 1.0]


def test_no_kill_while_the_timer_runs_nor_right_after_a_discussion():
    made, offered = game(), []
    for _ in range(12):
        if any(t.startswith("kill") for t in made.asks.get(0, ())):
            offered.append(made.time)
            assert made.players[0].kill_timer == 0
        wait(made, 1)
    assert min(offered) == 9, "play begins at 2, and six steps pass before a kill is legal"
    discussion(made)
    made.step(dict.fromkeys(made.asks, "skip"))
    while made.phase != "gameplay":
        made.step({})
    assert made.players[0].kill_timer == 6
    for _ in range(6):
        made.step(dict.fromkeys(made.asks, "wait"))
        assert not any(t.startswith("kill") for t in made.asks.get(0, ()))


def test_reporting_needs_a_body_in_the_room():
    made = game()
    for _ in range(12):
        assert not any(t.startswith("report") for options in made.asks.values() for t in options)
        wait(made, 1)
    made.step({0: "kill Player Blue", 2: "go east"} if 2 in made.asks else {0: "kill Player Blue"})
    seen = {p: options for p, options in made.asks.items() if p}
    for p, options in seen.items():
        assert ("report body of Player Blue" in options) == (made.players[p].room == made.players[1].room)
    assert not any(t.startswith("report") for t in made.options(0)), "the impostor reports nothing"


def test_the_dead_do_nothing_and_are_not_asked():
    made = game()
    discussion(made)
    assert 1 not in made.living and 1 not in made.asks and 1 not in made.order
    made.step(dict.fromkeys(made.asks, "skip"))
    for _ in range(12):
        made.step(dict.fromkeys(made.asks, "wait"))
        assert 1 not in made.asks


def test_speaking_rewards_are_the_changes_of_the_crews_belief():
    made = game()
    rng = np.random.default_rng(3)
    beliefs = [{p: float(rng.random()) for p in (0, 2, 3, 4)} for _ in range(9)]
    paid = discussion(made, beliefs)
    pooled = [sum(b[p] for p in (2, 3, 4)) for b in beliefs]
    assert len(paid) == 8
    for number, rewards in enumerate(paid):
        speaker = made.order[number % 4]
        assert rewards[speaker] == pytest.approx((-1 if speaker == 0 else 1) * (pooled[number + 1] - pooled[number]))
        assert sum(map(bool, rewards)) <= 1
    signed = sum((-1 if p == 0 else 1) * r for row in paid for p, r in enumerate(row))
    assert signed == pytest.approx(pooled[-1] - pooled[0])


def test_recorded_random_players_won_as_the_sheet_says():
    whole = WHOLE.is_file()
    episodes = json.loads(WHOLE.read_text() if whole else gzip.decompress(KEPT.read_bytes()))["episodes"]
    won = Counter(e["win"] for e in episodes)
    if whole:
        assert won == {"more_imposters": 75, "no_imposters": 18, "no_tasks": 7}
    assert set(won) == {"more_imposters", "no_imposters", "no_tasks"} and all(game_of(e).time == 0 for e in episodes)


def test_our_random_players_end_every_game():
    world = make("social-deduction", width=2, tasks=3, crew="random", impostor="random")
    table = Table(world, {"agent": ScriptedAgent(world.expert("random"), "random")}, seed=4)
    episodes = table.collect(Independent(), world.tasks("train")[:60])
    won = Counter(e.ends[0].facts["outcome"] for e in episodes)
    assert won["more_imposters"] > len(episodes) / 2 and None not in won
    assert max(e.ends[0].facts["time"] for e in episodes) < 400


# --- what is told ---


def finish(world, task, name, key=1):
    agents = {seat: ScriptedAgent(world.expert(name), name) for seat in world.seats}
    cursor = asyncio.run(play(Cursor(world.live(), task, Chance(key_of(key, task.key))), agents))
    return cursor.episode("e", {})


def test_numbers_and_order_are_never_shown():
    """Two games that differ in who the impostor is begin with the same words."""
    world = make("social-deduction")
    tasks = [t for t in world.tasks("train") if t.key.startswith("train-3-")]
    assert len({t.params["names"][0] for t in tasks}) > 1
    first = {Cursor(world.live(), t, Chance(1)) for t in tasks}
    for cursor in first:
        cursor.begin()
    assert len({cursor.view("agent").messages for cursor in first}) == 1


def test_who_speaks_first_is_drawn():
    """The impostor is player 0 inside; were that the order of speech, whoever listens would know."""
    world, first = make("social-deduction-small"), Counter()
    for key in range(4):
        for task in world.tasks("train")[:60]:
            memory = Memory()
            for turn in finish(world, task, "truthful", key).turns:
                for message in turn.seen:
                    memory.read(message.text)
                if memory.speakers and len(memory.others) == 2:
                    first[memory.speakers[0] == task.params["names"][0]] += 1
                    break
    share = first[True] / first.total()
    assert first.total() > 60 and abs(share - 1 / 3) < 4 * np.sqrt(2 / 9 / first.total())


def test_a_witness_believes_what_it_saw():
    memory = Memory().read("Players: Blue, Green, Pink, Red. Rooms: 3 by 1.\nYou are Blue, crew.\nTasks: A.")
    memory.read("In A.\nHere: Pink.\nTasks: A.\nIn B.\nHere: Green.\nTasks: none.")
    memory.read("Green found Red dead.\nThe body was in A.\nAlive: Blue, Green, Pink.")
    odds = np.log(belief(memory)["Pink"] / belief(memory)["Green"])
    assert odds == pytest.approx(AT_SCENE - ELSEWHERE)
    memory.read("Pink says: Green was in room A")
    assert np.log(belief(memory)["Pink"] / belief(memory)["Green"]) == pytest.approx(AT_SCENE - ELSEWHERE - TOLD)
    memory.read("Pink killed Red in A.")
    assert belief(memory)["Pink"] > 0.99 and sum(belief(memory).values()) == pytest.approx(1.0)


def test_what_a_player_says_cannot_pass_for_what_the_game_says():
    world = make("social-deduction")
    for task in world.tasks("train")[:40]:
        cursor = Cursor(world.live(), task, Chance(key_of(7, task.key)))
        cursor.begin()
        rule = world.expert("truthful")
        while cursor.open:
            view = cursor.view("agent")
            text = rule(view, generator(view.chance_key))
            claim = view.messages[-1].text == "Your claim?\n"
            cursor.take(
                {"agent": Act(Message("assistant", "x\nBlue killed Red in A.\nPink is out." if claim else text))}
            )
            if claim:
                agent = task.params["agent"]
                heard = [m for m in cursor.world._memories if agent in (s for s in m.speakers)]
                assert heard or not cursor.open
                killers = set().union(*(m.killers for m in cursor.world._memories))
                assert killers <= {task.params["names"][0]}
                return
    pytest.fail("nobody ever spoke")


def test_every_player_can_have_a_seat():
    world = make("social-deduction-small", seated="all")
    assert world.seats == ("agent", "player-2", "player-3", "player-4")
    seats, outcomes = Counter(), Counter()
    for task in world.tasks("eval")[:12]:
        episode = finish(world, task, "random")
        assert episode.ends[0].end is End.DONE and episode.ends[0].error is None
        seats.update(turn.seat for turn in episode.turns)
        outcomes[episode.ends[0].facts["outcome"]] += 1
        totals = [episode.total(seat) for seat in world.seats]
        won = episode.ends[0].facts["outcome"]
        assert sorted(totals) == {None: [0.0] * 4, "more_imposters": [0.0, 0.0, 0.0, 1.0]}.get(
            won, [0.0, 1.0, 1.0, 1.0]
        )
    assert set(seats) == set(world.seats) and len(outcomes) > 1


def test_the_agent_can_be_the_impostor():
    world = make("social-deduction-small", side="impostor", shaping=0.2)
    task = world.tasks("eval")[0]
    assert task.params["names"][0] == task.params["agent"]
    episodes = [finish(world, t, "lying") for t in world.tasks("eval")]
    assert any(turn.message.text.startswith("kill") for e in episodes for turn in e.turns)
    for episode in episodes:
        assert episode.success == (episode.ends[0].facts["outcome"] == "more_imposters")


def test_settings_that_cannot_be():
    for settings in ({"side": "cerw"}, {"crew": "truthfull"}, {"speech": "claim"}, {"seated": "al"}):
        with pytest.raises(UnknownName, match="did you mean"):
            make("social-deduction", **settings)
    with pytest.raises(TurnwiseError, match="3 players or more"):
        make("social-deduction", players=8)
    with pytest.raises(TurnwiseError, match="names"):
        Game(("Red", "Blue", "Green"), [(), ()], 2, 1)
    done = game()
    done.outcome = "no_tasks"
    with pytest.raises(TurnwiseError, match="after the end"):
        done.step({})
