"""Questions about lines and stations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from app.lines.models import Line, Station
from app.lines.states import StationState, state_reason, station_state


@dataclass(frozen=True, slots=True)
class StationStatus:
    """A station and what it last said of itself. `state_since` is by the station's clock."""

    station_id: int
    handle: str
    name: str | None
    line: str | None
    operation: str | None
    unplanned: bool
    registered_at: datetime
    state: StationState
    state_reason: str | None
    state_since: datetime | None
    fault: str | None
    last_statement_at: datetime | None

    @property
    def title(self) -> str:
        """What a screen calls it: its name, else what it does, else its CFX handle."""
        if self.name:
            return self.name
        return self.operation.replace("_", " ").capitalize() if self.operation else self.handle


# What does each station say of itself, line by line in the order of the material's flow? Each statement is
# found by one step into the index: heartbeats come every few seconds for years, and every open page asks this.
_STATIONS = text(
    """
    SELECT station.station_id, station.handle, station.name, line.name AS line, station.operation,
        station.unplanned, station.registered_at, state.body ->> 'NewState' AS state,
        state.recorded_at AS state_since, fault.body AS fault,
        greatest(beat.recorded_at, connected.recorded_at) AS heard_at
    FROM station
    LEFT JOIN line USING (line_id)
    LEFT JOIN LATERAL (
        SELECT body, recorded_at FROM station_event
        WHERE station_event.station_id = station.station_id
          AND message_name = 'CFX.ResourcePerformance.StationStateChanged'
        ORDER BY recorded_at DESC LIMIT 1
    ) AS state ON true
    LEFT JOIN LATERAL (
        SELECT recorded_at FROM station_event
        WHERE station_event.station_id = station.station_id AND message_name = 'CFX.Heartbeat'
        ORDER BY recorded_at DESC LIMIT 1
    ) AS beat ON true
    LEFT JOIN LATERAL (
        SELECT recorded_at FROM station_event
        WHERE station_event.station_id = station.station_id AND message_name = 'CFX.EndpointConnected'
        ORDER BY recorded_at DESC LIMIT 1
    ) AS connected ON true
    LEFT JOIN LATERAL (
        SELECT coalesce(body #>> '{Fault,Description}', body #>> '{Fault,FaultCode}') AS body
        FROM (
            SELECT station_id, body, recorded_at FROM station_event
            WHERE station_event.station_id = station.station_id
              AND message_name = 'CFX.ResourcePerformance.FaultOccurred'
            ORDER BY recorded_at DESC LIMIT 1
        ) AS occurred
        WHERE NOT EXISTS (
            SELECT FROM station_event AS cleared
            WHERE cleared.station_id = occurred.station_id
              AND cleared.message_name = 'CFX.ResourcePerformance.FaultCleared'
              AND cleared.recorded_at >= occurred.recorded_at)
    ) AS fault ON true
    ORDER BY line.name NULLS LAST, station.line_order NULLS LAST, station.handle
    """
)


def stations(connection: Connection) -> Sequence[StationStatus]:
    """Every station, by line and place in it."""
    return [
        StationStatus(
            station_id=row.station_id,
            handle=row.handle,
            name=row.name,
            line=row.line,
            operation=row.operation,
            unplanned=row.unplanned,
            registered_at=row.registered_at,
            state=station_state(row.state) if row.state else StationState.unknown,
            state_reason=state_reason(row.state) if row.state else None,
            state_since=row.state_since,
            fault=row.fault,
            last_statement_at=max(filter(None, (row.state_since, row.heard_at)), default=None),
        )
        for row in connection.execute(_STATIONS)
    ]


@dataclass(frozen=True, slots=True)
class LineSummary:
    """A line, and how many stations stand in it."""

    line_id: int
    name: str
    stations: int


def lines(connection: Connection) -> list[LineSummary]:
    """Every line by its name, those without stations too."""
    asked = select(Line.line_id, Line.name, func.count(Station.station_id)).outerjoin(
        Station, Station.line_id == Line.line_id
    )
    return [LineSummary(*row) for row in connection.execute(asked.group_by(Line.line_id).order_by(Line.name))]


def operations_of_lines(connection: Connection) -> dict[str | None, list[str]]:
    """Line -> the operations its stations do, each once, in the order of the flow; None: of stations in no line."""
    asked = (
        select(Line.name, Station.operation)
        .outerjoin_from(Station, Line, Station.line_id == Line.line_id)
        .where(Station.operation.is_not(None))
        .order_by(Line.name, Station.line_order, Station.handle)
    )
    found: dict[str | None, dict[str, None]] = {}
    for name, operation in connection.execute(asked):
        found.setdefault(name, {})[str(operation)] = None
    return {name: list(operations) for name, operations in found.items()}
