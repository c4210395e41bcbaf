"""Several wordings of every act, written and read by the same table.

    Phrases({
        "ask": ("do you like {about}?", "is {about} something for you?"),
        "inform": ("{about}: {value}.",),
        "inform=yes": ("yes, {about}.", "{about}, please."),        what is said of one value
        "inform:budget": ("i have {value} dollars.",),              what is said about one thing
    })

Texts are read tolerantly (case, white space and the punctuation at the ends do not count), and exactly otherwise: what
no wording says is `None`, never a guess. Where two wordings fit, the one that stands first is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

from turnwise.core.errors import TurnwiseError
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws

SLOT = re.compile(r"\{(about|value)\}")
KEY = re.compile(r"(?P<kind>[^:=]+)(?::(?P<about>[^=]+))?(?:=(?P<value>.+))?")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
LONGEST = 3
"""Sentences that one wording may have."""


class Phrases:
    """A table of wordings.

    Args:
        wordings: `kind`, `kind:about`, `kind=value` or `kind:about=value` -> templates, in which {about} and {value}
            may stand.

    Raises:
        TurnwiseError: an act without wordings.
    """

    def __init__(self, wordings: Mapping[str, Sequence[str]]):
        self.wordings = {key: tuple(templates) for key, templates in wordings.items()}
        if empty := [key for key, templates in self.wordings.items() if not templates]:
            raise TurnwiseError(f"no wording for {', '.join(empty)}", "at least one template for each kind of act")
        self.read = lru_cache(maxsize=1 << 16)(self._read)
        self.read_all = lru_cache(maxsize=1 << 16)(self._read_all)

    def say(self, act: DialogueAct, draws: Draws) -> str:
        """One of the wordings, drawn."""
        return filled(draws.choice(self.templates(act), f"wording of {act.kind}"), act)

    def all_of(self, act: DialogueAct) -> tuple[str, ...]:
        """Every wording of an act."""
        return tuple(filled(template, act) for template in self.templates(act))

    def templates(self, act: DialogueAct) -> tuple[str, ...]:
        """Those of the most special key that fits.

        Raises:
            TurnwiseError: there is none.
        """
        kind, about, value = act.kind, act.about, act.value
        for key in (f"{kind}:{about}={value}", f"{kind}={value}", f"{kind}:{about}", kind):
            if found := self.wordings.get(key):
                return found
        raise TurnwiseError(f"no words for {act}", f"one of {', '.join(self.wordings)}")

    def _read(self, text: str) -> DialogueAct | None:
        """The act that a text is a wording of (called as `read`, which remembers)."""
        plain = normalised(text)
        for act, pattern in self._patterns:
            if found := pattern.fullmatch(plain):
                slots = found.groupdict()
                return DialogueAct(act.kind, slots.get("about", act.about), slots.get("value", act.value))
        return None

    def _read_all(self, text: str) -> tuple[DialogueAct, ...]:
        """The acts of a text of several sentences; those that no wording says (small talk) are passed over (called as
        `read_all`, which remembers).
        """
        sentences, acts, at = SENTENCE_END.split(text.strip()), list[DialogueAct](), 0
        while at < len(sentences):
            for size in range(min(LONGEST, len(sentences) - at), 0, -1):
                if act := self.read(" ".join(sentences[at : at + size])):
                    acts.append(act)
                    break
            at += size
        return tuple(acts)

    @cached_property
    def _patterns(self) -> tuple[tuple[DialogueAct, re.Pattern[str]], ...]:
        return tuple((acts_of(key), _pattern(template)) for key, of in self.wordings.items() for template in of)


def filled(template: str, act: DialogueAct) -> str:
    """A template with its slots filled."""
    return template.replace("{about}", act.about).replace("{value}", act.value) if "{" in template else template


def acts_of(key: str) -> DialogueAct:
    """The act that a key names; what it leaves open is empty."""
    found = KEY.fullmatch(key)
    if found is None:
        raise TurnwiseError(f"the key {key!r}", "kind, kind:about, kind=value or kind:about=value")
    return DialogueAct(**{name: part or "" for name, part in found.groupdict().items()})


@lru_cache(maxsize=1 << 16)
def normalised(text: str) -> str:
    """Lower case, single spaces, nothing but letters, digits and closing brackets at the ends."""
    return re.sub(r"\s+", " ", text).strip(" .!?,;:\"'").casefold()


def _pattern(template: str) -> re.Pattern[str]:
    """What reads a template's text: each slot is anything within a sentence, as short as the rest allows."""
    parts = re.split(r"(\{about\}|\{value\})", normalised(template))
    anything = r"(?:(?![.!?]\s).)+?"
    return re.compile("".join(f"(?P<{p[1:-1]}>{anything})" if SLOT.fullmatch(p) else re.escape(p) for p in parts))
