"""LMRL-Gym Twenty Questions: the recorded answers are handed in, and the rules around the oracle compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor
from turnwise.core.types import Message, Task
from turnwise.worlds.parity.recording import Difference, Recording
from turnwise.worlds.twenty_questions import TwentyQuestions
from turnwise.worlds.twenty_questions_rules import INVALID, clean_question, matches
from turnwise.worlds.twenty_questions_table import table


class TwentyQuestionsReplayer:
    """Plays with all objects; see specs/worlds/lmrl-twenty-questions."""

    def cursor(self, recording: Recording, episode: Mapping[str, Any]) -> Cursor:
        world = TwentyQuestions(turns=episode["config"]["max_conversation_length"])
        answers = [step["obs"].removesuffix("\n") for step in episode["steps"]]
        task = Task(episode["id"], world.name, {"object": episode["task"]["word"][0]})
        return Cursor(world, task, Chance(0, script={"answer": answers}))

    def info(self, facts: Mapping[str, Any], history: Sequence[Message]) -> dict[str, Any]:
        return {"matches_word": facts["names_object"], "history_len": len(history)}

    def tables(self, recording: Recording) -> Iterator[Difference]:
        things, config = table().things, recording["config"]
        yield "objects", config["objects"], [list(thing.variants) for thing in things]
        yield "invalid question", config["invalid_question_text"], INVALID
        for category, names in config["categories"].items():
            ours = [";".join(thing.variants) for thing in things if thing.category == category]
            yield f"category {category}", names, ours
        for variants, question, expected in recording["guess_matching_table"]:
            yield f"matches {variants} {question!r}", expected, matches(variants, question)
        for raw, *expected in recording["question_cleaning_table"]:
            for rule, text in zip(("strict", "simple", "repeat-filtering"), expected, strict=True):
                yield f"{rule} {raw!r}", text, clean_question(raw, rule)
