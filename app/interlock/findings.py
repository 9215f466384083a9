"""What a rule of the gate finds: a reason against, a warning, or a note that it had nothing to judge by. Pure."""

from dataclasses import dataclass
from datetime import datetime

from app.interlock.facts import Unit
from app.interlock.rights import right_to
from app.interlock.verdicts import Ground
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: a reason against, a warning, or a note that it had nothing to judge by."""

    ground: Ground | None = None
    warning: Sentence | None = None
    note: Sentence | None = None


def against(
    code: str,
    sentence: Sentence,
    clears: Sentence,
    *,
    subject: str | None = None,
    passing: bool = False,
    since: datetime | None = None,
    crosses_out: bool = False,
) -> Finding:
    """A reason against, with the right to override it that its code has."""
    return Finding(ground=Ground(code, sentence, clears, right_to(code), subject, passing, since, crosses_out))


def warn(sentence: Sentence) -> Finding:
    """A warning."""
    return Finding(warning=sentence)


def note(sentence: Sentence) -> Finding:
    """A note."""
    return Finding(note=sentence)


def not_arrived(unit: Unit, operation: str) -> Finding:
    """The report of an operation on a unit is still on its way."""
    return against(
        "not_arrived",
        Sentence("The report of %(operation)s on %(unit)s has not arrived.", operation=operation, unit=unit.serial),
        Sentence("Wait for it; if it does not come, see whether its station is connected."),
        subject=operation,
        passing=True,
    )
