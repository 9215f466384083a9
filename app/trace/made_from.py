"""What is this unit made from? Every part by designator, with its package, lot and evidence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Row, text

from app.db import at_once, varied
from app.lines.clocks import ERROR_OF, clock_errors
from app.trace.assemblies import told_elsewhere
from app.trace.boards import Spoken, occupants
from app.trace.candidates import OPEN, Candidate, Nearby
from app.trace.designators import natural_order
from app.trace.evidence import Evidence, weaker
from app.trace.firmware import Firmware, firmware_of
from app.trace.installed import Installed, installed_in
from app.trace.planned import BILL_THEN, ORDER_VERSION
from app.trace.removals import End, taken_out_at
from app.trace.run_over import with_followers
from app.trace.shown import particulars
from app.trace.spans import CLOCK_ERROR, Reading
from app.units.places import AT_PLACE, IN_DOUBT, ORDER_THEN, PLACES_AROUND_THEN, VISIBLE
from app.units.queries import unknown_unit


# Structs, for a board has a thousand: a dataclass takes three times as long to make, and as long again to be told.
class InstalledPart(Struct, omit_defaults=True, gc=False):
    """A part in a unit: one designator, or material applied to the unit as a whole (no designator).

    `removed_at` is set where the part was taken out again, `perhaps_removed_at` where that may have been before it was
    put in, as far as clocks tell. `position_number` and `serial` tell the board where a panel was asked for. `why`
    tells of a package that no report names for it why it may be there.
    """

    reference_designator: str | None
    part_number: str | None
    package: str
    lot: str | None
    evidence: Evidence
    station: str
    recorded_at: datetime
    reference_part_number: str | None
    date_code: str | None
    surface_finish: str | None
    serial: str | None
    position_number: int | None
    why: str | None
    removed_at: datetime | None = None
    perhaps_removed_at: datetime | None = None


class ComponentUnit(Struct, omit_defaults=True, frozen=True):
    """A unit built into the unit; `perhaps_removed_at` as of a part. `bounded`: or into another board.

    `elsewhere_at` is set where it was told into another assembly then, though nobody told that it was taken out of
    this one: from then on it is possibly here.
    """

    serial: str
    reference_designator: str | None
    station: str
    recorded_at: datetime
    elsewhere_at: datetime | None
    removed_at: datetime | None = None
    perhaps_removed_at: datetime | None = None
    evidence: Evidence = Evidence.exact


@dataclass(frozen=True, slots=True)
class Completeness:
    """Designators of the bill of material that have a package, by `ratio` 0 to 1; null where no bill is known.

    A choice of packages that a report leaves counts; what nobody reported does not.
    """

    with_package: int
    in_bom: int | None
    ratio: float | None
    missing: tuple[str, ...] = ()


class MadeFrom(Struct, omit_defaults=True, frozen=True):
    """The unit as built; `boards` are those of a panel, where a panel was asked for."""

    serial: str
    installations: list[InstalledPart]
    components: list[ComponentUnit]
    firmware: list[Firmware]
    completeness: Completeness
    work_order: str | None
    product: str | None
    boards: list[str]
    customer: str | None = None


class _Subject(NamedTuple):
    unit_id: int
    serial: str
    customer: str | None
    work_order: str | None
    product_revision_id: int | None
    product: str | None
    boards: list[str]
    board_ids: list[int]
    emptied: bool
    holding: bool
    told_of: bool
    is_open: bool


# What need not be asked of most units: nothing was taken out of them, no unit is in them, they have no software. Of one
# in a panel, or a panel, more places say so.
_SAID_OF = """
    EXISTS (SELECT FROM {} WHERE unit_id = unit.unit_id) OR (SELECT count(*) > 1 FROM place)
