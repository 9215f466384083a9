"""One answer of where-used in the making: what was reported first, then what is suspected, then what surrounds it.

Every report and every suspicion is a span of time in which a board held what is looked for, with its evidence: a board
is as sure as its surest span, an assembly around it as sure as those that meet the board's stay in it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice, takewhile
from typing import TypeVar

from msgspec import Struct
from sqlalchemy import Connection, text

from app.db import varied
from app.lines.clocks import clock_errors
from app.trace.asked_time import asked_time
from app.trace.assemblies import Within, assemblies_around
from app.trace.boards import Board, Place, boards_carrying
from app.trace.designators import few
from app.trace.evidence import Evidence, stronger, weaker
from app.trace.hits import Wanted
from app.trace.judging import Judge, Verdict
from app.trace.loaded import loaded_intervals
from app.trace.narrowing import Narrowing
from app.trace.pages import Key
from app.trace.question import Question
from app.trace.removals import Removal, held_from, removals_from
from app.trace.shown import Particulars, Shown, shown_of
from app.trace.spans import CLOCK_ERROR, Reading, Span, merged, stay
from app.trace.suspects import Suspect, suspects
from app.trace.told import Told
from app.trace.works import boards_worked_on

_BLOCK = 1000
_FIRST_BLOCK = 100
"""Boards that are looked up together: few at first, so that an answer begins at once."""
_LAST = 2**63 - 1


class CarryingUnit(Struct, gc=False):  # a dataclass takes three times as long to make, and answers have many
    """A unit that carries, or may carry, what was asked for.

    `via` is the child unit it came in with; `place` where it is now, in words. `position_number` tells boards
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
    """Where it stands in the answer: (0 told by itself, 1 not sure by itself, 2 around another; unit id; position)."""
    pending: bool = False
    """Its station has it still: the report may yet name another package."""

    @property
    def board(self) -> Place:
        """The board it is."""
        return self.key[1:]


