"""Eight clients on the same serials: no unit is started twice, none leaves or starts on hold, each history adds up.

The short campaign runs always; `--campaign` takes 10,000 serials. Containments here hold one unit each, so that each
unit is an object of its own and its history is checked alone (linearizability is local: Herlihy and Wing, 1990).
"""

import random
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from app.db import create_engine
from app.inbox.record import Recorder
from tests.concurrency.clients import Floor, prepare
from tests.concurrency.linearizability import Done, linearization
from tests.concurrency.units import Op, Units, apply

CLIENTS = 8
WINDOW = 20
SHORT, LONG = 120, 10_000

# Times are taken by the server while the unit is locked, so their order is the order of the deeds.
DOUBLE_STARTS = text(
    """
    SELECT count(*) FROM unit_start AS one JOIN unit_start AS other USING (unit_id)
    WHERE one.start_id < other.start_id
      AND one.granted_at < coalesce(other.ended_at, 'infinity')
      AND other.granted_at < coalesce(one.ended_at, 'infinity')
    """
)
ON_HOLD = """
    SELECT count(*) FROM ({moments}) AS happened (unit_id, at)
    JOIN unit_hold AS hold USING (unit_id)
    JOIN nonconformance USING (nonconformance_id)
    LEFT JOIN unit_disposition AS decided USING (unit_id, position_number, nonconformance_id, nth)
    WHERE happened.at > hold.held_at
      AND happened.at < least(coalesce(released_at, 'infinity'), coalesce(decided_at, 'infinity'))
"""
SHIPPED = "SELECT unit_id, shipped_at FROM packed_unit JOIN shipment USING (shipment_id) WHERE shipped_at IS NOT NULL"
STARTED = "SELECT unit_id, granted_at FROM unit_start"


class Single(Floor):
    """A floor of one unit that every client knows by its serial."""

    def client(self, chance: random.Random, mine: list[Done[Op]]) -> None:
        """One thing asked of the unit, noted in `mine`."""
        known = [number for number, _ in self.opened]
        what = chance.choices(["start", "finish", "ship", "contain", "release", "decide"], [34, 14, 12, 16, 16, 8])[0]
        if what in {"release", "decide"} and not known:
            what = "start"
        op = Op(what, 0, chance.choice(known) if what in {"release", "decide"} else "", frozenset({0}))
        called = time.monotonic_ns()
        result = self.do(op)
        mine.append(Done(called, time.monotonic_ns(), op, result))
        if what == "contain" and isinstance(result, tuple):
            self.opened.append((result[0], op.scope))


def campaign(engine: Engine, serials: int) -> dict[str, int]:
    """Let every client ask something of every serial, window by window; returns what was counted."""
    names = [f"SN-{n:05d}" for n in range(serials)]
    prepare(engine, names)
    wide = create_engine(engine.url.render_as_string(hide_password=False), pool_size=CLIENTS + 2)
    recorder = Recorder(wide)
    floors = [Single(wide, recorder, [name], "") for name in names]
    together = threading.Barrier(CLIENTS)
    histories: dict[int, list[Done[Op]]] = defaultdict(list)

    def client(number: int) -> list[tuple[int, Done[Op]]]:
        chance = random.Random(number)
        told = []
        for first in range(0, serials, WINDOW):
            together.wait()
            window = [*range(first, min(first + WINDOW, serials))]
            chance.shuffle(window)
            for index in window:
                mine: list[Done[Op]] = []
                floors[index].client(chance, mine)
                told.append((index, mine[0]))
        return told

    with ThreadPoolExecutor(CLIENTS) as pool:
        for told in pool.map(client, range(CLIENTS)):
            for index, done in told:
                histories[index].append(done)
    wide.dispose()
    with engine.connect() as connection:
        return {
            "deeds": sum(map(len, histories.values())),
            "starts": connection.execute(text("SELECT count(*) FROM unit_start")).scalar_one(),
            "shipped": connection.execute(text(f"SELECT count(*) FROM ({SHIPPED}) AS left_it")).scalar_one(),
            "holds": connection.execute(text("SELECT count(*) FROM unit_hold")).scalar_one(),
            "double starts": connection.execute(DOUBLE_STARTS).scalar_one(),
            "shipped on hold": connection.execute(text(ON_HOLD.format(moments=SHIPPED))).scalar_one(),
            "started on hold": connection.execute(text(ON_HOLD.format(moments=STARTED))).scalar_one(),
            "impossible histories": sum(
                linearization(history, Units(), apply) is None for history in histories.values()
            ),
        }


def test_no_unit_is_started_twice_and_none_leaves_on_hold(engine: Engine, request: pytest.FixtureRequest) -> None:
    serials = LONG if request.config.getoption("--campaign") else SHORT
    began = time.perf_counter()
    counted = campaign(engine, serials)
    print(f"{serials} serials, {CLIENTS} clients, {time.perf_counter() - began:.0f} s: {counted}")  # noqa: T201
    wrong = ("double starts", "shipped on hold", "started on hold", "impossible histories")
    assert {name: counted[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert min(counted["starts"], counted["shipped"], counted["holds"]) > serials / 10, "hardly anything happened"
