"""Side questions as episodes of one turn: what was in view, the question, and the right answer to learn."""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.core.types import ROOT, End, Episode, Leaf, Message, Signal, Turn
from turnwise.core.views import views_along


def surveys(episodes: Sequence[Episode], signals: Sequence[Signal], name: str, question: str) -> list[Episode]:
    """One episode per signal of that name, in their order; the signal's text is the answer.

    The game's own turns are left as they are: their tokens stand in the view and carry no loss.
    """
    of_id = {episode.id: episode for episode in episodes}
    views = {(e.id, leaf): views_along(e, leaf) for e in episodes for leaf in range(len(e.ends))}
    found = []
    for signal in signals:
        if signal.name != name or signal.turn is None or signal.text is None or signal.episode not in of_id:
            continue
        view = views[signal.episode, signal.leaf][signal.turn]
        seen = (*view, Message("user", question + "\n"))
        turn = Turn(ROOT, 0, signal.seat, seen, Message("assistant", signal.text), {})
        id = f"{signal.episode}/{name}/{signal.turn}"
        found.append(Episode(id, of_id[signal.episode].task, (turn,), (Leaf(0, End.DONE),)))
    return found
