"""What there is to find, and what people who look for it have said of it: two catalogues of the world `search`.

facets     762 information needs of Qulac, each a document; 198 of the short queries that stand for several of them
pictures   2,064 pictures in words, each found by its caption and ten answers about it    (specs/users/genir)
"""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

from turnwise.core.errors import UnknownName
from turnwise.users.phrases import normalised
from turnwise.worlds.search_ranker import Index, terms_of

SENTENCES = re.compile(r"[.!?;]+(?=\s|$)")
MOST_HINTS = 8


@dataclass(frozen=True)
class Need:
    """What somebody looks for."""

    key: str
    opening: str  # what they say first
    document: int  # the one that meets it
    answers: Mapping[str, str]  # clarifying question -> what a person with this need has answered
    hints: tuple[str, ...]  # words of the document that the opening lacks, the commonest first


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Documents, and the needs that they meet.

    Args:
        titles: of the documents, as they are shown.
        bodies: what they are found by.
        needs: in the order of the data.
        in_order: whether questions come up one by one, each after the one before was asked.
    """

    name: str
    titles: tuple[str, ...]
    bodies: tuple[str, ...]
    needs: tuple[Need, ...]
    in_order: bool

    @cached_property
    def index(self) -> Index:
        return Index(self.bodies)

    @cached_property
    def by_key(self) -> Mapping[str, Need]:
        return {need.key: need for need in self.needs}

    @cached_property
    def by_opening(self) -> Mapping[str, tuple[Need, ...]]:
        """Those between whom the first words do not decide."""
        found = defaultdict[str, list[Need]](list)
        for need in self.needs:
            found[need.opening].append(need)
        return {opening: tuple(needs) for opening, needs in found.items()}

    @cached_property
    def by_document(self) -> Mapping[int, Need]:
        return {need.document: need for need in self.needs}

    def questions(self, need: Need) -> tuple[str, ...]:
        """What may be asked of somebody with a need: no question tells which of the needs of an opening it is."""
        return _questions(self, need.opening) if not self.in_order else tuple(need.answers)

    def group(self, need: Need) -> str:
        """What tasks are split by, so that eval's openings are new."""
        return need.opening if not self.in_order else need.key


@lru_cache(maxsize=1 << 14)
def _questions(catalogue: Catalogue, opening: str) -> tuple[str, ...]:
    needs = catalogue.by_opening[opening]
    return tuple(sorted({question for need in needs for question in need.answers}))


def catalogue(name: str) -> Catalogue:
    """By name.

    Raises:
        UnknownName: there is none of this name.
    """
    if name not in CATALOGUES:
        raise UnknownName("catalogue", name, CATALOGUES)
    return CATALOGUES[name]()


@lru_cache(maxsize=1)
def facets() -> Catalogue:
    """Qulac's facets."""
    found = list[tuple[str, str, str, dict[str, str]]]()
    for row in _rows("qulac", "qulac.jsonl.gz"):
        for facet in row["facets"]:
            said = {plain(question): plain(answer) for _, question, answer in facet["qa"] if question and answer}
            found.append((facet["facet_id"], row["topic"], facet["desc"], said))
    titles = tuple(plain(title) for _, _, title, _ in found)
    return _catalogue("facets", titles, titles, [(key, topic, said) for key, topic, _, said in found], False)


@lru_cache(maxsize=1)
def pictures() -> Catalogue:
    """Pictures whose captions are remembered by every third content word."""
    rows = list(_rows("visdial_search", "queries_val.jsonl.gz"))
    said = [{plain(question): plain(answer) for question, answer in row["qa"]} for row in rows]
    titles = tuple(plain(row["caption"]) for row in rows)
    bodies = tuple(
        " ".join((title, *(text for pair in answers.items() for text in pair)))
        for title, answers in zip(titles, said, strict=True)
    )
    keys = [f"picture-{row['image'].split('.')[0].lstrip('0')}" for row in rows]
    needs = [(key, vague(title), answers) for key, title, answers in zip(keys, titles, said, strict=True)]
    return _catalogue("pictures", titles, bodies, needs, True)


CATALOGUES = {"facets": facets, "pictures": pictures}


def _catalogue(
    name: str,
    titles: tuple[str, ...],
    bodies: tuple[str, ...],
    needs: list[tuple[str, str, dict[str, str]]],
    in_order: bool,
) -> Catalogue:
    index = Index(bodies)
    made = tuple(
        Need(key, opening, number, answers, hints(titles[number], opening, index))
        for number, (key, opening, answers) in enumerate(needs)
    )
    return Catalogue(name, titles, bodies, made, in_order)


def hints(title: str, opening: str, index: Index) -> tuple[str, ...]:
    """Words of a title that an opening does not say, the commonest first."""
    known = set(terms_of(opening))
    words = dict.fromkeys(word for word in re.findall(r"[a-z0-9]+", title) if terms_of(word))
    new = [word for word in words if terms_of(word)[0] not in known]
    return tuple(sorted(new, key=lambda word: (index.idf(terms_of(word)[0]), word))[:MOST_HINTS])


def vague(caption: str) -> str:
    """Every third content word of a caption, from the second on."""
    words = [word for word in re.findall(r"[a-z0-9]+", caption) if terms_of(word)]
    return " ".join(words[1::3] or words)


def plain(text: str) -> str:
    """One sentence in small letters: inner full stops become commas, so that it is read back as one."""
    return normalised(SENTENCES.sub(",", normalised(text)))


def _rows(folder: str, name: str) -> Any:
    packed = files("turnwise.worlds").joinpath("data", folder, name).read_bytes()
    return map(json.loads, gzip.decompress(packed).decode("utf-8").splitlines())
