"""Measurements: a run in one row of packed columns, against a row for each pad, in the same run of the benchmark.

Every board brings 3,000 deposits of 5 values (offsets, height, area, volume) with the decimals that SPI machines send,
and a result for each deposit. Both ways are given the same boards, keep the same inspection rows, write by binary COPY
and commit as many boards at a time; both must give the same numbers back.

The reference is as lean as a row for a pad can be: key (unit, pad), five double precision values, a result, one index.

Then whole messages: the product takes envelopes in through its recorder, and can give each back to the byte; the
reference decodes them, and keeps the message's text beside its rows.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import msgspec
import numpy as np
from sqlalchemy import Engine, text

from app.bench.figures import Figure, Scale, figure
from app.bench.running import Place
from app.bench.servers import cluster, new_database
from app.bench.workload import envelope
from app.cfx.messages.inspection import UnitsInspected
from app.copying import copy_rows
from app.db import create_engine
from app.facts import Report
from app.inbox.record import Delivery, Recorder
from app.quality.facts import Inspection, InspectionRun, Measurements
from app.quality.from_cfx import inspected_units
from app.quality.inspections import record_inspections
from app.quality.layout import Kind, Layout
from app.quality.measurements import measurements_of
from app.quality.outcome import Outcome
from app.quality.readings import Window, capabilities, series

PADS: Final = 3000
BOARDS: Final = {"small": 500, "full": 3000}
STUDIED: Final = 500
BATCH: Final = 50
"""Boards a commit, as when intake catches up; it takes up to 200 messages at a time."""
MESSAGES: Final = 20
MESSAGES_AT_ONCE: Final = 10
LOWER, UPPER = 1.2e-05, 2.4e-05  # ml: the process's limits; SPI machines send none

# Characteristic: (mean, spread, decimals) in CFX's units: mm, mm2, ml.
CHARACTERISTICS: Final = {
    "Z": (0.12, 0.008, 4),
    "DX": (0.0, 0.012, 4),
    "DY": (0.0, 0.012, 4),
    "Vol": (1.8e-05, 1.2e-06, 8),
    "A": (0.15, 0.006, 4),
}
_REFERENCE: Final = {"unit_id": "int8", "pad": "int4", **dict.fromkeys(("z", "dx", "dy", "vol", "a"), "float8")} | {
    "result": "int2"
}
_FIRST: Final = datetime(2026, 3, 2, 6, tzinfo=UTC)
_CYCLE: Final = timedelta(seconds=30)
_NAME: Final = "Production.TestAndInspection.UnitsInspected"
_decoder = msgspec.json.Decoder(UnitsInspected)
_TURNS: Final = 15
_T = TypeVar("_T")
_U = TypeVar("_U")


@dataclass(frozen=True, slots=True)
class Stations:
    """Each way has a station of its own, for its inspection rows."""

    ours: int
    reference: int


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
        messages = [_message(board) for board in range(min(boards, MESSAGES))]
        layout = _measured(_decoder.decode(messages[0])).layout
        return [
            _ingest(engine, stations, boards, layout),
            _size(engine, boards),
            *_questions(engine, stations),
            *_whole_messages(engine, stations, messages),
        ]
    finally:
        engine.dispose()


def _prepare(engine: Engine) -> Stations:
    columns = ", ".join(f"{name} {kind} NOT NULL" for name, kind in _REFERENCE.items())
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE reference ({columns}, PRIMARY KEY (unit_id, pad))"))
        connection.execute(text("CREATE TABLE reference_message (unit_id bigint PRIMARY KEY, body bytea NOT NULL)"))
        entered = text("INSERT INTO station (handle) VALUES ('Bench.SPI.1'), ('Bench.SPI.2') RETURNING station_id")
        return Stations(*connection.execute(entered).scalars())


# --- boards ---


def _columns(board: int) -> dict[str, list[float]]:
    random = np.random.default_rng(board)
    return {
        name: np.round(random.normal(mean, spread, PADS), decimals).tolist()
        for name, (mean, spread, decimals) in CHARACTERISTICS.items()
    }


def _message(board: int) -> bytes:
    """A `UnitsInspected` as an SPI sends it: every deposit with its expectation, its place and its identifier."""
    columns = _columns(board)
    deposits = [
        {
            "$type": "CFX.Structures.SolderPasteInspection.SolderPasteMeasurement, CFX",
            **{name: column[pad] for name, column in columns.items()},
            "EZ": 0.12,
            "EA": 0.15,
            "EVol": 1.8e-05,
            "PX": round(0.05 * (pad % 60), 4),
            "PY": round(0.05 * (pad // 60), 4),
            "UniqueIdentifier": str(uuid4()),
            "MeasurementName": _pad(pad),
            "Sequence": pad,
            "Result": "Passed",
            "CRDs": _pad(pad),
        }
        for pad in range(PADS)
    ]
    step = {"InspectionName": "SPI", "Result": "Passed", "Measurements": deposits}
    unit = {"UnitIdentifier": f"SN{board}", "OverallResult": "Passed", "Inspections": [step]}
    return json.dumps({"TransactionId": str(uuid4()), "InspectionMethod": "SPI", "InspectedUnits": [unit]}).encode()


def _pad(number: int) -> str:
    return f"R{number // 2 + 1}.{number % 2 + 1}"


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


def _rows(board: int, columns: dict[str, list[float]]) -> list[tuple[Any, ...]]:
    values = (columns[name] for name in CHARACTERISTICS)
    return list(zip([board] * PADS, range(PADS), *values, [0] * PADS, strict=True))


# --- in ---


def _ingest(engine: Engine, stations: Stations, boards: int, layout: Layout) -> Figure:
    """From values in memory, in the form in which each way takes them, to the commit."""
    ours = reference = 0.0
    for first in range(0, boards, BATCH):
        numbers = range(first, first + BATCH)
        values = {board: _columns(board) for board in numbers}
        facts = [_inspection(stations.ours, board, _measurements(layout, values[board])) for board in numbers]
        ours += _timed(partial(_commit, engine, facts))
        facts = [_inspection(stations.reference, board) for board in numbers]
        rows = [row for board in numbers for row in _rows(board, values[board])]
        reference += _timed(partial(_commit, engine, facts, rows))
    return figure("ingest", boards / ours, "boards/s", boards / reference).ratio_at_least(25)


def _commit(engine: Engine, facts: Sequence[Inspection], rows: Sequence[tuple[Any, ...]] = ()) -> None:
    with engine.begin() as connection:
        record_inspections(connection, facts)
        copy_rows(connection, "reference", _REFERENCE, rows)


def _whole_messages(engine: Engine, stations: Stations, messages: Sequence[bytes]) -> Iterator[Figure]:
    """From the message's bytes to the commit, the message kept: both decode the same JSON."""
    own, rows = ("event", "body_template", "measurement", "measurement_layout"), ("reference", "reference_message")
    before, rows_before = _bytes_of(engine, own), _bytes_of(engine, rows)
    recorder = Recorder(engine)
    envelopes = [
        envelope(_NAME, "Bench.SPI.1", UUID(int=number), _FIRST - _CYCLE, message)
        for number, message in enumerate(messages, start=1)
    ]
    start = time.perf_counter()
    for first in range(0, len(envelopes), MESSAGES_AT_ONCE):
        told = recorder.record([Delivery(one) for one in envelopes[first : first + MESSAGES_AT_ONCE]])
        if {receipt.status for receipts in told for receipt in receipts} != {"stored"}:
            raise RuntimeError("the benchmark's messages were not taken in")
    ours = time.perf_counter() - start
    start = time.perf_counter()
    for first in range(0, len(messages), MESSAGES_AT_ONCE):
        _decode_into_rows(engine, stations, 10_000_000 + first, messages[first : first + MESSAGES_AT_ONCE])
    reference = time.perf_counter() - start
    count = len(messages)
    yield figure("whole messages", count / ours, "boards/s", count / reference)
    yield figure(
        "size with the message",
        (_bytes_of(engine, own) - before) / count,
        "B/board",
        (_bytes_of(engine, rows) - rows_before) / count,
    )


