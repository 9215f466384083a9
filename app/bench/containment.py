"""`bench containment`: a lot in many units is contained while its progress is watched and the gate is asked.

The lot is in twenty reels and in every unit. Small: 10,000 units, full: 100,000. Beside it, for comparison, the
where-used answer alone, which counts the same units without holding them.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from uuid import uuid4

from sqlalchemy import Engine, text

from app.bench.figures import Figure, Scale, figure
from app.bench.running import Place
from app.bench.servers import cluster, new_database
from app.db import create_engine, retrying
from app.inbox.record import Delivery, Recorder
from app.live import going_on, reporting
from app.quality.containments import open_containment, release_containment
from app.quality.holds import holds_on
from app.quality.terms import terms_of
from app.trace.question import Question
from app.trace.where_used import stream_where_used

UNITS = {"small": 10_000, "full": 100_000}
REELS = 20
LOT = "LK2207"
_PLACEMENTS = 100
_STATION = "Bench.Mounter.1"
_ASKED_AT_ONCE = 10

_MESSAGE = (
    '{{"MessageName":"CFX.{name}","Version":"2.1","TimeStamp":"2026-11-20T06:00:{second:02d}.0000000+00:00",'
    '"UniqueID":"{id}","Source":"{station}","MessageBody":{body}}}'
)
# Boards built alike share a material set, so one of each reel is recorded and the others are its likes.
_LIKES = text(
    """
    WITH given AS (
        INSERT INTO serial (serial) SELECT 'LIKE-' || n FROM generate_series(1, :units) AS n RETURNING serial, unit_id
    ), made AS (
        INSERT INTO unit (unit_id, serial, registered_at) SELECT unit_id, serial, now() FROM given
    ), pattern AS (
        SELECT row_number() OVER (ORDER BY unit_id) - 1 AS nth, installation.* FROM installation
    ), worked AS (
        INSERT INTO work_record (unit_id, transaction_id, station_id, started_at, started_received_at, completed_at,
            completed_received_at, result)
        SELECT given.unit_id, gen_random_uuid(), station_id, recorded_at, received_at, recorded_at, received_at,
            'Completed'
        FROM given JOIN pattern ON pattern.nth = given.unit_id % :reels
    )
    INSERT INTO installation (unit_id, position_number, event_id, station_id, set_id, candidates, recorded_at,
        received_at)
    SELECT given.unit_id, 0, pattern.event_id, station_id, set_id, 1, recorded_at, received_at
    FROM given JOIN pattern ON pattern.nth = given.unit_id % :reels
    """
)


def measure(place: Place, scale: Scale) -> Sequence[Figure]:
    """Contain, watch, ask; on a durable PostgreSQL of the benchmark's own."""
    with cluster(place.servers) as server:
        place.say(f"containment: {UNITS[scale]:,} units, a lot of {REELS} reels")
        engine = create_engine(new_database(server, "containment"))
        try:
            return contain(engine, UNITS[scale], place.say)
        finally:
            engine.dispose()


