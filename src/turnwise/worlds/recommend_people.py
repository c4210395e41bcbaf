"""Who looks for something in a catalogue: three readers with different rules and different words.

    requests   answers what it is asked, and rejects without saying why     (specs/users/crs-multi-round)
    critic     answers too, and says of a rejected list what is worst in it
    seeker     answers nothing, and says of a rejected list one thing in it that it does not want
               (specs/users/bot-play-crs)

Whoever learned with the first can be evaluated with the second, whose words and reasons it has never met.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from turnwise.core.chance import uniform_of
from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.disclosure import AnyOf, Disclosure, Facts, OnCritique, OnRequest
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import Person, Standing
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Templates
from turnwise.worlds.conversation import Somebody
from turnwise.worlds.recommend_catalogue import Catalogue

if TYPE_CHECKING:
    from turnwise.worlds.recommend import Recommend

ASIDES = (
    "it is raining again.",
    "I only have a minute.",
    "let me think.",
    "sorry, my phone rang.",
    "I slept badly.",
)

POLITE = Templates(
    Phrases(
        {
            "want": ("I am looking for something with {about}.", "do you have anything about {about}?"),
            "accept": ("yes, that is the one!", "great, I take {value}."),
            "reject": ("no, none of these.", "that is not what I am looking for."),
            "inform=yes": ("yes, {about}, please.", "yes, I like {about}.", "{about} is right."),
            "inform=no": ("no, not {about}.", "no {about}, thanks.", "{about} is not for me."),
            "inform": ("of {about} I want {value}.", "{value}, as for {about}."),
            "vague": ("{about}? hard to say.", "I am not sure about {about}."),
            "refuse": ("I would rather not say.", "let us leave that for now."),
            "acknowledge": ("all right.", "I see."),
            "unclear": ("sorry, I did not get that.", "what do you mean?"),
            "leave": ("never mind, I have to go.", "this takes too long, bye."),
        }
    ),
    ASIDES,
    chatter=0.15,
)

BLUNT = Templates(
    Phrases(
        {
            "want": ("show me {about}.", "{about}. what is there?"),
            "accept": ("finally, {value}.", "done, that is it."),
            "reject": ("wrong.", "nope, keep looking."),
            "inform=yes": ("{about}, sure.", "definitely {about}.", "I want {about}."),
            "inform=no": ("less {about}.", "I do not care for {about}.", "anything but {about}."),
            "inform": ("{about} should be {value}.", "make it {value} in {about}."),
            "vague": ("depends on the {about}.", "{about}, whatever."),
            "refuse": ("why do you ask?", "not telling."),
            "acknowledge": ("go on.", "and?"),
            "unclear": ("huh?", "say that again."),
            "leave": ("I am out.", "enough of this."),
        }
    ),
    ("traffic was bad.", "this coffee is cold.", "anyway."),
    chatter=0.3,
)

NO_SUCH = "none"
"""What is said of a facet in which the wish has no value."""


class Wish(Mapping[str, str]):
    """What somebody wants, one item, as the facts of a person: each attribute "yes" or "no", each facet its values."""

    def __init__(self, catalogue: Catalogue, item: int):
        self.catalogue, self.item = catalogue, item
        self.has = frozenset(catalogue.of(item))

    def __getitem__(self, name: str) -> str:
        if (at := self.catalogue.index.get(name)) is not None:
            return "yes" if at in self.has else "no"
        held = [self.catalogue.attributes[at] for at in self.catalogue.facets[name] if at in self.has]
        return " and ".join(text.partition(" ")[2] for text in held) or NO_SUCH

    def __iter__(self) -> Iterator[str]:
        yield from self.catalogue.attributes
        yield from self.catalogue.facets

    def __len__(self) -> int:
        return len(self.catalogue.attributes) + len(self.catalogue.facets)


@dataclass(frozen=True)
class Reader(Person):
    """A person with a wish: when its mind changes it wants another item, and unasked it tells only what it likes."""

    def changed(self, facts: Facts, fact: str, draws: Draws) -> Facts:
        """A wish for another item that shares an attribute with the old one, if there is one."""
        assert isinstance(facts, Wish)
        shared = draws.choice(facts.catalogue.of(facts.item), "changing by")
        near = [i for i in facts.catalogue.members(facts.catalogue.having[shared]).tolist() if i != facts.item]
        return Wish(facts.catalogue, draws.choice(near, "changing to")) if near else facts

    def free(self, standing: Standing, act: DialogueAct) -> list[str]:
        """Attributes of the wish that were not told."""
        facts = standing.facts
        assert isinstance(facts, Wish)
        liked = [facts.catalogue.attributes[at] for at in sorted(facts.has)]
        return [name for name in liked if name not in standing.told] if act.kind == "ask" else []


@lru_cache(maxsize=4)
def alternatives(catalogue: Catalogue) -> Mapping[str, tuple[str, ...]]:
    """What could be said of each attribute and facet."""
    found = dict.fromkeys(catalogue.attributes, ("yes", "no"))
    return found | {
        facet: tuple(catalogue.attributes[at].partition(" ")[2] for at in of) for facet, of in catalogue.facets.items()
    }


def unwanted(act: DialogueAct, facts: Facts) -> Counter[int]:
    """Attributes of the items shown that the wish lacks, and how many of the items have each."""
    assert isinstance(facts, Wish)
    items = [facts.catalogue.number[name] for name in act.value.split()]
    return Counter(at for item in items for at in facts.catalogue.of(item) if at not in facts.has)


def most_frequent(act: DialogueAct, facts: Facts) -> tuple[str, ...]:
    """What most of a list has wrong, ties in the order of the catalogue."""
    counted = sorted(unwanted(act, facts).items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(facts.catalogue.attributes[at] for at, _ in counted)  # type: ignore[attr-defined]


def in_any_order(act: DialogueAct, facts: Facts) -> tuple[str, ...]:
    """What a list has wrong, in an order that only the list decides."""
    drawn = sorted(unwanted(act, facts), key=lambda at: uniform_of("critique", act.value, at))
    return tuple(facts.catalogue.attributes[at] for at in drawn)  # type: ignore[attr-defined]


RECOMMEND = frozenset({"recommend"})
ASKS = OnRequest(frozenset({"ask", "which"}))
RULES: Mapping[str, Disclosure] = {
    "requests": ASKS,
    "critic": AnyOf((ASKS, OnCritique(most_frequent, RECOMMEND))),
    "seeker": OnCritique(in_any_order, RECOMMEND),
}


def reader(rule: Disclosure, voice: Templates, world: Recommend, task: Task, knobs: Knobs) -> Person:
    """Who wants the item of a task."""
    catalogue = world.catalogue
    wish = Wish(catalogue, catalogue.number[task.params["item"]])
    return Reader(wish, rule, voice, knobs, alternatives(catalogue), changing=("wish",))


def _somebody(name: str, title: str, rule: str, voice: Templates) -> Somebody:
    return Somebody(title, rule, voice, lambda world, task, knobs: reader(RULES[name], voice, world, task, knobs))


PEOPLE = {
    "requests": _somebody("requests", "answers what it is asked, rejects without a reason", "requested slot", POLITE),
    "critic": _somebody("critic", "answers, and says what is worst in a list", "requested slot, critique", BLUNT),
    "seeker": _somebody("seeker", "answers nothing, says one thing wrong with a list", "critique", BLUNT),
}
