"""Episodes as text: one beside the other, or one turn after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os.path import commonprefix

from rich.table import Table
from rich.text import Text

from turnwise.core.types import End, Episode, Message

LONG_OPENING = 16  # characters
MOST_TURNS = 14  # turns shown of a long episode: the first ones and the last two


@dataclass(frozen=True)
class Exchange:
    """What the agent said, and what came back."""

    number: int  # of the agent's turn, from 1
    said: str
    answer: str


def exchanges(episode: Episode) -> list[Exchange]:
    """The agent's turns with what came back, along the first path."""
    path = [episode.turns[i] for i in episode.path() if episode.turns[i].seat == "agent"]
    leaf = episode.ends[0]
    answers = [new_of(turn.seen, turn.fresh) for turn in path[1:]]
    answers.append(new_of(leaf.seen.get("agent", ()), "agent" in leaf.fresh))
    return [Exchange(n, flat(turn.message.text), answers[n - 1]) for n, turn in enumerate(path, 1)]


def new_of(seen: Sequence[Message], fresh: bool) -> str:
    """The newest texts of what was seen; where the view was given whole, what came after the agent's own last words."""
    if fresh:
        own = [i for i, m in enumerate(seen) if m.role == "assistant"]
        seen = seen[own[-1] + 1 :] if own else seen[-1:]
    return flat(" ".join(m.text for m in seen))


def flat(text: str) -> str:
    """White space as single spaces, on one line."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """A text that does nothing to a terminal: control characters are shown as the sign for what cannot be shown."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def outcome(episode: Episode) -> str:
    """solved in 7 turns, failed after 20, ..."""
    turns = sum(episode.turns[i].seat == "agent" for i in episode.path())
    end = episode.ends[0].end
    how = "" if end is End.DONE else f" (cut: {end.value})"
    word = {True: "solved in", False: "failed after", None: "ended after"}[episode.success]
    return f"{word} {turns} turn{'s' * (turns != 1)}{how}, return {episode.total():g}"


def side_by_side(left: Episode, right: Episode, titles: tuple[str, str]) -> Table:
    """Two episodes of one task, turn by turn; long ones lose their middle."""
    table = Table(expand=True, show_lines=False, title_justify="left", padding=(0, 1))
    for title, episode in zip(titles, (left, right), strict=True):
        table.add_column(f"{title}: {outcome(episode)}", ratio=1, no_wrap=True, overflow="ellipsis")
    both = [exchanges(episode) for episode in (left, right)]
    opening = shared_opening([turn.answer for turns in both for turn in turns[:-1]])
    columns = [rows([replace(turn, answer=without(turn.answer, opening)) for turn in turns]) for turns in both]
    for n in range(max(map(len, columns))):
        table.add_row(*(column[n] if n < len(column) else Text("") for column in columns))
    return table


def shared_opening(answers: Sequence[str]) -> str:
    """The words that all answers begin with, where they are so many that they would hide what differs."""
    opening = commonprefix(list(answers)).rpartition(" ")[0]
    return opening if len(opening) >= LONG_OPENING else ""


def without(answer: str, opening: str) -> str:
    """An answer without what all begin with."""
    return f"...{answer.removeprefix(opening)}" if opening and answer.startswith(opening) else answer


def rows(turns: Sequence[Exchange]) -> list[Text]:
    """A line per turn."""
    if len(turns) <= MOST_TURNS:
        return [row(turn) for turn in turns]
    left_out = Text(f"    ... {len(turns) - MOST_TURNS + 1} turns ...", style="dim")
    return [*(row(turn) for turn in turns[: MOST_TURNS - 3]), left_out, *(row(turn) for turn in turns[-2:])]


def row(turn: Exchange) -> Text:
    """Its number, what was said, what came back."""
    return Text.assemble((f"{turn.number:>3} ", "dim"), turn.said, "  ", (turn.answer, "dim cyan"))
