"""LMRL-Gym Car Dealer: the recorded buyer is seated, and what it was given is compared beside all that follows."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor
from turnwise.core.types import Message, Task
from turnwise.worlds.car_dealer import CarDealer
from turnwise.worlds.car_dealer_rules import (
    BRANDS,
    BUDGETS,
    FEATURES,
    MOST_FEATURES,
    PERSONALITIES,
    PROMPT,
    START,
    TYPES,
    Profile,
    article,
)
from turnwise.worlds.parity.recording import Difference, Recording

SHOWN = 200
"""Characters from the end that the recording keeps of a text read at the limit; of others it keeps a hash."""


class RecordedBuyer:
    """Says what was recorded, and writes down what it was given."""

    def __init__(self, steps: Sequence[Mapping[str, Any]]):
        self.texts = iter([call["text"] for step in steps for call in step["info"]["buyer_calls"]])
        self.calls: list[dict[str, str]] = []

    def reply(self, profile: Profile, reads: tuple[str, ...], chance: Chance) -> str:
        """The next recorded line; empty after the last, which the comparison then shows."""
        text, given = next(self.texts, ""), "".join(reads)
        if given.endswith(PROMPT):
            self.calls.append({"kind": "reprompt", "input": given[-SHOWN:], "text": text})
        else:
            sha = hashlib.sha256(given.encode()).hexdigest()[:16]
            self.calls.append({"kind": "reply", "input_sha": sha, "text": text})
        return text

    def newest(self) -> list[dict[str, str]]:
        """The calls since this was last asked."""
        calls, self.calls = self.calls, []
        return calls


class CarDealerReplayer:
    """Plays the released rewards; see specs/worlds/lmrl-car-dealer."""

    def cursor(self, recording: Recording, episode: Mapping[str, Any]) -> Cursor:
        config = episode["config"]
        self.buyer = RecordedBuyer(episode["steps"])
        world = CarDealer(config["reward_mode"], config["max_conversation_length"], self.buyer, as_released=True)
        return Cursor(world, Task(episode["id"], world.name, buyer_of(episode["seed"])), Chance(0))

    def info(self, facts: Mapping[str, Any], history: Sequence[Message]) -> dict[str, Any]:
        accepted, list_price, price = facts.get("verdict") or (None, None, None)
        output = {"car_bought": accepted, "msrp": list_price, "buy_price": price} if accepted is not None else None
        return {"buyer_calls": self.buyer.newest(), "output": output, "history_len": len(history)}

    def tables(self, recording: Recording) -> Iterator[Difference]:
        config = recording["config"]
        yield "initial text", config["initial_text"], START
        ours = {"budgets": BUDGETS, "personalities": PERSONALITIES, "types": TYPES, "features": FEATURES}
        for name, values in ours.items():
            yield name, config[name], list(values)
        yield "brands", config["brands"], [article(brand) for brand in BRANDS]
        for episode in recording["episodes"]:
            params = buyer_of(episode["seed"])
            names = {"brand": "preferred_brands", "type": "preferred_type", "features": "preferred_features"}
            info = {names.get(k, k): v for k, v in {**params, "brand": article(params["brand"])}.items()}
            yield f"buyer of {episode['id']}", episode["task"]["buyer_info"], info
            text = str(Profile(**params))
            yield f"line of the buyer of {episode['id']}", episode["task"]["buyer_info_text"], text


def buyer_of(seed: int) -> dict[str, Any]:
    """The profile that the original draws from a seed, as JSON values."""
    rng = random.Random(seed)
    personality, brand, kind = rng.choice(PERSONALITIES), rng.choice(BRANDS), rng.choice(TYPES)
    features = rng.sample(FEATURES, k=rng.randint(1, MOST_FEATURES))
    wishes = {"brand": brand, "type": kind, "features": features}
    return {"personality": personality, **wishes, "budget": rng.choice(BUDGETS)}
