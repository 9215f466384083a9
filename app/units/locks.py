"""Alone with units: the lock that a start, a hold and a shipment of the same unit meet at."""

from collections.abc import Collection

from sqlalchemy import Connection, text

from app.units.families import family, members

# In order of the id, so that two deeds with units in common wait for one another and never in a circle. Counted, so
# that the rows of a large containment stay where they are.
_LOCK = text(
    """
    SELECT count(*) FROM (
        SELECT unit_id FROM unit WHERE unit_id = ANY (CAST(:units AS bigint[])) ORDER BY unit_id FOR NO KEY UPDATE
    ) AS locked
    """
)


def lock_units(connection: Connection, unit_ids: Collection[int]) -> None:
    """Be alone with these units until the transaction ends.

    Under READ COMMITTED the next statement sees what whoever held the lock before has committed: so lock first, then
    gather facts, then decide. A deed that takes several blocks takes them in order of the ids, too.
    """
    if unit_ids:
        connection.execute(_LOCK, {"units": sorted(set(unit_ids))})


def lock_families(connection: Connection, unit_ids: Collection[int]) -> dict[int, set[int]]:
    """Be alone with units, the boards in them and the units inside those; returns `families.family`.

    A start of a panel meets the hold of one of its boards here.
    """
    found = family(connection, unit_ids)
    lock_units(connection, set().union(*found.values()) if found else ())
    return found


_NAMED = members("ARRAY(SELECT serial.unit_id FROM serial WHERE serial = ANY (CAST(:serials AS text[])))")
_LOCK_NAMED = text(
    f"""
    WITH RECURSIVE {_NAMED} SELECT count(*) FROM (
        SELECT unit_id FROM unit WHERE unit_id IN (SELECT unit_id FROM member) ORDER BY unit_id FOR NO KEY UPDATE
    ) AS locked
    """
)


def lock_named(connection: Connection, serials: Collection[str]) -> None:
    """`lock_families` of the units that these serials mean, in one statement: somebody waits for it."""
    connection.execute(_LOCK_NAMED, {"serials": list(serials)})
