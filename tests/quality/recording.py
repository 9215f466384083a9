"""Recording of runs for tests: stations, events and clocks are made up on the way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import Connection, text

from app.facts import Report
from app.products.recipes import register_recipes
from app.quality.facts import Inspection, InspectionRun, Measurements, Test, TestRun
from app.quality.inspections import record_inspections
from app.quality.outcome import Outcome
from app.quality.tests import record_tests

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Recording:
    """Records on a connection; each run is an event of its own, a second after the one before."""

    connection: Connection
    events: Iterable[int] = field(default_factory=lambda: count(1))
    stations: dict[str, int] = field(default_factory=dict)

    def station(self, handle: str = "Maker.AOI.1") -> int:
        if handle not in self.stations:
            self.stations[handle] = self.connection.execute(
                text("INSERT INTO station (handle) VALUES (:handle) RETURNING station_id"), {"handle": handle}
            ).scalar_one()
        return self.stations[handle]

    def report(self, at: datetime | None = None, station: str = "Maker.AOI.1") -> Report:
        event = next(iter(self.events))
        recorded_at = at or NOON + timedelta(seconds=event)
        return Report(event, self.station(station), recorded_at, recorded_at + timedelta(milliseconds=200))

    def inspection(
        self,
        unit_id: int,
        outcome: Outcome = Outcome.passed,
        *,
        position: int = 0,
        at: datetime | None = None,
        machine: Outcome | None = None,
        number: int = 1,
        measurements: Measurements | None = None,
        station: str = "Maker.AOI.1",
        recipe: str | None = None,
    ) -> Inspection:
        run = InspectionRun(
            outcome=outcome,
            machine_outcome=machine or outcome,
            number=number,
            method="AOI",
            measurements=measurements,
        )
        known: dict[tuple[str, str | None], int] = {}
        register_recipes(self.connection, [(recipe, "1")] if recipe else [], known)
        fact = Inspection(self.report(at, station), unit_id, position, run, next(iter(known.values()), None))
        record_inspections(self.connection, [fact])
        return fact

    def test(self, unit_id: int, outcome: Outcome = Outcome.passed, *, at: datetime | None = None) -> Test:
        fact = Test(self.report(at, "Maker.ICT.1"), unit_id, 0, TestRun(outcome=outcome, method="ICT"))
        record_tests(self.connection, [fact])
        return fact

    def link(self, panel_id: int, boards: Sequence[int], at: datetime) -> None:
        """Say that positions 1, 2, ... of a panel or carrier hold these boards from then on."""
        for position, board in enumerate(boards, start=1):
            self.connection.execute(
                text(
                    "INSERT INTO panel_position (panel_id, position_number, linked_at, unit_id, event_id, received_at)"
                    " VALUES (:panel, :position, :at, :board, :event, :at)"
                ),
                {"panel": panel_id, "position": position, "at": at, "board": board, "event": next(iter(self.events))},
            )
