"""The journey of one unit, its inspections and tests included, under whatever identifier the machines spoke of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from app.quality.queries import RecordedRun, runs_of
from app.units.places import PLACES_THEN, TIED_AT_PLACE
from app.units.queries import JourneyEntry, history

_KNOWN = "(CAST(:as_of AS timestamptz) IS NULL OR fact.received_at <= :as_of)"
_EVENTS = text(
    f"""
    -- Under which identifiers, positions and events was this unit inspected or tested?
    WITH {PLACES_THEN}
    SELECT fact.unit_id, fact.position_number, fact.event_id FROM place JOIN inspection AS fact ON {TIED_AT_PLACE}
    WHERE {_KNOWN}
    UNION
    SELECT fact.unit_id, fact.position_number, fact.event_id FROM place JOIN test AS fact ON {TIED_AT_PLACE}
    WHERE {_KNOWN}
    """
)


def runs_of_unit(
    connection: Connection, serial: str, *, customer_id: int | None = None, as_of: datetime | None = None
) -> Sequence[RecordedRun]:
    """Every inspection and test of a unit, by the stations' clocks; a panel's are those of its boards.

    With `as_of` (server's clock) those known then. Customers are not told who inspected and tested. Empty where the
    serial is not known, or not that customer's.
    """
    given = {"serial": serial, "customer_id": customer_id, "as_of": as_of}
    meant = {tuple(row) for row in connection.execute(_EVENTS, given)}
    places = {(unit_id, position) for unit_id, position, _ in meant}
    runs = [run for run in runs_of(connection, places) if (run.unit_id, run.position_number, run.event_id) in meant]
    return runs if customer_id is None else [replace(run, by=None) for run in runs]


def journey_of(
    connection: Connection, serial: str, *, customer_id: int | None = None, as_of: datetime | None = None
) -> list[JourneyEntry]:
    """What happened to a unit, inspections and tests included, oldest first by the stations' clocks.

    With `as_of` (server's clock) as it was known then. To customers nothing that may name others, or people. Raises
    `NotFound` where the serial is not known, or not the asking customer's.
    """
    entries = history(connection, serial, customer_id=customer_id, as_of=as_of)
    if customer_id is not None:
        entries = [_without_others(entry) for entry in entries]
    runs = runs_of_unit(connection, serial, customer_id=customer_id, as_of=as_of)
    places = Counter(unit_id for unit_id, _ in {(run.unit_id, run.position_number) for run in runs})
    entries += [_of_run(run, of_panel=places[run.unit_id] > 1) for run in runs]
    return sorted(entries, key=lambda entry: (entry.recorded_at, entry.received_at))


def _without_others(entry: JourneyEntry) -> JourneyEntry:
    """A machine's own words (members in CFX's PascalCase) may name units of other customers."""
    ours = {name: value for name, value in entry.details.items() if name[:1].islower()}
    return replace(entry, details=ours)


def _of_run(run: RecordedRun, *, of_panel: bool) -> JourneyEntry:
    told = {
        "position_number": run.position_number if of_panel else None,
        "outcome": run.outcome,
        "machine_outcome": run.machine_outcome,
        "verification": run.verification,
        "method": run.method,
        "recipe": run.recipe,
        "recipe_revision": run.recipe_revision,
        "by": run.by,
        "steps": run.steps,
        "out_of_limit": run.cells_out_of_limit,
        "defects": [_spoken(asdict(defect)) for defect in run.defects],
        "symptoms": [_spoken(asdict(symptom)) for symptom in run.symptoms],
    }
    return JourneyEntry(
        what="UnitsInspected" if run.kind == "inspection" else "UnitsTested",
        station=run.handle,
        recorded_at=run.recorded_at,
        received_at=run.received_at,
        transaction_id=run.transaction_id,
        details=_spoken(told),
        station_name=run.station,
        operation=run.operation,
        event=run.event_id,
        run=run.number,
    )


def _spoken(told: dict[str, Any]) -> dict[str, Any]:
    """Without what was not said."""
    return {name: value for name, value in told.items() if value not in (None, [], ())}
