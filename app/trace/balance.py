"""Mass balance of a package: what came in = placed + rejected + split off + what is left.

The sum is drawn where the pieces were last counted: a loading that says how many are in, a splice, a package run empty,
a correction. What was drawn after that is known, what is left after that is not. Counts are ranges; a gap is reported
only where it is there whatever the true counts are in their ranges, as what it may be.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, text

from app.errors import Invalid, NotFound
from app.lines.clocks import clock_errors
from app.sentences import Sentence
from app.trace.counted import Known, Remaining, known_of, pieces
from app.trace.date_codes import earliest_made
from app.trace.drawn import Amount, Counted, Drawn, PieceCounts, add_unnamed, drawn_from
from app.trace.loaded import loaded_intervals
from app.trace.two_places import TwoPlaces, in_two_places

_BLOCK = 200
"""Packages asked about together."""
_A_DAY = timedelta(days=1)
"""A day of receipt is of one time zone, a day of making of another."""


class Doubt(StrEnum):
    """What is wrong with a package, or may be."""

    missing_trace = "missing_trace"
    overdrawn = "overdrawn"
    more_left_than_possible = "more_left_than_possible"
    two_places = "two_places"
    made_after_receipt = "made_after_receipt"


@dataclass(frozen=True, slots=True)
class Finding:
    """One doubt about one package, in a sentence, with the figures it rests on."""

    code: Doubt
    package: str
    sentence: str
    figures: Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Balance:
    """Where the pieces of a package went. Quantities are pieces, None where nobody said them.

    `placed` and `rejected` are over all reports; `gap` is what is not accounted for at the time of `remaining`:
    positive pieces are missing, negative ones are too many. `unnamed` of the pieces that may have been placed are from
    reports that name its slot and no package.
    """

    package: str
    part_number: str | None
    received: float | None
    received_says: str
    placed: Amount
    rejected: Amount
    split_off: float | None
    remaining: Remaining | None
    gap: Amount | None
    unnamed: float
    stations: Mapping[str, Amount]
    sentence: str
    findings: list[Finding] = field(default_factory=list)


_PACKAGE = text("SELECT package_id FROM package WHERE identifier = :package")
_STATIONS = text("SELECT station_id, handle FROM station")
_NEXT = text("SELECT package_id FROM package WHERE package_id > :after ORDER BY package_id LIMIT :block")
_LOADED_AT_SEVERAL = text(
    """
    -- Which of these packages were loaded at more than one station?
    SELECT package_id FROM loading_event
    WHERE package_id = ANY (CAST(:packages AS integer[])) AND kind IN ('loaded', 'spliced')
      AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    GROUP BY package_id HAVING count(DISTINCT station_id) > 1
    """
)


def mass_balance(connection: Connection, *, package: str, as_of: datetime | None = None) -> Balance:
    """The balance of one package; with `as_of` (server's clock) as it was known then.

    Raises `NotFound` where nobody named it.
    """
    package_id = connection.execute(_PACKAGE, {"package": package}).scalar_one_or_none()
    if package_id is None:
        raise NotFound(Sentence("No package %(package)s is known here. Check the scan.", package=package))
    return _Books(connection, as_of).balances([package_id], tolerance=0)[0]


def suspicious_packages(
    connection: Connection, *, tolerance: float = 0, as_of: datetime | None = None
) -> Iterator[Finding]:
    """Everything in doubt about any package, in order of their registration, however many they are.

    `tolerance` is the share of what was received, 0 to 1, that may be missing without being told: every feeder wastes
    some pieces that no machine reports.
    """
    if not 0 <= tolerance <= 1:
        raise Invalid(Sentence("tolerance is a share of what was received: between 0 and 1."))
    books = _Books(connection, as_of)
    after = 0
    while block := list(connection.execute(_NEXT, {"after": after, "block": _BLOCK}).scalars()):
        for balance in books.balances(block, tolerance=tolerance):
            yield from balance.findings
        after = block[-1]


class _Books:
    """Balances in blocks; what a placement takes and what stations are called is read once."""

    def __init__(self, connection: Connection, as_of: datetime | None) -> None:
        self._connection = connection
        self._as_of = as_of
        self._counts = PieceCounts(connection)
        self._stations: dict[int, str] = {row[0]: row[1] for row in connection.execute(_STATIONS)}
        self._clocks = clock_errors(connection, self._stations, as_of)

    def balances(self, packages: Sequence[int], *, tolerance: float) -> list[Balance]:
        """One balance a package, in order of their ids."""
        known = known_of(self._connection, packages, self._as_of)
        asked = {one.package_id: self._counted(one) for one in known}
        drawn = drawn_from(self._connection, list(asked.values()), self._counts, self._as_of)
        # Looked for only where something is missing: it can explain that, and nothing else.
        short = [
            asked[one.package_id]
            for one in known
            if len(known) == 1 or _misses(_gap(one, drawn[one.package_id]), one.received, tolerance)
        ]
        if short:
            intervals = loaded_intervals(self._connection, [one.package_id for one in short], self._as_of)
            add_unnamed(self._connection, drawn, short, intervals, self._counts, self._as_of)
        moved = set(
            self._connection.execute(_LOADED_AT_SEVERAL, {"packages": list(packages), "as_of": self._as_of}).scalars()
        )
        moved |= {package_id for package_id, one in drawn.items() if len(one.stations) > 1 and not one.applied}
        doubled = in_two_places(self._connection, sorted(moved), self._clocks, self._as_of)
        return [self._balance(one, drawn[one.package_id], doubled.get(one.package_id), tolerance) for one in known]

    def _counted(self, known: Known) -> Counted:
        by = known.remaining.station_id if known.remaining else None
        error = self._clocks.get(by, timedelta()) if by is not None else timedelta()
        return Counted(known.package_id, known.identifier, _cut(known.remaining), by, error)

    def _allowed_for(self, stations: Iterable[int | None]) -> str:
        """What is said of the clocks that were seen off, as a sentence."""
        return " ".join(
            f"The clock of {self._stations[one]} was seen off by up to {self._clocks[one].total_seconds():.0f} s; that "
            "is allowed for."
            for one in sorted({one for one in stations if one in self._clocks})
        )

    def _balance(self, known: Known, drawn: Drawn, doubled: TwoPlaces | None, tolerance: float) -> Balance:
        gap = _gap(known, drawn)
        findings = list(_sums(known, drawn, gap, tolerance))
        if doubled:
            findings.append(self._doubled(known, doubled))
        findings += _made_late(known)
        counting = [*drawn.stations, known.remaining.station_id] if known.remaining else []
        return Balance(
            package=known.identifier,
            part_number=known.part_number,
            received=known.received,
            received_says=known.received_says,
            placed=drawn.placed,
            rejected=drawn.rejected,
            split_off=known.moved,
            remaining=known.remaining,
            gap=gap,
            unnamed=drawn.unnamed,
            stations={self._stations[station_id]: span for station_id, span in sorted(drawn.stations.items())},
            sentence=f"{_sentence(known, drawn, gap)} {self._allowed_for(counting)}".rstrip(),
            findings=findings,
        )

    def _doubled(self, known: Known, doubled: TwoPlaces) -> Finding:
        here, there = self._stations[doubled.station_id], self._stations[doubled.other_id]
        return Finding(
            Doubt.two_places,
            known.identifier,
            f"{here} still used package {known.identifier} at {_moment(doubled.at)}, when {there} had it already. Two "
            "reels may bear one label, or two stations report the same placements. Look at both machines. "
            f"{self._allowed_for([doubled.station_id, doubled.other_id])}".rstrip(),
            {"station": here, "other": there, "at": doubled.at.isoformat(), "times": doubled.times},
        )


def _cut(remaining: Remaining | None) -> datetime | None:
    """Until when pieces were drawn before they were counted. What ran empty had all of its pieces drawn before."""
    return None if remaining is None or remaining.quantity == 0 else remaining.at


def _gap(known: Known, drawn: Drawn) -> Amount | None:
    if None in (known.received, known.remaining, known.moved_before) or drawn.applied:
        return None
    assert known.received is not None
    assert known.remaining is not None
    assert known.moved_before is not None
    empty = known.remaining.quantity == 0
    moved = known.moved if empty and known.moved is not None else known.moved_before
    left = known.received - moved - known.remaining.quantity
    return Amount(round(left - drawn.used_before.at_most, 6), round(left - drawn.used_before.at_least, 6))


def _misses(gap: Amount | None, received: float | None, tolerance: float) -> bool:
    return gap is not None and gap.at_least > tolerance * (received or 0)


def _sums(known: Known, drawn: Drawn, gap: Amount | None, tolerance: float) -> Iterator[Finding]:
    if drawn.applied or known.received is None:
        return
    used = drawn.placed.at_least + drawn.rejected.at_least + (known.moved or 0)
    figures: dict[str, float | str] = {
        "received": known.received,
        "placed": drawn.placed.at_least,
        "rejected": drawn.rejected.at_least,
        "split_off": known.moved or 0,
    }
    package = known.identifier
    if known.remaining is not None:
        figures |= {"remaining": known.remaining.quantity, "counted_at": known.remaining.at.isoformat()}
    if used > known.received:
        yield Finding(
            Doubt.overdrawn,
            package,
            f"{pieces(used)} pieces were drawn from package {package}, and only {pieces(known.received)} were ever in "
            f"it ({known.received_says}). Another reel may have been placed under its name, or its quantity is wrong: "
            "count what is left, and correct the one that is wrong.",
            figures | {"too_many": round(used - known.received, 6)},
        )
    elif gap is not None and known.remaining is not None and gap.at_most < 0:
        yield Finding(
            Doubt.more_left_than_possible,
            package,
            f"Package {package} cannot hold {pieces(known.remaining.quantity)} pieces ({known.remaining.says}, "
            f"{_moment(known.remaining.at)}): {pieces(-gap.at_most)} more were drawn before than that leaves. A count "
            "may be wrong, the package topped up, or another reel placed under its name. Count it.",
            figures | {"too_many": -gap.at_most},
        )
    elif gap is not None and known.remaining is not None and _misses(gap, known.received, tolerance):
        yield Finding(
            Doubt.missing_trace,
            package,
            f"Nobody reported where {pieces(gap.at_least)} of the {pieces(known.received)} pieces of package "
            f"{package} went until {_moment(known.remaining.at)} ({known.remaining.says}). Reports of boards may be "
            "missing (where-used lists such boards as inferred), pieces wasted or stolen, or a count wrong.",
            figures | {"missing": gap.at_least},
        )


def _made_late(known: Known) -> Iterator[Finding]:
    made = earliest_made(known.date_code)
    if made is None or known.received_on is None or made <= (known.received_on + _A_DAY).date():
        return
    yield Finding(
        Doubt.made_after_receipt,
        known.identifier,
        f"Package {known.identifier} was received on {known.received_on:%Y-%m-%d}, and its date code "
        f"{known.date_code} says {made} at the earliest. The label may be a forgery, or was read or typed wrong. "
        "Compare it with the delivery.",
        {"date_code": known.date_code or "", "made": made.isoformat(), "received_on": known.received_on.isoformat()},
    )


def _sentence(known: Known, drawn: Drawn, gap: Amount | None) -> str:
    if drawn.applied:
        return "It is applied, not placed piece by piece: no machine says how much of it a board gets."
    told = f"{_between(drawn.placed)} placed, {_between(drawn.rejected)} rejected"
    if known.moved:
        told += f", {pieces(known.moved)} split off"
    if known.received is None:
        return f"{told}; {known.received_says}, so the sum cannot be drawn. Receive it with its quantity."
    told = f"Of {pieces(known.received)} pieces {told}"
    if known.remaining is None:
        return f"{told}; nobody said since how many are left."
    left = f"{pieces(known.remaining.quantity)} left at {_moment(known.remaining.at)} ({known.remaining.says})"
    return f"{told}; {left}: {_verdict(gap)}."


def _verdict(gap: Amount | None) -> str:
    if gap is None:
        return "a part was split off without saying how many, so the sum cannot be drawn"
    if gap.at_least > 0:
        return f"{_between(gap)} are missing"
    if gap.at_most < 0:
        return f"{_between(Amount(-gap.at_most, -gap.at_least))} too many"
    return "this balances"


def _between(span: Amount) -> str:
    low, high = pieces(span.at_least), pieces(span.at_most)
    return low if low == high else f"{low} to {high}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
