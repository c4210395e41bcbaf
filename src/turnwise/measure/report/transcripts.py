"""Which episodes the report shows, and how: the same task before and after, and training episodes with their credit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from turnwise.core.types import CreditTable, Episode, Message
from turnwise.measure.report.page import plain, signed
from turnwise.measure.report.record import Record, credit_of
from turnwise.measure.rounds import agent_turns

LONG = 700
"""Characters from which a message is folded."""

MANY = 20
"""Messages of an episode that are shown unfolded."""

KINDS = (
    ((False, True), "unsolved before, solved after"),
    ((True, False), "solved before, unsolved after"),
    ((False, False), "unsolved both times"),
    ((True, True), "solved both times"),
)
SHOWN = {(False, True): 2}
"""How many pairs of a kind are shown; one of every other kind."""


@dataclass(frozen=True)
class Said:
    """One bubble."""

    who: str  # label: the role, and the writer where that is another
    side: str  # ours (the acting seat) or theirs
    text: str
    calls: tuple[str, ...] = ()
    reward: str | None = None
    credit: str | None = None
    strength: float = 0.0  # -1..1, how strongly the credit colours the bubble

    @property
    def long(self) -> bool:
        """Whether the page folds it."""
        return len(self.text) > LONG


@dataclass(frozen=True)
class Column:
    """One episode, as read from its first path."""

    title: str
    outcome: str
    hue: str  # before, after or train
    bubbles: Sequence[Said]
    rest: Sequence[Said] = ()  # what the page folds away


@dataclass(frozen=True)
class Pair:
    """Two episodes side by side."""

    title: str
    columns: Sequence[Column]


@dataclass(frozen=True)
class Gallery:
    """Pairs with what they have in common."""

    says: str
    pairs: Sequence[Pair]
    rule: str = ""  # the credit rule that colours them
    bound: str = ""  # credit at full colour


Credits = Mapping[str, tuple[CreditTable, int]]


def evaluation_gallery(record: Record) -> Gallery:
    """Before and after on the same tasks: the first pairs of each kind in task order, so nothing is hand-picked."""
    after = {e.task.key: e for e in reversed(record.after)}
    before = {e.task.key: e for e in reversed(record.before)}
    shared = [key for key in dict.fromkeys(e.task.key for e in record.before) if key in after]
    if not shared:
        return Gallery("There are no two evaluations on the same tasks in this run folder.", alone(record))
    credits = {**credits_of(record, "evaluate-before"), **credits_of(record, "evaluate-after")}
    kinds = {key: (before[key].success, after[key].success) for key in shared}
    counts = Counter(kinds.values())
    chosen: list[tuple[str, str]] = []
    for kind, words in KINDS:
        of_kind = [key for key in shared if kinds[key] == kind][: SHOWN.get(kind, 1)]
        chosen += [(key, f"{words} ({counts[kind]} of {len(shared)} tasks)") for key in of_kind]
    chosen = chosen or [(key, "not scored") for key in shared[:2]]
    bound = full_colour([e for key, _ in chosen for e in (before[key], after[key])], credits)
    pairs = [
        Pair(
            f"Task {key}: {words}",
            [
                column(before[key], "before", "before", credits, bound),
                column(after[key], "after", "after", credits, bound),
            ],
        )
        for key, words in chosen
    ]
    says = "The first of each kind in task order, first trial: nothing is hand-picked."
    if not any(e.id in credits for key, _ in chosen for e in (before[key], after[key])):
        says += " Evaluation episodes carry no credit in this run; training episodes below do."
    return Gallery(says, pairs, *rule_of(credits, bound))


def alone(record: Record) -> list[Pair]:
    """A few episodes of the only evaluation."""
    episodes = [*record.after, *record.before]
    first = [next((e for e in episodes if e.success is kind), None) for kind in (True, False, None)]
    name = "after" if record.after else "before"
    return [Pair(f"Task {e.task.key}", [column(e, "evaluation", name, {}, 1.0)]) for e in first if e is not None]


def training_gallery(record: Record) -> Gallery:
    """The first against the last round of the last stage that has credit."""
    rounds = record.folder.stages()
    stages = [str(line.get("stage")) for line in record.training]
    for stage in reversed(dict.fromkeys(s for s in stages if s in rounds)):
        ends = list(dict.fromkeys((rounds[stage][0], rounds[stage][-1])))
        credits = {id: found for round in ends for id, found in credit_of(record.folder, stage, round).items()}
        if credits:
            return rounds_gallery(record, stage, ends, credits)
    return Gallery("No credit was written in this run folder (credit/ is empty), so no turn can be coloured by it.", [])


def rounds_gallery(record: Record, stage: str, ends: Sequence[int], credits: Credits) -> Gallery:
    """Episodes of two rounds, coloured by their credit: two tasks that both rounds have, or the first of each."""
    played = {round: [e for e in record.folder.episodes(stage, [round]) if e.id in credits] for round in ends}
    tasks = [list(dict.fromkeys(e.task.key for e in episodes)) for episodes in played.values()]
    shared = [key for key in tasks[0] if all(key in keys for keys in tasks)]
    picks = [[next(e for e in played[r] if e.task.key == key) for r in ends] for key in shared[:2]]
    picks = picks or [[e for e in pick if e] for pick in zip(*(list(played[r])[:2] for r in ends), strict=False)]
    bound = full_colour([e for pick in picks for e in pick], credits)
    pairs = [
        Pair(
            " and ".join(dict.fromkeys(f"Task {e.task.key}" for e in pick)),
            [column(e, f"{stage}, round {r}", "train", credits, bound) for e, r in zip(pick, ends, strict=True)],
        )
        for pick in picks
    ]
    same = "The same tasks in" if shared else "The first episodes of"
    return Gallery(f"{same} the first and the last round of {stage}.", pairs, *rule_of(credits, bound))


def credits_of(record: Record, stage: str) -> Credits:
    """Credit of an evaluation, where somebody computed it."""
    rounds = record.folder.stages().get(stage, [])
    return credit_of(record.folder, stage, rounds[-1]) if rounds else {}


def rule_of(credits: Credits, bound: float) -> tuple[str, str]:
    """Name of the rule and the credit at full colour, empty without credit."""
    if not credits:
        return "", ""
    table, _ = next(iter(credits.values()))
    return table.name + (" (mean over the turn's tokens)" if table.unit == "token" else ""), plain(bound, 2)


def full_colour(episodes: Sequence[Episode], credits: Credits) -> float:
    """The credit that gets the strongest colour: the 95th percentile of its size on these episodes."""
    sizes = [abs(c) for e in episodes for t in range(len(e.turns)) if (c := turn_credit(e, t, credits)) is not None]
    return float(np.quantile(sizes, 0.95)) or 1.0 if sizes else 1.0


def turn_credit(episode: Episode, turn: int, credits: Credits) -> float | None:
    """Credit of a turn, the mean where it lies on tokens; None where there is none."""
    if episode.id not in credits:
        return None
    table, place = credits[episode.id]
    value = np.asarray(table.values[place][turn], float)
    return None if value.size == 0 or np.isnan(value).all() else float(np.nanmean(value))


def column(episode: Episode, title: str, hue: str, credits: Credits, bound: float) -> Column:
    """The first path, seen from the seat that acts most often in it (the agent, where it acts)."""
    path = episode.path() if episode.ends else []
    seats = Counter(episode.turns[i].seat for i in path)
    seat = "agent" if "agent" in seats or not seats else seats.most_common(1)[0][0]
    bubbles: list[Said] = []
    for index in path:
        turn = episode.turns[index]
        if turn.seat != seat:
            continue
        bubbles += [bubble(m, "theirs") for m in turn.seen]
        credit, reward = turn_credit(episode, index, credits), turn.rewards.get(seat)
        bubbles.append(
            Said(
                turn.message.writer or seat,
                "ours",
                turn.message.text,
                calls_of(turn.message),
                None if reward is None else signed(reward, 2),
                None if credit is None else signed(credit, 2),
                0.0 if credit is None else float(np.clip(credit / bound, -1, 1)),
            )
        )
    leaf = episode.ends[0] if episode.ends else None
    bubbles += [bubble(m, "theirs") for m in (leaf.seen.get(seat, ()) if leaf else ())]
    return Column(title, outcome(episode), hue, bubbles[:MANY], bubbles[MANY:])


def bubble(message: Message, side: str) -> Said:
    """What the seat saw."""
    who = message.role if message.writer in (None, message.role) else f"{message.role} ({message.writer})"
    return Said(who, side, message.text, calls_of(message))


def calls_of(message: Message) -> tuple[str, ...]:
    """Tool calls as text."""
    return tuple(f"{call.get('name')}({arguments(call.get('arguments'))})" for call in message.calls)


def arguments(given: Any) -> str:
    """Arguments of a call as people write them."""
    return ", ".join(f"{k}={v!r}" for k, v in given.items()) if isinstance(given, Mapping) else str(given or "")


def outcome(episode: Episode) -> str:
    """How it went, in one line."""
    if not episode.ends:
        return "nothing was recorded"
    leaf = episode.ends[0]
    known = {True: "solved", False: "not solved", None: "not scored"}[episode.success]
    end = "over" if leaf.end.terminal else f"cut ({leaf.end.value})"
    paths = f", first of {len(episode.ends)} paths" if len(episode.ends) > 1 else ""
    turns = agent_turns(episode)
    total = f"return {plain(episode.total(), 2)}"
    error = f": {leaf.error}" if leaf.error else ""
    return f"{known}, {end} after {turns} turn{'' if turns == 1 else 's'}, {total}{paths}{error}"
