"""A factory's worth of boards taken in beside what is measured: `python -m app.bench.taking_in`, until it is ended.

1,000 boards a second of 83 placements each, as one line of today has them (a panel of six boards with 500 placements
every 30 s; that many boards are 5,000 such lines), through the product's own recorder, in a transaction every 50 ms.
Half a second behind is caught up with; what was missed while this process was halted is not.
"""

import time
from datetime import UTC, datetime
from itertools import islice
from uuid import uuid4

from app.bench.workload import Line, announcement
from app.db import create_engine
from app.inbox.record import Delivery, Recorder
from app.settings import settings

BOARDS_A_SECOND = 1000
PLACEMENTS = 83
_SLOTS = 30
_TICK = 0.05
_CAUGHT_UP = 0.5


def main() -> None:
    """Take boards in at the pace promised."""
    line = Line(name=f"Beside{uuid4().hex[:6]}", placements=PLACEMENTS, slots=_SLOTS)
    recorder = Recorder(create_engine(str(settings().database_url), pool_size=1, recording=True))
    coming = line.boards(10**9)
    due = time.monotonic()
    while True:
        boards = list(islice(coming, round(BOARDS_A_SECOND * _TICK)))
        begun = [package for board in boards for package in board.begun]
        said = [announcement(line.stations[0], uuid4(), datetime.now(UTC), begun)] if begun else []
        said += [message.payload for board in boards for message in board.messages]
        recorder.record([Delivery(payload) for payload in said])
        due = max(due + _TICK, time.monotonic() - _CAUGHT_UP)
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
