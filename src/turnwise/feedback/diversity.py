"""How well a skill can be told from where it leads: the reward of skill discovery (specs/learn/slim_multi_critic).

    r_t = log q(z | s_{t+1}) - log p(z),     p uniform over K skills
    q(z | s) = (n(z, s) + alpha) / (n(s) + alpha K),     n: visits of the other episodes of the batch

A discriminator by counting, for worlds whose pages come again. An episode's own visits are left out, so that nobody is
paid for a page that he alone has seen; such a page says nothing and pays 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Signal

NAME = "diversity"


def diversity(
    skills: Sequence[int], pages: Sequence[Sequence[str]], count: int, alpha: float = 1.0
) -> list[list[float]]:
    """r of every turn of every episode, in nats, at most log `count`.

    Args:
        skills: of each episode, from 0.
        pages: of each episode, what each turn led to.
        count: K.
        alpha: visits that every skill is given in advance.
    """
    if alpha <= 0 or not all(0 <= skill < count for skill in skills):
        raise TurnwiseError(
            f"alpha = {alpha}, {count} skills", "alpha above 0, and skills from 0 on below their number"
        )
    visits: Counter[tuple[int, str]] = Counter()
    anyone: Counter[str] = Counter()
    for skill, seen in zip(skills, pages, strict=True):
        visits.update((skill, page) for page in seen)
        anyone.update(seen)
    found = []
    for skill, seen in zip(skills, pages, strict=True):
        own = Counter(seen)
        chances = [
            (visits[skill, page] - own[page] + alpha) / (anyone[page] - own[page] + alpha * count) for page in seen
        ]
        found.append([math.log(chance * count) for chance in chances])
    return found


@dataclass(frozen=True)
class Diversity:
    """Feedback: the signal `diversity` of every turn of a straight episode; 0 where nobody was shown what came of it.

    Args:
        count: how many skills there are; `Task.params["skill"]` is the number of one.
        plain: takes the skill out of an episode's pages.
        alpha: see `diversity`.
    """

    count: int
    plain: Callable[[Episode], Episode]
    alpha: float = 1.0
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """One signal per turn of the agent."""
        led = [led_to(self.plain(episode)) for episode in episodes]
        skills = [int(episode.task.params["skill"]) for episode in episodes]
        paid = diversity(skills, [[page for _, page in pages if page] for pages in led], self.count, self.alpha)
        signals = []
        for episode, pages, rewards in zip(episodes, led, paid, strict=True):
            each = iter(rewards)
            for turn, page in pages:
                value = next(each) if page else 0.0
                signals.append(Signal(episode.id, NAME, turn, value=value, source="visits of the other episodes"))
        return signals


def led_to(episode: Episode) -> list[tuple[int, str]]:
    """(turn, the newest page that it led to; empty where the episode was over) of every act of the agent."""
    acts = [index for index in episode.path() if episode.turns[index].seat == "agent"]
    last = episode.ends[0]
    shown = [episode.turns[index].seen for index in acts[1:]]
    shown.append(() if last.end.terminal else last.seen.get("agent", ()))
    return [(index, seen[-1].text if seen else "") for index, seen in zip(acts, shown, strict=True)]
