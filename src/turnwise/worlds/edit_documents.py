"""How a document of the world `edit` is written: notes and eight choices of style to text, and back.

    notes     mayor approve bridge narrowly; council fund stadium officially
    plain     the mayor narrowly approved the bridge. the council officially funded the stadium.
    otherwise - perhaps bridge is approved by mayor.
              - perhaps stadium is funded by council.

Every style gives another text, and `style_of` reads it back exactly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from turnwise.worlds.edit_words import WORDS, Notes, Point

SLOTS: dict[str, tuple[str, ...]] = {
    "opening": ("none", "greeting", "headline", "question"),
    "layout": ("prose", "bullets", "numbers"),
    "length": ("full", "brief"),
    "person": ("third", "second"),
    "voice": ("active", "passive"),
    "tense": ("past", "present"),
    "tone": ("plain", "lively", "careful"),
    "closing": ("none", "summary", "question", "thanks"),
}
"""Slot -> what it can be; the first is how somebody writes who was told nothing."""

Style = Mapping[str, str]
"""Slot -> value; some of them, where it says what is wanted, all of them, where it says how something is written."""

PLAIN: dict[str, str] = {slot: values[0] for slot, values in SLOTS.items()}
OPENINGS = {
    "greeting": "hello everybody, good to see you here.",
    "headline": "the whole story in short:",
    "question": "have you heard of this?",
}
CLOSINGS = {
    "summary": "in sum, this is what matters.",
    "question": "so what do you make of it?",
    "thanks": "many thanks and best wishes.",
}
SECOND = "as you know,"
TONES = {"lively": "wow,", "careful": "perhaps"}
VERBS = {verb for words in WORDS.values() for verb in words[1]}


def inflected(verb: str) -> tuple[str, str]:
    """The regular forms: (builds, built), as far as English is regular."""
    stem = verb[:-1] + "i" if verb.endswith("y") and verb[-2] not in "aeiou" else verb
    third = stem + "es" if stem != verb or verb.endswith(("s", "sh", "ch")) else verb + "s"
    return third, stem + ("d" if stem.endswith("e") else "ed")


FORMS = {verb: inflected(verb) for verb in VERBS}
BARE = {form: verb for verb, forms in FORMS.items() for form in forms}


def full(style: Style) -> dict[str, str]:
    """A whole style: what is not said of it is plain."""
    return {**PLAIN, **style}


def write(notes: Notes, style: Style) -> str:
    """The document, in a style of which what is not said is plain."""
    whole = {**PLAIN, **style}
    return _written(notes, tuple(whole.values()))


@lru_cache(maxsize=1 << 16)
def _written(notes: Notes, values: tuple[str, ...]) -> str:
    style = dict(zip(SLOTS, values, strict=True))
    sentences = [_sentence(point, style) for point in notes]
    if style["layout"] == "bullets":
        sentences = [f"- {sentence}" for sentence in sentences]
    elif style["layout"] == "numbers":
        sentences = [f"{number}. {sentence}" for number, sentence in enumerate(sentences, 1)]
    body = [" ".join(sentences)] if style["layout"] == "prose" else sentences
    return "\n".join([*_line(OPENINGS, style["opening"]), *body, *_line(CLOSINGS, style["closing"])])


def _line(lines: Mapping[str, str], value: str) -> list[str]:
    return [lines[value]] if value in lines else []


def _sentence(point: Point, style: Style) -> str:
    brief, present = style["length"] == "brief", style["tense"] == "present"
    article, how = ("", "") if brief else ("the ", point.how + " ")
    third, past = FORMS[point.verb]
    if style["voice"] == "active":
        told = f"{article}{point.who} {how}{third if present else past} {article}{point.what}"
    else:
        told = f"{article}{point.what} {'is' if present else 'was'} {how}{past} by {article}{point.who}"
    before = [SECOND] if style["person"] == "second" else []
    before += [TONES[style["tone"]]] if style["tone"] in TONES else []
    return " ".join([*before, told]) + ("!" if style["tone"] == "lively" else ".")


@lru_cache(maxsize=1 << 16)
def style_of(text: str) -> Style | None:
    """How a document is written, whatever it tells; None where it is no document, or not of one style."""
    lines = [line.strip() for line in text.strip().split("\n")]
    opening = next((value for value, line in OPENINGS.items() if lines[0] == line), "none")
    closing = next((value for value, line in CLOSINGS.items() if lines[-1] == line), "none")
    lines = lines[opening != "none" : len(lines) - (closing != "none")]
    if not lines:
        return None
    layout, sentences = _sentences(lines)
    styles = [_read(sentence) for sentence in sentences]
    if styles[0] is None or any(style != styles[0] for style in styles):
        return None
    found = {"opening": opening, "layout": layout, **styles[0], "closing": closing}
    return {slot: found[slot] for slot in SLOTS}


def _sentences(lines: list[str]) -> tuple[str, list[str]]:
    """Layout and bare sentences of the lines between opening and closing."""
    if all(line.startswith("- ") for line in lines):
        return "bullets", [line[2:] for line in lines]
    if all(line.startswith(f"{number}. ") for number, line in enumerate(lines, 1)):
        return "numbers", [line.split(". ", 1)[1] for line in lines]
    return "prose", re.split(r"(?<=[.!]) ", " ".join(lines))


ACTIVE = re.compile(r"(?:the \w+ (?P<how>\w+)|\w+) (?P<verb>\w+) (?:the )?\w+")
PASSIVE = re.compile(r"(?:the )?\w+ (?P<be>is|was) (?:(?P<how>\w+) )?(?P<verb>\w+) by (?:the )?\w+")


def _read(sentence: str) -> dict[str, str] | None:
    """The style of a sentence; None where it is none."""
    text, lively = sentence[:-1], sentence.endswith("!")
    if not lively and not sentence.endswith("."):
        return None
    person = "second" if text.startswith(SECOND + " ") else "third"
    text = text.removeprefix(SECOND + " ")
    tone = next((value for value, word in TONES.items() if text.startswith(word + " ")), "plain")
    text = text.removeprefix(TONES.get(tone, "") + " ")
    if lively != (tone == "lively"):
        return None
    passive = PASSIVE.fullmatch(text)
    found = passive or ACTIVE.fullmatch(text)
    if found is None or found["verb"] not in BARE:
        return None
    present = found["be"] == "is" if passive else found["verb"] == FORMS[BARE[found["verb"]]][0]
    return {
        "length": "full" if found["how"] else "brief",
        "person": person,
        "voice": "passive" if passive else "active",
        "tense": "present" if present else "past",
        "tone": tone,
    }
