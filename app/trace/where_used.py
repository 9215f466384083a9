"""Which units carry what is looked for, where on them, and how sure is that?

Certain are units for which a machine named the package (`exact`), possible those for which a report leaves room
(`bounded`, `inferred`), excluded all others; `app.trace.excluded` tells why. Whatever was ever in a unit counts, also
what was taken out again; a rejected placement was never in it.

However many units there are, they are streamed; of those told, eight bytes each are kept, to tell suspects and
assemblies from them.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice, takewhile
from typing import TypeVar

from sqlalchemy import Connection, text

from app.errors import Invalid
from app.trace.assemblies import Held, Span, assemblies_around
from app.trace.boards import Board, Reported, boards_carrying, occupants, particulars
from app.trace.designators import few, natural_order
from app.trace.evidence import Evidence, evidence_of, stronger
from app.trace.hits import Hit, Wanted, find_hits
from app.trace.pages import Counts, Cursor, Key
from app.trace.question import Question
from app.trace.removals import held_spans
from app.trace.suspects import Suspect, loaded_intervals, suspects
from app.trace.works import boards_worked_on

LARGEST_PAGE = 10_000
_BLOCK = 1000
_FIRST_BLOCK = 100
"""Boards whose particulars are looked up together: few at first, so that an answer begins at once."""
_LAST = 2**63 - 1


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
    key: Key = (0, 0, 0)
    """Where it stands in the answer: (0 reported, 1 suspected, 2 around another; unit id; position)."""


@dataclass(frozen=True, slots=True)
class WhereUsed:
    """A page of the answer; `next` is the cursor of the next page.

    `counts` are over the whole answer, taken once, with the first page; the cursor carries them on.
    """

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
    after = Cursor.read(cursor) if cursor else None
    units = stream_where_used(connection, question, customer_id=customer_id, after=after.key if after else None)
    page = list(islice(units, limit))
    if after is not None:
        counts, more = after.counts, next(units, None) is not None
    else:
        counts = Counts()
        for unit in page:
            counts.add(unit.evidence, unit.place)
        more = False
        for unit in units:
            counts.add(unit.evidence, unit.place)
            more = True
    return WhereUsed(counts, page, Cursor(page[-1].key, counts).written if more else None)


def stream_where_used(
    connection: Connection, question: Question, *, customer_id: int | None = None, after: Key | None = None
) -> Iterator[CarryingUnit]:
    """The answer of `where_used`, unit by unit: all of it, or what comes behind the unit with the key `after`."""
    if question.serial is not None:
        unit_id = connection.execute(_UNIT, {"serial": question.serial}).scalar_one_or_none()
        if unit_id is None:
            raise question.not_known
        answer = _Answer(connection, question, Wanted({}), customer_id)
        answer.remember({unit_id: Held(Evidence.exact)})
    else:
        by_material = question.names_packages or question.names_placements
        wanted = find_hits(connection, question) if by_material else Wanted({})
        answer = _Answer(connection, question, wanted, customer_id)
        yield from _behind(after, answer.worked_on() if question.names_work else answer.reported(after))
        if question.names_packages and not question.names_placements:
            yield from _behind(after, answer.suspected())
    yield from _behind(after, answer.around())


def _behind(after: Key | None, units: Iterator[CarryingUnit]) -> Iterator[CarryingUnit]:
    return units if after is None else (unit for unit in units if unit.key > after)


_UNIT = text("SELECT unit_id FROM serial WHERE serial = :serial")
# A child is named by its serial, as a unit or as a material.
_BUILT_IN = text(
    """
    -- Which of these units were built into another?
    SELECT unit_id FROM unit
    WHERE unit_id = ANY (CAST(:units AS bigint[]))
      AND (EXISTS (SELECT FROM installed_unit WHERE child_id = unit.unit_id)
           OR EXISTS (SELECT FROM package WHERE identifier = unit.serial))
    """
)
_STATIONS = text("SELECT station_id, handle FROM station")
_PARTS = text("SELECT package_id, part_number FROM package WHERE package_id = ANY (CAST(:packages AS integer[]))")


class _Answer:
    """One answer in the making: what was reported first, then what is suspected beside it."""

    def __init__(self, connection: Connection, question: Question, wanted: Wanted, customer_id: int | None) -> None:
        self._connection = connection
        self._question = question
        self._wanted = wanted
        self._customer_id = customer_id
        self._words = question.words
        self._told = _Told()
        self._held: dict[int, Held] = {}

    @cached_property
    def _stations(self) -> dict[int, str]:
        return {row[0]: row[1] for row in self._connection.execute(_STATIONS)}

    def remember(self, held: Mapping[int, Held]) -> None:
        """Units, told or passed over. How they hold it is kept of those only that are built into another."""
        self._told.add(held)
        inner = self._connection.execute(_BUILT_IN, {"units": list(held)}).scalars()
        self._held.update((unit_id, held[unit_id]) for unit_id in inner)

    def reported(self, after: Key | None = None) -> Iterator[CarryingUnit]:
        """Boards of which some report says so; those of units before `after`'s are passed over."""
        by_material = self._question.names_packages or self._question.names_placements
        sets = list(self._wanted.sets) if by_material else None
        passed = 0
        if after is not None:
            passed = after[1] - 1 if after[0] == 0 else _LAST
        if passed < _LAST:
            for block in _blocks(boards_carrying(self._connection, sets, self._question, after=passed)):
                yield from self._block(block)
        if passed:  # the stages that follow ask whom this one told of
            boards = boards_carrying(self._connection, sets, self._question)
            for block in _blocks(takewhile(lambda board: board.unit_id <= passed, boards)):
                self._judge_all(block)

    def _block(self, block: Sequence[Board]) -> Iterator[CarryingUnit]:
        known = particulars(self._connection, sorted({board.unit_id for board in block}))
        judged = self._judge_all(block)
        for board in block:
            shown = known[board.unit_id]
            verdict = judged[board.unit_id, board.position_number]
            if self._customer_id is not None and shown.customer_id != self._customer_id:
                continue
            yield CarryingUnit(
                serial=shown.serial,
                evidence=verdict.evidence,
                reason=self._reason(verdict),
                reference_designators=verdict.designators,
                place=shown.place,
                position_number=board.position_number or None,
                recorded_at=board.reports[0].recorded_at,
                key=(0, board.unit_id, board.position_number),
            )

    def _judge_all(self, block: Sequence[Board]) -> "dict[tuple[int, int], _Verdict]":
        """The verdict on each board; all are remembered.

        Also those of others: a sub-assembly may be nobody's and its assembly the customer's.
        """
        judged = {(board.unit_id, board.position_number): self._judge(board) for board in block}
        told: dict[int, list[tuple[datetime, Sequence[str]]]] = {}
        for board in block:
            for report in board.reports:
                hit = self._wanted.sets.get(report.set_id, _ANYTHING)
                told.setdefault(board.unit_id, []).append((report.recorded_at, hit.named or hit.bounded))
        spans = held_spans(self._connection, told, self._wanted.packages, self._question.as_of)
        self.remember(
            {
                board.unit_id: Held(judged[board.unit_id, board.position_number].evidence, spans[board.unit_id])
                for board in block
            }
        )
        return judged

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
        return _Verdict(evidence, sorted(filled, key=natural_order), best)

    def _reason(self, verdict: "_Verdict") -> str:
        report = verdict.report
        hit = self._wanted.sets.get(report.set_id, _ANYTHING)
        station = self._stations[report.station_id]
        what = self._words
        at = f", {report.recorded_at:%Y-%m-%d %H:%M:%S} UTC."
        where = few(verdict.designators)
        if verdict.evidence is Evidence.exact:
            return f"{station} placed {where} from {what}{at}" if where else f"{station} put {what} on it{at}"
        if report.candidates > 1:
            return f"{station} named {what} for its work on {report.candidates} units, not for which of them{at}"
        if not hit.in_some or hit.bounded:
            return f"{station} placed {where} from a spliced chain with {what} in it; it may be any of the chain{at}"
        return f"{station} placed {where} from {what} on one of {report.positions} boards of the panel{at}"

    def worked_on(self) -> Iterator[CarryingUnit]:
        """Boards by what was done on them, with what, by whom."""
        for block in _blocks(boards_worked_on(self._connection, self._question)):
            known = particulars(self._connection, sorted({board.unit_id for board in block}))
            self.remember({board.unit_id: Held(board.evidence, (Span(board.recorded_at),)) for board in block})
            for board in block:
                shown = known[board.unit_id]
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
            if unit_id not in self._told and (known is None or known.evidence is Evidence.inferred):
                found[unit_id, position] = told[index]
        for block in _blocks(iter(sorted(found.items()))):
            yield from self._suspected_block(block)

    def _suspected_block(self, block: Sequence[tuple[tuple[int, int], Suspect]]) -> Iterator[CarryingUnit]:
        known = particulars(self._connection, [unit_id for (unit_id, _), _ in block])
        self.remember(
            {unit_id: Held(suspect.evidence, (Span(suspect.recorded_at),)) for (unit_id, _), suspect in block}
        )
        for (unit_id, position), suspect in block:
            shown = known[unit_id]
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

    def around(self) -> Iterator[CarryingUnit]:
        """Assemblies around all of these, each with the child that it carries it by."""
        found = assemblies_around(self._connection, self._held, self._question.as_of, told=self._told)
        for block in _blocks(iter(sorted(found, key=lambda one: one.unit_id))):
            known = particulars(self._connection, [one.unit_id for one in block])
            for one in block:
                shown = known[one.unit_id]
                if self._customer_id is not None and shown.customer_id != self._customer_id:
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


_ANYTHING = Hit((), (), applied=True, in_some=True)


@dataclass(frozen=True, slots=True)
class _Verdict:
    evidence: Evidence
    designators: list[str]
    report: Reported
    """The best of the board's."""


class _Told:
    """Numbers of units, as they come: in few ascending runs."""

    def __init__(self) -> None:
        self._runs: list[array[int]] = []

    def add(self, units: Iterable[int]) -> None:
        for unit_id in units:
            if not self._runs or self._runs[-1][-1] > unit_id:
                self._runs.append(array("q"))
            self._runs[-1].append(unit_id)

    def __contains__(self, unit_id: object) -> bool:
        assert isinstance(unit_id, int)
        for run in self._runs:
            at = bisect_left(run, unit_id)
            if at < len(run) and run[at] == unit_id:
                return True
        return False


_T = TypeVar("_T")


def _blocks(ones: Iterator[_T]) -> Iterator[list[_T]]:
    size = _FIRST_BLOCK
    while block := list(islice(ones, size)):
        yield block
        size = _BLOCK
