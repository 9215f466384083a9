"""Quality releases units that passed a gate while the product could not be reached."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from app.errors import Invalid, NotFound
from app.people import record_audit
from app.sentences import Sentence
from app.units.families import named_units
from app.units.locks import lock_units
from app.units.provisional import provisional_starts, release_starts

_THEMSELVES = text("SELECT serial, unit_id FROM serial WHERE serial = ANY (CAST(:serials AS text[]))")


def release_provisional(connection: Connection, serials: Sequence[str], *, reason: str, actor: str) -> list[str]:
    """Release units, for a panel what is in it, and return the identifiers that had something to release.

    That is the boards that are known to be in it now, and those of its positions of which no board is known yet.

    Raises `Invalid` without a reason, `NotFound` for an identifier nobody knows.
    """
    if not reason.strip():
        raise Invalid(Sentence("Say what was looked at: the release is kept with its reason."))
    named = named_units(connection, serials)
    unknown = sorted(set(serials) - named.keys())
    if unknown:
        raise NotFound(Sentence("No unit %(unit)s is known here.", unit=unknown[0]))
    for serial, unit_id in connection.execute(_THEMSELVES, {"serials": list(named)}):
        named[serial] = [*named[serial], unit_id]
    units = set().union(*named.values())
    lock_units(connection, units)
    starts = provisional_starts(connection, units)
    release_starts(connection, starts, actor=actor, reason=reason.strip())
    looked_at = {start.unit_id for start in starts}
    released = sorted(serial for serial, meant in named.items() if looked_at.intersection(meant))
    for serial in released:
        record_audit(connection, actor=actor, deed="unit.provisional_released", subject=f"unit:{serial}",
                     reason=reason.strip())  # fmt: skip
    return released
