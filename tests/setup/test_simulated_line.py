"""A line that does nothing wrong: nothing speaks against its setups and tools, at any moment of its run."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from app.cfx.envelope import encode
from app.demo.planning import plan_setups
from app.inbox.record import Delivery, Recorder
from app.lines.tools import station_id_of
from app.orders.planning import plan_work_order
from app.people import Role, create_person, create_token
from app.setup.state import setup_at
from app.units.tool_states import tools_at
from stations.faults import Faults
from stations.line import slots_for
from stations.operators import Door, look_at
from tests.doors.conftest import running, server
from tests.setup.plant import product
from tests.stations.test_line import build, setup

__all__ = ["running", "server"]


def told(engine: Engine) -> list[datetime]:
    """What a line of twelve panels says is recorded; the times it was said at."""
    listeners = build(setup(Faults(rejected=0.05, splice_missed=0.4), boards=2), 12)
    said = [(one.at, listener.handle, one) for listener in listeners for one in listener.said]
    payloads = [
        Delivery(encode(one.message, source=handle, time_stamp=one.stamp), source=handle)
        for at, handle, one in sorted(said, key=lambda one: one[0], reverse=True)  # the order does not matter
    ]
    recorder = Recorder(engine)
    for start in range(0, len(payloads), 200):
        receipts = recorder.record(payloads[start : start + 200])
        assert {one.status for several in receipts for one in several} <= {"stored"}, receipts
    return [at for at, _, _ in said]


def test_nothing_speaks_against_a_line_that_does_nothing_wrong(engine: Engine) -> None:
    times = told(engine)
    first, last = min(times), max(times)
    with engine.connect() as connection:
        stations = connection.execute(text("SELECT station_id, handle FROM station ORDER BY handle")).all()
        loaded = 0
        for part in range(1, 11):
            moment = first + (last - first) * part / 10 + timedelta(microseconds=1)
            for station in stations:
                found = setup_at(connection, station.station_id, product_revision_id=None, at=moment)
                assert found.reasons == (), (station.handle, moment)
                assert [one.reasons for one in tools_at(connection, station.station_id, at=moment) if one.reasons] == []
                loaded = max(loaded, len(found.slots))
    assert loaded > 10


def lanes(engine: Engine, station: str, revision: int) -> set[tuple[str, str | None, str | None]]:
    """Which package is in which lane of which slot."""
    with engine.connect() as connection:
        here = station_id_of(connection, station)
        found = setup_at(connection, here, product_revision_id=revision, at=datetime.now(UTC))
    return {(one.slot, one.lane, one.package) for one in found.slots}


def test_what_operators_scan_at_the_planned_slots_is_right(engine: Engine, running: str) -> None:
    revision = product(engine)
    planned = slots_for(setup(Faults(), boards=2).program)
    with engine.begin() as connection:
        plan_work_order(
            connection, number="WO-RUN1-1", product_revision_id=revision, quantity=24, customer=None, actor="test"
        )
        create_person(connection, name="operator", role=Role.operator, password="correct horse battery", actor="test")
        token = create_token(connection, name="scanner", role=Role.operator, person="operator", actor="test")
    told(engine)
    with engine.begin() as connection:
        plan_setups(connection, revision, planned)
    before = {station: lanes(engine, station, revision) for station in planned}
    with closing(Door(running, token)) as door:
        for station in planned:
            look_at(door, station)
    assert {station: lanes(engine, station, revision) for station in planned} == before
    assert len({lane for station in planned for _, lane, _ in before[station]} - {None}) > 1
    assert {"Birthmark.Printer.PP01", "Birthmark.Placer.PM01", "Birthmark.Placer.PM02"} <= set(planned)
    with engine.connect() as connection:
        for station, slots in planned.items():
            here = station_id_of(connection, station)
            found = setup_at(connection, here, product_revision_id=revision, at=datetime.now(UTC))
            assert {one.slot: one.part_number for one in found.slots} == slots
            assert found.reasons == (), station
            assert all((one.verified_by or "").endswith(" scanner") for one in found.slots)
