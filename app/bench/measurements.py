"""Measurements: a run in a few rows of packed columns, against a row for each pad, in the same run of the benchmark.

Every board brings 3,000 deposits of 5 values (offsets, height, area, volume) with the decimals that SPI machines send,
and a result for each deposit. Both ways keep the same inspection rows, write by binary COPY, commit as many boards at a
time, and must give the same numbers back. The reference is `app.bench.pads`: rows with a key and an index by pad. Some
figures stand beside rows without that index, too: they are written faster, and one pad is found more slowly.

"Ingest" starts, for both, from messages that are understood, and nobody parses: each characteristic of a board is an
array of floats, as `inspected_units` gives it. Ours packs them, and proves every value exact, within the time; the
reference makes its rows of them. Both keep their connection. "From parsed messages" adds what it takes to get there
from the decoder's structures.

Then whole messages: the product takes envelopes in through its recorder, and can give each back to the byte; the
reference decodes them, and keeps the message's text beside its rows.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
import numpy as np
from sqlalchemy import Connection, Engine, Row, text

from app.bench import pads
from app.bench.deposits import CHARACTERISTICS, PADS, columns_of, message_of, pad_name
from app.bench.figures import Figure, Scale, figure
from app.bench.running import Place
from app.bench.servers import cluster, new_database
from app.bench.workload import envelope
from app.cfx.messages.inspection import UnitsInspected
from app.db import create_engine
from app.facts import Report
from app.inbox.record import Delivery, Recorder
from app.quality.facts import Inspection, InspectionRun, Measurements
from app.quality.formats import Floats
from app.quality.from_cfx import inspected_units
from app.quality.inspections import record_inspections
from app.quality.layout import Kind, Layout
from app.quality.measurements import measured_run, measurements_of
from app.quality.outcome import Outcome
from app.quality.readings import Window, capabilities, series

BOARDS: Final = {"small": 500, "full": 3000}
STUDIED: Final = 500
BATCH: Final = 25
"""Boards a commit, as when intake catches up: it takes 32 MB of messages at a time, and these have 1 MB each."""
MESSAGES: Final = 20
MESSAGES_AT_ONCE: Final = 10
_PARSED, _WHOLE = 10_000_000, 20_000_000  # boards of messages, numbered apart
LOWER, UPPER = 1.2e-05, 2.4e-05  # ml: the process's limits; SPI machines send none

_FIRST: Final = datetime(2026, 3, 2, 6, tzinfo=UTC)
_CYCLE: Final = timedelta(seconds=30)
_OURS: Final = ("measurement", "measurement_column", "measurement_layout")
_BY_KEY: Final = "beside rows with their key alone"
_NAME: Final = "Production.TestAndInspection.UnitsInspected"
_decoder = msgspec.json.Decoder(UnitsInspected)
_TURNS: Final = 15
_T = TypeVar("_T")
_U = TypeVar("_U")


@dataclass(frozen=True, slots=True)
class Stations:
    """Each way has a station of its own, for its inspection rows."""

    ours: int
    rows: int
    by_key: int


def measure(place: Place, scale: Scale) -> Sequence[Figure]:
    """Run it on a server of its own. Raises `RuntimeError` where the two ways do not give the same numbers."""
    with cluster(place.servers) as server:
        place.say(f"measurements: {BOARDS[scale]} boards of {PADS} pads, packed and as rows")
        return compare(new_database(server, "measurements"), BOARDS[scale])


def compare(database_url: str, boards: int) -> list[Figure]:
    """Fill a migrated, empty database both ways and ask it the same questions both ways."""
    engine = create_engine(database_url)
    try:
        stations = _prepare(engine)
        messages = [message_of(board) for board in range(min(boards, MESSAGES))]
        layout = _measured(_decoder.decode(messages[0])).layout
        return [
            *_ingest(engine, stations, boards, layout),
            *_size(engine, boards),
            *_questions(engine, stations),
            _parsed_messages(engine, stations, messages),
            *_whole_messages(engine, stations, messages),
        ]
    finally:
        engine.dispose()


def _prepare(engine: Engine) -> Stations:
    with engine.begin() as connection:
        pads.create(connection)
        entered = text("INSERT INTO station (handle) SELECT 'Bench.SPI.' || generate_series(1, 3) RETURNING station_id")
        return Stations(*connection.execute(entered).scalars())


# --- boards ---


def _measured(message: UnitsInspected) -> Measurements:
    measured = inspected_units(message)[0].run.measurements
    if measured is None:
        raise RuntimeError("the benchmark's message has no measurements")
    return measured


def _inspection(station_id: int, board: int, measured: Measurements | None = None) -> Inspection:
    """The inspection of a board; its event's number is made of station and board."""
    event_id = station_id << 32 | board
    recorded_at = _FIRST + board * _CYCLE
    run = InspectionRun(
        outcome=Outcome.passed, machine_outcome=Outcome.passed, method="SPI", steps=1, measurements=measured
    )
    return Inspection(Report(event_id, station_id, recorded_at, recorded_at), board, 0, run)


