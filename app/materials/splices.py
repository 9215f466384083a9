"""Packages that are spliced behind others: they come when the one in front is empty, without anybody loading them."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, text

_BEHIND = text(
    """
    -- What waits behind these packages: joined to them, or to what is, and not seen by itself anywhere since?
    WITH RECURSIVE behind AS (
        SELECT front_id, front_id AS package_id, 0 AS nth
        FROM unnest(CAST(:packages AS integer[])) AS given (front_id)
        UNION
        SELECT behind.front_id, link.child_id, behind.nth + 1
        FROM behind
        JOIN package_link AS link ON link.parent_id = behind.package_id AND link.kind = 'joined'
        WHERE least(link.recorded_at, link.received_at) <= :at AND behind.nth < 32
          AND NOT EXISTS (
            SELECT FROM loading_event AS since
            WHERE since.package_id = link.child_id AND since.kind IN ('loaded', 'spliced', 'unloaded', 'empty')
              AND least(since.recorded_at, since.received_at) > least(link.recorded_at, link.received_at)
              AND least(since.recorded_at, since.received_at) <= :at
          )
    )
    SELECT front_id, package_id FROM behind WHERE nth > 0 ORDER BY front_id, nth, package_id
    """
)


def joined_behind(connection: Connection, package_ids: Collection[int], *, at: datetime) -> dict[int, list[int]]:
    """The packages that wait behind each of these, the next one first; those with nothing behind them are left out.

    One that was loaded, depleted or taken out by itself after the splice is not waiting any more.
    """
    found: dict[int, list[int]] = {}
    asked = {"packages": sorted(set(package_ids)), "at": at}
    for front_id, package_id in connection.execute(_BEHIND, asked) if package_ids else ():
        if package_id not in found.setdefault(front_id, []):
            found[front_id].append(package_id)
    return found
