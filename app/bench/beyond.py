"""The product alone, ten times further than a row per placement is carried: 10^9 placements, a million boards.

The same line goes on into the same tables, through the same recorder. A hundredth of the reels and a thousandth of the
boards are remembered as the line built them, and what the tables answer about them is compared.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from app.bench import lookups
from app.bench.figures import Figure, figure
from app.bench.running import Place
from app.bench.workload import Line
from app.db import create_engine
from app.inbox.record import Delivery, Recorder

_BATCH = 200
_REEL_OF = 101
_BOARD_OF = 1000
_REPORT_EVERY = 20_000


@dataclass(slots=True)
class Remembered:
    """What the line built, of some: serials by number of the package, identifiers of packages by serial."""

    units: dict[int, set[str]] = field(default_factory=dict)
    packages: dict[str, set[str]] = field(default_factory=dict)


def go_on(place: Place, line: Line, url: str, boards: int, announce: Callable[..., None]) -> tuple[Remembered, float]:
    """Take `boards` more in; what they were, and how many of them a second, making them left out."""
    engine = create_engine(url, pool_size=1)
    recorder = Recorder(engine)
    remembered = Remembered()
    seconds, done = 0.0, 0
    coming = line.boards(boards)
    while batch := list(islice(coming, _BATCH)):
        announce(recorder, line, batch)
        deliveries = [Delivery(message.payload) for board in batch for message in board.messages]
        started = time.perf_counter()
        receipts = recorder.record(deliveries)
        seconds += time.perf_counter() - started
        assert all(receipt.status == "stored" for own in receipts for receipt in own)
        for board in batch:
            numbers = np.unique(board.packages)
            for number in numbers[numbers % _REEL_OF == 0].tolist():
                remembered.units.setdefault(number, set()).add(board.serial)
        some = batch[0]
        if (done // _BATCH) % (_BOARD_OF // _BATCH) == 0:
            remembered.packages[some.serial] = {line.packages[n].identifier for n in np.unique(some.packages).tolist()}
        done += len(batch)
        if done % _REPORT_EVERY == 0:
            place.say(f"{done:,} of {boards:,} more boards, {done / seconds:,.0f} a second")
    engine.dispose()
    return remembered, boards / seconds if boards else 0.0


def ask(
    line: Line, remembered: Remembered, first: int, finished: Sequence[str], lots: Sequence[str], url: str
) -> list[Figure]:
    """Lookups among a million boards. `first`: the number of the first package begun after the memory began."""
    known = {line.packages[number].identifier: units for number, units in remembered.units.items() if number >= first}
    used_up = set(finished)
    reels = [name for name in known if name in used_up]
    figures = []
    with closing(lookups.connect(url)) as connection:
        for asked in lookups.lookups(reels, lots, list(remembered.packages)):
            times = []
            for name in asked.names:
                started = time.perf_counter()
                found = asked.own(connection, name)
                times.append(1000 * (time.perf_counter() - started))
                wanted = known.get(name, remembered.packages.get(name))
                assert wanted is None or found == wanted, f"{asked.what}: {name} is not what the line built"
            one = figure(f"{asked.what}, warm, at 10^9 placements", statistics.median(times), "ms")
            figures.append(one.at_most(5) if asked.what.startswith("one serial") else one)
    return figures
