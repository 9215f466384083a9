"""Quality releases units that passed a gate while the product could not be reached."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from app.errors import Invalid, NotFound
from app.people import record_audit
from app.units.locks import lock_units
from app.units.provisional import provisional_starts, release_starts

_UNITS = text(
    """
    SELECT serial.serial, coalesce(held.unit_id, serial.unit_id) AS unit_id
    FROM serial LEFT JOIN panel_position AS held ON held.panel_id = serial.unit_id
    WHERE serial.serial = ANY (CAST(:serials AS text[]))
    """
)


def release_provisional(connection: Connection, serials: Sequence[str], *, reason: str, actor: str) -> list[str]:
    """Release units, a panel's boards with it, and return the identifiers that had something to release.

    Raises `Invalid` without a reason, `NotFound` for an identifier nobody knows.
    """
    if not reason.strip():
        raise Invalid("Say what was looked at: the release is kept with its reason.")
    rows = connection.execute(_UNITS, {"serials": list(serials)}).all()
    unknown = sorted(set(serials) - {row.serial for row in rows})
    if unknown:
        raise NotFound(f"No unit {unknown[0]} is known here.")
    lock_units(connection, {row.unit_id for row in rows})
    starts = provisional_starts(connection, {row.unit_id for row in rows})
    release_starts(connection, starts, actor=actor, reason=reason.strip())
    units = {start.unit_id for start in starts}
    released = sorted({row.serial for row in rows if row.unit_id in units})
    for serial in released:
        record_audit(connection, actor=actor, deed="unit.provisional_released", subject=f"unit:{serial}",
                     reason=reason.strip())  # fmt: skip
    return released
