"""Users imagined in the world `edit`: they would have edited as was seen, and nothing hidden is needed to draw them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from turnwise.core.chance import Chance, generator
from turnwise.core.cursor import Cursor
from turnwise.core.types import Act, Message
from turnwise.users.draws import Draws
from turnwise.worlds import make
from turnwise.worlds.edit_desk import read_context, rounds_of
from turnwise.worlds.edit_imagined import ANY, Bounds
from turnwise.worlds.edit_users import PEOPLE


def played(player, number, rounds=15, **settings):
    """An episode under way."""
    world = make("edit", **settings)
    cursor = Cursor(world.live(), world.tasks("train")[number], Chance(number))
    cursor.begin()
    for _ in range(rounds):
        text = world.expert(player)(cursor.view("agent"), generator(0))
        cursor.take({"agent": Act(Message("assistant", text))})
    return cursor


def explained(world, view):
    """Share of the edits seen that the user of a world would have made too."""
    past, _ = rounds_of([message.text for message in view.messages])
    return np.mean([
        world._editor.edit(read_context(p.context)[0], p.draft, kind, Draws(0, 0)).text == p.edited
        for p, kind in zip(past, world._schedule, strict=False)
    ])  # fmt: skip


@pytest.mark.parametrize(("user", "least"), [("careful", 1.0), ("rewriter", 0.97), ("tolerant", 0.9)])
@pytest.mark.parametrize("player", ["plain", "nearest"])
def test_an_imagined_user_would_have_edited_as_was_seen(user, least, player):
    shares, others = [], 0
    for number in range(6):
        cursor = played(player, number, user=user, overlap=0.3)
        imagined = cursor.world.imagine(cursor.view("agent"), Chance(number + 1))
        shares.append(explained(imagined, cursor.view("agent")))
        others += imagined._editor.wanted != cursor.world._editor.wanted
        assert imagined._notes == cursor.world._notes and imagined._record.cost == cursor.world._record.cost
        assert len(imagined._schedule) == imagined.rounds and imagined._record.rounds == 15
    assert np.mean(shares) >= least and others == 6


def test_it_is_drawn_from_the_view_alone_and_another_draw_is_another_user():
    cursor = played("plain", 1)
    view, hidden = cursor.view("agent"), cursor.task.params
    stranger = PEOPLE["careful"]({kind: {"tone": "lively"} for kind in hidden["wanted"]}, {}, 0.0)
    twin = cursor.world.fork(Chance(9))
    twin.begin(stranger, cursor.world._schedule[::-1], 77, cursor.world._notes, cursor.world._record)
    one, two = (dataclasses.asdict(w.imagine(view, Chance(5))._editor) for w in (cursor.world, twin))
    assert one == two
    draws = [cursor.world.imagine(view, Chance(n))._editor.wanted for n in range(8)]
    assert len({str(wanted) for wanted in draws}) > 4


def test_who_is_told_imagines_what_was_told():
    cursor = played("plain", 2, told=True)
    view = cursor.view("agent")
    for number in range(3):
        imagined = cursor.world.imagine(view, Chance(number))
        past, context = rounds_of([message.text for message in view.messages])
        told = [read_context(text)[1] for text in (*(p.context for p in past), context)]
        assert [imagined._editor.wanted[kind] for kind in imagined._schedule[: len(told)]] == told


def test_bounds_meet_or_cannot():
    bullets, prose = Bounds({"layout": "bullets"}, {"layout": "bullets", "tone": "plain"}), Bounds({"layout": "prose"})
    assert bullets.both(prose) is None and bullets.both(ANY) == bullets == ANY.both(bullets)
    other = Bounds({}, {"layout": "bullets", "tone": "lively"})
    assert bullets.both(other) == Bounds({"layout": "bullets"}, {"layout": "bullets"})
    assert bullets.both(Bounds({}, {"layout": "numbers"})) is None
    assert bullets.both(other).draw(generator(0)) == {"layout": "bullets"}
    assert bullets.draw(generator(1)).items() <= {"layout": "bullets", "tone": "plain"}.items()
