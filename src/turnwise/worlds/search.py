"""Clarifying search: questions, lists and feedback until what somebody needs stands first (specs/users/convsim)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from turnwise.core.chance import Chance, key_of
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.person import Reply, Standing
from turnwise.users.phrases import Phrases, normalised
from turnwise.users.recall import recall
from turnwise.worlds import search_players
from turnwise.worlds.base import check_split
from turnwise.worlds.conversation import Conversation, Outcome
from turnwise.worlds.search_catalogue import Catalogue, Need, catalogue
from turnwise.worlds.search_desk import begun, documents
from turnwise.worlds.search_people import NEED, PEOPLE
from turnwise.worlds.search_ranker import ndcg

PAYS = ("final", "gains")
THANKS = DialogueAct("thanks")
HITS = 10


class Search(Conversation):
    """Find the document that somebody needs and has only hinted at, by clarifying questions and by showing lists.

    The person says a short query. Each turn the agent asks one of the questions that have come up, by number ("ask 3")
    or in its own words ("are you looking for her parents?"), or shows a list: "show results" lists what the desk finds
    for all that was heard, "search for obama grandparents" what it finds for these words. The line below the person's
    words is the desk's: the last list, and questions that came up. Answers and feedback go into the desk's query;
    documents that were turned down sink, and one that was called closer rises.

    A list whose first document is the one needed ends the conversation (nDCG@3 of 0.75 or more). Any other is
    commented; after `extra_rounds` more lists the search is given up. The person judges by what is shown, not by
    relevance judgements, as the published rule does; here both come to the same, since one document is needed.

    Args:
        catalogue: `facets` or `pictures`; see `search_catalogue`.
        k: length of a list.
        max_turns: of the agent.
        extra_rounds: lists after the first.
        cost: of each list.
        question_cost: of every other turn.
        pays: `final`: nDCG@3 of the last list, at the end; `gains`: its change with each list, which sums to the same.
        user: `searcher` or `hurried`; turnwise users search.
    """

    name = "search"
    title = "find what somebody needs by clarifying questions, lists and feedback"
    people = PEOPLE
    experts = search_players.EXPERTS
    demonstrator = "careless"
    language = Phrases(
        {
            "ask": ("ask {about}", "question {about}", "please answer {about}"),
            "show": ("show results", "what about these?", "here is what I found"),
            "search": ("search for {value}", "look for {value}"),
        }
    )
    noted = ("nDCG@3 of the first list", "nDCG@3 of the last list (none: 0)", f"hits@{HITS} in any list", "lists")

    def __init__(
        self,
        catalogue: str = "facets",
        k: int = 3,
        max_turns: int = 10,
        extra_rounds: int = 3,
        cost: float = 0.1,
        question_cost: float = 0.02,
        pays: str = "final",
        user: str = "searcher",
        patience: int = 0,
        vagueness: float = 0.0,
        error: float = 0.0,
        withholding: float = 0.0,
        cooperation: float = 0.0,
        changing: float = 0.0,
    ):
        super().__init__(user, max_turns, patience, vagueness, error, withholding, cooperation, changing)
        if pays not in PAYS:
            raise UnknownName("pay", pays, PAYS)
        if k < 1:
            raise TurnwiseError(f"lists of {k} documents", "k=1 or more")
        self.catalogue, self.k, self.extra_rounds = catalogue, k, extra_rounds
        self.cost, self.question_cost, self.pays = cost, question_cost, pays
        self._shelf = _shelf(catalogue)

    @property
    def shelf(self) -> Catalogue:
        """What there is to find."""
        return self._shelf

    def tasks(self, split: str) -> Sequence[Task]:
        """A task per need; a fifth of the openings is kept for eval."""
        return _tasks(check_split(split), self._shelf)

    def answer(self, task: Task) -> str:
        """A search for the very words of what is needed."""
        return f"search for {self._shelf.titles[self._shelf.by_key[task.params['need']].document]}\n"

    def hear(self, text: str) -> DialogueAct | None:
        """What the table reads, or any question."""
        act = self.language.read(text)
        if act is None and text.strip().endswith("?"):
            return DialogueAct("ask", normalised(text))
        return DialogueAct("show", value=act.value) if act is not None and act.kind == "search" else act

    # -- one conversation ----------------------------------------------------------------------------------------------

    def opening(self, task: Task, draws: Draws) -> tuple[str, Standing]:
        need = self._shelf.by_key[task.params["need"]]
        self._questions, self._ranks, self._gains = self._shelf.questions(need), tuple[int, ...](), tuple[float, ...]()
        self._desk = begun(self._shelf, self.k, need.opening)
        self._come_up()
        return self._person.voice.say((DialogueAct("want", value=need.opening),), draws), self._person.begin()

    def meant(self, act: DialogueAct | None) -> DialogueAct | None:
        return self._desk.meant(act)

    def judge(self, act: DialogueAct | None, reply: Reply) -> Outcome:
        need, before = self._shelf.by_key[reply.standing.facts[NEED]], self._desk
        said = self._said(act, reply, need)
        self._desk = before.after(act, said)
        self._come_up()
        found = said == (THANKS,)
        shown = act is not None and act.kind == "show"
        facts = self._listed(act, before, need) if act is not None and shown else {}
        last = reply.standing.turn >= self.max_turns or self._spent or reply.standing.left
        reward = self._pay(shown, found or last) - (self.cost if shown else self.question_cost)
        facts |= self._measured() if found or last else {}
        useful = shown and documents(act) != before.shown and self._gained() if act is not None else False
        return Outcome(reward, True if found else None, found or useful, said, facts)

    def _said(self, act: DialogueAct | None, reply: Reply, need: Need) -> tuple[DialogueAct, ...]:
        """What is said to a list that holds what is needed, or to a question about something else."""
        shown = documents(act) if act is not None else ()
        if need.document in shown:
            place = shown.index(need.document)
            return (THANKS,) if place == 0 else (DialogueAct("closer", value=str(place + 1)),)
        if act is not None and act.kind == "ask" and act.about not in reply.standing.facts:
            return (DialogueAct("restate", value=need.opening),)
        return reply.acts

    def _listed(self, act: DialogueAct, before: Any, need: Need) -> dict[str, Any]:
        """What a list was worth."""
        rank = self._shelf.index.rank(before.searched(act), need.document)
        gain = ndcg([float(d == need.document) for d in documents(act)], [1.0])
        self._ranks, self._gains = (*self._ranks, rank), (*self._gains, gain)
        return {"list": len(self._ranks), "rank": rank, "nDCG@3": gain}

    def _pay(self, shown: bool, over: bool) -> float:
        if self.pays == "final":
            return self._gains[-1] if over and self._gains else 0.0
        return self._gains[-1] - (self._gains[-2] if len(self._gains) > 1 else 0.0) if shown else 0.0

    def _gained(self) -> bool:
        """Whether what is needed stands higher than in the list before."""
        return len(self._ranks) > 1 and self._ranks[-1] < self._ranks[-2]

    def _measured(self) -> dict[str, Any]:
        """The metrics of an end."""
        gains = self._gains or (0.0,)
        carried = (*gains, *(gains[-1],) * (1 + self.extra_rounds - len(gains)))
        first, last, hits, lists = self.noted
        values = gains[0], gains[-1], float(any(rank <= HITS for rank in self._ranks)), float(len(self._ranks))
        measured = dict(zip((first, last, hits, lists), values, strict=True))
        return {**measured, "nDCG@3 by list (the last carried on)": list(carried), "ranks": list(self._ranks)}

    @property
    def _spent(self) -> bool:
        """Whether there were as many lists as there may be."""
        return self._desk.rounds > self.extra_rounds

    def _over(self, outcome: Outcome, reply: Reply) -> str | None:
        return super()._over(outcome, reply) or ("turns" if self._spent else None)

    def _come_up(self) -> None:
        """Questions come up all at once, or one by one where each follows from the one before."""
        known, asked = len(self._desk.pool), len(self._desk.asked)
        until = min(asked + 1, len(self._questions)) if self._shelf.in_order else len(self._questions)
        self._new = self._questions[known:until]
        self._desk = self._desk.offered(self._new)

    def status(self) -> str:
        known = len(self._desk.pool) - len(self._new)
        lines = [f"found: {' | '.join(self._shelf.titles[d] for d in self._desk.shown)}"] if self._desk.shown else []
        lines += [f"{known + number}. {question}?" for number, question in enumerate(self._new, 1)]
        return "\n".join(lines)

    def legal(self) -> tuple[str, ...]:
        return (*(f"ask {number}\n" for number in self._desk.open), "show results\n")

    def imagine(self, view: View, chance: Chance) -> Search:
        """Another need that fits what was heard, each as likely: of those that share the opening, or of the pictures
        that are found first.
        """
        memory = search_players.reader(self)(view.messages)
        need = chance.choice(search_players.fitting(self, memory), "imagined need")
        twin = copy.copy(self)
        twin._chance, twin._task = chance, Task("imagined", self.name, {"need": need.key})
        heard = {said.about: said.value for e in memory.exchanges for said in e.answer if said.kind == "inform"}
        person = twin.person(twin._task)
        told = {question: value for question, value in heard.items() if question.isdecimal()}
        twin._person = replace(person, facts={**person.facts, **told})
        known = ((one.act, one.answer) for one in memory.exchanges)
        twin._standing = recall(twin._person, twin._person.begin(), known, lambda act: act.kind == "show")
        twin._begin, twin._heard, twin._desk = twin._standing, (), memory.desk
        twin._questions, twin._new = self._shelf.questions(need), ()
        twin._ranks, twin._gains = memory.ranked(need)
        return twin


@lru_cache(maxsize=4)
def _shelf(name: str) -> Catalogue:
    return catalogue(name)


@lru_cache(maxsize=4)
def _tasks(split: str, shelf: Catalogue) -> tuple[Task, ...]:
    held_out = split == "eval"
    needs = [need for need in shelf.needs if (key_of("search", shelf.group(need)) % 5 == 0) == held_out]
    return tuple(Task(f"{split}-{need.key}", Search.name, {"need": need.key}, split) for need in needs)
