"""How a long-running command is asked to stop: Ctrl-C, SIGTERM, a closed terminal.

A signal only leaves word. Every wait of ours asks :func:`check_stopped`, which raises there: an
exception raised by the signal handler itself may land in a destructor and be swallowed, and the
process could then not be stopped at all.
"""

import signal
from types import FrameType
from typing import ClassVar

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked this process to stop."""


class stopping_on_signals:  # noqa: N801  (reads as a statement)
    """Run a block until it ends or a signal asks it to; what it opened is closed in either case.

    A second signal interrupts work that is not waiting (a long migration). Once the block is being
    left signals are ignored: an impatient Ctrl-C must not leave a process behind, and every step
    of closing has a time limit of its own.
    """

    current: ClassVar["stopping_on_signals | None"] = None

    def __enter__(self) -> None:
        self.asked = self.leaving = False
        stopping_on_signals.current = self
        self._former = {number: signal.signal(number, self._heard) for number in _NUMBERS}

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: object) -> bool:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        stopping_on_signals.current = None
        return kind is Stopped

    def leave(self) -> None:
        """Raise `Stopped`; from here on signals are ignored."""
        self.leaving = True
        raise Stopped

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        again, self.asked = self.asked, True
        if again and not self.leaving:
            self.leave()


def check_stopped() -> None:
    """Raise `Stopped` where a signal has asked the block around us to stop; called by every wait."""
    block = stopping_on_signals.current
    if block is not None and block.asked and not block.leaving:
        block.leave()
