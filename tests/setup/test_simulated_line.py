"""A line that does nothing wrong: nothing speaks against its setups and tools, at any moment of its run."""

from datetime import timedelta

from sqlalchemy import Engine, text

from app.cfx.envelope import encode
from app.inbox.record import Delivery, Recorder
from app.setup.state import setup_at
from app.units.tool_states import tools_at
from stations.faults import Faults
from tests.stations.test_line import build, setup


def test_nothing_speaks_against_a_line_that_does_nothing_wrong(engine: Engine) -> None:
    listeners = build(setup(Faults(rejected=0.05, splice_missed=0.4), boards=2), 12)
    said = [(one.at, listener.handle, one) for listener in listeners for one in listener.said]
    payloads = [
        Delivery(encode(one.message, source=handle, time_stamp=one.stamp), source=handle)
        for at, handle, one in sorted(said, key=lambda told: told[0], reverse=True)  # the order does not matter
    ]
    recorder = Recorder(engine)
    for start in range(0, len(payloads), 200):
        receipts = recorder.record(payloads[start : start + 200])
        assert {one.status for several in receipts for one in several} <= {"stored"}, receipts
    first, last = min(at for at, _, _ in said), max(at for at, _, _ in said)
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
