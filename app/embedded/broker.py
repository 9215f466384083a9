"""The MQTT broker of a bare machine: Mosquitto where it is installed, otherwise the fallback.

Listens on 127.0.0.1 unless told otherwise, admits only users with a password, and keeps its queues
and sessions on disk (Mosquitto). Delivery does not rest on that: a station deletes a message only
on the receipt of its commit, so the queue is bounded and the broker may lose all of it.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import psutil
import structlog

from app.embedded.credentials import INTAKE_USER, write_credentials
from app.embedded.homes import home, kept_secret
from app.embedded.processes import (
    MODULE_ENVIRONMENT,
    Account,
    Ownership,
    free_port,
    module_command,
    shorten,
    spawn,
    stop,
    tail,
)
from app.embedded.stopping import check_stopped
from app.errors import Unavailable
from app.people import broker_hash
from app.system_packages import mosquitto_program

log = structlog.get_logger()

Kind = Literal["mosquitto", "amqtt"]

# 200 in flight is as fast as MQTT gets; the unacknowledged rest waits in the queue.
# State is saved every 5 s (Mosquitto's default of 1,800 s forgot 1,000 of 1,000 messages).
_CONFIG = """\
per_listener_settings false
listener {port} {host}
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl
persistence true
persistence_location {folder}/
autosave_interval 5
max_inflight_messages 200
max_queued_messages 100000
max_queued_bytes 536870912
message_size_limit 16777216
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
log_timestamp_format %Y-%m-%dT%H:%M:%S
connection_messages false
"""


class Broker:
    """One broker for one data folder. As a context manager it runs inside the block.

    ``credentials`` are the stations' password hashes by user name (:func:`app.people.broker_hash`);
    intake's own is added. ``port`` 0 takes the port of last time where it is free, or any.
    """

    def __init__(
        self,
        data_dir: Path,
        credentials: Mapping[str, str] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        kind: Kind | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.log_path = self.data_dir / "broker.log"
        self.host, self.port = host, port
        self.kind: Kind = kind or ("mosquitto" if mosquitto_program() else "amqtt")
        self._state_path = self.data_dir / "broker.state"
        self._credentials = dict(credentials or {})
        self._ownership = Ownership(self.data_dir / "broker.lock")
        self._process: subprocess.Popen[bytes] | None = None
        self._account: Account | None = None

    @property
    def url(self) -> str:
        """Where intake connects, its user name and password included."""
        return f"mqtt://{INTAKE_USER}:{self._password()}@{self.address}"

    @property
    def address(self) -> str:
        """``host:port`` for stations, which have passwords of their own."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return f"{host}:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the broker."""
        return self._process.pid if self._process else self._read_state()[0]

    @property
    def owned(self) -> bool:
        """Whether this process started the broker (and will stop it)."""
        return self._ownership.held

    @property
    def running(self) -> bool:
        """Whether the broker runs; an owner starts it again with :meth:`start`."""
        if self._process is not None:
            return self._process.poll() is None
        return not self.owned and _is_broker(self._read_state()[0], self.data_dir)

    def start(self) -> None:
        """Start the broker, or share the one that another process of this data folder runs.

        Raises :class:`Unavailable` with the log's last lines where it ends instead.
        """
        while not self.owned and not self._ownership.take():
            if port := self.shared_port():
                self.port = port
                return
            check_stopped()
            time.sleep(0.05)  # its owner is starting it
        try:
            self._start_own()
        except BaseException:
            self.stop()
            raise

    def shared_port(self) -> int | None:
        """Port of the broker that another process runs here, None while it is not ready."""
        pid, port = self._read_state()
        return port if _is_broker(pid, self.data_dir) and _accepts(self.host, port) else None

    def stop(self) -> None:
        """Stop the broker if this process owns it; Mosquitto saves its state."""
        if self._process is not None:
            stop(self._process, (signal.SIGTERM, 10.0))
            self._process = None
        self._ownership.release()

    def kill(self) -> None:
        """SIGKILL the broker, for fault tests; :meth:`start` brings it back on the same port."""
        os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def restart(self) -> None:
        """Stop and start again on the same port."""
        if self._process is not None:
            stop(self._process, (signal.SIGTERM, 10.0))
        self.start()

    def set_credentials(self, credentials: Mapping[str, str]) -> None:
        """Admit exactly these stations from now on. Connected ones that are not among them are dropped."""
        if dict(credentials) == self._credentials:
            return
        self._credentials = dict(credentials)
        if not self.owned:
            return  # its owner reads the same database
        self._write_credentials()
        if self.running and self._process is not None:
            self._process.send_signal(signal.SIGHUP)  # Mosquitto, too, drops who is connected and no longer admitted
        log.info("broker.credentials_changed", stations=len(credentials))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_own(self) -> None:
        last_pid, last_port = self._read_state()
        if _is_broker(last_pid, self.data_dir):
            log.warning("broker.orphan_found", pid=last_pid)
            _end(last_pid)
        self._account = home(self.data_dir, "broker").account
        self.port = self.port or free_port(last_port, self.host)
        shorten(self.log_path)
        self._write_credentials()
        account = self._account if self.kind == "mosquitto" else None
        self._process = spawn(self._command(), account=account, log=self.log_path, environment=MODULE_ENVIRONMENT)
        while not _accepts(self.host, self.port):
            if self._process.poll() is not None:
                raise Unavailable(
                    f"The embedded broker did not start. Its log ({self.log_path}) ends:\n{tail(self.log_path)}"
                )
            check_stopped()
            time.sleep(0.01)
        self._state_path.write_text(f"{self._process.pid} {self.port}\n")
        if self.kind == "amqtt":
            log.warning("broker.fallback", reason="mosquitto is not installed; amqtt is about 20 times slower")

    def _command(self) -> list[str]:
        folder = self._folder
        # The folder's name in the arguments tells an orphan of ours from anybody else's broker.
        if self.kind == "amqtt":
            return module_command("app.embedded.fallback_broker", self.host, str(self.port), str(folder))
        config = folder / "mosquitto.conf"
        config.write_text(_CONFIG.format(port=self.port, host=self.host, folder=folder))
        config.chmod(0o644)
        return [str(mosquitto_program()), "-c", str(config)]

    def _write_credentials(self) -> None:
        hashes = {**self._credentials, INTAKE_USER: broker_hash(self._password())}
        write_credentials(self._folder, hashes, account=self._account)

    @property
    def _folder(self) -> Path:
        return (self.data_dir / "broker").resolve()

    def _password(self) -> str:
        return kept_secret(self.data_dir / "broker.password")

    def _read_state(self) -> tuple[int, int]:
        """Process id and port of the last start; zeros where there was none."""
        with contextlib.suppress(OSError, ValueError):
            pid, port = self._state_path.read_text().split()
            return int(pid), int(port)
        return 0, 0


def _accepts(host: str, port: int) -> bool:
    if not port:
        return False
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def _is_broker(pid: int, data_dir: Path) -> bool:
    """Whether process ``pid`` is the broker of ``data_dir`` and not a stranger with the same number."""
    folder = (data_dir / "broker").resolve()
    ours = {str(folder), str(folder / "mosquitto.conf")}
    with contextlib.suppress(psutil.Error):
        return pid > 0 and not ours.isdisjoint(psutil.Process(pid).cmdline())
    return False


def _end(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.terminate()
        try:
            process.wait(10)
        except psutil.TimeoutExpired:
            process.kill()
