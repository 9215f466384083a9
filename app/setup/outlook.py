"""What comes first: the end of the order, or that of a package? Pure: no database.

* The order ends when its remaining units are built at the station's pace; without a pace nobody can say when.
* A package runs out when its pieces, at the least there may be, do not make another unit.
* A package that becomes unusable before the order ends is told of, and so is one that runs out before.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a station works: units within a span of time."""

    units: int
    within: timedelta

    def until(self, units: float) -> timedelta | None:
        """How long so many units take; None where nothing was built in no time."""
        if self.units <= 0 or self.within <= timedelta():
            return None
        return self.within * (units / self.units)


@dataclass(frozen=True, slots=True)
class Supply:
    """A package in a slot: what is left in it, what a unit takes, and when it becomes unusable where it is.

    `behind`: pieces in other lanes of the slot and spliced on behind. Of several packages in a slot one has
    `pieces_per_unit`, so that the slot runs out once.
    """

    slot: str
    package: str
    left: float | None
    pieces_per_unit: float | None
    usable_until: datetime | None
    behind: float = 0.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """What comes of a package until the order ends. `runs_short_by`: units of the order it cannot serve."""

    slot: str
    package: str
    left: float | None
    units_left: int | None
    runs_out_at: datetime | None
    runs_short_by: int | None
    usable_until: datetime | None
    unusable_before_end: timedelta | None
    sentences: tuple[Sentence, ...]


def order_ends_at(remaining: int, pace: Pace | None, *, at: datetime) -> datetime | None:
    """When the remaining units are built; None where no pace is known."""
    if remaining <= 0:
        return at
    takes = pace.until(remaining) if pace is not None else None
    return None if takes is None else at + takes


def outlook(supply: Supply, *, remaining: int, pace: Pace | None, at: datetime) -> Outlook:
    """What comes of one package while so many units are still to be built."""
    ends_at = order_ends_at(remaining, pace, at=at)
    units = None
    if supply.left is not None and supply.pieces_per_unit:
        units = int((supply.left + supply.behind) / supply.pieces_per_unit)
    takes = pace.until(units) if pace is not None and units is not None else None
    short = remaining - units if units is not None and units < remaining else None
    before = None
    if supply.usable_until is not None and ends_at is not None and supply.usable_until < ends_at:
        before = ends_at - supply.usable_until
    sentences = []
    if before is not None and supply.usable_until is not None:
        sentences.append(
            Sentence(
                "Package %(package)s in slot %(slot)s can be used until %(time)s, %(span)s before this order ends.",
                package=supply.package,
                slot=supply.slot,
                time=supply.usable_until,
                span=_span(before),
            )
        )
    if short is not None:
        sentences.append(_runs_out(supply, short, at + takes if takes is not None else None))
    return Outlook(
        slot=supply.slot,
        package=supply.package,
        left=supply.left,
        units_left=units,
        runs_out_at=at + takes if takes is not None else None,
        runs_short_by=short,
        usable_until=supply.usable_until,
        unusable_before_end=before,
        sentences=tuple(sentences),
    )


def _runs_out(supply: Supply, short: int, when: datetime | None) -> Sentence:
    if when is None:
        return Sentence(
            "Package %(package)s in slot %(slot)s runs out, %(count)s units before this order ends.",
            package=supply.package,
            slot=supply.slot,
            count=short,
        )
    return Sentence(
        "Package %(package)s in slot %(slot)s runs out at %(time)s, %(count)s units before this order ends.",
        package=supply.package,
        slot=supply.slot,
        time=when,
        count=short,
    )


def _span(span: timedelta) -> str:
    """A span as people say it: `3 h`, `2 h 40 min`, `25 min`."""
    minutes = round(span / timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    told = [f"{hours} h"] if hours else []
    if minutes or not hours:
        told.append(f"{minutes} min")
    return " ".join(told)
