"""Golden playthroughs: one text file per world, and per setting that changes its texts, with everything shown, said,
earned and noted in one fixed game.

After an intended change of a world, write them anew and read the difference before it is committed:

    python tests/golden/playthrough.py            all of them; or name some
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor
from turnwise.core.types import Act, Message
from turnwise.worlds import WORLDS, make

HERE = Path(__file__).parent

GAMES = {name: (name, {}) for name in WORLDS} | {"wordle-beside": ("wordle", {"answers": "beside"})}
"""File -> world and its settings."""


def play_through(file: str) -> str:
    """A game of the world's first expert, who once says something that is no move; in the other seats are those who are
    imitated there.
    """
    name, settings = GAMES[file]
    world = make(name, **settings)
    expert, task = sorted(world.experts)[0], world.tasks("eval")[7]
    rules = {seat: world.expert(seat=seat) for seat in world.demonstrators} | {"agent": world.expert(expert)}
    cursor = Cursor(world.live(), task, Chance(key_of("golden", name)))
    lines = [f"world {name} {json.dumps(world.settings())}", f"hash {world.hash()}", f"player {expert}"]
    lines += [f"task {task.key} {json.dumps(task.params)}"]
    cursor.begin()
    while True:
        seat = cursor.moment.to_act[0] if cursor.open else "agent"
        lines += [f"  {m.role}: {m.text!r}" for m in cursor.seats[seat].new]
        lines += [f"  {name} {value}" for name, value in notes(cursor)]
        if not cursor.open:
            return "\n".join(lines) + "\n"
        view = cursor.view(seat)
        strays = seat == "agent" and cursor.turns_taken == 1
        text = "this is no move" if strays else rules[seat](view, generator(view.chance_key))
        lines += [f"{view.tick} {seat}, {len(view.messages)} in view{', fresh' if view.fresh else ''}: {text!r}"]
        cursor.take({seat: Act(Message("assistant", text))})


def notes(cursor: Cursor) -> list[tuple[str, str]]:
    """What the moment says besides its texts; legal moves once, at the start."""
    moment = cursor.moment
    found = [("rewards", dict(moment.rewards)), ("facts", dict(moment.facts)), ("draws", cursor.chance.log)]
    found += [("legal", None if moment.rewards else moment.legal), ("keep", dict(moment.keep)), ("end", moment.end)]
    return [(name, json.dumps(value)) for name, value in found if value]


if __name__ == "__main__":
    for file in sys.argv[1:] or GAMES:
        (HERE / f"{file}.txt").write_text(play_through(file), "utf-8")
