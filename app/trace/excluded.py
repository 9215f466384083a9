"""Which units might be thought to carry it, and do not: neighbours in time and order, each with the reason."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.errors import Invalid
from app.trace.boards import Place, occupants
from app.trace.hits import packages_meant
from app.trace.loaded import loaded_intervals
from app.trace.question import Question
from app.trace.shown import particulars
from app.trace.suspects import works_in
from app.trace.where_used import stream_where_used

_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class ExcludedUnit:
    """A unit that does not carry what was asked for, though it was near."""

    serial: str
    reason: str
    place: str | None
    position_number: int | None = None


_KNOWN = "(CAST(:as_of AS timestamptz) IS NULL OR {} <= :as_of)"
_SAME_ORDERS = text(
    f"""
    -- Which other units belong to the orders of these?
    SELECT DISTINCT other.unit_id FROM unit
    JOIN unit AS other ON other.work_order_id = unit.work_order_id
    WHERE unit.unit_id = ANY (CAST(:units AS bigint[])) AND {_KNOWN.format("other.registered_at")}
      -- Panels are told by their boards.
      AND NOT EXISTS (
          SELECT FROM panel_position WHERE panel_position.panel_id = other.unit_id AND {_KNOWN.format("received_at")}
      )
      AND (NOT EXISTS (
              SELECT FROM spoken_position
              WHERE spoken_position.unit_id = other.unit_id AND {_KNOWN.format("received_at")}
           )
           OR EXISTS (
              SELECT FROM panel_position
              WHERE panel_position.unit_id = other.unit_id AND {_KNOWN.format("received_at")}
           ))
    ORDER BY other.unit_id
    """
)
_STATIONS = text("SELECT station_id, handle FROM station")


def excluded(
    connection: Connection,
    question: Question,
    *,
    customer_id: int | None = None,
    carriers: Collection[Place] | None = None,
) -> Iterator[ExcludedUnit]:
    """Units that were worked on where and while the packages were loaded, or belong to the same orders as carriers,
    and carry none: of each it is told why that is sure.

    `carriers` are the boards of the whole answer of where-used, where the caller has it; else they are asked for.
    Raises `NotFound` where nothing of that name is known, `Invalid` where the question names no packages.
    """
    if not question.names_packages:
        raise Invalid("Excluded units are told of a package, a lot or a part.")
    packages = packages_meant(connection, question)
    if carriers is None:
        carriers = {unit.board for unit in stream_where_used(connection, question)}
    handles = {row[0]: row[1] for row in connection.execute(_STATIONS)}
    intervals = loaded_intervals(connection, list(packages), question.as_of)
    told: dict[tuple[int, int], str] = {}
    works = works_in(connection, intervals, question.as_of)
    places: list[tuple[int, int, datetime]] = [(row.unit_id, position, row.recorded_at) for row, position in works]
    for index, unit_id, position in occupants(connection, places, question.as_of):
        row, _ = works[index]
        if (unit_id, position) not in carriers and (unit_id, 0) not in carriers:
            # A customer has no business with the names of packages beyond the one asked for.
            loaded = f"package {packages[row.package_id]}" if customer_id is None else question.words
            told.setdefault(
                (unit_id, position),
                f"{handles[row.station_id]} worked on it while {loaded} was in slot {row.slot}, and named other "
                "packages for all it installed.",
            )
    where = ", ".join(sorted({handles[one.station_id] for one in intervals})) or "any station"
    carrying = sorted({unit_id for unit_id, _ in carriers})
    for unit_id in connection.execute(_SAME_ORDERS, {"units": carrying, "as_of": question.as_of}).scalars():
        if (unit_id, 0) not in carriers:
            told.setdefault((unit_id, 0), f"It was not at {where} while {question.words} was loaded there.")
    listed = sorted(told)
    for start in range(0, len(listed), _BLOCK):
        block = listed[start : start + _BLOCK]
        known = particulars(connection, [unit_id for unit_id, _ in block])
        for unit_id, position in block:
            shown = known[unit_id]
            if customer_id is None or shown.customer_id == customer_id:
                yield ExcludedUnit(shown.serial, told[unit_id, position], shown.place, position or None)
