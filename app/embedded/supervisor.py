"""Keeps our own processes running: starts them, starts them again, stops them in order."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from app.embedded.processes import MODULE_ENVIRONMENT, shorten, spawn, stop

log = structlog.get_logger()

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_STEADY = 30.0  # seconds after which an earlier failure no longer counts


@dataclass
class _Child:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path | None
    patience: float
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = 0.0
    failures: int = 0
    again_at: float = field(default=0.0)


class Supervisor:
    """Our processes, stopped in the reverse order of their start when the block ends."""

    def __init__(self) -> None:
        self._children: dict[str, _Child] = {}

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        log_to: Path | None = None,
        patience: float = 10.0,
    ) -> None:
        """Start a process and keep it running; ``patience`` is how many seconds it has to stop."""
        child = _Child(name, command, {**MODULE_ENVIRONMENT, **(environment or {})}, log_to, patience)
        self._children[name] = child
        self._start(child)

    def stop(self, name: str) -> None:
        """Stop one process and keep it stopped."""
        child = self._children.pop(name)
        if child.process is not None:
            stop(child.process, (signal.SIGTERM, child.patience))

    def watch(self) -> None:
        """Start again what ended, with a growing pause; call it every fraction of a second."""
        now = time.monotonic()
        for child in self._children.values():
            if child.process is not None and child.process.poll() is not None:
                if now - child.started_at > _STEADY:
                    child.pause, child.failures = 0.0, 0
                child.failures += 1
                child.pause = min(max(child.pause * 2, _SHORTEST_PAUSE), _LONGEST_PAUSE)
                child.again_at = now + child.pause
                log.error("process.ended", process=child.name, code=child.process.returncode, again_in=child.pause)
                child.process = None
            if child.process is None and now >= child.again_at:
                self._start(child)

    def ended(self, name: str) -> int | None:
        """The exit code of a process that has ended; None while it runs."""
        process = self._children[name].process
        return process.poll() if process is not None else None

    def failures(self, name: str) -> int:
        """How often a process ended in a row without having run steadily in between."""
        return self._children[name].failures

    def pid(self, name: str) -> int | None:
        """The process id, None between an end and the next start."""
        process = self._children[name].process
        return process.pid if process is not None else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in reversed(list(self._children)):
            self.stop(name)

    def _start(self, child: _Child) -> None:
        if child.log:
            shorten(child.log)
        # When we are killed they are too: each can be killed at any time without losing a message,
        # and one that hangs would not obey anything milder.
        child.process = spawn(child.command, death_signal=signal.SIGKILL, log=child.log, environment=child.environment)
        child.started_at = time.monotonic()
        log.debug("process.started", process=child.name, pid=child.process.pid)
