"""Worlds with exact values: the numbers of specs/credit/README, values against simulation, texts against tables."""

from __future__ import annotations

import asyncio
from functools import cache
from math import comb

import numpy as np
import pytest

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, Message
from turnwise.worlds import (
    bit_search_rules,
    hidden_type_rules,
    key_corridor_rules,
    loop_grid_rules,
    make,
    spelled_rules,
    work_stop_rules,
    work_submit_rules,
)
from turnwise.worlds.maze_exact import exact_values
from turnwise.worlds.tabular import OVER, Tabular, mixed, solve, visits
from turnwise.worlds.tabular_world import SKILLS
from turnwise.worlds.unfold import Outcome, unfold

PROBLEMS = {
    module.problem().name: module.problem()
    for module in (
        bit_search_rules,
        hidden_type_rules,
        key_corridor_rules,
        loop_grid_rules,
        spelled_rules,
        work_stop_rules,
        work_submit_rules,
    )
}
SHEET = {  # states per task; start values of uniform, mid, good, optimal, a row per task
    "key-corridor": (13, [[0.062500, 0.302500, 0.600625, 1.0]]),
    "loop-grid": (119, [[0.040142, 0.496233, 0.896180, 0.999199]]),
    "bit-search": (833, [[0.156091, 0.199413, 0.273706, 0.412972], [0.256145, 0.393363, 0.596600, 0.932610]]),
    "work-submit": (34, [[0.055526, 0.278292, 0.581544, 0.995709]]),
}
SPOTS = {  # at mid: state, its values
    "key-corridor": (key_corridor_rules.State(2, 0), [0.55, 0, 0, 0]),
    "work-submit": (work_submit_rules.State(0, 0), [0.376363, 0.262371, 0]),
    "loop-grid": (loop_grid_rules.State(0, 0, 0), [0.427581, 0.470845, 0.540604, 0.427581]),
    "bit-search": (bit_search_rules.State(0.95, 0, (0, 0, 0)), [0.442033] * 3 + [0.353482, 0.125]),
}


@pytest.fixture(params=PROBLEMS)
def problem(request) -> Tabular:
    return PROBLEMS[request.param]


@pytest.mark.parametrize("name", SHEET)
def test_numbers_of_the_sheet(name):
    problem, (states, values) = PROBLEMS[name], SHEET[name]
    assert len(problem.states) == states * len(problem.tasks)
    for task, of_task in enumerate(values):
        found = [problem.start[task] @ solve(problem, mixed(problem, share)).v for share in SKILLS.values()]
        assert found == pytest.approx(of_task, abs=5e-7)
    point, q = SPOTS[name]
    assert solve(problem, mixed(problem, 0.4)).q[problem.points.index(point)] == pytest.approx(q, abs=5e-7)


def test_signals_of_the_sheet():
    bits, work = PROBLEMS["bit-search"], PROBLEMS["work-submit"]
    at, fact = bits.points.index(bit_search_rules.State(0.95, 3, (2, -1, 0))), bit_search_rules.FACTS.index((1, 1, 0))
    z = 0.95 / 0.05
    assert bits.probe[fact, at] == pytest.approx((z**2 / (1 + z**2) * (1 / z) / (1 + 1 / z) * 0.5) ** (1 / 3))
    assert work.critics["aligned"][0].tolist() == [0.1, 0.1, 0.0]
    assert work.critics["misaligned"][0].tolist() == [0.0, 0.3, 0.0]
    looks = {(point[1:], anchor) for point, anchor in zip(work.points, work.anchor, strict=True)}
    assert len(looks) == 4 == len(set(work.anchor))


def test_values_and_visits_agree_with_plain_loops(problem):
    policy = mixed(problem, 0.4)
    values, v = solve(problem, policy), np.zeros(len(problem.states) + 1)
    for s in range(len(problem.states) - 1, -1, -1):
        q = problem.earned[s] + (problem.law[s] * v[problem.after[s]]).sum(-1)
        v[s] = policy[s] @ q
        assert values.q[s] == pytest.approx(q, abs=1e-12)
    assert values.v == pytest.approx(v[:-1], abs=1e-12)
    assert (policy * values.advantages).sum(1) == pytest.approx(0, abs=1e-12)
    earned = (visits(problem, policy)[:, :, None] * policy * problem.earned).sum((1, 2))
    assert earned == pytest.approx(problem.start @ values.v)
    assert (solve(problem).v >= values.v - 1e-12).all()


