"""The table of methods, made from the recipes and from the evidence beside them: docs/METHODS.md.

python -m turnwise.recipes.methods > docs/METHODS.md
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable
from importlib import resources
from typing import Any

from turnwise.credit.rule import CreditRule
from turnwise.recipes import RECIPES
from turnwise.recipes.base import Recipe, Trial, table_of

HEAD = """# Methods

Made by `python -m turnwise.recipes.methods > docs/METHODS.md` from the recipes and the evidence beside them; a test
compares. Every method runs on the same loop and the same episodes, and differs in the parts named here.
[How to add one](recipes.md).
"""

NEEDS = {
    "group": "several episodes of each task",
    "critic": "a value head, read once per turn",
    "token_critic": "a value head, read at every token",
    "state": "observations that come again",
    "signals": "a judge of turns or episodes",
    "branches": "an explorer that branches",
    "pairs": "several episodes of each task, or preferences",
    "records": "recorded episodes with rewards, good ones and bad",
    "replay": "turns of all rounds",
    "search": "a world that can be played on from any turn",
    "edits": "a user who edits drafts",
}
"""What a credit rule or a learner needs, in words."""

UNSHOWN = {
    "no rule": "what imitation adds to a pretrained model that can be told what to do",
    "nothing": "whether credit without a baseline of its own is quiet enough where a reply has hundreds of tokens",
    "group": "whether the episodes of one task still end differently when the model is strong, and are worth the price "
    "of several long ones",
    "critic": "whether a value head learns on a pretrained model's hidden states, over histories of thousands of "
    "tokens, as fast as here",
    "token_critic": "whether a value can be learned at each of the hundreds of tokens of a reply, where here a reply "
    "has about ten",
    "state": "how often a state comes again, to the letter, where a history is thousands of tokens of free text",
    "signals": "how good the judge is, and what a strong policy finds that pleases it",
    "branches": "whether a branch is worth its price where each costs a long episode",
    "pairs": "whether the log-ratios of hundreds of tokens per turn, summed over a path, still tell the turns that "
    "mattered from those that did not",
    "replay": "whether a critic of whole utterances generalises over histories of thousands of tokens, where here it "
    "has met most states before",
    "search": "whether a search is worth its price where each try costs a long turn, and finds what the policy alone "
    "does not",
    "edits": "whether a model can read what somebody wants from free edits, whether phrases for it carry over to other "
    "drafts, and how noisy people's edits are beside those of a program",
    "records": "whether what single words are worth can be learned over a vocabulary of a hundred thousand, of which "
    "the data holds a few in any one state",
}
"""What a method leans on -> what experiments with small models from random weights cannot say about it."""


def methods(recipes: Iterable[Recipe]) -> str:
    """The page, Markdown: a table, a section per method, and what stays unshown.

    Args:
        recipes: in the order in which they shall stand.
    """
    found = list(recipes)
    table = [
        "| method | what it is | credit | needs | claim held |",
        "|---|---|---|---|---|",
        *(line(recipe) for recipe in found),
    ]
    parts = [HEAD, "\n".join(table) + "\n", *(section(recipe) for recipe in found), unshown(found)]
    return "\n".join(parts)


def line(recipe: Recipe) -> str:
    """A line of the table."""
    rule, needs = rule_of(recipe), needs_of(recipe)
    cells = [
        f"[{recipe.name}](#{recipe.name})",
        recipe.title,
        f"`{rule.name}`" if rule else f"none: {recipe.instead}",
        "; ".join(NEEDS.get(need, need) for need in needs) or "nothing",
        held(evidence(recipe.name)),
    ]
    return f"| {' | '.join(cells)} |"


def section(recipe: Recipe) -> str:
    """One method: source, claim, evidence, and the settings that are its own."""
    last, claim = evidence(recipe.name), recipe.claim
    lines = [
        f"## {recipe.name}\n",
        f"{recipe.title}. Source: {recipe.source}.\n",
        f"- Claim: {claim.says}; against: {claim.against}.",
        f"- Shown by: `turnwise check {recipe.name}`: {experiment(recipe.claim.trial)}.",
        f"- Last evidence: {last.get('summary', held(last)) if last else held(last)}",
    ]
    own = own_settings(recipe)
    if own:
        lines += ["", "| setting | default | what it does | source of the default |", "|---|---|---|---|"]
        lines += [f"| `{name}` | `{default!r}` | {says} | {source} |" for name, default, says, source in own]
    return "\n".join(lines) + "\n"


def experiment(trial: Trial) -> str:
    """A trial in a few words."""
    asked = [f"{name}={value}" for name, value in trial.settings.items()]
    asked += [f"world.{name}={value}" for name, value in trial.world_settings.items()]
    return ", ".join([trial.world, f"by {trial.by}", f"{trial.seeds} seeds", *asked])


def unshown(recipes: Iterable[Recipe]) -> str:
    """What no experiment here can say."""
    lean: dict[str, list[str]] = {}
    for recipe in recipes:
        rule = rule_of(recipe)
        for need in needs_of(recipe) or (("nothing",) if rule else ("no rule",)):
            lean.setdefault(need, []).append(recipe.name)
    lines = [
        "## What stays unshown until a large language model is plugged in\n",
        "All evidence is of small transformers that begin from random weights and imitate a scripted player, or of "
        "programs where nothing but a memory is learned. It says how methods do there, and nothing yet about this:\n",
        *(f"- {', '.join(lean[need])}: {says}." for need, says in UNSHOWN.items() if need in lean),
    ]
    return "\n".join(lines) + "\n"


def rule_of(recipe: Recipe) -> type[CreditRule] | None:
    """The credit rule that the recipe's file imports, None where it imports none; one that hands rewards on to another
    stands before that other.
    """
    from turnwise.credit import RULES
    from turnwise.credit.shaping import Shaping

    there = vars(sys.modules[recipe.build.__module__]).values()
    found = [rule for rule in RULES.values() if any(rule is part for part in there)]
    return min(found, key=lambda rule: not issubclass(rule, Shaping), default=None)


def needs_of(recipe: Recipe) -> list[str]:
    """What it cannot work without, by name: what its credit rule needs, and what else the recipe says."""
    rule = rule_of(recipe)
    return sorted({*recipe.leans, *(rule.needs if rule else ())})


def own_settings(recipe: Recipe) -> list[tuple[str, Any, str, str]]:
    """The settings that the recipe adds, or whose default it changes."""
    base = next((kind for kind in recipe.settings.__mro__[1:] if dataclasses.is_dataclass(kind)), recipe.settings)
    common = table_of(base)
    return [row for row in table_of(recipe.settings, recipe.changes) if row not in common]


def evidence(name: str) -> dict[str, Any] | None:
    """What the last check of a claim found: {held, summary, ...}; None where it was never checked."""
    file = resources.files("turnwise.recipes") / "evidence" / f"{name}.json"
    return json.loads(file.read_text()) if file.is_file() else None


def held(found: dict[str, Any] | None) -> str:
    """Whether the claim held."""
    if found is None or found.get("held") is None:
        return "not measured yet"
    return "yes" if found["held"] else "no"


if __name__ == "__main__":
    sys.stdout.write(methods(RECIPES.get(name) for name in RECIPES))
