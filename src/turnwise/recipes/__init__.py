"""Published methods, one file each: its parts, its settings with their sources, its claim."""

from turnwise.core.registry import Registry

RECIPES = Registry(
    "recipe",
    {
        name: f"turnwise.recipes.{name.replace('-', '_')}:RECIPE"
        for name in (
            "bc",
            "dr-grpo",
            "filtered-bc",
            "grpo",
            "online-filtered-bc",
            "ppo",
            "reinforce",
            "rloo",
            "turn-ppo",
        )
    },
)
