"""When did units give up what is looked for? For assemblies around them, which never held it if that was before."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from app.trace.assemblies import Span

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


def held_spans(
    connection: Connection,
    reports: Mapping[int, Sequence[tuple[datetime, Sequence[str]]]],
    packages: Mapping[int, str],
    as_of: datetime | None,
) -> dict[int, tuple[Span, ...]]:
    """When boards held what is looked for: for each report until the last of its designators came out, if it did.

    `reports`: by board, when they were made and which designators they fill.
    """
    removed: dict[int, list[tuple[datetime, list[str]]]] = {}
    for row in connection.execute(_REMOVED, {"units": list(reports), "as_of": as_of}):
        if row.package_id is None or row.package_id in packages:
            removed.setdefault(row.unit_id, []).append((row.recorded_at, row.reference_designators))
    return {
        unit: tuple(Span(since, _ended(since, filled, removed.get(unit, ()))) for since, filled in told)
        for unit, told in reports.items()
    }


def _ended(since: datetime, filled: Sequence[str], removed: Sequence[tuple[datetime, list[str]]]) -> datetime | None:
    """When the last of the designators came out; None while some is in, or where material has no designators."""
    ends = []
    for designator in filled:
        after = [at for at, names in removed if at >= since and (not names or designator in names)]
        if not after:
            return None
        ends.append(min(after))
    return max(ends, default=None)
