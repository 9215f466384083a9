"""An answer of many units streams: memory does not grow with it but by a number a unit."""

import contextlib
import gc
import tracemalloc
from collections.abc import Iterator

from sqlalchemy import Engine, text

from app.trace.excluded import excluded
from app.trace.question import Question
from app.trace.where_used import stream_where_used
from tests.inbox.messages import entry, initialized, installed, stored

SHORT, LONG = 6_000, 15_000
BYTES_A_UNIT = 12
"""Eight are kept of each, in arrays that grow by an eighth."""


@contextlib.contextmanager
def traced() -> Iterator[None]:
    """Count memory without the collector of cycles: when it comes makes more difference than ten thousand units."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
        gc.enable()


def built_alike(engine: Engine, units: int) -> None:
    """As many more units with the material set that is there, in ids that follow."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "WITH made AS (INSERT INTO serial (serial) SELECT 'X' || gen_random_uuid() FROM generate_series(1, :n)"
                " RETURNING serial, unit_id), units AS ("
                " INSERT INTO unit (unit_id, serial, registered_at) SELECT unit_id, serial, now() FROM made)"
                " INSERT INTO installation (unit_id, position_number, event_id, station_id, set_id, recorded_at,"
                " received_at) SELECT made.unit_id, 0, made.unit_id + 1000000, station_id, set_id, now(), now()"
                " FROM made, (SELECT * FROM installation LIMIT 1) AS pattern"
            ),
            {"n": units},
        )


def streamed(engine: Engine) -> tuple[int, int]:
    """How many units there were, and the most memory that was held at a time."""
    with engine.connect() as connection, traced():
        units = sum(1 for _ in stream_where_used(connection, Question(package="REEL-1")))
        return units, tracemalloc.get_traced_memory()[1]


def test_memory_does_not_grow_with_the_answer(engine: Engine) -> None:
    stored(engine, installed(entry("SN-1", "REEL-1", ["R1"])))
    built_alike(engine, SHORT - 1)
    streamed(engine)  # what is made once is made
    short, little = streamed(engine)
    built_alike(engine, LONG - SHORT)
    long, much = streamed(engine)

    assert (short, long) == (SHORT, LONG)
    assert (much - little) / (LONG - SHORT) < BYTES_A_UNIT


def test_memory_does_not_grow_with_what_is_excluded(engine: Engine) -> None:
    """Every unit of the order but one is told, with its reason."""

    def told() -> tuple[int, int]:
        with engine.connect() as connection, traced():
            units = sum(1 for _ in excluded(connection, Question(package="REEL-1")))
            return units, tracemalloc.get_traced_memory()[1]

    stored(engine, initialized("SN-1", order="WO-1", when=0), installed(entry("SN-1", "REEL-1", ["R1"]), when=5))
    of_the_order(engine, SHORT)
    told()
    short, little = told()
    of_the_order(engine, LONG - SHORT)
    long, much = told()
    assert (short, long) == (SHORT, LONG)
    assert (much - little) / (LONG - SHORT) < BYTES_A_UNIT


def of_the_order(engine: Engine, units: int) -> None:
    """As many more units of the work order, that nobody worked on."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "WITH made AS (INSERT INTO serial (serial) SELECT 'Y' || gen_random_uuid() FROM generate_series(1, :n)"
                " RETURNING serial, unit_id) INSERT INTO unit (unit_id, serial, registered_at, work_order_id)"
                " SELECT unit_id, serial, now(), (SELECT work_order_id FROM work_order) FROM made"
            ),
            {"n": units},
        )