def simulate(problem, policy, s, fact, rng, first=None):
    """Returns of episodes that go on from states s, under hidden facts; `first` is what is done there."""
    s, total = s.copy(), np.zeros(len(s))
    while (on := np.flatnonzero(s != OVER)).size:
        acts = first if first is not None else draw(policy[s[on]], rng)
        outcomes = draw(problem.chances[fact[on], s[on], acts], rng)
        total[on] += problem.rewards[fact[on], s[on], acts, outcomes]
        s[on], first = problem.after[s[on], acts, outcomes], None
    return total


def draw(rows, rng):
    """A column per row, by its law."""
    return (rows.cumsum(-1) < rng.random(len(rows))[:, None] * rows.sum(-1, keepdims=True)).sum(-1)


def test_start_values_agree_with_100000_episodes(problem):
    rng, policy, n = generator("start", problem.name), mixed(problem, 0.4), 100_000
    for task in range(len(problem.tasks)):
        s = np.full(n, problem.start[task].argmax())
        returns = simulate(problem, policy, s, draw(problem.belief[s], rng), rng)
        error = returns.std() / np.sqrt(n)
        assert abs(returns.mean() - solve(problem, policy).v[s[0]]) < 3 * error


def test_values_of_acts_agree_with_continuations(problem):
    """The sheet's check: 256 continuations of 50 random pairs, within 3 standard errors for 98 of 100."""
    rng, policy, n = generator("pairs", problem.name), mixed(problem, 0.4), 256
    values, right = solve(problem, policy), []
    for _ in range(50):
        s, a = rng.integers(len(problem.states)), rng.integers(len(problem.actions))
        at = np.full(n, s)
        returns = simulate(problem, policy, at, draw(problem.belief[at], rng), rng, np.full(n, a))
        share = min(max(values.q[s, a], 0.0), 1.0)  # of episodes that earn 1: a floor where a sample shows no spread
        error = max(returns.std(), np.sqrt(share * (1 - share))) / np.sqrt(n)
        right.append(abs(returns.mean() - values.q[s, a]) <= 3 * error + 1e-12)
    assert np.mean(right) >= 0.98


def test_states_must_hold_all_that_was_seen():
    def forgets(t, action):
        """Two hidden facts, one outcome of which tells them apart, and a state that does not."""
        return [Outcome(None)] if t else [Outcome(1, np.array([0.9, 0.1])), Outcome(1, np.array([0.1, 0.9]))]

    with pytest.raises(TurnwiseError, match="different beliefs"):
        unfold("forgets", ("look",), {"task": 0}, forgets, lambda t: 0, (0.5, 0.5))


def table_game(world, task, rng):
    """A game by the table alone, wrong moves among it: what is said, what is drawn, the states and the rewards."""
    bare, fact = world.played.bare, world.hidden.index(task.params["fact"])
    s = int(bare.start[bare.tasks.index(task.params["task"])].argmax())
    said, draws, states, rewards = [], [], [s], []
    while s != OVER:
        act = int(rng.integers(len(world.acts) + 1))
        if act == len(world.acts):
            then = world.lapse(bare.points[s])
            reward, s, text = world.lapse_reward, OVER if then is None else bare.points.index(then), "what now?"
        else:
            law = bare.chances[fact, s, act]
            k = int(rng.choice(len(law), p=law))
            draws += [k] if np.count_nonzero(law) > 1 else []
            reward, s, text = bare.rewards[fact, s, act, k], int(bare.after[s, act, k]), world.acts[act]
        said, states, rewards = [*said, text], [*states, s], [*rewards, reward]
    return said, draws, states, rewards


