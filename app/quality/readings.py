"""What many runs measured: one pad run by run, the capability of all pads.

Both cut what they need out of the packed bytes in the database: a run of 3,000 pads is not unpacked for one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from app.errors import NotFound
from app.quality.capability import Counts, Moments, indices, moments_of
from app.quality.layout import Kind, Layout, Place
from app.quality.layouts import load_layouts
from app.quality.measurements import as_sent
from app.quality.packing import SAME, TEXT, TYPE_BITS, VALUE_WIDTHS, Floats, Value, type_of, values


@dataclass(frozen=True, slots=True)
class Window:
    """The runs of one station from `since` up to but not at `until`, by its clock: the latest `limit` a layout."""

    station_id: int
    since: datetime
    until: datetime
    limit: int = 10_000

    def named(self) -> dict[str, Any]:
        """As parameters of a statement."""
        return {"station_id": self.station_id, "since": self.since, "until": self.until, "limit": self.limit}


_LAYOUTS = text(
    """
    -- Which layouts did this station's runs have in this window, the latest first?
    SELECT layout_id FROM measurement
    WHERE station_id = :station_id AND recorded_at >= :since AND recorded_at < :until
    GROUP BY layout_id ORDER BY max(recorded_at) DESC
    """
)
_IN_WINDOW = "station_id = %(station_id)s AND recorded_at >= %(since)s AND recorded_at < %(until)s"
_WIDTHS = f"(ARRAY[{', '.join(str(VALUE_WIDTHS[kind]) for kind in sorted(VALUE_WIDTHS))}])"
_SERIES = f"""
    -- What did this item measure, run by run?
    SELECT unit_id, position_number, event_id, run, recorded_at, form, item, layout_id, number,
        CASE WHEN width IS NULL
            THEN substring(packed FROM start FOR coalesce(offsets[number + 1], length(packed)) - offsets[number])
            ELSE substring(packed FROM start + CASE WHEN form & {SAME} = 0 THEN item * width ELSE 0 END FOR width)
        END
    FROM measurement
    JOIN unnest(%(layouts)s::integer[], %(numbers)s::integer[], %(items)s::integer[])
        AS cell (layout_id, number, item) USING (layout_id)
    CROSS JOIN LATERAL (SELECT formats[number] AS form, offsets[number] + 1 AS start) AS at
    CROSS JOIN LATERAL (SELECT {_WIDTHS}[form & {TYPE_BITS}] AS width) AS type
    WHERE {_IN_WINDOW}
    ORDER BY recorded_at DESC, event_id DESC, run DESC
    LIMIT %(limit)s
"""  # noqa: S608 (put together from the constants above)
_COLUMN = f"""
    -- What did all items of this column measure, in as many strings as there are formats?
    SELECT form, string_agg(substring(packed FROM start FOR size), '')
    FROM (
        SELECT formats[%(number)s] AS form, offsets[%(number)s] + 1 AS start, packed
        FROM measurement
        WHERE layout_id = %(layout_id)s AND {_IN_WINDOW}
        ORDER BY recorded_at DESC LIMIT %(limit)s
    ) AS latest
    CROSS JOIN LATERAL (
        SELECT {_WIDTHS}[form & {TYPE_BITS}] * CASE WHEN form & {SAME} = 0 THEN %(count)s ELSE 1 END AS size
    ) AS type
    WHERE size IS NOT NULL
    GROUP BY form
