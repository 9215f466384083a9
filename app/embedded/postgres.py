"""The PostgreSQL of a bare machine: the programs of a wheel, a lifecycle of our own.

Password authentication (SCRAM), TCP on 127.0.0.1 only, ``fsync`` on, data under ``DATA_DIR/postgres``
(see :mod:`app.embedded.homes`). One process owns the server and starts it as its child; others of
the same data folder share it. A start waits for crash recovery as long as it takes, and ends what
an owner that was killed left behind.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import structlog

from app.embedded.homes import Home, home, kept_secret, postgres_programs, write_secret
from app.embedded.processes import Ownership, free_port, shorten, spawn, stop, tail
from app.embedded.stopping import check_stopped
from app.errors import Unavailable

log = structlog.get_logger()

SUPERUSER = "postgres"
ROLE = "birthmark"  # owns the database, may clone it for tests and restores; not a superuser
DATABASE = "birthmark"

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "10min",
    "random_page_cost": "1.1",  # solid state disks
    "jit": "off",  # short statements; the wheel has none anyway
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_lock_waits": "on",
}
_STILL_LEAVING = ("pre-existing shared memory block", "could not bind", "Address already in use")
_FAST_SHUTDOWN = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0))


class Postgres:
    """One server for one data folder. As a context manager it runs inside the block.

    ``options`` are PostgreSQL settings that differ from ours (a test's cluster may turn ``fsync``
    off; nothing else may).
    """

    def __init__(self, data_dir: Path, *, options: Mapping[str, str] | None = None, port: int = 0) -> None:
        self.data_dir = data_dir.absolute()
        self.log_path = self.data_dir / "postgres.log"
        self._options = {**_SETTINGS, **(options or {})}
        self._port = port
        self._ownership = Ownership(self.data_dir / "postgres.lock")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the product's database."""
        return self.url_of(DATABASE)

    def url_of(self, database: str, *, superuser: bool = False) -> str:
        """SQLAlchemy URL of another database of this server."""
        role = SUPERUSER if superuser else ROLE
        return f"postgresql+psycopg://{role}:{self._password()}@127.0.0.1:{self._port}/{database}"

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self._process.pid if self._process else _read_pid_file(self._cluster())[0]

    @property
    def owned(self) -> bool:
        """Whether this process started the server (and will stop it)."""
        return self._ownership.held

    @property
    def running(self) -> bool:
        """Whether the server runs; an owner starts it again with :meth:`start`."""
        if self._process is not None:
            return self._process.poll() is None
        return not self.owned and self.shared_port() is not None

    def start(self) -> None:
        """Start the server, or share the one that another process of this data folder runs.

        Returns when it accepts connections, however long recovery takes. Raises
        :class:`Unavailable` with the log's last lines where the server ends instead.
        """
        while not self.owned and not self._ownership.take():
            if port := self.shared_port():
                self.share(port)
                return
            check_stopped()
            time.sleep(0.05)  # its owner is starting it
        try:
            self._start_own()
        except BaseException:
            self.stop()
            raise

    def shared_port(self) -> int | None:
        """Port of the server that another process runs here, None while it is not ready."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid, lines = _read_pid_file(self._cluster())
            if len(lines) > 7 and lines[7].strip() == "ready" and psutil.pid_exists(pid):
                return int(lines[3])
        return None

    def share(self, port: int) -> None:
        """Use the server another process runs, found on ``port``."""
        self._port = port

    def stop(self) -> None:
        """Stop the server if this process owns it: fast shutdown, data flushed."""
        if self._process is not None:
            stop(self._process, *_FAST_SHUTDOWN)
            self._process = None
        self._ownership.release()

    def kill(self) -> None:
        """SIGKILL the postmaster, for fault tests; :meth:`start` then recovers."""
        os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def program(self, name: str) -> Path:
        """Path of one of PostgreSQL's client programs (pg_dump, psql, ...)."""
        return postgres_programs(None) / name

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_own(self) -> None:
        place = home(self.data_dir, "postgres")
        cluster = place.folder / "cluster"
        programs = postgres_programs(place.account)
        shorten(self.log_path)
        _end_leftovers(cluster)
        if not (cluster / "PG_VERSION").exists():
            self._initialise(place, programs)
        _check_version(cluster, programs)
        pinned = self._port
        deadline = time.monotonic() + 60
        while True:
            self._port = pinned or free_port()
            self._process = spawn(
                [str(programs / "postgres"), "-D", str(cluster), "-p", str(self._port), *self._arguments()],
                account=place.account,
                death_signal=signal.SIGINT,  # fast shutdown
                log=self.log_path,
                environment={"LC_ALL": "C", "TZ": "UTC"},
                folder=place.folder,
            )
            if _wait_ready(self._process, cluster):
                return
            # Killed backends may hold the shared memory for a moment, a stranger may be on the port.
            why = tail(self.log_path)
            if not any(text in why for text in _STILL_LEAVING) or time.monotonic() > deadline:
                raise Unavailable(f"The embedded PostgreSQL did not start. Its log ({self.log_path}) ends:\n{why}")
            time.sleep(0.25)

    def _arguments(self) -> list[str]:
        return [part for name, value in self._options.items() for part in ("-c", f"{name}={value}")]

    def _initialise(self, place: Home, programs: Path) -> None:
        """Make the cluster, its role and its database; it appears under its name only when whole."""
        log.info("postgres.initialising", folder=str(place.folder))
        unfinished, cluster = place.folder / "cluster.new", place.folder / "cluster"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        password = self._password()
        secret, statements = place.folder / "initdb.password", place.folder / "initdb.sql"
        try:
            write_secret(secret, password, place.account)
            self._run(
                place,
                [str(programs / "initdb"), "-D", str(unfinished), "-U", SUPERUSER, "--pwfile", str(secret)]
                + ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin"]
                + ["--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"],
            )
            # Single-user mode with -j: a statement ends with a semicolon and an empty line.
            write_secret(
                statements,
                f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}';\n\n"
                f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n\n",
                place.account,
            )
            self._run(
                place, [str(programs / "postgres"), "--single", "-j", "-D", str(unfinished), "postgres"], statements
            )
        finally:
            secret.unlink(missing_ok=True)
            statements.unlink(missing_ok=True)
        unfinished.rename(cluster)

    def _run(self, place: Home, command: list[str], reads: Path | None = None) -> None:
        before = self.log_path.stat().st_size if self.log_path.exists() else 0
        process = spawn(
            command,
            account=place.account,
            log=self.log_path,
            reads=reads,
            environment={"LC_ALL": "C", "TZ": "UTC"},
            folder=place.folder,
        )
        failed = process.wait() != 0
        if failed or b"ERROR:" in self.log_path.read_bytes()[before:]:
            raise Unavailable(f"The embedded PostgreSQL could not be set up in {place.folder}:\n{tail(self.log_path)}")

    def _password(self) -> str:
        return kept_secret(self.data_dir / "postgres.password")

    def _cluster(self) -> Path:
        return (self.data_dir / "postgres").resolve() / "cluster"


