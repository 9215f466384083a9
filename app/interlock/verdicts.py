"""A verdict and its reasons. Plain values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.interlock.facts import Override
from app.interlock.rights import Right
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Ground:
    """One reason against: what happened, what clears it, who may let it pass.

    `subject` is the thing it is about (a slot, an operation, a tool, a hold), so that an override is for that thing
    alone. `passing`: it clears by itself, so asking again makes sense. `since`: when the occasion was heard of that
    it is about; what an override was given for before was another. `crosses_out`: of a board in a panel, the panel goes
    on with it, marked.
    """

    code: str
    sentence: Sentence
    clears: Sentence
    right: Right | None = None
    subject: str | None = None
    passing: bool = False
    since: datetime | None = None
    crosses_out: bool = False


@dataclass(frozen=True, slots=True)
class Overridden:
    """A reason that stands and that somebody let pass."""

    ground: Ground
    override: Override


@dataclass(frozen=True, slots=True)
class Verdict:
    """May this unit start at this station?

    `reasons` forbid it, `overridden` would have, `warnings` will, and `notes` say what was not judged because nobody
    planned it. `verdict_id` is the verdict's number in the log, 0 before it is there. `started`: the unit is in the
    station's hands now. `asked_position` is the position as it was asked: 0 for a panel as a whole.
    """

    identifier: str
    position_number: int
    serial: str | None
    unit_id: int
    station: str
    decided_at: datetime
    reasons: tuple[Ground, ...]
    overridden: tuple[Overridden, ...] = ()
    warnings: tuple[Sentence, ...] = ()
    notes: tuple[Sentence, ...] = ()
    asked_position: int = 0
    verdict_id: int = 0
    started: bool = False

    @property
    def allowed(self) -> bool:
        """Whether nothing forbids it."""
        return not self.reasons

    @property
    def crossed_out(self) -> bool:
        """Whether it is a scrapped board or an X-out of a panel asked about as a whole: the panel goes on with it."""
        in_panel = self.asked_position == 0 < self.position_number
        return in_panel and any(ground.crosses_out for ground in self.reasons)

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


def holding_back(verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
    """Which of these keep all of them back: those refused, but for crossed-out boards of a panel that has others."""
    going_on = {verdict.identifier for verdict in verdicts if verdict.allowed}
    return [
        verdict
        for verdict in verdicts
        if not verdict.allowed and not (verdict.crossed_out and verdict.identifier in going_on)
    ]
