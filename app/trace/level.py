"""How fine is a unit's material traceability, by the levels of IPC-1782B, and what is missing for the next?

* M1: the part numbers of its work order are known.
* M2: so is the material itself: each part of the bill has a package recorded somewhere in the work order, by a report
  or by what was loaded where the order was built. Where a reel change cannot be timed, that is several packages.
* M3: each reference designator of the bill has a package recorded for this very unit; a machine that leaves a choice,
  of which every candidate is on record, is enough.
* M4: and that package is exact for each of them.

The levels speak of every part of the bill, so where no bill is known none above M1 is claimed.
Source: IPC-1782B, material traceability levels (as the field reads them, for software see `firmware`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from app.materials.packages import latest
from app.sentences import Sentence
from app.trace.bills import Bill, bill_of_order
from app.trace.candidates import Nearby
from app.trace.designators import few, natural_order
from app.trace.evidence import Evidence, stronger
from app.trace.loaded import loaded_intervals
from app.trace.made_from import MadeFrom, made_from
from app.trace.order_sets import ON_UNITS


@dataclass(frozen=True, slots=True)
class Level:
    """The material level of a unit, 0 to 4; 0 where not even its work order is known.

    `missing` says what the next level wants; `remarks` what a recall would miss though the level is reached. The
    numbers are reference designators, of the bill where one is known. `boards`: of a panel, whose level is its
    lowest board's.
    """

    serial: str
    level: int
    sentence: Sentence
    missing: list[Sentence]
    exact: int
    bounded: int
    without: int
    by_bill: bool
    remarks: list[Sentence] = field(default_factory=list)
    boards: list["Level"] = field(default_factory=list)

    @property
    def name(self) -> str:
        """`M3`."""
        return f"M{self.level}"


_MEANING = (
    Sentence("It belongs to no work order"),
    Sentence("The parts of its work order are known"),
    Sentence("Each part has a package recorded in the work order"),
    Sentence("Each designator has a package recorded for this unit"),
    Sentence("Each designator has the exact package"),
)


def level_of(made: MadeFrom, bill: Bill, in_order: Collection[str] = ()) -> Level:
    """The level of one unit as built. `in_order`: the parts of which its work order has some package recorded."""
    filled = _filled(made)
    remarks = list(_remarks(made))
    if not bill.items:
        return _without_bill(made, filled, remarks)
    exact = {name for name in bill.items if filled.get(name) is Evidence.exact}
    bounded = {name for name in bill.items if name in filled} - exact
    without = bill.items.keys() - exact - bounded
    in_none = {name for name in without if not bill.items[name].allowed & set(in_order)}
    missing: list[Sentence] = []
    if in_none:
        level = 1
        missing += (
            Sentence(
                "No package of %(part)s is recorded in work order %(order)s (%(designators)s).",
                part=part, order=made.work_order, designators=few(names),
            )
            for part, names in _by_part(bill, in_none)
        )  # fmt: skip
    elif without:
        level = 2
        missing += (
            Sentence(
                "No package of %(part)s is recorded for this unit at %(designators)s.",
                part=part, designators=few(names),
            )
            for part, names in _by_part(bill, without)
        )  # fmt: skip
    elif bounded:
        level = 3
        missing += _choices(made, bounded)
    else:
        level = 4
    sentence = Sentence(
        "M%(level)s: %(sentence)s (%(count_exact)s of %(count)s exact).",
        level=level, sentence=_MEANING[level], count_exact=len(exact), count=len(bill.items),
    )  # fmt: skip
    return Level(
        made.serial, level, sentence, missing, len(exact), len(bounded), len(without), by_bill=True, remarks=remarks
    )


def _filled(made: MadeFrom) -> dict[str, Evidence]:
    """The best evidence for each designator of which the part is in the unit now."""
    filled: dict[str, Evidence] = {}
    for part in made.installations:
        if part.reference_designator and not part.removed_at and part.evidence is not Evidence.inferred:
            known = filled.get(part.reference_designator, part.evidence)
            filled[part.reference_designator] = stronger(known, part.evidence)
    for child in made.components:
        if child.reference_designator and not child.removed_at:
            filled[child.reference_designator] = Evidence.exact
    return filled


def _without_bill(made: MadeFrom, filled: dict[str, Evidence], remarks: list[Sentence]) -> Level:
    exact = sum(evidence is Evidence.exact for evidence in filled.values())
    level = 1 if made.work_order and any(part.part_number for part in made.installations) else 0
    missing = [
        Sentence(
            "No bill of material is known for work order %(order)s: plan its product revision. Until then nobody can "
            "say whether the %(count)s designators reported, %(count_exact)s of them exact, are all.",
            order=made.work_order, count=len(filled), count_exact=exact,
        )
        if made.work_order
        else Sentence(
            "No work order is known for it: the station that initializes units, or the first one, can name it."
        )
    ]  # fmt: skip
    sentence = Sentence(
        "M%(level)s: %(sentence)s, and no bill of material to go by.", level=level, sentence=_MEANING[level]
    )
    if made.work_order and not level:
        sentence = Sentence(
            "M0: No machine reported what was put into it, and no bill of material says what should be."
        )
    return Level(made.serial, level, sentence, missing, exact, len(filled) - exact, 0, by_bill=False, remarks=remarks)


def _by_part(bill: Bill, designators: Iterable[str]) -> list[tuple[str, list[str]]]:
    listed: dict[str, list[str]] = defaultdict(list)
    for name in sorted(designators, key=natural_order):
        listed[bill.items[name].part_number].append(name)
    return list(listed.items())


def _choices(made: MadeFrom, designators: Collection[str]) -> Iterable[Sentence]:
    """Designators of which the package is one of several, with the candidates."""
    candidates: dict[str, set[str]] = {name: set() for name in designators}
    for part in made.installations:
        if part.reference_designator in candidates and not part.removed_at:
            candidates[part.reference_designator].add(part.package)
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in sorted(designators, key=natural_order):
        together[tuple(sorted(candidates[name]))].append(name)
    for packages, names in together.items():
        if len(packages) > 1:
            yield Sentence(
                "%(designators)s: from one of the packages %(packages)s, and no report says from which.",
                designators=few(names), packages=few(packages),
            )  # fmt: skip
        else:
            yield Sentence(
                "%(designators)s: %(package)s was reported for a panel or for several units, not for this one alone.",
                designators=few(names), package=packages[0],
            )  # fmt: skip


def _remarks(made: MadeFrom) -> Iterable[Sentence]:
    without_lot = sorted({part.package for part in made.installations if not part.lot})
    if without_lot:
        yield Sentence(
            "No lot is known of %(count)s packages (%(packages)s): a recall by lot misses them.",
            count=len(without_lot), packages=few(without_lot),
        )  # fmt: skip


def material_level(
    connection: Connection, serial: str, *, customer_id: int | None = None, as_of: datetime | None = None
) -> Level:
    """The level of a unit, with `as_of` as it was known then; of a panel, its lowest board's, with each board's.

    Raises `NotFound` where the serial is not known, or not that customer's.
    """
    nearby = Nearby(connection, as_of)
    made = made_from(connection, serial, customer_id=customer_id, as_of=as_of, nearby=nearby)
    return level_as_made(connection, made, nearby, customer_id=customer_id, as_of=as_of)


def level_as_made(
    connection: Connection, made: MadeFrom, nearby: Nearby, *, customer_id: int | None, as_of: datetime | None
) -> Level:
    """The same where `made_from` was asked for already, with the same arguments."""
    if not made.boards:
        return _levels(connection, [made], as_of)[0]
    each = [made_from(connection, one, customer_id=customer_id, as_of=as_of, nearby=nearby) for one in made.boards]
    boards = _levels(connection, each, as_of)
    lowest = min(boards, key=lambda one: one.level)
    return Level(
        made.serial,
        lowest.level,
        Sentence(
            "%(level)s: the lowest of its %(count)s boards, %(unit)s. %(sentence)s",
            level=lowest.name,
            count=len(boards),
            unit=lowest.serial,
            sentence=lowest.sentence,
        ),
        lowest.missing,
        lowest.exact,
        lowest.bounded,
        lowest.without,
        lowest.by_bill,
        lowest.remarks,
        boards,
    )


def _levels(connection: Connection, units: Sequence[MadeFrom], as_of: datetime | None) -> list[Level]:
    """Each unit's level; what the bill and the order have to tell is asked once for each order."""
    orders = {made.work_order for made in units}
    bills = {order: bill_of_order(connection, order, as_of) if order else Bill() for order in orders}
    levels = [level_of(made, bills[made.work_order]) for made in units]
    wanted: dict[str, set[str]] = defaultdict(set)
    for made, level in zip(units, levels, strict=True):
        if level.without and made.work_order is not None:
            items, filled = bills[made.work_order].items, _filled(made)
            wanted[made.work_order].update(*(item.allowed for name, item in items.items() if name not in filled))
    found = {order: _in_order(connection, order, sorted(parts), as_of) for order, parts in wanted.items()}
    return [
        level_of(made, bills[made.work_order], found[made.work_order])
        if level.without and made.work_order is not None
        else level
        for made, level in zip(units, levels, strict=True)
    ]


