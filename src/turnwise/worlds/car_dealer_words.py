"""How buyers speak: three wordings of everything they say, in four manners of each personality.

Every personality has as many manners as the next, and everything said as many wordings, so each way to say a thing is
as likely as the next whoever speaks. The plain manner is shared; the others give a personality away.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

from turnwise.worlds.car_dealer_rules import article, dollars

Move = tuple[str, str]
"""(what is said, about what): ("brand", "Toyota"), ("lower", "")."""

OPEN_ABOUT_MONEY = frozenset(("polite", "respectful", "talkative"))
"""Personalities that tell their budget when they are asked; the others keep it to themselves."""

MANNERS = {
    "abusive": ("{}", "You fool. {}", "{} Are you deaf?", "Stop wasting my day. {}"),
    "angry": ("{}", "I am losing my temper! {}", "{} Now!", "This makes me furious. {}"),
    "insulting": ("{}", "You know nothing about cars. {}", "{} Even you can do that.", "What a poor salesman. {}"),
    "polite": ("{}", "Thank you. {}", "{} Please.", "If you do not mind: {}"),
    "respectful": ("{}", "I value your advice. {}", "{} Thank you for your time.", "With respect: {}"),
    "rude": ("{}", "Look. {}", "{} Hurry.", "Whatever. {}"),
    "sarcastic": ("{}", "Oh, wonderful. {}", "{} How exciting.", "What a surprise. {}"),
    "talkative": ("{}", "My neighbour bought one last week. {}", "{} Did I tell you about my trip?", "What a day. {}"),
    "toxic": ("{}", "Everyone here is useless. {}", "{} Typical.", "I hate this place. {}"),
    "uncommunicative": ("{}", "Hm. {}", "{} ...", "Well. {}"),
}

CUES = {
    "discount": ("I am looking for a bargain.", "I want a good price.", "It has to be cheap."),
    "features": ("It must have everything I need.", "I want it complete.", "Nothing must be missing."),
    "impatient": ("I am in a hurry.", "Make it quick.", "I have little time."),
}

SENTENCES = {
    "brand": ("I like {}.", "I want {}.", "My choice is {}."),
    "type": ("I want this type: {}.", "The type should be {}.", "I think of this type: {}."),
    "features": ("I need {}.", "It should have {}.", "I look for {}."),
    "budget": ("I can spend {}.", "My budget is {}.", "I have {}."),
    "secret": ("I will not tell you my budget.", "My money is my business.", "That is private."),
    "other brand": ("I would rather have {}.", "This is not {}.", "I asked for {}."),
    "other type": ("I would rather have this type: {}.", "This is not my type: {}.", "I had this type in mind: {}."),
    "lacking": ("Does it have {}?", "What about {}?", "I also need {}."),
    "lower": ("Can you lower the price?", "That is too much.", "It is too expensive."),
    "which": ("Which car is that?", "Which brand and type is it?", "Which car do you mean?"),
    "cost": ("What does it cost?", "How much is it?", "What is the price?"),
    "lost": ("What do you have for me?", "I did not get that.", "Go on."),
    "accept": ("I'll take it.", "It is a deal.", "Agreed."),
    "reject": ("No deal.", "I am leaving.", "I will look elsewhere."),
}

WITH_ARTICLE = frozenset(("backup camera", "navigation system", "sunroof"))


def sentences(move: Move) -> tuple[str, ...]:
    """The three wordings of one thing said."""
    what, about = move
    if what == "cue":
        return CUES[about]
    if "brand" in what:
        about = article(about)
    elif what == "budget":
        about = dollars(int(about))
    elif what in ("features", "lacking"):
        about = enumerated([feature_phrase(name) for name in about.split(", ")])
    return tuple(text.format(about) for text in SENTENCES[what])


def feature_phrase(name: str) -> str:
    """`a sunroof`, `heated seats`."""
    return article(name) if name in WITH_ARTICLE else name


def enumerated(parts: list[str]) -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


@lru_cache(maxsize=1 << 13)
def wordings(moves: tuple[Move, ...], personality: str) -> tuple[str, ...]:
    """Every way in which a personality says these things in one line, each as likely as the next."""
    lines = [" ".join(parts) for parts in product(*(sentences(move) for move in moves))]
    return tuple(manner.format(line) for manner in MANNERS[personality] for line in lines)
