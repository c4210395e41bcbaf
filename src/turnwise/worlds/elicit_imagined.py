"""Another problem that somebody could have who has said what was heard."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from turnwise.core.chance import Chance
from turnwise.worlds.elicit_programs import NONE, PARTS, RULES, part_of, problems


def imagined(told: Mapping[str, str], chance: Chance) -> dict[str, str]:
    """Facts that agree with all that was heard.

    A problem to train on that has the facts which were heard of, and lacks those that were said to be none, or one that
    differs in as few as can be; then what was heard takes the place of what it says, and a rule of another kind than
    was heard that of another problem's rule of this kind.

    Args:
        told: fact -> what was said of it.
    """
    donors = _donors(tuple(sorted((name, form(name, value)) for name, value in told.items())))
    facts = dict(problems()[chance.choice(donors, "imagined problem")].facts)
    for rule in RULES:
        kind = told.get(f"the kind of {rule}")
        if kind is not None and facts[f"the kind of {rule}"] != kind:
            facts |= {part_of(part, rule): NONE for part in ("kind", *PARTS)}
            facts |= _rule_of(kind, rule, chance) if kind != NONE else {}
    return facts | dict(told)


def form(name: str, value: str) -> str:
    """What a fact says about the form of a problem: of rules their kind, else whether there is such a thing."""
    return value if name.startswith("the kind") or value == NONE else ""


@lru_cache(maxsize=1 << 12)
def _donors(heard: tuple[tuple[str, str], ...]) -> tuple[int, ...]:
    """The numbers of the problems to train on that agree best with a form."""
    scores = {
        number: sum(form(name, problem.facts[name]) == value for name, value in heard)
        for number, problem in enumerate(problems())
        if problem.split == "train"
    }
    best = max(scores.values())
    return tuple(number for number, score in scores.items() if score == best)


def _rule_of(kind: str, rule: str, chance: Chance) -> dict[str, str]:
    """A rule of a kind, of any problem, under the name of another rule."""
    found = _rules_by_kind()[kind]
    return {part_of(part, rule): value for part, value in chance.choice(found, f"imagined {rule}")}


@lru_cache(maxsize=1)
def _rules_by_kind() -> dict[str, list[tuple[tuple[str, str], ...]]]:
    """Kind -> rules, each as (part, value)."""
    found: dict[str, list[tuple[tuple[str, str], ...]]] = {}
    for facts in (problem.facts for problem in problems() if problem.split == "train"):
        for rule in RULES:
            parts = [(part, facts[part_of(part, rule)]) for part in ("kind", *PARTS)]
            said = tuple((part, value) for part, value in parts if value != NONE)
            if said:
                found.setdefault(said[0][1], []).append(said)
    return found
