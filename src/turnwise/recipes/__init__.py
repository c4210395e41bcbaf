"""Published methods, one file each: its parts, its settings with their sources, its claim."""

from turnwise.core.registry import Registry

RECIPES = Registry(
    "recipe",
    {
        name: f"turnwise.recipes.{name.replace('-', '_')}:RECIPE"
        for name in (
            "archer",
            "arpo",
            "bc",
            "dpo",
            "dr-grpo",
            "failure-replay",
            "filtered-bc",
            "fixed-horizon",
            "grpo",
            "ilql",
            "kto",
            "learning-progress",
            "mc-returns",
            "online-filtered-bc",
            "ppo",
            "reinforce",
            "rloo",
            "step-dpo",
            "step-masking",
            "tdpo",
            "tti",
            "turn-ppo",
        )
    },
)
