"""What was taken out of boards, wherever it was told: of the board itself, or of the place on a panel it was in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, text

from app.lines.clocks import ERROR_OF
from app.trace.boards import AT, HELD, Place
from app.trace.evidence import Evidence
from app.trace.spans import Moment, Span, apart, may_follow, merged, stay


@dataclass(frozen=True, slots=True)
class Removal:
    """Parts that came out of one board; no designators: all of the package, or of the unit."""

    recorded_at: datetime
    package_id: int | None
    package: str | None
    child_id: int | None
    reference_designators: Sequence[str]
    station_id: int
    clock_error: timedelta


_REMOVED = text(
    f"""
    -- What was taken out of these boards? What may have come out of any of several boards was taken out of none surely.
    -- With `surely` false what may have come out of them counts too.
    WITH asked AS (
        SELECT * FROM unnest(
            CAST(:units AS bigint[]), CAST(:positions AS smallint[])
        ) AS asked (board_id, board_position)
    ), fact AS (
        SELECT removal.* FROM removal
        WHERE unit_id IN (
            SELECT board_id FROM asked
            UNION
            SELECT panel_id FROM panel_position JOIN asked ON asked.board_id = panel_position.unit_id
        )
          AND (candidates = 1 OR NOT :surely)
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    ), {HELD}, resolved AS (
        SELECT coalesce(held.board_id, fact.unit_id) AS board_id,
            coalesce(held.board_position, CAST(0 AS smallint)) AS board_position,
            count(*) FILTER (WHERE held.is_nested IS NOT TRUE) OVER (
                PARTITION BY fact.unit_id, fact.position_number, fact.event_id, fact.ordinal
            ) AS meant,
            coalesce(held.is_nested, false) AS is_nested, fact.recorded_at, fact.package_id, fact.child_id,
            fact.reference_designators, fact.station_id
        FROM fact LEFT JOIN held ON {AT}
    )
    SELECT board_id, board_position, recorded_at, package_id, package.identifier, child_id, reference_designators,
        station_id, {ERROR_OF.format(station="resolved.station_id")}
    FROM resolved
    JOIN asked USING (board_id, board_position)
    LEFT JOIN package USING (package_id)
    WHERE meant = 1 AND NOT is_nested OR NOT :surely
    ORDER BY recorded_at
    """
)


def removals_from(
    connection: Connection, boards: Collection[Place], as_of: datetime | None, *, surely: bool = True
) -> dict[Place, list[Removal]]:
    """What came out of each of these boards, in order of the stations' clocks.

    With `surely` false also what may have come out of another board instead.
    """
    asked = {
        "units": [unit_id for unit_id, _ in boards],
        "positions": [position for _, position in boards],
        "as_of": as_of,
        "surely": surely,
    }
    found: dict[Place, list[Removal]] = {}
    for row in connection.execute(_REMOVED, asked):
        found.setdefault((row[0], row[1]), []).append(Removal(*row[2:]))
    return found


def held_from(
    begun: Moment, evidence: Evidence, filled: Sequence[str], packages: Collection[int], removals: Sequence[Removal]
) -> tuple[Span, ...]:
    """When a board held what filled designators from one of `packages` (none: from any): until the last came out.

    Material without designators stays. From a removal on that names another package the designator may be empty: what
    is meant may be what was in it before.
    """
    after = [one for one in removals if not went_before(begun, one)]
    spans: list[Span] = []
    for designator in filled if after else ():
        ends = [one for one in after if _empties(one, designator, packages)]
        others = [one for one in after if designator in one.reference_designators and one not in ends]
        spans += stay(begun, evidence, ends, others)
    return merged(spans) or stay(begun, evidence, ())


def went_before(begun: Moment, removal: Moment) -> bool:
    """At the same time of the same station, the old part comes out first."""
    return (begun.station_id, begun.recorded_at) == (removal.station_id, removal.recorded_at)


def _empties(removal: Removal, designator: str, packages: Collection[int]) -> bool:
    names = removal.reference_designators
    meant = designator in names if names else removal.child_id is None
    return meant and (not packages or removal.package_id is None or removal.package_id in packages)


End: TypeAlias = tuple[datetime | None, datetime | None]
"""When something was taken out, surely and perhaps."""


def taken_out_at(removals: Sequence[Row[Any]], installed: Moment, designator: str | None, goes_by: str) -> End:
    """When a part was taken out: the first removal after it that means it, and one before that which may be after it.

    A child unit goes by its serial, whether a machine tells it as a unit or as a material.
    """
    surely, perhaps = None, None
    for removal in sorted(removals, key=lambda removal: removal.recorded_at):
        if (
            may_follow(installed, removal)
            and not went_before(installed, removal)
            and (removal.package or removal.child or removal.reference_designators)
            and (not (removal.package or removal.child) or goes_by in (removal.package, removal.child))
            and (not removal.reference_designators or designator in removal.reference_designators)
        ):
            if removal.recorded_at >= installed.recorded_at + apart(installed, removal):
                surely = removal.recorded_at
                break
            perhaps = perhaps or removal.recorded_at
    return surely, perhaps
