"""Which units carry what is looked for, where on them, and how sure is that?

Certain are units for which a machine named the package (`exact`), possible those for which a report leaves room
(`bounded`, `inferred`), excluded all others; `app.trace.excluded` tells why. Whatever was ever in a unit counts, also
what was taken out again; a rejected placement was never in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, text

from app.errors import Invalid
from app.trace.assemblies import Held, Span, assemblies_around
from app.trace.boards import Board, Reported, boards_carrying, occupants, particulars
from app.trace.designators import few, natural_order
from app.trace.evidence import Evidence, evidence_of, stronger
from app.trace.hits import Hit, Wanted, find_hits
from app.trace.question import Question
from app.trace.removals import held_spans
from app.trace.suspects import Suspect, loaded_intervals, suspects
from app.trace.works import boards_worked_on

LARGEST_PAGE = 10_000
_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class CarryingUnit:
    """A unit that carries, or may carry, what was asked for.

    `via` is the child unit it came in with; `place` the station it was last worked on. `position_number` tells boards
    of a panel apart that have no serial of their own.
    """

    serial: str
    evidence: Evidence
    reason: str
    reference_designators: list[str]
    place: str | None
    via: str | None = None
    position_number: int | None = None
    recorded_at: datetime | None = None
    key: tuple[int, int, int] = (0, 0, 0)
    """Where it stands in the answer: (0 reported, 1 suspected, 2 around another; unit id; position)."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Units by evidence, and by place."""

    exact: int = 0
    bounded: int = 0
    inferred: int = 0
    by_place: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WhereUsed:
    """A page of the answer; `counts` are over the whole answer, `next` is the cursor of the next page."""

    counts: Counts
    units: list[CarryingUnit]
    next: str | None


