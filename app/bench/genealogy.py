"""What is in which board, in chunks stored once, beside a row per placement: bytes, ingest, lookups, exactness.

The product's tables are filled by its own recorder from messages as machines send them (the broker is left out), the
reference by binary COPY of rows prepared beforehand, batch by batch in turn, on two durable servers of the same make
and settings, so that neither pays for the other's checkpoints and caches. Counted as genealogy are `installation`,
`material_set`, `material_chunk` and `placement` with their indexes; what both sides have besides (serials, packages,
message keys) is not. Then both answer the same questions, and every board's message is put together again from the
product's tables and compared with what was sent.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from sqlalchemy import Engine, text

from app.bench import beyond, lookups
from app.bench.figures import Figure, Scale, figure, render
from app.bench.meter import Log, Meter
from app.bench.rows import COPY, SCHEMA, Names, binary_rows
from app.bench.running import Place
from app.bench.servers import cluster, new_database, restart_cold
from app.bench.workload import Board, Line, announcement
from app.db import create_engine
from app.embedded.postgres import Postgres
from app.inbox.bodies import unpack_body
from app.inbox.record import Delivery, Recorder
from app.trace.question import Question
from app.trace.where_used import stream_where_used

_BOARDS = {"small": 10_000, "full": 100_000}
_LINES = 10
"""What the product alone goes on to, at full scale: 10^9 placements."""
_BATCH = 200
_COLD_STARTS = 3
_NAME = "genealogy"
_GENEALOGY = ("installation", "material_set", "material_chunk", "placement")
_REPORT_EVERY = 2000


@dataclass(slots=True)
class _Costs:
    """What filling the tables took: seconds of each batch, and bytes of write-ahead log in all."""

    boards: int = 0
    whole: list[float] = field(default_factory=list)
    """From the envelope's bytes to commit."""
    understood: list[float] = field(default_factory=list)
    """From the understood message to commit."""
    copied: list[float] = field(default_factory=list)
    """The reference's COPY and commit."""
    statements: list[float] = field(default_factory=list)
    """In statements that write the tables of genealogy, and in COMMIT."""
    log: int = 0
    copied_log: int = 0


@dataclass(slots=True)
class _Truth:
    """What was sent."""

    hashes: dict[UUID, bytes] = field(default_factory=dict)
    serials: list[str] = field(default_factory=list)


class _Timed(Recorder):
    """The product's recorder, with a clock on the part that begins when the messages are understood."""

    seconds = 0.0

    def _take_in(self, items: Sequence[Any]) -> None:
        started = time.perf_counter()
        super()._take_in(items)
        self.seconds += time.perf_counter() - started


def measure(place: Place, scale: Scale) -> list[Figure]:
    """Fill, measure, ask, rebuild."""
    line = Line()
    truth = _Truth()
    with cluster(place.servers / "own") as server:
        with cluster(place.servers / "rows") as rows_server:
            figures = _side_by_side(place, scale, line, truth, server, rows_server)
        place.say("every board rebuilt")
        figures.append(_rebuilt(server.url_of(_NAME), truth))
        if scale == "full":
            figures += _beyond(place, line, truth, server.url_of(_NAME), figures[0].reference)
    return figures


def _side_by_side(
    place: Place, scale: Scale, line: Line, truth: _Truth, own_server: Postgres, rows_server: Postgres
) -> list[Figure]:
    own, rows = new_database(own_server, _NAME), new_database(rows_server, _NAME, migrated=False)
    costs = _fill(place, line, truth, _BOARDS[scale], own, rows)
    for url in (own, rows):
        _settle(url)
    figures = [*_sizes(own, rows, costs), *_speeds(costs)]
    place.say(render(figures))
    asked = lookups.lookups(_finished(line), _lots(line), truth.serials)
    figures += _warm(asked, own, rows)
    figures += _cold(asked, own_server, rows_server)
    place.say(render(figures))
    return figures


def _beyond(place: Place, line: Line, truth: _Truth, url: str, reference: float | None) -> list[Figure]:
    """Ten lines, in this product alone."""
    asked = lookups.lookups(_finished(line), _lots(line), truth.serials)
    told = beyond.answers(url, asked)
    beyond.multiply(place, url, _LINES)
    _settle(url)
    kept = sum(_bytes(url, _GENEALOGY).values()) / (_LINES * len(truth.serials))
    return [
        figure(f"bytes per board at {_LINES} times as many boards", kept, "B", reference).ratio_at_most(1 / 80),
        *beyond.ask(url, asked, told, _LINES),
    ]


