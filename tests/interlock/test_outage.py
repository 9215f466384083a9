"""The server is killed while the line runs, under each policy: what goes on, what is said of it, and what may ship."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from time import sleep

import pytest

from app.cfx.gate import CACHED, OPENLY
from app.db import create_engine
from app.demo.comparison import compare
from app.embedded.broker import Broker
from app.embedded.postgres import Postgres
from app.embedded.processes import free_port
from app.errors import Conflict
from app.interlock.locks import lock_station, unlock_station
from app.interlock.plans import plan_policy
from app.interlock.releases import release_provisional
from app.quality.shipping import pack
from app.schema import upgrade
from app.units.provisional import provisional_units
from stations.gate import Snapshot, read_snapshot
from stations.line import stations_for
from stations.program import read_program
from tests.intake.process import wait_until
from tests.interlock.running_line import PRINTER, RunningLine, starts

SETTLED = timedelta(seconds=1.0)
"""A question asked before the kill may have been answered before it."""

PROVISIONAL = """
    SELECT DISTINCT coalesce(held.unit_id, said.unit_id)
    FROM unit_event AS said LEFT JOIN panel_position AS held ON held.panel_id = said.unit_id
    WHERE said.message_name = 'CFX.Production.ActivitiesExecuted' AND said.body::text LIKE :words
