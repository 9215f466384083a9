"""Several processes take in at once what speaks of the same units, reels and transactions."""

import random
import threading
from collections import Counter
from uuid import uuid4

from sqlalchemy import Engine

from app.inbox.record import Recorder
from tests.inbox.canonical import dump
from tests.inbox.checks import assert_sound
from tests.inbox.messages import (
    completed,
    entry,
    initialized,
    installed,
    received,
    record,
    started,
    statuses,
)
from tests.inbox.test_arrival_order import emptied


def shift(panels: int) -> list[bytes]:
    """A shift's messages: eight reels, panels of two boards, each placed and completed; nobody names boards again."""
    messages = [received(*((f"REEL-{n}", f"PN-{n % 3}", f"LOT-{n % 2}") for n in range(8)))]
    for panel in range(panels):
        boards = [(f"SN-{panel}-{position}", position) for position in (1, 2)]
        work = uuid4()
        reels = [f"REEL-{(panel // 5 + n) % 8}" for n in range(4)]
        messages += [
            initialized(f"PANEL-{panel}", *boards, order=f"WO-{panel % 2}"),
            started((f"PANEL-{panel}", 1), (f"PANEL-{panel}", 2), transaction=work, recipe="top"),
            installed(
                *(entry(None, reel, [f"R{n}"], slot=f"M1.F.{n}") for n, reel in enumerate(reels)), transaction=work
            ),
            installed(entry(f"PANEL-{panel}", reels[0], ["C1"], position=1, slot="M2.F.1"), transaction=uuid4()),
            completed(transaction=work),
        ]
    return messages


def test_two_recorders_at_the_same_time_make_the_record_of_one(engine: Engine) -> None:
    """No deadlock that stays, nothing twice, the same digests; though every message is given to both of them."""
    messages = shift(40)
    receipts: list[list[str]] = [[], []]

    def work(number: int) -> None:
        chance = random.Random(number)
        own = messages[:]
        chance.shuffle(own)
        recorder = Recorder(engine)
        for start in range(0, len(own), 7):
            receipts[number] += statuses(record(recorder, *own[start : start + 7]))

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert Counter(receipts[0] + receipts[1]) == {"stored": len(messages), "duplicate": len(messages)}
    assert_sound(engine)
    with engine.connect() as connection:
        found = dump(connection)
    assert found["waiting_event"] == []
    emptied(engine)
    record(Recorder(engine), *messages)
    with engine.connect() as connection:
        for table, rows in dump(connection).items():
            assert found[table] == rows, table


def test_a_start_and_what_needs_it_taken_in_at_the_same_moment_find_each_other(engine: Engine) -> None:
    recorders = [Recorder(engine), Recorder(engine)]
    works = [uuid4() for _ in range(60)]
    barrier = threading.Barrier(2, timeout=30)

    def begin() -> None:
        for number, work in enumerate(works):
            barrier.wait()
            record(recorders[0], started(f"SN-{number}", transaction=work))

    def place() -> None:
        for work in works:
            barrier.wait()
            record(recorders[1], installed(entry(None, "REEL-1", ["R1"]), transaction=work))

    threads = [threading.Thread(target=begin), threading.Thread(target=place)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with engine.connect() as connection:
        found = dump(connection)
    assert found["waiting_event"] == []
    assert len(found["installation"]) == len(works)


def test_one_recorder_serves_several_threads(engine: Engine) -> None:
    """As behind POST, where every request has a thread."""
    recorder = Recorder(engine)
    boards = [installed(entry(f"SN-{n}", f"REEL-{n % 4}", ["R1"]), transaction=uuid4()) for n in range(80)]
    told: list[str] = []

    def post(own: list[bytes]) -> None:
        for payload in own:
            told.extend(statuses(record(recorder, payload)))

    threads = [threading.Thread(target=post, args=(boards[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert told == ["stored"] * len(boards)
    assert_sound(engine)
