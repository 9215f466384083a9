"""A whole line: what it says is what it did, and the same seed does it again."""

import threading
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.cfx.body import decode_body
from app.cfx.envelope import Envelope, decode, encode
from app.cfx.messages import assembly, identification, inspection, production
from app.products.kicad import dump_program, read_design
from stations.faults import NO_FAULTS, Faults
from stations.gate import Admission
from stations.line import Line, machines_for, span, stations_for
from stations.machine import Said, Setup
from stations.panels import Panel, bare_panel
from stations.placement import share_out
from stations.program import OUR_BOARD, ProgramError, read_program
from stations.serials import check_character, is_valid, with_check
from stations.station import Station, StationSettings
from stations.truth import Truth
from tests.stations.known import from_messages, from_truth, lines

ROOT = Path(__file__).resolve().parents[2]
PICO_ICE = ROOT.parent / "shared" / "data" / "boards"


class Listener:
    """Stands where the station program stands: takes what a machine says and confirms it.

    Asks no gate; where panels are `unwanted` it is told to keep those out.
    """

    def __init__(self, machine: Any, unwanted: Collection[int] = ()) -> None:
        self.machine = machine
        self.handle = machine.handle
        self.said: list[Said] = []
        self.gate = unwanted or None

    def admit(self, panel: Panel) -> Admission:
        if self.gate is not None and panel.number in self.gate:
            return Admission(refused={board.position: "It is unwanted." for board in panel.boards})
        return Admission(admitted=frozenset(board.position for board in panel.boards))

    def report(self, said: list[Said]) -> None:
        self.said += said


def setup(faults: Faults = NO_FAULTS, *, seed: int = 1, run: str = "RUN1", boards: int = 3, **more: Any) -> Setup:
    return Setup(program=read_program(), faults=faults, seed=seed, run=run, takt=30.0, boards_per_panel=boards, **more)


def build(
    made: Setup, panels: int, truth: Path | None = None, *, unwanted: Mapping[str, Collection[int]] | None = None
) -> list[Listener]:
    """Run a line as fast as it goes, without spool and broker; a station lets in no panel `unwanted` there."""
    listeners = [Listener(machine, (unwanted or {}).get(machine.operation, ())) for machine in machines_for(made)]
    written = Truth(truth)
    line = Line(
        made,
        listeners,  # type: ignore[arg-type]
        written,
        panels=panels,
        magazine=2,
        began=datetime(2026, 5, 4, 6, 0, tzinfo=UTC),
        pace=0,
        stopping=threading.Event(),
    )
    line.run()
    assert line.done == panels
    written.end(panels, panels * made.boards_per_panel)
    return listeners


def test_what_the_machines_say_is_what_sits_on_the_boards(tmp_path: Path) -> None:
    faults = Faults(rejected=0.05, splice_missed=0.4, placement_defect=0.002, false_call=0.002)
    made = setup(faults, boards=4)
    listeners = build(made, 12, tmp_path / "truth")
    messages = [said.message for listener in listeners for said in listener.said]
    truth, rejected = from_truth(tmp_path / "truth")
    assert from_messages(messages) == (truth, rejected)
    assert len(truth) == 48
    designators = {component.reference_designator for component in made.program.components}
    assert all(places.keys() == designators for places in truth.values())
    kinds = Counter(type(message).__name__ for message in messages)
    assert kinds["SplicePointDetected"] > 10
    assert kinds["MaterialsEmpty"] > 3
    assert rejected.total() > 20
    mixed = sum(
        len({package for name, (package, _) in places.items() if name in {"C3", "C4", "C5", "C10", "C11"}}) > 1
        for places in truth.values()
    )
    assert mixed, "a splice passed in the middle of a board"


def test_the_panels_behind_a_magazine_that_was_taken_out_are_built() -> None:
    listeners = build(setup(), 4, unwanted={"solder_paste_inspection": {1, 2}})
    printed = [
        str(said.message.primary_identifier)[-8:-2]
        for said in listeners[1].said
        if isinstance(said.message, production.WorkStarted)
    ]
    assert printed == ["P00001", "P00002", "P00003", "P00004", "P00003", "P00004"]


