"""Chat rendering: messages to ids, so that every turn's ids extend those of the turn before.

`open` renders a whole view; `extend` renders only what is new after a reply. For a tokenizer that carries our
role tokens both are plain concatenations of ids. For a Hugging Face chat template the extension is found by
rendering a short stand-in history with and without the
new messages, and a sample conversation is checked when the chat is made: a template that rewrites history
    (strips thoughts, moves the system message) has `extends == False`, and every turn must be opened anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Message

ROLES = ("system", "user", "assistant", "tool")
END = "<|end|>"
SPECIAL = (*(f"<|{role}|>" for role in ROLES), END)
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
PLAIN_TEMPLATE = (
    "{% if bos_token %}{{ bos_token }}{% endif %}"
    "{% for m in messages %}{{ m['role'] + ':\\n' + m['content'] + eos_token + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:\\n' }}{% endif %}"
)


class Chat(Protocol):
    """A tokenizer and its rendering."""

    extends: bool  # False: the template rewrites what stands before; every turn must be opened anew

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """A reply ends with the first of these."""
        ...

    def open(self, messages: Sequence[Message]) -> list[int]:
        """Ids of the whole view, with the header that makes the assistant speak."""
        ...

    def extend(self, messages: Sequence[Message], closed: bool) -> list[int]:
        """Ids to append after a reply, with the header that makes the assistant speak.

        Args:
            closed: False where the reply was cut: its end token then comes first, as a forced token.
        """
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text of a reply, without its end token."""
        ...

    def text_ids(self, text: str) -> list[int]:
        """Ids of an assistant's reply, end token included (for imitation)."""
        ...


def chat_of(tokenizer: Any) -> Chat:
    """The chat of a tokenizer: role tokens where it has ours, else its own template, else a plain one."""
    known = tokenizer.get_vocab()
    if all(token in known for token in SPECIAL) and tokenizer.chat_template == TEMPLATE:
        return RoleTokens(tokenizer)
    if not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN_TEMPLATE
    return Template(tokenizer)


class RoleTokens:
    """One token opens a message and names its role, one closes it; text that spells one stays text."""

    extends = True

    def __init__(self, tokenizer: Any):
        vocabulary = tokenizer.get_vocab()
        self._roles = {role: vocabulary[f"<|{role}|>"] for role in ROLES}
        self._end = vocabulary[END]
        self._core = tokenizer.backend_tokenizer
        self._encode = lru_cache(1 << 14)(self._encode_once)

    @property
    def stop_ids(self) -> tuple[int, ...]:
        return (self._end,)

    def open(self, messages: Sequence[Message]) -> list[int]:
        return [*self._render(messages), self._roles["assistant"]]

    def extend(self, messages: Sequence[Message], closed: bool) -> list[int]:
        return [*([] if closed else [self._end]), *self._render(messages), self._roles["assistant"]]

    def decode(self, ids: Sequence[int]) -> str:
        return self._core.decode([int(i) for i in ids], skip_special_tokens=True)

    def text_ids(self, text: str) -> list[int]:
        return [*self._encode(text), self._end]

    def _render(self, messages: Sequence[Message]) -> list[int]:
        ids: list[int] = []
        for message in messages:
            if message.role not in self._roles:
                raise _unknown_role(message.role)
            ids.append(self._roles[message.role])
            ids.extend(self._encode(message.text))
            ids.append(self._end)
        return ids

    def _encode_once(self, text: str) -> tuple[int, ...]:
        self._core.encode_special_tokens = True
        try:
            return tuple(self._core.encode(text, add_special_tokens=False).ids)
        finally:
            self._core.encode_special_tokens = False


class Template:
    """A Hugging Face chat template.

    The template is trusted to be one text: special tokens spelled inside a message are read as special
    tokens, as `apply_chat_template` does everywhere.
    """

    STAND_IN = (Message("user", "Ping?"), Message("assistant", "Pong\u2022pong"))

    def __init__(self, tokenizer: Any):
        self.tokenizer = tokenizer
        self._pieces = lru_cache(1 << 12)(self._extension)
        after = self._ids(self._pieces((Message("user", "a"),)))
        special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
        eos = tokenizer.eos_token_id
        self._end: int | None = after[0] if after and after[0] in special else None
        self._stops = tuple(i for i in dict.fromkeys((self._end, eos)) if i is not None)
        if not self._stops:
            raise TurnwiseError(
                "a tokenizer without an end-of-sequence token, and a template that closes with plain text",
                "one token that ends a reply",
                "set eos_token in tokenizer_config.json",
            )
        self.extends = self._only_extends()

    @property
    def stop_ids(self) -> tuple[int, ...]:
        return self._stops

    def open(self, messages: Sequence[Message]) -> list[int]:
        return self._ids(self._text(messages, True))

    def extend(self, messages: Sequence[Message], closed: bool) -> list[int]:
        if not self.extends:
            raise TurnwiseError(
                "this chat template rewrites earlier messages, so a turn cannot extend the one before",
                "a turn that is opened anew",
                "treat every turn as fresh (chat.extends is False), or use a template that only appends",
            )
        ids = self._ids(self._pieces(tuple(messages)))
        return ids[1:] if closed and ids and ids[0] == self._end else ids

    def decode(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode([int(i) for i in ids], skip_special_tokens=True)

    def text_ids(self, text: str) -> list[int]:
        return [*self._ids(text), self._stops[0]]

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def _text(self, messages: Sequence[Message], speak: bool) -> str:
        plain = [{"role": m.role, "content": m.text} for m in messages]
        try:
            return self.tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=speak)
        except Exception as error:
            roles = [m.role for m in messages]
            raise TurnwiseError(
                f"the chat template refuses messages with roles {roles}: {error}",
                "roles and an order that the template knows",
                "turn system or tool messages into user messages in the agent's settings",
            ) from error

    def _extension(self, messages: tuple[Message, ...]) -> str:
        """What the template writes after a reply when new messages follow."""
        whole, last = self._text((*self.STAND_IN, *messages), True), self.STAND_IN[-1].text
        return whole[whole.index(last) + len(last) :]

    def _only_extends(self) -> bool:
        """Whether turn by turn gives the same text as the whole, on a conversation with a thought in it."""
        talk = [
            Message("user", "One?"),
            Message("assistant", "<think>\nhm\n</think>\n\nTwo."),
            Message("user", "Three?"),
            Message("assistant", "Four."),
            Message("user", "Five?"),
        ]
        try:
            text = self._text(talk[:1], True)
            for said, heard in ((1, 2), (3, 4)):
                text += talk[said].text + self._extension((talk[heard],))
                if text != self._text(talk[: heard + 1], True):
                    return False
        except (TurnwiseError, ValueError):
            return False
        return True


def _unknown_role(role: str) -> TurnwiseError:
    return TurnwiseError(f"a message with role {role!r}", f"one of: {', '.join(ROLES)}")
