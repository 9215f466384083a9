"""The line board: what waits where, when the shift began, which lot to suspect, and how often it is worked out."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from uuid import NAMESPACE_OID, uuid4, uuid5

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from app.line_board.board import background, line_board
from app.line_board.kept import KeptBoard
from app.line_board.shifts import shift_begun
from app.lines.queries import stations
from app.quality.suspect_lots import at_least
from app.units.flow import activity
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


def _says(admin: TestClient, name: str, ago: float, panel: str = "", **more: str) -> None:
    """The placement machine says this, with the time of so many minutes ago."""
    work = {"TransactionID": str(uuid5(NAMESPACE_OID, panel)), "PrimaryIdentifier": panel} if panel else {}
    at = datetime.now(UTC) - timedelta(minutes=ago)
    told = story.envelope(name, {**work, **more}, story.PLACER, at)
    assert admin.post("/api/v1/cfx", content=story.payload(told)).json()["receipts"][0]["status"] == "stored"


STARTED, COMPLETED = "Production.WorkStarted", "Production.WorkCompleted"


@pytest.mark.parametrize("said", ["EndpointShuttingDown", "ResourcePerformance.StationOnline"])
def test_what_was_inside_when_a_station_stopped_is_left_behind(admin: TestClient, engine: Engine, said: str) -> None:
    _says(admin, STARTED, 3, "PNL-1")
    assert _at_placer(engine) == (["PNL-1"], [])
    _says(admin, said, 2)
    assert _at_placer(engine) == ([], ["PNL-1"])
    _says(admin, STARTED, 1, "PNL-2")
    assert _at_placer(engine) == (["PNL-2"], ["PNL-1"])
    _says(admin, COMPLETED, 0.5, "PNL-1", Result="Completed")
    assert _at_placer(engine) == (["PNL-2"], []), "its machine had it all the same"


def test_what_is_inside_stays_there_while_its_station_loses_the_network(admin: TestClient, engine: Engine) -> None:
    _says(admin, STARTED, 3, "PNL-1")
    _says(admin, "EndpointConnected", 2)
    assert _at_placer(engine) == (["PNL-1"], [])


def test_what_a_station_went_on_without_is_left_behind(admin: TestClient, engine: Engine) -> None:
    _says(admin, STARTED, 9, "PNL-1")
    _says(admin, STARTED, 5, "PNL-2")
    _says(admin, STARTED, 2.5, "PNL-3")
    _says(admin, STARTED, 2, "PNL-4")
    assert _at_placer(engine) == (["PNL-4", "PNL-3", "PNL-2"], []), "the newest three of four"
    _says(admin, COMPLETED, 0.5, "PNL-4", Result="Completed")
    assert _at_placer(engine) == (["PNL-3"], ["PNL-2", "PNL-1"]), "of several places, one may be slower"


def test_what_is_inside_of_an_idle_or_silent_station_is_left_behind(admin: TestClient, engine: Engine) -> None:
    _says(admin, STARTED, 31, "PNL-1")
    _says(admin, STARTED, 29, "PNL-2")
    assert _at_placer(engine) == (["PNL-2"], ["PNL-1"])
    _says(admin, "ResourcePerformance.StationStateChanged", 1, NewState="SBY_NoProductBlocked")
    assert _at_placer(engine) == (["PNL-2"], ["PNL-1"]), "the next station takes none"
    _says(admin, "ResourcePerformance.StationStateChanged", 0.5, NewState="SBY_NoProductStarved")
    assert _at_placer(engine) == ([], ["PNL-2", "PNL-1"])


def _at_placer(engine: Engine) -> tuple[list[str], list[str]]:
    """What is inside the placement machine, and what was left behind there."""
    with engine.connect() as connection:
        placer = next(one for one in stations(connection) if one.handle == story.PLACER)
        work = activity(connection)[placer.station_id]
    return [unit.serial for unit in work.inside], [unit.serial for unit in work.left_behind]


def _seen(engine: Engine) -> tuple[list[str], int]:
    """What is inside the placement machine, and how much waits in front of the AOI."""
    at = datetime.now(UTC)
    with engine.connect() as connection:
        board = line_board(connection, background(connection, at=at, shift_begun=at - timedelta(hours=1)), at=at)
    standing = {one.station.handle: one for one in board.stations}
    work = standing[story.PLACER].work
    assert work is not None
    return [unit.serial for unit in work.inside], standing[story.AOI].waiting
