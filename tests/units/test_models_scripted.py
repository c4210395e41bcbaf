"""Scripts as models."""

from __future__ import annotations

import asyncio

import pytest

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Message
from turnwise.models.scripted import Scripted

SEEN = [Message("user", "is it large?")]


def said(script, count: int = 1) -> list[str]:
    async def all_of_it():
        return [(await script.reply(SEEN)).text for _ in range(count)]

    return asyncio.run(all_of_it())


def test_a_list_is_said_in_order_in_every_conversation():
    model = Scripted(["a", Message("assistant", "b")])
    for _ in range(2):
        assert said(model.open(), 2) == ["a", "b"]


def test_a_function_sees_the_messages():
    assert said(Scripted(lambda seen: seen[-1].text.upper()).open()) == ["IS IT LARGE?"]


def test_a_generator_is_sent_the_messages():
    def guess():
        seen = yield "first"
        yield f"heard {seen[-1].text}"

    model = Scripted(guess)
    script = model.open()
    assert said(script, 2) == ["first", "heard is it large?"]
    with pytest.raises(TurnwiseError, match="2 replies"):
        said(script)
    with pytest.raises(TurnwiseError, match="generator"):
        script.fork()


def test_a_branch_goes_on_from_where_it_was():
    script = Scripted(["a", "b", "c"]).open()
    said(script)
    twin = script.fork()
    assert said(script, 2) == said(twin, 2) == ["b", "c"]
    with pytest.raises(TurnwiseError, match="longer script"):
        said(twin)
