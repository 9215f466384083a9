"""What the reports of one board say together: how sure it is, which designators, since when, and why in a sentence.

Most boards have one report, and most reports are said again, word for word, of the next board: what does not depend on
the board is made once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from app.trace.boards import Board, Reported
from app.trace.designators import few, natural_order
from app.trace.evidence import Evidence, evidence_of, stronger, weaker
from app.trace.hits import Hit, Wanted
from app.trace.removals import Removal, until_removed
from app.trace.spans import Span, merged

_ANYTHING = Hit((), (), applied=True, in_some=True)


class Said(NamedTuple):
    """What a report says of a board: `names` as the machine told them, `designators` as people read them."""

    evidence: Evidence
    names: tuple[str, ...]
    designators: list[str]
    why: str


class Verdict(NamedTuple):
    """What is told of a board: the best of its reports, when that was, and when the first was."""

    said: Said
    said_at: datetime
    recorded_at: datetime

    @property
    def reason(self) -> str:
        """In a sentence."""
        return f"{self.said.why}, {self.said_at:%Y-%m-%d %H:%M:%S} UTC."


class Judge:
    """Judges reports by what is wanted; `words` names that, `stations` are handles by id."""

    def __init__(self, wanted: Wanted, words: str, stations: Mapping[int, str]) -> None:
        self._wanted = wanted
        self._words = words
        self._stations = stations
        self._known: dict[tuple[int, int, int, int, int], Said] = {}

    def verdict(self, board: Board, besides: Evidence) -> Verdict:
        """The best evidence among a board's reports, and the designators of those that are as sure as the best.

        No report makes it surer than `besides`.
        """
        first = board.reports[0]
        said = self._said(first)
        if len(board.reports) == 1 and besides is Evidence.exact:
            return Verdict(said, first.recorded_at, first.recorded_at)
        best, evidence = first, weaker(said.evidence, besides)
        filled: dict[Evidence, set[str]] = {}
        for report in board.reports:
            one = self._said(report)
            sure = weaker(one.evidence, besides)
            filled.setdefault(sure, set()).update(one.names)
            if stronger(sure, evidence) is not evidence:
                evidence, best = sure, report
        designators = sorted(filled[evidence], key=natural_order)
        why = self._why(best, evidence, designators)
        return Verdict(Said(evidence, (), designators, why), best.recorded_at, first.recorded_at)

    def spans(self, board: Board, removals: Sequence[Removal], besides: Evidence) -> tuple[Span, ...]:
        """When, and how surely, a board held it."""
        return merged(
            Span(
                weaker(said.evidence, besides),
                report.recorded_at,
                until_removed(report.recorded_at, said.names, self._wanted.packages, removals),
            )
            for report, said in ((report, self._said(report)) for report in board.reports)
        )

    def _said(self, report: Reported) -> Said:
        key = report.set_id, report.station_id, report.spoken_position, report.positions, report.candidates
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._say(report)
        return known

    def _say(self, report: Reported) -> Said:
        hit = self._wanted.sets.get(report.set_id, _ANYTHING)
        evidence = evidence_of(
            applied=hit.applied,
            chained=not hit.in_some,
            position_number=report.spoken_position,
            positions=report.positions,
            candidates=report.candidates,
        )
        names = hit.named or hit.bounded
        designators = sorted(set(names), key=natural_order)
        return Said(evidence, names, designators, self._why(report, evidence, designators))

    def _why(self, report: Reported, evidence: Evidence, designators: Sequence[str]) -> str:
        hit = self._wanted.sets.get(report.set_id, _ANYTHING)
        station, what, where = self._stations[report.station_id], self._words, few(designators)
        if evidence is Evidence.exact:
            return f"{station} placed {where} from {what}" if where else f"{station} put {what} on it"
        if report.candidates > 1:
            return f"{station} named {what} for its work on {report.candidates} units, not for which of them"
        if not hit.in_some or hit.bounded:
            return f"{station} placed {where} from a spliced chain with {what} in it; it may be any of the chain"
        return f"{station} placed {where} from {what} on one of {report.positions} boards of the panel"
