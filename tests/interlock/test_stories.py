"""What the gate is for, told on the running line: real broker, intake, gate and station programs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.cfx.messages.materials import MaterialsInitialized
from app.cfx.messages.storage import MaterialsLoaded
from app.cfx.messages.structures import MaterialCarrier, MaterialLocation, MaterialPackage, MaterialPackageDetail
from app.embedded.broker import Broker
from app.interlock.plans import plan_policy
from app.materials.handling import set_handling
from app.materials.rules import Handling
from app.quality.containments import open_containment
from app.quality.terms import Terms
from app.setup.requirements import SlotPlan, require_setup
from app.trace.question import Question
from tests.interlock.running_line import AOI, PLACER, PRINTER, XRAY, RunningLine, starts

pytestmark = pytest.mark.slow

PASTE = "SAC305-T4-ROL0"
REFUSED = "SELECT count(*) FROM verdict JOIN station USING (station_id) WHERE handle = :station AND :code = ANY (codes)"
BLOCKED = """
    SELECT count(*) FROM station_request JOIN station USING (station_id)
    WHERE handle = :station AND message_name = 'CFX.Materials.Management.BlockMaterialsRequest' AND outcome = 'Success'
      AND reason LIKE :reason
"""


@pytest.fixture
def line(engine: Engine, database: str, broker: Broker, data_dir: Path) -> Iterator[RunningLine]:
    with RunningLine(engine, database, broker, data_dir) as line:
        yield line


def test_a_board_that_failed_at_the_aoi_gets_no_further(line: RunningLine) -> None:
    line.run(4, "--no-faults", "--placement-defect", "0.006")
    line.finish()
    failed = line.ask(
        """
        SELECT DISTINCT ON (unit_id, position_number) unit_id, position_number, outcome, inspection.recorded_at
        FROM inspection JOIN station USING (station_id) WHERE handle = :aoi AND run > 0
        ORDER BY unit_id, position_number, inspection.recorded_at DESC
        """,
        aoi=AOI,
    )
    failed = [row for row in failed if row.outcome == "failed"]
    assert failed, "no board failed: choose another seed"
    for unit_id, position, _, since in failed:
        later = line.ask(
            """
            SELECT station.operation FROM work_record JOIN station USING (station_id)
            WHERE unit_id = :unit AND :position = ANY (position_numbers) AND started_at > :since
            """,
            unit=unit_id, position=position, since=since,
        )  # fmt: skip
        assert not later
    assert line.ask(REFUSED, station=XRAY, code="failed")[0][0] >= 1 or line.ask(
        REFUSED, station=PRINTER, code="failed"
    )
    assert line.said("gate.refused")


def test_a_lot_contained_with_panels_inside_the_line_stops_each_before_its_next_gate(line: RunningLine) -> None:
    line.run(8, "--no-faults", takt=1.5)
    line.wait_for(
        "SELECT count(DISTINCT unit_id) >= 3 FROM work_record JOIN station USING (station_id) WHERE handle = :printer",
        printer=PRINTER,
    )
    lot = line.ask("SELECT lot_code FROM lot WHERE part_number = :paste", paste=PASTE)[0][0]
    with line.engine.begin() as connection:
        question = Question(lot=lot, part_number=PASTE)
        open_containment(connection, Terms(question), reason="too old", actor="person:quinn")
    since = datetime.now(UTC)
    line.finish()
    assert line.ask("SELECT count(*) FROM unit_hold WHERE NOT later")[0][0] >= 3
    # A later count may hold a panel that is at the printer and has not said what it got, just after the jar's change.
    passed = line.ask(
        """
        SELECT serial, handle, decided_at, held_at, evidence, later FROM verdict JOIN unit_hold USING (unit_id)
        JOIN unit USING (unit_id) JOIN station ON station.station_id = verdict.station_id
        WHERE allowed AND decided_at > CASE WHEN later THEN held_at ELSE :since END
        """,
        since=since,
    )
    assert passed == []
    refused = line.ask("SELECT count(DISTINCT unit_id) FROM verdict WHERE 'on_hold' = ANY (codes)")
    assert refused[0][0] >= 3
    # The printer was told, its operator took another lot, and the panels that had no paste yet went on.
    assert line.ask(BLOCKED, station=PRINTER, reason="%on hold%")[0][0] == 1
    assert starts(line, since=since + timedelta(seconds=3), station=PRINTER)


def test_a_wrong_reel_at_the_feeder_stops_the_machine_until_the_right_one_is_back(line: RunningLine) -> None:
    line.run(6, "--no-faults", takt=1.2)
    line.wait_for(
        "SELECT count(*) >= 5 FROM loading_event JOIN station USING (station_id) WHERE handle = :placer", placer=PLACER
    )
    slot, lane, right, part, feeder = line.ask(
        """
        SELECT slot, lane, identifier, part_number, feeder FROM loading_event JOIN station USING (station_id)
        JOIN package USING (package_id) WHERE handle = :placer ORDER BY slot, lane LIMIT 1
        """,
        placer=PLACER,
    )[0]
    revision = line.ask("SELECT product_revision_id FROM work_order LIMIT 1")[0][0]
    with line.engine.begin() as connection:
        plan = SlotPlan(slot, part, lane=lane)
        require_setup(connection, station=PLACER, product_revision_id=revision, slots=[plan], actor="person:eve")

    def load(package: str, number: str) -> None:
        detail = MaterialPackageDetail(unique_identifier=package, internal_part_number=number, quantity=500.0)
        line.publish(PLACER, MaterialsInitialized(materials=[detail]))
        carrier = MaterialCarrier(unique_identifier=feeder, lane_number=int(lane))
        material = MaterialPackage(unique_identifier=package, internal_part_number=number, quantity=500.0)
        place = MaterialLocation(location_identifier=slot, material_package=material, carrier_information=carrier)
        line.publish(PLACER, MaterialsLoaded(materials=[place]))

    load("WRONG-1", "SOMETHING-ELSE")
    line.wait_for(f"{REFUSED.replace('count(*)', 'count(*) >= 2')}", station=PLACER, code="wrong_part")
    stopped = datetime.now(UTC)
    held_up = starts(line, since=stopped, station=PLACER)
    load(right, part)
    corrected = datetime.now(UTC)
    line.finish()
    assert not held_up
    assert not starts(line, since=stopped, until=corrected, station=PLACER)
    assert starts(line, since=corrected, station=PLACER)
    wrong = "ARRAY(SELECT package_id FROM package WHERE identifier = 'WRONG-1')"
    assert line.ask(f"SELECT count(*) FROM material_chunk WHERE package_ids && {wrong}")[0][0] == 0


def test_a_reel_that_outlives_its_floor_life_in_the_order_is_warned_of_and_then_blocked(line: RunningLine) -> None:
    with line.engine.begin() as connection:
        plan_policy(connection, station=PLACER, policy="fail_closed", actor="person:eve")
    line.run(9, "--no-faults", takt=1.5)
    line.wait_for(
        "SELECT count(*) >= 5 FROM loading_event JOIN station USING (station_id) WHERE handle = :placer", placer=PLACER
    )
    part, package, loaded_at = line.ask(
        """
        SELECT part_number, identifier, recorded_at FROM loading_event JOIN station USING (station_id)
        JOIN package USING (package_id) WHERE handle = :placer ORDER BY slot, lane LIMIT 1
        """,
        placer=PLACER,
    )[0]
    expires = datetime.now(UTC) + timedelta(seconds=12)
    hours = (expires - loaded_at).total_seconds() / 3600
    with line.engine.begin() as connection:
        set_handling(connection, [Handling(part, moisture_level="3", floor_life_hours=hours)], actor="person:eve")
    warned = "SELECT count(*) > 0 FROM verdict JOIN station USING (station_id) WHERE handle = :placer"
    line.wait_for(f"{warned} AND facts::text LIKE '%expires_soon%'", placer=PLACER)
    assert datetime.now(UTC) < expires
    line.wait_for(BLOCKED.replace("count(*)", "count(*) > 0"), station=PLACER, reason="%floor life%", patience=60)
    line.finish()
    late = line.ask(
        """
        SELECT count(*) FROM installation JOIN material_set USING (set_id)
        CROSS JOIN LATERAL unnest(chunk_ids) AS chunk_id JOIN material_chunk USING (chunk_id)
        WHERE installation.recorded_at > :expires + interval '4 seconds'
          AND package_ids && ARRAY(SELECT package_id FROM package WHERE identifier = :package)
        """,
        expires=expires, package=package,
    )  # fmt: skip
    assert late[0][0] == 0
