"""Units built into units, and parts taken out again. Both stay on record."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, text

from app.facts import Report


@dataclass(frozen=True, slots=True)
class ChildInstalled:
    """A unit was built into another."""

    report: Report
    unit_id: int
    position_number: int
    child_id: int
    reference_designator: str | None
    candidates: int = 1
    """How many units the message may mean."""
    package_id: int | None = None
    """The package that it came as, where it came as a material."""


@dataclass(frozen=True, slots=True)
class PartRemoved:
    """Parts came out of a unit: of a package, or a child unit; of the designators named, or all of it."""

    report: Report
    unit_id: int
    position_number: int
    package_id: int | None
    child_id: int | None
    reference_designators: tuple[str, ...]
    candidates: int = 1


_INSTALL = text(
    """
    INSERT INTO installed_unit (
        unit_id, position_number, event_id, child_id, package_id, reference_designator, station_id, candidates,
        recorded_at, received_at
    )
    SELECT * FROM unnest(
        CAST(:units AS bigint[]), CAST(:positions AS smallint[]), CAST(:events AS bigint[]),
        CAST(:children AS bigint[]), CAST(:packages AS integer[]), CAST(:designators AS text[]),
        CAST(:stations AS integer[]),
        CAST(:candidates AS smallint[]), CAST(:recorded_at AS timestamptz[]), CAST(:received_at AS timestamptz[])
    )
    ON CONFLICT DO NOTHING
    """
)
_REMOVE = text(
    """
    INSERT INTO removal (
        unit_id, position_number, event_id, ordinal, package_id, child_id, reference_designators, station_id,
        candidates, recorded_at, received_at
    )
    SELECT unit_id, position_number, event_id, ordinal, package_id, child_id,
        ARRAY(SELECT jsonb_array_elements_text(designators)), station_id, candidates, recorded_at, received_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given (
        unit_id bigint, position_number smallint, event_id bigint, ordinal smallint, package_id integer,
        child_id bigint, designators jsonb, station_id integer, candidates smallint, recorded_at timestamptz,
        received_at timestamptz
    )
    ON CONFLICT DO NOTHING
    """
)


def record_children(connection: Connection, children: Sequence[ChildInstalled]) -> None:
    """Keep units built into units."""
    if children:
        connection.execute(
            _INSTALL,
            {
                "units": [one.unit_id for one in children],
                "positions": [one.position_number for one in children],
                "events": [one.report.event_id for one in children],
                "children": [one.child_id for one in children],
                "packages": [one.package_id for one in children],
                "designators": [one.reference_designator for one in children],
                "stations": [one.report.station_id for one in children],
                "candidates": [min(one.candidates, 32767) for one in children],
                "recorded_at": [one.report.recorded_at for one in children],
                "received_at": [one.report.received_at for one in children],
            },
        )


def record_removals(connection: Connection, removals: Sequence[PartRemoved]) -> None:
    """Keep parts taken out of units, in the order each event tells them."""
    if not removals:
        return
    counted: dict[tuple[int, int, int], int] = {}
    rows = []
    for one in removals:
        key = (one.unit_id, one.position_number, one.report.event_id)
        counted[key] = counted.get(key, -1) + 1
        rows.append(
            {
                "unit_id": one.unit_id,
                "position_number": one.position_number,
                "event_id": one.report.event_id,
                "ordinal": counted[key],
                "package_id": one.package_id,
                "child_id": one.child_id,
                "designators": one.reference_designators,
                "station_id": one.report.station_id,
                "candidates": one.candidates,
                "recorded_at": one.report.recorded_at,
                "received_at": one.report.received_at,
            }
        )
    connection.execute(_REMOVE, {"rows": msgspec.json.encode(rows).decode()})
