"""skill-chains as text: many tasks, of which few are worth learning; a world for curricula."""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Task
from turnwise.worlds import skill_chains_rules as rules
from turnwise.worlds.base import check_split
from turnwise.worlds.tabular import Tabular
from turnwise.worlds.tabular_world import FEWEST_TASKS, TabularWorld


class SkillChains(TabularWorld):
    """Press the right buttons in the right order; a wrong one ends the episode. Doing the task earns 1.

    Skill b3 takes the first three buttons of chain b, so whoever can do b2 has a third of the way behind him. Errands
    take one button, each its own: always something new to learn, and nothing that helps with anything else. Dreams
    cannot be done. Training has all of them, evaluation the skills alone; `Task.params["kind"]` tells which tasks are
    variants of one another, as a person would see at a glance. Waiting, and any other text, does nothing but pass the
    turn.

    Args:
        chains, depth: how many skills; `depth` is also the number of turns.
        errands: variants of one easy task.
        dreams: tasks that nobody can do.
    """

    name = "skill-chains"
    title = "skills that build on one another, among errands and dreams (exact values, for curricula)"
    acts = (*(f"press {button}\n" for button in range(1, rules.BUTTONS + 1)), "wait\n")
    refusal = "no such button. "

    def __init__(self, chains: int = 4, depth: int = 4, errands: int = 30, dreams: int = 10):
        if not 1 <= chains <= len(rules.CHAINS) or depth < 2 or errands < 0 or dreams < 0:
            raise TurnwiseError(
                f"chains = {chains}, depth = {depth}, errands = {errands}, dreams = {dreams}",
                f"1 to {len(rules.CHAINS)} chains, a depth of 2 or more, no negative numbers",
            )
        self.chains, self.depth, self.errands, self.dreams = chains, depth, errands, dreams

    @property
    def turns(self) -> int:  # type: ignore[override]  # a number elsewhere, here a setting under another name
        """As many as the longest skill has buttons."""
        return self.depth

    def problem(self) -> Tabular:
        """The table of all tasks."""
        return rules.problem(self.chains, self.depth, self.errands, self.dreams)

    def tell(self, point: rules.State) -> str:
        return f"{point.task}: step {point.step + 1}, turn {point.t + 1} of {self.depth}\n"

    def tasks(self, split: str) -> Sequence[Task]:
        """All in training; in evaluation the skills, repeated to make at least 16."""
        check_split(split)
        names = self.played.bare.tasks
        if split == "train":
            return [self._task(name, split, 0) for name in names]
        skills = [name for name in names if name.startswith("skill")]
        return [self._task(name, split, deal) for deal in range(-(-FEWEST_TASKS // len(skills))) for name in skills]

    def _task(self, name: str, split: str, deal: int) -> Task:
        kind = name if name.startswith("skill") else name.split()[0]
        params = {"task": name, "fact": "", "deal": deal, "kind": kind}
        return Task(f"{split}-{name.replace(' ', '-')}-{deal}", self.name, params, split)
