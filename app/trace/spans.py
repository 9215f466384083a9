"""From when to when, and how surely, a unit held what is looked for. Pure.

Times are stations' clocks, each of them wrong by a little, some by more: what two stations told is ordered only where
it lies further apart than both errors together, `BETWEEN_CLOCKS` for two clocks that are as they should be.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from app.trace.evidence import Evidence, weaker

CLOCK_ERROR = timedelta(seconds=2)
"""Above this a station's clock is an alarm (field practice)."""
BETWEEN_CLOCKS = 2 * CLOCK_ERROR
"""Within this, times of two stations are not ordered."""


class Moment(Protocol):
    """When a station told something, by its clock, and how far that may be off."""

    @property
    def station_id(self) -> int:
        """Whose clock it is."""

    @property
    def recorded_at(self) -> datetime:
        """What it showed."""

    @property
    def clock_error(self) -> timedelta:
        """How far it may be off."""


class Reading(NamedTuple):
    """A `Moment` by itself."""

    station_id: int
    recorded_at: datetime
    clock_error: timedelta


def apart(one: Moment, other: Moment) -> timedelta:
    """Within this, the two are not ordered; of one clock all are."""
    return timedelta() if one.station_id == other.station_id else one.clock_error + other.clock_error


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a unit held something; None where an end is not known.

    `clock_error`: how far the clocks that told its ends may be off.
    """

    evidence: Evidence = Evidence.exact
    since: datetime | None = None
    until: datetime | None = None
    clock_error: timedelta = CLOCK_ERROR

    def common(self, other: "Span") -> "Span | None":
        """The time both cover, as sure as the less sure of them; None where they never meet.

        Where the clocks cannot tell whether they meet, that is a possibility.
        """
        since = max(filter(None, (self.since, other.since)), default=None)
        until = min(filter(None, (self.until, other.until)), default=None)
        evidence = weaker(self.evidence, other.evidence)
        error = max(self.clock_error, other.clock_error)
        doubt = self.clock_error + other.clock_error
        if since and until and until < since + doubt:
            if until + doubt < since:
                return None
            if not (_surely_covers(self, other, doubt) or _surely_covers(other, self, doubt)):
                return Span(weaker(evidence, Evidence.bounded), min(since, until), max(since, until), error)
        return Span(evidence, since, until, error)


_STRENGTHS = tuple(Evidence)


def surest(spans: Iterable[Span]) -> Evidence:
    """The best evidence among spans."""
    return min((span.evidence for span in spans), key=_STRENGTHS.index)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same times in as few spans as possible: what overlaps and is as sure is one, what is less sure goes.

    What is less sure, but may have begun before what is surer, or ended after it, as far as the clocks tell, stays.
    """
    given = list(spans)
    kept: list[Span] = []
    for evidence in _STRENGTHS:
        same: list[Span] = []
        for span in sorted((one for one in given if one.evidence is evidence), key=_begins):
            if same and _reaches(same[-1], span):
                last = same[-1]
                error = max(last.clock_error, span.clock_error)
                same[-1] = replace(last, until=_later(last.until, span.until), clock_error=error)
            else:
                same.append(span)
        kept += [span for span in same if not any(_covers(surer, span) for surer in kept)]
    return tuple(kept)


def _begins(span: Span) -> tuple[bool, datetime | None]:
    return span.since is not None, span.since


def _reaches(one: Span, later: Span) -> bool:
    return one.until is None or later.since is None or later.since <= one.until


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)


def _covers(one: Span, other: Span) -> bool:
    """Whether it may meet all that the other may meet."""
    early, late = one.clock_error - other.clock_error, other.clock_error - one.clock_error
    begins = one.since is None or (other.since is not None and one.since <= other.since + early)
    return begins and (one.until is None or (other.until is not None and other.until + late <= one.until))


def _surely_covers(one: Span, other: Span, doubt: timedelta) -> bool:
    """Whether it begins before and ends after the other, however wrong the clocks are."""
    begins = one.since is None or (other.since is not None and one.since + doubt <= other.since)
    return begins and (one.until is None or (other.until is not None and other.until <= one.until - doubt))


def stay(begun: Moment, evidence: Evidence, ends: Iterable[Moment], doubts: Iterable[Moment] = ()) -> tuple[Span, ...]:
    """The time from `begun` to the first of its `ends`; what may have been before, as far as clocks tell, ends it
    possibly, and so does each of `doubts`: from then on it is `bounded`.
    """
    after: list[Moment] = []
    unsure = [one for one in doubts if may_follow(begun, one)]
    for end in ends:
        if end.recorded_at >= begun.recorded_at + apart(begun, end):
            after.append(end)
        elif may_follow(begun, end):
            unsure.append(end)
    last = min(after, key=_told_at, default=None)
    until = last.recorded_at if last else None
    told = Span(evidence, begun.recorded_at, until, _error(begun, [*after, *unsure]))
    doubtful = min(unsure, key=_told_at, default=None)
    first = max(begun.recorded_at, doubtful.recorded_at) if doubtful else None
    if first is None or (until is not None and until <= first):
        return (told,)
    return replace(told, until=first), replace(told, evidence=weaker(evidence, Evidence.bounded), since=first)


def _told_at(one: Moment) -> datetime:
    return one.recorded_at


def _error(begun: Moment, ends: Iterable[Moment]) -> timedelta:
    """How far the clocks may be off that told when it began, and what may have been the first end.

    Of several ends that of the worst clock may have been the first, however late it was by that clock.
    """
    ends = list(ends)
    first = min((end.recorded_at + end.clock_error for end in ends), default=None)
    near = (end.clock_error for end in ends if first and end.recorded_at - end.clock_error <= first)
    return max((begun.clock_error, *near))


def may_follow(begun: Moment, other: Moment) -> bool:
    """Whether the other was after, as far as the clocks tell."""
    return other.recorded_at >= begun.recorded_at - apart(begun, other)
