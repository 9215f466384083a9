"""Parts actually used, against the bill of material and its approved list.

* The part the bill names: nothing to tell.
* A part that is approved in its place: an alternate, told apart from deviations.
* Any other: a deviation, also where it was taken out again since.
* A package that was described as another part than the machine said: what is in it decides, so that is judged too.
* A part at a designator that the bill does not have, or a package of which nobody says which part it holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text

from app.errors import NotFound
from app.materials.packages import latest
from app.sentences import Sentence
from app.trace.bills import Bill, bill_of_order, bill_of_unit
from app.trace.designators import natural_order
from app.trace.evidence import Evidence
from app.trace.made_from import InstalledPart, made_from
from app.trace.order_sets import ON_UNITS
from app.trace.planned import BILL_THEN, ORDER_VERSION


class Verdict(StrEnum):
    """How a part that is not the bill's own stands to it."""

    alternate = "alternate"
    not_approved = "not_approved"
    described_otherwise = "described_otherwise"
    not_in_bill = "not_in_bill"
    part_unknown = "part_unknown"


@dataclass(frozen=True, slots=True)
class Deviation:
    """A part that is not the bill's own, at one designator, from one package.

    `part_number` is what the machine said, or else the package's description; `bill_part_number` what the bill asks
    for. `units` counts the units of a work order, `serial` is one of them, or the unit asked for.
    """

    verdict: Verdict
    serial: str
    reference_designator: str
    part_number: str | None
    bill_part_number: str | None
    package: str
    sentence: str
    units: int = 1
    evidence: Evidence | None = None
    station: str | None = None
    recorded_at: datetime | None = None
    removed_at: datetime | None = None
    position_number: int | None = None


@dataclass(frozen=True, slots=True)
class Deviations:
    """What deviates on a unit or in a work order, by designator; `in_bill` is None where no bill is known."""

    of: str
    in_bill: int | None
    deviations: list[Deviation]
    alternates: list[Deviation]
    sentence: str


@dataclass(frozen=True, slots=True)
class _Used:
    """A part at a designator: as the machine called it, and as its package was described."""

    designator: str
    said: str | None
    package: str
    described: str | None


def judged(bill: Bill, used: _Used) -> tuple[Verdict, str] | None:
    """The verdict on one part used, and why; None where it is the bill's own."""
    part = used.said or used.described
    item = bill.items.get(used.designator)
    if item is None:
        return Verdict.not_in_bill, f"the bill has no {used.designator}; {part or 'a part'} is there"
    if part is None:
        return Verdict.part_unknown, f"{item.part_number} belongs there, and nobody said which part it holds"
    if part not in item.allowed:
        return Verdict.not_approved, f"it is {part}, not {item.part_number} nor approved in its place"
    if used.described is not None and used.described not in item.allowed:
        return (
            Verdict.described_otherwise,
            f"the machine called it {part}, and it was described as {used.described}, which is not approved there",
        )
    if {part, used.described or part} != {item.part_number}:
        other = part if part != item.part_number else used.described
        return Verdict.alternate, f"{other} is approved in place of {item.part_number}"
    return None


_DESCRIBED = text(
    f"""
    -- As which parts were these packages described?
    SELECT identifier, {latest("part_number")}
    FROM package JOIN package_description AS told USING (package_id)
    WHERE identifier = ANY (CAST(:packages AS text[]))
      AND (CAST(:as_of AS timestamptz) IS NULL OR told.received_at <= :as_of)
    GROUP BY identifier
    """
)


def deviations(
    connection: Connection, serial: str, *, customer_id: int | None = None, as_of: datetime | None = None
) -> Deviations:
    """What deviates on a unit, or on the boards of a panel; with `as_of` as it was known then.

    Raises `NotFound` where the serial is not known, or not that customer's.
    """
    made = made_from(connection, serial, customer_id=customer_id, as_of=as_of)
    bill = bill_of_unit(connection, serial, as_of)
    asked = {"packages": sorted({part.package for part in made.installations}), "as_of": as_of}
    described = {row[0]: row[1] for row in connection.execute(_DESCRIBED, asked)}
    found = _of_unit(bill, serial, made.installations, described) if bill.items else ()
    return _told(f"Unit {serial}", bill, found)


def _of_unit(
    bill: Bill, serial: str, parts: Iterable[InstalledPart], described: Mapping[str, str | None]
) -> Iterator[Deviation]:
    for part in parts:
        if part.reference_designator is None or part.evidence is Evidence.inferred:
            continue  # nobody said that it was used
        used = _Used(part.reference_designator, part.part_number, part.package, described.get(part.package))
        told = judged(bill, used)
        if told is None:
            continue
        verdict, why = told
        item = bill.items.get(used.designator)
        may = "may have" if part.evidence is not Evidence.exact else "has"
        out = f" It was taken out on {part.removed_at:%Y-%m-%d %H:%M} UTC." if part.removed_at else ""
        yield Deviation(
            verdict,
            part.serial or serial,
            used.designator,
            used.said or used.described,
            item.part_number if item else None,
            part.package,
            f"{used.designator} {may} a part from package {part.package}: {why}.{out}",
            evidence=part.evidence,
            station=part.station,
            recorded_at=part.recorded_at,
            removed_at=part.removed_at,
            position_number=part.position_number,
        )


