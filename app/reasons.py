"""Why something must not be used or may not pass, and why somebody did something: one shape for all rooms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from app.errors import Invalid
from app.sentences import Sentence, plain

_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a code for programs, what happened, and what clears it, each in a sentence.

    `values` are those of both sentences, by name; see `app.sentences`.
    """

    code: str
    sentence: Sentence
    clears: Sentence
    values: Mapping[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Bring the values of both sentences together."""
        object.__setattr__(self, "values", {**self.sentence.values, **self.clears.values})


def kept(reason: Reason) -> dict[str, Any]:
    """A reason as a row keeps it, JSON: readable as it is, and to be said again in any language."""
    told: dict[str, Any] = msgspec.to_builtins(reason, enc_hook=plain)
    return {**told, "template": reason.sentence.template}


def said_again(kept: Mapping[str, Any]) -> str:
    """What happened, by a reason that a row kept; one from before reasons had templates as it was said."""
    if "template" not in kept:
        return str(kept["sentence"])
    return Sentence.again(kept["template"], kept["values"])


def ended(reason: str) -> str:
    """A reason somebody wrote, with a period at its end where it has none: another sentence follows."""
    return reason if reason.endswith((".", "!", "?", "…")) else f"{reason}."


def reason_given(reason: str) -> str:
    """What a person wrote down, without blanks around it.

    Raises `Invalid` where there is no letter or digit in it (a blank has many shapes), or a novel.
    """
    reason = reason.strip()
    if not any(character.isalnum() for character in reason):
        raise Invalid(Sentence("Give the reason in words: whoever reads this years later must understand it."))
    if len(reason) > _LONGEST:
        raise Invalid(
            Sentence(
                "The reason has %(count)s characters; %(count_most)s are enough.",
                count=len(reason), count_most=_LONGEST,
            )
        )  # fmt: skip
    return reason
