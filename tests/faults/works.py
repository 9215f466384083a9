"""Eight station programs, a broker, intake and PostgreSQL: real processes, each of which can be killed.

Whatever ends this process or its block ends them all: the kernel tells them that their parent died.
"""

import contextlib
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from sqlalchemy import text

from app.db import create_engine
from app.embedded.broker import Broker, Kind
from app.embedded.postgres import Postgres
from app.embedded.processes import MODULE_ENVIRONMENT, module_command, spawn, stop, tail
from app.people import broker_hash
from app.schema import upgrade

Part = Literal["intake", "broker", "postgres"]

STATIONS = {
    "Works.LaserMarker.1": "stations.laser_marker",
    "Works.Printer.1": "stations.paste_printer",
    "Works.SPI.1": "stations.spi",
    "Works.Placer.1": "stations.placement",
    "Works.Oven.1": "stations.reflow",
    "Works.AOI.1": "stations.aoi",
    "Works.AXI.1": "stations.xray",
    "Works.Tester.1": "stations.functional_test",
}
_ENDED = re.compile(r"(\d+) events reported, (\d+) waiting, (\d+) rejected")


class Works:
    """All of it, inside a ``with`` block; ``takt`` is the seconds between two panels of a station.

    The broker is Mosquitto where it is installed. The fallback forgets all sessions when it is
    killed; nothing may be lost by that either, so the same must hold there.
    """

    def __init__(self, folder: Path, *, takt: float, broker: Kind | None = None) -> None:
        self.postgres = Postgres(folder)
        self.tokens = {handle: secrets.token_hex(16) for handle in STATIONS}
        hashes = {handle: broker_hash(token) for handle, token in self.tokens.items()}
        self.broker = Broker(folder, hashes, kind=broker)
        self.spools = folder / "stations"
        self._takt = takt
        self._folder = folder
        self._intake_log = folder / "intake.log"
        self._intake_log_before = 0
        self._intake: subprocess.Popen[bytes]
        self._stations: dict[str, subprocess.Popen[bytes]] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opening:
            opening.enter_context(self.postgres)
            self.make_database(self.postgres.url)
            opening.enter_context(self.broker)
            opening.callback(self._stop_all)
            self._start_intake()
            self.spools.mkdir()
            for handle in STATIONS:
                self._start_station(handle, "--panels", "forever")
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def make_database(self, url: str) -> None:
        """Bring a database of this cluster up to date; it is made where it is not there."""
        name = url.rpartition("/")[2]
        server = create_engine(self.postgres.url_of("postgres", superuser=True), pool_size=1)
        with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(text("SELECT count(*) FROM pg_database WHERE datname = :name"), {"name": name}):
                connection.execute(text(f'CREATE DATABASE "{name}" OWNER birthmark'))
        server.dispose()
        engine = create_engine(url, pool_size=1)
        upgrade(engine)
        engine.dispose()

    # --- killing and starting again ------------------------------------------------------------

    def kill(self, part: Part) -> None:
        """SIGKILL; PostgreSQL's is its postmaster's."""
        if part == "intake":
            self._intake.kill()
            self._intake.wait()
        else:
            (self.broker if part == "broker" else self.postgres).kill()

    def start_again(self, part: Part) -> None:
        """Bring a killed part back; PostgreSQL is back when it has recovered."""
        if part == "intake":
            self._start_intake()
        else:
            (self.broker if part == "broker" else self.postgres).start()

    def check_running(self) -> None:
        """Nothing may end but what was killed."""
        assert self._intake.poll() is None, f"intake ended by itself:\n{tail(self._intake_log, 30)}"
        assert self.broker.running, f"the broker ended by itself:\n{tail(self.broker.log_path)}"
        assert self.postgres.running, f"PostgreSQL ended by itself:\n{tail(self.postgres.log_path)}"
        for handle, process in self._stations.items():
            assert process.poll() is None, f"{handle} ended by itself:\n{tail(self._log(handle))}"

    def wait_for_intake(self, patience: float = 60.0) -> None:
        """Wait until intake, once started, is connected to the broker: before that it has nothing to lose."""
        deadline = time.monotonic() + patience
        while b"intake.connected" not in self._intake_log.read_bytes()[self._intake_log_before :]:
            assert time.monotonic() < deadline, f"intake is not connected:\n{tail(self._intake_log, 30)}"
            self.check_running()
            time.sleep(0.05)

    # --- the end -------------------------------------------------------------------------------

    def end_production(self, patience: float) -> dict[str, str]:
        """Let the stations make no more, and give back what keeps any of them from being rid of its events.

        SIGTERM ends a station at once, whatever waits in its spool. Started again it builds one
        more panel and ends when every event, old and new, has its receipt.
        """
        for process in self._stations.values():
            process.send_signal(signal.SIGTERM)
        wrong = {handle: self._ended(handle, 20.0, rid=False) for handle in STATIONS}
        for handle in STATIONS:
            self._start_station(handle, "--panels", "1", "--drain-timeout", str(patience))
        wrong |= {handle: wrong[handle] or self._ended(handle, patience + 20.0, rid=True) for handle in STATIONS}
        return {handle: what for handle, what in wrong.items() if what}

    def _ended(self, handle: str, patience: float, *, rid: bool) -> str:
        """Wait for a station's end; a sentence where it is not a good one."""
        try:
            code = self._stations[handle].wait(patience)
        except subprocess.TimeoutExpired:
            return f"runs after {patience} s:\n{tail(self._log(handle))}"
        said = _ENDED.findall(self._log(handle).read_text())
        good = code == 0 and said and (not rid or said[-1][1:] == ("0", "0"))
        return "" if good else f"ended with {code}:\n{tail(self._log(handle))}"

    # --- processes -----------------------------------------------------------------------------

    def _start_intake(self) -> None:
        self._intake_log.touch()
        self._intake_log_before = self._intake_log.stat().st_size
        environment = {
            **MODULE_ENVIRONMENT,
            "BIRTHMARK_DATABASE_URL": self.postgres.url,
            "BIRTHMARK_BROKER_URL": self.broker.url,
            "BIRTHMARK_DATA_DIR": str(self._folder),
            "BIRTHMARK_LOG_FORMAT": "json",
        }
        self._intake = self._spawn(module_command("app", "intake"), self._intake_log, environment)

    def _start_station(self, handle: str, *arguments: str) -> None:
        command = module_command(
            STATIONS[handle], "--handle", handle, "--token", self.tokens[handle],
            "--broker", f"mqtt://{self.broker.address}", "--data", str(self.spools), "--journal",
            "--takt", str(self._takt), "--boards-per-panel", "2", "--receipt-timeout", "3", "--log-format", "json",
            *arguments,
        )  # fmt: skip
        self._stations[handle] = self._spawn(command, self._log(handle), MODULE_ENVIRONMENT)

    def _spawn(self, command: Sequence[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        return spawn(command, death_signal=signal.SIGKILL, log=log, environment=environment)

    def _stop_all(self) -> None:
        for process in (*self._stations.values(), self._intake):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in (*self._stations.values(), self._intake):
            stop(process)

    def _log(self, handle: str) -> Path:
        return self.spools / f"{handle}.log"
