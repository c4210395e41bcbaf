"""Linear programs behind stories, as facts that can be asked for one by one (specs/users/lp-elicitation).

A program has amounts to decide, a goal and rules. Each fact has a name without digits, so that whatever number is said
is one of the story's:

    the name of the first amount           the kind of the second rule        the limit of the second rule
    the direction of the goal              the sign of the second rule        the subject of the second rule
    the first amount in the goal           the first amount in the second rule    the rival of the second rule
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")
AMOUNTS = tuple(f"the {ordinal} amount" for ordinal in ORDINALS[:3])
RULES = tuple(f"the {ordinal} rule" for ordinal in ORDINALS)
DIRECTION = "the direction of the goal"
NONE = "none"
"""What is said of what there is not: a third amount of two, the limit of a rule without one, a fourth rule of three."""

KINDS = {
    "linear": "a weighted total",
    "lowerbound": "a least amount",
    "upperbound": "a most amount",
    "sum": "a plain total",
    "xby": "one against a multiple of another",
    "xy": "one against another",
    "ratio": "a share of the total",
}
"""Type in the data -> what is said of it."""

ASKED_OF = {
    "a weighted total": ("sign", "limit", *AMOUNTS),
    "a least amount": ("subject", "limit"),
    "a most amount": ("subject", "limit"),
    "a plain total": ("sign", "limit"),
    "one against a multiple of another": ("subject", "sign", "limit", "rival"),
    "one against another": ("subject", "sign", "rival"),
    "a share of the total": ("subject", "sign", "limit"),
}
"""What there is to know of a rule of each kind, besides the kind; of a multiple the limit is the factor."""

ITSELF = "itself"
"""What an amount counts in a goal that is a plain total: one, which no story says."""

PARTS = ("sign", "limit", "subject", "rival", *AMOUNTS)
SIGNS = {"LESS_OR_EQUAL": "at most", "GREATER_OR_EQUAL": "at least"}
LOWERS = ("minim", "reduce", "decrease", "lowest")

UP_TO_FIFTEEN = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
WORDS = {word: value for value, word in enumerate(UP_TO_FIFTEEN.split())} | {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "thousand": 1000, "twice": 2, "thrice": 3,
    ITSELF: 1,
}  # fmt: skip
SHARES = {"half": 1 / 2, "third": 1 / 3, "quarter": 1 / 4, "fourth": 1 / 4, "fifth": 1 / 5}
FIGURE = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Problem:
    """A story and the facts of its program."""

    key: str
    split: str
    story: str
    facts: Mapping[str, str]

    @property
    def rules(self) -> int:
        return rules_in(self.facts)


@lru_cache(maxsize=256)
def part_of(part: str, rule: str) -> str:
    """The name of a fact about a rule: "the limit of the second rule", "the first amount in the second rule"."""
    return f"{part} in {rule}" if part in AMOUNTS else f"the {part} of {rule}"


FACTS = (
    *(f"the name of {amount}" for amount in AMOUNTS),
    DIRECTION,
    *(f"{amount} in the goal" for amount in AMOUNTS),
    *(name for rule in RULES for name in (f"the kind of {rule}", *(part_of(part, rule) for part in PARTS))),
)
"""The names of all facts there can be, in the order of a checklist."""


def rules_in(facts: Mapping[str, str]) -> int:
    """How many rules facts speak of."""
    return sum(facts.get(f"the kind of {rule}", NONE) != NONE for rule in RULES)


@lru_cache(maxsize=1 << 12)
def number(text: str) -> float | None:
    """The number that a text says: figures, percent, words (twice, a third, thirty percent); None where none."""
    plain = text.casefold().replace("percent", "%")
    if found := FIGURE.search(plain):
        value = float(found[0].replace(",", ""))
    else:
        said = re.findall(r"[a-z]+", plain)
        share = next((SHARES[word] for word in said if word in SHARES), None)
        counts = [WORDS[word] for word in said if word in WORDS]
        if share is None and not counts:
            return None
        value = share if share is not None else _counted(counts)
    return value / 100.0 if "%" in plain else value


def _counted(counts: list[int]) -> float:
    """One hundred thousand = 1 * 100 * 1000; thirty five = 30 + 5."""
    value = 0.0
    for count in counts:
        value = value * count if count >= 100 and value else value + count
    return value


def same(one: str, other: str) -> bool:
    """Whether two values are one: equal as numbers, or as words."""
    if one == other:
        return True
    a, b = number(one), number(other)
    if a is not None and b is not None:
        return abs(a - b) <= 1e-9 * max(1.0, abs(a))
    return one.casefold() == other.casefold()


FILES = {"train": "test.jsonl.gz", "eval": "dev.jsonl.gz"}


@lru_cache(maxsize=1)
def problems() -> tuple[Problem, ...]:
    """Those of NL4Opt: its test file to train on, its dev file to evaluate on."""
    rows = [(split, row) for split, name in FILES.items() for row in _rows(name) if has_goal(row)]
    found = [Problem(f"{split}-{row['id']}", split, row["document"], facts_of(row)) for split, row in rows]
    return tuple({problem.key: problem for problem in found}.values())


def has_goal(row: Mapping[str, Any]) -> bool:
    """Whether the goal was annotated; of three stories it was not."""
    return bool(row["obj_declaration"].get("terms") or row["obj_declaration"].get("vars"))


def facts_of(row: Mapping[str, Any]) -> dict[str, str]:
    """The facts of an annotated story; those that it does not have are none."""
    place, goal = row["order_mapping"], row["obj_declaration"]
    facts = {f"the name of {amount}": name for amount, name in zip(AMOUNTS, row["vars"], strict=False)}
    facts[DIRECTION] = "as low as possible" if goal["direction"].startswith(LOWERS) else "as high as possible"
    terms = goal.get("terms") or dict.fromkeys(goal["vars"], ITSELF)
    facts |= {f"{amount} in the goal": value for amount, value in _ordered(terms, place)}
    for rule, declared in zip(RULES, row["const_declarations"], strict=False):
        facts |= {part_of(part, rule): value for part, value in _parts(declared, place)}
    return {name: plain(facts.get(name, NONE)) for name in FACTS}


def _parts(rule: Mapping[str, Any], place: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """(part, value) of one rule."""
    kind = KINDS[rule["type"]]
    yield "kind", kind
    found = {"sign": SIGNS[rule["operator"]], "limit": rule.get("limit") or rule.get("param") or ""}
    found |= dict(_ordered(rule.get("terms") or {}, place))
    for part, name in (("subject", rule.get("x_var") or rule.get("var")), ("rival", rule.get("y_var"))):
        found |= {part: AMOUNTS[place[name]]} if name else {}
    yield from ((part, found[part]) for part in ASKED_OF[kind] if part in found)


def _ordered(terms: Mapping[str, str], place: Mapping[str, int]) -> list[tuple[str, str]]:
    """(amount, number), by the order of the amounts."""
    return [(AMOUNTS[at], value) for at, value in sorted((place[name], value) for name, value in terms.items())]


def plain(text: str) -> str:
    """As it is said in a sentence."""
    return " ".join(text.split()).strip(" .!?,;:\"'").casefold()


def _rows(name: str) -> Any:
    packed = files("turnwise.worlds").joinpath("data", "nl4opt", name).read_bytes()
    return map(json.loads, gzip.decompress(packed).decode("utf-8").splitlines())
