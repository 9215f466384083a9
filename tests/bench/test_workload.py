"""The traffic of the benchmarks: what its messages say is the truth that goes with them."""

import pytest

from app.bench.workload import BOARDS_OF_A_REEL, PLACEMENTS, SLOTS, Line, announcement
from app.cfx.body import decode_body
from app.cfx.envelope import Envelope, decode
from app.cfx.messages.assembly import InstalledMaterial, MaterialsInstalled
from app.cfx.messages.materials import MaterialsInitialized


def entries_of(payload: bytes) -> list[InstalledMaterial]:
    (envelope,) = decode(payload)
    assert isinstance(envelope, Envelope)
    message = decode_body(envelope)
    assert isinstance(message, MaterialsInstalled)
    return message.installed_materials


@pytest.mark.parametrize("machines", [1, 2])
def test_messages_say_which_package_filled_each_designator(machines: int) -> None:
    line = Line(machines=machines)
    rejected = 0
    for board in line.boards(120):
        assert [message.source for message in board.messages] == list(line.stations)
        found: dict[str, str] = {}
        for entry in (entry for message in board.messages for entry in entries_of(message.payload)):
            assert entry.unit_identifier == board.serial
            assert entry.material is not None
            rejected += len(entry.non_installed_components or ())
            for component in entry.installed_components or ():
                assert component.reference_designator not in found
                found[str(component.reference_designator)] = str(entry.material.unique_identifier)
        packages = [line.packages[number].identifier for number in board.packages]
        assert found == dict(zip(line.designators, packages, strict=True))
        assert len(found) == PLACEMENTS
    assert 1 <= rejected <= 30


def test_reels_last_about_500_boards_and_most_are_spliced_within_one() -> None:
    line = Line()
    boards = 600
    spliced = sum(len(entries_of(board.messages[0].payload)) - SLOTS for board in line.boards(boards))
    changes = len(line.packages) - SLOTS
    expected = boards * SLOTS / BOARDS_OF_A_REEL
    assert 0.8 * expected < changes < 1.4 * expected
    assert 0.6 * changes < spliced < changes


def test_a_board_is_as_large_as_machines_make_it() -> None:
    sizes = [len(board.messages[0].body) for board in Line().boards(20)]
    assert 90_000 < min(sizes) <= max(sizes) < 120_000


def test_a_seed_gives_the_same_traffic() -> None:
    def sent(seed: int) -> list[bytes]:
        return [message.payload for board in Line(seed).boards(30) for message in board.messages]

    assert sent(3) == sent(3)
    assert sent(3) != sent(4)


def test_quantities_as_machines_give_them() -> None:
    def quantities(policy: str) -> list[list[float | None]]:
        line = Line(quantities=policy)  # type: ignore[arg-type]
        return [
            [entry.material.quantity if entry.material else None for entry in entries_of(board.messages[0].payload)]
            for board in line.boards(2)
        ]

    first, second = quantities("constant")
    assert first == second
    assert set(quantities("absent")[0]) == {None}
    counted = quantities("counting")
    assert all(before > after for before, after in zip(*counted, strict=True) if before is not None is not after)


def test_the_store_announces_packages_with_their_lots() -> None:
    line = Line()
    board = next(line.boards(1))
    assert len(board.begun) >= SLOTS
    (envelope,) = decode(announcement(line.stations[0], board.messages[0].unique_id, board.recorded_at, board.begun))
    assert isinstance(envelope, Envelope)
    message = decode_body(envelope)
    assert isinstance(message, MaterialsInitialized)
    told = {one.unique_identifier: one.manufacturer_lot_code for one in message.materials}
    assert told == {package.identifier: package.lot for package in board.begun}