def _measurements(layout: Layout, columns: dict[str, list[float]]) -> Measurements:
    """The values as `inspected_units` gives them."""
    passed = {1: np.zeros(1, dtype=np.int8), PADS: np.zeros(PADS, dtype=np.int8)}
    return Measurements(
        layout,
        tuple(
            passed[place.count] if place.column.kind is Kind.result else np.array(columns[place.column.characteristic])
            for place in layout.places
        ),
    )


def _understood(station_id: int, boards: Sequence[int], layout: Layout) -> list[Inspection]:
    return [_inspection(station_id, board, _measurements(layout, columns_of(board))) for board in boards]


# --- in ---


def _ingest(engine: Engine, stations: Stations, boards: int, layout: Layout) -> Iterator[Figure]:
    """From understood messages to the commit, batch by batch in turns; of each the median batch."""
    ways: Sequence[tuple[int, Callable[[Connection, Sequence[Inspection]], None]]] = (
        (stations.ours, record_inspections),
        (stations.rows, partial(_copy_rows, pads.ROWS)),
        (stations.by_key, partial(_copy_rows, pads.BY_KEY)),
    )
    took: list[list[float]] = [[] for _ in ways]
    with engine.connect() as connection:
        for first in range(0, boards, BATCH):
            for (station_id, way), seconds in zip(ways, took, strict=True):
                facts = _understood(station_id, range(first, first + BATCH), layout)
                seconds.append(_timed(partial(_in_a_transaction, connection, way, facts)))
    ours, rows, by_key = (BATCH / statistics.median(seconds) for seconds in took)
    yield figure("ingest", ours, "boards/s", rows).ratio_at_least(25)
    yield figure(f"- ingest {_BY_KEY}", ours, "boards/s", by_key)


def _in_a_transaction(
    connection: Connection, way: Callable[[Connection, Sequence[Inspection]], None], facts: Sequence[Inspection]
) -> None:
    with connection.begin():
        way(connection, facts)


def _copy_rows(table: str, connection: Connection, facts: Sequence[Inspection]) -> None:
    record_inspections(connection, [replace(fact, run=replace(fact.run, measurements=None)) for fact in facts])
    pads.copy_measured(connection, table, facts)


def _parsed_messages(engine: Engine, stations: Stations, messages: Sequence[bytes]) -> Figure:
    """From the decoder's structures to the commit."""
    ours = reference = 0.0
    for first in range(0, len(messages), MESSAGES_AT_ONCE):
        parsed = [_decoder.decode(message) for message in messages[first : first + MESSAGES_AT_ONCE]]
        boards = range(_PARSED + first, _PARSED + first + len(parsed))
        ours += _timed(partial(_understand, engine, stations, boards, parsed))
        reference += _timed(partial(_take_apart, engine, stations, boards, parsed))
    return figure("ingest from parsed messages", len(messages) / ours, "boards/s", len(messages) / reference)


def _understand(engine: Engine, stations: Stations, boards: Sequence[int], parsed: Sequence[UnitsInspected]) -> None:
    pairs = zip(boards, parsed, strict=True)
    facts = [_inspection(stations.ours, board, _measured(message)) for board, message in pairs]
    with engine.begin() as connection:
        record_inspections(connection, facts)


def _take_apart(
    engine: Engine,
    stations: Stations,
    boards: Sequence[int],
    parsed: Sequence[UnitsInspected],
    kept: Sequence[bytes] = (),
) -> None:
    facts = [_inspection(stations.rows, board) for board in boards]
    with engine.begin() as connection:
        record_inspections(connection, facts)
        pads.copy_parsed(connection, [fact.report.event_id for fact in facts], parsed)
        if kept:
            pads.keep(connection, boards, kept)


def _whole_messages(engine: Engine, stations: Stations, messages: Sequence[bytes]) -> Iterator[Figure]:
    """From the message's bytes to the commit, the message kept: both decode the same JSON."""
    own, rows = ("event", "body_template", *_OURS), (pads.ROWS, pads.MESSAGES)
    before, rows_before = _bytes_of(engine, own), _bytes_of(engine, rows)
    recorder = Recorder(engine)
    envelopes = [
        envelope(_NAME, "Bench.SPI.1", UUID(int=number), _FIRST - _CYCLE, message)
        for number, message in enumerate(messages, start=1)
    ]
    ours = reference = 0.0
    for first in range(0, len(messages), MESSAGES_AT_ONCE):
        numbers = range(first, min(first + MESSAGES_AT_ONCE, len(messages)))
        ours += _timed(partial(_record, recorder, [envelopes[number] for number in numbers]))
        reference += _timed(partial(_decode_and_keep, engine, stations, numbers, messages))
    count = len(messages)
    yield figure("whole messages", count / ours, "boards/s", count / reference)
    yield figure(
        "size with the message",
        (_bytes_of(engine, own) - before) / count,
        "B/board",
        (_bytes_of(engine, rows) - rows_before) / count,
    )


