"""Lay several credit rules on the episodes of a run's last evaluation, beside the truth where the world knows it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from turnwise.api.runs import Run
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import CreditTable, Episode
from turnwise.credit import RULES
from turnwise.learn.credited import RowValues, credit_table
from turnwise.learn.sequences import Row, rows_of
from turnwise.measure.report.beside import TRUTH, Laid

RECORD_IS_ENOUGH = frozenset({"group", "state"})
"""What every record of an evaluation gives: each task several times, and what was seen."""

BY_DEFAULT = ("reward-to-go", "rloo", "grpo", "gigpo")


def lay(run: Run, rules: Sequence[str] = ()) -> Laid:
    """Credit of the last evaluation's episodes under several rules.

    Args:
        rules: names; `exact` is the truth, the advantages of the run's final policy in a world with exact values. By
            default a few that need the record alone, and the truth where there is one.

    Raises:
        UnknownName: no such rule.
        TurnwiseError: a rule that was asked for and cannot be laid.
    """
    if run.after is None:
        raise TurnwiseError(
            f"{run.path} has no last evaluation", "a run that is complete", f"turnwise train --resume {run.path}"
        )
    episodes = list(run.after.episodes)
    for name in rules:
        if name not in RULES:
            raise UnknownName("credit rule", name, RULES)
    rows, tables, left_out = rows_of(episodes), [], []
    for name in rules or (TRUTH, *BY_DEFAULT):
        try:
            tables.append(truth(run, episodes) if name == TRUTH else laid(run, name, episodes, rows))
        except TurnwiseError as error:
            if rules:
                raise
            left_out.append(f"{name}: {error.found}")
    return Laid(episodes, tables, left_out)


def laid(run: Run, name: str, episodes: Sequence[Episode], rows: Sequence[Row]) -> CreditTable:
    """One rule's credit; its critic, if it needs one, is the run's final policy."""
    rule = RULES[name]()
    missing = rule.needs - RECORD_IS_ENOUGH - {"critic", "token_critic"}
    if missing:
        raise TurnwiseError(
            f"rule {name!r} needs {', '.join(sorted(missing))}, which an evaluation does not have",
            "a rule that reads the record, or a critic",
            "lay it where its signals are: in a recipe with that feedback",
        )
    values = critic(run, rows) if rule.needs & {"critic", "token_critic"} else None
    return credit_table(rule, episodes, rows, values)


def critic(run: Run, rows: Sequence[Row]) -> list[RowValues]:
    """What the final policy's value head says along the rows.

    Raises:
        TurnwiseError: the policy has none.
    """
    from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings

    policy = run.policy()
    if policy.critics != 1:
        raise TurnwiseError(
            f"the policy of {run.path} has {policy.critics} value heads",
            "one: a run of a recipe with a critic",
            "leave that rule out",
        )
    return PolicyGradient(policy, PolicyGradientSettings(), run.spec.seed).values(rows) or []


def truth(run: Run, episodes: Sequence[Episode]) -> CreditTable:
    """Exact advantages of the final policy.

    Raises:
        TurnwiseError: the world is too large to know them.
    """
    from turnwise.models.law import law_of

    world, policy = run.spec.world, run.policy()
    acts = legal_acts(run, episodes)
    exact = world.exact(law_of(policy, acts))
    values = []
    for episode in episodes:
        found = np.full(len(episode.turns), np.nan)
        found[episode.path()] = exact.advantages(episode)
        values.append(found.tolist())
    return CreditTable(TRUTH, "turn", values)


def legal_acts(run: Run, episodes: Sequence[Episode]) -> Sequence[str]:
    """The legal texts of the world, as its first moment lists them.

    Raises:
        TurnwiseError: it lists none.
    """
    from turnwise.core.chance import Chance

    moment = run.spec.world.live().reset(episodes[0].task, Chance(0))
    if not moment.legal:
        raise TurnwiseError(
            f"{run.spec.world.name} has no list of legal acts", "a world with exact values", "leave out exact"
        )
    return tuple(moment.legal)
