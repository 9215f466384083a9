"""Reading strangers' pictures within bounds: of bytes, pixels, time and memory, in a process of its own.

A decoder is native code. Where it hangs it is killed, where it dies the next picture gets a new
one, and either way the answer is a sentence: nothing here raises for what is in a picture.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LARGEST: Final = 12 * 1024 * 1024  # bytes; a telephone's photograph has 2 to 8 million
PATIENCE: Final = 8.0  # s for one picture, the start of the process included
_WAITING: Final = 4  # pictures at once; more are told to come again


@dataclass(frozen=True, slots=True)
class Read:
    """One code: its content as text, and what kind of code it is (`QRCode`, `DataMatrix`, ...)."""

    text: str
    symbology: str


@dataclass(frozen=True, slots=True)
class Photograph:
    """What was read from a picture; where nothing was, `problem` says why and what clears it."""

    readings: tuple[Read, ...]
    problem: str | None = None
    busy: bool = False


class BoundedReader:
    """Reads one picture after the other; safe for threads. The process starts with the first picture."""

    def __init__(self, *, patience: float = PATIENCE, command: tuple[str, ...] = ("-m", "app.decoding.report")) -> None:
        self._patience = patience
        self._command = [sys.executable, *command]
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(_WAITING)
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()

    def read(self, picture: bytes) -> Photograph:
        """Every code in a picture (PNG, JPEG, BMP, TIFF, GIF or WebP)."""
        if not picture:
            return Photograph((), "No picture arrived. Take one and send it again.")
        if len(picture) > LARGEST:
            return Photograph((), f"The picture has more than {LARGEST // 1024**2} MB. Send a smaller one.")
        if not self._places.acquire(blocking=False):
            return _BUSY
        try:
            if not self._turn.acquire(timeout=self._patience):
                return _BUSY
            try:
                return self._ask(picture)
            finally:
                self._turn.release()
        finally:
            self._places.release()

    def close(self) -> None:
        """End the process."""
        with self._turn:
            self._end()

    def _ask(self, picture: bytes) -> Photograph:
        with tempfile.TemporaryDirectory(prefix="birthmark-") as folder:
            path = Path(folder) / "picture"
            path.write_bytes(picture)
            process, answers = self._running()
            try:
                assert process.stdin is not None
                process.stdin.write(f"{path}\n")
                process.stdin.flush()
                said = answers.get(timeout=self._patience)
            except (OSError, queue.Empty):
                said = ""
        if not said:  # it hangs, or it is dead
            self._end()
            return Photograph((), "The picture could not be read in time. Take a closer, sharper one of the code.")
        return _photograph(json.loads(said))

    def _running(self) -> tuple[subprocess.Popen[str], queue.Queue[str]]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, encoding="utf-8", env=environment,
            )  # fmt: skip
            self._answers = queue.Queue()
            threading.Thread(target=_listen, args=(self._process, self._answers), daemon=True).start()
        return self._process, self._answers

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()


def _listen(process: subprocess.Popen[str], answers: queue.Queue[str]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(OSError, ValueError):  # closed while we listen
        for line in process.stdout:
            answers.put(line)
    answers.put("")  # it is dead: whoever waits need not wait longer


def _photograph(said: dict[str, Any]) -> Photograph:
    if "error" in said:
        return Photograph((), said["error"])
    readings = tuple(Read(one["text"], one["symbology"]) for one in said["readings"])
    return Photograph(readings, None if readings else _NOTHING)


_NOTHING = "No code was found in the picture. Go closer, hold still, and let light fall from the side."
_BUSY = Photograph((), "Several pictures are being read already. Send it again in a few seconds.", busy=True)
