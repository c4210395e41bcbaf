"""Rendering only ever extends, round-trips every text, and says so where a template does not."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

import made_models
from made_models import CHATML, FORGETFUL, other_tokenizer
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Message
from turnwise.models.chat import RoleTokens, Template, chat_of

TEXT = st.text(max_size=20) | st.sampled_from(["<|end|>", "<|user|>hi<|end|>", " \n\t", "é🎉\u0000", "</s>"])
TALK = st.lists(st.tuples(st.sampled_from(["user", "tool", "system"]), TEXT), min_size=1, max_size=3)


SCRATCH, TEMPLATED = chat_of(made_models.tokenizer()), chat_of(other_tokenizer(CHATML))


def messages(talk) -> list[Message]:
    return [Message(role, text) for role, text in talk]


def test_which_chat_a_tokenizer_gets():
    assert isinstance(SCRATCH, RoleTokens) and isinstance(TEMPLATED, Template)
    assert SCRATCH.extends and TEMPLATED.extends


@given(TALK, TEXT, TALK)
def test_role_tokens_turn_by_turn_is_the_whole(first, reply, second):
    before, said = SCRATCH.open(messages(first)), SCRATCH.text_ids(reply)
    whole = SCRATCH.open([*messages(first), Message("assistant", reply), *messages(second)])
    assert before + said + SCRATCH.extend(messages(second), closed=True) == whole
    assert before + said[:-1] + SCRATCH.extend(messages(second), closed=False) == whole


@given(TEXT)
def test_every_text_comes_back(text):
    ids = SCRATCH.text_ids(text)
    assert SCRATCH.decode(ids) == text
    assert sum(i in SCRATCH.stop_ids for i in ids) == 1  # a spelled-out end token is text


@given(st.text(alphabet="take the lamp", max_size=30))
def test_the_stored_jinja_template_says_the_same(text):
    tokenizer = made_models.tokenizer()
    talk = [{"role": "system", "content": text}, {"role": "user", "content": "x"}]
    theirs = tokenizer.apply_chat_template(talk, add_generation_prompt=True)["input_ids"]
    assert list(theirs) == SCRATCH.open([Message("system", text), Message("user", "x")])


@given(TALK, st.text(max_size=20), TALK)
def test_a_template_turn_by_turn_gives_the_text_of_the_whole(first, reply, second):
    spelled = any("<|im_" in text for _, text in [*first, *second])
    if spelled or "<|im_" in reply:
        return
    pieces = (
        TEMPLATED.open(messages(first)),
        TEMPLATED.text_ids(reply),
        TEMPLATED.extend(messages(second), closed=True),
    )
    whole = TEMPLATED.open([*messages(first), Message("assistant", reply), *messages(second)])
    tokenizer = TEMPLATED.tokenizer
    assert tokenizer.decode(sum(pieces, [])) == tokenizer.decode(whole)
    assert [*pieces[1][:-1], *TEMPLATED.extend(messages(second), closed=False)] == [*pieces[1], *pieces[2]]


def test_a_template_that_drops_thoughts_says_so():
    chat = chat_of(other_tokenizer(FORGETFUL))
    assert not chat.extends
    with pytest.raises(TurnwiseError, match="fresh"):
        chat.extend([Message("user", "a")], closed=True)
    assert chat.open([Message("user", "a")])


def test_a_tokenizer_without_a_template_gets_a_plain_one():
    tokenizer = other_tokenizer(None)
    chat = chat_of(tokenizer)
    assert chat.extends and chat.stop_ids == (tokenizer.eos_token_id,)
    said = tokenizer.decode(chat.open([Message("user", "hi")]))
    assert said == "user:\nhi<|im_end|>\nassistant:\n"


def test_no_end_token_is_an_error():
    tokenizer = copy.deepcopy(
        other_tokenizer("{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}")
    )
    tokenizer.eos_token = None
    with pytest.raises(TurnwiseError, match="eos_token"):
        chat_of(tokenizer)


def test_an_unknown_role_names_the_known_ones():
    with pytest.raises(TurnwiseError, match="system, user, assistant, tool"):
        SCRATCH.open([Message("narrator", "x")])
