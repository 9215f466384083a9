"""Tools that touch units: stencils, squeegees, nozzles, fixtures, test adapters."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.facts import Report


@dataclass(frozen=True, slots=True)
class ToolTouched:
    """A tool was used on a unit, `cycles` times where the machine counts."""

    report: Report
    unit_id: int
    position_number: int
    tool: str
    cycles: int | None


_USE = text(
    """
    INSERT INTO tool_use (unit_id, position_number, event_id, tool, station_id, cycles, recorded_at, received_at)
    SELECT unit_id, position_number, event_id, tool, station_id, CAST(sum(cycles) AS integer), recorded_at, received_at
    FROM unnest(
        CAST(:units AS bigint[]), CAST(:positions AS smallint[]), CAST(:events AS bigint[]), CAST(:tools AS text[]),
        CAST(:stations AS integer[]), CAST(:cycles AS integer[]), CAST(:recorded_at AS timestamptz[]),
        CAST(:received_at AS timestamptz[])
    ) AS given (unit_id, position_number, event_id, tool, station_id, cycles, recorded_at, received_at)
    GROUP BY unit_id, position_number, event_id, tool, station_id, recorded_at, received_at
    ON CONFLICT DO NOTHING
    """
)


def record_tools(connection: Connection, touched: Sequence[ToolTouched]) -> None:
    """Keep which tools touched which units."""
    if touched:
        connection.execute(
            _USE,
            {
                "units": [one.unit_id for one in touched],
                "positions": [one.position_number for one in touched],
                "events": [one.report.event_id for one in touched],
                "tools": [one.tool for one in touched],
                "stations": [one.report.station_id for one in touched],
                "cycles": [one.cycles for one in touched],
                "recorded_at": [one.report.recorded_at for one in touched],
                "received_at": [one.report.received_at for one in touched],
            },
        )
