"""How sellers and buyers of bargain speak: two voices for each seat, and one table that reads both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from turnwise.core.types import Seat
from turnwise.users.acts import DialogueAct
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Templates
from turnwise.worlds.bargain_rules import BUYER, MONEY, SELLER

Wordings = Mapping[str, tuple[str, ...]]

COMMON: Mapping[str, Wordings] = {
    "plain": {
        "unclear": ("sorry, what do you mean?", "i did not get that."),
        "acknowledge": ("i see.", "okay."),
        "refuse": ("i would rather not say.", "that is my business."),
        "vague": ("hard to say.",),
        "press": ("can you do better than that?", "could you move a little more?"),
        "greet": ("hello!", "hi, how are you?"),
    },
    "brisk": {
        "unclear": ("come again?", "say that once more, please."),
        "acknowledge": ("right.", "got it."),
        "refuse": ("not telling.", "no comment."),
        "vague": ("it depends.",),
        "press": ("try again.", "that will not do, what else?"),
        "greet": ("hey.", "good day."),
    },
}
SELLING: Mapping[str, Wordings] = {
    "plain": {
        "ask:limit": ("what is the most you could pay?", "how much can you spend?"),
        "ask:cares": ("what matters most to you?", "what are you looking for?"),
        "argue:condition": ("it is in great shape.", "it works like new."),
        "argue:demand": ("two others want to see it.", "i have had many calls about it."),
        "argue:delivery": ("i can bring it to you.", "i would deliver it for free."),
        "inform:limit": ("i cannot go below {value}.", "{value} is the lowest i could take."),
        "inform:cares=wear": ("i know that it has been used a lot.",),
        "inform:cares=market": ("i want to ask no more than others do.",),
        "inform:cares=cash": ("i would like to have the money today.",),
        "quit": ("sorry, then i will keep it.", "i would rather wait for somebody else."),
        "leave": ("sorry, then i will keep it.",),
        "accept": ("deal!", "okay, it is yours.", "agreed, {value} it is."),
        "offer": ("i could let it go for {value}.", "how does {value} sound?", "i am asking {value}."),
    },
    "brisk": {
        "ask:limit": ("your budget?", "what have you got?"),
        "ask:cares": ("what do you need it for?", "what is important?"),
        "argue:condition": ("not a scratch on it.",),
        "argue:demand": ("it will be gone tonight.",),
        "argue:delivery": ("i drive past your place anyway.",),
        "inform:limit": ("{value}, not a bit less, ever.",),
        "inform:cares=wear": ("it is not the newest.",),
        "inform:cares=market": ("i know what others ask.",),
        "inform:cares=cash": ("i am short of money.",),
        "quit": ("no deal, bye.",),
        "leave": ("no deal, bye.",),
        "accept": ("done.", "sold for {value}."),
        "offer": ("make it {value}.", "{value} and it is gone.", "call it {value}."),
    },
}
BUYING: Mapping[str, Wordings] = {
    "plain": {
        "ask:limit": ("what is the least you would take?", "how low can you go?"),
        "ask:cares": ("why are you selling it?", "what matters most to you?"),
        "argue:wear": ("it looks a bit worn.", "i can see that it was used."),
        "argue:market": ("others sell it for less.", "i saw a cheaper one."),
        "argue:cash": ("i can pay cash today.", "i have the money with me."),
        "inform:limit": ("i cannot pay more than {value}.", "{value} is the most i have."),
        "inform:cares=condition": ("i want one in good shape.",),
        "inform:cares=demand": ("i do not want to lose it to somebody else.",),
        "inform:cares=delivery": ("i have no way to fetch it.",),
        "quit": ("sorry, that is too much for me.", "then i will look elsewhere."),
        "leave": ("then i will look elsewhere.",),
        "accept": ("deal!", "okay, i will take it.", "agreed, {value} it is."),
        "offer": ("would you take {value}?", "i could pay {value}.", "how about {value}?"),
    },
    "brisk": {
        "ask:limit": ("your lowest?", "what is your bottom line?"),
        "ask:cares": ("any reason for selling?",),
        "argue:wear": ("seen better days, has it not.",),
        "argue:market": ("there are cheaper ones around.",),
        "argue:cash": ("cash, right now.",),
        "inform:limit": ("{value}, more i do not have.",),
        "inform:cares=condition": ("it has to work.",),
        "inform:cares=demand": ("i hope it is still there tomorrow.",),
        "inform:cares=delivery": ("i do not drive.",),
        "quit": ("forget it.", "no thanks, bye."),
        "leave": ("forget it.",),
        "accept": ("done.", "i take it at {value}."),
        "offer": ("my offer: {value}.", "i say {value}.", "{value}, cash."),
    },
}
ASIDES = ("nice weather for it, too.", "my neighbour told me about these adverts.", "let me think for a moment.")
OPENINGS = (
    "hi, how much do you want for it?",
    "hello, is it still there? what would it cost?",
    "hey, what is your price?",
)
"""The buyer's first line, which is always a question for the price (specs/users/ppdpp-tasks)."""
TABLES: Mapping[Seat, Mapping[str, Wordings]] = {SELLER: SELLING, BUYER: BUYING}
VOICES: Mapping[Seat, Mapping[str, Templates]] = {
    seat: {
        name: Templates(Phrases({**COMMON[name], **table}), ASIDES, chatter=0.1 if name == "plain" else 0.0)
        for name, table in tables.items()
    }
    for seat, tables in TABLES.items()
}


def _joined(seat: Seat) -> Phrases:
    """All wordings of a seat; those in which a price may stand anywhere are read last."""
    plain, brisk = ({**COMMON[name], **TABLES[seat][name]} for name in ("plain", "brisk"))
    return Phrases({key: tuple(dict.fromkeys((*plain[key], *brisk[key]))) for key in plain if key != "leave"})


LANGUAGE: Mapping[Seat, Phrases] = {seat: _joined(seat) for seat in TABLES}
"""What is read of each seat, whoever sits there."""
MOST_ACTS = 2
"""Acts of one turn that are heard."""


@dataclass(frozen=True, slots=True)
class Line:
    """A turn, read: its acts, and what players want to know of them."""

    acts: tuple[DialogueAct, ...]
    price: float | None  # of its last offer
    limit: float | None  # that it tells
    cares: str | None  # that it tells
    argued: tuple[str, ...]
    asked: DialogueAct | None  # a question


@lru_cache(maxsize=1 << 16)
def read(seat: Seat, text: str, unit: str) -> Line:
    """The first acts of a text, at most `MOST_ACTS`; an offer or a limit without a price is none."""
    acts, price = LANGUAGE[seat].read_all(text), MONEY[unit].read
    wrong = {act for act in acts if _priced(act) and price(act.value) is None}
    acts = tuple(act for act in acts if act not in wrong)[:MOST_ACTS]
    told = {act.about: act.value for act in acts if act.kind == "inform"}
    offers = [act.value for act in acts if act.kind == "offer"]
    return Line(
        acts,
        price(offers[-1]) if offers else None,
        price(told["limit"]) if "limit" in told else None,
        told.get("cares"),
        tuple(act.about for act in acts if act.kind == "argue"),
        next((act for act in acts if act.kind == "ask"), None),
    )


def _priced(act: DialogueAct) -> bool:
    """Whether an act must name a price: offers, limits that are told, and acceptances that say for what."""
    return (
        act.kind == "offer"
        or (act.kind, act.about) == ("inform", "limit")
        or (act.kind == "accept" and act.value != "")
    )
