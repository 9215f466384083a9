"""An answer of where-used narrowed by place, order, day and certainty, counted, and grouped. Select only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from enum import StrEnum
from itertools import islice

from sqlalchemy import Connection, text

from app.trace.answer import CarryingUnit
from app.trace.evidence import Evidence
from app.trace.pages import NOWHERE, Counts, Cursor

_BLOCK = 1000
NO_ORDER = "no order"


class Certainty(StrEnum):
    """`certain`: a machine named the package for the unit; `possible`: a report leaves room, or none speaks of it."""

    certain = "certain"
    possible = "possible"


class Grouping(StrEnum):
    """What an answer is grouped by."""

    place = "place"
    order = "order"
    day = "day"
    evidence = "evidence"


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What of an answer is wanted; null: all. `day` is the station's, in UTC."""

    certainty: Certainty | None = None
    place: str | None = None
    order: str | None = None
    day: date | None = None

    def fits(self, unit: CarryingUnit, order: str | None) -> bool:
        """Whether a unit of this order is wanted."""
        certain = unit.evidence is Evidence.exact
        return (
            (self.certainty is None or certain == (self.certainty is Certainty.certain))
            and (self.place is None or (unit.place or NOWHERE) == self.place)
            and (self.order is None or order == self.order)
            and (self.day is None or _day(unit) == self.day)
        )

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self == Narrowing()


@dataclass(frozen=True, slots=True)
class Explored:
    """A page of what is wanted. `counts` are over the whole answer; `fitting` and `groups` over what is wanted of it.

    Those two are told with the first page only.
    """

    counts: Counts
    fitting: int | None
    units: Sequence[CarryingUnit]
    groups: Mapping[str, Counts] = field(default_factory=dict)
    next: str | None = None


_ORDERS = text(
    """
    -- Of which work orders are these units?
    SELECT unit_id, number FROM unit JOIN work_order USING (work_order_id)
    WHERE unit_id = ANY (CAST(:units AS bigint[]))
    """
)


def narrowed(connection: Connection, units: Iterator[CarryingUnit], wanted: Narrowing) -> Iterator[CarryingUnit]:
    """What is wanted of an answer, however long it is."""
    if wanted.is_all:
        yield from units
        return
    for unit, order in _with_orders(connection, units, asked=wanted.order is not None):
        if wanted.fits(unit, order):
            yield unit


def explore(
    connection: Connection,
    units: Iterator[CarryingUnit],
    wanted: Narrowing,
    *,
    by: Grouping | None = None,
    after: Cursor | None = None,
    limit: int = 200,
) -> Explored:
    """A page of what is wanted of `units`, an answer from its beginning or behind `after`."""
    page: list[CarryingUnit] = []
    if after is not None:
        page = list(islice(narrowed(connection, units, wanted), limit + 1))
        return Explored(after.counts, None, page[:limit], next=_next(page, limit, after.counts))
    counts, groups, fitting = Counts(), dict[str, Counts](), 0
    for unit, order in _with_orders(connection, units, asked=wanted.order is not None or by is Grouping.order):
        counts.add(unit.evidence, unit.place)
        if not wanted.fits(unit, order):
            continue
        fitting += 1
        if len(page) <= limit:
            page.append(unit)
        if by is not None:
            groups.setdefault(_group(unit, order, by), Counts()).add(unit.evidence, unit.place)
    return Explored(counts, fitting, page[:limit], dict(sorted(groups.items())), _next(page, limit, counts))


def _next(page: Sequence[CarryingUnit], limit: int, counts: Counts) -> str | None:
    return Cursor(page[limit - 1].key, counts).written if len(page) > limit else None


def _with_orders(
    connection: Connection, units: Iterator[CarryingUnit], *, asked: bool
) -> Iterator[tuple[CarryingUnit, str | None]]:
    while block := list(islice(units, _BLOCK)):
        orders: dict[int, str] = {}
        if asked:
            rows = connection.execute(_ORDERS, {"units": sorted({unit.key[1] for unit in block})})
            orders = {row[0]: row[1] for row in rows}
        yield from ((unit, orders.get(unit.key[1])) for unit in block)


def _day(unit: CarryingUnit) -> date | None:
    return unit.recorded_at.astimezone(UTC).date() if unit.recorded_at else None


def _group(unit: CarryingUnit, order: str | None, by: Grouping) -> str:
    match by:
        case Grouping.place:
            return unit.place or NOWHERE
        case Grouping.order:
            return order or NO_ORDER
        case Grouping.day:
            day = _day(unit)
            return day.isoformat() if day else "day not known"
        case Grouping.evidence:
            return unit.evidence.value
