"""Social deduction made small: three rooms, four players, a list of claims (specs/worlds/social-deduction)."""

from __future__ import annotations

from turnwise.worlds.social_deduction import SocialDeduction


class SocialDeductionSmall(SocialDeduction):
    """The same made small: three rooms, four players, claims from a list, and winning as the only reward."""

    name = "social-deduction-small"
    title = "the same with three rooms, four players and a few claims, for quick runs"

    def __init__(
        self,
        width: int = 3,
        height: int = 1,
        players: int = 4,
        tasks: int = 12,
        colours: int = 4,
        cooldown: int = 20,
        side: str = "crew",
        crew: str = "truthful",
        impostor: str = "lying",
        speech: str = "claims",
        turns: int = 40,
        shaping: float = 0.0,
        seated: str = "agent",
    ):
        super().__init__(
            width, height, players, tasks, colours, cooldown, side, crew, impostor, speech, turns, shaping, seated
        )
