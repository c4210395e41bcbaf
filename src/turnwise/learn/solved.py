"""What a search found: the paths of trees that succeeded, each as an episode of its own (specs/learn/bfs_prover_v2).

A task that is too easy teaches nothing: where more than a share of a tree's paths succeeded, none of them is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from turnwise.core.types import End, Episode
from turnwise.learn.sides import along


def solved_paths(episodes: Sequence[Episode], easy: float = 1.0) -> list[Episode]:
    """The successful paths, in the order of the record, those of a task that say the same only once.

    Args:
        episodes: trees, or straight episodes.
        easy: a tree of which more than this share of the finished paths succeeded is left out; 1 keeps every tree.

    Returns:
        Straight episodes; the id tells the leaf.
    """
    found: dict[tuple[str, tuple[str, ...]], Episode] = {}
    for episode in episodes:
        leaves = [n for n in range(len(episode.ends)) if succeeded(episode, n)]
        if not leaves or len(leaves) / finished(episode) > easy:
            continue
        for leaf in leaves:
            path = along(episode, leaf)
            said = tuple(turn.message.text for turn in path.turns)
            found.setdefault((episode.task.key, said), replace(path, id=f"{episode.id}/{leaf}"))
    return list(found.values())


def succeeded(episode: Episode, leaf: int) -> bool:
    """Whether the world calls a path a success."""
    return episode.ends[leaf].end is not End.ERROR and bool(episode.ends[leaf].facts.get("success"))


def finished(episode: Episode) -> int:
    """Paths that came to the world's own end."""
    return sum(leaf.end.terminal for leaf in episode.ends)


def solve_rate(episodes: Sequence[Episode]) -> float:
    """Share of the trees in which anything succeeded; 0 without any tree."""
    solved = [any(succeeded(episode, n) for n in range(len(episode.ends))) for episode in episodes]
    return sum(solved) / len(solved) if solved else 0.0


def replies_per_place(episodes: Sequence[Episode]) -> float:
    """Distinct replies that were tried where any was, on average: falls as a policy comes to say one thing only."""
    tried = [count for episode in episodes for count in Counter(turn.parent for turn in episode.turns).values()]
    return sum(tried) / len(tried) if tried else 0.0
