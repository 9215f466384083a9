"""Child processes that never outlive their parent, and the port and lock they need.

A child gets a session of its own, so that Ctrl-C in a terminal reaches only the parent, which then
stops its children in order. On Linux the kernel signals the child when the parent dies, so that
SIGKILL of the parent takes the children along; elsewhere the next start finds them and cleans up.
"""

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_ROOT = Path(__file__).resolve().parents[2]

# A child finds our packages wherever it is started from.
MODULE_ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))}


def module_command(module: str, *arguments: str) -> list[str]:
    """Run a module of ours with this Python; to be started with ``MODULE_ENVIRONMENT``."""
    return [sys.executable, "-m", module, *arguments]


@dataclass(frozen=True)
class Account:
    """The system user a service runs as when we are root (PostgreSQL refuses to be root)."""

    name: str
    uid: int
    gid: int


def spawn(
    command: Sequence[str],
    *,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    log: Path | None = None,
    reads: Path | None = None,
    capture: bool = False,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child that ends when this process ends.

    ``death_signal`` is what the kernel sends it when we die. Its output goes to ``log``, otherwise
    where ours goes (``capture``: the standard output is piped to us); it reads ``reads``, otherwise
    nothing. ``environment`` is added to ours.
    """

    def start() -> subprocess.Popen[bytes]:
        with contextlib.ExitStack() as files:
            output: IO[bytes] | None = files.enter_context(log.open("ab")) if log else None
            given: IO[bytes] | int = files.enter_context(reads.open("rb")) if reads else subprocess.DEVNULL
            return subprocess.Popen(
                command,
                stdin=given,
                stdout=subprocess.PIPE if capture else output,
                stderr=output,
                env={**os.environ, **(environment or {})},
                cwd=folder,
                start_new_session=True,
                preexec_fn=_dies_with_parent(death_signal),  # noqa: PLW1509  (it takes no lock)
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )

    # The kernel watches the thread that forked, not the process: a child started by a short-lived
    # thread would be signalled when that thread ends. The one thread below lives as long as we do.
    if threading.current_thread() is threading.main_thread():
        return start()
    return _spawner().submit(start).result()


def stop(
    process: subprocess.Popen[bytes],
    *steps: tuple[signal.Signals, float],
) -> None:
    """End ``process``: each signal in turn with its patience in seconds, at last SIGKILL."""
    for number, patience in steps or ((signal.SIGTERM, 10.0),):
        if process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    if process.poll() is None:
        process.kill()
        process.wait()


_LOWEST = 20_000
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES = 50


def free_port(preferred: int = 0, host: str = "127.0.0.1") -> int:
    """``preferred`` where it can be bound on ``host``, otherwise any free TCP port.

    One that no outgoing connection is given, where there is one: else a connection may have it when a server comes
    back to its port.
    """
    lowest = int(_OUTGOING.read_text().split()[0]) if _OUTGOING.exists() else 32_768
    kept = random.sample(range(_LOWEST, lowest), min(_TRIES, lowest - _LOWEST)) if lowest > _LOWEST else []
    for port in (*([preferred] if preferred else []), *kept, 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                if port == 0:
                    raise
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("unreachable")


class Ownership:
    """The right to run one service in one folder, held until release or the end of the process.

    A lock on an open file: the kernel drops it however the process ends, so a lock that is held
    has a living owner, and a service whose lock is free is an orphan.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def take(self) -> bool:
        """Take it; False where another process has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+")
        try:
            _lock(file)
        except OSError:
            file.close()
            return False
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file
        return True

    def release(self) -> None:
        """Give it back."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def held(self) -> bool:
        """Whether this process holds it."""
        return self._file is not None


def tail(log: Path, lines: int = 8) -> str:
    """The last lines of a log, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:])


def shorten(log: Path, limit: int = 8 * 1024 * 1024) -> None:
    """Put a log past ``limit`` bytes aside as ``NAME.1``, so that it never grows without bound."""
    if log.exists() and log.stat().st_size > limit:
        log.replace(log.with_name(f"{log.name}.1"))


@lru_cache(maxsize=1)
def _spawner() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


def _dies_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """What the child runs between fork and exec; after setuid, which clears the setting."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def set_death_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return set_death_signal


if sys.platform == "win32":

    def _lock(file: IO[str]) -> None:
        import msvcrt  # noqa: PLC0415

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:

    def _lock(file: IO[str]) -> None:
        import fcntl  # noqa: PLC0415

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
