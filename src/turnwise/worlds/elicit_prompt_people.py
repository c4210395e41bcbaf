"""Who wants a picture: two people with other rules and other words (specs/users/dialprompt,
specs/plan/prompt-interviewers).

novice      answers about a dimension or leaves it open, and takes the first prompt
designer    answers too, looks at what comes of a prompt, and says what is worst about it until it will do (Promptor)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.disclosure import AnyOf, Disclosure, Facts, OnCritique, OnRequest
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import Person
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Sentences, Templates
from turnwise.worlds.conversation import Somebody
from turnwise.worlds.elicit_prompt_tastes import DIMENSIONS, Taste, half, taste

if TYPE_CHECKING:
    from turnwise.worlds.elicit_prompt import ElicitPrompt

OPEN = "you choose"
"""What is said of a dimension that is left open."""
GOOD = 0.8
"""Match at which a picture will do (of the sheet's comparison)."""

SHY = Sentences(
    Phrases(
        {
            "want": ("I would like a {value}.", "could you make a {value}?"),
            "reject": ("not yet.", "I had something else in mind."),
            "thanks": ("oh, how lovely.", "yes, just like that."),
            "pity": ("well, thank you anyway.", "it is not what I imagined."),
            "inform": ("for the {about}, {value}.", "as {about} I think of {value}."),
            "vague": ("the {about} could be {value}.", "hm, the {about} might be {value}."),
            "refuse": ("I do not want to decide that now.", "ask me later."),
            "acknowledge": ("I have nothing to say to that.", "if you say so."),
            "unclear": ("what does that mean?", "I do not understand."),
            "leave": ("I will just draw it myself.", "never mind."),
        }
    ),
    ("I am not an artist.", "this is fun.", "my tea is getting cold.", "take your time."),
    0.15,
)

PRECISE = Sentences(
    Phrases(
        {
            "want": ("brief: {value}.", "we need a {value} by friday."),
            "reject": ("no.", "back to work."),
            "thanks": ("approved.", "ship it."),
            "pity": ("out of time, then this.", "not approved."),
            "inform": ("make the {about} like this: {value}.", "{about}: {value}."),
            "vague": ("{about}, either {value}.", "on {about} I waver, {value}."),
            "refuse": ("not my call today.", "next question."),
            "acknowledge": ("irrelevant.", "fine."),
            "unclear": ("rephrase.", "say what you mean."),
            "leave": ("I will call another studio.", "contract cancelled."),
        }
    ),
    ("deadline is close.", "the client is on the other line.", "budget is tight."),
    0.3,
)


class Likes(dict[str, str]):
    """The facts of a person: dimension -> what they answer; and the taste behind them, with what each is worth."""

    def __init__(self, answers: Mapping[str, str], of: Taste):
        super().__init__(answers)
        self.of = of


@lru_cache(maxsize=1 << 13)
def likes(of: Taste) -> Likes:
    """What somebody with a taste can be asked."""
    return Likes({name: OPEN if name in of.easy else value for name, value in of.values.items()}, of)


def picture_of(act: DialogueAct) -> dict[str, str]:
    """Dimension -> value of the picture that a prompt comes to."""
    return dict(zip(DIMENSIONS, act.value.split(", "), strict=True))


def met(picture: Mapping[str, str], facts: Facts) -> dict[str, float]:
    """Dimension -> its weight, for those that are as wanted now, what was left open included."""
    assert isinstance(facts, Likes)
    of = facts.of
    wanted = {name: of.values[name] if value == OPEN else value for name, value in facts.items()}
    return {name: weight for name, weight in of.weight.items() if picture[name] == wanted[name]}


def match(picture: Mapping[str, str], facts: Facts) -> float:
    """Share of the weight on dimensions that are as wanted: sum_j w_j [value_j matches] / sum_j w_j."""
    return sum(met(picture, facts).values())


def worst(act: DialogueAct, facts: Facts) -> tuple[str, ...]:
    """What is wrong with a picture, what matters most first; nothing about one that will do."""
    picture = picture_of(act) if act.value else {}
    if not picture or match(picture, facts) >= GOOD:
        return ()
    assert isinstance(facts, Likes)
    weight = facts.of.weight
    off = [name for name in DIMENSIONS if facts[name] not in (OPEN, picture[name])]
    return tuple(sorted(off, key=lambda name: -weight[name]))


ASKED = OnRequest()
RULES: Mapping[str, Disclosure] = {
    "novice": ASKED,
    "designer": AnyOf((ASKED, OnCritique(worst, frozenset({"draft"})))),
}
OTHERS = {name: (*values, OPEN) for name, values in DIMENSIONS.items()}


class Wisher(Person):
    """A person whose vague answers are about what they want now."""

    def changed(self, facts: Facts, fact: str, draws: Draws) -> Facts:
        assert isinstance(facts, Likes)
        return Likes(super().changed(facts, fact, draws), facts.of)

    def vaguely(self, fact: str, value: str) -> str:
        """Two of a dimension's values, the wanted one among them; of a dimension left open the commoner two."""
        return " or ".join(half(fact, DIMENSIONS[fact][0] if value == OPEN else value))


VAGUELY = {name: " or ".join(values[:2]) for name, values in DIMENSIONS.items()}


def wisher(user: str, of: Taste, knobs: Knobs) -> Person:
    """Who has a taste, and may change their mind about any part of it."""
    return Wisher(likes(of), RULES[user], PEOPLE[user].voice, knobs, OTHERS, VAGUELY, tuple(DIMENSIONS))


def _somebody(user: str, title: str, said: str, voice: Templates) -> Somebody:
    def make(world: ElicitPrompt, task: Task, knobs: Knobs) -> Person:
        return wisher(user, taste(task.params["person"], world.concentration, world.leaves_open), knobs)

    return Somebody(title, said, voice, make)


PEOPLE = {
    "novice": _somebody("novice", "answers, and takes the first prompt", "requested slot", SHY),
    "designer": _somebody(
        "designer", "says what is worst in a picture until it will do", "requested slot, critique", PRECISE
    ),
}
