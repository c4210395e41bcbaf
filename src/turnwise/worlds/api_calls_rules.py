"""Requests in plain words and the calls that fulfil them: 20 functions, made for specs/learn/itool.

A request asks for no call, one, or two. What is right is written in exactly one way, the parameters in the order of
the function:

    wake me at 7 45 and get 3 packs of tea  ->  [set_alarm(hour=7, minute=45), buy(item=tea, n=3)]
    write me a poem about rain              ->  no call
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from turnwise.core.chance import generator

NO_CALL = "no call"
AND = " and "

KINDS: dict[str, tuple[str, ...]] = {
    "hour": tuple(map(str, range(1, 13))),
    "minute": ("00", "15", "30", "45"),
    "day": tuple(map(str, range(1, 13))),
    "month": ("january", "march", "april", "june", "july", "september", "october", "december"),
    "number": tuple(map(str, range(5, 65, 5))),
    "small": tuple(map(str, range(2, 10))),
    "city": ("york", "lima", "oslo", "cairo", "perth", "quito", "dakar", "turin", "kyoto", "porto"),
    "name": ("ann", "bob", "carla", "dev", "emil", "fay", "gus", "hana"),
    "thing": ("milk", "rice", "apples", "soap", "tea", "eggs", "paper", "honey"),
    "unit": ("meters", "miles", "liters", "pounds", "grams", "feet"),
    "room": ("kitchen", "hall", "office", "attic", "garage", "bedroom"),
    "meal": ("pizza", "sushi", "soup", "tacos", "curry"),
    "tune": ("jazz", "folk", "opera", "blues", "swing"),
}
"""Values by kind. The same words stand in the request and in the call."""

TABLE = """
set_alarm(hour: hour, minute: minute)                 wake me at {hour} {minute}
set_timer(minutes: number)                            start a timer of {minutes} minutes
add_event(day: day, month: month, hour: hour)         put a meeting at {hour} on {month} {day}
get_weather(city: city, day: day)                     what is the weather on day {day} in {city}
send_money(to: name, amount: number)                  give {amount} coins to {to}
call_person(name: name, hour: hour)                   at {hour} ring {name}
book_table(place: meal, people: small, hour: hour)    a table for {people} at {hour} with {place}
find_place(kind: meal, city: city, n: small)          find {n} {kind} places in {city}
book_train(start: city, goal: city, day: day)         a train to {goal} from {start} on day {day}
book_room(city: city, nights: small)                  sleep {nights} nights in {city}
convert(amount: number, old: unit, new: unit)         how many {new} are {amount} {old}
add_numbers(a: number, b: number)                     {a} plus {b}
subtract(a: number, b: number)                        take {b} from {a}
buy(item: thing, n: small)                            get {n} packs of {item}
set_heat(room: room, degrees: number)                 make it {degrees} degrees in the {room}
lights(room: room, level: number)                     light the {room} at {level} percent
play(style: tune, volume: number)                     some {style} at volume {volume}
remind(name: name, day: day, month: month)            birthday of {name} is {month} {day}
count_days(day: day, month: month)                    how long until {month} {day}
translate(word: thing, city: city)                    what do they say for {word} in {city}
"""

IDLE = tuple(
    f"{ask} {about}"
    for ask in ("write me a poem about", "what do you think of", "tell me a joke about", "do you like")
    for about in ("rain", "trains", "old books", "the sea", "mondays", "snow", "cats", "winter", "stars", "bread")
)
"""Requests that no function fulfils."""


@dataclass(frozen=True)
class Function:
    """What can be called, and how people ask for it."""

    name: str
    kinds: dict[str, str]  # parameter -> kind, in the order of the call
    phrase: str

    def call(self, values: dict[str, str]) -> str:
        """The one right way to write it."""
        return f"{self.name}({', '.join(f'{p}={values[p]}' for p in self.kinds)})"

    @property
    def pattern(self) -> re.Pattern[str]:
        """What reads the values off a request."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[a-z0-9]+)", self.phrase))


def parsed_table() -> tuple[Function, ...]:
    """The functions of `TABLE`."""
    found = []
    for line in TABLE.strip().splitlines():
        head, phrase = re.split(r"\s{2,}", line)
        name, inside = head.rstrip(")").split("(")
        found.append(Function(name, dict(part.split(": ") for part in inside.split(", ")), phrase))
    return tuple(found)


