"""Multi-round recommendation: find what somebody wants by asking and by showing lists (specs/users/crs-multi-round)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import lru_cache

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.person import Reply, Standing
from turnwise.users.phrases import Phrases
from turnwise.worlds import recommend_players
from turnwise.worlds.base import check_split
from turnwise.worlds.conversation import Conversation, Outcome
from turnwise.worlds.recommend_catalogue import Catalogue, generated, papers
from turnwise.worlds.recommend_memory import remember, told
from turnwise.worlds.recommend_people import PEOPLE
from turnwise.worlds.recommend_rules import PAYS, Search, hdcg, search

MOST_TASKS = {"train": 2000, "eval": 400}
SHOW = DialogueAct("show")
ACCEPT, REJECT = DialogueAct("accept"), DialogueAct("reject")


class Recommend(Conversation):
    """Find the one item that somebody wants, by questions about attributes and by lists of items.

    The person first names an attribute of the item. Then, each turn, the agent asks ("ask task tutoring", "which
    task?") or shows a list: "recommend p012 p100 p207", or "recommend" alone, which shows the best candidates in the
    catalogue's own order. The list that holds the item ends the conversation. The line below the person's words is the
    catalogue's: which items were shown, how many fit what was accepted, the turn.

    Every fourth item is wanted in eval alone. The last turn is played, and then the limit applies; the released code of
    UNICORN ends before it, so that its 15 turns are 14 of these. A question that was answered already is answered
    again, and pays as a no, as do words that are none of these.

    Args:
        items: of a generated catalogue; None: the 359 papers that are shipped.
        k: length of a list; a shorter one may be shown.
        max_turns: of the agent.
        reward: `unicorn` or `ear`, the tables of the two papers.
        user: `requests`, `critic` or `seeker`; turnwise users recommend.
    """

    name = "recommend"
    title = "find what somebody wants by asking and by showing lists"
    people = PEOPLE
    experts = recommend_players.EXPERTS
    demonstrator = "careless"
    language = Phrases(
        {
            "recommend": ("recommend {value}", "how about {value}?"),
            "show": ("recommend", "show me the best", "what about these?"),
            "ask": ("ask {about}", "do you like {about}?", "should it have {about}?"),
            "which": ("which {about}?", "what {about} do you want?"),
        }
    )

    def __init__(
        self,
        items: int | None = None,
        k: int = 3,
        max_turns: int = 15,
        reward: str = "unicorn",
        user: str = "requests",
        patience: int = 0,
        vagueness: float = 0.0,
        error: float = 0.0,
        withholding: float = 0.0,
        cooperation: float = 0.0,
        changing: float = 0.0,
    ):
        super().__init__(user, max_turns, patience, vagueness, error, withholding, cooperation, changing)
        if reward not in PAYS:
            raise UnknownName("table of rewards", reward, PAYS)
        if k < 1:
            raise TurnwiseError(f"lists of {k} items", "k=1 or more")
        self.items, self.k, self.reward = items, k, reward
        self._pays = PAYS[reward]
        self._catalogue = papers() if items is None else generated(items)

    @property
    def catalogue(self) -> Catalogue:
        """What there is."""
        return self._catalogue

    @property
    def noted(self) -> tuple[str, ...]:  # type: ignore[override]
        """Metrics of the sheet; the names say what a failure counts."""
        return (f"turns (a failure: {self.max_turns})", f"hDCG@({self.max_turns},{self.k}) (a failure: 0)")

    def tasks(self, split: str) -> Sequence[Task]:
        """A task per item, at most 2,000 to train on and 400 to evaluate on, from all over the catalogue."""
        return _tasks(check_split(split), self.catalogue)

    def answer(self, task: Task) -> str:
        """The item, shown alone."""
        return f"recommend {task.params['item']}\n"

    def hear(self, text: str) -> DialogueAct | None:
        """An act about things that the catalogue has."""
        act, has = self.language.read(text), self._catalogue
        if act is None or act == SHOW:
            return act
        if act.kind == "recommend":
            names = act.value.replace(",", " ").split()
            fine = len(names) <= self.k and len(set(names)) == len(names) and all(n in has.number for n in names)
            return DialogueAct("recommend", value=" ".join(names)) if fine else None
        return act if act.about in (has.index if act.kind == "ask" else has.facets) else None

    # -- one conversation ----------------------------------------------------------------------------------------------

    def opening(self, task: Task, draws: Draws) -> tuple[str, Standing]:
        facts, names = self._person.facts, self.catalogue.attributes
        first = draws.choice(self.catalogue.of(self.catalogue.number[task.params["item"]]), "first attribute")
        self._search = search(self.catalogue, accepted=(first,))
        self._shown: tuple[str, ...] = ()
        begin = self._person.begin()
        begin = Standing(facts, begin.state, told={names[first]: "yes"})
        return self.spoken((DialogueAct("want", names[first]),), draws), begin

    def meant(self, act: DialogueAct | None) -> DialogueAct | None:
        """The catalogue fills the list where the agent leaves it to it."""
        if act != SHOW:
            return act
        best = self._search.best(self.k)
        return DialogueAct("recommend", value=" ".join(self.catalogue.items[i] for i in best))

    def judge(self, act: DialogueAct | None, reply: Reply) -> Outcome:
        last, before = reply.standing.turn >= self.max_turns, self._search
        shown = tuple(act.value.split()) if act is not None and act.kind == "recommend" else ()
        wanted = self.catalogue.items[reply.standing.facts.item]  # type: ignore[attr-defined]
        self._shown = shown
        if wanted in shown:
            return Outcome(self._pays["accept"], True, True, (DialogueAct("accept", value=wanted),))
        items = [self.catalogue.number[name] for name in shown]
        self._search = told(before.turned_down(items) if items else before, reply.acts)
        liked = len(self._search.accepted) > len(before.accepted)
        what = "reject" if shown else "yes" if liked else "no"
        what = "limit" if last else "empty" if not self._search.size else what
        said = tuple(a for a in (REJECT, *reply.acts) if a.kind != "acknowledge") if shown else None
        facts = {"candidates": self._search.size}
        useful = bool(shown) and (last or before.of_use(items))  # to show something is all that is left to do at last
        return Outcome(self._pays[what], None, useful, said, facts)

    def ending(self, won: bool) -> Mapping[str, float]:
        turns, gain = self.noted
        if not won:
            return {turns: float(self.max_turns), gain: 0.0}
        wish, turn = self._standing.facts.item, self._standing.turn  # type: ignore[attr-defined]
        return {turns: float(turn), gain: hdcg(turn, self._shown.index(self.catalogue.items[wish]) + 1)}

    def status(self) -> str:
        turn = f"{self._search.size} fit, turn {self._standing.turn + 1} of {self.max_turns}"
        return f"shown {' '.join(self._shown)}, {turn}" if self._shown else turn

    def legal(self) -> tuple[str, ...]:
        return legal_texts(self._search)

    def imagine(self, view: View, chance: Chance) -> Recommend:
        """Another wish that fits what was said, each as likely; where nothing fits (somebody erred, or wants something
        else by now), one that contradicts the least.
        """
        memory = remember(self, view.messages)
        wish = memory.fitting()
        twin = copy.copy(self)
        twin._chance = chance
        twin._task = Task("imagined", self.name, {"item": self.catalogue.items[chance.choice(wish, "imagined wish")]})
        twin._person = twin.person(twin._task)
        begin = twin._person.begin()
        idle, wasted = memory.spent()
        twin._standing = Standing(twin._person.facts, begin.state, memory.turns, memory.told, idle, wasted)
        twin._begin, twin._heard, twin._search, twin._shown = twin._standing, (), memory.search, ()
        return twin


@lru_cache(maxsize=1 << 13)
def legal_texts(known: Search) -> tuple[str, ...]:
    """A plain question about each attribute that is left, and the best list."""
    names = known.catalogue.attributes
    return (*(f"ask {names[a]}\n" for a in known.askable.tolist()), "recommend\n")


@lru_cache(maxsize=8)
def _tasks(split: str, catalogue: Catalogue) -> tuple[Task, ...]:
    held_out = range(3, len(catalogue.items), 4)
    numbers = list(held_out) if split == "eval" else [n for n in range(len(catalogue.items)) if n % 4 != 3]
    step = max(1, len(numbers) // MOST_TASKS[split])
    chosen: Mapping[int, None] = dict.fromkeys(numbers[::step][: MOST_TASKS[split]])
    return tuple(
        Task(f"{split}-{catalogue.items[n]}", Recommend.name, {"item": catalogue.items[n]}, split) for n in chosen
    )
