"""The server is killed while the line runs, under each policy: what goes on, what is said of it, and what may ship."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest
from sqlalchemy import Engine

from app.cfx.gate import CACHED, OPENLY
from app.embedded.broker import Broker
from app.errors import Conflict
from app.interlock.locks import lock_station, unlock_station
from app.interlock.plans import plan_policy
from app.interlock.releases import release_provisional
from app.quality.shipping import pack
from app.units.provisional import provisional_units
from stations.gate import read_snapshot
from stations.line import stations_for
from stations.program import read_program
from tests.intake.process import wait_until
from tests.interlock.running_line import PRINTER, RunningLine, starts

pytestmark = pytest.mark.slow

OUTAGE = 8.0
"""Seconds without a server: ten takts. Two minutes are twelve takts of a line that makes a panel every ten seconds."""
SETTLED = timedelta(seconds=1.0)
"""A question asked before the kill may have been answered before it."""

PROVISIONAL = """
    SELECT DISTINCT coalesce(held.unit_id, said.unit_id)
    FROM unit_event AS said LEFT JOIN panel_position AS held ON held.panel_id = said.unit_id
    WHERE said.message_name = 'CFX.Production.ActivitiesExecuted' AND said.body::text LIKE :words
"""


@pytest.fixture
def line(engine: Engine, database: str, broker: Broker, data_dir: Path) -> Iterator[RunningLine]:
    with RunningLine(engine, database, broker, data_dir) as line:
        yield line


def under(line: RunningLine, policy: str, *options: str, **more: int) -> None:
    """Plan the policy for every station, and wait until each has been told."""
    handles = list(stations_for(read_program(line.job.program)))
    with line.engine.begin() as connection:
        for handle in handles:
            plan_policy(connection, station=handle, policy=policy, actor="test", **more)
    kept = line.folder / "spools"
    line.run(8, "--no-faults", *options)
    line.wait_for("SELECT count(*) >= 12 FROM work_record")
    assert all((kept / f"{handle}.gate").exists() for handle in handles)


def outage(line: RunningLine) -> tuple[datetime, datetime]:
    """Kill the server for a while; when it went, and when it came back."""
    gone = line.kill_server()
    sleep(OUTAGE)
    back = datetime.now(UTC)
    line.start_server()
    return gone, back


def queue_up(line: RunningLine) -> None:
    """Let panels queue before the printer, until its snapshot admits some of them."""
    with line.engine.begin() as connection:
        lock_station(connection, station=PRINTER, reason="a queue is wanted", actor="test")
    line.wait_for(
        """
        SELECT (SELECT count(DISTINCT unit_id) FROM work_record JOIN station USING (station_id)
                WHERE handle LIKE '%Laser%' AND completed_at IS NOT NULL)
             - (SELECT count(DISTINCT unit_id) FROM work_record JOIN station USING (station_id)
                WHERE handle = :printer) >= 3
        """,
        printer=PRINTER,
    )
    with line.engine.begin() as connection:
        unlock_station(connection, station=PRINTER, reason="it is long enough", actor="test")
    kept = line.folder / "spools" / f"{PRINTER}.gate"
    wait_until(lambda: len(admitted(line, kept)) >= 2, 60, lambda: str(admitted(line, kept)))


def admitted(line: RunningLine, kept: Path) -> set[str]:
    """The panels that the printer's snapshot admits."""
    snapshot = read_snapshot(kept.read_bytes(), PRINTER, line.tokens[PRINTER])
    return {identifier for identifier, _ in snapshot.units} if snapshot else set()


def shippable(line: RunningLine) -> tuple[int, int]:
    """How many boards may be packed one by one, and how many of those are provisional; nothing is kept."""
    left = provisional = 0
    for serial, unit_id in line.ask(
        "SELECT DISTINCT unit.serial, unit.unit_id FROM panel_position JOIN unit USING (unit_id)"
    ):
        with line.engine.connect() as connection, connection.begin() as transaction:
            try:
                pack(connection, [serial], shipment="SH-1", customer="Northwind Devices", actor="test")
            except Conflict:
                pass
            else:
                left += 1
                provisional += bool(provisional_units(connection, [unit_id]))
            transaction.rollback()
    return left, provisional


def test_fail_closed_nothing_starts_until_the_server_is_back(line: RunningLine) -> None:
    under(line, "fail_closed")
    gone, back = outage(line)
    line.finish()
    assert not starts(line, since=gone + SETTLED, until=back)
    assert len(starts(line, since=back)) > 20
    assert not line.ask(PROVISIONAL, words="%without%")
    left, provisional = shippable(line)
    assert (left, provisional) == (16, 0)


def test_fail_open_record_goes_on_and_nothing_of_it_ships_before_quality_has_looked(line: RunningLine) -> None:
    under(line, "fail_open_record")
    gone, back = outage(line)
    line.finish()
    meanwhile = starts(line, since=gone + SETTLED, until=back)
    assert len(meanwhile) >= 3
    touched = {row[0] for row in line.ask(PROVISIONAL, words=f"%{OPENLY}%")}
    started = {
        row[0]
        for row in line.ask(
            """
            SELECT DISTINCT coalesce(held.unit_id, work.unit_id)
            FROM work_record AS work LEFT JOIN panel_position AS held ON held.panel_id = work.unit_id
            WHERE work.started_at > :since AND work.started_at < :until
            """,
            since=gone + SETTLED, until=back,
        )
    }  # fmt: skip
    assert started <= touched
    left, provisional = shippable(line)
    assert provisional == 0
    assert left == 16 - len(touched)
    serials = [row[0] for row in line.ask("SELECT DISTINCT serial FROM panel_position JOIN unit USING (unit_id)")]
    with line.engine.begin() as connection:
        released = release_provisional(connection, serials, reason="AOI and test looked at.", actor="person:quinn")
    assert len(released) == len(touched)
    assert shippable(line) == (16, 0)


def test_fail_cached_lets_in_what_the_snapshot_admits_and_the_gate_looks_again(line: RunningLine) -> None:
    under(line, "fail_cached", "--magazine", "8", snapshot_seconds=60)
    queue_up(line)
    gone, back = outage(line)
    line.finish()
    meanwhile = starts(line, since=gone + SETTLED, until=back)
    assert meanwhile, "the snapshot admitted nothing"
    cached = {row[0] for row in line.ask(PROVISIONAL, words=f"%{CACHED}%")}
    assert cached
    assert not line.ask(PROVISIONAL, words=f"%{OPENLY}%")
    line.wait_for("SELECT count(*) >= :many FROM provisional_release WHERE released_by = 'gate'", many=len(cached))
    assert shippable(line) == (16, 0)
