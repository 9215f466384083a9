"""What stations report of a unit is on record, whole, under the name the station used."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from app.quality.facts import Defect
from app.quality.inspections import record_inspections
from app.quality.layouts import intern_layouts, load_layouts
from app.quality.measurements import Comparison, measured_run, measurements_of
from app.quality.outcome import Outcome
from app.quality.queries import defect_pareto, runs_of
from app.quality.tests import record_tests
from tests.quality.messages import TRANSACTION, deposit, resistance, said_inspected, said_tested, step, unit
from tests.quality.recording import DAY, NOON, Recording

BRIDGE = {"DefectCode": "BRIDGE", "DefectCategory": "Solder", "ComponentOfInterest": {"ReferenceDesignator": "U1.7"}}
FALSE = {**BRIDGE, "Verification": "DefectRejected"}


@pytest.fixture
def line(connection: Connection) -> Recording:
    return Recording(connection)


def test_an_inspection_and_a_test_of_a_unit_in_the_stations_order(line: Recording) -> None:
    (looked,) = said_inspected(
        unit("Failed", step("U1", "Failed", DefectsFound=[BRIDGE], Comments="left"), Verification="DefectConfirmed"),
        Inspector={"OperatorIdentifier": "BADGE7"},
    )
    (proved,) = said_tested(
        unit(
            Tests=[
                step(
                    "R21",
                    SymptomsFound=[{"SymptomCode": "HOT", "ComponentsOfInterest": [{"ReferenceDesignator": "U1"}]}],
                )
            ]
        )
    )
    report = line.report()
    record_tests(line.connection, [proved.on(line.report(NOON + DAY, "Maker.ICT.1"), 7, 0, None)])
    record_inspections(line.connection, [looked.on(report, 7, 0, None)])

    inspection, test = runs_of(line.connection, [(7, 0)])

    assert (inspection.kind, inspection.station, inspection.method) == ("inspection", "Maker.AOI.1", "AOI")
    assert (inspection.outcome, inspection.machine_outcome, inspection.verification) == (
        Outcome.failed,
        Outcome.failed,
        "DefectConfirmed",
    )
    assert (inspection.by, inspection.steps, inspection.failed_cells) == ("BADGE7", 1, 1)
    assert (inspection.recorded_at, inspection.received_at) == (report.recorded_at, report.received_at)
    assert inspection.defects == (Defect(step="U1", reference_designator="U1.7", code="BRIDGE", category="Solder"),)
    assert (test.kind, test.outcome, test.machine_outcome) == ("test", Outcome.passed, None)
    assert [(one.step, one.code, one.reference_designators) for one in test.symptoms] == [("R21", "HOT", ("U1",))]


def test_runs_are_those_of_the_places_asked_for(line: Recording) -> None:
    line.inspection(7, position=1)
    line.inspection(7, position=2)
    line.inspection(8)

    assert {(run.unit_id, run.position_number) for run in runs_of(line.connection, [(7, 1), (8, 0), (9, 0)])} == {
        (7, 1),
        (8, 0),
    }
    assert runs_of(line.connection, []) == []


def test_a_batch_of_nothing_asks_nothing(line: Recording) -> None:
    asked: list[str] = []
    event.listen(line.connection, "before_cursor_execute", lambda *told: asked.append(told[2]))
    record_inspections(line.connection, [])
    record_tests(line.connection, [])
    assert asked == []


def test_the_transaction_is_kept(line: Recording) -> None:
    (one,) = said_tested(unit())
    record_tests(line.connection, [one.on(line.report(), 7, 0, None)])

    assert line.connection.execute(text("SELECT transaction_id FROM test")).scalar_one() == UUID(TRANSACTION)


def test_the_same_run_twice_is_refused_by_its_key(line: Recording) -> None:
    fact = line.inspection(7)

    with pytest.raises(IntegrityError, match="pk_inspection"), line.connection.begin_nested():
        record_inspections(line.connection, [fact])


def test_everything_a_run_measured_comes_back_as_sent(line: Recording) -> None:
    measured = [resistance("R21", 28300.0), resistance("R22", 28500.0), resistance("R23", None)]
    (one,) = said_tested(unit("Passed", Tests=[step("R", "Failed", Measurements=measured, Error="probe 7 worn")]))
    fact = one.on(line.report(), 7, 0, None)
    record_tests(line.connection, [fact])

    first, *resistances = measurements_of(line.connection, 7, 0, fact.report.event_id, 1)

    assert (first.name, first.characteristic, first.value, first.result) == ("R", "error", "probe 7 worn", "failed")
    assert [(one.name, one.value, one.unit, one.comparison, one.result) for one in resistances] == [
        ("R21", 28300.0, "Ohm", Comparison.within, "passed"),
        ("R22", 28500.0, "Ohm", Comparison.above, "passed"),
        ("R23", None, "Ohm", Comparison.missing, "passed"),
    ]
    assert (resistances[0].lower, resistances[0].upper, resistances[0].expected_unit) == (28.0, 28.4, "kOhm")
    assert measurements_of(line.connection, 7, 0, fact.report.event_id, 2) == []
    (run,) = runs_of(line.connection, [(7, 0)])
    assert (run.failed_cells, run.cells_out_of_limit) == (1, 1)


def test_a_runs_columns_are_read_one_by_one(line: Recording) -> None:
    measured = [resistance("R21", 28300.0), resistance("R22", 28500.0), resistance("R23", None)]
    (one,) = said_tested(unit("Passed", Tests=[step("R", "Failed", Measurements=measured, Error="probe 7 worn")]))
    fact = one.on(line.report(), 7, 0, None)
    record_tests(line.connection, [fact])

    run = measured_run(line.connection, 7, 0, fact.report.event_id, 1)

    assert run is not None
    assert len(run) == len(run.items()) == 4
    columns = {place.column.characteristic: place for place in run.layout.places if place.count == 3}
    assert str(run.numbers(columns["value"]).tolist()) == "[28300.0, 28500.0, nan]"
    assert run.values(columns["value"]) == [28300.0, 28500.0, None]
    assert measured_run(line.connection, 7, 0, fact.report.event_id, 2) is None


def test_runs_with_something_beyond_its_limit_are_found_without_unpacking(line: Recording) -> None:
    for unit_id, ohms in ((1, 28300.0), (2, 28500.0), (3, 28200.0)):
        (one,) = said_tested(unit(Tests=[step("R", Measurements=[resistance("R21", ohms)])]))
        record_tests(line.connection, [one.on(line.report(), unit_id, 0, None)])

    found = line.connection.execute(
        text("SELECT unit_id FROM measurement WHERE failed <> '{}' OR out_of_limit <> '{}'")
    )

    assert found.scalars().all() == [2]


def test_boards_of_one_program_share_one_stored_layout(line: Recording) -> None:
    facts = []
    for unit_id in range(1, 6):
        pads = [deposit("R1.1", unit_id * 1e-06), deposit("R1.2", 1.8e-05)]
        (one,) = said_inspected(unit(Inspections=[step("SPI", Measurements=pads)]))
        facts.append(one.on(line.report(), unit_id, 0, None))
    record_inspections(line.connection, facts[:2])
    record_inspections(line.connection, facts[2:])

    assert line.connection.execute(text("SELECT count(DISTINCT layout_id), count(*) FROM measurement")).one() == (1, 5)


def test_a_layout_of_a_transaction_that_was_rolled_back_is_stored_by_the_next(engine: Engine) -> None:
    (one,) = said_inspected(unit(Inspections=[step("SPI", Measurements=[deposit("R1.1", 1.8e-05)])]))
    assert one.run.measurements is not None
    layout = one.run.measurements.layout
    with engine.connect() as connection:
        for _ in range(2):  # the second time it is there, but not for good
            intern_layouts(connection, {layout.digest: layout})
        connection.rollback()
        ids = intern_layouts(connection, {layout.digest: layout})
        connection.commit()

    with engine.connect() as connection:
        assert load_layouts(connection, ids.values())[ids[layout.digest]] == layout


def test_two_processes_that_meet_a_new_layout_share_it(engine: Engine) -> None:
    (one,) = said_inspected(unit(Inspections=[step("SPI", Measurements=[deposit("C9.1", 1.8e-05)])]))
    assert one.run.measurements is not None
    by_digest = {one.run.measurements.layout.digest: one.run.measurements.layout}

    def intern_in_a_transaction() -> dict[bytes, int]:
        with engine.begin() as second:
            return intern_layouts(second, by_digest)

    with ThreadPoolExecutor() as pool, engine.begin() as first:
        ids = intern_layouts(first, by_digest)
        other = pool.submit(intern_in_a_transaction)
        with pytest.raises(TimeoutError):  # it waits for whoever entered the layout first
            other.result(timeout=0.2)
        first.commit()
        assert other.result(timeout=10) == ids


def test_what_is_found_most(line: Recording) -> None:
    missing = {"DefectCode": "MISSING"}
    defects = {1: [BRIDGE, BRIDGE, missing], 2: [BRIDGE], 3: [FALSE, FALSE, FALSE]}
    for unit_id, found in defects.items():
        (one,) = said_inspected(unit("Failed", step("U1", "Failed", DefectsFound=found)))
        record_inspections(line.connection, [one.on(line.report(), unit_id, 0, None)])

    ranked = defect_pareto(line.connection, NOON, NOON + DAY)

    assert [(one.what, one.defects, one.units, one.false_calls, one.share) for one in ranked] == [
        ("BRIDGE", 3, 2, 3, 0.75),
        ("MISSING", 1, 1, 0, 1.0),
    ]
    by_place = defect_pareto(line.connection, NOON, NOON + DAY, by="reference_designator")
    assert [(one.what, one.defects) for one in by_place] == [("U1.7", 3), (None, 1)]
    assert defect_pareto(line.connection, NOON - DAY, NOON) == []


def test_a_connection_that_broke_is_told_as_such(engine: Engine) -> None:
    def record_and_lose_the_server() -> None:
        with engine.begin() as connection:
            line = Recording(connection)
            line.inspection(1)
            own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
            line.inspection(2)

    with pytest.raises(OperationalError):
        record_and_lose_the_server()

    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM inspection")).scalar_one() == 0


def test_a_text_no_database_takes_is_refused_as_such(line: Recording) -> None:
    (one,) = said_inspected(unit("Failed", step("U1", "Failed", DefectsFound=[{"DefectCode": "BRI\x00DGE"}])))

    with pytest.raises(DBAPIError, match="0x00"), line.connection.begin_nested():
        record_inspections(line.connection, [one.on(line.report(), 7, 0, None)])


def test_an_outcome_is_one_of_four_words(line: Recording) -> None:
    line.inspection(7)

    with pytest.raises(IntegrityError, match="ck_inspection_outcome"), line.connection.begin_nested():
        line.connection.execute(text("UPDATE inspection SET outcome = 'splendid'"))


@pytest.mark.parametrize("table", ["measurement", "measurement_column"])
def test_packed_values_are_stored_uncompressed(connection: Connection, table: str) -> None:
    storage = text(
        "SELECT attstorage FROM pg_attribute WHERE attrelid = CAST(:table AS regclass) AND attname = 'packed'"
    )

    assert connection.execute(storage, {"table": table}).scalar_one() == "e"


def test_both_clocks_are_kept(line: Recording) -> None:
    line.inspection(7, at=datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=UTC))

    (run,) = runs_of(line.connection, [(7, 0)])

    assert run.recorded_at == datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=UTC)
    assert run.received_at > run.recorded_at
