"""What the spool has confirmed it still has, until a receipt lets go of it."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from stations import rejected
from stations.spool import Event, Journal, Spool, SpoolConflict, SpoolFull, SpoolInUse

ROOT = Path(__file__).resolve().parents[2]


def event(number: int, payload: bytes = b"{}") -> Event:
    return Event(str(UUID(int=number)), "CFX.Heartbeat", payload)


def identifiers(spool: Spool) -> list[int]:
    return [UUID(spooled.unique_id).int for spooled in spool.pending()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "station" / "spool.db"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    with Spool(path) as spool:
        yield spool


def test_events_come_out_in_the_order_they_were_reported(spool: Spool) -> None:
    spool.store([event(3), event(1)])
    spool.store([event(2)])
    assert identifiers(spool) == [3, 1, 2]
    first, *_ = spool.pending()
    assert [item.unique_id for item in spool.pending(after=first.sequence, limit=1)] == [event(1).unique_id]


def test_only_a_receipt_lets_an_event_go(path: Path) -> None:
    with Spool(path) as spool:
        spool.store([event(number, b"x" * 10) for number in range(1, 5)])
    with Spool(path) as spool:
        assert (len(spool), spool.size) == (4, 40)
        settled = spool.settle([event(1).unique_id, event(9).unique_id])
        assert (settled.delivered, settled.rejected, settled.unknown) == (1, 0, 1)
        assert identifiers(spool) == [2, 3, 4]
        assert (len(spool), spool.size) == (3, 30)
        # The same receipt again, as after a lost acknowledgement.
        assert spool.settle([event(1).unique_id]).unknown == 1
        assert len(spool) == 3


def test_a_rejected_event_is_kept_with_its_reason_and_never_sent_again(path: Path) -> None:
    with Spool(path) as spool:
        spool.store([event(1, b"bad"), event(2)])
        spool.settle([], [(event(1).unique_id, "TimeStamp is missing.")])
        assert identifiers(spool) == [2]
    with Spool(path) as spool:
        (kept,) = spool.rejected()
        assert (kept.payload, kept.reason) == (b"bad", "TimeStamp is missing.")
        assert spool.rejected_count == 1
        # The machine says it again: it is known and stays where it is.
        assert spool.store([event(1, b"bad")]) == 0
        assert identifiers(spool) == [2]
        # A person has dealt with the reason.
        assert spool.retry(event(1).unique_id)
        assert identifiers(spool) == [2, 1]
        assert not spool.retry(event(1).unique_id)
        assert (len(spool), spool.rejected_count) == (2, 0)


def test_an_identifier_stands_for_one_event(spool: Spool) -> None:
    assert spool.store([event(1, b"a")]) == 1
    assert spool.store([event(1, b"a")]) == 0
    with pytest.raises(SpoolConflict, match="another content"):
        spool.store([event(2, b"b"), event(1, b"changed")])
    assert identifiers(spool) == [1], "a batch is stored whole or not at all"
    with pytest.raises(SpoolConflict):
        spool.store([event(3, b"a"), event(3, b"b")])
    assert len(spool) == 1


def test_a_full_spool_stops_the_station_and_says_so(path: Path) -> None:
    with Spool(path, max_bytes=100, max_events=1000) as spool:
        spool.store([event(1, b"x" * 90)])
        with pytest.raises(SpoolFull, match="The station stops until the product takes them"):
            spool.store([event(2, b"x" * 11)])
        # The last word of a stopping station fits the reserve.
        spool.store([event(3, b"x" * 12)], into_reserve=True)
        with pytest.raises(SpoolFull):
            spool.store([event(4, b"x" * 90)], into_reserve=True)
        spool.settle([event(1).unique_id])
        spool.store([event(2, b"x" * 11)])
        assert identifiers(spool) == [3, 2]
    with Spool(path, max_events=2) as spool, pytest.raises(SpoolFull):
        spool.store([event(5)])


def test_a_second_program_cannot_share_a_spool(path: Path, spool: Spool) -> None:
    spool.store([event(1)])
    with pytest.raises(SpoolInUse, match="data folder of its own"):
        Spool(path)


def test_a_file_that_is_no_spool_is_not_taken_for_an_empty_one(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, and long enough to be looked at" * 40)
    with pytest.raises(sqlite3.DatabaseError):
        Spool(path)


CONFIRMING = """
import sys
from pathlib import Path
from uuid import UUID
from stations import rejected
from stations.spool import Event, Journal, Spool

folder = Path(sys.argv[1])
spool = Spool(folder / "spool.db", journal=Journal(folder / "journal"))
number = int(sys.argv[2])
while True:
    batch = [Event(str(UUID(int=number + i)), "CFX.Heartbeat", b"x" * 700) for i in range(7)]
    spool.store(batch)
    for event in batch:  # confirmed to the machine
        print(event.unique_id, flush=True)
    number += 7
    if number % 5 == 0:
        spool.settle([item.unique_id for item in spool.pending(limit=5)])
"""


def test_nothing_confirmed_is_lost_to_kill_9(tmp_path: Path) -> None:
    """Ten times a program is killed while it stores, settles and confirms."""
    chance = random.Random(20)
    confirmed: list[str] = []
    start = 1
    for _ in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", CONFIRMING, str(tmp_path), str(start)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as program:
            assert program.stdout is not None
            confirmed.append(program.stdout.readline().strip())
            time.sleep(chance.uniform(0.0, 0.15))
            os.kill(program.pid, signal.SIGKILL)
            confirmed += [line.strip() for line in program.stdout if line.endswith("\n")]
        start = UUID(confirmed[-1]).int + 1000
    journal = [unique_id for unique_id, _, _ in Journal.read(tmp_path / "journal")]
    with Spool(tmp_path / "spool.db") as spool:
        kept = [item.unique_id for item in spool.pending(limit=1_000_000)]
    assert len(confirmed) > 100
    assert set(confirmed) <= set(journal)
    # Settling takes the oldest; whatever was confirmed and not settled is here, in order.
    oldest = UUID(kept[0]).int
    assert [item for item in kept if item in set(confirmed)] == [item for item in confirmed if UUID(item).int >= oldest]


def test_the_journal_survives_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.confirmed([event(1, b"a")])
    journal.close()
    with path.open("ab") as file:
        file.write(b"00000000-0000")
    journal = Journal(path)
    journal.confirmed([event(2, b"b")])
    journal.close()
    assert [unique_id for unique_id, _, _ in Journal.read(path)] == [
        event(1).unique_id,
        event(2).unique_id,
    ]


def test_a_person_sees_why_an_event_was_refused_and_puts_it_back(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Spool(path) as spool:
        spool.store([event(1), event(2)])
        spool.settle([], [(event(1).unique_id, "The station is not registered.")])
        assert rejected.main([str(path)]) == 2, "the station's program holds the spool"
    assert rejected.main([str(path)]) == 0
    said = capsys.readouterr().out
    assert f"{event(1).unique_id} CFX.Heartbeat: The station is not registered." in said
    assert "1 events wait for their receipt, 1 were rejected" in said
    assert rejected.main([str(path), "--retry", event(2).unique_id]) == 2
    assert rejected.main([str(path), "--retry", "all"]) == 0
    with Spool(path) as spool:
        assert identifiers(spool) == [2, 1]
    assert rejected.main([str(path.with_name("none"))]) == 2