def _fill(place: Place, line: Line, truth: _Truth, boards: int, own: str, rows: str) -> _Costs:
    """The same boards into both databases."""
    engine = create_engine(own, pool_size=1, recording=True)
    recorder = _Timed(engine)
    costs = _Costs()
    reference = _Rows(rows, line)
    with closing(Meter(engine, own)) as meter:
        building = line.boards(boards)
        while batch := list(islice(building, _BATCH)):
            announce(recorder, line, batch)
            recorder.seconds = 0.0
            meter.clear()
            _record(recorder, meter, batch, costs)
            reference.learn(batch)
            reference.copy(batch, costs)
            costs.boards += len(batch)
            truth.serials += [board.serial for board in batch]
            truth.hashes |= {m.unique_id: sha256(m.body).digest() for board in batch for m in board.messages}
            if costs.boards % _REPORT_EVERY == 0:
                place.say(f"{costs.boards:,} of {boards:,} boards in both databases")
    engine.dispose()
    reference.close()
    return costs


def announce(recorder: Recorder, line: Line, batch: Sequence[Board]) -> None:
    """The store tells of new reels before they are used."""
    begun = [package for board in batch for package in board.begun]
    if begun:
        key = UUID(int=1 + begun[0].number)
        said = announcement(line.stations[0], key, batch[0].recorded_at, begun)
        ((receipt,),) = recorder.record([Delivery(said)])
        assert receipt.status == "stored", receipt


def _record(recorder: _Timed, meter: Meter, batch: Sequence[Board], costs: _Costs) -> None:
    deliveries = [Delivery(message.payload) for board in batch for message in board.messages]
    before, started = meter.position(), time.perf_counter()
    receipts = recorder.record(deliveries)
    whole = time.perf_counter() - started
    other = meter.position() - before - sum(meter.log_bytes.values())  # the commit, above all
    assert all(receipt.status == "stored" for own in receipts for receipt in own)
    costs.whole.append(whole - meter.probing)
    costs.understood.append(recorder.seconds - meter.probing)
    costs.statements.append(meter.commits + sum(meter.seconds[table] for table in _GENEALOGY))
    costs.log += other + sum(meter.log_bytes[table] for table in _GENEALOGY)


class _Rows:
    """The reference's side."""

    def __init__(self, url: str, line: Line) -> None:
        self._connection: psycopg.Connection[Any] = psycopg.connect(url.replace("+psycopg", ""))
        self._connection.execute(SCHEMA)
        self._units, self._packages = Names("unit", "serial"), Names("package", "identifier")
        designators, slots = Names("designator", "name"), Names("slot", "name")
        designators.learn(self._connection, line.designators)
        slots.learn(self._connection, {f"slot {number}" for number in line.slot_numbers})
        self._connection.commit()
        self._line = line
        self._log = Log(url)
        self._designators = np.array([designators.ids[name] for name in line.designators], np.int16)
        self._slots = np.array([slots.ids[f"slot {number}"] for number in line.slot_numbers], np.int16)

    def learn(self, batch: Sequence[Board]) -> None:
        """Enter the names that a batch brings; not counted."""
        connection = self._connection
        self._units.learn(connection, [board.serial for board in batch])
        begun = [package for board in batch for package in board.begun]
        self._packages.learn(connection, [package.identifier for package in begun])
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE package SET part_number = %s, lot_code = %s WHERE identifier = %s",
                [(package.part_number, package.lot, package.identifier) for package in begun],
            )
        connection.commit()

    def copy(self, batch: Sequence[Board], costs: _Costs) -> None:
        """Enter the placements of a batch; counted are the COPY of prepared rows and the commit."""
        connection = self._connection
        ids = np.array([self._packages.ids[package.identifier] for package in self._line.packages], np.int32)
        stream = binary_rows(
            (self._units.ids[board.serial] for board in batch),
            [ids[board.packages] for board in batch],
            self._designators,
            self._slots,
        )
        before, started = self._log.position(), time.perf_counter()
        with connection.cursor().copy(COPY) as copy:
            copy.write(stream)
        connection.commit()
        costs.copied.append(time.perf_counter() - started)
        costs.copied_log += self._log.position() - before

    def close(self) -> None:
        """Give up the connections."""
        self._connection.close()
        self._log.close()


def _settle(url: str) -> None:
    """What autovacuum would have done by the time somebody asks."""
    engine = create_engine(url, pool_size=1)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
    engine.dispose()


def _bytes(url: str, tables: Sequence[str]) -> dict[str, int]:
    """Tables with indexes and toast."""
    engine = create_engine(url, pool_size=1)
    with engine.connect() as connection:
        question = text("SELECT pg_total_relation_size(CAST(:name AS regclass))")
        sizes = {table: int(connection.execute(question, {"name": table}).scalar_one()) for table in tables}
    engine.dispose()
    return sizes


def _sizes(own: str, rows: str, costs: _Costs) -> list[Figure]:
    boards = costs.boards
    sizes = _bytes(own, (*_GENEALOGY, "event", "unit", "serial", "package"))
    reference = _bytes(rows, ("placement",))["placement"] / boards
    kept = sum(sizes[table] for table in _GENEALOGY) / boards
    return [
        figure("bytes per board", kept, "B", reference).ratio_at_most(1 / 80),
        *(figure(f"- of these {table}", sizes[table] / boards, "B") for table in _GENEALOGY),
        figure("- beside these event (key, digest, what rebuilds the message)", sizes["event"] / boards, "B"),
        figure("- of which event.body", _body_bytes(own), "B"),
        figure("- beside these unit and serial", (sizes["unit"] + sizes["serial"]) / boards, "B"),
        figure("write-ahead log per board", costs.log / boards, "B", costs.copied_log / boards).ratio_at_most(1 / 100),
    ]


