"""A verdict and its reasons. Plain values."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from app.interlock.facts import Override
from app.interlock.rights import Right


@dataclass(frozen=True, slots=True)
class Ground:
    """One reason against: what happened, what clears it, who may let it pass.

    `subject` is the thing it is about (a slot, an operation, a tool, a hold), so that an override is for that thing
    alone. `passing`: it clears by itself, so asking again makes sense.
    """

    code: str
    sentence: str
    clears: str
    right: Right | None = None
    subject: str | None = None
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Overridden:
    """A reason that stands and that somebody let pass."""

    ground: Ground
    override: Override


@dataclass(frozen=True, slots=True)
class Verdict:
    """May this unit start at this station?

    `reasons` forbid it, `overridden` would have, `warnings` will, and `notes` say what was not judged because nobody
    planned it. `verdict_id` is the verdict's number in the log, 0 before it is there.
    """

    identifier: str
    position_number: int
    serial: str | None
    unit_id: int
    station: str
    decided_at: datetime
    reasons: tuple[Ground, ...]
    overridden: tuple[Overridden, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    verdict_id: int = 0

    @property
    def allowed(self) -> bool:
        """Whether nothing forbids it."""
        return not self.reasons

    @property
    def passing(self) -> bool:
        """Whether all that forbids it clears by itself."""
        return bool(self.reasons) and all(ground.passing for ground in self.reasons)

    @property
    def sentence(self) -> str:
        """Everything in one text: what happened and what clears it."""
        return " ".join(self._sentences()) or "OK"

    def _sentences(self) -> Iterator[str]:
        for ground in self.reasons:
            yield ground.sentence
            yield ground.clears
