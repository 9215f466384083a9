"""Stations: registered as they speak, and what they say of themselves."""

from collections.abc import Collection, MutableMapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.facts import Report


@dataclass(frozen=True, slots=True)
class StationStatement:
    """A message of a station about itself; `body` is its JSON text."""

    report: Report
    message_name: str
    body: str


_FIND = text("SELECT handle, station_id FROM station WHERE handle = ANY(CAST(:handles AS text[]))")
_ENTER = text(
    """
    INSERT INTO station (handle, unplanned)
    SELECT given, true FROM unnest(CAST(:handles AS text[])) AS given ORDER BY given
    ON CONFLICT DO NOTHING
    RETURNING handle, station_id
    """
)


def find_stations(connection: Connection, handles: Collection[str], known: MutableMapping[str, int]) -> list[str]:
    """Add the stations of `handles` to `known`; return the handles nobody has registered."""
    missing = sorted({handle for handle in handles if handle not in known})
    if missing:
        known.update((row[0], row[1]) for row in connection.execute(_FIND, {"handles": missing}))
    return [handle for handle in missing if handle not in known]


def register_stations(connection: Connection, handles: Collection[str], known: MutableMapping[str, int]) -> None:
    """Give every CFX handle a station, `unplanned` until someone plans it, and add it to `known`."""
    missing = find_stations(connection, handles, known)
    if missing:
        entered = connection.execute(_ENTER, {"handles": missing})
        known.update((row[0], row[1]) for row in entered)
        find_stations(connection, missing, known)  # those another process entered first


_HANDLES = text("SELECT station_id, handle FROM station WHERE station_id = ANY(CAST(:stations AS integer[]))")


def handles_of(connection: Connection, station_ids: Collection[int]) -> dict[int, str]:
    """The handle of each of these stations."""
    rows = connection.execute(_HANDLES, {"stations": sorted(station_ids)}) if station_ids else ()
    return {row[0]: row[1] for row in rows}


_STATE = text(
    """
    INSERT INTO station_event (station_id, event_id, message_name, recorded_at, received_at, body)
    SELECT station_id, event_id, message_name, recorded_at, received_at, CAST(body AS jsonb)
    FROM unnest(
        CAST(:stations AS integer[]), CAST(:events AS bigint[]), CAST(:names AS text[]),
        CAST(:recorded_at AS timestamptz[]), CAST(:received_at AS timestamptz[]), CAST(:bodies AS text[])
    ) AS given (station_id, event_id, message_name, recorded_at, received_at, body)
    ON CONFLICT DO NOTHING
    """
)


def record_station_statements(connection: Connection, statements: Sequence[StationStatement]) -> None:
    """Keep what stations say of themselves."""
    if statements:
        connection.execute(
            _STATE,
            {
                "stations": [said.report.station_id for said in statements],
                "events": [said.report.event_id for said in statements],
                "names": [said.message_name for said in statements],
                "recorded_at": [said.report.recorded_at for said in statements],
                "received_at": [said.report.received_at for said in statements],
                "bodies": [said.body for said in statements],
            },
        )
