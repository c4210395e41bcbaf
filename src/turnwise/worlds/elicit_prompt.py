"""Preference elicitation over named dimensions: which questions are worth a turn before the prompt is written
(specs/users/dialprompt, specs/plan/prompt-interviewers).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from turnwise.core.chance import Chance, generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.person import Reply, Standing
from turnwise.users.phrases import Phrases
from turnwise.users.recall import recall
from turnwise.worlds import elicit_prompt_players
from turnwise.worlds.base import check_split
from turnwise.worlds.conversation import Conversation, Outcome
from turnwise.worlds.elicit_prompt_people import GOOD, OPEN, PEOPLE, likes, match, met, picture_of, wisher, worst
from turnwise.worlds.elicit_prompt_tastes import DIMENSIONS, Taste, completed, drawn, prompt, taste

TASKS = {"train": 1000, "eval": 200}
DRAFT = DialogueAct("draft")
IMAGINED = 40
"""Tastes that are drawn at most before one is taken that is at odds with what was said of a prompt."""


class ElicitPrompt(Conversation):
    """Write a prompt for a picture that somebody has in mind, after a few questions about what matters.

    The person names a kind of picture. Each turn the agent asks about one of fifteen dimensions ("which mood do you
    have in mind?") or has the prompt written ("write the prompt"), which says what was told and fills the rest with
    what is commonest. A dimension can be left open ("you choose") and is then filled so too. A vague answer names two
    values.

    Score = match - `cost` for each turn before the last; match is the share of the person's own weights that the
    picture meets, and what they left open counts. 0.8 is a success. A novice takes the first prompt; a designer
    corrects the worst of each that will not do, and the talk goes on.

    Args:
        cost: of a turn.
        concentration: of people around the importances of their kind of picture; 0.3: each cares for few things, 100:
            all alike.
        leaves_open: chance that somebody leaves a dimension open.
        user: `novice` or `designer`; turnwise users elicit-prompt.
    """

    name = "elicit-prompt"
    title = "write a prompt for a picture that somebody has in mind"
    people = PEOPLE
    experts = elicit_prompt_players.EXPERTS
    demonstrator = "careless"
    noted = ("match", "match (what was left open excused)", "questions", "prompts")
    language = Phrases(
        {
            "draft": ("write the prompt", "here is the prompt", "let us see the picture"),
            "ask": ("ask {about}", "which {about} do you have in mind?", "what about the {about}?"),
        }
    )

    def __init__(
        self,
        max_turns: int = 9,
        cost: float = 0.02,
        concentration: float = 0.3,
        leaves_open: float = 0.1,
        user: str = "novice",
        patience: int = 0,
        vagueness: float = 0.0,
        error: float = 0.0,
        withholding: float = 0.0,
        cooperation: float = 0.0,
        changing: float = 0.0,
    ):
        super().__init__(user, max_turns, patience, vagueness, error, withholding, cooperation, changing)
        if concentration <= 0.0:
            raise TurnwiseError(f"concentration={concentration:g}", "a number above 0")
        self.cost, self.concentration, self.leaves_open = cost, concentration, leaves_open

    def tasks(self, split: str) -> Sequence[Task]:
        """A task per person."""
        return _tasks(check_split(split))

    def hear(self, text: str) -> DialogueAct | None:
        """An act about one of the dimensions."""
        act = self.language.read(text)
        return act if act is None or not act.about or act.about in DIMENSIONS else None

    # -- one conversation ----------------------------------------------------------------------------------------------

    def opening(self, task: Task, draws: Draws) -> tuple[str, Standing]:
        self._taste = taste(task.params["person"], self.concentration, self.leaves_open)
        self._halves: Mapping[str, tuple[str, ...]] = {}
        self._asked, self._drafts = 0, 0
        return self._person.voice.say((DialogueAct("want", value=self._taste.request),), draws), self._person.begin()

    def meant(self, act: DialogueAct | None) -> DialogueAct | None:
        return DialogueAct("draft", value=", ".join(self._picture(self._standing).values())) if act == DRAFT else act

    def _picture(self, standing: Standing) -> dict[str, str]:
        """What a prompt comes to now."""
        return completed(known_of(standing.told), self._halves)

    def judge(self, act: DialogueAct | None, reply: Reply) -> Outcome:
        kind, standing = (act.kind if act else ""), reply.standing
        self._asked, self._drafts = self._asked + (kind == "ask"), self._drafts + (kind == "draft")
        self._halves = {**self._halves, **halves_of(reply.acts)}
        corrected = kind == "draft" and reply.acts[0].kind != "acknowledge"
        last = standing.turn >= self.max_turns or standing.left
        done = kind == "draft" and not corrected
        paid = 0.0 if done else -self.cost
        if not (done or last):
            return Outcome(paid, None, kind == "draft", (DialogueAct("reject"), *reply.acts) if corrected else None)
        picture = picture_of(act) if act is not None and kind == "draft" else self._picture(standing)
        score = match(picture, standing.facts)
        good = score >= GOOD
        said = (DialogueAct("thanks" if good else "pity"),)
        success = good if done else True if good and not standing.left else None
        return Outcome(paid + score, success, done, said, self._measured(picture, score, standing))

    def _measured(self, picture: Mapping[str, str], score: float, standing: Standing) -> dict[str, Any]:
        """The metrics of an end."""
        weight = self._taste.weight
        cared = [name for name in DIMENSIONS if standing.facts[name] != OPEN]
        whole, right = sum(weight[name] for name in cared), met(picture, standing.facts)
        excused = sum(weight[name] for name in cared if name in right) / whole if whole else 1.0
        values = score, excused, float(self._asked), float(self._drafts)
        return {**dict(zip(self.noted, values, strict=True)), "prompt": prompt(self._taste.request, picture)}

    def imagine(self, view: View, chance: Chance) -> ElicitPrompt:
        """Another taste of somebody with this request: what was heard as heard, the rest drawn from the crowd, and
        drawn again while it is at odds with what was said of a prompt.
        """
        memory = elicit_prompt_players.reader(self)(view.messages)
        twin = copy.copy(self)
        twin._chance, twin._task = chance, Task("imagined", self.name, {"request": memory.request})
        twin._taste, twin._halves = self._imagined(memory, chance), dict(memory.halves)
        twin._person = wisher(self.user, twin._taste, self.knobs)
        known = ((one.act, one.answer) for one in memory.exchanges)
        twin._standing = recall(twin._person, twin._person.begin(), known, lambda act: act.kind == "draft")
        twin._begin, twin._heard = twin._standing, ()
        acts = [exchange.act.kind for exchange in memory.exchanges if exchange.act is not None]
        twin._asked, twin._drafts = acts.count("ask"), acts.count("draft")
        return twin

    def _imagined(self, memory: elicit_prompt_players.Memory, chance: Chance) -> Taste:
        rng, found = generator(chance.key, chance.tick, "imagined taste"), None
        for _ in range(IMAGINED):
            found = self._fitted(
                drawn(rng, memory.kind, memory.subject, self.concentration, self.leaves_open), memory, rng
            )
            facts = likes(found)
            if all(worst(act, facts)[:1] == (about,) for act, about in memory.corrections):
                break
        assert found is not None
        return found

    @staticmethod
    def _fitted(found: Taste, memory: elicit_prompt_players.Memory, rng: Any) -> Taste:
        """A taste in which what was heard has taken the place of what was drawn."""
        values = dict(found.values)
        for name, pair in memory.halves.items():
            values[name] = values[name] if values[name] in pair else pair[int(rng.random() * len(pair))]
        values |= memory.known
        easy = (found.easy | memory.open) - set(memory.known) - set(memory.halves)
        return Taste(found.kind, found.subject, values, found.weights, frozenset(easy))


def known_of(told: Mapping[str, str]) -> dict[str, str]:
    """What was told that is a value."""
    return {name: value for name, value in told.items() if value != OPEN}


def halves_of(acts: Sequence[DialogueAct]) -> dict[str, tuple[str, ...]]:
    """Dimension -> the two values that a vague answer named."""
    return {act.about: tuple(act.value.split(" or ")) for act in acts if act.kind == "vague"}


@lru_cache(maxsize=2)
def _tasks(split: str) -> tuple[Task, ...]:
    keys = [f"{split}-{number:04d}" for number in range(TASKS[split])]
    return tuple(Task(key, ElicitPrompt.name, {"person": key}, split) for key in keys)
