"""Listening beside acting: policy gradient on what was done, cross-entropy on what should have been believed.

    listening loss = - log pi(the truth | all that was heard, the question), averaged over the tokens of the answers
    (specs/credit/social-deduction-influence; the focal factor is 0, as released)

The two take turns on the same weights, each with its own optimiser: listening's weight is its step size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from turnwise.core.types import Batch, Episode, Signal, Update
from turnwise.learn.credited import RowValues
from turnwise.learn.sequences import Row
from turnwise.learn.surveys import surveys
from turnwise.learn.weights.imitation import Imitation
from turnwise.learn.weights.policy_gradient import PolicyGradient


class Listening:
    """Learner: a policy gradient that also learns the answers to surveys.

    Args:
        actor: learns from credit; with a step size of 0 nothing is learned but listening.
        listener: learns the answers.
        signal: name of the signals whose text is the answer.
        question: what is asked.
    """

    slot = "weights"

    def __init__(self, actor: PolicyGradient, listener: Imitation, signal: str, question: str):
        self.actor, self.listener, self.signal, self.question = actor, listener, signal, question
        self.needs = actor.needs

    def rows(self, episodes: Sequence[Episode]) -> list[Row]:
        """As the actor reads them."""
        return self.actor.rows(episodes)

    def values(self, rows: Sequence[Row]) -> list[RowValues] | None:
        """The actor's critic."""
        return self.actor.values(rows)

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """Act, then listen; one update, which also says what the agent believed before."""
        (acted,) = self.actor.learn(batch, progress)
        asked = surveys(batch.episodes, batch.signals, self.signal, self.question)
        if not asked:
            return [acted]
        (heard,) = self.listener.learn(Batch(asked))
        self.actor.policy.version = acted.after  # nothing was sampled in between: it is one change
        change = {f"listening_{name}": heard.change[name] for name in ("loss", "gradient_norm")}
        return [replace(acted, change={**acted.change, **change, **believed(batch.signals, self.signal)})]

    def save(self, directory: Path) -> None:
        """Both, each in its own files."""
        self.actor.save(directory)
        self.listener.save(directory)

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.actor.load(directory)
        self.listener.load(directory)


def believed(signals: Sequence[Signal], name: str) -> dict[str, float]:
    """Mean probability that the agent put on the truth where it was asked; nothing where nobody did."""
    found = [s.value for s in signals if s.name == name and s.value is not None]
    return {"belief": float(np.mean(found))} if found else {}