def _decode_into_rows(engine: Engine, stations: Stations, first: int, messages: Sequence[bytes]) -> None:
    facts, rows = [], []
    for number, message in enumerate(messages, start=first):
        deposits = ((_decoder.decode(message).inspected_units or [])[0].inspections or [])[0].measurements or []
        facts.append(_inspection(stations.reference, number))
        rows += [(number, pad, one.z, one.dx, one.dy, one.vol, one.a, 0) for pad, one in enumerate(deposits)]
    with engine.begin() as connection:
        record_inspections(connection, facts)
        copy_rows(connection, "reference", _REFERENCE, rows)
        kept = {"unit_id": "int8", "body": "bytea"}
        copy_rows(connection, "reference_message", kept, list(enumerate(messages, start=first)))


def _bytes_of(engine: Engine, tables: Sequence[str]) -> int:
    with engine.connect() as connection:
        sizes = [connection.execute(_TABLE_SIZE, {"table": table}).scalar_one() for table in tables]
    return int(sum(sizes))


_TABLE_SIZE = text("SELECT pg_total_relation_size(CAST(:table AS regclass))")


def _size(engine: Engine, boards: int) -> Figure:
    ours = _bytes_of(engine, ("measurement", "measurement_layout"))
    return figure("size", ours / boards, "B/board", _bytes_of(engine, ("reference",)) / boards).ratio_at_most(1 / 8)


