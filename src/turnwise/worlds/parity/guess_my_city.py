"""LMRL-Gym Guess My City as released: the recorded answers are handed in, and the rules around the oracle compared."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor
from turnwise.core.types import Message, Task
from turnwise.worlds.guess_my_city import START, GuessMyCity
from turnwise.worlds.guess_my_city_table import table
from turnwise.worlds.parity.recording import Difference, Recording


class GuessMyCityReplayer:
    """Plays the released form, in which no game is won; see specs/worlds/lmrl-guess-my-city."""

    def cursor(self, recording: Recording, episode: Mapping[str, Any]) -> Cursor:
        world = GuessMyCity(turns=episode["config"]["max_conversation_length"], as_released=True)
        name = next(town.name for town in table().towns if town.entry == episode["task"]["city"])
        answers = [step["obs"].removesuffix("\n") for step in episode["steps"]]
        return Cursor(world, Task(episode["id"], world.name, {"city": name}), Chance(0, script={"answer": answers}))

    def info(self, facts: Mapping[str, Any], history: Sequence[Message]) -> dict[str, Any]:
        return {"names_the_city": facts["names_city"], "history_len": len(history)}

    def tables(self, recording: Recording) -> Iterator[Difference]:
        yield "initial text", recording["config"]["initial_text"], START[0].text
        yield "cities", recording["config"]["cities"], [town.entry for town in table().towns]
        for episode in recording["episodes"]:
            yield (
                f"city of {episode['id']}",
                episode["task"]["city"],
                city_of(episode["seed"], episode["config"]["deterministic"]),
            )


def city_of(seed: int, deterministic: bool) -> str:
    """The entry of the list that the original draws from a seed."""
    entries = [town.entry for town in table().towns]
    return entries[seed % len(entries)] if deterministic else random.Random(seed).choice(entries)