_ORDER = text(
    """
    -- Is this work order known, and to this customer?
    SELECT work_order_id FROM work_order
    WHERE number = :work_order AND (CAST(:customer_id AS integer) IS NULL OR customer_id = :customer_id)
    """
)
_USED = text(
    f"""
    -- Which parts from which packages are at which designators of this order's units, but for those the bill names?
    WITH {BILL_THEN}, {ON_UNITS}, revision AS (
        SELECT planned.product_revision_id FROM work_order CROSS JOIN {ORDER_VERSION} AS planned
        WHERE number = :work_order
    ), filled AS (
        SELECT pair.placement_id, pair.package_id, array_agg(DISTINCT set_id) AS sets
        FROM (SELECT DISTINCT set_id FROM on_unit) AS wanted
        JOIN material_set USING (set_id)
        CROSS JOIN LATERAL unnest(chunk_ids) AS listed (chunk_id)
        JOIN material_chunk USING (chunk_id)
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        GROUP BY pair.placement_id, pair.package_id
    ), used AS (
        SELECT designator, placement.part_number, package.identifier AS package, described.part_number AS described,
            array_agg(DISTINCT set_id ORDER BY set_id) AS sets,
            array_agg(DISTINCT set_id ORDER BY set_id) FILTER (WHERE joined_packages = '{{}}') AS sure_sets
        FROM filled
        JOIN placement USING (placement_id)
        JOIN LATERAL (
            SELECT * FROM package AS named WHERE named.package_id = filled.package_id
            UNION
            SELECT * FROM package AS chained WHERE chained.identifier = ANY (joined_packages || batch_packages)
        ) AS package ON true
        CROSS JOIN LATERAL (
            SELECT package.part_number WHERE CAST(:as_of AS timestamptz) IS NULL
            UNION ALL
            SELECT {latest("part_number")} FROM package_description AS told
            WHERE told.package_id = package.package_id AND told.received_at <= :as_of
            HAVING CAST(:as_of AS timestamptz) IS NOT NULL
        ) AS described
        CROSS JOIN LATERAL unnest(reference_designators) AS designator
        LEFT JOIN bill_then ON bill_then.reference_designator = designator
            AND bill_then.product_revision_id = (SELECT product_revision_id FROM revision)
        CROSS JOIN LATERAL unnest(filled.sets) AS set_id
        WHERE bill_then.part_number IS DISTINCT FROM coalesce(placement.part_number, described.part_number)
           OR bill_then.part_number <> described.part_number
        GROUP BY designator, placement.part_number, package.identifier, described.part_number
    ), counted AS (
        -- Most designators share their sets: units are counted once for each combination.
        SELECT combination.sets, count(DISTINCT (unit_id, position_number)) AS units,
            count(DISTINCT (unit_id, position_number)) FILTER (WHERE sure) AS sure, min(unit_id) AS unit_id
        FROM (SELECT sets FROM used UNION SELECT sure_sets FROM used) AS combination
        CROSS JOIN LATERAL unnest(combination.sets) AS set_id
        JOIN on_unit USING (set_id)
        GROUP BY combination.sets
    )
    SELECT used.designator, used.part_number, used.package, used.described, counted.units, counted.unit_id,
        coalesce(surely.sure, 0) AS sure
    FROM used
    JOIN counted ON counted.sets = used.sets
    LEFT JOIN counted AS surely ON surely.sets = used.sure_sets
    """
)
_SERIALS = text("SELECT unit_id, serial FROM unit WHERE unit_id = ANY (CAST(:units AS bigint[]))")


def order_deviations(
    connection: Connection, work_order: str, *, customer_id: int | None = None, as_of: datetime | None = None
) -> Deviations:
    """What deviates in a work order, each with the number of its units, those reworked since included.

    With `as_of` (server's clock) by the reports and orders that were known then.

    Raises `NotFound` where the order is not known, or not that customer's.
    """
    given = {"work_order": work_order, "customer_id": customer_id}
    if connection.execute(_ORDER, given).one_or_none() is None:
        raise NotFound(Sentence("No work order %(order)s is known here. Check its number.", order=work_order))
    bill = bill_of_order(connection, work_order, as_of)
    rows = connection.execute(_USED, {"work_order": work_order, "as_of": as_of}).all() if bill.items else []
    serials: dict[int, str] = {
        row[0]: row[1] for row in connection.execute(_SERIALS, {"units": sorted({row.unit_id for row in rows})})
    }
    found = []
    for row in rows:
        told = judged(bill, _Used(row.designator, row.part_number, row.package, row.described))
        if told is None:
            continue
        verdict, why = told
        item = bill.items.get(row.designator)
        many = f"{row.units} units" if row.units > 1 else f"unit {serials[row.unit_id]}"
        has = "has" if row.sure == row.units else "may have"
        sure = f", certain for {row.sure}" if 0 < row.sure < row.units else ""
        found.append(
            Deviation(
                verdict,
                serials[row.unit_id],
                row.designator,
                row.part_number or row.described,
                item.part_number if item else None,
                row.package,
                f"{row.designator} of {many} {has} a part from package {row.package}{sure}: {why}.",
                units=row.units,
            )
        )
    return _told(f"Work order {work_order}", bill, found)


def _told(of: str, bill: Bill, found: Iterable[Deviation]) -> Deviations:
    in_order = sorted(found, key=lambda one: (natural_order(one.reference_designator), one.package))
    alternates = [one for one in in_order if one.verdict is Verdict.alternate]
    others = [one for one in in_order if one.verdict is not Verdict.alternate]
    if not bill.items:
        sentence = f"{of} has no bill of material to be held against: plan its product revision."
        return Deviations(of, None, [], [], sentence)
    at = len({one.reference_designator for one in others})
    sentence = f"{of} deviates at {at} of {len(bill.items)} designators" if others else f"{of} keeps to its bill"
    if alternates:
        sentence += f", with approved alternates at {len({one.reference_designator for one in alternates})}"
    return Deviations(of, len(bill.items), others, alternates, f"{sentence}.")