@contextlib.contextmanager
def postgres(data_dir: Path) -> Iterator[str]:
    """Run (or share) the embedded server of ``data_dir``; yields the SQLAlchemy URL."""
    with Postgres(data_dir) as server:
        yield server.url


def _wait_ready(process: subprocess.Popen[bytes], cluster: Path) -> bool:
    """Wait until the server accepts connections; False where it ends instead."""
    pause, told = 0.005, time.monotonic()
    while process.poll() is None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid, lines = _read_pid_file(cluster)
            if pid == process.pid and len(lines) > 7 and lines[7].strip() == "ready":
                return True
        check_stopped()
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
        if time.monotonic() - told > 10:
            told = time.monotonic()
            log.info("postgres.recovering", pid=process.pid)
    return False


def _read_pid_file(cluster: Path) -> tuple[int, list[str]]:
    """``postmaster.pid``: pid, data folder, start, port, socket, host, shared memory, status."""
    lines = (cluster / "postmaster.pid").read_text().splitlines()
    return int(lines[0]), lines


def _end_leftovers(cluster: Path) -> None:
    """End the processes of a server whose owner was killed (we hold the ownership, so it is dead).

    A process of the cluster is a ``postgres`` whose working folder is the cluster: the pid file
    alone may name a stranger that got the number later, and backends outlive a killed postmaster.
    """
    pid_file = cluster / "postmaster.pid"
    if not pid_file.exists():
        return
    with contextlib.suppress(OSError, ValueError, IndexError):
        postmaster = _read_pid_file(cluster)[0]
        if any(process.pid == postmaster for process in _processes_of(cluster)):
            log.warning("postgres.orphan_found", pid=postmaster)
            os.kill(postmaster, signal.SIGINT)
            with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                psutil.Process(postmaster).wait(60)
    deadline = time.monotonic() + 10
    while remaining := _processes_of(cluster):
        if time.monotonic() > deadline:
            for process in remaining:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        time.sleep(0.02)
    # Nobody works on the cluster any more, so the file can only mislead.
    pid_file.unlink(missing_ok=True)


def _processes_of(cluster: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name().startswith("postgres") and process.cwd() == str(cluster):
                found.append(process)
    return found


def _check_version(cluster: Path, programs: Path) -> None:
    made_by = (cluster / "PG_VERSION").read_text().strip()
    with (programs.parent / "share" / "postgres.bki").open() as catalogue:
        ours = catalogue.readline().split()[-1]  # "# PostgreSQL 18"
    if made_by != ours:
        raise Unavailable(
            f"{cluster} was made by PostgreSQL {made_by}, and {ours} is installed. With the earlier release "
            "run `python3 -m app backup FILE`, then with this one `demo --reset` or a new BIRTHMARK_DATA_DIR "
            "and `python3 -m app restore FILE`."
        )
