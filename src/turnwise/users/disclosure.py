"""When a person tells what it hides: five rules, each with a state that is replaced and never changed (specs/users).

    requested slot      what is asked for                                        (MCR, DDXPlus, MediQ, ABCD)
    critique            what is wrong with a proposal                            (bot play, GenIR)
    trust threshold     what is asked for, once trust is high enough             (PATIENT-Psi, Synthetic Patients)
    understanding flag  what has been understood, once enough was done for it    (MathDial, TreeInstruct)
    patience            something unasked, whenever so many turns have passed    (RecoWorld, ConvSim)

A rule answers one question: which facts may be told now? Whoever plays the person tells them, or some of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from turnwise.users.acts import DialogueAct

Facts = Mapping[str, Any]


class Disclosure(Protocol):
    """A rule. Its state is hashable and frozen."""

    def start(self) -> Hashable:
        """Before anything was heard."""
        ...

    def hear(self, state: Any, act: DialogueAct, facts: Facts) -> Hashable:
        """What an act of the agent does to the state."""
        ...

    def opens(self, state: Any, act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        """Facts that may be told in answer to this act, the most fitting first; `state` has heard it."""
        ...


@dataclass(frozen=True)
class OnRequest:
    """What is asked for by name, and nothing else."""

    kinds: frozenset[str] = frozenset({"ask"})

    def start(self) -> None:
        return None

    def hear(self, state: None, act: DialogueAct, facts: Facts) -> None:
        return None

    def opens(self, state: None, act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        return (act.about,) if act.kind in self.kinds and act.about in facts else ()


@dataclass(frozen=True)
class OnCritique:
    """What a proposal gets wrong.

    Args:
        wrong: proposal and facts -> the facts that it does not fit, the most important first.
    """

    wrong: Callable[[DialogueAct, Facts], tuple[str, ...]]
    kinds: frozenset[str] = frozenset({"propose"})

    def start(self) -> None:
        return None

    def hear(self, state: None, act: DialogueAct, facts: Facts) -> None:
        return None

    def opens(self, state: None, act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        return self.wrong(act, facts) if act.kind in self.kinds else ()


@dataclass(frozen=True)
class ByTrust:
    """What is asked for, once trust has reached the fact's threshold. Trust stays between 0 and 1.

    Args:
        thresholds: fact -> trust it needs; 0 where none is named.
        gains: kind of act -> what it adds to trust; negative where it hurts.
        begin: trust at first.
    """

    thresholds: Mapping[str, float]
    gains: Mapping[str, float]
    begin: float = 0.0
    kinds: frozenset[str] = frozenset({"ask"})

    def start(self) -> float:
        return self.begin

    def hear(self, state: float, act: DialogueAct, facts: Facts) -> float:
        return round(min(1.0, max(0.0, state + self.gains.get(act.kind, 0.0))), 9)

    def opens(self, state: float, act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        wanted = act.kind in self.kinds and act.about in facts
        return (act.about,) if wanted and state >= self.thresholds.get(act.about, 0.0) else ()


@dataclass(frozen=True)
class ByUnderstanding:
    """What has been understood: so many acts on it of kinds that help. Who was told a thing outright can repeat it at
    once (`tells`), and has understood nothing.

    Args:
        needs: fact -> helpful acts before it is understood.
        helps: kinds of acts that help with what they are about.
        tells: kinds of acts after which a fact can be repeated at once, though not understood.
    """

    needs: Mapping[str, int]
    helps: frozenset[str]
    tells: frozenset[str] = frozenset()

    def start(self) -> tuple[tuple[str, int], ...]:
        return ()

    def hear(self, state: tuple[tuple[str, int], ...], act: DialogueAct, facts: Facts) -> tuple[tuple[str, int], ...]:
        if act.kind not in self.helps or act.about not in self.needs:
            return state
        counted = dict(state)
        counted[act.about] = counted.get(act.about, 0) + 1
        return tuple(sorted(counted.items()))

    def understood(self, state: tuple[tuple[str, int], ...]) -> frozenset[str]:
        """Facts whose need has been met."""
        counted = dict(state)
        return frozenset(name for name, need in self.needs.items() if counted.get(name, 0) >= need)

    def opens(self, state: tuple[tuple[str, int], ...], act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        if act.about not in facts:
            return ()
        return (act.about,) if act.kind in self.tells or act.about in self.understood(state) else ()


@dataclass(frozen=True)
class ByPatience:
    """Something unasked, whenever so many turns have passed since the last time.

    Args:
        every: turns of the agent in between.
        order: facts in the order in which they come up; those that are not named never do.
        asked: kinds of acts that are answered besides.
    """

    every: int
    order: tuple[str, ...]
    asked: frozenset[str] = field(default_factory=frozenset)

    def start(self) -> int:
        return 0

    def hear(self, state: int, act: DialogueAct, facts: Facts) -> int:
        return state + 1

    def opens(self, state: int, act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        if act.kind in self.asked and act.about in facts:
            return (act.about,)
        number = state // self.every - 1
        due = state % self.every == 0 and 0 <= number < len(self.order)
        return (self.order[number],) if due and self.order[number] in facts else ()


@dataclass(frozen=True)
class AnyOf:
    """What any of several rules opens, those of the first rule first."""

    rules: tuple[Disclosure, ...]

    def start(self) -> tuple[Hashable, ...]:
        return tuple(rule.start() for rule in self.rules)

    def hear(self, state: tuple[Hashable, ...], act: DialogueAct, facts: Facts) -> tuple[Hashable, ...]:
        return tuple(rule.hear(s, act, facts) for rule, s in zip(self.rules, state, strict=True))

    def opens(self, state: tuple[Hashable, ...], act: DialogueAct, facts: Facts) -> tuple[str, ...]:
        found = [name for r, s in zip(self.rules, state, strict=True) for name in r.opens(s, act, facts)]
        return tuple(dict.fromkeys(found))
