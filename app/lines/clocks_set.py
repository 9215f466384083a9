"""Somebody set a station's clock: what it tells from then on is believed again. And which clocks are still wrong."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from app.errors import Conflict, Invalid
from app.lines.clocks import ALARM
from app.people import record_audit
from app.reasons import reason_given
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class WrongClockNow:
    """A clock that nobody has seen right since `seen_at`: how far off at most, `ahead` and `behind`."""

    seen_at: datetime
    ahead: timedelta
    behind: timedelta


_STILL: Final = text("SELECT station_id, seen_at, ahead, behind FROM wrong_clock WHERE right_after IS NULL")
_SEEN: Final = text(
    """
    -- When was this station's clock last seen wrong, that is not known to be right again?
    SELECT station_id, last_seen_at FROM wrong_clock JOIN station USING (station_id)
    WHERE station.handle = :station AND right_after IS NULL
    FOR UPDATE OF wrong_clock
    """
)
_SET: Final = text("UPDATE wrong_clock SET right_after = :at WHERE station_id = :station_id AND right_after IS NULL")


def wrong_clocks(connection: Connection) -> dict[int, WrongClockNow]:
    """The clocks that are wrong as far as anybody knows, by station."""
    return {row.station_id: WrongClockNow(row.seen_at, row.ahead, row.behind) for row in connection.execute(_STILL)}


def clock_was_set(
    connection: Connection, *, station: str, reason: str, actor: str, at: datetime | None = None
) -> datetime:
    """A person says that a station's clock was set right, `at` a moment (now, where none is given); returns it.

    What the station tells of later times is believed then, and nothing that was told before. Raises `Conflict` where
    its clock is not known to be wrong, or was seen wrong since; `Invalid` without a reason, or for a time to come.
    """
    reason = reason_given(reason)
    now = datetime.now(UTC)
    when = at or now
    if when > now + ALARM:
        raise Invalid(
            Sentence(
                "The time %(moment)s is still to come. Say when the clock was set, or leave it out.",
                moment=when.isoformat(),
            )
        )
    known = connection.execute(_SEEN, {"station": station}).one_or_none()
    if known is None:
        raise Conflict(Sentence("The clock of %(station)s is not known to be wrong.", station=station))
    if when < known.last_seen_at:
        raise Conflict(
            Sentence(
                "The clock of %(station)s was still wrong at %(second)s. Say when it was set since.",
                station=station,
                second=known.last_seen_at,
            )
        )
    connection.execute(_SET, {"station_id": known.station_id, "at": when})
    record_audit(
        connection, actor=actor, deed="clock.set", subject=f"station:{station}", at=when.isoformat(), reason=reason
    )
    return when
