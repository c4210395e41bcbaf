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
        "bargain": "turnwise.worlds.bargain:Bargain",
        "bit-naming": "turnwise.worlds.bit_naming:BitNaming",
        "api-calls": "turnwise.worlds.api_calls:ApiCalls",
        "archer-city": "turnwise.worlds.archer_city:ArcherCity",
        "archer-questions": "turnwise.worlds.archer_questions:ArcherQuestions",
        "archer-questions-small": "turnwise.worlds.archer_questions:ArcherQuestionsSmall",
        "archer-shop": "turnwise.worlds.archer_shop:ArcherShop",
        "ask-or-answer": "turnwise.worlds.ask_or_answer:AskOrAnswer",
        "bit-search": "turnwise.worlds.bit_search:BitSearch",
        "car-dealer": "turnwise.worlds.car_dealer:CarDealer",
        "combination-lock": "turnwise.worlds.combination_lock:CombinationLock",
        "edit": "turnwise.worlds.edit:Edit",
        "counsel": "turnwise.worlds.counsel:Counsel",
        "guess-my-city": "turnwise.worlds.guess_my_city:GuessMyCity",
        "elicit": "turnwise.worlds.elicit:Elicit",
        "elicit-prompt": "turnwise.worlds.elicit_prompt:ElicitPrompt",
        "grid-phone": "turnwise.worlds.grid_phone:GridPhone",
        "hidden-type": "turnwise.worlds.hidden_type:HiddenType",
        "interview": "turnwise.worlds.interview:Interview",
        "key-corridor": "turnwise.worlds.key_corridor:KeyCorridor",
        "long-shop": "turnwise.worlds.long_shop:LongShop",
        "loop-grid": "turnwise.worlds.loop_grid:LoopGrid",
        "maze": "turnwise.worlds.maze:Maze",
        "maze-partial": "turnwise.worlds.maze:MazePartial",
        "obstacle-run": "turnwise.worlds.obstacle_run:ObstacleRun",
        "persuade": "turnwise.worlds.persuade:Persuade",
        "recommend": "turnwise.worlds.recommend:Recommend",
        "safe-answers": "turnwise.worlds.safe_answers:SafeAnswers",
        "search": "turnwise.worlds.search:Search",
        "search-rooms": "turnwise.worlds.search_rooms:SearchRooms",
        "skill-chains": "turnwise.worlds.skill_chains:SkillChains",
        "social-deduction": "turnwise.worlds.social_deduction:SocialDeduction",
        "social-deduction-small": "turnwise.worlds.social_deduction_small:SocialDeductionSmall",
        "slot-order": "turnwise.worlds.slot_order:SlotOrder",
        "socratic": "turnwise.worlds.socratic:Socratic",
        "spelled": "turnwise.worlds.spelled:Spelled",
        "step-proving": "turnwise.worlds.step_proving:StepProving",
        "tutor": "turnwise.worlds.tutor:Tutor",
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
