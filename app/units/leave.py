"""Leave to skip an operation, given to a unit or to the panel it was in: whose it is."""

from collections.abc import Collection

from sqlalchemy import Connection, text

from app.products.routing import Leave


def given_to_board(board: str) -> str:
    """Condition: the override `given` to the unit of `place` is `board`'s.

    An override of a panel is for the boards that were in it as far as was known when it was given: that is when their
    links were received, for its time is ours and that of a link is its station's.
    """
    return f"""
    (place.position_number IS NULL OR place.unit_id = {board} OR EXISTS (
        SELECT FROM panel_position AS held
        WHERE held.unit_id = {board} AND held.panel_id = place.unit_id
          AND held.position_number = place.position_number
          AND NOT EXISTS (
            SELECT FROM panel_position AS next
            WHERE next.panel_id = held.panel_id AND next.position_number = held.position_number
              AND next.unit_id <> held.unit_id AND next.linked_at > held.linked_at
              AND next.received_at <= given.given_at
          )
          AND (held.received_at <= given.given_at OR NOT EXISTS (
            SELECT FROM panel_position AS before
            WHERE before.panel_id = held.panel_id AND before.position_number = held.position_number
              AND before.unit_id <> held.unit_id AND before.linked_at < held.linked_at
          ))
    ))
    """


_LEAVES = text(
    f"""
    -- Which operations did somebody let these units skip, by themselves and with the panels they were in then?
    WITH place AS (
        SELECT asked AS asked_id, asked AS unit_id, CAST(NULL AS smallint) AS position_number
        FROM unnest(CAST(:units AS bigint[])) AS asked
        UNION ALL
        SELECT unit_id, panel_id, position_number FROM panel_position WHERE unit_id = ANY (CAST(:units AS bigint[]))
    )
    SELECT DISTINCT place.asked_id, given.subject, given.given_at, given.expires_at
    FROM place JOIN gate_override AS given ON given.unit_id = place.unit_id AND {given_to_board("place.asked_id")}
    WHERE given.code = 'skipped' AND given.subject IS NOT NULL AND given.revoked_at IS NULL
    """
)


def leaves_to_skip(connection: Connection, unit_ids: Collection[int]) -> dict[int, list[Leave]]:
    """What somebody let each of these units skip, and nobody revoked."""
    found: dict[int, list[Leave]] = {}
    for unit_id, *leave in connection.execute(_LEAVES, {"units": sorted(set(unit_ids))}):
        found.setdefault(unit_id, []).append(Leave(*leave))
    return found