def test_every_message_survives_the_wire(tmp_path: Path) -> None:
    for listener in build(setup(Faults(bad_mark=0.1), boards=2), 2):
        for said in listener.said:
            payload = encode(said.message, source=listener.handle, time_stamp=said.stamp)
            (envelope,) = decode(payload)
            assert isinstance(envelope, Envelope)
            assert msgspec.to_builtins(decode_body(envelope)) == msgspec.to_builtins(said.message)


def test_the_same_seed_builds_the_same_boards(tmp_path: Path) -> None:
    faults = Faults(rejected=0.02, bad_mark=0.05, lost=0.0)
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    said = [
        [(one.at, one.message) for listener in build(setup(faults, seed=seed), 3, path) for one in listener.said]
        for path, seed in ((first, 1), (again, 1), (other, 2))
    ]
    assert first.read_text() == again.read_text()
    assert said[0] == said[1]
    assert first.read_text() != other.read_text()
    run2 = tmp_path / "run2"
    build(setup(faults, run="RUN2"), 3, run2)
    assert not {line["serial"] for line in lines(first, "unit")} & {line["serial"] for line in lines(run2, "unit")}
    assert run2.read_text().replace("RUN2", "RUN1").count("\n") == first.read_text().count("\n")


def test_a_work_record_names_its_units_and_the_surface() -> None:
    listeners = build(setup(), 1)
    printer = next(listener for listener in listeners if "Printer" in listener.handle)
    started = [one.message for one in printer.said if isinstance(one.message, production.WorkStarted)]
    assert [one.relevant_surface for one in started] == ["SecondarySurface", "PrimarySurface"]
    assert [unit.position for unit in started[0].units or ()] == [1, 2, 3]
    stamps = [one.at for one in printer.said]
    assert stamps == sorted(stamps), "a machine speaks in the order of time"
    open_: set[Any] = set()
    for one in printer.said:
        if isinstance(one.message, production.WorkStarted):
            open_.add(one.message.transaction_id)
        elif isinstance(one.message, production.WorkCompleted):
            open_.remove(one.message.transaction_id)
        elif isinstance(one.message, assembly.MaterialsApplied):
            assert one.message.transaction_id in open_
    assert not open_


def test_an_unreadable_mark_goes_its_way_and_loses_no_unit(tmp_path: Path) -> None:
    listeners = build(setup(Faults(bad_mark=0.3), boards=4), 6, tmp_path / "truth")
    laser, tester = listeners[0], listeners[-1]
    unread = [one.message for one in laser.said if isinstance(one.message, identification.IdentifiersNotRead)]
    assert unread, "some marks came out too badly"
    read = [one.message for one in laser.said if isinstance(one.message, identification.IdentifiersRead)]
    assert len(read) == 6
    assert all(len(one.units or ()) == 4 for one in read)
    tested = {
        unit.unit_identifier
        for one in tester.said
        if isinstance(one.message, inspection.UnitsTested)
        for unit in one.message.tested_units
    }
    repaired_before = {line["serial"] for line in lines(tmp_path / "truth", "result") if line["outcome"] == "failed"}
    assert tested | repaired_before == {line["serial"] for line in lines(tmp_path / "truth", "unit")}
    assert all(is_valid(serial or "") for serial in tested)


def test_a_bad_lot_fails_in_the_test_and_nowhere_before(tmp_path: Path) -> None:
    made = setup(NO_FAULTS, boards=4, bad_lot="ABM8-8.000MHZ-10-1-U-T")
    listeners = build(made, 40, tmp_path / "truth")
    bad = {line["package"] for line in lines(tmp_path / "truth", "package") if line["bad"]}
    assert bad
    truth, _ = from_truth(tmp_path / "truth")
    with_bad = {serial for serial, places in truth.items() if places["Y2"][0] in bad}
    failed = {
        unit.unit_identifier or ""
        for one in listeners[-1].said
        if isinstance(one.message, inspection.UnitsTested)
        for unit in one.message.tested_units
        if unit.overall_result == "Failed"
    }
    assert failed
    assert failed <= with_bad
    # No fault, no bad part in it: with parts that all work, every board of the lot passes.
    assert with_bad - failed


