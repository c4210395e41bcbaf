"""What every agent promises, over every kind of spec that can be seated without a network."""

from __future__ import annotations

import asyncio
import dataclasses
from itertools import cycle
from types import SimpleNamespace

import numpy as np
import pytest

import made_models
from made_play import nano, sample
from turnwise.agents.company import in_company
from turnwise.agents.human import HumanAgent
from turnwise.agents.spec import seat
from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor, Limits, play
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import Agent
from turnwise.core.run_folder import RunFolder
from turnwise.core.types import End
from turnwise.explore import Independent, Table, run_plain
from turnwise.models.policy import Policy
from turnwise.worlds import WORLDS, make

SCRIPTS = [(f"script:{name}", world) for world in WORLDS for name in WORLDS.get(world).experts]
MODELS = [("scratch:nano", "maze"), ("scratch:nano", "wordle"), ("run:DIR", "maze"), ("hf:DIR", "maze-partial")]
CASES = [*SCRIPTS, *MODELS, ("human", "wordle")]
SETTINGS = {"maze": {"max_steps": 5}, "maze-partial": {"max_steps": 5}, "twenty-questions": {"objects": "small"}}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A run with a checkpoint, and a Hugging Face directory of another type with a template of its own."""
    root = tmp_path_factory.mktemp("models")
    with RunFolder.create(root / "run", {}, 0, [], {}) as folder:
        folder.checkpoint("made", 0, lambda to: nano("maze").save(to / "policy"))
    tokenizer = made_models.other_tokenizer(made_models.CHATML)
    Policy(made_models.bare(made_models.CONFIGS["qwen2"]), tokenizer).save(root / "hf")
    return {"run:DIR": f"run:{root / 'run'}", "hf:DIR": f"hf:{root / 'hf'}"}


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[1]}-{case[0]}")
def seated(request, places):
    """An agent at its table, and the world."""
    name, world = request.param
    place = make(world, **SETTINGS.get(world, {}))
    found = seat(places.get(name, name), place, seed=3, max_new=5)
    if name == "human":
        typed = cycle(["", "crane\n", "slate\n"])
        found = dataclasses.replace(found, agent=HumanAgent(lambda prompt: next(typed), lambda line: None))
    return SimpleNamespace(agent=found.agent, drive=found.drive, world=place, spec=name)


def table(seated, **how):
    agents = in_company(seated.world, {"agent": seated.agent})
    return Table(seated.world, agents, 0, limits=Limits(turns=3), drive=seated.drive, **how)


def test_it_is_an_agent(seated):
    assert isinstance(seated.agent, Agent) and seated.agent.name
    assert isinstance(seated.agent.slots, tuple) and set(seated.agent.slots) <= {"weights"}
    assert ("weights" in seated.agent.slots) == (seated.spec.partition(":")[0] in ("scratch", "run", "hf"))


def test_it_plays_and_what_it_says_is_recorded(seated):
    for episode in table(seated).collect(Independent(), seated.world.tasks("train")[:3]):
        (leaf,) = episode.ends
        own = [turn for turn in episode.turns if turn.seat == "agent"]
        assert leaf.end in (End.DONE, End.TURNS) and leaf.error is None and 1 <= len(own) <= 3
        for turn in own:
            assert turn.message.role == "assistant"
            if seated.agent.slots:
                check_tokens(turn, seated.agent.engine.policy)
            else:
                assert turn.tokens is None


def check_tokens(turn, policy):
    tokens = turn.tokens
    assert tokens.prompt.dtype == tokens.reply.dtype == np.int32 and tokens.logprobs.dtype == np.float32
    assert tokens.sampled.all() and 1 <= len(tokens.reply) <= 5 and (tokens.logprobs <= 0).all()
    assert tokens.versions == ((policy.version, 0, len(tokens.reply)),) and turn.version == policy.version
    assert policy.chat.decode(tokens.reply.tolist()) == turn.message.text


def test_same_seed_same_words_and_another_seed_other_draws(seated):
    tasks = seated.world.tasks("train")[:3]

    def words(**how):
        return [[t.message.text for t in e.turns] for e in table(seated, **how).collect(Independent(), tasks)]

    assert words() == words() or seated.spec == "human"
    if seated.agent.slots:
        assert words() != words(draws="other")


def test_a_branch_goes_on_alone(seated):
    """Forking copies the private state: what one branch says does not reach the other, and both can be closed twice."""

    async def branches():
        agents = in_company(seated.world, {"agent": seated.agent})
        trunk = Cursor(seated.world.live(), seated.world.tasks("train")[0], Chance(1))
        trunk.begin()
        trunk.take({"agent": await seated.agent.act(trunk.view("agent"), None)})
        if not trunk.open:
            return None
        twins = [trunk.fork(0, agents), trunk.fork(0, agents)]
        twins[0].limits = twins[1].limits = trunk.limits = Limits(turns=2)
        for cursor in (*twins, trunk):
            await play(cursor, agents)
            cursor.close(agents)
        return trunk.episode("e", {})

    episode = seated.drive([branches()])[0]
    if episode is not None and seated.spec != "human":
        first, second = (episode.turns[episode.path(leaf)[-1]] for leaf in (0, 1))
        assert first.message.text == second.message.text and first.seen == second.seen
    if seated.agent.slots:
        assert not seated.agent.engine.lines, "everything that was opened is closed"


def test_closing_nothing_is_no_mistake(seated):
    seated.agent.close(None)
    assert seated.agent.fork(None) is None


# --- a person ---


def person(*typed):
    lines, shown = iter(typed), []

    def read(prompt):
        shown.append(prompt)
        try:
            line = next(lines)
        except StopIteration:
            raise EOFError from None
        if isinstance(line, type):
            raise line
        return line

    return HumanAgent(read, shown.append), shown


def act_once(agent, world):
    cursor = Cursor(world.live(), world.tasks("train")[0], Chance(1), Limits(turns=1))
    return asyncio.run(play(cursor, {"agent": agent})).episode("e", {})


def test_a_person_sees_what_is_new_and_says_a_line():
    agent, shown = person("", "move up")
    episode = act_once(agent, make("maze"))
    assert "goal" in shown[0] and shown[1] == "agent> " and shown[2].startswith("legal: move")
    assert episode.turns[0].message.text == "move up" and episode.turns[0].message.writer == "human"
    agent, shown = person("", "crane")
    act_once(agent, make("wordle"))
    assert "say something, or /quit" in shown


@pytest.mark.parametrize("typed", [["/quit"], [" /quit "], [], [KeyboardInterrupt]])
def test_a_person_may_leave(typed):
    episode = act_once(person(*typed)[0], make("maze"))
    assert episode.ends[0].end is End.LEFT and episode.turns == ()


# --- specs ---


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("scrpt:optimal", "did you mean 'script'"),
        ("script:optimum", "did you mean 'optimal'"),
        ("scratch:nan", "did you mean 'scratch:nano'"),
        ("", "one of: hf, human, run, scratch, script"),
    ],
)
def test_a_misspelt_spec_gets_the_close_one(wrong, said):
    with pytest.raises(UnknownName) as caught:
        seat(wrong, make("maze"))
    assert said in str(caught.value)


def test_a_run_without_a_checkpoint_is_refused(tmp_path):
    RunFolder.create(tmp_path / "run", {}, 0, [], {}).close()
    with pytest.raises(TurnwiseError, match="holds no checkpoint"):
        seat(f"run:{tmp_path / 'run'}", make("maze"))


def test_a_run_that_goes_on_is_the_policy_it_was(places):
    world = make("maze")
    again = seat(places["run:DIR"], world, max_new=6).agent.engine.policy
    one, other = (sample(policy, world)[0] for policy in (nano("maze"), again))
    assert [[t.message.text for t in e.turns] for e in one] == [[t.message.text for t in e.turns] for e in other]


def test_a_context_that_is_full_ends_the_episode():
    policy = nano("wordle")
    policy.causal.config.max_position_embeddings = 40
    episodes, agent = sample(policy, make("wordle"), turns=None, max_new=8)
    assert {e.ends[0].end for e in episodes} == {End.TOKENS} and not agent.engine.lines
    assert all(sum(len(t.tokens.prompt) + len(t.tokens.reply) for t in e.turns) <= 40 for e in episodes)
    policy.causal.config.max_position_embeddings = 8
    episodes, agent = sample(policy, make("wordle"), turns=None, max_new=8)
    assert all(e.turns == () for e in episodes) and not agent.engine.lines


def test_run_plain_keeps_the_order():
    async def number(n):
        await asyncio.sleep(0.001 * (3 - n))
        return n

    assert run_plain([number(n) for n in range(3)]) == [0, 1, 2]
