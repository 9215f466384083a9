"""Whatever is killed, whenever: every event a station confirmed to its machine is stored exactly once."""

import contextlib
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from app.db import create_engine
from tests.faults.comparison import compare, different_tables
from tests.faults.works import STATIONS, Part, Works
from tests.inbox.checks import assert_sound

_SHORT, _LONG = 50, 500
# Intake is where a message changes hands, so it is hit most.
_PARTS: tuple[Part, ...] = ("intake", "broker", "postgres")
_WEIGHTS = (0.5, 0.2, 0.3)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return 20260711 if not request.config.getoption("--campaign") else int(time.time())


def victims(chance: random.Random) -> list[Part]:
    """Mostly one, now and then two or all three at once; in the order in which they come back."""
    several = chance.choices((1, 2, 3), (0.8, 0.15, 0.05))[0]
    chosen: list[Part] = []
    while len(chosen) < several:
        (part,) = chance.choices(_PARTS, _WEIGHTS)
        if part not in chosen:
            chosen.append(part)
    return chosen


def kill_at_random(works: Works, chance: random.Random, kills: int) -> Counter[Part]:
    killed: Counter[Part] = Counter()
    while killed.total() < kills:
        if chance.random() < 0.8:
            works.wait_for_intake()  # now and then it is hit while it starts
        time.sleep(chance.uniform(0.3, 2.0))
        works.check_running()
        chosen = victims(chance)
        for part in chosen:
            works.kill(part)
        if chance.random() < 0.5:
            time.sleep(chance.uniform(0.0, 1.0))
        for part in chosen:
            works.start_again(part)
        killed.update(chosen)
    return killed


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


@contextlib.contextmanager
def disposing(url: str) -> Iterator[Engine]:
    engine = create_engine(url, pool_size=2)
    try:
        yield engine
    finally:
        engine.dispose()


def test_nothing_is_lost_or_duplicated(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], data_dir: Path, seed: int
) -> None:
    kills, takt = (_LONG, 3.0) if request.config.getoption("--campaign") else (_SHORT, 1.5)
    began = time.monotonic()
    with Works(data_dir, takt=takt) as works, disposing(works.postgres.url) as engine:
        killed = kill_at_random(works, random.Random(seed), kills)
        amid_kills, killing = count(engine, "event"), time.monotonic() - began
        stuck = works.end_production(180.0)
        found = compare(engine, works.spools)
        kinds = ", ".join(f"{part} {killed[part]}" for part in _PARTS)
        summary = (
            f"{killed.total()} kills ({kinds}; seed {seed}) in {killing:.0f} s, {len(STATIONS)} stations: {found}; "
            f"{amid_kills} stored amid the kills; {time.monotonic() - began:.0f} s until compared"
        )
        with capsys.disabled():
            sys.stdout.write(f"\n{summary}\n")
        assert not stuck, f"{summary}\n{stuck}"
        assert not found.wrong, (summary, found.wrong)
        assert count(engine, "waiting_event") == count(engine, "quarantine") == 0, summary

        # What the events say is recorded once each, as if nothing had happened.
        assert_sound(engine)
        works.make_database(works.postgres.url_of("undisturbed"))
        with disposing(works.postgres.url_of("undisturbed")) as undisturbed:
            assert not different_tables(engine, undisturbed), summary

        # Else the kills hit nothing, and all of this would hold of itself.
        assert amid_kills > found.confirmed / 10, summary
        assert found.repeated > 0, summary
