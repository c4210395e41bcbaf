"""What a search has come to, as both sides see it: a frozen state that every exchange replaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from turnwise.users.acts import DialogueAct
from turnwise.worlds.search_catalogue import Catalogue
from turnwise.worlds.search_ranker import Query, terms_of

NEAR = 0.5
"""Share of common terms from which on a question in own words is taken for one of the pool."""


@dataclass(frozen=True)
class Desk:
    """Of one conversation.

    Args:
        pool: questions that have come up, in the order of their numbers.
        shown: documents of the last list, best first.
        rounds: lists shown so far.
    """

    catalogue: Catalogue
    k: int
    opening: str
    pool: tuple[str, ...] = ()
    query: Query = Query()
    asked: tuple[str, ...] = ()  # numbers, or words of no question of the pool
    shown: tuple[int, ...] = ()
    rounds: int = 0

    @property
    def open(self) -> tuple[int, ...]:
        """Numbers of the questions of the pool that were not asked yet."""
        return tuple(number for number in range(1, len(self.pool) + 1) if str(number) not in self.asked)

    def offered(self, questions: Sequence[str]) -> Desk:
        """After questions came up."""
        return replace(self, pool=(*self.pool, *questions)) if questions else self

    def meant(self, act: DialogueAct | None) -> DialogueAct | None:
        """Own words become the number of the nearest question of the pool, a search the documents that it finds; a
        number without a question is nothing.
        """
        if act is None:
            return None
        if act.kind == "ask":
            number = self._number(act.about)
            return None if number.isdecimal() and not 0 < int(number) <= len(self.pool) else DialogueAct("ask", number)
        found = DialogueAct("show", act.value)
        best = self.catalogue.index.best(self.searched(found), self.k)
        return DialogueAct("show", act.value, " ".join(map(str, best)))

    def searched(self, act: DialogueAct) -> Query:
        """What a list is the answer to: the agent's own words, or else all that was heard."""
        return Query().plus(act.about) if act.about else self.query

    def _number(self, words: str) -> str:
        """Of the question that words say, or the words where they say none of the pool."""
        if words.isdecimal() or not self.pool:
            return words
        near = [alike(question, words) for question in self.pool]
        return str(near.index(max(near)) + 1) if max(near) >= NEAR else words

    def text(self, about: str) -> str:
        """The question of a number, or the words themselves."""
        return self.pool[int(about) - 1] if about.isdecimal() else about

    def after(self, act: DialogueAct | None, said: Sequence[DialogueAct]) -> Desk:
        """After an exchange.

        Args:
            act: what the agent meant.
            said: what the person answered.
        """
        if act is None:
            return replace(self, shown=())
        query = self.query
        for answer in said:
            query = query.plus(answer.value) if answer.kind == "inform" else query
        if act.kind == "ask":
            query = self._answered(query, self.text(act.about), said[0]) if said else query
            return replace(self, query=query, asked=(*self.asked, act.about), shown=())
        shown = documents(act)
        place = next((int(answer.value) for answer in said if answer.kind == "closer"), None)
        wrong, liked = (shown, ()) if place is None else (shown[: place - 1], (shown[place - 1],))
        return replace(self, query=query.judged(wrong, liked), shown=shown, rounds=self.rounds + 1)

    def _answered(self, query: Query, question: str, answer: DialogueAct) -> Query:
        """A yes says what the question says; a no denies what the question adds and the answer does not take up."""
        if answer.kind != "inform" or answer.value[:2] not in ("ye", "no"):
            return query
        if answer.value.startswith("yes"):
            return query.plus(question)
        return query.minus(term for term in terms_of(question) if term not in query.terms)


def begun(catalogue: Catalogue, k: int, opening: str) -> Desk:
    """The desk after somebody's first words."""
    return Desk(catalogue, k, opening, query=Query().plus(opening))


def documents(act: DialogueAct) -> tuple[int, ...]:
    """Those that an act shows, best first."""
    return tuple(map(int, act.value.split())) if act.kind == "show" else ()


def alike(one: str, other: str) -> float:
    """Share of common terms of two texts (Jaccard)."""
    a, b = set(terms_of(one)), set(terms_of(other))
    return len(a & b) / len(a | b) if a | b else 0.0
