"""Lookups as an engineer meets them: over HTTP, from the product's own web process, with a token.

Each answer stands beside an empty one of the same application (`/healthz`, which asks nobody anything), one request
after the other on a connection that is kept. Rounds without and with intake beside them alternate, so that other work
on the machine meets both: a process of its own takes in 1,000 boards a second (see `app.bench.taking_in`) and is halted
between its rounds. Every answer is compared with what the simulated line really built.
"""

import contextlib
import http.client
import json
import random
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil
from sqlalchemy import Engine, text

from app.bench.figures import Figure, Scale, figure
from app.bench.genealogy import announce
from app.bench.running import Place
from app.bench.servers import cluster, new_database
from app.bench.taking_in import BOARDS_A_SECOND
from app.bench.workload import Line
from app.db import create_engine
from app.embedded.processes import MODULE_ENVIRONMENT, free_port, module_command, spawn, stop
from app.errors import Unavailable
from app.inbox.record import Delivery, Recorder
from app.people import Role, create_token
from app.quality.counting import bring_up

_BOARDS = {"small": 25_000, "full": 100_000}
"""The answer that is streamed has all of `small`'s."""
_ROUNDS = 6
_OF_A_ROUND = 12
"""Requests of each kind."""
_BATCH = 200
_PATIENCE = 60.0
_EMPTY = "an empty endpoint"


@dataclass(slots=True)
class _Truth:
    """What the line built: serials by package, and the packages of some serials by designator."""

    units: dict[int, list[str]] = field(default_factory=dict)
    boards: dict[str, Mapping[str, str]] = field(default_factory=dict)


def measure(place: Place, scale: Scale) -> list[Figure]:
    """Fill, ask in rounds, stream."""
    line, truth = Line(), _Truth()
    with cluster(place.servers / "own") as server:
        url = new_database(server, "trace")
        engine = create_engine(url, pool_size=1)
        _fill(place, engine, line, truth, _BOARDS[scale])
        with engine.begin() as connection:
            token = create_token(connection, name="bench", role=Role.quality_engineer, actor="bench")
        with _web(url) as port, contextlib.closing(_Client(port, token)) as client:
            place.say("a long answer")
            streamed = _stream(client, line, truth)  # before boards of the same parts are taken in beside it
            with _taking_in(url, engine) as beside:
                figures = _figures(_rounds(place, client, beside, _questions(line, truth)), beside) + streamed
        engine.dispose()
    return figures


def _fill(place: Place, engine: Engine, line: Line, truth: _Truth, count: int) -> None:
    recorder = Recorder(engine)
    coming = line.boards(count)
    done = 0
    while batch := list(islice(coming, _BATCH)):
        announce(recorder, line, batch)
        recorder.record([Delivery(message.payload) for board in batch for message in board.messages])
        for board in batch:
            for number in np.unique(board.packages).tolist():
                truth.units.setdefault(number, []).append(board.serial)
        sample = batch[0]
        packages = [line.packages[number].identifier for number in sample.packages]
        truth.boards[sample.serial] = dict(zip(line.designators, packages, strict=True))
        done += len(batch)
        if done % 5000 == 0:
            place.say(f"{done:,} of {count:,} boards")
    bring_up(engine)  # as a line that ran for hours has: else the web process counts a backlog beside each request
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))


@contextlib.contextmanager
def _web(url: str) -> Iterator[int]:
    """The product's web process on a database; its port."""
    port = free_port()
    environment = {"BIRTHMARK_DATABASE_URL": url, "BIRTHMARK_HTTP_PORT": str(port), "BIRTHMARK_LOG_LEVEL": "warning"}
    process = spawn(module_command("app", "web"), environment={**MODULE_ENVIRONMENT, **environment})
    try:
        deadline = time.monotonic() + _PATIENCE
        while True:
            with contextlib.suppress(OSError), contextlib.closing(_Client(port, "")) as client:
                client.get("/healthz")
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable("The web process does not answer.")
            time.sleep(0.1)
        yield port
    finally:
        stop(process)