def _record(recorder: Recorder, envelopes: Sequence[bytes]) -> None:
    told = recorder.record([Delivery(one) for one in envelopes])
    if {receipt.status for receipts in told for receipt in receipts} != {"stored"}:
        raise RuntimeError("the benchmark's messages were not taken in")


def _decode_and_keep(engine: Engine, stations: Stations, numbers: Sequence[int], messages: Sequence[bytes]) -> None:
    kept = [messages[number] for number in numbers]
    parsed = [_decoder.decode(message) for message in kept]
    _take_apart(engine, stations, [_WHOLE + number for number in numbers], parsed, kept)


def _bytes_of(engine: Engine, tables: Sequence[str]) -> int:
    with engine.connect() as connection:
        sizes = [connection.execute(_TABLE_SIZE, {"table": table}).scalar_one() for table in tables]
    return int(sum(sizes))


_TABLE_SIZE = text("SELECT pg_total_relation_size(CAST(:table AS regclass))")


def _size(engine: Engine, boards: int) -> Iterator[Figure]:
    ours, rows, by_key = (_bytes_of(engine, tables) / boards for tables in (_OURS, (pads.ROWS,), (pads.BY_KEY,)))
    yield figure("size", ours, "B/board", rows).ratio_at_most(1 / 8)
    yield figure(f"- size {_BY_KEY}", ours, "B/board", by_key)


# --- questions ---


def _questions(engine: Engine, stations: Stations) -> Iterator[Figure]:
    window = Window(stations.ours, _FIRST, _FIRST + STUDIED * _CYCLE)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in (*_OURS, "inspection", pads.ROWS, pads.BY_KEY):
            connection.execute(text(f"VACUUM ANALYZE {table}"))
        studied = {
            "lower": LOWER, "upper": UPPER, "pad": 1234,
            "station_id": stations.rows, "since": window.since, "until": window.until,
        }  # fmt: skip

        found, rows, one = _compared(
            "Cpk of all pads",
            lambda: capabilities(connection, window, "Vol", lower=LOWER, upper=UPPER),
            lambda: connection.execute(pads.CPK, studied).all(),
        )
        _same("Cpk", found.cpk.tolist(), [row.cpk for row in rows])
        yield one.ratio_at_most(1 / 10)

        for name, table, station_id in (
            ("one pad", pads.ROWS, stations.rows),
            (f"- one pad {_BY_KEY}", pads.BY_KEY, stations.by_key),
        ):
            readings, rows, one = _compared(
                name,
                lambda: series(connection, window, pad_name(1234), "Vol"),
                partial(_one_pad, connection, table, studied | {"station_id": station_id}),
            )
            _same("one pad", [float(reading.value or 0) for reading in readings], [row.vol for row in rows])
            yield one.ratio_at_most(1) if table == pads.ROWS else one

        columns, rows, one = _compared(
            "one board whole",
            lambda: _columns(connection, stations.ours),
            lambda: connection.execute(pads.ONE_BOARD, studied).all(),
        )
        for name in ("result", *CHARACTERISTICS):
            _same("one board", columns[name].tolist(), [getattr(row, name.lower()) for row in rows])
        yield one

        measured, rows, one = _compared(
            "- each value with its name and expectation",
            lambda: measurements_of(connection, 7, 0, stations.ours << 32 | 7, 1),
            lambda: connection.execute(pads.ONE_BOARD, studied).all(),
        )
        volumes = [float(item.value or 0) for item in measured if item.characteristic == "Vol"]
        _same("one board", volumes, [row.vol for row in rows])
        yield one


def _one_pad(connection: Connection, table: str, studied: dict[str, Any]) -> Sequence[Row[Any]]:
    return connection.execute(pads.ONE_PAD[table], studied).all()


def _columns(connection: Connection, station_id: int) -> dict[str, Floats]:
    run = measured_run(connection, 7, 0, station_id << 32 | 7, 1)
    if run is None:
        raise RuntimeError("board 7 has no measurements")
    return {place.column.characteristic: run.numbers(place) for place in run.layout.places if place.count == PADS}


def _same(what: str, found: Sequence[float], expected: Sequence[float]) -> None:
    if len(found) != len(expected) or not np.allclose(found, expected, rtol=1e-9, atol=0):
        raise RuntimeError(f"{what}: the packed columns and the rows do not agree")


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _compared(name: str, ours: Callable[[], _T], reference: Callable[[], _U]) -> tuple[_T, _U, Figure]:
    """Time two questions in turns and take the best of each: whatever else the machine does only adds."""
    answers = ours(), reference()
    times = [(_timed(ours), _timed(reference)) for _ in range(_TURNS)]
    best, best_reference = min(time for time, _ in times), min(time for _, time in times)
    return *answers, figure(name, best * 1e3, "ms", best_reference * 1e3)