FUNCTIONS = parsed_table()


@dataclass(frozen=True)
class Call:
    """A call that is wanted."""

    function: Function
    values: dict[str, str]

    @property
    def text(self) -> str:
        return self.function.call(self.values)


@dataclass(frozen=True)
class Request:
    """What is asked and what is right."""

    text: str
    calls: tuple[Call, ...]

    @property
    def answer(self) -> str:
        """The one right reply."""
        return f"[{', '.join(call.text for call in self.calls)}]" if self.calls else NO_CALL


def draw(rng: np.random.Generator, calls: int) -> Request:
    """A request for so many calls, of different functions."""
    if not calls:
        return Request(str(rng.choice(IDLE)), ())
    chosen = []
    for number in rng.permutation(len(FUNCTIONS))[:calls]:
        function = FUNCTIONS[number]
        chosen.append(Call(function, {p: str(rng.choice(KINDS[kind])) for p, kind in function.kinds.items()}))
    return Request(AND.join(call.function.phrase.format(**call.values) for call in chosen), tuple(chosen))


def read(text: str) -> Request:
    """The request that a text makes; one that nobody here makes asks for no call."""
    calls = []
    for part in text.strip().split(AND):
        for function in FUNCTIONS:
            if found := function.pattern.fullmatch(part):
                calls.append(Call(function, found.groupdict()))
                break
    return Request(text.strip(), tuple(calls))


@lru_cache
def requests(split: str, shares: Sequence[float], count: int) -> tuple[Request, ...]:
    """Different requests of a split, their classes (no call, one, two) drawn by their shares.

    Idle talk is drawn from 40 lines and comes again. No request for a call is in both splits: train takes those whose
    text has an even hash, eval the others.
    """
    rng, seen = generator("api-calls request", split), set[str]()

    def fresh(calls: int) -> Request:
        while True:
            request = draw(rng, calls)
            if not calls or (request.text not in seen and (split == "train") == even(request.text)):
                seen.add(request.text)
                return request

    return tuple(fresh(int(rng.choice(3, p=shares))) for _ in range(count))


def even(text: str) -> bool:
    """Which half of all texts one belongs to."""
    return bool(generator("api-calls half", text).integers(2))


def complaint(reply: str, answer: str) -> str:
    """What a wrong reply is told: the first thing about it that is wrong."""
    if answer == NO_CALL:
        return "nothing to call here"
    said, right = calls_in(reply), calls_in(answer)
    if not said:
        return "that is no list of calls"
    if [name for name, _ in said] != [name for name, _ in right]:
        return "wrong functions"
    for (name, mine), (_, theirs) in zip(said, right, strict=True):
        if list(mine) != list(theirs):
            return f"wrong parameters of {name}"
        if wrong := [p for p in theirs if mine[p] != theirs[p]]:
            return f"wrong {wrong[0]} of {name}"
    return "written in another way"


def share_right(reply: str, answer: str) -> float:
    """Share of the parts of a reply, functions and their parameters with values, that are right where they stand; of
    the parts of the right one where those are more.
    """
    if reply.strip() == answer:
        return 1.0
    said, right = parts(reply), parts(answer)
    return sum(a == b for a, b in zip(said, right, strict=False)) / max(len(said), len(right), 1)


def parts(text: str) -> list[tuple[int, str, str, str]]:
    """(number of the call, function, parameter, value) of every part; the function itself has empty ones."""
    calls = enumerate(calls_in(text))
    return [part for n, (f, values) in calls for part in ((n, f, "", ""), *((n, f, p, v) for p, v in values.items()))]


CALL = re.compile(r"(\w+)\(([^()]*)\)")


def calls_in(text: str) -> list[tuple[str, dict[str, str]]]:
    """(function, values by parameter) of a reply; nothing where it is no list of calls."""
    inside = text.strip()
    if not re.fullmatch(r"\[\w+\([^()]*\)(, \w+\([^()]*\))*\]", inside):
        return []
    return [
        (name, dict(part.partition("=")[::2] for part in said.split(", ") if part))  # type: ignore[misc]
        for name, said in CALL.findall(inside)
    ]