@pytest.mark.parametrize("name", PROBLEMS)
def test_texts_play_what_the_table_says(name):
    world, rng = make(name), generator("texts", name)
    for task in world.tasks("train"):
        said, draws, states, rewards = table_game(world, task, rng)
        cursor = Cursor(world.live(), task, Chance(1, script={"outcome": draws}))
        cursor.begin()
        for text, s, reward in zip(said, states, rewards, strict=False):
            (message,) = cursor.view("agent").messages
            assert message.text.endswith(world.tell(PROBLEMS[name].points[s]))
            cursor.take({"agent": Act(Message("assistant", text))})
            assert cursor.tree.turns[-1].rewards["agent"] == reward
        assert not cursor.open and cursor.tree.ends[-1].facts["success"] == (rewards[-1] == 1.0)
        facts = [draw for turn in cursor.tree.turns for draw in turn.facts.get("draws", ())]
        assert facts == [["outcome", k] for k in draws]


def hashed_law(acts):
    """A law of the text alone, as a network's is; a fifth or so goes to other texts."""

    @cache
    def row(text):
        weights = np.array([1 + key_of(text, a) % 16 for a in range(acts + 1)])
        return weights[:-1] / weights.sum()

    def law(views):
        return np.array([row(view[-1].text) for view in views])

    return law


def player_of(law, acts):
    """The same law in a seat."""

    def says(view, rng):
        row = law([view.messages])[0]
        return [*acts, "hm"][rng.choice(len(acts) + 1, p=[*row, 1 - row.sum()])]

    return ScriptedAgent(says, "hashed")


def cursor_of(world):
    """A game that has begun."""
    cursor = Cursor(world.live(), world.tasks("eval")[0], Chance(1))
    cursor.begin()
    return cursor


@pytest.mark.parametrize("name", [*PROBLEMS, "maze"])
def test_a_network_like_policy_has_exact_values(name):
    """A policy that is a function of the text, wrong moves included, played as any agent is."""
    world = make(name, layout="umaze", max_steps=6) if name == "maze" else make(name)
    cursor = cursor_of(world)
    acts = cursor.moment.legal
    law = hashed_law(len(acts))
    exact = world.exact(law)
    tasks = [world.tasks("train")[i % len(world.tasks("train"))] for i in range(800)]
    episodes = play_all(world, player_of(law, acts), tasks)
    returns = np.array([episode.total() for episode in episodes])
    assert abs(returns.mean() - exact.mean) < 3 * returns.std() / np.sqrt(len(returns)) + 1e-12
    advantages = [exact.advantages(episode) for episode in episodes]
    sums = np.array([a.sum() for a in advantages])
    assert abs(sums.mean()) < 3 * sums.std() / np.sqrt(len(sums))
    if name in ("key-corridor", "maze"):  # no luck but the policy's own: a return is the start value and all advantages
        firsts = [exact.v[exact.number[0, episode.turns[0].seen[-1].text]] for episode in episodes]
        assert returns == pytest.approx(np.array(firsts) + sums)
    assert (exact.policy * (exact.q - exact.v[:, None])).sum(1) == pytest.approx(0, abs=1e-9)


def play_all(world, agent, tasks):
    """An episode per task, one after the other."""
    episodes = []
    for member, task in enumerate(tasks):
        cursor = Cursor(world.live(), task, Chance(key_of("played", task.key, member)))
        asyncio.run(play(cursor, {"agent": agent}))
        episodes.append(cursor.episode(str(member), {}))
    return episodes


@pytest.mark.parametrize("name", PROBLEMS)
def test_skilled_players_have_the_values_of_the_table(name):
    world, bare = make(name), PROBLEMS[name]
    for share in SKILLS.values():
        law = world.played.skilled(share)[:, :-1]
        assert world.exact(lambda views, law=law: law).mean == pytest.approx(
            (bare.start @ solve(bare, mixed(bare, share)).v).mean()
        )
    assert world.exact().mean == pytest.approx(world.exact(lambda views: law).mean)
    nonsense = world.exact(lambda views: np.zeros((len(views), len(world.acts))))
    assert nonsense.mean == pytest.approx(world.turns * world.lapse_reward)


@pytest.mark.parametrize("skill", SKILLS)
def test_skilled_players_play_as_their_law_says(skill):
    world = make("work-stop")
    tasks = [world.tasks("eval")[i % 16] for i in range(600)]
    totals = np.array([e.total() for e in play_all(world, ScriptedAgent(world.expert(skill), skill), tasks)])
    exact = world.exact(lambda views: world.played.skilled(SKILLS[skill])[:, :-1]).mean
    assert abs(totals.mean() - exact) < 3 * totals.std() / np.sqrt(len(totals))


