"""What the report reads from a run folder, once: lines of metrics in order, the evaluations, their episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnwise.core.run_folder import RunFolder
from turnwise.core.types import CreditTable, Episode
from turnwise.measure.estimate import Estimate

BEFORE, AFTER = "evaluate-before", "evaluate-after"


@dataclass(frozen=True)
class Record:
    """A run as the report sees it."""

    folder: RunFolder
    lines: Sequence[dict[str, Any]]  # metrics.jsonl, in the order in which the rounds ended
    before: Sequence[Episode]  # of the stage evaluate-before, empty without one
    after: Sequence[Episode]  # of the stage evaluate-after; of the only evaluation where there is just one
    players: Mapping[str, str]  # training stage -> who has the agent's seat in it

    @property
    def training(self) -> list[dict[str, Any]]:
        """Lines of rounds that learned."""
        return [line for line in self.lines if line.get("kind") == "train"]

    @property
    def demonstrated(self) -> dict[str, str]:
        """Training stages that somebody else than the trained agent plays, and who."""
        trained = player_of(next(iter([*self.after, *self.before]), None))
        return {stage: who for stage, who in self.players.items() if trained and who != trained}

    def setting(self, name: str) -> Any:
        """A setting of the run, wherever in the settings it stands."""
        return found_in(self.folder.info.get("settings", {}), name)


def read_record(run: Path) -> Record:
    """Read the folder without changing it.

    Raises:
        RunFolderError: it is no run folder, or a file of an evaluation cannot be read.
    """
    folder = RunFolder.open(run)
    stages = folder.stages()
    evaluations = [s for s in stages if s.startswith("evaluate")]
    last = AFTER if AFTER in stages else evaluations[0] if len(evaluations) == 1 and BEFORE not in stages else None
    before = list(folder.episodes(BEFORE, stages.get(BEFORE, [])[-1:]))
    after = list(folder.episodes(last, stages[last][-1:])) if last else []
    lines = folder.metrics()
    trained = dict.fromkeys(line.get("stage") for line in lines if line.get("kind") == "train")
    first = {stage: next(folder.episodes(stage, stages[stage][:1]), None) for stage in trained if stage in stages}
    players = {stage: who for stage, episode in first.items() if (who := player_of(episode))}
    return Record(folder, lines, before, after, players)


def player_of(episode: Episode | None) -> str:
    """Name of the agent's player, empty where the record does not say."""
    agents = episode.origin.get("agents") if episode else None
    return str(agents.get("agent", "")) if isinstance(agents, Mapping) else ""


def found_in(settings: Any, name: str) -> Any:
    """The first value under a key in nested mappings, None without one."""
    if not isinstance(settings, dict):
        return None
    if name in settings:
        return settings[name]
    return next((v for inner in settings.values() if (v := found_in(inner, name)) is not None), None)


def credit_of(folder: RunFolder, stage: str, round: int) -> dict[str, tuple[CreditTable, int]]:
    """Episode id -> (the first rule's table, the episode's place in it), empty where no credit was written."""
    tables = folder.credit(stage, round)
    if not tables:
        return {}
    ids, table = next(iter(tables.values()))
    return {id: (table, place) for place, id in enumerate(ids)}


def estimate_of(line: dict[str, Any], name: str) -> Estimate | None:
    """An estimate in a line of metrics, None where it is missing or has no value."""
    found = line.get(name)
    if not isinstance(found, dict) or not isinstance(found.get("value"), int | float):
        return None
    known = ("value", "n", "low", "high", "clusters", "unscored", "method")
    return Estimate(**{"n": 0} | {k: found[k] for k in known if found.get(k) is not None})


def number_of(line: dict[str, Any], group: str, name: str) -> float | None:
    """A number in a group (update, seconds, ends, tokens) of a line, None where it is missing."""
    found = (line.get(group) or {}).get(name)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
