"""Scripted searchers; each reads the conversation alone, in which the catalogue's documents are known.

    entropy      asks the question that splits what the desk finds most evenly, then shows a list, and so on
    feedback     shows lists alone, and lives on what is said of them
    thorough     asks so until one document is likely enough, then shows lists
    random       asks any question, then shows a list, and so on
    careless     each turn as entropy, or with probability 0.4 any move
    no-clarify   searches for the person's first words, again and again

Mean return, eval tasks (151 facets, 100 pictures; standard errors below 0.03, no-clarify's 0.06):

                        thorough   entropy   random   careless   feedback   no-clarify
    facets, searcher       0.844     0.837    0.835      0.820      0.801        0.130
    facets, hurried        0.716     0.776    0.764      0.668      0.719        0.130
    pictures, searcher     0.835     0.831    0.831      0.825      0.807        0.320
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.types import Message, Task
from turnwise.users.acts import DialogueAct
from turnwise.worlds.base import Expert
from turnwise.worlds.conversation import Exchange
from turnwise.worlds.conversation_read import Reader
from turnwise.worlds.search_catalogue import Catalogue, Need
from turnwise.worlds.search_desk import Desk, begun, documents
from turnwise.worlds.search_people import HINTS
from turnwise.worlds.search_ranker import Query, ndcg, terms_of

if TYPE_CHECKING:
    from turnwise.worlds.search import Search

QUESTION = re.compile(r"^\d+\. (.*)\?$", re.MULTILINE)
CANDIDATES = 10
"""Documents between which a question is to decide."""
CARELESS = 0.4
NOTHING = "?"
"""The query where no words could be read as one."""
SURE, MOST = 0.5, 4
"""How likely a document must be, and questions after which a list is shown in any case."""
TEMPERATURE = 2.0


@dataclass
class Memory:
    """What a view tells."""

    desk: Desk
    act: DialogueAct | None = None  # what the agent did last
    exchanges: list[Exchange] = field(default_factory=list)  # without the opening
    lists: list[Query] = field(default_factory=list)

    def hear(self, said: tuple[DialogueAct, ...]) -> None:
        """The answer to what the agent did last."""
        desk, meant = self.desk, self.desk.meant(self.act)
        if meant is not None and meant.kind == "show":
            self.lists.append(desk.searched(meant))
        self.desk = desk.after(meant, said)
        self.exchanges.append(Exchange(meant, said))

    def ranked(self, need: Need) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Where a document stood in each list so far, and nDCG@3 of each."""
        index = self.desk.catalogue.index
        ranks = tuple(index.rank(query, need.document) for query in self.lists)
        gains = ([float(place + 1 == rank) for place in range(self.desk.k)] for rank in ranks)
        return ranks, tuple(ndcg(gain, [1.0]) for gain in gains)


def reader(world: Search) -> Reader[Memory]:
    """Reads conversations in this world."""
    voice, shelf, k = world.people[world.user].voice, world.shelf, world.k

    def take(memory: Memory, message: Message) -> Memory:
        if message.role == "assistant":
            memory.act = world.hear(message.text)
        elif message.role == "system":
            memory.desk = memory.desk.offered(QUESTION.findall(message.text))
        elif not memory.desk.opening:
            memory.desk = begun(shelf, k, next((act.value for act in voice.read(message.text)), NOTHING))
        else:
            memory.hear(voice.read(message.text))
        return memory

    return Reader(lambda: Memory(begun(shelf, k, "")), take)


def fitting(world: Search, memory: Memory) -> tuple[Need, ...]:
    """The needs that agree with most of what was heard."""
    desk = memory.desk
    near = [world.shelf.by_document[d] for d in world.shelf.index.best(desk.query, CANDIDATES)]
    needs = near if world.shelf.in_order else world.shelf.by_opening.get(desk.opening, near)
    counts = [sum(agrees(e, need, _facts(world, need)) for e in memory.exchanges) for need in needs]
    return tuple(need for need, count in zip(needs, counts, strict=True) if count == max(counts))


def _facts(world: Search, need: Need) -> Mapping[str, str]:
    return world.person(Task("imagined", world.name, {"need": need.key})).facts


