"""What is shown of units, and which of them more must be asked about.

Of most boards there is nothing more to know: nothing was taken out of them, they are in no assembly. One question tells
those apart for a whole block, so that the others are asked about the few they concern only.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, text

from app.units.whereabouts import MOVED, PlaceKind, places_of
from app.units.whereabouts import Place as Whereabouts


class Particulars(Struct, frozen=True):
    """What is shown of a unit. `place` is where it is now: on the line, in stock, packed, shipped to whom, scrapped."""

    serial: str
    customer_id: int | None
    place: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """Units by id; those of which something may have been taken out, and those that were built into another."""

    particulars: dict[int, Particulars] = field(default_factory=dict)
    emptied: set[int] = field(default_factory=set)
    built_in: set[int] = field(default_factory=set)


_EMPTIED = """
    SELECT unit_id FROM removal WHERE unit_id = ANY (CAST({units} AS bigint[]))
    UNION ALL
    SELECT board.unit_id FROM panel_position AS board JOIN removal ON removal.unit_id = board.panel_id
    WHERE board.unit_id = ANY (CAST({units} AS bigint[]))
"""
# A child is named by its serial, as a unit or as a material, or by that of the panel it was in.
_BUILT_IN = """
    SELECT child_id AS unit_id FROM installed_unit WHERE child_id = ANY (CAST({units} AS bigint[]))
    UNION ALL
    SELECT board.unit_id FROM panel_position AS board JOIN installed_unit ON child_id = board.panel_id
    WHERE board.unit_id = ANY (CAST({units} AS bigint[]))
    UNION ALL
    SELECT unit.unit_id
    FROM package JOIN unit ON unit.serial = package.identifier AND unit.unit_id = ANY (CAST({units} AS bigint[]))
    WHERE identifier = ANY (ARRAY(SELECT serial FROM unit WHERE unit_id = ANY (CAST({units} AS bigint[]))))
"""
MORE_TO_ASK = f"""
    {MOVED}
    UNION ALL
    SELECT unit_id FROM removal WHERE unit_id = ANY (CAST({{units}} AS bigint[]))
    UNION ALL
    SELECT package_id FROM package WHERE identifier = ANY (CAST({{serials}} AS text[]))
"""
"""Those of `units` with these `serials` (arrays) of which there is more to know than what they are called. What is in a
panel, or built in as a unit, is told with those that moved."""
_SHOWN = text(
    f"""
    -- What are these units called, whose are they, and of which must more be asked?
    SELECT '' AS what, unit_id, serial, customer_id FROM unit WHERE unit_id = ANY (CAST(:units AS bigint[]))
    UNION ALL
    SELECT 'emptied', emptied.unit_id, NULL, NULL FROM ({_EMPTIED.format(units=":units")}) AS emptied
    UNION ALL
    SELECT 'built in', built_in.unit_id, NULL, NULL FROM ({_BUILT_IN.format(units=":units")}) AS built_in
    UNION ALL
    SELECT 'moved', moved.unit_id, NULL, NULL FROM ({MOVED.format(units=":units")}) AS moved
    """
)


def shown_of(connection: Connection, units: Collection[int], *, placed: bool = True) -> Shown:
    """What is shown of these units; `placed`: with where they are."""
    shown = Shown()
    if not units:
        return shown
    moved = []
    for what, unit_id, serial, customer_id in connection.execute(_SHOWN, {"units": list(units)}).all():
        match what:
            case "":
                shown.particulars[unit_id] = Particulars(serial, customer_id, None)
            case "emptied":
                shown.emptied.add(unit_id)
            case "built in":
                shown.built_in.add(unit_id)
            case _:
                moved.append(unit_id)
    if placed and moved:
        for unit_id, place in places_of(connection, moved).items():
            shown.particulars[unit_id] = replace(shown.particulars[unit_id], place=words(place))
    return shown


def particulars(connection: Connection, units: Collection[int], *, placed: bool = True) -> dict[int, Particulars]:
    """Serial, customer and, where `placed`, place of units."""
    return shown_of(connection, units, placed=placed).particulars


def words(place: Whereabouts | None) -> str | None:
    """The place as it is shown; None where nobody told of any."""
    return None if place is None or (place.kind is PlaceKind.line and place.station is None) else place.words
