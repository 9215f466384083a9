"""What many runs measured: one pad run by run, the capability of all pads.

Both cut what they need out of the packed bytes in the database: a run of 3,000 pads is not unpacked for one of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.copying import driver_cursor
from app.errors import Invalid, NotFound
from app.quality.capability import Counts, Moments, indices, moments_of
from app.quality.formats import SAME, TEXT, TYPE_BITS, VALUE_WIDTHS, Floats, Value, cell_at, column_size
from app.quality.layout import Item, Kind, Layout, Place
from app.quality.layouts import layouts_of, remembered_layouts
from app.quality.measurements import as_sent
from app.quality.unpacking import values_of_runs
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Window:
    """The runs of one station from `since` up to but not at `until`, by its clock: the latest `limit` a layout."""

    station_id: int
    since: datetime
    until: datetime
    limit: int = 10_000

    def __post_init__(self) -> None:
        """Refuse a time that is none."""
        if self.since >= self.until:
            raise Invalid(Sentence("since is not before until."))

    def named(self) -> dict[str, Any]:
        """As parameters of a statement."""
        return {"station_id": self.station_id, "since": self.since, "until": self.until, "limit": self.limit}


_USED = "layouts_used"  # in a connection's info: ids of layouts by station
_WINDOW = "station_id = %(station_id)s AND recorded_at >= %(since)s AND recorded_at < %(until)s"
_LATEST = "ORDER BY recorded_at DESC, event_id DESC, run DESC LIMIT %(limit)s"
_LAYOUTS = f"""
    -- Which layouts did this station's runs have in this window, the latest first?
    SELECT layout_id, digest FROM (
        SELECT layout_id, max(recorded_at) AS latest FROM measurement WHERE {_WINDOW} GROUP BY layout_id
    ) AS used
    JOIN measurement_layout USING (layout_id)
    ORDER BY latest DESC
"""
_FORM_BITS = 16
_FORM_MASK = 2**_FORM_BITS - 1
_FORMS = range(1, (SAME | TYPE_BITS) + 1)  # as far as they say where a value stands, in the order of an array
_RUN = "unit_id, position_number, event_id, run, recorded_at"
_FROM = f"(CAST(%(starts_{{nth}})s AS integer[]))[form & {_FORMS[-1]}]"
_WHOLE = 2**30  # bytes of a column of texts: as many as there are
_WIDTHS = ",".join(str(VALUE_WIDTHS[kind] or _WHOLE) for kind in sorted(VALUE_WIDTHS))
_FOR = f"(CAST('{{{{{_WIDTHS}}}}}' AS integer[]))[form & {TYPE_BITS}]"
# One item, run by run: which of the cells asked for, its format, its bytes. Of a column of texts, all are read.
_SHORT_CELL = f"""
    (SELECT {_RUN}, {{nth}} << {_FORM_BITS} | form,
        CASE WHEN form & {TYPE_BITS} = {TEXT}
            THEN substring(packed FROM start FOR coalesce(following, length(packed)) + 1 - start)
            ELSE substring(packed FROM start + {_FROM} FOR {_FOR})
        END
    FROM (  -- the runs are picked and put in order first: what is sorted is the row, not what is cut out of it
        SELECT {_RUN}, packed, formats[%(number_{{nth}})s + 1] AS form, offsets[%(number_{{nth}})s + 1] + 1 AS start,
            offsets[%(number_{{nth}})s + 2] AS following
        FROM measurement WHERE {_WINDOW} AND layout_id = %(layout_{{nth}})s {_LATEST}
    ) AS picked)
"""
_LONG_CELL = f"""
    (SELECT {_RUN}, {{nth}} << {_FORM_BITS} | form, substring(packed FROM 1 + {_FROM} FOR {_FOR})
    FROM (SELECT *, format AS form FROM measurement_column) AS long_column
    WHERE {_WINDOW} AND layout_id = %(layout_{{nth}})s AND number = %(number_{{nth}})s
    {_LATEST})
