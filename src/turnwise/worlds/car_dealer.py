"""Car Dealer of LMRL-Gym with buyers who decide by a rule (specs/worlds/lmrl-car-dealer)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import lru_cache

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds import car_dealer_experts
from turnwise.worlds.base import World, check_split
from turnwise.worlds.car_dealer_buyer import Buyer, RuleBuyer
from turnwise.worlds.car_dealer_imagined import imagined, profiles
from turnwise.worlds.car_dealer_rules import (
    REWARDS,
    START,
    Profile,
    Verdict,
    buyer_reads,
    profile_of,
    read_verdict,
    reprompted,
)

TASKS = {"train": 1000, "eval": 200}


class CarDealer(World):
    """Sell a car to somebody whose wishes, budget and way to decide are hidden.

    Seller and buyer take turns; the buyer ends the talk by a verdict in its line, "Output: Decision=Accept MSRP=$35,000
    Buy Price=$33,000", which is cut out of what is shown. After `lines` lines its last one is extended by "Output:
    Decision=", and it is asked once more. The verdict pays, all else is 0. Under `fancy` a sale at P of a car listed at
    N earns P / ((budget + N) / 2), and a rejected car -(budget - N) / N; under `revenue` a sale earns P / 1000.

    A car is a brand, a type and what the seller promises of it; `car_dealer_buyer` says what each kind of buyer pays.
    Eval holds other buyers than train. A sale counts as success. Facts of the end tell both rewards, and whether there
    was a verdict at all.

    Args:
        reward: `fancy`, or `revenue`, as published evaluations count.
        lines: of both, after the start.
        buyer: `rule`, or any object with the method of `Buyer`; published numbers used a trained model.
        as_released: a rejected car beyond the budget earns under `fancy`, as in the original's code: of a buyer with
            10,000 dollars no sale would earn as much (0.71) as the rejection of a car at 88,000 (0.89). As intended it
            earns nothing.
    """

    name = "car-dealer"
    title = "sell a car to somebody with a hidden budget (LMRL-Gym)"
    experts = car_dealer_experts.EXPERTS
    demonstrator = "careless"
    noted = ("verdict_given", "fancy", "revenue")

    def __init__(self, reward: str = "fancy", lines: int = 50, buyer: str | Buyer = "rule", as_released: bool = False):
        if reward not in REWARDS:
            raise UnknownName("reward", reward, REWARDS)
        if isinstance(buyer, str) and buyer != "rule":
            raise UnknownName("buyer", buyer, ("rule",))
        if lines < 2:
            raise TurnwiseError(f"lines={lines}", "2 or more: one of the seller, one of the buyer")
        self.reward, self.lines, self.as_released = reward, lines, as_released
        self.buyer = buyer if isinstance(buyer, str) else type(buyer).__name__
        self._buyer: Buyer = RuleBuyer() if isinstance(buyer, str) else buyer

    @property
    def turns(self) -> int:
        """The seller's part of the lines."""
        return (self.lines + 1) // 2

    def tasks(self, split: str) -> Sequence[Task]:
        """One task per buyer."""
        return _tasks(check_split(split))

    def reset(self, task: Task, chance: Chance) -> Moment:
        self._begin(profile_of(task.params), (), chance)
        return Moment({"agent": (Message("user", START),)}, ("agent",))

    def _begin(self, profile: Profile, said: tuple[str, ...], chance: Chance) -> None:
        self._profile, self._said, self._chance = profile, said, chance

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        self._said += (said["agent"].text,)
        reads = buyer_reads(self._profile, self._said)
        line = self._hear(reads)
        verdict, shown = read_verdict(line)
        over = len(self._said) + 1 >= self.lines
        if verdict is None and over:
            verdict, shown = read_verdict(self._hear((*reads, reprompted(line))))
            shown = shown if verdict else line
        self._said += (shown,)
        views = {"agent": (Message("user", shown),)}
        if verdict is None and not over:
            return Moment(views, ("agent",), {"agent": 0.0})
        return Moment(views, (), {"agent": self._pays(verdict, self.reward)}, end=End.DONE, facts=self._facts(verdict))

    def _hear(self, reads: tuple[str, ...]) -> str:
        """The buyer's line."""
        return self._chance.outcome("buyer", lambda: self._buyer.reply(self._profile, reads, self._chance))

    def _pays(self, verdict: Verdict | None, reward: str) -> float:
        if verdict is None:
            return 0.0
        paid = REWARDS[reward](verdict, self._profile.budget)
        return paid if verdict.accepted or self.as_released else min(paid, 0.0)

    def _facts(self, verdict: Verdict | None) -> dict[str, object]:
        given = None if verdict is None else [verdict.accepted, verdict.list_price, verdict.price]
        paid = {reward: self._pays(verdict, reward) for reward in REWARDS}
        sold = verdict is not None and verdict.accepted
        return {"verdict": given, "verdict_given": verdict is not None, **paid, "success": sold}

    def fork(self, chance: Chance) -> CarDealer:
        twin = copy.copy(self)
        twin._chance = chance
        return twin

    def imagine(self, view: View, chance: Chance) -> CarDealer:
        """The buyer drawn anew among those who, deciding by a rule, would have said what was heard."""
        said = tuple(message.text for message in view.messages if message.role in ("user", "assistant"))[1:]
        twin = copy.copy(self)
        twin._begin(imagined(said, chance), said, chance)
        return twin


@lru_cache(maxsize=2)
def _tasks(split: str) -> tuple[Task, ...]:
    keys = [f"{split}-{number:04d}" for number in range(TASKS[split])]
    return tuple(Task(key, CarDealer.name, profiles(key), split) for key in keys)