class Answer:
    """One answer; ask for its parts in order. With `customer_id` only that customer's units are told.

    `at_first`: how many boards whoever asks waits for.
    """

    def __init__(
        self,
        connection: Connection,
        question: Question,
        wanted: Wanted,
        customer_id: int | None,
        at_first: int,
    ) -> None:
        self._connection = connection
        self._question = question
        self._wanted = wanted
        self._customer_id = customer_id
        self._at_first = min(at_first, _BLOCK)
        self._told = Told()
        self._held: dict[Place, tuple[Span, ...]] = {}
        """When boards that are built into others hold it. Also those of other customers: a sub-assembly may be
        nobody's and its assembly the customer's."""
        by_material = question.names_packages or question.names_placements
        terms = question.work_terms if by_material else question.work_terms[1:]
        self._narrowing: Narrowing | None = None
        if terms:
            with varied(connection):
                self._narrowing = Narrowing(connection, question, terms)
        self._unsure: dict[Place, Verdict | Suspect] = {}
        """Boards that are possible by themselves; what is built into them may make them surer."""

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self._wanted, self._question.words, asked_time(self._connection, self._question))

    @cached_property
    def _stations(self) -> dict[int, str]:
        """Handles of the stations by id."""
        return {row[0]: row[1] for row in self._connection.execute(_STATIONS)}

    @cached_property
    def _clocks(self) -> Mapping[int, timedelta]:
        return clock_errors(self._connection, self._stations, self._question.as_of)

    def _begun(self, station_id: int, recorded_at: datetime) -> Reading:
        return Reading(station_id, recorded_at, self._clocks.get(station_id, CLOCK_ERROR))

    def _sees(self, shown: Particulars) -> bool:
        return self._customer_id is None or shown.customer_id == self._customer_id

    def _hold(self, place: Place, spans: Sequence[Span]) -> None:
        self._held[place] = merged((*self._held.get(place, ()), *spans))

    def start_from(self, units: Collection[int]) -> None:
        """Look outward from these units; they themselves are not told."""
        places = [(unit_id, 0) for unit_id in sorted(units)]
        self._told.add(places)
        for place in places:
            self._hold(place, [Span()])

    # --- reported ---

    def reported(self, after: Key | None = None) -> Iterator[CarryingUnit]:
        """Boards of which some report says so; those of units before `after`'s are passed over."""
        by_material = self._question.names_packages or self._question.names_placements
        sets = self._wanted.reported_sets if by_material else None
        passed = 0
        if after is not None:
            passed = after[1] - 1 if after[0] == 0 else _LAST
        if passed < _LAST:
            boards = self._wanted.as_held(boards_carrying(self._connection, sets, self._question, after=passed))
            for block in _blocks(boards, self._at_first):
                shown = self._shown_of(block)
                sees_all, unsure, of_verdict = self._customer_id is None, self._unsure, self._of_verdict
                for board, verdict in self._judged(block, shown):
                    place = board.place
                    particular = board.shown or shown.particulars[place[0]]
                    if place not in unsure and (sees_all or self._sees(particular)):
                        yield of_verdict(place, particular, verdict)
        if passed:  # the stages that follow ask whom this one told of
            boards = self._wanted.as_held(boards_carrying(self._connection, sets, self._question))
            for block in _blocks(takewhile(lambda board: board.place[0] <= passed, boards)):
                self._judged(block, self._shown_of(block, placed=False))

    def _shown_of(self, boards: Sequence[Board], *, placed: bool = True) -> Shown:
        """Of those of which it is not known yet."""
        return self._shown([board.place[0] for board in boards if board.shown is None], placed=placed)

    def _shown(self, units: Iterable[int], *, placed: bool = True) -> Shown:
        return shown_of(self._connection, set(units), placed=placed)

    def _of_verdict(self, place: Place, shown: Particulars, verdict: Verdict) -> CarryingUnit:
        said, unit_id, position = verdict.said, *place
        return CarryingUnit(  # by position, for answers have many
            shown.serial,
            said.evidence,
            verdict.reason,
            said.designators,
            shown.place,
            None,
            position or None,
            verdict.recorded_at,
            (1 if place in self._unsure else 0, unit_id, position),
        )

    def _judged(self, block: Sequence[Board], shown: Shown) -> list[tuple[Board, Verdict]]:
        """The verdict on each board that the other terms hold of; all are remembered."""
        judged = []
        inner: list[tuple[Board, Evidence]] = []
        verdict, built_in, narrowing, exact = self._judge.verdict, shown.built_in, self._narrowing, Evidence.exact
        for board in block:
            besides = exact if narrowing is None else narrowing.evidence(board.place)
            if besides is not None:
                judged.append((board, verdict(board, besides)))
                if built_in and board.place[0] in built_in:
                    inner.append((board, besides))
        self._told.add([board.place for board, _ in judged])
        removals = self._removals((board.place for board, _ in inner), shown)
        for board, besides in inner:
            spans = self._judge.spans(board, removals.get(board.place, ()), besides, self._clocks)
            self._hold(board.place, spans)
        possible = {board.place: verdict for board, verdict in judged if verdict.said.evidence is not exact}
        if possible:
            units = sorted({unit_id for unit_id, _ in possible})
            with varied(self._connection):
                parents = set(self._connection.execute(_PARENTS, {"units": units}).scalars())
            self._unsure.update((place, verdict) for place, verdict in possible.items() if place[0] in parents)
        return judged

    def _removals(self, places: Iterable[Place], shown: Shown) -> Mapping[Place, Sequence[Removal]]:
        """What was taken out of boards; it matters of those only that were built into others."""
        emptied = [place for place in places if place[0] in shown.emptied]
        if not emptied:
            return {}
        with varied(self._connection):
            return removals_from(self._connection, emptied, self._question.as_of)

    def _besides(self, place: Place) -> Evidence | None:
        """How sure it is that the other terms hold of a board; None where they do not."""
        return Evidence.exact if self._narrowing is None else self._narrowing.evidence(place)

    def worked_on(self) -> Iterator[CarryingUnit]:
        """Boards by what was done on them, with what, by whom."""
        with varied(self._connection):
            for found in _blocks(boards_worked_on(self._connection, self._question, self._question.work_terms[0])):
                block = [
                    replace(board, evidence=weaker(board.evidence, besides))
                    for board in found
                    if (besides := self._besides((board.unit_id, board.position_number))) is not None
                ]
                shown = self._shown(board.unit_id for board in block)
                self._told.add((board.unit_id, board.position_number) for board in block)
                for board in block:
                    place = (board.unit_id, board.position_number)
                    if board.unit_id in shown.built_in:
                        self._hold(place, stay(self._begun(board.station_id, board.recorded_at), board.evidence, ()))
                    particular = shown.particulars[board.unit_id]
                    if self._sees(particular):
                        yield CarryingUnit(
                            serial=particular.serial,
                            evidence=board.evidence,
                            reason=board.reason,
                            reference_designators=[],
                            place=particular.place,
                            position_number=board.position_number or None,
                            recorded_at=board.recorded_at,
                            key=(0, *place),
                        )

    # --- suspected ---

    def suspect(self) -> None:
        """Find the boards of which no report says so, and none can say otherwise."""
        packages = list(self._wanted.packages)
        as_of = self._question.as_of
        if not self._wanted.ever_loaded:
            return
        with varied(self._connection):
            intervals = loaded_intervals(self._connection, packages, as_of)
            told: dict[Place, list[Suspect]] = {}
            for suspect in suspects(self._connection, intervals, as_of):
                besides = self._besides(suspect.board)
                if besides is not None:
                    weakened = replace(suspect, evidence=weaker(suspect.evidence, besides))
                    told.setdefault(suspect.board, []).append(weakened)
            for block in _blocks(iter(sorted(told.items()))):
                self._suspect_block(dict(block))

    def _suspect_block(self, block: Mapping[Place, Sequence[Suspect]]) -> None:
        shown = self._shown((unit_id for unit_id, _ in block), placed=False)
        inner = [place for place in block if place[0] in shown.built_in]
        removals = self._removals(inner, shown)
        # A board that is reported may have got it another time, too: what surrounded it then may hold it.
        reported = {place for place in block if place in self._told}
        self._told.add(block)
        for place in inner:
            self._hold(place, [span for one in block[place] for span in self._held_by(one, removals.get(place, ()))])
        for place, suspicions in block.items():
            if place not in reported:
                self._unsure[place] = min(suspicions, key=_surest_first)

    def _of_suspect(self, place: Place, shown: Particulars, suspect: Suspect) -> CarryingUnit:
        reason = suspect.said(self._stations[suspect.station_id], self._wanted.packages[suspect.package_id])
        return CarryingUnit(
            serial=shown.serial,
            evidence=suspect.evidence,
            reason=reason,
            reference_designators=[],
            place=shown.place,
            position_number=place[1] or None,
            recorded_at=suspect.recorded_at,
            key=(1, *place),
            pending=suspect.pending,
        )

    def _held_by(self, suspect: Suspect, removals: Sequence[Removal]) -> Sequence[Span]:
        begun = self._begun(suspect.station_id, suspect.recorded_at)
        return held_from(begun, suspect.evidence, suspect.reference_designators, [suspect.package_id], removals)

    # --- around ---

    def possible_and_around(self) -> Iterator[CarryingUnit]:
        """Boards that are possible by themselves, and the assemblies around all.

        A board that is possible by itself and surer by what is built into it is told by that.
        """
        around: list[Within] = []
        for within in self._around():
            known = self._unsure.get(within.board)
            if known is not None and stronger(within.evidence, _evidence(known)) is not _evidence(known):
                del self._unsure[within.board]
                around.append(within)
            elif within.board not in self._told:
                around.append(within)
        for block in _blocks(iter(sorted(self._unsure))):
            shown = self._shown(unit_id for unit_id, _ in block)
            for place in block:
                particular = shown.particulars[place[0]]
                if self._sees(particular):
                    found = self._unsure[place]
                    if isinstance(found, Suspect):
                        yield self._of_suspect(place, particular, found)
                    else:
                        yield self._of_verdict(place, particular, found)
        for surrounding in _blocks(iter(sorted(around, key=lambda one: one.board))):
            shown = self._shown(one.board[0] for one in surrounding)
            for one in surrounding:
                if self._sees(shown.particulars[one.board[0]]):
                    yield _of_within(one, shown.particulars[one.board[0]])

    def _around(self) -> Sequence[Within]:
        if not self._held:
            return ()
        with varied(self._connection):
            return list(assemblies_around(self._connection, self._held, self._question.as_of))


