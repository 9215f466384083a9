"""Counts that are kept are what a scan of everything finds, however the messages came in."""

import random
import threading
import time
from collections import Counter
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from app.inbox.record import Recorder
from app.quality.counting import Counting, bring_up
from app.quality.population import Kind, keep_counts, units_counted, units_with
from app.trace.boards import HELD, TIED
from app.trace.question import Question
from app.trace.where_used import stream_where_used
from tests.inbox.messages import entry, initialized, installed, record, started
from tests.inbox.story import told
from tests.inbox.test_arrival_order import emptied

STORY = told()
KINDS: tuple[Kind, ...] = ("unit", "package", "slot", "feeder", "nozzle")
# Straight from the facts, board by board: nothing of it is kept, nothing shared with what keeps.
SCAN = f"""
    WITH fact AS (SELECT * FROM installation), {HELD}, board AS (
        SELECT DISTINCT coalesce(held.board_id, fact.unit_id) AS unit_id, coalesce(held.board_position, 0) AS position,
            fact.set_id
        FROM fact LEFT JOIN held ON {TIED}
    ), factor AS (
        SELECT unit_id, position, set_id, 'unit' AS kind, '' AS value FROM board
        UNION ALL
        SELECT unit_id, position, set_id, told.kind, told.value
        FROM board JOIN material_set USING (set_id)
        JOIN material_chunk ON chunk_id = ANY (chunk_ids)
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN placement USING (placement_id) LEFT JOIN package USING (package_id)
        CROSS JOIN LATERAL (VALUES ('package', identifier), ('slot', slot), ('feeder', feeder)) AS told (kind, value)
        WHERE told.value IS NOT NULL AND (reference_designators <> '{{}}' OR rejected_designators = '{{}}')
        UNION ALL
        SELECT unit_id, position, set_id, 'nozzle', nozzle
        FROM board JOIN material_set USING (set_id)
        JOIN material_chunk ON chunk_id = ANY (chunk_ids)
        CROSS JOIN LATERAL unnest(placement_ids) AS listed (placement_id)
        JOIN placement USING (placement_id) CROSS JOIN LATERAL unnest(nozzles) AS nozzle
        WHERE reference_designators <> '{{}}' OR rejected_designators = '{{}}'
    )
    SELECT kind, value, coalesce(work_order_id, 0), count(DISTINCT (unit_id, position))
    FROM factor JOIN unit USING (unit_id) GROUP BY 1, 2, 3
"""


def scanned(connection: Connection) -> Counter[tuple[str, str, int]]:
    return Counter({tuple(row[:3]): row[3] for row in connection.execute(text(SCAN), {"as_of": None})})


def kept(connection: Connection) -> Counter[tuple[str, str, int]]:
    rows = connection.execute(text("SELECT kind, value, work_order_id, units FROM population"))
    return Counter({tuple(row[:3]): row[3] for row in rows})


def in_steps(engine: Engine, most: int) -> None:
    taken = 1
    while taken:
        with engine.begin() as connection:
            taken = keep_counts(connection, most=most)


def assert_as_scanned(engine: Engine) -> None:
    with engine.connect() as connection:
        found = scanned(connection)
        assert kept(connection) == found
        assert found, "a scan of nothing proves nothing"


@st.composite
def arrivals(draw: st.DrawFn) -> list[int | None]:
    """The story's messages in any order, some twice; None: the counts are brought up in between."""
    numbers: list[int | None] = list(range(len(STORY)))
    again = draw(st.lists(st.sampled_from(numbers), max_size=5))
    return draw(st.permutations(numbers + again + [None] * draw(st.integers(0, 6))))


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=arrivals(), most=st.sampled_from([5, 2000]))
def test_counts_do_not_depend_on_the_order_of_arrival(engine: Engine, steps: list[int | None], most: int) -> None:
    emptied(engine)
    recorder = Recorder(engine)
    for step in steps:
        if step is None:
            in_steps(engine, most)
            assert_as_scanned_or_empty(engine)
        else:
            record(recorder, STORY[step])
    in_steps(engine, most)
    assert_as_scanned(engine)