def where_used(
    connection: Connection,
    question: Question,
    *,
    customer_id: int | None = None,
    cursor: str | None = None,
    limit: int = 1000,
) -> WhereUsed:
    """A page of the units that carry, or may carry, what is asked for; parent assemblies follow, naming their child.

    With `customer_id` only that customer's units are seen. Raises `NotFound` where nothing of that name is known,
    `Invalid` where the cursor is none.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise Invalid(f"limit must be between 1 and {LARGEST_PAGE}.")
    after = _key_of(cursor) if cursor else None
    by_evidence = dict.fromkeys(Evidence, 0)
    by_place: dict[str, int] = {}
    page: list[CarryingUnit] = []
    more = False
    for unit in stream_where_used(connection, question, customer_id=customer_id):
        by_evidence[unit.evidence] += 1
        place = unit.place or "not on a line"
        by_place[place] = by_place.get(place, 0) + 1
        if after is None or unit.key > after:
            more = len(page) == limit
            if not more:
                page.append(unit)
    counts = Counts(
        by_evidence[Evidence.exact], by_evidence[Evidence.bounded], by_evidence[Evidence.inferred], by_place
    )
    return WhereUsed(counts, page, ".".join(map(str, page[-1].key)) if more else None)


def _key_of(cursor: str) -> tuple[int, ...]:
    """The key of the last unit given: a page begins behind it, whatever became known since."""
    numbers = cursor.split(".")
    if len(numbers) != 3 or not all(number.isascii() and number.isdecimal() for number in numbers):
        raise Invalid("This cursor is not one that this query gave. Leave it out to start over.")
    return tuple(map(int, numbers))


def stream_where_used(
    connection: Connection, question: Question, *, customer_id: int | None = None
) -> Iterator[CarryingUnit]:
    """The whole answer of `where_used`, unit by unit, in memory that does not grow with it but by a number a unit."""
    if question.serial is not None:
        unit_id = connection.execute(_UNIT, {"serial": question.serial}).scalar_one_or_none()
        if unit_id is None:
            raise question.not_known
        yield from _assemblies(connection, question, {unit_id: Held(Evidence.exact)}, customer_id)
        return
    by_material = question.names_packages or question.names_placements
    wanted = find_hits(connection, question) if by_material else Wanted({})
    answer = _Answer(connection, question, wanted, customer_id)
    yield from answer.worked_on() if question.names_work else answer.reported()
    if question.names_packages and not question.names_placements:
        yield from answer.suspected()
    yield from _assemblies(connection, question, answer.held, customer_id)


_UNIT = text("SELECT unit_id FROM serial WHERE serial = :serial")
_STATIONS = text("SELECT station_id, handle FROM station")
_PARTS = text("SELECT package_id, part_number FROM package WHERE package_id = ANY (CAST(:packages AS integer[]))")


class _Answer:
    """One answer in the making: what was reported first, then what is suspected beside it."""

    def __init__(self, connection: Connection, question: Question, wanted: Wanted, customer_id: int | None) -> None:
        self._connection = connection
        self._question = question
        self._wanted = wanted
        self._customer_id = customer_id
        self._stations: dict[int, str] = {row[0]: row[1] for row in connection.execute(_STATIONS)}
        self.held: dict[int, Held] = {}

    def reported(self) -> Iterator[CarryingUnit]:
        """Boards of which some report says so."""
        by_material = self._question.names_packages or self._question.names_placements
        sets = list(self._wanted.sets) if by_material else None
        boards = boards_carrying(self._connection, sets, self._question)
        while block := list(islice(boards, _BLOCK)):
            yield from self._block(block)

    def _block(self, block: Sequence[Board]) -> Iterator[CarryingUnit]:
        units = sorted({board.unit_id for board in block})
        known = particulars(self._connection, units)
        judged = {(board.unit_id, board.position_number): self._judge(board) for board in block}
        told: dict[int, list[tuple[datetime, Sequence[str]]]] = {}
        for board in block:
            for report in board.reports:
                hit = self._wanted.sets.get(report.set_id, _ANYTHING)
                told.setdefault(board.unit_id, []).append((report.recorded_at, hit.named or hit.bounded))
        spans = held_spans(self._connection, told, self._wanted.packages, self._question.as_of)
        for board in block:
            shown = known[board.unit_id]
            verdict = judged[board.unit_id, board.position_number]
            first = board.reports[0].recorded_at
            # Also of others: a sub-assembly may be nobody's and its assembly the customer's.
            self.held[board.unit_id] = Held(verdict.evidence, spans[board.unit_id])
            if self._customer_id is not None and shown.customer_id != self._customer_id:
                continue
            yield CarryingUnit(
                serial=shown.serial,
                evidence=verdict.evidence,
                reason=verdict.reason,
                reference_designators=verdict.designators,
                place=shown.place,
                position_number=board.position_number or None,
                recorded_at=first,
                key=(0, board.unit_id, board.position_number),
            )

    def _judge(self, board: Board) -> "_Verdict":
        """The best evidence among a board's reports, and the designators it fills."""
        evidence = Evidence.inferred
        best = board.reports[0]
        filled: dict[str, None] = {}
        for report in board.reports:
            hit = self._wanted.sets.get(report.set_id, _ANYTHING)
            said = evidence_of(
                applied=hit.applied,
                chained=not hit.in_some,
                position_number=report.spoken_position,
                positions=report.positions,
                candidates=report.candidates,
            )
            filled.update(dict.fromkeys(hit.named or hit.bounded))
            if stronger(said, evidence) is not evidence:
                evidence, best = said, report
        designators = sorted(filled, key=natural_order)
        return _Verdict(evidence, designators, self._reason(best, evidence, designators))

    def _reason(self, report: Reported, evidence: Evidence, designators: Sequence[str]) -> str:
        hit = self._wanted.sets.get(report.set_id, _ANYTHING)
        station = self._stations[report.station_id]
        what = self._question.words
        at = f", {report.recorded_at:%Y-%m-%d %H:%M:%S} UTC."
        where = few(designators)
        if evidence is Evidence.exact:
            return f"{station} placed {where} from {what}{at}" if where else f"{station} put {what} on it{at}"
        if report.candidates > 1:
            return f"{station} named {what} for its work on {report.candidates} units, not for which of them{at}"
        if not hit.in_some or hit.bounded:
            return f"{station} placed {where} from a spliced chain with {what} in it; it may be any of the chain{at}"
        return f"{station} placed {where} from {what} on one of {report.positions} boards of the panel{at}"

    def worked_on(self) -> Iterator[CarryingUnit]:
        """Boards by what was done on them, with what, by whom."""
        boards = boards_worked_on(self._connection, self._question)
        while block := list(islice(boards, _BLOCK)):
            known = particulars(self._connection, sorted({board.unit_id for board in block}))
            for board in block:
                shown = known[board.unit_id]
                self.held[board.unit_id] = Held(board.evidence, (Span(board.recorded_at),))
                if self._customer_id is not None and shown.customer_id != self._customer_id:
                    continue
                yield CarryingUnit(
                    serial=shown.serial,
                    evidence=board.evidence,
                    reason=board.reason,
                    reference_designators=[],
                    place=shown.place,
                    position_number=board.position_number or None,
                    recorded_at=board.recorded_at,
                    key=(0, board.unit_id, board.position_number),
                )

    def suspected(self) -> Iterator[CarryingUnit]:
        """Boards of which no report says so, and none can say otherwise."""
        packages = list(self._wanted.packages)
        intervals = loaded_intervals(self._connection, packages, self._question.as_of)
        parts = {row[0]: row[1] for row in self._connection.execute(_PARTS, {"packages": packages})}
        found: dict[tuple[int, int], Suspect] = {}
        told = list(suspects(self._connection, intervals, parts, self._question.as_of))
        places = [(one.unit_id, one.position_number, one.recorded_at) for one in told]
        for index, unit_id, position in occupants(self._connection, places, self._question.as_of):
            known = found.get((unit_id, position))
            if unit_id not in self.held and (known is None or known.evidence is Evidence.inferred):
                found[unit_id, position] = told[index]
        ordered = iter(sorted(found.items()))
        while block := list(islice(ordered, _BLOCK)):
            yield from self._suspected_block(block)

    def _suspected_block(self, block: Sequence[tuple[tuple[int, int], Suspect]]) -> Iterator[CarryingUnit]:
        known = particulars(self._connection, [unit_id for (unit_id, _), _ in block])
        for (unit_id, position), suspect in block:
            shown = known[unit_id]
            self.held[unit_id] = Held(suspect.evidence, (Span(suspect.recorded_at),))
            if self._customer_id is not None and shown.customer_id != self._customer_id:
                continue
            package = self._wanted.packages[suspect.package_id]
            reason = (
                f"{self._stations[suspect.station_id]} worked on it while package {package} was loaded and "
                f"{suspect.why}, {suspect.recorded_at:%Y-%m-%d %H:%M:%S} UTC."
            )
            yield CarryingUnit(
                serial=shown.serial,
                evidence=suspect.evidence,
                reason=reason,
                reference_designators=[],
                place=shown.place,
                position_number=position or None,
                recorded_at=suspect.recorded_at,
                key=(1, unit_id, position),
            )


_ANYTHING = Hit((), (), applied=True, in_some=True)


@dataclass(frozen=True, slots=True)
class _Verdict:
    evidence: Evidence
    designators: list[str]
    reason: str


def _assemblies(
    connection: Connection, question: Question, held: dict[int, Held], customer_id: int | None
) -> Iterator[CarryingUnit]:
    around = iter(sorted(assemblies_around(connection, held, question.as_of), key=lambda one: one.unit_id))
    while block := list(islice(around, _BLOCK)):
        known = particulars(connection, [one.unit_id for one in block])
        for one in block:
            shown = known[one.unit_id]
            if customer_id is not None and shown.customer_id != customer_id:
                continue
            where = f" at {few(one.reference_designators)}" if one.reference_designators else ""
            yield CarryingUnit(
                serial=shown.serial,
                evidence=one.evidence,
                reason=f"{one.station} built {one.via} into it{where}, {one.recorded_at:%Y-%m-%d %H:%M:%S} UTC.",
                reference_designators=list(one.reference_designators),
                place=shown.place,
                via=one.via,
                recorded_at=one.recorded_at,
                key=(2, one.unit_id, 0),
            )