def contain(engine: Engine, units: int, say: Callable[[str], None]) -> list[Figure]:
    """The figures of one containment of `units` units."""
    _build(engine, units - REELS)
    with engine.connect() as connection:
        ids = list(connection.execute(text("SELECT unit_id FROM unit")).scalars())
        began = time.perf_counter()
        counted = sum(1 for _ in stream_where_used(connection, Question(lot=LOT)))
        counting = time.perf_counter() - began
    watcher, gate = _Watcher(engine, say), _Gate(engine, ids)
    with watcher, gate:
        time.sleep(0.2)
        began = time.perf_counter()
        with reporting(engine, deed=f"Containing lot {LOT}", actor="bench") as progress:
            done = retrying(
                engine,
                lambda connection: open_containment(
                    connection, terms_of({"lot": LOT}), reason="A benchmark.", actor="bench", progress=progress
                ),
            )
            committed = time.perf_counter()
        time.sleep(0.5)
    began_release = time.perf_counter()
    with engine.begin() as connection:
        release_containment(connection, done.number, reason="Done.", actor="bench")
    releasing = time.perf_counter() - began_release
    before = [at for at, held in gate.seen if held and at < began]
    mixed = sum(1 for _, held in gate.seen if 0 < held < _ASKED_AT_ONCE)
    late = sum(1 for at, held in gate.seen if not held and at > committed)
    steps = 3 if units == UNITS["full"] else 1  # a small one is over before there is much to watch
    return [
        figure("units held", done.units, "units").at_least(units),
        figure("containing, beside counting alone", committed - began, "s", counting),
        figure("units held a second", done.units / (committed - began), "units/s"),
        figure("releasing all of them", releasing * 1000, "ms"),
        figure("steps of progress seen meanwhile", len(watcher.steps), "steps").at_least(steps),
        figure("verdicts that saw some units held and others not", mixed, "verdicts").at_most(0),
        figure("verdicts that saw no hold after the commit", late, "verdicts").at_most(0),
        figure("verdicts that saw a hold before", len(before), "verdicts").at_most(0),
        figure("verdicts asked", len(gate.seen), "verdicts"),
        figure("units counted by where-used", counted, "units").at_least(units),
    ]


def _build(engine: Engine, likes: int) -> None:
    recorder = Recorder(engine)
    for reel in range(REELS):
        described = (
            f'{{"Materials":[{{"UniqueIdentifier":"REEL-{reel}","InternalPartNumber":"P-1",'
            f'"ManufacturerLotCode":"{LOT}"}}]}}'
        )
        placed = ",".join(f'{{"ReferenceDesignator":"R{n}"}}' for n in range(_PLACEMENTS))
        put = (
            f'{{"TransactionId":"{uuid4()}","InstalledMaterials":[{{"UnitIdentifier":"BOARD-{reel}",'
            f'"Material":{{"UniqueIdentifier":"REEL-{reel}","InternalPartNumber":"P-1"}},'
            f'"CarrierLocation":{{"LocationIdentifier":"S1"}},"InstalledComponents":[{placed}]}}]}}'
        )
        for name, body in (
            ("Materials.Management.MaterialsInitialized", described),
            ("Production.Assembly.MaterialsInstalled", put),
        ):
            told = _MESSAGE.format(name=name, second=reel, id=uuid4(), station=_STATION, body=body)
            (receipt,) = recorder.record([Delivery(told.encode())])[0]
            if receipt.status != "stored":
                raise RuntimeError(f"the benchmark's message was refused: {receipt.reason}")
    with engine.begin() as connection:
        connection.execute(_LIKES, {"units": likes, "reels": REELS})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


class _Beside:
    """A thread that looks again and again until the block ends."""

    def __init__(self, engine: Engine, every: float) -> None:
        self._engine = engine
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every):
            self.look()

    def look(self) -> None:
        """Look once."""
        raise NotImplementedError


class _Watcher(_Beside):
    """Whoever watches the progress, as `GET /api/v1/containments/running` tells it."""

    def __init__(self, engine: Engine, say: Callable[[str], None]) -> None:
        super().__init__(engine, 0.1)
        self._say = say
        self.steps: list[tuple[str, int]] = []

    def look(self) -> None:
        with self._engine.connect() as connection:
            for step in going_on(connection):
                seen = (step.stage, step.done)
                if seen not in self.steps:
                    self.steps.append(seen)
                    of = f" of {step.expected:,}" if step.expected else ""
                    self._say(f"  {step.seconds:5.1f} s  {step.stage} {step.done:,}{of}")


class _Gate(_Beside):
    """Whoever asks the gate: (when the answer was there, how many of the units asked about were held)."""

    def __init__(self, engine: Engine, ids: Sequence[int]) -> None:
        super().__init__(engine, 0.02)
        self._ids = ids
        self._chance = random.Random(7)  # noqa: S311  (the same units each run)
        self.seen: list[tuple[float, int]] = []

    def look(self) -> None:
        asked = self._chance.sample(self._ids, _ASKED_AT_ONCE)
        with self._engine.connect() as connection:
            began = time.perf_counter()
            held = len(holds_on(connection, asked))
        self.seen.append((began, held))
