"""What every credit rule gets and gives: flat arrays over the agent turns of a batch of episodes.

A rule is a pure function of `CreditInput`. It hands back one number per agent turn or per token, which a
learner uses as A in  sum A * grad log pi.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar, Literal, Protocol

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.ragged import check_starts, piece_sums, spread

Unit = Literal["turn", "token"]

NEEDS = {
    "group": ("group_E",),
    "critic": ("values_T",),
    "token_critic": ("token_values_N", "token_starts_T1"),
    "state": ("state_T",),
    "signals": ("signals_T",),
    "branches": ("node_T",),
}
"""What a rule may need, and the fields that meet it. A rule with "signals" names those that it reads by default in the
class variables `reads_T` (of turns) and `reads_E` (of episodes); its settings can name others."""

HOW_TO_GIVE = {
    "group_E": "collect several episodes per task and pass the id of each episode's group",
    "values_T": "train a critic that speaks once per turn, or choose rloo, grpo or reward-to-go",
    "token_values_N": "train a token critic, or choose rloo, grpo or reward-to-go",
    "state_T": "number the observations: equal ids for states that look alike",
    "node_T": "number the turns of the trees: equal ids where paths share a turn",
    "token_starts_T1": "pass the offsets of each turn's tokens, or choose a setting that counts turns",
}

CUTS = {"starts_E1": "T", "token_starts_T1": "N"}
"""Offsets, and the axis that they cut into pieces."""

KINDS = {
    "done_E": np.bool_,
    "group_E": np.int64,
    "task_E": np.int64,
    "state_T": np.int64,
    "node_T": np.int64,
    "token_mask_N": np.bool_,
}
"""Types of the arrays that are not float64."""


@dataclass(frozen=True, eq=False)
class CreditInput:
    """The record of one batch. Every array is checked and converted when the object is made.

    A name ends in its axis: E episodes, T agent turns, N tokens; offsets (E1, T1) have one entry more. Only
    agent turns are counted: what users and tools say between them is part of the state.
    """

    rewards_T: np.ndarray  # float64: earned by each agent turn, up to the agent's next one; world units
    starts_E1: np.ndarray  # int64: turns of episode e are starts_E1[e]:starts_E1[e + 1]
    done_E: np.ndarray  # bool: True = terminal, nothing follows; False = cut, what follows may be bootstrapped
    group_E: np.ndarray | None = None  # int64: id of the group of repeats that an episode belongs to
    task_E: np.ndarray | None = None  # int64: id of the task; several groups may share one
    values_T: np.ndarray | None = None  # float64: critic at the state before each turn
    bootstrap_E: np.ndarray | None = None  # float64: critic at the state after the last turn; read where cut
    token_starts_T1: np.ndarray | None = None  # int64: where the tokens of each turn begin, as starts_E1
    token_mask_N: np.ndarray | None = None  # bool: True where the policy sampled the token; None: everywhere
    token_values_N: np.ndarray | None = None  # float64: critic at the position that predicts each token
    token_rewards_N: np.ndarray | None = None  # float64: earned by single tokens besides their turn's reward (a KL)
    state_T: np.ndarray | None = None  # int64: id of what the agent saw before each turn; equal ids look alike
    node_T: np.ndarray | None = None  # int64: id of the turn in its tree; equal where episodes (paths) share the turn
    signals_T: Mapping[str, np.ndarray] = field(default_factory=dict)  # float64 (T,) each: judgements of turns, by name
    signals_E: Mapping[str, np.ndarray] = field(default_factory=dict)  # float64 (E,) each: of episodes; nan: not judged

    def __post_init__(self) -> None:
        tokens = self.token_starts_T1
        sizes = {"E": np.size(self.starts_E1) - 1, "T": np.size(self.rewards_T)}
        sizes["N"] = int(np.asarray(tokens).flat[-1]) if tokens is not None and np.size(tokens) else 0
        sizes |= {"E1": sizes["E"] + 1, "T1": sizes["T"] + 1}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value is None:
                continue
            axis = entry.name.rpartition("_")[2]
            if isinstance(value, Mapping):
                held = {name: _sized(name, _signal(name, v), axis, sizes) for name, v in value.items()}
                object.__setattr__(self, entry.name, held)
                continue
            if axis == "N" and tokens is None:
                raise TurnwiseError(
                    f"{entry.name} without token_starts_T1",
                    "offsets that give each turn its tokens",
                    "pass both",
                )
            array = (
                check_starts(value, sizes[CUTS[entry.name]], entry.name)
                if entry.name in CUTS
                else _flat(entry.name, value, KINDS.get(entry.name, np.float64))
            )
            object.__setattr__(self, entry.name, _sized(entry.name, array, axis, sizes))

    @property
    def returns_E(self) -> np.ndarray:
        """Undiscounted sum of rewards of each episode, in world units."""
        return piece_sums(self.rewards_T, self.starts_E1)

    @property
    def sampled_N(self) -> np.ndarray:
        """The token mask, with "everywhere" written out."""
        tokens = self.given("token_starts_T1")[-1]
        return np.ones(tokens, dtype=bool) if self.token_mask_N is None else self.token_mask_N

    @property
    def sampled_per_turn_T(self) -> np.ndarray:
        """How many tokens of each turn the policy sampled."""
        return piece_sums(self.sampled_N.astype(np.float64), self.given("token_starts_T1"))

    def given(self, name: str, rule: str = "this setting") -> np.ndarray:
        """An array that may be missing.

        Raises:
            TurnwiseError: it is; says who asked and how to provide it.
        """
        array = getattr(self, name)
        if array is None:
            raise TurnwiseError(
                f"{rule} needs {name}, and the batch has none",
                f"a CreditInput with {name}",
                HOW_TO_GIVE[name],
            )
        return array

    def signal(self, name: str, rule: str, of: Literal["turn", "episode"] = "turn") -> np.ndarray:
        """A judgement by name: float64 (T,) of turns, (E,) of episodes, all of them judged.

        Raises:
            TurnwiseError: nobody judged that, or not every one; says what there is.
        """
        held = self.signals_T if of == "turn" else self.signals_E
        if name not in held:
            raise TurnwiseError(
                f"{rule} reads the signal {name!r} of every {of}, and the batch has none",
                f"one of: {', '.join(held)}" if held else "a judge that scores it",
                f"add feedback that gives {name!r}, or set the rule's signal to one that there is",
            )
        missing = np.isnan(held[name])
        if missing.any():
            raise TurnwiseError(
                f"{rule} reads the signal {name!r} of every {of}, and {missing.sum()} of {len(missing)} have none "
                f"(the first is number {np.argmax(missing)})",
                "a number for each: not judged is not zero",
                "let the judge score them all, or leave out the episodes that it could not",
            )
        return held[name]


@dataclass(frozen=True, eq=False)
class CreditResult:
    """One rule's credit for a batch."""

    unit: Unit
    credit: np.ndarray  # float64, (T,) or (N,) by unit; 0 on tokens that the policy did not sample
    targets_T: np.ndarray | None = None  # float64: what the turn critic should say; None without one
    token_targets_N: np.ndarray | None = None  # float64: what the token critic should say, at sampled tokens
    critics: Mapping[str, CreditResult] = field(default_factory=dict)  # of each critic by name, where there are several

    def on_tokens(self, x: CreditInput) -> np.ndarray:
        """Credit of every token (N,): a turn's credit is copied to its sampled tokens, the others get 0."""
        if self.unit == "token":
            return self.credit
        return np.where(x.sampled_N, spread(self.credit, x.given("token_starts_T1")), 0.0)