def _body_bytes(url: str) -> float:
    engine = create_engine(url, pool_size=1)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT avg(octet_length(body)) FROM event")).scalar_one()
    engine.dispose()
    return float(found)


def _speeds(costs: _Costs) -> list[Figure]:
    """Boards per second in the median batch; the first tenth of the batches fills memories and is left out."""

    def speed(seconds: Sequence[float]) -> float:
        return _BATCH / statistics.median(seconds[len(seconds) // 10 :])

    copied = speed(costs.copied)
    return [
        figure("ingest from understood messages", speed(costs.understood), "boards/s", copied).ratio_at_least(8),
        figure(
            "- the database's share of it (statements on these tables, and COMMIT)",
            speed(costs.statements),
            "boards/s",
            copied,
        ).ratio_at_least(40),
        figure("- from the messages' bytes, parsing included", speed(costs.whole), "boards/s", copied),
    ]


def _finished(line: Line) -> list[str]:
    """Reels that were begun and used up on the line."""
    last = {package.part_number: package.number for package in line.packages}
    return [package.identifier for package in line.packages if package.number not in last.values()]


def _lots(line: Line) -> list[str]:
    """Lots with most of their reels used, or all lots where there are none."""
    used: dict[str, int] = {}
    for package in line.packages:
        used[package.lot] = used.get(package.lot, 0) + 1
    most = max(used.values())
    return [lot for lot, count in used.items() if count == most]


def _warm(asked: Sequence[lookups.Asked], own: str, rows: str) -> Iterator[Figure]:
    with closing(lookups.connect(own)) as ours, closing(lookups.connect(rows)) as theirs:
        for one in asked:
            found = figure(f"{one.what}, warm", *_beside("ms", lookups.warm(one, ours, theirs)))
            yield found.at_most(5) if one.what.startswith("one serial") else found.ratio_at_most(1 / 5)
        engine = create_engine(own, pool_size=1)
        names = asked[0].names[:10]
        answers = [_whole_answer(engine, name) for name in names]
        for name, (serials, _) in zip(names, answers, strict=True):
            assert serials == asked[0].rows(theirs, name), f"where_used answers otherwise about {name}"
        engine.dispose()
    yield figure(
        "one reel, the product's whole answer (evidence, designators, reasons, places)",
        statistics.median(seconds for _, seconds in answers),
        "ms",
    )


def _beside(unit: str, both: tuple[float, float]) -> tuple[float, str, float]:
    return both[0], unit, both[1]


def _whole_answer(engine: Engine, package: str) -> tuple[set[str], float]:
    with engine.connect() as connection:
        started = time.perf_counter()
        units = list(stream_where_used(connection, Question(package=package)))
        return {unit.serial for unit in units}, 1000 * (time.perf_counter() - started)


def _cold(asked: Sequence[lookups.Asked], own: Postgres, rows: Postgres) -> Iterator[Figure]:
    """Each question the first after a restart, of names not asked before; the catalogues are read beforehand."""
    for one in asked[:2]:
        times: list[tuple[float, float]] = []
        dropped = True
        for name in one.names[:_COLD_STARTS]:
            pair = []
            for server, ask in ((own, one.own), (rows, one.rows)):
                dropped = restart_cold(server) and dropped
                with closing(lookups.connect(server.url_of(_NAME))) as connection:
                    ask(connection, "nothing of this name")
                    started = time.perf_counter()
                    ask(connection, name)
                    pair.append(1000 * (time.perf_counter() - started))
            times.append((pair[0], pair[1]))
        yield figure(
            f"{one.what}, cold" + ("" if dropped else " (the system's memory kept the files)"),
            statistics.median(ours for ours, _ in times),
            "ms",
            statistics.median(theirs for _, theirs in times),
        ).ratio_at_most(1 / 5)


def _rebuilt(url: str, truth: _Truth) -> Figure:
    """Every message of a board, from the tables alone, against what was sent."""
    engine = create_engine(url, pool_size=2)
    missing = dict(truth.hashes)
    events = text("SELECT unique_id, body FROM event WHERE message_name LIKE '%.MaterialsInstalled'")
    with engine.connect() as reading, engine.connect() as asking:
        stream = reading.execution_options(stream_results=True, yield_per=500).execute(events)
        for unique_id, body in stream:
            if missing.get(unique_id) == sha256(unpack_body(asking, body)).digest():
                del missing[unique_id]
    engine.dispose()
    wrong = len(missing)
    return figure(f"boards not rebuilt to the byte, of {len(truth.hashes):,}", wrong, "boards").at_most(0)