def test_messages_a_machine_never_sent_are_in_the_truth(tmp_path: Path) -> None:
    made = setup(Faults(lost=0.2), boards=1)
    truth = Truth(tmp_path / "truth")
    (machine, *_) = machines_for(made)
    settings = StationSettings(data=tmp_path, broker_url="mqtt://127.0.0.1:1")
    station = Station(machine, "", settings, truth=truth)
    panel = bare_panel("RUN1", 1, 1, 1)
    said = machine.work(panel, "bottom", datetime.now(UTC)).said * 10
    station.report(said)
    kept = len(station.spool)
    station.stop()
    truth.close()
    lost = lines(tmp_path / "truth", "lost")
    assert 0 < len(lost) < len(said)
    assert kept + len(lost) == len(said)
    assert lost[0]["panel"] == panel.identifier


def test_a_wrong_clock_is_wrong_on_every_message_and_not_in_the_truth(tmp_path: Path) -> None:
    made = setup(Faults(clock_skew=90.0), boards=1)
    for listener in build(made, 1, tmp_path / "truth"):
        skews = {one.stamp - one.at for one in listener.said}
        assert len(skews) == 1
        assert timedelta(0) != skews.pop() <= timedelta(seconds=90)
    assert all(line["at"].startswith("2026-05-04") for line in lines(tmp_path / "truth", "placement"))


def test_the_part_numbers_are_shared_between_the_machines() -> None:
    program = read_program()
    first, second = share_out(program, 2)
    assert not first & second
    placed = Counter(one.part_number for one in program.components if one.assembly == "machine")
    assert first | second == placed.keys()
    loads = [sum(placed[part] for part in share) for share in (first, second)]
    assert abs(loads[0] - loads[1]) <= 8
    chips = {one.part_number for one in program.components if one.kind == "U"}
    assert chips <= second


def test_history_is_placed_so_that_it_ends_before_now() -> None:
    for panels in (1, 7, 50):
        made = setup(boards=1)
        began = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
        last = max(one.at for listener in build(made, panels) for one in listener.said)
        assert last - began < span(made, panels, 2)


def test_our_program_is_what_the_importer_makes_of_our_board() -> None:
    boards = ROOT / "stations" / "boards"
    design = read_design(boards / "field-node-revB-bom.csv", boards / "field-node-revB-placements.csv")
    assert dump_program(design) == OUR_BOARD.read_bytes()


@pytest.mark.skipif(not PICO_ICE.is_dir(), reason="the pico-ice files are not beside the checkout")
def test_the_line_of_a_board_without_hand_parts_has_no_bench(tmp_path: Path) -> None:
    design = read_design(PICO_ICE / "pico-ice-rev1-bom.csv", PICO_ICE / "pico-ice-rev1-placements.csv")
    path = tmp_path / "pico.json"
    path.write_bytes(dump_program(design))
    program = read_program(path)
    assert "Birthmark.Bench.HA01" not in stations_for(program)
    assert "Birthmark.Bench.HA01" in stations_for(read_program())
    assert sum(one.pads for one in program.components) > 250


def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    for text, said in (
        ("{}", "no placement program"),
        ('{"format":"x","version":1,"name":"a","revision":"1","components":[]}', "the stations read"),
        (
            '{"format":"birthmark.placement_program","version":1,"name":"a","revision":"1","components":[]}',
            "nothing to build",
        ),
    ):
        path.write_text(text)
        with pytest.raises(ProgramError, match=said):
            read_program(path)


def test_a_serial_typed_wrong_is_refused() -> None:
    assert check_character("A12425GABC1234002") == "M", "the example of ISO 7064 MOD 37,36 (GRid)"
    serial = with_check("K3F9A2-000017")
    assert is_valid(serial)
    for place in range(len(serial)):
        if serial[place] != "-":
            for other in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ":
                wrong = serial[:place] + other + serial[place + 1 :]
                assert is_valid(wrong) == (wrong == serial)
    assert not is_valid("K3F9A2")
    assert not is_valid("k3f9a2-x")
