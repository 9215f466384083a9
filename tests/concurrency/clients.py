"""Clients that start, finish, hold, release and ship the same units at once, each through the product's own deeds."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import Connection, Engine, text

from app.db import retrying
from app.errors import Conflict
from app.inbox.record import Delivery, Recorder
from app.interlock.starts import start_units
from app.people import Role, register_customer
from app.quality.containments import nonconformance_of, open_containment, release_containment
from app.quality.dispositions import Disposition, disposition_units
from app.quality.shipping import MayNotLeave, pack, ship
from app.quality.terms import terms_of
from app.units.starts import end_starts
from tests.concurrency.linearizability import Done
from tests.concurrency.units import LOT, Op
from tests.inbox.messages import completed, entry, initialized, installed, received, started, statuses

STATIONS = ("Acme.Mounter.1", "Acme.Mounter.2", "Argus.A2.1")
CUSTOMER = "Acme"
_shipments = itertools.count(1)


def prepare(engine: Engine, units: Sequence[str], lots: Sequence[str] = ()) -> None:
    """Finished units, known stations and a customer, and one package in each lot, called like the lot."""
    recorder = Recorder(engine)
    told = [started(f"PROBE-{one}", transaction=uuid4(), source=one) for one in STATIONS]
    told += [received((lot, "R0603-10K", lot)) for lot in lots]
    for serial in units:
        transaction = uuid4()
        told += [
            initialized(None, serial),
            started(serial, transaction=transaction, when=1),
            completed(serial, transaction=transaction, when=2),
        ]
    for first in range(0, len(told), 1000):
        receipts = recorder.record([Delivery(payload) for payload in told[first : first + 1000]])
        assert {one for own in receipts for one in statuses(own)} == {"stored"}
    with engine.begin() as connection:
        register_customer(connection, name=CUSTOMER, actor="test")
        connection.execute(text("ANALYZE"))


class Floor:
    """A few units and a lot, and everything that can be asked of them."""

    def __init__(self, engine: Engine, recorder: Recorder, serials: Sequence[str], lot: str) -> None:
        self._engine = engine
        self._recorder = recorder
        self._serials = serials
        self._lot = lot
        self.opened: list[tuple[str, frozenset[int] | str]] = []

    def do(self, op: Op) -> object:
        """Ask; the answer as `tests.concurrency.units` speaks of it."""
        if op.what == "install":
            one = installed(entry(self._serials[op.unit], self._lot, ["R1"]), when=5)
            assert statuses(self._recorder.record([Delivery(one)])[0]) == ["stored"]
            return None
        asked: Callable[[Connection], object] = getattr(self, f"_{op.what}")(op)
        return retrying(self._engine, asked)

    def _start(self, op: Op) -> Callable[[Connection], object]:
        station, transaction = random.choice(STATIONS), uuid4()

        def deed(connection: Connection) -> object:
            serial = self._serials[op.unit]
            (verdict,) = start_units(
                connection, station=station, serials=[serial], transaction_id=transaction, actor="test"
            )
            return frozenset(reason.code for reason in verdict.reasons)

        return deed

    def _finish(self, op: Op) -> Callable[[Connection], object]:
        def deed(connection: Connection) -> object:
            asked = {"serial": self._serials[op.unit]}
            unit = connection.execute(text("SELECT unit_id FROM serial WHERE serial = :serial"), asked).scalar_one()
            return bool(end_starts(connection, [unit], reason="Done.", actor="test"))

        return deed

    def _ship(self, op: Op) -> Callable[[Connection], object]:
        number = f"SH-{next(_shipments)}"

        def deed(connection: Connection) -> object:
            try:
                with connection.begin_nested():
                    pack(connection, [self._serials[op.unit]], shipment=number, customer=CUSTOMER, actor="test")
                    ship(connection, number, actor="test")
            except MayNotLeave as kept:
                units = kept.details["units"]
                assert isinstance(units, list)
                return frozenset(reason["code"] for unit in units for reason in unit["reasons"])
            return frozenset()

        return deed

    def _contain(self, op: Op) -> Callable[[Connection], object]:
        scope = op.scope
        if isinstance(scope, str):
            terms = terms_of({"lot": self._lot})
        else:
            terms = terms_of({"serials": [self._serials[unit] for unit in sorted(scope)]})

        def deed(connection: Connection) -> object:
            try:
                with connection.begin_nested():
                    done = open_containment(connection, terms, reason="A test.", actor="test")
            except Conflict:
                return "conflict"
            gone = -1 if scope == LOT else sum(int(one["units"]) for one in done.shipped)
            return done.number, gone

        return deed

    def _release(self, op: Op) -> Callable[[Connection], object]:
        def deed(connection: Connection) -> object:
            return _went(connection, lambda: release_containment(connection, op.number, reason="Ok.", actor="test"))

        return deed

    def _decide(self, op: Op) -> Callable[[Connection], object]:
        def deed(connection: Connection) -> object:
            serial = self._serials[op.unit]
            number = nonconformance_of(connection, op.number)
            return _went(
                connection,
                lambda: disposition_units(
                    connection, number, [serial], Disposition.released, reason="Ok.", actor="test",
                    role=Role.quality_engineer,
                ),
            )  # fmt: skip

        return deed


def _went(connection: Connection, deed: Callable[[], object]) -> bool:
    try:
        with connection.begin_nested():
            deed()
    except Conflict:
        return False
    return True


def random_op(chance: random.Random, units: int, opened: Sequence[tuple[str, frozenset[int] | str]]) -> Op:
    """Something that a client may ask at any time; releases and decisions need a containment to speak of."""
    unit = chance.randrange(units)
    what = chance.choices(
        ["start", "finish", "ship", "contain", "release", "decide", "install"], [30, 12, 16, 14, 14, 7, 7]
    )[0]
    if what == "contain":
        scope = LOT if chance.random() < 0.3 else frozenset(chance.sample(range(units), chance.randint(1, units)))
        return Op(what, scope=scope)
    if what in {"release", "decide"}:
        known = [one for one in opened if what == "release" or one[1] != LOT]
        if not known:
            return Op("start", unit)
        number, scope = chance.choice(known)
        return Op(what, chance.choice(sorted(scope)) if isinstance(scope, frozenset) else unit, number)
    return Op(what, unit)


def overlapping(
    floor: Floor, pool: ThreadPoolExecutor, programs: Sequence[random.Random], each: int, units: int
) -> list[Done[Op]]:
    """The history of clients that begin together and ask `each` things one after the other."""
    together = threading.Barrier(len(programs))

    def client(chance: random.Random) -> list[Done[Op]]:
        together.wait()
        history = []
        for _ in range(each):
            op = random_op(chance, units, tuple(floor.opened))
            called = time.monotonic_ns()
            result = floor.do(op)
            history.append(Done(called, time.monotonic_ns(), op, result))
            if op.what == "contain" and isinstance(result, tuple):
                floor.opened.append((result[0], op.scope))
        return history

    return [done for history in pool.map(client, programs) for done in history]
