"""Where a conversation with a person stands, as far as it can be seen from what was said: for imagined worlds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from turnwise.users.acts import DialogueAct
from turnwise.users.person import Person, Standing

Heard = tuple[DialogueAct | None, tuple[DialogueAct, ...]]
"""What the agent did, None where the person could not read it; and what the person did."""


def recall(
    person: Person,
    begin: Standing,
    exchanges: Iterable[Heard],
    of_use: Callable[[DialogueAct], bool] = lambda act: False,
) -> Standing:
    """The standing that these exchanges lead to, with the person's own facts. `Person.reply` reaches the same, unless a
    mind changed unseen.

    Args:
        of_use: which acts the world counts as useful though nothing new was told.
    """
    standing = begin
    for act, said in exchanges:
        told = {**standing.told, **{one.about: one.value for one in said if one.kind == "inform" and one.about}}
        useful = told != standing.told or (act is not None and of_use(act))
        standing = replace(
            standing,
            state=standing.state if act is None else person.discloses.hear(standing.state, act, standing.facts),
            turn=standing.turn + 1,
            told=told,
            idle=0 if useful else standing.idle + 1,
            wasted=standing.wasted + (not useful),
        )
    return standing