# --- questions ---


def _questions(engine: Engine, stations: Stations) -> Iterator[Figure]:
    window = Window(stations.ours, _FIRST, _FIRST + STUDIED * _CYCLE)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE measurement"))
        connection.execute(text("VACUUM ANALYZE reference"))
        connection.execute(text("VACUUM ANALYZE inspection"))
        studied = {
            "lower": LOWER, "upper": UPPER, "pad": 1234,
            "station_id": stations.reference, "since": window.since, "until": window.until,
        }  # fmt: skip

        found, rows, one = _compared(
            "Cpk of all pads",
            lambda: capabilities(connection, window, "Vol", lower=LOWER, upper=UPPER),
            lambda: connection.execute(_CPK, studied).all(),
        )
        _same("Cpk", found.cpk.tolist(), [row.cpk for row in rows])
        yield one.ratio_at_most(1 / 10)

        readings, rows, one = _compared(
            "one pad",
            lambda: series(connection, window, _pad(1234), "Vol"),
            lambda: connection.execute(_ONE_PAD, studied).all(),
        )
        _same("one pad", [float(reading.value or 0) for reading in readings], [row.vol for row in rows])
        yield one.ratio_at_most(1)

        measured, rows, one = _compared(
            "one board whole",
            lambda: measurements_of(connection, 7, 0, stations.ours << 32 | 7, 1),
            lambda: connection.execute(_ONE_BOARD).all(),
        )
        volumes = [float(item.value or 0) for item in measured if item.characteristic == "Vol"]
        _same("one board", volumes, [row.vol for row in rows])
        yield one


_WINDOW = "station_id = :station_id AND recorded_at >= :since AND recorded_at < :until"
_CPK = text(
    f"""
    SELECT pad, count(*), avg(vol), stddev_samp(vol),
        least(:upper - avg(vol), avg(vol) - :lower) / (3 * stddev_samp(vol)) AS cpk
    FROM inspection JOIN reference USING (unit_id)
    WHERE {_WINDOW} GROUP BY pad ORDER BY pad
    """  # noqa: S608 (a constant)
)
_ONE_PAD = text(
    f"""
    SELECT unit_id, position_number, event_id, run, recorded_at, vol FROM inspection JOIN reference USING (unit_id)
    WHERE {_WINDOW} AND pad = :pad ORDER BY recorded_at DESC
    """  # noqa: S608 (a constant)
)
_ONE_BOARD = text("SELECT * FROM reference WHERE unit_id = 7 ORDER BY pad")


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