def assert_as_scanned_or_empty(engine: Engine) -> None:
    with engine.connect() as connection:
        assert kept(connection) == scanned(connection)


def test_counts_hold_while_several_take_in_and_several_count(engine: Engine) -> None:
    messages = []
    for panel in range(30):
        boards = [(f"SN-{panel}-{position}", position) for position in (1, 2)]
        work = uuid4()
        messages += [
            initialized(f"PANEL-{panel}", *boards, order=f"WO-{panel % 3}"),
            started((f"PANEL-{panel}", 1), (f"PANEL-{panel}", 2), transaction=work),
            installed(entry(None, f"REEL-{panel // 4}", ["R1"], slot="M1.F.1"), transaction=work),
            installed(entry(f"PANEL-{panel}", "REEL-TOP", ["C1"], position=1, slot="M2.F.1"), transaction=uuid4()),
            installed(entry(f"SN-{panel}-1", "REEL-TOP", ["C2"], slot="M2.F.2"), transaction=uuid4()),
        ]
    running = [True]

    def take_in(number: int) -> None:
        own = messages[:]
        random.Random(number).shuffle(own)
        recorder = Recorder(engine)
        for start in range(0, len(own), 5):
            record(recorder, *own[start : start + 5])

    def count() -> None:
        while running[0]:
            with engine.begin() as connection:
                keep_counts(connection, most=20)

    counting = [threading.Thread(target=count) for _ in range(2)]
    taking = [threading.Thread(target=take_in, args=(number,)) for number in range(2)]
    for thread in (*counting, *taking):
        thread.start()
    for thread in taking:
        thread.join()
    running[0] = False
    for thread in counting:
        thread.join()
    bring_up(engine)

    assert_as_scanned(engine)
    with engine.connect() as connection:
        assert units_counted(connection) == 60
        assert units_with(connection, "package", ["REEL-TOP"]) == {"REEL-TOP": 30}, "a board counts once for a reel"


def test_counts_are_those_of_where_used(engine: Engine) -> None:
    recorder = Recorder(engine)
    record(recorder, installed(entry("SN-1", "REEL-1", ["R1"]), transaction=uuid4()))
    record(recorder, installed(entry("PANEL", "REEL-1", ["R1"], position=1), transaction=uuid4()))
    record(recorder, installed(entry("PANEL", "REEL-1", ["R1"], position=2), transaction=uuid4()))
    record(recorder, installed(entry("SN-2", "REEL-2", [], rejected=["R1"]), transaction=uuid4()))
    bring_up(engine)
    record(recorder, initialized("PANEL", ("SN-8", 1), ("SN-9", 2), order="WO-1"))
    bring_up(engine)

    with engine.connect() as connection:
        units = {unit.serial for unit in stream_where_used(connection, Question(package="REEL-1"))}
        assert units == {"SN-1", "SN-8", "SN-9"}
        assert units_with(connection, "package") == {"REEL-1": 3}
        assert units_counted(connection) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_work_orders_can_be_told_apart(engine: Engine, kind: Kind) -> None:
    recorder = Recorder(engine)
    for message in STORY:
        record(recorder, message)
    bring_up(engine)

    with engine.connect() as connection:
        orders = connection.execute(text("SELECT work_order_id FROM work_order")).scalars().all()
        of_each = Counter[str]()
        for order in (0, *orders):
            of_each.update(units_with(connection, kind, work_orders=[order]))
        assert of_each == Counter(units_with(connection, kind))


def test_counts_are_brought_up_beside_other_work(engine: Engine) -> None:
    record(Recorder(engine), installed(entry("SN-1", "REEL-1", ["R1"]), transaction=uuid4()))
    with Counting(engine, every=0.01):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with engine.connect() as connection:
                if units_with(connection, "package") == {"REEL-1": 1}:
                    return
            time.sleep(0.05)
    pytest.fail("nothing was counted")