# As it was described then.
_PART = f"""
    LATERAL (
        SELECT {latest("part_number")} AS part_number FROM package_description AS told
        WHERE told.package_id = package.package_id
          AND (CAST(:as_of AS timestamptz) IS NULL OR told.received_at <= :as_of)
    )
"""
_NAMED = text(
    f"""
    -- Of which of these parts do reports on this order's units name a package?
    WITH {ON_UNITS}, drawn AS (
        SELECT DISTINCT chunk_id FROM (SELECT DISTINCT set_id FROM on_unit) AS wanted
        JOIN material_set USING (set_id)
        CROSS JOIN LATERAL unnest(chunk_ids) AS listed (chunk_id)
    )
    SELECT DISTINCT wanted.part_number
    FROM drawn
    JOIN material_chunk USING (chunk_id)
    CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
    JOIN placement USING (placement_id)
    JOIN package ON package.package_id = pair.package_id
    CROSS JOIN {_PART} AS described
    JOIN unnest(CAST(:parts AS text[])) AS wanted (part_number)
        ON wanted.part_number IN (placement.part_number, placement.reference_part_number, described.part_number)
    WHERE reference_designators <> '{{}}'
    """
)
_BUILT = text(
    """
    -- Where was this order built, from when to when?
    SELECT station_id, min(coalesce(started_at, completed_at)), max(coalesce(completed_at, started_at))
    FROM work_order JOIN unit USING (work_order_id) JOIN work_record USING (unit_id)
    WHERE work_order.number = :work_order
      AND (CAST(:as_of AS timestamptz) IS NULL OR least(started_received_at, completed_received_at) <= :as_of)
    GROUP BY station_id
    """
)
_LOADED = text(
    f"""
    -- Which packages of these parts were ever loaded at these stations?
    SELECT DISTINCT package.package_id, described.part_number
    FROM loading_event JOIN package USING (package_id) CROSS JOIN {_PART} AS described
    WHERE station_id = ANY (CAST(:stations AS integer[])) AND kind IN ('loaded', 'spliced')
      AND described.part_number = ANY (CAST(:parts AS text[]))
      AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    """
)


def _in_order(connection: Connection, work_order: str, parts: Sequence[str], as_of: datetime | None) -> set[str]:
    """Those of the parts of which a package is recorded in the work order, by a report or a loading."""
    asked: dict[str, object] = {"work_order": work_order, "as_of": as_of}
    found = set(connection.execute(_NAMED, asked | {"parts": list(parts)}).scalars())
    open_parts = [part for part in parts if part not in found]
    built = {row[0]: (row[1], row[2]) for row in connection.execute(_BUILT, asked)}
    if not open_parts or not built:
        return found
    at_them = {"stations": list(built), "parts": open_parts, "as_of": as_of}
    loaded: dict[int, str] = {row[0]: row[1] for row in connection.execute(_LOADED, at_them)}
    for one in loaded_intervals(connection, list(loaded), as_of):
        since, until = built.get(one.station_id, (None, None))
        if since and until and one.since <= until and (one.until is None or one.until >= since):
            found.add(loaded[one.package_id])
    return found
