"""How fast episodes are sampled: the engine, against generating on the whole history each turn, and against
the bare forward passes.

Three sides play conversations of one shape with the same weights, in turn in one run: a world turn brings 12
tokens, an agent turn samples exactly 4.

engine  the whole path of an episode: world, cursor, agent, chat rendering, asyncio, engine.
usual   per turn one `generate` of transformers over the left-padded histories of all episodes, sampling 4
tokens, with plain sdpa attention;
        without any world or chat, so it is flattered.
limit   the same flat forward passes on slots allocated beforehand: no episodes, no drawing, no world.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from turnwise.agents.plain import PlainAgent
from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.models.batch import Counters
from turnwise.models.cache import Cache
from turnwise.models.cached import Cached
from turnwise.models.engine import Engine
from turnwise.models.load import load_policy
from turnwise.models.policy import Policy
from turnwise.models.ragged import positions
from turnwise.models.sampling import Sampling
from turnwise.worlds.base import World

AGENT, WORLD = 4, 12  # tokens of a turn
FRAME = 4  # of the world's tokens: the reply's end, the user's role, the message's end, the assistant's role


class Prompter(World):
    """Says a text of a fixed length each turn and listens to nothing."""

    name = "prompter"

    def __init__(self, texts: Sequence[str], turns: int):
        self._texts, self._limit, self._said = texts, turns, 0

    def reset(self, task: Task, chance: Chance) -> Moment:
        return self._ask()

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        self._said += 1
        return Moment({}, (), end=End.DONE) if self._said == self._limit else self._ask()

    def _ask(self) -> Moment:
        return Moment({"agent": (Message("user", self._texts[self._said]),)}, ("agent",))


def bench_rollout(
    turns: int = 32,
    episodes: int = 256,
    model: str = "scratch:micro",
    repeats: int = 3,
    seed: int = 0,
    usual: bool = True,
) -> dict[str, Any]:
    """Episodes per second of the three sides, taken in turn in one run.

    Args:
        turns, episodes: shape of the run; all episodes are live at once.
        model: a `scratch:` spec; its vocabulary is learned from made-up words.
        repeats: figures are medians over them; the usual way, which is slow, runs once.
        usual: whether to run the usual way at all.

    Returns:
        `engine`, `limit`, `usual` (episodes per second), `speedup` (engine over usual), `of_limit` (engine
        over limit, within a repeat), `outside` (share of the engine's time that is not the model's forward
        pass) and `parts` (seconds by part).
    """
    policy = load_policy(model, seed=seed, corpus=words(seed))
    texts = said_by_world(policy, episodes, turns, seed)
    engine_side(policy, texts[:8, :2])
    seconds: dict[str, list[float]] = {"engine": [], "limit": [], "usual": []}
    counters = []
    for repeat in range(repeats):
        seconds["limit"].append(limit_side(policy, episodes, turns))
        took, parts = engine_side(policy, texts)
        seconds["engine"].append(took)
        counters.append(parts)
        if usual and repeat == 0:
            seconds["usual"].append(usual_side(policy, episodes, turns, seed))
    middle = {side: statistics.median(times) for side, times in seconds.items() if times}
    parts = counters[int(np.argsort(seconds["engine"])[len(counters) // 2])]
    spent = parts.forward + parts.schedule + parts.elsewhere
    return {
        "bench": "rollout",
        "model": model,
        "turns": turns,
        "episodes": episodes,
        "threads": torch.get_num_threads(),
        **{side: episodes / took for side, took in middle.items()},
        "speedup": middle["usual"] / middle["engine"] if usual else None,
        "of_limit": statistics.median(b / a for a, b in zip(seconds["engine"], seconds["limit"], strict=True)),
        "outside": 1 - parts.forward / spent,
        "parts": {"forward": parts.forward, "schedule": parts.schedule, "elsewhere": parts.elsewhere},
        "seconds": seconds,
    }


def bench_growth(
    short: int = 32,
    long: int = 64,
    episodes: int = 256,
    model: str = "scratch:micro",
    repeats: int = 3,
    seed: int = 0,
) -> dict[str, Any]:
    """How time per episode grows with turns: the engine's growth, long over short, and the limit's own."""
    policy = load_policy(model, seed=seed, corpus=words(seed))
    texts = said_by_world(policy, episodes, long, seed)
    engine_side(policy, texts[:8, :2])
    times: dict[tuple[str, int], list[float]] = {
        (side, turns): [] for side in ("engine", "limit") for turns in (short, long)
    }
    for _ in range(repeats):
        for turns in (short, long):
            times["limit", turns].append(limit_side(policy, episodes, turns))
            times["engine", turns].append(engine_side(policy, texts[:, :turns])[0])
    grown = {
        side: statistics.median(times[side, long]) / statistics.median(times[side, short])
        for side in ("engine", "limit")
    }
    return {
        "bench": "rollout growth",
        "turns": (short, long),
        "engine_growth": grown["engine"],
        "limit_growth": grown["limit"],
        "ratio": grown["engine"] / grown["limit"],
        "seconds": {f"{side} {turns}": taken for (side, turns), taken in times.items()},
    }


def words(seed: int) -> list[str]:
    """Made-up words, each often enough to become a token."""
    rng = generator(seed, "bench words")
    made = ["".join(rng.choice(list("bdfgklmnprstaeiou"), size=4)) for _ in range(200)]
    return [f" {' '.join(rng.choice(made, size=8))}" for _ in range(2000)]


def said_by_world(policy: Policy, episodes: int, turns: int, seed: int) -> np.ndarray:
    """Texts [episodes, turns] of exactly WORLD - FRAME tokens each."""
    rng, chat = generator(seed, "bench texts"), policy.chat
    made = sorted({f" {word}" for line in words(seed) for word in line.split()})
    whole = [word for word in made if len(chat.text_ids(word)) == 2]  # one token and the end
    if not whole:
        raise TurnwiseError(
            "a vocabulary without the made-up words", "a model that learned them", "--model scratch:micro"
        )
    picked = rng.choice(whole, size=(episodes, turns, WORLD - FRAME))
    return np.array([["".join(text) for text in said] for said in picked], object)


def engine_side(policy: Policy, texts: np.ndarray) -> tuple[float, Counters]:
    """Seconds to play all episodes through cursor, agent and engine, and where they went."""
    engine, turns = Engine(policy), texts.shape[1]
    agent = PlainAgent(engine, Sampling(max_new=AGENT))
    agent.sampling = Sampling(max_new=AGENT)  # nothing stops a reply before its fourth token
    begun = time.perf_counter()
    cursors = [
        Cursor(Prompter(said, turns), Task(str(i), "prompter"), Chance(key_of("bench", i)), None)
        for i, said in enumerate(texts.tolist())
    ]
    engine.run(play(cursor, {"agent": agent}) for cursor in cursors)
    took = time.perf_counter() - begun
    assert engine.counters.written == texts.size * AGENT
    return took, engine.counters


@torch.inference_mode()
def limit_side(policy: Policy, episodes: int, turns: int) -> float:
    """Seconds of the forward passes alone."""
    heads, kv_heads, width = policy.heads
    cache = Cache(policy.layers, kv_heads, width, policy.dtype, policy.device)
    block, slot = cache.take(turns * (AGENT + WORLD), episodes)
    rng, past = generator("bench", "limit"), np.zeros(episodes, np.int64)
    begun = time.perf_counter()
    for turn in range(turns):
        for count in (WORLD + (turn > 0), *[1] * (AGENT - 1)):
            new = np.full(episodes, count)
            plan = Cached(cache, block, slot, past, new, heads // kv_heads)
            ids = torch.from_numpy(rng.integers(policy.vocabulary, size=int(new.sum())))
            hidden = policy.read(ids, torch.from_numpy(positions(new, past)), plan)
            policy.head(hidden[count - 1 :: count])
            past = past + new
    return time.perf_counter() - begun


@torch.inference_mode()
def usual_side(policy: Policy, episodes: int, turns: int, seed: int) -> float:
    """Seconds of one `generate` per turn over the whole histories."""
    model: Any = copy.deepcopy(policy.causal)
    model.set_attn_implementation("sdpa")
    rng = generator(seed, "bench usual")
    history = torch.empty(episodes, 0, dtype=torch.long)
    begun = time.perf_counter()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(turns):
            heard = torch.from_numpy(rng.integers(policy.vocabulary, size=(episodes, WORLD)))
            history = torch.cat([history, heard], 1)
            history = model.generate(
                history,
                attention_mask=torch.ones_like(history),
                do_sample=True,
                top_k=0,
                max_new_tokens=AGENT,
                min_new_tokens=AGENT,
                pad_token_id=0,
            )
    assert history.shape == (episodes, turns * (AGENT + WORLD))
    return time.perf_counter() - begun
