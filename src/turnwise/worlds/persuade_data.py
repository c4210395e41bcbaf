"""Real talks in which somebody asked for a donation, as the world persuade needs them: who gave what, and which moves
were made; no words (Wang et al., Persuasion for Good, 2019).

python -m turnwise.worlds.persuade_data FOLDER      writes worlds/data/persuade/talks.json.gz anew
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

FILE = resources.files("turnwise.worlds") / "data" / "persuade" / "talks.json.gz"
CAP = 2.0
"""Dollars: the task's most; gifts above it are clipped."""
MOVES: Mapping[str, str] = {
    "greeting": "greet",
    "praise-user": "praise",
    "task-related-inquiry": "ask:giving",
    "personal-related-inquiry": "ask:values",
    "source-related-inquiry": "ask:source",
    "logical-appeal": "appeal:logic",
    "emotion-appeal": "appeal:emotion",
    "credibility-appeal": "appeal:credibility",
    "personal-story": "appeal:story",
    "self-modeling": "appeal:example",
    "foot-in-the-door": "appeal:little",
    "donation-information": "tell:how",
    "proposition-of-donation": "propose",
    "ask-donation-amount": "amount",
    "ask-donate-more": "more",
}
"""The persuader's labels of the data -> moves of the world."""
REACTIONS: Mapping[str, str] = {
    "agree-donation": "agree",
    "provide-donation-amount": "agree",
    "confirm-donation": "agree",
    "disagree-donation": "disagree",
    "disagree-donation-more": "disagree",
    "negative-reaction-to-donation": "negative",
    "positive-reaction-to-donation": "positive",
    "neutral-reaction-to-donation": "neutral",
    "ask-org-info": "curious",
    "ask-donation-procedure": "curious",
    "ask-persuader-donation-intention": "yours",
    "positive-to-inquiry": "often",
    "neutral-to-inquiry": "sometimes",
    "negative-to-inquiry": "never",
}
"""The persuadee's labels -> reactions; all others are small talk. Of several in a turn the first named here counts."""
CHAT = "chat"


@dataclass(frozen=True, slots=True)
class Talk:
    """One talk."""

    id: str
    gift: float  # dollars that the persuadee really gave, at most 2
    traits: tuple[float, ...]  # of the persuadee, in the order of `Talks.traits`; nan where a score is missing
    exchanges: tuple[tuple[frozenset[str], str], ...] | None  # (moves, reaction); None where nobody labelled it

    @property
    def moves(self) -> frozenset[str]:
        """All moves that were made."""
        return frozenset().union(*(moves for moves, _ in self.exchanges or ()))


@dataclass(frozen=True)
class Talks:
    """All of them."""

    traits: tuple[str, ...]
    talks: tuple[Talk, ...]


@lru_cache(maxsize=1)
def load() -> Talks:
    """What the package ships."""
    with FILE.open("rb") as file:
        document = json.loads(gzip.decompress(file.read()))
    return Talks(tuple(document["traits"]), tuple(_talk(row) for row in document["talks"]))


def _talk(row: Mapping[str, Any]) -> Talk:
    found = row.get("exchanges")
    exchanges = None if found is None else tuple((frozenset(moves), reaction) for moves, reaction in found)
    return Talk(row["id"], row["gift"], tuple(float("nan") if t is None else t for t in row["traits"]), exchanges)


def exchanges(utterances: Sequence[Mapping[str, Any]]) -> list[tuple[list[str], str]]:
    """A labelled talk, turn by turn: the moves of the persuader (role 0), the reaction of the persuadee (role 1)."""
    order, found = list(REACTIONS), list[tuple[list[str], str]]()
    for turn in sorted({u["turn"] for u in utterances}):
        labels = [(u["role"], u[key] or "") for u in utterances if u["turn"] == turn for key in ("act", "act2")]
        moves = sorted({MOVES[label] for role, label in labels if role == 0 and label in MOVES})
        heard = [label for role, label in labels if role == 1 and label in REACTIONS]
        found.append((moves, REACTIONS[min(heard, key=order.index)] if heard else CHAT))
    return found


def write(folder: Path) -> None:
    """The file, from `dialogues.jsonl.gz` and `annotated_300.jsonl.gz`."""
    whole, labelled = (_lines(folder / name) for name in ("dialogues.jsonl.gz", "annotated_300.jsonl.gz"))
    found = {row["id"]: exchanges(row["utterances"]) for row in labelled}
    traits = list(whole[0]["traits_persuadee"])
    talks = [
        {
            "id": row["id"],
            "gift": min(CAP, float(row["donation_persuadee"])),
            "traits": [row["traits_persuadee"].get(trait) for trait in traits],
        }
        | ({"exchanges": found[row["id"]]} if row["id"] in found else {})
        for row in whole
    ]
    text = json.dumps({"traits": traits, "talks": talks}, separators=(",", ":"))
    Path(str(FILE)).write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    write(Path(sys.argv[1]))
