"""How wrong is a station's clock? Measured in one place, for whoever orders what several stations told.

What a message says of its own time, less the time it was heard at, is the clock's error less the way it took. So a
clock that is ahead shows in any message, and one that is behind only in what surely came at once: the questions to the
gate, which nobody asks later. Of several measures the highest took the shortest way.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from app.sentences import Sentence

SUSPECT: Final = timedelta(seconds=0.5)
"""Above this the times that a station tells are suspect (field practice)."""
ALARM: Final = timedelta(seconds=2)
"""Above this a station's clock is an alarm (field practice)."""
FRESH: Final = timedelta(minutes=10)
"""How long a measure says something of the clock as it is: it may have been set since."""

# A minute's best; a clock that was set shows in the next.
_MEASURE: Final = text(
    """
    INSERT INTO station_clock AS known (station_id, error, largest_error, measured_at)
    SELECT station_id, given.error, greatest(given.error, -given.error), now()
    FROM unnest(CAST(:handles AS text[]), CAST(:errors AS interval[])) AS given (handle, error)
    JOIN station USING (handle)
    ORDER BY station_id
    ON CONFLICT (station_id) DO UPDATE SET
        error = CASE WHEN known.measured_at > now() - interval '1 minute'
            THEN greatest(known.error, excluded.error) ELSE excluded.error END,
        largest_error = greatest(known.largest_error, excluded.largest_error),
        measured_at = CASE WHEN known.measured_at > now() - interval '1 minute' AND known.error >= excluded.error
            THEN known.measured_at ELSE now() END
    """
)
ERROR_OF: Final = """
    coalesce((
        SELECT max(error) FROM known_clock_error
        WHERE known_clock_error.station_id = {station}
          AND (CAST(:as_of AS timestamptz) IS NULL OR known_from <= :as_of)
    ), interval '2 seconds')
"""
"""Column: how far the clock of `station` may be off: as far as it was ever seen off, as known at `as_of`, or by
`ALARM`, which goes unsaid.
"""
_LARGEST: Final = text(
    """
    -- How far were the clocks of these stations seen off until then?
    SELECT station_id, max(error) AS error FROM known_clock_error
    WHERE station_id = ANY (CAST(:stations AS integer[]))
      AND (CAST(:as_of AS timestamptz) IS NULL OR known_from <= :as_of)
    GROUP BY station_id
    """
)


def measure_clocks(connection: Connection, errors: Mapping[str, timedelta]) -> None:
    """Note how far the clocks of stations, by their CFX handles, are ahead of the server's; behind is negative."""
    if errors:
        connection.execute(_MEASURE, {"handles": list(errors), "errors": list(errors.values())})


def clock_errors(
    connection: Connection, station_ids: Collection[int], as_of: datetime | None = None
) -> dict[int, timedelta]:
    """How far each of these stations' clocks was ever seen off, either way, as known then; absent within `ALARM`."""
    asked = {"stations": sorted(set(station_ids)), "as_of": as_of}
    rows = connection.execute(_LARGEST, asked) if station_ids else ()
    return {row.station_id: row.error for row in rows}


def clock_warning(station: str, error: timedelta | None) -> Sentence | None:
    """What is to be said of a clock that is this far ahead (negative: behind); None within what is usual."""
    if error is None or abs(error) <= SUSPECT:
        return None
    off = {
        "station": station,
        "seconds": abs(error).total_seconds(),
        "word": "ahead" if error > timedelta() else "behind",
    }
    if abs(error) <= ALARM:
        return Sentence(
            "The clock of %(station)s is %(seconds)s s %(word)s: its times are suspect. "
            "Set it, and let it follow the factory's time server.",
            **off,
        )
    return Sentence(
        "The clock of %(station)s is %(seconds)s s %(word)s: its times prove nothing. "
        "Set it, and let it follow the factory's time server.",
        **off,
    )
