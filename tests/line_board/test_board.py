"""The line board: what waits where, when the shift began, which lot to suspect, and how often it is worked out."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from app.line_board.board import background, line_board
from app.line_board.kept import KeptBoard
from app.line_board.shifts import shift_begun
from app.quality.suspect_lots import at_least
from tests.doors import story
from tests.doors.conftest import admin, ask

__all__ = ["admin", "ask"]
SHIFTS = (time(14), time(6), time(22))


@pytest.mark.parametrize(
    ("now", "begun"), [("06:00", "06:00"), ("13:59", "06:00"), ("23:10", "22:00"), ("05:59", "-22:00")]
)
def test_a_shift_begins_at_its_hour(now: str, begun: str) -> None:
    day = datetime(2026, 5, 4, tzinfo=UTC)
    at = datetime.combine(day, time.fromisoformat(now), UTC)
    expected = datetime.combine(day - timedelta(days=begun[0] == "-"), time.fromisoformat(begun.lstrip("-")), UTC)
    assert shift_begun(SHIFTS, at) == expected


def test_without_shifts_the_day_is_one() -> None:
    assert shift_begun((), datetime(2026, 5, 4, 3, tzinfo=UTC)) == datetime(2026, 5, 4, tzinfo=UTC)


def test_how_likely_so_many_failures_are_by_chance() -> None:
    assert at_least(0, 5, 3, 10) == pytest.approx(1)
    assert at_least(2, 2, 2, 4) == pytest.approx(1 / 6)  # two drawn of four, both of the two marked
    assert at_least(3, 5, 3, 10) == pytest.approx(10 / 120)
    assert at_least(50, 100, 60, 1000) < 1e-30


def test_a_board_is_worked_out_once_however_many_ask(engine: Engine) -> None:
    recorded = ["1"]
    kept = KeptBoard(engine, lambda: recorded[0], lambda: datetime.now(UTC))

    async def look() -> None:
        first = await kept.now()
        assert await kept.now() is first, "nothing was recorded since"
        recorded[0] = "2"
        boards = await asyncio.gather(*(kept.now() for _ in range(50)))
        assert all(board is boards[0] for board in boards)
        assert boards[0].at - first.at >= timedelta(seconds=0.9)

    asyncio.run(look())
    assert kept.computed == 2


def test_what_is_done_here_waits_there(admin: TestClient, engine: Engine) -> None:
    flow = [(story.PLACER, "placement"), (story.AOI, "optical_inspection")]
    planned = {"name": "SMT 1", "stations": [{"handle": handle, "operation": step} for handle, step in flow]}
    assert admin.post("/api/v1/lines", json=planned).status_code == 201
    work = {"TransactionID": str(uuid4()), "PrimaryIdentifier": "PNL-9"}
    admin.post("/api/v1/cfx", content=story.payload(story.envelope("Production.WorkStarted", work, story.PLACER)))
    assert _seen(engine) == (["PNL-9"], 0)
    work["Result"] = "Completed"
    admin.post("/api/v1/cfx", content=story.payload(story.envelope("Production.WorkCompleted", work, story.PLACER)))
    assert _seen(engine) == ([], 1)


def _seen(engine: Engine) -> tuple[list[str], int]:
    """What is inside the placement machine, and how much waits in front of the AOI."""
    at = datetime.now(UTC)
    with engine.connect() as connection:
        board = line_board(connection, background(connection, at=at, shift_begun=at - timedelta(hours=1)), at=at)
    standing = {one.station.handle: one for one in board.stations}
    work = standing[story.PLACER].work
    assert work is not None
    return [unit.serial for unit in work.inside], standing[story.AOI].waiting
