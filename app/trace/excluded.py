"""Which units might be thought to carry it, and do not: neighbours in time and order, each with the reason."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, text

from app.db import varied
from app.errors import Invalid
from app.sentences import Sentence
from app.trace.boards import Place, occupants
from app.trace.hits import packages_meant
from app.trace.loaded import LoadedInterval, loaded_intervals
from app.trace.question import Question
from app.trace.shown import particulars
from app.trace.suspects import spoken_of, works_in
from app.trace.told import Told
from app.trace.where_used import stream_where_used

_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class ExcludedUnit:
    """A unit that does not carry what was asked for, though it was near."""

    serial: str
    reason: Sentence
    place: str | None
    position_number: int | None = None


_KNOWN = "(CAST(:as_of AS timestamptz) IS NULL OR {} <= :as_of)"
_ORDERS = text(
    """
    SELECT DISTINCT work_order_id FROM unit
    WHERE unit_id = ANY (CAST(:units AS bigint[])) AND work_order_id IS NOT NULL
    """
)
_OF_ORDERS = text(
    f"""
    -- Which units belong to these orders?
    SELECT other.unit_id FROM unit AS other
    WHERE other.work_order_id = ANY (CAST(:orders AS integer[])) AND {_KNOWN.format("other.registered_at")}
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
    carriers: Iterable[Place] | None = None,
) -> Iterator[ExcludedUnit]:
    """Units that were worked on where and while the packages were loaded, or belong to the same orders as carriers,
    and carry none: of each it is told why that is sure. Streamed, with eight bytes kept of each.

    `carriers` are the boards of the whole answer of where-used, where the caller has it; else they are asked for.
    Raises `NotFound` where nothing of that name is known, `Invalid` where the question names no packages.
    """
    if not question.names_packages:
        raise Invalid(Sentence("Excluded units are told of a package, a lot or a part."))
    packages = packages_meant(connection, question)
    if carriers is None:
        carriers = (unit.board for unit in stream_where_used(connection, question))
    carrying, orders = Told(), set[int]()
    for block in _blocks(carriers):
        carrying.add(block)
        orders.update(connection.execute(_ORDERS, {"units": [unit_id for unit_id, _ in block]}).scalars())
    handles: dict[int, str] = {row[0]: row[1] for row in connection.execute(_STATIONS)}
    intervals = loaded_intervals(connection, list(packages), question.as_of)
    stations = sorted({handles[one.station_id] for one in intervals})
    bare = question.of_packages
    away = Sentence(
        "It was not at %(all_stations)s while %(asked)s was loaded there.", all_stations=stations, asked=bare
    )
    if not stations:
        away = Sentence("It was not at any station while %(asked)s was loaded there.", asked=bare)
    otherwise = Sentence(
        "It carries %(asked)s, or may, but not all that was asked for besides holds of it.", asked=bare
    )
    # What other terms leave out is none that named other packages.
    holding = carrying
    if bare != question:
        holding = Told()
        for block in _blocks(unit.board for unit in stream_where_used(connection, bare)):
            holding.add(block)

    def near(row: Row[Any], position: int) -> Sentence:
        told = {
            "station": handles[row.station_id],
            # A customer has no business with the names of packages beyond the one asked for.
            "asked": Question(package=packages[row.package_id]) if customer_id is None else bare,
            "slot": row.slot,
        }
        if position in (row.skipped_positions or ()):
            return Sentence(
                "%(station)s passed it over as an X-out when it worked on the others while %(asked)s was in slot "
                "%(slot)s.",
                **told,
            )
        return Sentence(
            "%(station)s worked on it while %(asked)s was in slot %(slot)s, and named other packages for all it "
            "installed.",
            **told,
        )

    told = Told()
    beside = ((place, near(*work)) for place, work in _worked_beside(connection, intervals, question.as_of))
    asked = {"orders": sorted(orders), "as_of": question.as_of}
    options = {"stream_results": True, "yield_per": _BLOCK}
    with varied(connection), connection.execute(_OF_ORDERS, asked, execution_options=options) as rows:
        for found in _blocks(chain(beside, (((row.unit_id, 0), away) for row in rows))):
            fresh = {
                place: otherwise if holding is not carrying and place in holding else why
                for place, why in reversed(found)
                if place not in told
                # A panel as a whole is no other than its boards.
                and not (place in carrying or (place[0], 0) in carrying if place[1] else carrying.has_any(place[0]))
            }
            told.add(sorted(fresh))
            known = particulars(connection, sorted({unit_id for unit_id, _ in fresh}))
            for place, why in sorted(fresh.items()):
                shown = known[place[0]]
                if customer_id is None or shown.customer_id == customer_id:
                    yield ExcludedUnit(shown.serial, why, shown.place, place[1] or None)


def _worked_beside(
    connection: Connection, intervals: Sequence[LoadedInterval], as_of: datetime | None
) -> Iterator[tuple[Place, tuple[Row[Any], int]]]:
    """Boards that were worked on while the packages were loaded, each with the work and the position it was told of."""
    for block in _blocks(works_in(connection, intervals, as_of)):
        places = [spoken_of(row, position) for row, position in block]
        for index, unit_id, position, _ in occupants(connection, places, as_of, every=True):
            yield (unit_id, position), block[index]


_T = TypeVar("_T")


def _blocks(ones: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(ones)
    while block := list(islice(rest, _BLOCK)):
        yield block