"""
_UNKNOWN = f"""
    -- Is there a run of a layout that the asker does not know? Nobody said where the item is in it.
    (SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM measurement
    WHERE {_WINDOW} AND layout_id <> ALL(CAST(%(known)s AS integer[])) LIMIT 1)
"""
_LONG_COLUMN = f"""
    -- What did all items of this column measure, run by run?
    SELECT format, packed FROM measurement_column
    WHERE {_WINDOW} AND layout_id = %(layout_id)s AND number = %(number)s {_LATEST}
"""
_SHORT_COLUMN = f"""
    -- What did all items of this column measure, run by run? No byte where they are texts.
    SELECT form, substring(packed FROM start FOR (CAST(%(sizes)s AS integer[]))[form & {_FORMS[-1]}])
    FROM (
        SELECT packed, formats[%(number)s + 1] AS form, offsets[%(number)s + 1] + 1 AS start
        FROM measurement WHERE {_WINDOW} AND layout_id = %(layout_id)s {_LATEST}
    ) AS picked
"""


class Cell(NamedTuple):
    """An item at one characteristic in one layout: the column, and the row in it."""

    layout_id: int
    place: Place
    row: int


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

    One statement, where the layouts of the runs were read before on this connection. Raises `NotFound` where no run of
    the window has the item.
    """
    layouts = _remembered(connection, window) or _layouts_in(connection, window)
    while (readings := _readings(connection, window, layouts, feature, characteristic)) is None:
        layouts |= _layouts_in(connection, window)
    if not readings:
        raise NotFound(
            Sentence(
                "%(characteristic)s of %(feature)s was not measured at this station in that time. A run's "
                "measurements show the names that the station uses.",
                characteristic=characteristic,
                feature=feature,
            )
        )
    return readings


def _readings(
    connection: Connection, window: Window, layouts: Mapping[int, Layout], feature: str, characteristic: str
) -> list[Reading] | None:
    """The readings of an item in these layouts; None where a run of the window has another one."""
    found = {layout_id: list(layout.find(feature, characteristic)) for layout_id, layout in layouts.items()}
    cells = [Cell(layout_id, *at) for layout_id, places in found.items() for at in places]
    asked = window.named() | {"known": _array(layouts)}
    for nth, (layout_id, place, row) in enumerate(cells):
        asked[f"layout_{nth}"] = layout_id
        asked[f"number_{nth}"] = place.number
        asked[f"starts_{nth}"] = _array(cell_at(form, place.count, row) for form in _FORMS)
    rows = _fetch(connection, _question(tuple(cell.place.is_long for cell in cells)), asked)
    if rows and rows[-1][0] is None:
        return None
    if not rows:
        return []
    *runs, written, cut = zip(*rows, strict=True)
    readings = list(map(_reading, zip(*runs, _values(written, cut, cells), strict=True)))
    if len(cells) > 1:  # each came in its own order
        readings.sort(key=attrgetter("recorded_at", "event_id", "run"), reverse=True)
    return readings[: window.limit]


def _array(numbers: Iterable[int]) -> str:
    """An array as PostgreSQL reads it: the driver takes 15 us for a list, which is much in a question this short."""
    return f"{{{','.join(map(str, numbers))}}}"


@lru_cache
def _question(long: tuple[bool, ...]) -> str:
    """The question for cells in long columns and others."""
    cells = ((_LONG_CELL if is_long else _SHORT_CELL).format(nth=nth) for nth, is_long in enumerate(long))
    return " UNION ALL ".join((*cells, _UNKNOWN))


_reading = partial(tuple.__new__, Reading)  # `Reading._make` without its checks, at half the time


