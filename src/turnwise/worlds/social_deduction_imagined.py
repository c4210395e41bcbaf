"""A game of social deduction made up to fit what one player has been told (`World.imagine`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnwise.core.chance import Chance
from turnwise.core.protocols import View
from turnwise.worlds.social_deduction_rules import COLOURS, IMPOSTOR, SKIP, Game, Player, Room
from turnwise.worlds.social_deduction_words import Memory, intro, letter, meeting_lines, remember, room_of, said_line

if TYPE_CHECKING:
    from turnwise.worlds.social_deduction import SocialDeduction


def begin(world: SocialDeduction, view: View, chance: Chance) -> None:
    """Give a fresh world the state of an imagined game, at the choice that the view is about."""
    memory = remember(view)
    game, me = game_of(world, memory, view, chance)
    world._begin(game, me, chance)
    world._acts = sum(message.role == "assistant" for message in view.messages)
    for p, player in enumerate(game.players):
        tasks = [letter(room, world.width) for room in player.tasks]
        world._memories[p].read("\n".join(intro(player.name, p != IMPOSTOR, memory.names, memory.size, tasks)))
        if memory.asked != "play":
            alive = [game.names[q] for q in game.living]
            world._memories[p].read("\n".join(meeting_lines(memory.finder, memory.victim, memory.scene, alive)))
            for speaker, name, room in memory.claims:
                world._memories[p].read(said_line(speaker, f"{name} was in room {room}"))
    world._memories[me] = memory
    world._survey = world._beliefs() if memory.asked != "play" else {}
    game.pooled = sum(world._survey.values())


def game_of(world: SocialDeduction, memory: Memory, view: View, chance: Chance) -> tuple[Game, int]:
    """The game and the player's number in it."""
    suspects = sorted(memory.killers - memory.dead) or memory.others
    first = chance.choice(suspects, "imagined impostor") if memory.crew else memory.me
    rest = [name for name in memory.names if name != first]
    names = [first, *(rest.pop(chance.integer(len(rest), "imagined order")) for _ in range(len(rest)))]
    rooms = [(x, y) for y in range(world.height) for x in range(world.width)]
    tasks = [imagined_tasks(world, name, memory, rooms, chance) for name in names]
    tasks[IMPOSTOR] = []
    game = Game(names, tasks, world.width, world.height, world.cooldown)
    for player in game.players:
        place(player, memory, rooms, world.width, chance)
    killer = game.players[IMPOSTOR]
    if not memory.crew:
        killer.kill_timer = 0 if any(text.startswith("kill") for text in view.legal or ()) else 1
    else:
        killer.kill_timer = chance.integer(game.cooldown + 1, "imagined kill timer")
    ask(game, names.index(memory.me), memory, chance)
    return game, names.index(memory.me)


def imagined_tasks(world: SocialDeduction, name: str, memory: Memory, rooms: list[Room], chance: Chance) -> list[Room]:
    """What somebody still has to do; at least one task, or the game would be over."""
    if name == memory.me:
        return [room_of(task, world.width) for task in memory.tasks]
    return [chance.choice(rooms, "imagined task") for _ in range(1 + chance.integer(world.tasks_each, "imagined left"))]


def place(player: Player, memory: Memory, rooms: list[Room], width: int, chance: Chance) -> None:
    """Where somebody is, and whether it lives."""
    here = room_of(memory.room, width) if memory.room else rooms[0]
    player.alive = player.name not in memory.dead
    if player.name == memory.me or player.name in memory.here or player.name in memory.bodies:
        player.room = here
    else:
        away = [room for room in rooms if room != here or memory.asked != "play"]
        player.room = chance.choice(away or rooms, "imagined room")


def ask(game: Game, me: int, memory: Memory, chance: Chance) -> None:
    """The choice that the view is about."""
    if memory.asked == "play":
        game.bodies = {game.names.index(name) for name in memory.bodies}
        game.phase, game.asks = "gameplay", {me: game.options(me)}
        game.players[me].noticed = (game.sight(me), game.players[me].kill_timer)
        return
    heard = [game.names.index(name) for name in dict.fromkeys(memory.speakers)]
    unheard = [p for p in game.living if p not in heard]
    shuffled = [unheard.pop(chance.integer(len(unheard), "imagined speaker")) for _ in range(len(unheard))]
    game.order = (*heard, *shuffled)
    if memory.asked == "claim":
        game.spoken, game.phase, game.asks = len(memory.speakers) - 1, "discussion_claim", {me: ()}
    else:
        game.spoken, game.phase = len(memory.speakers), "voting_result"
        game.asks = dict.fromkeys(game.living, (*COLOURS, SKIP))