"""
_THEN = "(CAST(:as_of AS timestamptz) IS NULL OR {}.received_at <= :as_of)"
_SUBJECT = text(
    f"""
    -- Which unit is it, whose, of which order and product, and, if it is a panel, with which boards?
    WITH {PLACES_AROUND_THEN}
    SELECT unit.unit_id, unit.serial, customer.name AS customer, work_order.number AS work_order,
        planned.product_revision_id, product.part_number || ' rev ' || product_revision.revision AS product,
        ARRAY(
            SELECT DISTINCT board.serial FROM panel_position
            JOIN unit AS board ON board.unit_id = panel_position.unit_id
            WHERE panel_position.panel_id = unit.unit_id
              AND (CAST(:as_of AS timestamptz) IS NULL OR panel_position.received_at <= :as_of)
            ORDER BY board.serial
        ) AS boards,
        ARRAY(
            SELECT panel_position.unit_id FROM panel_position
            WHERE panel_position.panel_id = unit.unit_id
              AND (CAST(:as_of AS timestamptz) IS NULL OR panel_position.received_at <= :as_of)
        ) AS board_ids,
        {_SAID_OF.format("removal")} AS emptied, {_SAID_OF.format("installed_unit")} AS holding,
        {_SAID_OF.format("unit_event")} AS told_of, {OPEN} AS is_open
    FROM serial JOIN unit USING (unit_id)
    LEFT JOIN work_order ON work_order.work_order_id = {ORDER_THEN}
    LEFT JOIN {ORDER_VERSION} AS planned ON true
    LEFT JOIN customer ON customer.customer_id = planned.customer_id
    LEFT JOIN product_revision ON product_revision.product_revision_id = planned.product_revision_id
    LEFT JOIN product USING (product_id)
    WHERE serial.serial = :serial AND (CAST(:as_of AS timestamptz) IS NULL OR unit.registered_at <= :as_of)
      AND {VISIBLE}
    """
)
_REMOVED = text(
    f"""
    -- What was taken out of it again? What may have come out of any of several boards came out of none surely.
    WITH {PLACES_AROUND_THEN}
    SELECT fact.unit_id, fact.position_number, fact.recorded_at, fact.reference_designators,
        package.identifier AS package, child.serial AS child, fact.station_id,
        {ERROR_OF.format(station="fact.station_id")} AS clock_error, NULL AS transaction_id, fact.received_at
    FROM place JOIN removal AS fact ON {AT_PLACE}
    LEFT JOIN package USING (package_id)
    LEFT JOIN unit AS child ON child.unit_id = fact.child_id
    WHERE fact.candidates = 1 AND (fact.position_number > 0 OR place.positions < 2) AND NOT {IN_DOUBT}
      AND {_THEN.format("fact")}
    """
)
_CHILDREN = text(
    f"""
    -- Which units are built into it?
    WITH {PLACES_AROUND_THEN}
    SELECT child.serial, fact.reference_designator, station.handle AS station, fact.recorded_at, fact.station_id,
        {ERROR_OF.format(station="fact.station_id")} AS clock_error, {IN_DOUBT} AS in_doubt
    FROM place JOIN installed_unit AS fact ON {AT_PLACE}
    JOIN unit AS child ON child.unit_id = fact.child_id
    JOIN station USING (station_id)
    WHERE fact.package_id IS NULL AND {_THEN.format("fact")}  -- one that came as a material is among the parts
    """
)
_BOM = text(f"WITH {BILL_THEN} SELECT reference_designator FROM bill_then WHERE product_revision_id = :revision")


def made_from(
    connection: Connection,
    serial: str,
    *,
    customer_id: int | None = None,
    as_of: datetime | None = None,
    nearby: Nearby | None = None,
) -> MadeFrom:
    """The unit as built; with `as_of` (server's clock) as it was known then.

    Raises `NotFound` where it is not known, or not that customer's. `nearby`: the same for a panel and then its boards.
    """
    asked = {"serial": serial, "customer_id": customer_id, "as_of": as_of}
    found, installed = at_once(connection, (_SUBJECT, asked), (installed_in(asked), asked))
    if not found:
        raise unknown_unit(serial)
    subject, rows = _Subject._make(found[0]), with_followers(connection, list(map(Installed._make, installed)), as_of)
    removals = connection.execute(_REMOVED, asked).all() if subject.emptied else []
    units = {row.package for row in rows if row.is_unit}
    boards = _Boards(connection, [*rows, *removals], as_of) if subject.boards else None
    clocks = clock_errors(connection, {row.station_id for row in rows}, as_of) if removals else {}
    parts = _parts(rows, removals, clocks, boards)
    children = connection.execute(_CHILDREN, asked) if subject.holding else ()
    components = [_component(row, removals) for row in children]
    components += [
        ComponentUnit(
            part.package, part.reference_designator, part.station, part.recorded_at, None, part.removed_at,
            part.perhaps_removed_at, part.evidence,
        )
        for part in (parts if units else ())
        if part.package in units
    ]  # fmt: skip
    if components:
        components = _with_moves(connection, components, as_of)
    completeness = _completeness(connection, subject.product_revision_id, parts, as_of)
    unsure = boards or removals or completeness.missing or any(row.evidence is not Evidence.exact for row in rows)
    if unsure or subject.is_open:
        nearby = nearby or Nearby(connection, as_of)
        parts += _possible(connection, nearby.of({subject.unit_id, *subject.board_ids}), removals, boards, as_of)
        completeness = _completeness(connection, subject.product_revision_id, parts, as_of)
    installations = [part for part in parts if part.package not in units] if units else parts
    return MadeFrom(
        serial=subject.serial,
        installations=installations,
        components=components,
        firmware=firmware_of(connection, asked) if subject.told_of else [],
        completeness=completeness,
        work_order=subject.work_order,
        product=subject.product,
        boards=subject.boards,
        customer=subject.customer,
    )


def _component(row: Row[Any], removals: Sequence[Row[Any]]) -> ComponentUnit:
    removed_at, perhaps = taken_out_at(removals, row, row.reference_designator, row.serial)
    evidence = Evidence.bounded if row.in_doubt else Evidence.exact
    return ComponentUnit(
        row.serial, row.reference_designator, row.station, row.recorded_at, None, removed_at, perhaps, evidence
    )


def _with_moves(
    connection: Connection, components: Sequence[ComponentUnit], as_of: datetime | None
) -> list[ComponentUnit]:
    with varied(connection):
        moved = told_elsewhere(connection, {one.serial for one in components}, as_of)
    return [replace(one, elsewhere_at=moved.get((one.serial, one.recorded_at))) for one in components]


class _Boards:
    """Of which boards the facts of a panel speak, and what those are called."""

    def __init__(self, connection: Connection, facts: Sequence[Installed | Row[Any]], as_of: datetime | None) -> None:
        spoken = [_spoken(fact) for fact in facts]
        self._of: dict[Spoken, dict[_Board, bool]] = {one: {} for one in spoken}
        found = list(occupants(connection, spoken, as_of))
        known = particulars(connection, sorted({unit_id for _, unit_id, _, _ in found}), placed=False)
        for index, unit_id, position, in_doubt in found:
            self._of[spoken[index]][_Board(known[unit_id].serial, position or None)] = in_doubt

    def of(self, fact: Installed | Row[Any]) -> Mapping["_Board", bool]:
        """The boards a fact speaks of, several where a panel was spoken of as a whole; of each, whether another round
        of the carrier may be meant.
        """
        return self._of[_spoken(fact)]


def _spoken(fact: Installed | Row[Any]) -> Spoken:
    return Spoken(
        fact.unit_id, fact.position_number, fact.recorded_at, fact.station_id, fact.transaction_id, fact.received_at
    )


class _Board(NamedTuple):
    """A board by its serial, or by its position on the panel of that serial."""

    serial: str
    position_number: int | None


def _parts(
    rows: Sequence[Installed],
    removals: Sequence[Row[Any]],
    clocks: Mapping[int, timedelta],
    boards: _Boards | None,
) -> list[InstalledPart]:
    """One part a designator; the same part reported twice is one, from the first of its surest reports on.

    What is put in again after it was taken out is another part.
    """
    parts: list[InstalledPart] = []
    known: dict[tuple[str, str, _Board | None, End], set[str | None]] = {}
    spoken = [(row, board, sure) for row in rows for board, sure in _meant(row, boards)]
    for row, board, evidence in sorted(spoken, key=_surest_and_first):
        package, station = row.package, row.station
        told = (row.part_number, package, row.lot, evidence, station, row.recorded_at)
        described = (row.reference_part_number, row.date_code, row.surface_finish)
        where: tuple[str | None, int | None] = board or (None, None)
        for end, designators in _ends(row, _emptying(removals, boards, board), clocks).items():
            there = known.setdefault((package, station, board, end), set())
            more = [designator for designator in dict.fromkeys(designators) if designator not in there]
            there.update(more)
            rest = (*told, *described, *where, None, *end)
            parts += [InstalledPart(designator, *rest) for designator in more]
    parts.sort(key=lambda part: (natural_order(part.reference_designator), part.recorded_at))
    return parts


def _meant(row: Installed, boards: _Boards | None) -> Iterator[tuple["_Board | None", Evidence]]:
    """The boards a report speaks of, and how surely."""
    if boards is None:
        yield None, row.evidence
    else:
        for board, in_doubt in boards.of(row).items():
            yield board, weaker(row.evidence, Evidence.bounded) if in_doubt else row.evidence


_STRENGTHS = tuple(Evidence)


def _surest_and_first(spoken: tuple[Installed, "_Board | None", Evidence]) -> tuple[int, datetime, str, str, int]:
    row, _, evidence = spoken
    return _STRENGTHS.index(evidence), row.recorded_at, row.package, row.station, row.position_number


def _ends(
    row: Installed, removals: Sequence[Row[Any]], clocks: Mapping[int, timedelta]
) -> Mapping[End, Sequence[str | None]]:
    """The designators of a report by when what it put there was taken out: mostly all of them, and never."""
    designators = row.reference_designators or (None,)
    if not removals:
        return {(None, None): designators}
    begun = Reading(row.station_id, row.recorded_at, clocks.get(row.station_id, CLOCK_ERROR))
    ends: dict[End, list[str | None]] = {}
    for designator in designators:
        ends.setdefault(taken_out_at(removals, begun, designator, row.package), []).append(designator)
    return ends


def _emptying(removals: Sequence[Row[Any]], boards: _Boards | None, board: "_Board | None") -> Sequence[Row[Any]]:
    """What came out of the board; what may have come out of another came out of none surely."""
    if boards is None or board is None:
        return removals
    return [one for one in removals if boards.of(one).get(board) is False]


def _possible(
    connection: Connection,
    found: Sequence[Candidate],
    removals: Sequence[Row[Any]],
    boards: _Boards | None,
    as_of: datetime | None,
) -> list[InstalledPart]:
    """What may be in it though no report names it for it."""
    known = particulars(connection, sorted({one.board[0] for one in found}), placed=False) if boards else {}
    clocks = clock_errors(connection, {one.station_id for one in found}, as_of) if removals else {}
    parts = []
    for one in found:
        board = _Board(known[one.board[0]].serial, one.board[1] or None) if boards else None
        begun = Reading(one.station_id, one.recorded_at, clocks.get(one.station_id, CLOCK_ERROR))
        here = _emptying(removals, boards, board)
        removed_at, perhaps = taken_out_at(here, begun, one.reference_designator, one.package)
        parts.append(
            InstalledPart(
                reference_designator=one.reference_designator,
                part_number=one.part_number,
                package=one.package,
                lot=one.lot,
                evidence=one.evidence,
                station=one.station,
                recorded_at=one.recorded_at,
                reference_part_number=None,
                date_code=one.date_code,
                surface_finish=one.surface_finish,
                serial=board.serial if board else None,
                position_number=one.board[1] or None,
                why=one.why,
                removed_at=removed_at,
                perhaps_removed_at=perhaps,
            )
        )
    return parts


def _completeness(
    connection: Connection, product_revision_id: int | None, parts: Sequence[InstalledPart], as_of: datetime | None
) -> Completeness:
    inferred = Evidence.inferred  # looked up once: an Enum takes its time
    filled = {
        part.reference_designator
        for part in parts
        if part.reference_designator and not part.removed_at and part.evidence is not inferred
    }
    if product_revision_id is None:
        return Completeness(len(filled), None, None)
    wanted = set(connection.execute(_BOM, {"revision": product_revision_id, "as_of": as_of}).scalars())
    if not wanted:
        return Completeness(len(filled), None, None)
    missing = tuple(sorted(wanted - filled, key=natural_order))
    return Completeness(len(wanted & filled), len(wanted), len(wanted & filled) / len(wanted), missing)
