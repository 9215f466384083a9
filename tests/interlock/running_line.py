"""The simulated line against a real product: web, intake and gate as processes, a real broker, the stations' programs.

The line runs in real time with a short takt, so that what stations stamp and what the server sees are one time.
"""

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, text

from app.cfx.envelope import encode
from app.cfx.messages import Message
from app.cfx.topics import StationAddress
from app.demo.board import prepare
from app.demo.planning import plan
from app.embedded.broker import Broker
from app.embedded.postgres import Postgres
from app.embedded.processes import MODULE_ENVIRONMENT, free_port, module_command, spawn, stop, tail
from app.people import broker_credentials, create_token
from stations.line import route_for, stations_for
from stations.program import read_program
from tests.faults.comparison import compare
from tests.intake.process import wait_until

PRINTER, PLACER, OVEN, AOI, XRAY = (
    f"Birthmark.{name}" for name in ("Printer.PP01", "Placer.PM01", "Oven.RO01", "AOI.AOI01", "AXI.AXI01")
)


SERVER = ("web", "intake", "gate")


class RunningLine:
    """Plans the line, starts the product, and runs the simulator when told to; all in one folder.

    With `postgres` the database's server is this line's own, and dies with the rest of it.
    """

    def __init__(
        self, engine: Engine, database: str, broker: Broker, folder: Path, *, postgres: Postgres | None = None
    ) -> None:
        self.engine = engine
        self.folder = folder
        self._broker = broker
        self._postgres = postgres
        self._port = free_port()
        self._opened = ExitStack()
        self._environment = {
            **MODULE_ENVIRONMENT,
            "BIRTHMARK_DATABASE_URL": database,
            "BIRTHMARK_BROKER_URL": broker.url,
            "BIRTHMARK_DATA_DIR": str(folder),
            "BIRTHMARK_HTTP_PORT": str(self._port),
            "BIRTHMARK_LOG_FORMAT": "json",
        }
        self._server: dict[str, subprocess.Popen[bytes]] = {}
        self._simulator: subprocess.Popen[bytes] | None = None
        self.job = prepare(None, folder)
        self.tokens: dict[str, str] = {}

    def __enter__(self) -> Self:
        program = read_program(self.job.program)
        operations = stations_for(program)
        with self.engine.begin() as connection:
            self.tokens = {
                handle: create_token(connection, name=handle, role="line_equipment", station=handle, actor="test")
                for handle in operations
            }
            plan(connection, self.job, operations, route_for(program), 100)
            credentials = broker_credentials(connection)
        self._broker.set_credentials(credentials)
        (self.folder / "credentials.json").write_text(json.dumps(self.tokens))
        self.start_server()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._simulator, *self._server.values()):
            if process is not None and process.poll() is None:
                stop(process)
        self._opened.close()

    # --- the product ---

    def start_server(self) -> None:
        """Start what was killed of database, broker and product, and wait until all of it answers."""
        if self._postgres is not None and not self._postgres.running:
            self.engine.dispose()
            self._postgres.start()
        if not self._broker.running:
            self._broker.start()
        heard = []
        for name in SERVER:
            log = self.folder / f"{name}.log"
            log.touch()
            heard.append((log, log.stat().st_size, f'"{name}.connected"'.encode()))
            self._server[name] = spawn(
                module_command("app", name), death_signal=signal.SIGKILL, log=log, environment=self._environment
            )
        wait_until(self._web_answers, 60, partial(tail, self.folder / "web.log", 30))
        for log, seen, said in heard[1:]:
            wait_until(partial(_has, log, seen, said), 60, partial(tail, log, 30))

    def kill_server(self, *, broker: bool = False) -> datetime:
        """SIGKILL to all of the product, as a power cut would; from this moment on nobody answers."""
        for process in self._server.values():
            os.kill(process.pid, signal.SIGKILL)
        for process in self._server.values():
            process.wait()
        if self._postgres is not None:
            self._postgres.kill()
        if broker:
            self._broker.kill()
        return datetime.now(UTC)

    @property
    def web_url(self) -> str:
        """Where a browser finds the product."""
        return f"http://127.0.0.1:{self._port}"

    def _web_answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    # --- the line ---

    def run(self, panels: int, *options: str, takt: float = 0.8) -> None:
        """Start the simulator: panels of two boards in real time."""
        self._simulator = spawn(
            module_command(
                "stations.simulator", "--program", str(self.job.program), "--run", self.job.run,
                "--broker", f"mqtt://{self._broker.url.rpartition('@')[2]}",
                "--credentials", str(self.folder / "credentials.json"), "--data", str(self.folder / "spools"),
                "--truth", str(self.folder / "truth.jsonl"), "--panels", str(panels), "--boards-per-panel", "2",
                "--magazine", "2", "--pace", "1", "--takt", str(takt), "--gate", "--gate-timeout", "0.7",
                "--journal", "--log-format", "json", *options,
            ),
            death_signal=signal.SIGKILL, log=self.folder / "simulator.log", environment=MODULE_ENVIRONMENT,
        )  # fmt: skip

    def finish(self, patience: float = 240.0) -> None:
        """Wait until the line has built its panels and every event has its receipt; the record has each of them."""
        assert self._simulator is not None
        wait_until(lambda: self._ended() is not None, patience, lambda: self.why("The line did not finish."))
        assert self._ended() == 0, tail(self.folder / "simulator.log", 30)
        found = compare(self.engine, self.folder / "spools")
        assert not found.lost + found.duplicated + found.altered, str(found)

    def _ended(self) -> int | None:
        return self._simulator.poll() if self._simulator else None

    def said(self, event: str) -> list[dict[str, Any]]:
        """What the stations' log says of an event."""
        path = self.folder / "simulator.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [told for line in lines if line.startswith("{") and (told := json.loads(line))["event"] == event]

    def publish(self, handle: str, message: Message) -> None:
        """Say something as a station does, once, beside its own program."""
        payload = encode(message, source=handle, unique_id=uuid4(), time_stamp=datetime.now(UTC))
        self.publish_raw(StationAddress.from_handle(handle).publish_topic(message.message_name), payload)

    def publish_raw(self, topic: str, payload: bytes) -> None:
        """Publish with intake's rights."""
        address = urlsplit(self._broker.url)
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"test-{uuid4().hex[:8]}")
        client.username_pw_set(address.username, unquote(address.password or ""))
        client.connect(str(address.hostname), int(address.port or 1883))
        client.loop_start()
        client.publish(topic, payload, qos=1).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()

    # --- what is on record ---

    def ask(self, question: str, **given: Any) -> list[Any]:
        """Rows of a question."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(question), given).all())

    def wait_for(self, question: str, *, patience: float = 60.0, **given: Any) -> Any:
        """Wait until the first column of the first row is true; gives it."""
        wait_until(lambda: bool(self.ask(question, **given)[0][0]), patience, lambda: self.why(question))
        return self.ask(question, **given)[0][0]

    def why(self, question: str) -> str:
        """What was asked, and the ends of the logs."""
        logs = (self.folder / f"{name}.log" for name in ("simulator", "gate", "intake"))
        return "\n".join([question, *(tail(log, 12) for log in logs if log.exists())])


def _has(log: Path, seen: int, wanted: bytes) -> bool:
    return wanted in log.read_bytes()[seen:]


def starts(line: RunningLine, *, since: datetime, until: datetime | None = None, station: str = "%") -> Sequence[Any]:
    """(panel or board, station, time) of work begun in a time, by the stations' clocks."""
    return line.ask(
        """
        SELECT unit.serial, station.handle, started_at FROM work_record JOIN unit USING (unit_id)
        JOIN station USING (station_id)
        WHERE started_at > :since AND (CAST(:until AS timestamptz) IS NULL OR started_at < :until)
          AND station.handle LIKE :station
        ORDER BY started_at
        """,
        since=since, until=until, station=station,
    )  # fmt: skip
