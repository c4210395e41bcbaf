"""Where a conversation with somebody imagined stands: what was heard, taken for what this person said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from turnwise.users.acts import DialogueAct
from turnwise.users.person import Person, Standing
from turnwise.worlds.conversation import Exchange


def resumed(person: Person, exchanges: Sequence[Exchange], of_use: Callable[[DialogueAct], bool]) -> Standing:
    """The standing of a person after exchanges that are known from a view alone.

    Args:
        person: drawn anew, so that what it hides fits what was heard.
        exchanges: without the opening; what the agent did, and what was answered.
        of_use: which acts count as useful though nothing new was told.
    """
    standing = person.begin()
    for exchange in exchanges:
        act, told = exchange.act, dict(standing.told)
        told |= {said.about: said.value for said in exchange.answer if said.kind == "inform" and said.about}
        useful = told != standing.told or (act is not None and of_use(act))
        state = standing.state if act is None else person.discloses.hear(standing.state, act, standing.facts)
        standing = replace(
            standing,
            state=state,
            turn=standing.turn + 1,
            told=told,
            idle=0 if useful else standing.idle + 1,
            wasted=standing.wasted + (not useful),
        )
    return standing
