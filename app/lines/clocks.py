"""How wrong is a station's clock? Measured in one place, for whoever orders what several stations told.

What a message says of its own time, less the time it was heard at, is the clock's error less the way it took. So a
clock that is ahead shows in any message, and one that is behind only in what surely came at once: the questions to the
gate, which nobody asks later. Of several measures the highest took the shortest way. That a clock is right, what came
at once says, and else messages that for a time all came about when they say.
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
    INSERT INTO station_clock AS known (station_id, error, largest_error, measured_at, right_at)
    SELECT station_id, given.error, greatest(given.error, -given.error), now(),
        CASE WHEN :live AND greatest(given.error, -given.error) <= interval '2 seconds' THEN now() END
    FROM unnest(CAST(:handles AS text[]), CAST(:errors AS interval[])) AS given (handle, error)
    JOIN station USING (handle)
    ORDER BY station_id
    ON CONFLICT (station_id) DO UPDATE SET
        error = CASE WHEN known.measured_at > now() - interval '1 minute'
            THEN greatest(known.error, excluded.error) ELSE excluded.error END,
        largest_error = greatest(known.largest_error, excluded.largest_error),
        right_at = coalesce(excluded.right_at, known.right_at),
        close_since = CASE WHEN excluded.largest_error <= interval '2 seconds' THEN known.close_since END,
        measured_at = CASE WHEN known.measured_at > now() - interval '1 minute' AND known.error >= excluded.error
            THEN known.measured_at ELSE now() END
    """
)
# Two that take in messages at once would else wait for one another.
_LOCK: Final = text(
    """
    INSERT INTO station_clock AS known (station_id, error, largest_error, measured_at)
    SELECT station_id, interval '0', interval '0', 'epoch' FROM station WHERE handle = ANY (CAST(:handles AS text[]))
    ORDER BY station_id
    ON CONFLICT (station_id) DO UPDATE SET measured_at = known.measured_at WHERE false
    """
)
_CLOSE: Final = text(
    """
    -- A few messages may come as late as their clock is ahead; for 10 minutes none is ahead of a clock that is right,
    -- and some come all the time.
    INSERT INTO station_clock AS known (station_id, error, largest_error, measured_at, close_since, close_at)
    SELECT station_id, interval '0', interval '0', 'epoch', now(), now() FROM station
    WHERE handle = ANY (CAST(:handles AS text[]))
    ORDER BY station_id
    ON CONFLICT (station_id) DO UPDATE SET
        close_since = CASE WHEN known.close_at > now() - interval '3 minutes' THEN coalesce(known.close_since, now())
            ELSE now() END,
        close_at = now(),
        right_at = CASE WHEN known.close_since <= now() - interval '10 minutes'
            AND known.close_at > now() - interval '3 minutes' THEN now() ELSE known.right_at END
    """
)
_RIGHT_AGAIN: Final = text(
    """
    UPDATE wrong_clock SET right_after = now() FROM station_clock AS clock
    WHERE clock.station_id = wrong_clock.station_id AND right_after IS NULL AND clock.right_at = now()
    """
)
_WRONG: Final = text(
    """
    -- A clock that is about as far off as a moment ago was not right in between, it only looked so: a clock around 2 s
    -- would else leave a row every other second.
    WITH given AS (
        SELECT station_id, clock.right_at, greatest(given.error, interval '0') AS ahead,
            greatest(-given.error, interval '0') AS behind, greatest(given.error, -given.error) AS off
        FROM unnest(CAST(:handles AS text[]), CAST(:errors AS interval[])) AS given (handle, error)
        JOIN station USING (handle) JOIN station_clock AS clock USING (station_id)
        WHERE greatest(given.error, -given.error) > interval '2 seconds'
    ), still AS (
        UPDATE wrong_clock AS known SET right_after = NULL, last_seen_at = clock_timestamp(),
            ahead = greatest(known.ahead, given.ahead), behind = greatest(known.behind, given.behind)
        FROM given
        WHERE known.station_id = given.station_id AND right_after > now() - interval '10 minutes'
          AND greatest(known.ahead, known.behind) <= greatest(2 * given.off, interval '1 minute')
          AND seen_at = (SELECT max(seen_at) FROM wrong_clock WHERE wrong_clock.station_id = given.station_id)
        RETURNING known.station_id
    )
    INSERT INTO wrong_clock AS known (station_id, seen_at, last_seen_at, right_before, ahead, behind)
    SELECT station_id, clock_timestamp(), clock_timestamp(), right_at, ahead, behind FROM given
    WHERE station_id NOT IN (SELECT station_id FROM still)
    ON CONFLICT (station_id) WHERE right_after IS NULL DO UPDATE SET
        last_seen_at = excluded.last_seen_at,
        ahead = greatest(known.ahead, excluded.ahead), behind = greatest(known.behind, excluded.behind)
    """
)
MAY_HAVE_BEEN: Final = """
    SELECT CASE WHEN greatest(heard - told, told - heard) <= interval '2 seconds' THEN least(told, heard)
        WHEN fallen THEN least(heard, greatest(told, since, fell_after))
        ELSE least(told, heard, not_before) END AS earliest,
        CASE WHEN fallen THEN heard ELSE least(heard, greatest(told, not_after)) END AS latest
    FROM (
        SELECT told, heard, since,
            min(greatest(told - ahead, right_before, since)) FILTER (
                WHERE told >= right_before AND told - ahead <= right_after AND heard <= right_after + interval '7 days'
            ) AS not_before,
            max(least(told + behind, right_after)) FILTER (
                WHERE told + behind >= right_before AND told <= right_after
            ) AS not_after,
            min(right_before) FILTER (WHERE told + behind >= right_before AND told <= right_after) AS fell_after,
            told < timestamptz '2016-01-01 00:00Z' OR coalesce(
                told < greatest(since, heard - interval '1 year')
                AND max(told + behind) FILTER (WHERE told <= right_after) >= greatest(since, heard - interval '1 year'),
                false
            ) AS fallen
        FROM (
            SELECT CAST({told} AS timestamptz) AS told, CAST({heard} AS timestamptz) AS heard,
                coalesce(CAST({since} AS timestamptz), '-infinity') AS since
        ) AS message
        LEFT JOIN (
            SELECT station_id, ahead, behind, coalesce(right_before, '-infinity') AS right_before,
                coalesce(right_after, 'infinity') AS right_after
            FROM wrong_clock
        ) AS wrong ON wrong.station_id = {station}
        GROUP BY told, heard, since
    ) AS bounds
"""
"""Select: when was what `station` told of the time `told` and was `heard`, at the earliest and at the latest?

* It was over by the time it was heard. What was heard at once was just then.
* While the clock may have been wrong, it was by as much as was seen, as long as it was then still that time: what was
  told after the clock was seen right again counts as told, once that much time has passed. So does what is heard a week
  after: a station that can be heard does not keep what it told for longer.
* No error of a clock makes it earlier than `since` (null: nothing says): before, it cannot have been.
* A clock that fell back so far that what it told cannot be (before `since`, or over a year ago) told it after it was
  right last. What is told of the time before there was CFX (2016) fell back, whether or not that was seen.
"""
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


def measure_clocks(connection: Connection, errors: Mapping[str, timedelta], *, live: bool = True) -> None:
    """Note how far the clocks of stations, by their CFX handles, are ahead of the server's; behind is negative.

    `live`: measured by what surely came at once. Other messages tell the least a clock is ahead, and of none that it is
    right.
    """
    if errors:
        given = {"handles": list(errors), "errors": list(errors.values())}
        connection.execute(_MEASURE, {**given, "live": live})
        if max(map(abs, errors.values())) > ALARM:
            connection.execute(_WRONG, given)
        if live:
            connection.execute(_RIGHT_AGAIN)


def note_heard(connection: Connection, ahead: Mapping[str, timedelta], close: Collection[str]) -> None:
    """Note how far messages told times to come, and whose came within `ALARM` of their times, by CFX handles.

    Where for ten minutes they did, at least every third minute, and none told a time to come, the clock is right: also
    at a station that asks no gate.
    """
    if ahead and close:
        connection.execute(_LOCK, {"handles": list({*ahead, *close})})
    measure_clocks(connection, ahead, live=False)
    if close:
        connection.execute(_CLOSE, {"handles": list(close)})
        connection.execute(_RIGHT_AGAIN)


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
