"""The second-hand things that bargain is played over: category, title and list price in dollars, no other words.

python -m turnwise.worlds.bargain_items ITEMS.jsonl.gz      writes worlds/data/bargain/items.csv anew
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np

from turnwise.core.chance import generator

FILE = resources.files("turnwise.worlds") / "data" / "bargain" / "items.csv"
OF_EACH = 200
"""Items of each category."""
LEAST = 40
"""List price from which steps of a twentieth are whole dollars that differ."""
QUANTILES = (0.05, 0.95)
"""Prices of a category beyond these are junk: cars for a dollar, sofas for a million."""
TITLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,.'/&+-]{5,39}")
"""Titles that are kept: short, plain, and without a price of their own."""


@dataclass(frozen=True, slots=True)
class Item:
    """An advert."""

    category: str
    title: str
    price: int  # US dollars


@lru_cache(maxsize=1)
def items() -> tuple[Item, ...]:
    """All that the package ships, in a drawn order."""
    rows = csv.reader(io.StringIO(FILE.read_text("utf-8")))
    return tuple(Item(category, title, int(price)) for category, title, price in rows)


def chosen(adverts: list[Item], seed: int = 0) -> list[Item]:
    """As many of each category, drawn among those with a plain title and a price that is not junk."""
    rng, found = generator("bargain items", seed), list[Item]()
    for category in sorted({item.category for item in adverts}):
        own = [item for item in adverts if item.category == category]
        low, high = np.quantile([item.price for item in own], QUANTILES)
        fit = [i for i in own if max(low, LEAST) <= i.price <= high and TITLE.fullmatch(i.title)]
        fit = list({item.title.casefold(): item for item in fit}.values())
        found += [fit[index] for index in rng.choice(len(fit), OF_EACH, replace=False)]
    return [found[index] for index in rng.permutation(len(found))]


def write(source: Path) -> None:
    """The file, from the adverts with their origin's fields (category, title, price)."""
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    adverts = [Item(row["category"], " ".join(row["title"].split()), round(row["price"])) for row in rows]
    with Path(str(FILE)).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows((i.category, i.title, i.price) for i in chosen(adverts))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
