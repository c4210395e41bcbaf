"""LMRL-Gym Wordle: the word drawn at each valid guess is handed in, as its rank among the words still consistent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor
from turnwise.core.types import Message, Task
from turnwise.worlds.parity.recording import Difference, Recording
from turnwise.worlds.wordle import Wordle
from turnwise.worlds.wordle_rules import Words, marks, unspell, words_of


class WordleReplayer:
    """Plays the released form, which draws a word per turn; see specs/worlds/lmrl-wordle."""

    def cursor(self, recording: Recording, episode: Mapping[str, Any]) -> Cursor:
        config = recording["config"]
        world = Wordle(config["vocab"], config["n_tries"], as_released=True, **episode["config"])
        chance = Chance(0, script={"word": ranks(world.words, episode)})
        return Cursor(world, Task(episode["id"], world.name), chance)

    def info(self, facts: Mapping[str, Any], history: Sequence[Message]) -> dict[str, Any]:
        return {
            "valid": facts["valid"],
            "sampled_word": facts["word"],
            "consistent_words": facts["words_left"],
            "history_len": len(history),
        }

    def tables(self, recording: Recording) -> Iterator[Difference]:
        config = recording["config"]
        yield f"vocab {config['vocab_name']}", config["vocab"], list(words_of(config["vocab_name"]).list)


def ranks(words: Words, episode: Mapping[str, Any]) -> list[int]:
    """For each draw of a recorded episode, the rank of the drawn word among those consistent before it.

    A word that is not among them ends the list: our world then draws on its own, and the comparison shows where.
    """
    left, found = list(words.list), []
    for step in episode["steps"]:
        drawn, guess = step["info"]["sampled_word"], unspell(step["action"])
        if drawn is None:
            continue
        if drawn not in left:
            break
        found.append(left.index(drawn))
        left = [word for word in left if marks(guess, word) == marks(guess, drawn)]
    return found
