"""When was it done? Screens lie in drawers, and their clocks are set by hand."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.floor.deeds import Visit

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock_is_off", "ago", "told"),
    [
        (0.0, 0.0, 0.0),
        (1.5, 60.0, 60.0 + 1.5),  # about right: its own word, so that the order of deeds holds
        (-1.5, 60.0, 60.0 - 1.5),
        (3600.0, 60.0, 60.0),  # an hour behind: a minute ago by our clock
        (-86400.0, 60.0, 60.0),
        (0.0, -5.0, 0.0),  # sent before it was done: somebody set the clock in between
        (0.0, 15 * 86400.0, 0.0),
    ],
)
def test_the_time_of_a_deed(clock_is_off: float, ago: float, told: float) -> None:
    sent_at = NOW - timedelta(seconds=clock_is_off)
    deed = Visit(id=uuid4(), station="A.B.C", at=sent_at - timedelta(seconds=ago), sent_at=sent_at, serial="SN")
    assert deed.done_at(NOW) == NOW - timedelta(seconds=told)
