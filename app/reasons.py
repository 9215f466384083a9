"""Why something must not be used or may not pass: one shape for setup, material, tools and the interlock's verdict."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a code for programs, what happened, and what clears it, each in a sentence."""

    code: str
    sentence: str
    clears: str
