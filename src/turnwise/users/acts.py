"""What is done by saying something, apart from the words: an act, what it is about, and a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class DialogueAct:
    """One move in a conversation, of a person or of an agent.

    Kinds are the world's own ("ask", "propose", ...); a person's are those of `person.py` and what its world adds.
    """

    kind: str
    about: str = ""  # a fact, a slot, an attribute
    value: str = ""

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(part for part in (self.about, self.value) if part)})"


UNCLEAR = DialogueAct("unclear")
"""What is heard where words could not be read, and what is answered to them."""
