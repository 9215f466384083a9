"""The inspections and tests of one unit, under whatever identifier the machines spoke of it."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from app.quality.queries import RecordedRun, runs_of
from app.units.places import AT_PLACE, PLACES

_EVENTS = text(
    f"""
    -- Under which identifiers, positions and events was this unit inspected or tested?
    WITH {PLACES}
    SELECT fact.unit_id, fact.position_number, fact.event_id FROM place JOIN inspection AS fact ON {AT_PLACE}
    UNION
    SELECT fact.unit_id, fact.position_number, fact.event_id FROM place JOIN test AS fact ON {AT_PLACE}
    """
)


def runs_of_unit(connection: Connection, serial: str, *, customer_id: int | None = None) -> Sequence[RecordedRun]:
    """Every inspection and test of a unit, by the stations' clocks; a panel's are those of its boards.

    Empty where the serial is not known, or not that customer's.
    """
    given = {"serial": serial, "customer_id": customer_id}
    meant = {tuple(row) for row in connection.execute(_EVENTS, given)}
    places = {(unit_id, position) for unit_id, position, _ in meant}
    return [run for run in runs_of(connection, places) if (run.unit_id, run.position_number, run.event_id) in meant]