"""


class Outage:
    """How long nobody answers, and a line that has work for all that time: a takt is a twentieth of it."""

    def __init__(self, seconds: float, least_takt: float = 0.8) -> None:
        self.seconds = seconds
        self.takt = max(least_takt, seconds / 20)


@pytest.fixture
def outage(request: pytest.FixtureRequest) -> Outage:
    config = request.config
    return Outage(config.getoption("--outage") or (120.0 if config.getoption("--slow") else 6.0))


@pytest.fixture
def line(data_dir: Path) -> Iterator[RunningLine]:
    """A line whose database and broker are its own, so that they can be killed with the rest."""
    with Postgres(data_dir, port=free_port()) as postgres, Broker(data_dir) as broker:
        engine = create_engine(postgres.url)
        upgrade(engine)
        with RunningLine(engine, postgres.url, broker, data_dir, postgres=postgres) as line:
            yield line
        engine.dispose()


def under(line: RunningLine, policy: str, outage: Outage, *options: str, panels: int = 4, **more: int) -> None:
    """Plan the policy for every station, run the line, and wait until each station has been told."""
    with line.engine.begin() as connection:
        for handle in handles(line):
            plan_policy(connection, station=handle, policy=policy, actor="test", **more)
    line.run(panels, "--no-faults", *options, takt=outage.takt)
    line.wait_for("SELECT count(*) >= 12 FROM work_record", patience=60 + 12 * outage.takt)
    assert all((line.folder / "spools" / f"{handle}.gate").exists() for handle in handles(line))


def handles(line: RunningLine) -> list[str]:
    return list(stations_for(read_program(line.job.program)))


def nobody_answers(line: RunningLine, outage: Outage, *, broker: bool = False) -> tuple[datetime, datetime]:
    """Kill the server for a while; when it went, and when it came back."""
    gone = line.kill_server(broker=broker)
    sleep(outage.seconds)
    back = datetime.now(UTC)
    line.start_server()
    return gone, back


def finish(line: RunningLine, outage: Outage) -> None:
    """Let the line end. Nothing was lost: the record has every event, and says what was really built."""
    line.finish(patience=600 + 120 * outage.takt)
    with line.engine.connect() as connection:
        assert not compare(connection, line.folder / "truth.jsonl").differences


def queue_up(line: RunningLine, outage: Outage) -> None:
    """Let panels queue before the printer, until its snapshot admits some of them."""
    with line.engine.begin() as connection:
        lock_station(connection, station=PRINTER, reason="a queue is wanted", actor="test")
    line.wait_for(
        """
        SELECT (SELECT count(DISTINCT unit_id) FROM work_record JOIN station USING (station_id)
                WHERE handle LIKE '%Laser%' AND completed_at IS NOT NULL)
             - (SELECT count(DISTINCT unit_id) FROM work_record JOIN station USING (station_id)
                WHERE handle = :printer) >= 5
        """,
        printer=PRINTER, patience=60 + 10 * outage.takt,
    )  # fmt: skip
    with line.engine.begin() as connection:
        unlock_station(connection, station=PRINTER, reason="it is long enough", actor="test")
    wait_until(lambda: len(snapshot_of(line, PRINTER).units) >= 4, 60, lambda: str(snapshot_of(line, PRINTER)))


def snapshot_of(line: RunningLine, handle: str) -> Snapshot:
    """What a station has been told to do on its own."""
    kept = (line.folder / "spools" / f"{handle}.gate").read_bytes()
    snapshot = read_snapshot(kept, handle, line.tokens[handle])
    assert snapshot is not None
    return snapshot


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


@pytest.mark.parametrize(
    "broker", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["broker-stays", "broker-dies"]
)
def test_fail_closed_nothing_starts_until_the_server_is_back(line: RunningLine, outage: Outage, broker: bool) -> None:
    under(line, "fail_closed", outage)
    gone, back = nobody_answers(line, outage, broker=broker)
    finish(line, outage)
    assert not starts(line, since=gone + SETTLED, until=back)
    assert len(starts(line, since=back)) > 20
    assert not line.ask(PROVISIONAL, words="%without%")
    assert shippable(line) == (8, 0)


def test_fail_open_record_goes_on_and_nothing_of_it_ships_before_quality_has_looked(
    line: RunningLine, outage: Outage
) -> None:
    panels = 6 + int(outage.seconds / outage.takt / 2)  # each comes through twice
    # In one magazine, so that the printer never waits for panels to come back.
    under(line, "fail_open_record", outage, "--magazine", str(panels), panels=panels, snapshot_seconds=3600)
    gone, back = nobody_answers(line, outage, broker=True)
    finish(line, outage)
    meanwhile = starts(line, since=gone + SETTLED, until=back)
    assert len(meanwhile) >= 3
    assert starts(line, since=back - (back - gone) / 3, until=back), "the line stood still"
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
    assert shippable(line) == (2 * panels - len(touched), 0)
    serials = [row[0] for row in line.ask("SELECT DISTINCT serial FROM panel_position JOIN unit USING (unit_id)")]
    with line.engine.begin() as connection:
        released = release_provisional(connection, serials, reason="AOI and test looked at.", actor="person:quinn")
    assert len(released) == len(touched)
    assert shippable(line) == (2 * panels, 0)


@pytest.mark.slow
@pytest.mark.parametrize("expires", [False, True], ids=["outlasts-it", "expires-within"])
def test_fail_cached_lets_in_what_the_snapshot_admits_while_it_lasts_and_the_gate_looks_again(
    line: RunningLine, outage: Outage, expires: bool
) -> None:
    # A panel takes about a takt at the printer, a snapshot is up to four seconds old: some of those that wait get in
    # before this end, some come too late.
    outage = Outage(max(outage.seconds, 10.0), least_takt=2.5)
    lasts = ceil(1.4 * outage.takt) + 4 if expires else 2 * int(outage.seconds) + 60
    under(line, "fail_cached", outage, "--magazine", "12", panels=12, snapshot_seconds=lasts)
    queue_up(line, outage)
    gone = line.kill_server()
    told = {handle: snapshot_of(line, handle) for handle in handles(line)}
    sleep(outage.seconds)
    back = datetime.now(UTC)
    line.start_server()
    finish(line, outage)
    meanwhile = starts(line, since=gone + SETTLED, until=back)
    for serial, handle, at in meanwhile:
        assert serial in {identifier for identifier, _ in told[handle].units}, (serial, handle)
        assert at < told[handle].expires_at + timedelta(seconds=0.2), (serial, handle)
    if expires:
        assert max(one.expires_at for one in told.values()) < back, "no snapshot expired within the outage"
        assert len([row for row in meanwhile if row[1] == PRINTER]) < len({one for one, _ in told[PRINTER].units})
    cached = {row[0] for row in line.ask(PROVISIONAL, words=f"%{CACHED}%")}
    assert cached, "the snapshots admitted nothing"
    assert not line.ask(PROVISIONAL, words=f"%{OPENLY}%")
    line.wait_for("SELECT count(*) >= :many FROM provisional_release WHERE released_by = 'gate'", many=len(cached))
    assert shippable(line) == (24, 0)