def _values(written: Sequence[int], cut: Sequence[bytes], cells: Sequence[Cell]) -> list[Value]:
    """The value in each cut; `written` says of which cell and format each is: those alike are read together."""
    ways = set(written)
    if len(ways) == 1:
        return _alike(ways.pop(), cut, cells)
    alike: dict[int, list[bytes]] = {how: [] for how in ways}
    add = {how: ones.append for how, ones in alike.items()}
    for how, one in zip(written, cut, strict=True):
        add[how](one)
    values = {how: iter(_alike(how, ones, cells)) for how, ones in alike.items()}
    return list(map(next, map(values.__getitem__, written)))


def _alike(how: int, cut: Sequence[bytes], cells: Sequence[Cell]) -> list[Value]:
    _, place, row = cells[how >> _FORM_BITS]
    values = values_of_runs(how & _FORM_MASK, cut, place.count, row)
    kind = place.column.kind
    return [as_sent(value, kind) for value in values] if kind in (Kind.boolean, Kind.result) else values


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


def characteristics(connection: Connection, window: Window) -> list[str]:
    """Which characteristics of its items a station measured as numbers, in order of their names."""
    layouts = _layouts_in(connection, window).values()
    columns = (place.column for layout in layouts for place in layout.places)
    return sorted({column.characteristic for column in columns if column.kind is Kind.number})


@np.errstate(over="ignore", invalid="ignore")  # what is beyond a double is told by no figure
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
        self._lower = np.zeros(0)
        self._upper = np.zeros(0)

    def rows_of(self, place: Place) -> NDArray[np.intp]:
        """The row of each item of a column; items that are new get the next rows, and their limits with them."""
        lower, upper = place.column.comparable.lower, place.column.comparable.upper
        known = len(self.items)
        rows = np.array([self.items.setdefault(item, len(self.items)) for item in place.items], dtype=np.intp)
        new = np.flatnonzero(rows >= known)
        none = np.full(len(new), np.nan)
        self._lower = np.concatenate((self._lower, none if lower is None else lower[new]))
        self._upper = np.concatenate((self._upper, none if upper is None else upper[new]))
        return rows

    def add(self, rows: NDArray[np.intp], moments: Moments) -> None:
        size = len(self.items)
        kept = np.arange(len(self.moments.count), dtype=np.intp)
        self.moments = self.moments.at(kept, size) + moments.at(rows, size)

    def limits(self, lower: float | None, upper: float | None) -> tuple[Floats, Floats]:
        size = len(self.items)
        self.moments = self.moments.at(np.arange(len(self.moments.count), dtype=np.intp), size)
        return (
            self._lower if lower is None else np.full(size, lower),
            self._upper if upper is None else np.full(size, upper),
        )


def _layouts_in(connection: Connection, window: Window) -> dict[int, Layout]:
    layouts = layouts_of(connection, dict(_fetch(connection, _LAYOUTS, window.named())))
    connection.info.setdefault(_USED, {}).setdefault(window.station_id, set()).update(layouts)
    return layouts


def _remembered(connection: Connection, window: Window) -> dict[int, Layout]:
    """The layouts that were found at this station before on this connection, and are still remembered."""
    used = connection.info.get(_USED, {}).get(window.station_id, ())
    return {layout_id: layout for layout_id, layout in remembered_layouts(connection).items() if layout_id in used}


def _column_moments(connection: Connection, window: Window, layout_id: int, place: Place) -> Iterator[Moments]:
    sizes = [column_size(form, place.count) for form in _FORMS]
    asked = window.named() | {"layout_id": layout_id, "number": place.number, "sizes": sizes}
    parts: dict[int, list[bytes]] = defaultdict(list)
    for form, data in _fetch(connection, _LONG_COLUMN if place.is_long else _SHORT_COLUMN, asked):
        if data and form & TYPE_BITS != TEXT:
            parts[form].append(data)
    for form, datas in parts.items():
        yield moments_of(form, b"".join(datas), place.count)


def _fetch(connection: Connection, statement: str, named: dict[str, Any]) -> list[Any]:
    """Read rows in binary: as text, bytes would come in twice their size."""
    with driver_cursor(connection, binary=True) as cursor:
        return cursor.execute(statement, named).fetchall()
