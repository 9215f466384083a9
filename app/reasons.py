"""Why something must not be used or may not pass, and why somebody did something: one shape for all rooms."""

from dataclasses import dataclass

from app.errors import Invalid

_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a code for programs, what happened, and what clears it, each in a sentence."""

    code: str
    sentence: str
    clears: str


def reason_given(reason: str) -> str:
    """What a person wrote down, without blanks around it.

    Raises `Invalid` where there is no letter or digit in it (a blank has many shapes), or a novel.
    """
    reason = reason.strip()
    if not any(character.isalnum() for character in reason):
        raise Invalid("Give the reason in words: whoever reads this years later must understand it.")
    if len(reason) > _LONGEST:
        raise Invalid(f"The reason has {len(reason)} characters; {_LONGEST} are enough.")
    return reason