class CreditRule(Protocol):
    """A rule with its settings: a frozen dataclass.

    An empty `biased` is a promise: without discount and whitening, in groups of equal size, with exact critics and
    signals, the expectation of  sum A * grad log pi  is a positive multiple of the gradient of the expected return.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[str]]  # drawn from the keys of NEEDS
    unit: ClassVar[Unit]
    biased: ClassVar[str]  # why its expected gradient is no multiple of the true one; empty: it is one (see below)

    def assign(self, x: CreditInput) -> CreditResult: ...


def check_fraction(**settings: float) -> None:
    """Refuse a discount or a lambda outside [0, 1], by its name."""
    for name, value in settings.items():
        if not 0.0 <= value <= 1.0:
            raise TurnwiseError(f"{name} = {value}", "a number from 0 to 1", f"set {name} to 1.0 for no decay")


def _sized(name: str, array: np.ndarray, axis: str, sizes: Mapping[str, int]) -> np.ndarray:
    """The array, or an error that says how long it should be."""
    if len(array) != sizes[axis]:
        raise TurnwiseError(
            f"{name} has {len(array)} entries",
            f"{sizes[axis]}: of {sizes['E']} episodes, {sizes['T']} agent turns, {sizes['N']} tokens",
            "a name ends in its axis: E episodes, T turns, N tokens; offsets (E1, T1) have one more",
        )
    return array


def _signal(name: str, value: np.ndarray) -> np.ndarray:
    """A judgement as float64; nan stays, since not judged differs from zero."""
    array = np.asarray(value, np.float64)
    _flat(name, np.nan_to_num(array, nan=0.0, posinf=np.inf, neginf=-np.inf), np.float64)
    return array


def _flat(name: str, value: np.ndarray, kind: type) -> np.ndarray:
    array = np.asarray(value)
    if array.ndim != 1:
        raise TurnwiseError(
            f"{name} has shape {array.shape}",
            "one dimension: all episodes one after the other",
            "concatenate the episodes",
        )
    if kind is np.int64 and array.size and array.dtype.kind not in "iu":
        raise TurnwiseError(
            f"{name} has type {array.dtype}",
            "integer ids",
            "number them: np.unique(names, return_inverse=True)[1]",
        )
    array = array.astype(kind)
    if kind is np.float64 and not np.isfinite(array).all():
        bad = int(np.argmin(np.isfinite(array)))
        raise TurnwiseError(
            f"{name}[{bad}] is {array[bad]}",
            "finite numbers: an unscored reward is not a zero",
            "leave the episode out of the batch, or score it first",
        )
    return array
