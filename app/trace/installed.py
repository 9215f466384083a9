"""What did machines install in a unit? Report by report, slot by slot, with the package as it was described."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text

from app.materials.packages import latest
from app.trace.evidence import Evidence, evidence_of
from app.units.places import NOW, PLACES_AROUND, PLACES_AROUND_THEN, THEN, TIED_AT_PLACE, TIED_IN_DOUBT, passed_over

DESCRIBED_THEN = f"""
    CROSS JOIN LATERAL (
        SELECT {latest("lot_id")} AS lot_id, {latest("part_number")} AS part_number,
            {latest("date_code")} AS date_code, {latest("surface_finish")} AS surface_finish
        FROM package_description AS told
        WHERE told.package_id = package.package_id AND told.received_at <= :as_of
    ) AS described
"""
"""Join of a `package` with what was `described` of it as it was known at `as_of`."""


class Installed(NamedTuple):
    """What one report says of one slot of the unit, or of its panel."""

    unit_id: int
    position_number: int
    recorded_at: datetime
    positions: int
    candidates: int
    station: str
    kind: str
    chained: bool
    reference_designators: list[str]
    package: str
    part_number: str | None
    lot: str | None
    reference_part_number: str | None
    date_code: str | None
    surface_finish: str | None
    is_unit: bool | None
    station_id: int
    transaction_id: UUID | None
    received_at: datetime
    in_doubt: bool
    """Whether it may as well be of another round of the carrier, or of another board of a panel in it."""
    package_id: int
    is_spliced: bool | None
    """Whether anybody ever said that another package was spliced on behind, or that it was split off one."""

    @property
    def evidence(self) -> Evidence:
        """How sure it is for each board it speaks of."""
        return evidence_of(
            applied=self.kind == "applied",
            chained=self.chained,
            position_number=self.position_number,
            positions=self.positions,
            candidates=self.candidates,
            in_doubt=self.in_doubt,
        )


@cache
def _question(*, then: bool) -> TextClause:
    """What is known now stands at each package; what was known `then` is put together from what was told of it."""
    described = "described" if then else "package"
    left_out = passed_over("place.position_number", "(SELECT unit_id FROM subject)", THEN if then else NOW)
    known = "AND EXISTS (SELECT FROM unit WHERE unit.unit_id = serial.unit_id AND registered_at <= :as_of)"
    return text(
        f"""
        -- What did machines install in it, slot by slot? What was picked and thrown away is not on it.
        WITH {PLACES_AROUND_THEN if then else PLACES_AROUND},
        fact AS (
            SELECT DISTINCT ON (fact.unit_id, fact.position_number, fact.event_id)
                fact.unit_id, fact.position_number, fact.event_id, fact.set_id, fact.station_id, fact.recorded_at,
                fact.candidates, fact.transaction_id, fact.received_at, place.positions, {TIED_IN_DOUBT} AS doubted
            FROM place JOIN installation AS fact ON {TIED_AT_PLACE}
            WHERE NOT ({left_out} AND CASE WHEN place.position_number IS NULL THEN fact.candidates > 1
                       ELSE fact.position_number = 0 END)
              {"AND fact.received_at <= :as_of" if then else ""}
            ORDER BY 1, 2, 3, doubted
        )
        SELECT fact.unit_id, fact.position_number, fact.recorded_at, fact.positions, fact.candidates,
            station.handle, placement.kind, placement.joined_packages <> '{{}}', placement.reference_designators,
            package.identifier, coalesce(placement.part_number, {described}.part_number),
            (SELECT lot_code FROM lot WHERE lot.lot_id = {described}.lot_id), placement.reference_part_number,
            {described}.date_code, {described}.surface_finish, (
                -- Not EXISTS, for which all serials would be read.
                SELECT true FROM serial WHERE serial.serial = package.identifier {known if then else ""}
            ), fact.station_id, fact.transaction_id, fact.received_at, fact.doubted,
            package.package_id, (
                SELECT true FROM package_link
                WHERE kind = 'joined' AND parent_id = package.package_id
                   OR kind = 'split' AND child_id = package.package_id
                LIMIT 1
            )
        FROM fact
        JOIN material_set USING (set_id)
        CROSS JOIN LATERAL unnest(material_set.chunk_ids) AS listed (chunk_id)
        JOIN material_chunk USING (chunk_id)
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN placement USING (placement_id)
        -- A spliced chain goes by its trailing package: a piece may be from each of them. A batch is what was filled
        -- from.
        JOIN package ON package.package_id = ANY (
            CASE WHEN placement.joined_packages = '{{}}' AND placement.batch_packages = '{{}}'
            THEN ARRAY[pair.package_id]
            ELSE pair.package_id || ARRAY(
                SELECT package_id FROM package AS other
                WHERE other.identifier = ANY (placement.joined_packages || placement.batch_packages)
            ) END
        )
        JOIN station USING (station_id)
        {DESCRIBED_THEN if then else ""}
        WHERE placement.reference_designators <> '{{}}' OR placement.rejected_designators = '{{}}'
        """
    )


def installed_in(asked: Mapping[str, object]) -> TextClause:
    """The question for all of the unit that `asked` names: `serial`, `customer_id`, `as_of`. Its rows: `Installed`."""
    return _question(then=asked["as_of"] is not None)