"""  # noqa: S608 (put together from the constants above)


class Reading(NamedTuple):
    """One value of one item, and the run it comes from."""

    unit_id: int
    position_number: int
    event_id: int
    run: int
    recorded_at: datetime
    value: Value


def series(connection: Connection, window: Window, feature: str, characteristic: str) -> list[Reading]:
    """One item through the runs of a station, the latest first. `feature` is a measurement's name or its designators.

    Raises `NotFound` where no run of the window has it.
    """
    cells = [
        (layout_id, place, row)
        for layout_id, layout in _layouts_in(connection, window).items()
        for place, row in layout.find(feature, characteristic)
    ]
    if not cells:
        raise NotFound(
            f"{characteristic} of {feature} was not measured at this station in that time. "
            "A run's measurements show the names that the station uses."
        )
    kinds = {(layout_id, place.number + 1): place.column.kind for layout_id, place, _ in cells}
    asked = {
        "layouts": [layout_id for layout_id, _, _ in cells],
        "numbers": [place.number + 1 for _, place, _ in cells],
        "items": [row for _, _, row in cells],
    }
    return [
        Reading(unit_id, position, event_id, run, at, as_sent(_one(form, item, data), kinds[layout_id, number]))
        for unit_id, position, event_id, run, at, form, item, layout_id, number, data in _fetch(
            connection, _SERIES, window.named() | asked
        )
    ]


def _one(form: int, item: int, data: bytes) -> Value:
    return values(form, data, 0)[item] if type_of(form) == TEXT else values(form, data, 1)[0]


class Item(NamedTuple):
    """What is measured again and again. `repetition` counts from 0 where one run measures it more than once."""

    step: str | None
    name: str | None
    designators: str | None
    unit: str | None
    repetition: int = 0


@dataclass(frozen=True)
class Capabilities:
    """Items and, in step with them, their figures. What cannot be told (no limits, too few values) is NaN."""

    items: list[Item]
    count: Counts
    mean: Floats
    deviation: Floats
    lower: Floats
    upper: Floats
    cp: Floats
    cpk: Floats


def capabilities(
    connection: Connection,
    window: Window,
    characteristic: str,
    *,
    lower: float | None = None,
    upper: float | None = None,
) -> Capabilities:
    """Mean, spread, Cp and Cpk of every item at one characteristic.

    Limits are the latest the machine sent with each item, in the unit of its values; a limit given here holds instead,
    for all items (SPI machines send none).
    """
    totals = _Totals()
    for layout_id, layout in _layouts_in(connection, window).items():
        for place in layout.places:
            if place.column.characteristic == characteristic and place.column.kind is Kind.number:
                rows = totals.rows_of(place)
                for moments in _column_moments(connection, window, layout_id, place):
                    totals.add(rows, moments)
    low, high = totals.limits(lower, upper)
    cp, cpk = indices(totals.moments, low, high)
    moments = totals.moments
    return Capabilities(list(totals.items), moments.count, moments.mean, moments.deviation, low, high, cp, cpk)


class _Totals:
    """Moments summed up over columns whose items may differ: a pad that is new, a limit that changed."""

    def __init__(self) -> None:
        self.items: dict[Item, int] = {}
        self.moments = Moments(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
        self._lower: list[float] = []
        self._upper: list[float] = []

    def rows_of(self, place: Place) -> NDArray[np.intp]:
        """The row of each item of a column; items that are new get the next rows, and their limits with them."""
        column, group = place.column, place.group
        lower, upper = column.comparable.lower, column.comparable.upper
        seen: set[Item] = set()
        rows = []
        for at, named in enumerate(zip(group.steps, group.names, group.designators, strict=True)):
            item = Item(*named, column.unit)
            while item in seen:
                item = item._replace(repetition=item.repetition + 1)
            seen.add(item)
            row = self.items.setdefault(item, len(self.items))
            if row == len(self._lower):
                self._lower.append(np.nan if lower is None else float(lower[at]))
                self._upper.append(np.nan if upper is None else float(upper[at]))
            rows.append(row)
        return np.array(rows, dtype=np.intp)

    def add(self, rows: NDArray[np.intp], moments: Moments) -> None:
        size = len(self.items)
        kept = np.arange(len(self.moments.count), dtype=np.intp)
        self.moments = self.moments.at(kept, size) + moments.at(rows, size)

    def limits(self, lower: float | None, upper: float | None) -> tuple[Floats, Floats]:
        low, high = np.array(self._lower), np.array(self._upper)
        size = len(self.items)
        self.moments = self.moments.at(np.arange(len(self.moments.count), dtype=np.intp), size)
        return (
            low if lower is None else np.full(size, lower),
            high if upper is None else np.full(size, upper),
        )


def _layouts_in(connection: Connection, window: Window) -> dict[int, Layout]:
    given = {"station_id": window.station_id, "since": window.since, "until": window.until}
    ids = [row[0] for row in connection.execute(_LAYOUTS, given)]
    layouts = load_layouts(connection, ids)
    return {layout_id: layouts[layout_id] for layout_id in ids}


def _column_moments(connection: Connection, window: Window, layout_id: int, place: Place) -> Iterator[Moments]:
    asked = {"layout_id": layout_id, "number": place.number + 1, "count": place.count}
    for form, data in _fetch(connection, _COLUMN, window.named() | asked):
        yield moments_of(form, data, place.count)


def _fetch(connection: Connection, statement: str, named: dict[str, Any]) -> list[Any]:
    """Read rows in binary: as text, bytes would come in twice their size."""
    driver: Any = connection.connection.driver_connection
    with driver.cursor(binary=True) as cursor:
        rows: list[Any] = cursor.execute(statement, named).fetchall()
        return rows