def _evidence(known: Verdict | Suspect) -> Evidence:
    return known.evidence if isinstance(known, Suspect) else known.said.evidence


def _of_within(one: Within, shown: Particulars) -> CarryingUnit:
    where = f" at {few(one.reference_designators)}" if one.reference_designators else ""
    return CarryingUnit(
        serial=shown.serial,
        evidence=one.evidence,
        reason=f"{one.station} built {one.via} into it{where}, {one.recorded_at:%Y-%m-%d %H:%M:%S} UTC.",
        reference_designators=list(one.reference_designators),
        place=shown.place,
        via=one.via,
        position_number=one.board[1] or None,
        recorded_at=one.recorded_at,
        key=(2, *one.board),
    )


def _surest_first(suspect: Suspect) -> tuple[int, bool, datetime, str]:
    return tuple(Evidence).index(suspect.evidence), suspect.pending, suspect.recorded_at, suspect.why


_T = TypeVar("_T")


def _blocks(ones: Iterator[_T], size: int = _FIRST_BLOCK) -> Iterator[list[_T]]:
    while block := list(islice(ones, size)):
        yield block
        size = _BLOCK


_STATIONS = text("SELECT station_id, handle FROM station")
_PARENTS = text(
    """
    -- Which of these hold other units?
    SELECT unit_id FROM installed_unit WHERE unit_id = ANY (CAST(:units AS bigint[]))
    UNION
    SELECT panel_position.unit_id FROM panel_position JOIN installed_unit ON installed_unit.unit_id = panel_id
    WHERE panel_position.unit_id = ANY (CAST(:units AS bigint[]))
    UNION
    SELECT installation.unit_id FROM installation
    JOIN material_set USING (set_id)
    JOIN material_chunk ON chunk_id = ANY (chunk_ids)
    JOIN package ON package.package_id = ANY (package_ids)
    JOIN serial ON serial.serial = package.identifier
    WHERE installation.unit_id = ANY (CAST(:units AS bigint[]))
    """
)
