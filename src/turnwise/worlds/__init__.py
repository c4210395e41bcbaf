"""Environments, one file each. `make` builds one by name; `WORLDS` lists them without importing them."""

from __future__ import annotations

import inspect
from typing import Any

from turnwise.core.errors import TurnwiseError, close_matches
from turnwise.core.registry import Registry
from turnwise.worlds.base import World

WORLDS = Registry(
    "world",
    {
        "bit-naming": "turnwise.worlds.bit_naming:BitNaming",
        "api-calls": "turnwise.worlds.api_calls:ApiCalls",
        "archer-city": "turnwise.worlds.archer_city:ArcherCity",
        "archer-questions": "turnwise.worlds.archer_questions:ArcherQuestions",
        "archer-questions-small": "turnwise.worlds.archer_questions:ArcherQuestionsSmall",
        "archer-shop": "turnwise.worlds.archer_shop:ArcherShop",
        "bit-search": "turnwise.worlds.bit_search:BitSearch",
        "combination-lock": "turnwise.worlds.combination_lock:CombinationLock",
        "grid-phone": "turnwise.worlds.grid_phone:GridPhone",
        "hidden-type": "turnwise.worlds.hidden_type:HiddenType",
        "key-corridor": "turnwise.worlds.key_corridor:KeyCorridor",
        "long-shop": "turnwise.worlds.long_shop:LongShop",
        "loop-grid": "turnwise.worlds.loop_grid:LoopGrid",
        "maze": "turnwise.worlds.maze:Maze",
        "maze-partial": "turnwise.worlds.maze:MazePartial",
        "obstacle-run": "turnwise.worlds.obstacle_run:ObstacleRun",
        "search-rooms": "turnwise.worlds.search_rooms:SearchRooms",
        "skill-chains": "turnwise.worlds.skill_chains:SkillChains",
        "social-deduction": "turnwise.worlds.social_deduction:SocialDeduction",
        "social-deduction-small": "turnwise.worlds.social_deduction_small:SocialDeductionSmall",
        "slot-order": "turnwise.worlds.slot_order:SlotOrder",
        "spelled": "turnwise.worlds.spelled:Spelled",
        "twenty-questions": "turnwise.worlds.twenty_questions:TwentyQuestions",
        "twenty-questions-small": "turnwise.worlds.twenty_questions:TwentyQuestionsSmall",
        "wordle": "turnwise.worlds.wordle:Wordle",
        "work-stop": "turnwise.worlds.work_stop:WorkStop",
        "work-submit": "turnwise.worlds.work_submit:WorkSubmit",
    },
)


def make(name: str, **settings: Any) -> World:
    """A world by its registered name.

    Raises:
        UnknownName: no such world; the close matches are named.
        TurnwiseError: a setting the world does not have.
    """
    kind = WORLDS.get(name)
    known = list(inspect.signature(kind).parameters)
    for setting in settings:
        if setting not in known:
            near = close_matches(setting, known)
            raise TurnwiseError(
                f"world {name!r} has no setting {setting!r}",
                f"one of: {', '.join(known)}",
                f"did you mean {near[0]!r}?" if near else f"turnwise worlds {name} shows them",
            )
    return kind(**settings)