def test_exact_values_of_the_maze():
    world = make("maze")
    assert world.exact().mean == pytest.approx(-6.84)
    uniform = world.exact(lambda views: np.full((len(views), 4), 0.25))
    assert uniform.mean == pytest.approx(exact_values(world, np.full((26, 4), 0.25)).mean())
    assert world.exact(lambda views: np.zeros((len(views), 4))).mean == pytest.approx(-4 * 100 - 1)
    for other in (make("maze", last_k=2), make("maze-partial")):
        with pytest.raises(TurnwiseError, match="a view is no place"):
            other.exact()


def test_what_has_no_exact_values_says_so():
    with pytest.raises(TurnwiseError, match="'wordle' are out of reach"):
        make("wordle").exact()
    world = make("work-stop")
    with pytest.raises(TurnwiseError, match="shape"):
        world.exact(lambda views: np.ones(3))
    with pytest.raises(TurnwiseError, match="more than 1"):
        world.exact(lambda views: np.ones((len(views), 3)))
    other = make("key-corridor")
    (episode,) = play_all(other, ScriptedAgent(other.expert(), "mid"), other.tasks("eval")[:1])
    with pytest.raises(TurnwiseError, match="turns of this world"):
        world.exact().advantages(episode)


def test_letters_are_the_same_game_as_words():
    words, letters = spelled_rules.problem(), spelled_rules.letters()
    law = mixed(words, 0.4)
    by_letter = spelled_rules.letter_law(law)
    assert spelled_rules.word_law(by_letter) == pytest.approx(law)
    whole, parts = solve(words, law), solve(letters, by_letter)
    at = {point: s for s, point in enumerate(letters.points)}
    for s, point in enumerate(words.points):
        assert parts.v[at[point]] == pytest.approx(whole.v[s])
        for w, word in enumerate(spelled_rules.WORDS):
            last = parts.q[at[point._replace(prefix=word[:-1])], spelled_rules.LETTERS.index(word[-1])]
            assert last == pytest.approx(whole.q[s, w])
            steps = [at[point._replace(prefix=word[:n])] for n in range(len(word))]
            taken = [spelled_rules.LETTERS.index(letter) for letter in word]
            assert parts.advantages[steps, taken].sum() == pytest.approx(whole.advantages[s, w])


def survivor_cosine(problem, share, group=8):
    """Cosine to the gradient of the expected step under a baseline per turn: the mean of those still there.

    With n still there the credit is (n - 1)/n of one whose baseline leaves oneself out, and n hangs on the others only.
    """
    policy = mixed(problem, share)
    seen = visits(problem, policy)[0]
    gradient = seen[:, None] * policy * solve(problem, policy).advantages
    t = np.array([point.t for point in problem.points])
    alive = np.bincount(t, seen)
    others = np.arange(group)
    ways = np.array([comb(group - 1, k) for k in others])
    shrunk = [(ways * p**others * (1 - p) ** (group - 1 - others) * others / (others + 1)).sum() for p in alive]
    step = gradient * np.array(shrunk)[t][:, None]
    return (gradient * step).sum() / np.sqrt((gradient**2).sum() * (step**2).sum())


def test_survivors_bias_a_baseline_per_turn_where_stopping_is_a_choice():
    assert survivor_cosine(PROBLEMS["key-corridor"], 0.0) == pytest.approx(1.0)  # nobody leaves early
    assert survivor_cosine(PROBLEMS["work-stop"], 0.0) == pytest.approx(0.9576, abs=5e-5)


def test_every_way_of_speaking_is_somebodys():
    problem = PROBLEMS["hidden-type"]
    best = solve(problem)
    done = (visits(problem, best.policy)[0][:, None] * best.policy).sum(0)
    assert (done[:3] > 0.3).all() and done[3] == pytest.approx(0.0)
    values = [(problem.start @ solve(problem, mixed(problem, share)).v)[0] for share in SKILLS.values()]
    assert values == pytest.approx([0.423743, 0.530326, 0.618685, 0.705454], abs=5e-7)
