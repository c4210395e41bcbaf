"""What being asked again does to answers (specs/plan/tti-budget): how often a right one is given up, how often a wrong
one is mended, and what that costs.

An episode tells in its facts whether each answer in turn was right (`answers`), and whether the last one was taken
(`accepted`): `turnwise.worlds.rechecked` notes both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from turnwise.core.types import Episode
from turnwise.measure.estimate import Estimate
from turnwise.measure.intervals import row_mean, success_rate, task_mean
from turnwise.measure.rounds import agent_turns

Answers = Sequence[bool | None]
"""Whether each answer of an episode was right, in order; None where the world does not say."""


@dataclass(frozen=True)
class Attempts:
    """How a number of episodes answered; intervals are clustered by task."""

    success: Estimate  # share of episodes
    accepted: Estimate  # share of the episodes with an answer whose last one was taken; the others ran into the cap
    answers: Estimate  # given per episode
    lost: Estimate  # right, then wrong: per 100 answers
    mended: Estimate  # wrong, then right: per 100 answers
    actions: Estimate  # acts of the agent per episode, answers included
    tokens: Estimate  # read and written per episode: see `tokens_of`


def attempts(episodes: Sequence[Episode]) -> Attempts:
    """All of it, over the first path of each episode."""
    tasks = [e.task.key for e in episodes]
    given = [answers_of(e) for e in episodes]
    of_answer = [task for task, answers in zip(tasks, given, strict=True) for _ in answers]
    taken = [e.ends[0].facts.get("accepted") for e in episodes]
    return Attempts(
        success_rate([None if e.success is None else float(e.success) for e in episodes], tasks),
        success_rate([float(one) for one in taken if one is not None],
                     [task for task, one in zip(tasks, taken, strict=True) if one is not None]),
        task_mean([len(answers) for answers in given], tasks),
        row_mean([mark for answers in given for mark in flips(answers, True)], of_answer),
        row_mean([mark for answers in given for mark in flips(answers, False)], of_answer),
        task_mean([agent_turns(e) for e in episodes], tasks),
        task_mean([tokens_of(e) for e in episodes], tasks),
    )  # fmt: skip


def answers_of(episode: Episode, leaf: int = 0) -> Answers:
    """Whether each answer on a path was right; none where none was given."""
    return tuple(episode.ends[leaf].facts.get("answers", ()))


def flips(answers: Answers, before: bool) -> list[float]:
    """100 for each answer that is the opposite of a last one that was right (`before`) or wrong, else 0; one per
    answer, so that their mean is flips per 100 answers.
    """
    turned = [100.0 * (last is before and now is (not before)) for last, now in pairwise(answers)]
    return [0.0, *turned] if answers else []


def tokens_of(episode: Episode, leaf: int = 0) -> int:
    """Tokens that the agent read and wrote on a path; where no model of ours speaks, words, each page counted once."""
    turns = [episode.turns[i] for i in episode.path(leaf) if episode.turns[i].seat == "agent"]
    held = [turn.tokens for turn in turns if turn.tokens is not None]
    if held:
        return sum(len(tokens.prompt) + len(tokens.reply) for tokens in held)
    return sum(len(message.text.split()) for turn in turns for message in (*turn.seen, turn.message))