def agrees(exchange: Exchange, need: Need, facts: Mapping[str, str]) -> bool:
    """Whether somebody with a need would have answered so."""
    act, said = exchange.act, exchange.answer
    told = [answer for answer in said if answer.kind == "inform"]
    if act is None or act.kind == "ask":
        return all(facts.get(answer.about) == answer.value for answer in told if answer.about not in HINTS)
    place = next((int(answer.value) for answer in said if answer.kind == "closer"), None)
    shown = documents(act)
    fits = need.document not in shown if place is None else shown[place - 1] == need.document
    return fits and all(answer.value in need.hints for answer in told)


Policy = Callable[[Memory, np.random.Generator], str]
"""From what is known and draws to a text."""


def entropy(memory: Memory, rng: np.random.Generator) -> str:
    best = dividing(memory.desk)
    return f"ask {best}" if best and asks_next(memory) else "show results"


def thorough(memory: Memory, rng: np.random.Generator) -> str:
    """Questions go on until one document is more likely than not."""
    desk = memory.desk
    sure = believed(desk.catalogue, desk.query)[0][1] >= SURE
    best = None if sure or len(desk.asked) >= MOST else dividing(desk)
    return f"ask {best}" if best else "show results"


def randomly(memory: Memory, rng: np.random.Generator) -> str:
    numbers = memory.desk.open
    return f"ask {numbers[rng.integers(len(numbers))]}" if numbers and asks_next(memory) else "show results"


def careless(memory: Memory, rng: np.random.Generator) -> str:
    if rng.random() >= CARELESS:
        return entropy(memory, rng)
    texts = [f"ask {number}" for number in memory.desk.open] + ["show results"]
    return texts[rng.integers(len(texts))]


def feedback(memory: Memory, rng: np.random.Generator) -> str:
    return "show results"


def no_clarify(memory: Memory, rng: np.random.Generator) -> str:
    return f"search for {memory.desk.opening}"


def asks_next(memory: Memory) -> bool:
    """Whether a question is due: before each list one."""
    last = memory.exchanges[-1].act if memory.exchanges else None
    return last is None or last.kind == "show"


@lru_cache(maxsize=1 << 14)
def dividing(desk: Desk) -> int | None:
    """The number of the open question that splits what the desk finds most evenly; None where there is none open."""
    numbers = desk.open
    if len(numbers) < 2:
        return numbers[0] if numbers else None
    known, beliefs = set(terms_of(desk.opening)), believed(desk.catalogue, desk.query)
    return max(numbers, key=lambda number: split(desk, desk.pool[number - 1], known, beliefs))


@lru_cache(maxsize=1 << 12)
def believed(catalogue: Catalogue, query: Query) -> tuple[tuple[int, float], ...]:
    """The first documents of a ranking, and how likely each is taken to be: a softmax of the scores."""
    best, scores = catalogue.index.best(query, CANDIDATES), catalogue.index.scores(query)
    weights = [math.exp((scores[d] - scores[best[0]]) / TEMPERATURE) for d in best]
    return tuple((d, weight / sum(weights)) for d, weight in zip(best, weights, strict=True))


def split(desk: Desk, question: str, known: set[str], beliefs: Sequence[tuple[int, float]]) -> float:
    """Entropy of yes and no in nats, if yes is said of the documents that share a term with the question."""
    asked = set(terms_of(question)) - known
    yes = sum(weight for document, weight in beliefs if asked & desk.catalogue.index.terms[document])
    return -sum(p * math.log(p) for p in (yes, 1.0 - yes) if p > 1e-12)


def player(policy: Policy) -> Callable[[Search], Expert]:
    """What makes the player of a policy."""

    def made(world: Search) -> Expert:
        read = reader(world)
        return lambda view, rng: policy(read(view.messages), rng) + "\n"

    return made


EXPERTS: Mapping[str, Callable[[Search], Expert]] = {
    "careless": player(careless),
    "entropy": player(entropy),
    "feedback": player(feedback),
    "no-clarify": player(no_clarify),
    "random": player(randomly),
    "thorough": player(thorough),
}
