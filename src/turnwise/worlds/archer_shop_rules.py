"""A small web shop: its goods, its search, and how well a purchase fits a request (specs/worlds/archer-worlds).

The score follows WebShop's published rule (arXiv 2207.01206): the share of what was asked for that the purchase has,
times a factor for the kind of thing. Goods and requests are made up here by a fixed grammar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from turnwise.core.chance import generator

KINDS: Mapping[str, tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]] = {
    "shirt": (("cotton", "linen", "striped", "slim"), {"color": ("red", "blue", "white"), "size": ("small", "large")}),
    "lamp": (("wooden", "metal", "dimmable", "tall"), {"color": ("black", "white"), "bulb": ("warm", "cold")}),
    "tea": (("organic", "green", "loose", "strong"), {"flavor": ("mint", "lemon", "plain"), "pack": ("50", "100")}),
    "chair": (("folding", "wooden", "padded", "light"), {"color": ("black", "brown"), "size": ("small", "large")}),
    "mug": (
        ("ceramic", "steel", "insulated", "wide"),
        {"color": ("red", "black", "green"), "size": ("small", "large")},
    ),
    "rug": (("woven", "washable", "round", "thick"), {"color": ("grey", "blue"), "size": ("small", "large")}),
}
"""Kind of thing -> what it can be like, and what can be chosen of it."""

OTHER_KIND = 0.1  # factor for buying another kind of thing
SHOWN = 3  # products of a result page
VARIANTS = 4  # products of each pair of properties
TEXT = re.compile(r"Find a (\w+) (\w+) (\w+)((?: with \w+ \w+(?: and \w+ \w+)*)?), at most (\d+) dollars\.")


@dataclass(frozen=True, slots=True)
class Product:
    """Something to buy."""

    id: str
    kind: str
    like: tuple[str, str]
    price: int  # dollars
    options: Mapping[str, tuple[str, ...]]

    @property
    def title(self) -> str:
        return f"{' '.join(self.like)} {self.kind}"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a customer asks for."""

    kind: str
    like: tuple[str, str]
    options: Mapping[str, str] = field(default_factory=dict)
    most: int = 0  # dollars

    @property
    def text(self) -> str:
        """In words."""
        wanted = " and ".join(f"{name} {value}" for name, value in self.options.items())
        described = f"{' '.join(self.like)} {self.kind}{' with ' + wanted if wanted else ''}"
        return f"Find a {described}, at most {self.most} dollars."


def goal_of(text: str) -> Goal:
    """The request that a text puts in words.

    Raises:
        ValueError: it is none.
    """
    found = TEXT.search(text)
    if found is None:
        raise ValueError(f"no request: {text!r}")
    first, second, kind, wanted, most = found.groups()
    pairs = [tuple(part.split()) for part in wanted.removeprefix(" with ").split(" and ") if part]
    return Goal(kind, (first, second), dict(pairs), int(most))


@lru_cache(maxsize=1)
def catalogue() -> tuple[Product, ...]:
    """All goods, in the order in which the shop lists them."""
    rng, goods = generator("archer-shop", "catalogue"), []
    for kind, (likes, options) in KINDS.items():
        pairs = [(a, b) for i, a in enumerate(likes) for b in likes[i + 1 :]]
        for pair in pairs:
            for _ in range(VARIANTS):
                kept = {n: tuple(v for v in values if rng.random() < 0.7) or values for n, values in options.items()}
                goods.append((kind, pair, int(rng.integers(8, 60)), kept))
    order = rng.permutation(len(goods))
    return tuple(Product(f"b{n:03d}", *goods[int(i)]) for n, i in enumerate(order))


def goal(number: int, split: str) -> Goal:
    """A request that one of the goods meets in full."""
    rng = generator("archer-shop", split, number)
    product = catalogue()[int(rng.integers(len(catalogue())))]
    options = {name: values[int(rng.integers(len(values)))] for name, values in product.options.items()}
    return Goal(product.kind, product.like, options, product.price + int(rng.integers(0, 10)))


def search(query: str) -> list[Product]:
    """The goods with the most words of a query in their titles and options, in the shop's order; those without any are
    left out.
    """
    words = set(re.findall(r"\w+", query.lower()))

    def fit(product: Product) -> int:
        offered = {value for values in product.options.values() for value in values}
        return 2 * len(words & {*product.like, product.kind}) + len(words & offered)

    found = [(fit(product), -n, product) for n, product in enumerate(catalogue())]
    return [product for score, _, product in sorted(found, key=lambda f: f[:2], reverse=True) if score]


def score(wanted: Goal, product: Product, chosen: Mapping[str, str]) -> float:
    """How well a purchase fits: in [0, 1], and 1 where everything does."""
    like = len(set(wanted.like) & set(product.like))
    options = sum(chosen.get(name) == value for name, value in wanted.options.items())
    share = (like + options + (product.price <= wanted.most)) / (len(wanted.like) + len(wanted.options) + 1)
    return share * (1.0 if product.kind == wanted.kind else OTHER_KIND)


def best(wanted: Goal, products: Sequence[Product]) -> Product:
    """The product that could fit best, the first of equals."""
    full = [{n: v for n, v in wanted.options.items() if v in product.options.get(n, ())} for product in products]
    return max(zip(products, full, strict=True), key=lambda pair: score(wanted, *pair))[0]
