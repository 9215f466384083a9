"""What the reports of one board say together: how sure it is, which designators, since when, and why in a sentence.

Most boards have one report, and most reports are said again, word for word, of the next board: what does not depend on
the board is made once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct, to_builtins

from app.trace.asked_time import AskedTime
from app.trace.boards import Board, Report, Reported
from app.trace.designators import few, natural_order
from app.trace.evidence import Evidence, evidence_of, stronger, weaker
from app.trace.hits import Hit, Wanted
from app.trace.removals import Removal, held_from
from app.trace.spans import CLOCK_ERROR, Reading, Span, merged

_EXACT = Evidence.exact  # looked up once: an Enum takes its time
_ANYTHING = Hit((), (), applied=True, in_some=True)


class Said(NamedTuple):
    """What a report says of a board: `names` as the machine told them, `designators` as people read them."""

    evidence: Evidence
    names: tuple[str, ...]
    designators: list[str]
    why: str


class Verdict(Struct, frozen=True, gc=False):
    """What is told of a board: the best of its reports, when that was, and when the first was."""

    said: Said
    said_at: datetime
    recorded_at: datetime

    @property
    def reason(self) -> str:
        """In a sentence."""
        moment = to_builtins(self.said_at)  # ten times as fast as `isoformat`
        return f"{self.said.why}, {moment[:10]} {moment[11:19]} UTC."


class Judge:
    """Judges reports by what is wanted, in the time asked for; `words` names that."""

    def __init__(self, wanted: Wanted, words: str, time: AskedTime) -> None:
        self._wanted = wanted
        self._time = time
        self._is_doubtful = time.is_doubtful
        self._words = words
        self._known: dict[Report, Said] = {}
        self._alike: dict[tuple[object, ...], Said] = {}

    def verdict(self, board: Board, besides: Evidence) -> Verdict:
        """The best evidence among a board's reports, and the designators of those that are as sure as the best.

        No report makes it surer than `besides`.
        """
        first_at, report = board.reports[0]
        said = self._known.get(report) or self._say(report)
        if len(board.reports) == 1 and besides is _EXACT and not self._is_doubtful:
            return Verdict(said, first_at, first_at)
        best, best_at, evidence = report, first_at, self._sure(said, report, first_at, besides)
        filled: dict[Evidence, set[str]] = {}
        for at, report in board.reports:
            said = self._known.get(report) or self._say(report)
            sure = self._sure(said, report, at, besides)
            filled.setdefault(sure, set()).update(said.names)
            if stronger(sure, evidence) is not evidence:
                best, best_at, evidence = report, at, sure
        designators = sorted(filled[evidence], key=natural_order)
        why = self._why(Reported(*best), self._known[best].evidence, designators)
        if self._is_near_an_end(Reported(*best).station_id, best_at):
            why += self._time.doubt(Reported(*best).station_id)
        return Verdict(Said(evidence, (), designators, why), best_at, first_at)

    def spans(
        self, board: Board, removals: Sequence[Removal], besides: Evidence, clocks: Mapping[int, timedelta]
    ) -> tuple[Span, ...]:
        """When, and how surely, a board held it; `clocks` says by how much those of stations are off."""
        spans: list[Span] = []
        for at, report in board.reports:
            said = self._known.get(report) or self._say(report)
            station_id = Reported(*report).station_id
            begun = Reading(station_id, at, clocks.get(station_id, CLOCK_ERROR))
            sure = self._sure(said, report, at, besides)
            spans += held_from(begun, sure, said.names, self._wanted.packages, removals)
        return merged(spans)

    def _sure(self, said: Said, report: Report, at: datetime, besides: Evidence) -> Evidence:
        sure = weaker(said.evidence, besides)
        near = self._is_near_an_end(Reported(*report).station_id, at)
        return weaker(sure, Evidence.bounded) if near else sure

    def _is_near_an_end(self, station_id: int, at: datetime) -> bool:
        """Whether the station's clock leaves open on which side of an end of the time asked for it was."""
        return self._is_doubtful and self._time.evidence(station_id, at, at) is not Evidence.exact

    def _say(self, told: Report) -> Said:
        hit = self._wanted.sets.get(told[0], _ANYTHING)
        alike = (hit, told[1:])
        said = self._alike.get(alike)
        if said is not None:
            self._known[told] = said
            return said
        report = Reported(*told)
        evidence = evidence_of(
            applied=hit.applied,
            chained=not hit.in_some,
            position_number=report.spoken_position,
            positions=report.positions,
            candidates=report.candidates,
            in_doubt=report.in_doubt,
        )
        names = hit.named or hit.bounded
        designators = sorted(set(names), key=natural_order)
        why = self._why(report, evidence, designators)
        said = self._known[told] = self._alike[alike] = Said(evidence, names, designators, why)
        return said

    def _why(self, report: Reported, evidence: Evidence, designators: Sequence[str]) -> str:
        hit = self._wanted.sets.get(report.set_id, _ANYTHING)
        station, what, where = report.station, self._words, few(designators)
        if evidence is Evidence.exact:
            return f"{station} placed {where} from {what}" if where else f"{station} put {what} on it"
        if report.candidates > 1:
            return f"{station} named {what} for its work on {report.candidates} units, not for which of them"
        if not hit.in_some or hit.bounded:
            return f"{station} placed {where} from a spliced chain with {what} in it; it may be any of the chain"
        if report.is_nested:
            which = "the panel in that place of a carrier, maybe on another board"
            return f"{station} placed {where} from {what} on {which}" if where else f"{station} put {what} on {which}"
        if report.in_doubt:
            which = "this or another board, by clocks that leave open which the carrier held"
            return f"{station} placed {where} from {what} on {which}" if where else f"{station} put {what} on {which}"
        return f"{station} placed {where} from {what} on one of {report.positions} boards of the panel"
