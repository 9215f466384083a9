"""Whatever overlaps, each unit's history is one that could have happened one deed at a time."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from app.db import create_engine
from app.inbox.record import Recorder
from tests.concurrency.clients import Floor, overlapping, prepare
from tests.concurrency.linearizability import Done, linearization
from tests.concurrency.units import LOT, Op, Units, apply

CLIENTS = 8
UNITS = 2
NOTHING: frozenset[str] = frozenset()


def possible(*history: tuple[int, int, Op, object]) -> bool:
    return linearization([Done(*one) for one in history], Units(), apply) is not None


def test_the_checker_tells_what_can_be_from_what_cannot() -> None:
    start, ship = Op("start", 0), Op("ship", 0)
    hold = Op("contain", scope=frozenset({0}))
    assert possible((0, 1, start, NOTHING), (2, 3, start, frozenset({"already_started"})))
    assert not possible((0, 5, start, NOTHING), (1, 4, start, NOTHING)), "two stations got it"
    assert possible((0, 9, hold, ("C-1", 0)), (1, 2, ship, NOTHING)) is False, "it left, and was not counted"
    assert possible((0, 9, hold, ("C-1", 1)), (1, 2, ship, NOTHING)), "it left just before"
    assert not possible((0, 1, hold, ("C-1", 0)), (2, 3, ship, NOTHING)), "it left on hold"
    assert possible((0, 1, hold, ("C-1", 0)), (2, 9, Op("release", number="C-1"), True), (3, 4, ship, NOTHING))
    assert not possible((0, 1, hold, ("C-1", 0)), (2, 5, Op("release", number="C-1"), True),
                        (3, 6, Op("release", number="C-1"), True))  # fmt: skip
    caught = Op("contain", scope=LOT)
    assert not possible((0, 1, caught, ("C-1", -1)), (2, 3, Op("install", 0), None), (4, 5, start, NOTHING))


def check(engine: Engine, histories: int, seed: int) -> int:
    """Let clients loose on fresh units, `histories` times; returns how many operations overlapped another."""
    lots = [f"LOT-{seed}-{n}" for n in range(histories)]
    prepare(engine, [f"{lot}-{unit}" for lot in lots for unit in range(UNITS)], lots)
    wide = create_engine(engine.url.render_as_string(hide_password=False), pool_size=CLIENTS + 2)
    recorder = Recorder(wide)
    overlapped = 0
    with ThreadPoolExecutor(CLIENTS) as pool:
        for n, lot in enumerate(lots):
            floor = Floor(wide, recorder, [f"{lot}-{unit}" for unit in range(UNITS)], lot)
            chances = [random.Random(f"{seed} {n} {client}") for client in range(CLIENTS)]
            history = overlapping(floor, pool, chances, each=1 + n % 2, units=UNITS)
            told = "\n".join(map(str, sorted(history, key=lambda done: done.called)))
            assert linearization(history, Units(), apply) is not None, f"seed {seed}, history {n}:\n{told}"
            overlapped += sum(
                any(
                    one is not other and one.called < other.returned and other.called < one.returned
                    for other in history
                )
                for one in history
            )
    wide.dispose()
    return overlapped


def test_random_histories_are_linearizable(engine: Engine) -> None:
    assert check(engine, histories=60, seed=1) > 60 * CLIENTS / 2, "the clients hardly met"


@pytest.mark.slow
def test_a_thousand_random_histories_are_linearizable(engine: Engine) -> None:
    assert check(engine, histories=1000, seed=2) > 1000 * CLIENTS / 2
