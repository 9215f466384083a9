"""When did units give up what is looked for? For assemblies around them, which never held it if that was before."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

_REMOVED = text(
    """
    -- What was taken out of these boards, told of themselves or of their panel positions?
    SELECT board.unit_id, removal.recorded_at, removal.package_id, removal.reference_designators
    FROM unnest(CAST(:units AS bigint[])) AS board (unit_id)
    JOIN removal ON removal.unit_id = board.unit_id
    WHERE CAST(:as_of AS timestamptz) IS NULL OR removal.received_at <= :as_of
    UNION ALL
    SELECT board.unit_id, removal.recorded_at, removal.package_id, removal.reference_designators
    FROM unnest(CAST(:units AS bigint[])) AS board (unit_id)
    JOIN panel_position ON panel_position.unit_id = board.unit_id
    JOIN removal ON removal.unit_id = panel_position.panel_id
        AND removal.position_number IN (panel_position.position_number, 0)
    WHERE CAST(:as_of AS timestamptz) IS NULL OR removal.received_at <= :as_of
    """
)


def held_until(
    connection: Connection,
    designators: Mapping[int, Sequence[str]],
    since: Mapping[int, datetime],
    packages: Mapping[int, str],
    as_of: datetime | None,
) -> dict[int, datetime]:
    """For boards that gave up all of it: when the last of it came out. Boards that still hold some are left out."""
    remaining = {unit: set(names) for unit, names in designators.items()}
    ended: dict[int, datetime] = {}
    rows = connection.execute(_REMOVED, {"units": list(designators), "as_of": as_of}).all()
    for row in sorted(rows, key=lambda row: row.recorded_at):
        means_it = row.package_id is None or row.package_id in packages
        if not means_it or row.recorded_at < since[row.unit_id] or not remaining[row.unit_id]:
            continue
        remaining[row.unit_id] -= set(row.reference_designators) or remaining[row.unit_id]
        if not remaining[row.unit_id]:
            ended[row.unit_id] = row.recorded_at
    return ended
