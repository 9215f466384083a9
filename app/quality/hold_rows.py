"""Hold rows of units, written while the units are locked: as fast as it goes, because their stations wait."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.copying import Columns, Row, copy_rows
from app.quality.scope import Key, Progress, ScopedUnit, no_progress
from app.units.whereabouts import PlaceKind, beyond, is_inside, places_of

_REPORT_EVERY = 5000
_HOLD: Columns = {
    "unit_id": "int8", "position_number": "int2", "nonconformance_id": "int4", "held_at": "timestamptz",
    "fact_at": "timestamptz", "evidence": "text", "reason": "text", "place": "text", "shipment": "text",
    "later": "bool",
}  # fmt: skip
_NOW = text("SELECT clock_timestamp()")
_HOLD_LATER = text(
    """
    INSERT INTO unit_hold (
        unit_id, position_number, nonconformance_id, held_at, fact_at, evidence, reason, place, shipment, later
    )
    SELECT unit_id, position_number, :nonconformance, clock_timestamp(), fact_at, evidence, reason, place, shipment,
        true
    FROM unnest(
        CAST(:units AS bigint[]), CAST(:positions AS smallint[]), CAST(:facts AS timestamptz[]),
        CAST(:evidence AS text[]), CAST(:reasons AS text[]), CAST(:places AS text[]), CAST(:shipments AS text[])
    ) AS given (unit_id, position_number, fact_at, evidence, reason, place, shipment)
    ON CONFLICT DO NOTHING
    """
)


@dataclass(frozen=True, slots=True)
class Held:
    """A unit that was held: where it was, and the shipment it had left with."""

    key: Key
    place: str
    shipment: str | None


def write_unit_holds(
    connection: Connection,
    nonconformance_id: int,
    units: Mapping[Key, ScopedUnit],
    *,
    progress: Progress = no_progress,
) -> list[Held]:
    """Write one hold for each unit, which the caller has locked, of a nonconformance nobody else sees yet."""
    held = _placed(connection, units)
    at = connection.execute(_NOW).scalar_one()

    def rows() -> Iterator[Row]:
        for nth, one in enumerate(held):
            if nth % _REPORT_EVERY == 0:
                progress("writing holds", nth, len(held))
            why = units[one.key]
            yield (
                *one.key, nonconformance_id, at, why.fact_at, why.evidence.value, why.reason, one.place, one.shipment,
                False,
            )  # fmt: skip

    copy_rows(connection, "unit_hold", _HOLD, rows())
    progress("writing holds", len(held), len(held))
    return held


def write_later_holds(connection: Connection, nonconformance_id: int, units: Mapping[Key, ScopedUnit]) -> int:
    """The same for units that became known later; whoever was faster has held them. Returns how many were new."""
    held = _placed(connection, units)
    given = {
        "nonconformance": nonconformance_id,
        "units": [one.key[0] for one in held],
        "positions": [one.key[1] for one in held],
        "facts": [units[one.key].fact_at for one in held],
        "evidence": [units[one.key].evidence.value for one in held],
        "reasons": [units[one.key].reason for one in held],
        "places": [one.place for one in held],
        "shipments": [one.shipment for one in held],
    }
    return connection.execute(_HOLD_LATER, given).rowcount if held else 0


def _placed(connection: Connection, units: Mapping[Key, ScopedUnit]) -> list[Held]:
    """Where units are now: what has left the line is asked while they are locked, the rest may be known already."""
    gone = beyond(connection, {unit_id for unit_id, _ in units})
    unknown = {
        key[0] for key, unit in units.items() if key[0] not in gone and not (unit.place and is_inside(unit.place))
    }
    inside = places_of(connection, unknown) if unknown else {}
    held = []
    for key in sorted(units):
        place = gone.get(key[0]) or inside.get(key[0])
        shipment = place.shipment if place is not None and place.kind is PlaceKind.shipped else None
        held.append(Held(key, place.words if place is not None else units[key].place or "", shipment))
    return held
