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
        return f"{self.said.why}, {self.said_at.isoformat(' ')[:19]} UTC."


class Judge:
    """Judges reports by what is wanted; `words` names that, `stations` are handles by id."""

    def __init__(self, wanted: Wanted, words: str, stations: Mapping[int, str]) -> None:
        self._wanted = wanted
        self._words = words
        self._stations = stations
        self._known: dict[tuple[int, ...], Said] = {}
        self._alike: dict[tuple[Hit, int, int, int, int], Said] = {}

    def verdict(self, board: Board, besides: Evidence) -> Verdict:
        """The best evidence among a board's reports, and the designators of those that are as sure as the best.

        No report makes it surer than `besides`.
        """
        first_at, report = board.reports[0]
        said = self._known.get(report) or self._say(report)
        if len(board.reports) == 1 and besides is Evidence.exact:
            return Verdict(said, first_at, first_at)
        best, best_at, evidence = report, first_at, weaker(said.evidence, besides)
        filled: dict[Evidence, set[str]] = {}
        for at, report in board.reports:
            said = self._known.get(report) or self._say(report)
            sure = weaker(said.evidence, besides)
            filled.setdefault(sure, set()).update(said.names)
            if stronger(sure, evidence) is not evidence:
                best, best_at, evidence = report, at, sure
        designators = sorted(filled[evidence], key=natural_order)
        why = self._why(Reported(*best), evidence, designators)
        return Verdict(Said(evidence, (), designators, why), best_at, first_at)

    def spans(self, board: Board, removals: Sequence[Removal], besides: Evidence) -> tuple[Span, ...]:
        """When, and how surely, a board held it."""
        spans = []
        for at, report in board.reports:
            said = self._known.get(report) or self._say(report)
            until = until_removed(at, said.names, self._wanted.packages, removals)
            spans.append(Span(weaker(said.evidence, besides), at, until))
        return merged(spans)

    def _say(self, told: tuple[int, ...]) -> Said:
        report = Reported(*told)
        hit = self._wanted.sets.get(report.set_id, _ANYTHING)
        alike = hit, report.station_id, report.spoken_position, report.positions, report.candidates
        if alike in self._alike:
            self._known[told] = self._alike[alike]
            return self._alike[alike]
        evidence = evidence_of(
            applied=hit.applied,
            chained=not hit.in_some,
            position_number=report.spoken_position,
            positions=report.positions,
            candidates=report.candidates,
        )
        names = hit.named or hit.bounded
        designators = sorted(set(names), key=natural_order)
        why = self._why(report, evidence, designators)
        said = self._known[told] = self._alike[alike] = Said(evidence, names, designators, why)
        return said

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
