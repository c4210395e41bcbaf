"""Wordle as LMRL-Gym plays it: six tries at a five-letter word, one letter per token (specs/worlds/lmrl-wordle)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds import wordle_experts
from turnwise.worlds.base import World, check_split
from turnwise.worlds.wordle_rules import FORMS, INVALID, Words, is_word, unspell, words_of

START = (Message("user", "Wordle:\n"),)
REFUSAL = (Message("user", INVALID),)


class Wordle(World):
    """Guess a hidden word; every try is answered with a mark per letter.

    A guess is the word, its letters best joined by spaces: "s l a t e\\n". The reward is 0 for the guess that names
    the hidden word and -1 for every other, `bad_word_reward` for one that is not in the list. The game is over when
    it is won or `turns` guesses were made.

    Train and eval hold the same words. The agent sees nothing of a task before its first guess, so it cannot learn
    a task by heart; and what is to be learned is to search a list that is known, so words withheld from training
    would only teach that they are never the answer, which is another game than the one measured.

    Args:
        vocabulary: name of a shipped list, path of a text file with a word per line, or a list of words.
        turns: tries.
        bad_word_reward: -1 in published evaluations and data, -10 in published trainers. These are two games.
        require_words_in_vocab: whether a guess outside the list is refused. If not, five letters are answered with
            marks, and still earn `bad_word_reward`.
        as_released: hide no word, but draw one at every valid guess among those still consistent, as the original
            code does. Equal in law to one hidden word drawn at the start; kept for replays with recorded draws.
        answers: what a guess is answered: its `marks` alone, "g b y b g\\n", as published, or its letters
            `beside` them, "sg lb ay tb eg\\n". That tells no more to who remembers the guess, and is the easier text: a
            small model need not learn first which letter a mark belongs to.
    """

    name = "wordle"
    title = "guess a five-letter word in six tries (LMRL-Gym)"
    experts = wordle_experts.EXPERTS
    demonstrator = "mixture"
    refusal = INVALID
    turns: int = 6

    def __init__(
        self,
        vocabulary: str | Sequence[str] = "wordle_official_400",
        turns: int = 6,
        bad_word_reward: float = -1.0,
        require_words_in_vocab: bool = True,
        as_released: bool = False,
        answers: str = "marks",
    ):
        if answers not in FORMS:
            raise UnknownName("form of answers", answers, FORMS)
        self.vocabulary = vocabulary if isinstance(vocabulary, str) else tuple(vocabulary)
        self.turns = turns
        self.bad_word_reward = float(bad_word_reward)
        self.require_words_in_vocab = require_words_in_vocab
        self.as_released = as_released
        self.answers = answers
        self._words = words_of(self.vocabulary)

    @property
    def words(self) -> Words:
        """The list, and which of its words fit what."""
        return self._words

    @property
    def anchors(self) -> Mapping[str, float]:
        """Of specs/worlds/lmrl-scores-and-data, for the game that was published."""
        published = Wordle(as_released=self.as_released).settings()
        return {"min": -6.0, "data": -4.12, "max": -1.94} if self.settings() == published else {}

    def tasks(self, split: str) -> Sequence[Task]:
        """One task per word; as released there is no word, so as many tasks without one."""
        check_split(split)
        hidden = [{} if self.as_released else {"word": word} for word in self._words.list]
        names = [f"draws-{i:03d}" if self.as_released else word for i, word in enumerate(self._words.list)]
        return [Task(f"{split}-{n}", self.name, h, split) for n, h in zip(names, hidden, strict=True)]

    def answer(self, task: Task) -> str | None:
        """The hidden word; None as released, where there is none."""
        word = task.params.get("word")
        return None if word is None else " ".join(word) + "\n"

    def reset(self, task: Task, chance: Chance) -> Moment:
        word = task.params.get("word")
        if word is not None and word not in self._words.index:
            raise TurnwiseError(f"a task that hides {word!r}", f"one of the {len(self._words.list)} words of the list")
        self._begin(word, self._words.everything, 0, chance)
        return Moment({"agent": START}, ("agent",), facts={"words_left": len(self._words.list)})

    def _begin(self, word: str | None, left: int, tries: int, chance: Chance) -> None:
        self._word, self._left, self._tries, self._chance = word, left, tries, chance

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        guess, hidden, answer = unspell(said["agent"].text), None, REFUSAL
        listed = guess in self._words.index
        self._tries += 1
        if listed or (not self.require_words_in_vocab and is_word(guess)):
            hidden = self._word or self._draw("word")
            code = int(self._words.codes(guess)[self._words.index[hidden]])
            self._left &= self._words.fitting(guess, code)
            answer = (Message("user", FORMS[self.answers](guess, code)),)
        won = guess == hidden
        rewards = {"agent": 0.0 if won else -1.0 if listed else self.bad_word_reward}
        facts = {"valid": hidden is not None, "word": hidden, "words_left": self._left.bit_count()}
        if won or self._tries >= self.turns:
            return Moment({"agent": answer}, (), rewards, end=End.DONE, facts={**facts, "success": won})
        return Moment({"agent": answer}, ("agent",), rewards, facts=facts)

    def _draw(self, name: str) -> str:
        """A word among those still consistent; its rank among them is what the log holds."""
        members = self._words.members(self._left)
        return self._words.list[members[self._chance.integer(len(members), name)]]

    def fork(self, chance: Chance) -> Wordle:
        twin = copy.copy(self)
        twin._chance = chance
        return twin

    def imagine(self, view: View, chance: Chance) -> Wordle:
        """The hidden word drawn anew among those that fit the guesses and marks in view."""
        left = self._words.consistent(view.messages)
        if not left:
            raise TurnwiseError("a conversation that fits no word of the list", "marks given by this world")
        twin = copy.copy(self)
        tries = sum(m.role == "assistant" for m in view.messages)
        twin._begin(None, left, tries, chance)
        twin._word = twin._draw("imagined word")
        return twin
