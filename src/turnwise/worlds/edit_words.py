"""What the documents of the world `edit` are about: five kinds, each with words of its own, and notes drawn from them.

A kind is never named in a document; it shows in the words alone, and the more of them are drawn from all kinds together
(`overlap`), the less it shows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from turnwise.core.chance import generator


class Point(NamedTuple):
    """One thing to be told: who did what to what, and how. The verb stands in its bare form and is regular."""

    who: str
    verb: str
    what: str
    how: str

    def __str__(self) -> str:
        return f"{self.who} {self.verb} {self.what} {self.how}"


Notes = tuple[Point, ...]
"""What a document has to tell, in the order in which it was noted; no point twice."""

WORDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "news": (
        ("mayor", "council", "minister", "reporter", "union", "police", "senator", "bank"),
        ("announce", "approve", "block", "investigate", "close", "fund", "delay", "reject"),
        ("budget", "bridge", "strike", "election", "treaty", "inquiry", "stadium", "tax"),
        ("yesterday", "officially", "abruptly", "unanimously", "publicly", "narrowly"),
    ),
    "forum": (
        ("roommate", "neighbour", "boss", "cousin", "landlord", "stranger", "dentist", "sister"),
        ("borrow", "return", "ruin", "ignore", "paint", "clean", "move", "want"),
        ("laptop", "sofa", "garden", "birthday", "rent", "dog", "kitchen", "car"),
        ("secretly", "weirdly", "always", "honestly", "kindly", "rudely"),
    ),
    "encyclopaedia": (
        ("emperor", "species", "dynasty", "river", "glacier", "architect", "composer", "explorer"),
        ("conquer", "inhabit", "rename", "survey", "shape", "restore", "divide", "chart"),
        ("province", "valley", "cathedral", "island", "peninsula", "canal", "empire", "plateau"),
        ("originally", "gradually", "historically", "partly", "formerly", "widely"),
    ),
    "paper": (
        ("method", "network", "theorem", "dataset", "estimator", "protein", "algorithm", "sensor"),
        ("bound", "improve", "measure", "predict", "compress", "sample", "encode", "validate"),
        ("error", "variance", "spectrum", "gradient", "genome", "signal", "likelihood", "benchmark"),
        ("empirically", "asymptotically", "robustly", "jointly", "efficiently", "provably"),
    ),
    "film": (
        ("director", "actress", "villain", "detective", "soundtrack", "sequel", "camera", "script"),
        ("frame", "reveal", "adapt", "chase", "parody", "light", "deliver", "waste"),
        ("twist", "romance", "finale", "dialogue", "heist", "trilogy", "monologue", "scene"),
        ("beautifully", "predictably", "slowly", "brilliantly", "clumsily", "tenderly"),
    ),
}
"""Kind -> who, verbs, what, how."""

KINDS = tuple(WORDS)
DOCUMENTS = 128
"""Documents of each kind that can be met; the original's come from finite sets of texts too."""

POINTS = (2, 3, 4)


@lru_cache
def library(kind: str, overlap: float) -> tuple[Notes, ...]:
    """The documents of a kind, the same for everybody.

    Args:
        overlap: the chance of each word to be drawn from all kinds together.
    """
    rng = generator("edit", "library", kind, overlap)
    pools = [tuple(word for words in WORDS.values() for word in words[part]) for part in range(4)]

    def word(part: int) -> str:
        pool = pools[part] if rng.random() < overlap else WORDS[kind][part]
        return pool[int(rng.integers(len(pool)))]

    def notes() -> Notes:
        points: list[Point] = []
        wanted = POINTS[int(rng.integers(len(POINTS)))]
        while len(points) < wanted:
            point = Point(*(word(part) for part in range(4)))
            if all((point.who, point.verb, point.what) != (p.who, p.verb, p.what) for p in points):
                points.append(point)
        return tuple(points)

    return tuple(notes() for _ in range(DOCUMENTS))


def likelihood(notes: Notes, kind: str, overlap: float) -> float:
    """How probable these words are in a document of a kind."""
    found, own, kinds = 1.0, WORDS[kind], len(KINDS)
    for point in notes:
        for part, word in enumerate((point.who, point.verb, point.what, point.how)):
            of_kind = (1.0 - overlap) * (word in own[part]) / len(own[part])
            found *= of_kind + overlap / (kinds * len(own[part]))
    return found