class _Beside:
    """Boards taken in by a process of its own, while it is not halted; counted from one commit to another."""

    def __init__(self, pid: int, engine: Engine) -> None:
        self._process = psutil.Process(pid)
        self._engine = engine
        self.seconds = 0.0
        self.boards = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Take boards in for the time of the block."""
        self._process.resume()
        time.sleep(1)  # at its pace
        before, started = self.next_commit()
        try:
            yield
            after, ended = self.next_commit()
            self.boards += after - before
            self.seconds += ended - started
        finally:
            self._process.suspend()

    def next_commit(self) -> tuple[int, float]:
        """Boards after the next transaction that brings some, as the database numbers them, and when that was."""
        before = self._units()
        deadline = time.monotonic() + _PATIENCE
        while (now := self._units()) == before:
            if not self._process.is_running() or time.monotonic() > deadline:
                raise Unavailable("No boards are taken in beside what is measured.")
            time.sleep(0.005)
        return now, time.monotonic()

    def _units(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(text("SELECT max(unit_id) FROM unit")).scalar_one())


@contextlib.contextmanager
def _taking_in(url: str, engine: Engine) -> Iterator[_Beside]:
    process = spawn(
        module_command("app.bench.taking_in"), environment={**MODULE_ENVIRONMENT, "BIRTHMARK_DATABASE_URL": url}
    )
    beside = _Beside(process.pid, engine)
    try:
        beside.next_commit()  # it has learned what is in the slots
        psutil.Process(process.pid).suspend()
        yield beside
    finally:
        psutil.Process(process.pid).resume()
        stop(process)


class _Client:
    """Asks over one kept connection."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, address: str) -> bytes:
        """The body of a good answer."""
        self._connection.request("GET", address, headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != http.client.OK:
            raise Unavailable(f"{address} answers {response.status}: {body[:300].decode(errors='replace')}")
        return body

    def first_byte(self, address: str, form: str) -> tuple[float, float, bytes]:
        """Milliseconds to the first byte of the answer's content, to the last, and the content."""
        started = time.perf_counter()
        self._connection.request("GET", address, headers={**self._headers, "Accept": form})
        response = self._connection.getresponse()
        content = response.read(1)
        first = time.perf_counter()
        content += response.read()
        return 1000 * (first - started), 1000 * (time.perf_counter() - started), content

    def close(self) -> None:
        """Give up the connection."""
        self._connection.close()


@dataclass(frozen=True, slots=True)
class _Question:
    """A kind of question, addresses to ask in turn, and what to compare the answer with."""

    what: str
    asked: Sequence[tuple[str, Any]]


def _questions(line: Line, truth: _Truth) -> list[_Question]:
    rng = random.Random(7)  # noqa: S311  (a sample, not a secret)
    last = {package.part_number: package.number for package in line.packages}
    finished = [package for package in line.packages if package.number not in last.values()]
    lots = sorted({package.lot for package in finished})
    count = _ROUNDS * _OF_A_ROUND * 2

    def used(**terms: str) -> str:
        return f"/api/v1/trace/where-used?{urlencode(terms)}"

    reels = [(used(package=one.identifier), sorted(truth.units[one.number])) for one in rng.choices(finished, k=count)]
    return [
        _Question(_EMPTY, [("/healthz", None)]),
        _Question("one reel to units, evidence, designators, reasons and places", reels),
        _Question("a lot of 20 reels, its first 1,000 units", [(used(lot=lot), None) for lot in lots]),
        _Question(
            "one serial to its 1,000 designators with their reels",
            [(f"/api/v1/trace/made-from?{urlencode({'serial': one})}", told) for one, told in truth.boards.items()],
        ),
    ]


def _rounds(
    place: Place, client: _Client, beside: _Beside, questions: Sequence[_Question]
) -> dict[tuple[str, bool], list[float]]:
    """Milliseconds of each request by kind and whether boards were taken in beside it."""
    times: dict[tuple[str, bool], list[float]] = {}
    coming = [cycle(question.asked) for question in questions]
    for number in range(2 * _ROUNDS):
        loaded = number % 2 == 1
        with beside.running() if loaded else contextlib.nullcontext():
            for _ in range(_OF_A_ROUND):
                for question, asked in zip(questions, coming, strict=True):
                    address, told = next(asked)
                    started = time.perf_counter()
                    body = client.get(address)
                    times.setdefault((question.what, loaded), []).append(1000 * (time.perf_counter() - started))
                    _compare(address, json.loads(body), told)
        place.say(f"round {number + 1} of {2 * _ROUNDS}")
    return times


def _compare(address: str, answer: Any, told: Any) -> None:
    """Raises AssertionError where an answer is not what the line built."""
    if isinstance(told, list):
        assert sorted(unit["serial"] for unit in answer["units"]) == told, address
    elif isinstance(told, dict):
        found = {one["reference_designator"]: one["package"] for one in answer["installations"]}
        assert found == told, address


def _figures(times: dict[tuple[str, bool], list[float]], beside: _Beside) -> list[Figure]:
    def middle(what: str, *, loaded: bool) -> float:
        return statistics.median(times[what, loaded])

    empty = middle(_EMPTY, loaded=False)
    figures = [figure(f"{_EMPTY}, p50", empty, "ms")]
    for what in dict.fromkeys(what for what, _ in times):
        if what != _EMPTY:
            idle, loaded = middle(what, loaded=False), middle(what, loaded=True)
            beside_empty = figure(f"{what}, p50, beside an empty endpoint", idle, "ms", empty)
            figures.append(beside_empty if what.startswith("a lot") else beside_empty.ratio_at_most(4))
            figures.append(figure("- while boards are taken in, beside idle", loaded, "ms", idle).ratio_at_most(1.3))
    taken = beside.boards / beside.seconds
    figures.append(figure("boards taken in meanwhile", taken, "boards/s").at_least(0.95 * BOARDS_A_SECOND))
    return figures


def _stream(client: _Client, line: Line, truth: _Truth) -> list[Figure]:
    """All boards that carry a part: each of them does."""
    part = line.packages[0].part_number
    wanted = {
        serial for package in line.packages if package.part_number == part for serial in truth.units[package.number]
    }
    address = f"/api/v1/trace/where-used?{urlencode({'part_number': part})}"
    asked = [client.first_byte(address, "text/csv") for _ in range(3)]
    for _, _, content in asked:
        found = {line.partition(b",")[0].decode() for line in content.splitlines()[1:]}
        wrong = f"{len(found - wanted)} too many, {len(wanted - found)} missing: {sorted(found ^ wanted)[:3]}"
        assert found == wanted, f"{address}: {wrong}"
    first = statistics.median(first for first, _, _ in asked)
    whole = statistics.median(whole for _, whole, _ in asked)
    return [
        figure(f"an answer of {len(wanted):,} units as CSV, first byte", first, "ms").at_most(100),
        figure("- to its end", whole, "ms"),
    ]
