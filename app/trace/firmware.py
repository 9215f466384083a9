"""Which software was put into a unit, with its version and checksum: it is a material, too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, text

from app.cfx.messages.assembly import PersonalizedUnit, UnitsPersonalized
from app.cfx.tolerance import Unreadable, read_tolerantly
from app.units.places import AMONG_PLACES, PLACES_THEN


@dataclass(frozen=True, slots=True)
class Firmware:
    """Software put into the unit, as `UnitsPersonalized` says it: a characteristic and its value."""

    name: str
    value: str | None
    station: str
    recorded_at: datetime


_PERSONALIZED = text(
    f"""
    -- Which software and other characteristics were put into it?
    WITH {PLACES_THEN}
    SELECT fact.body, fact.recorded_at, station.handle AS station, place.position_number, unit.serial
    FROM place JOIN unit_event AS fact ON {AMONG_PLACES}
    JOIN station USING (station_id)
    JOIN unit ON unit.unit_id = fact.unit_id
    WHERE fact.message_name = 'CFX.Production.Assembly.UnitsPersonalized'
      AND (CAST(:as_of AS timestamptz) IS NULL OR fact.received_at <= :as_of)
    """
)


def firmware_of(connection: Connection, asked: Mapping[str, object]) -> list[Firmware]:
    """The software of the unit that `asked` names: `serial`, `customer_id`, `as_of`."""
    found = []
    for row in connection.execute(_PERSONALIZED, asked):
        for unit in _personalized(row.body):
            if unit.unit_identifier and unit.unit_identifier != row.serial:
                continue
            if row.position_number and unit.position and unit.position != row.position_number:
                continue
            found += [
                Firmware(str(one.name), one.value, row.station, row.recorded_at) for one in unit.characteristics or ()
            ]
    return found


def _personalized(body: object) -> Sequence[PersonalizedUnit]:
    """What a stored body says of each unit, read as the inbox read it: with numbers as text and the like."""
    try:
        return read_tolerantly(UnitsPersonalized, msgspec.json.encode(body)).personalized_units
    except Unreadable:
        return ()
