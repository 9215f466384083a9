"""What a machine reports of one work: `MaterialsInstalled`, addressed and named the way this machine does it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

from app.cfx.messages.assembly import InstalledMaterial, MaterialsInstalled, NonInstalledComponent
from app.cfx.messages.structures import (
    InstalledComponent,
    MaterialCarrier,
    MaterialCarrierLocation,
    MaterialPackage,
)
from tests.flows.factory.blueprint import Address, Lost, MachineBlueprint, Naming
from tests.flows.factory.boards import Board, Certainty, Panel
from tests.flows.factory.material import Package, Piece
from tests.flows.factory.route import material

LOSING = 0.4
"""Share of what a machine that loses reports loses."""


@dataclass(frozen=True, slots=True)
class Job:
    """A designator, and the part that the design asks for there."""

    designator: str
    part_number: str


@dataclass(frozen=True, slots=True)
class Spot:
    """Where on the machine a piece was picked; `lane` is None for a feeder with one."""

    slot: str
    name: str
    feeder: str
    lane: int | None


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece picked for a board: placed, or thrown away."""

    board: Board
    job: Job
    spot: Spot
    piece: Piece
    rejected: bool
    at: float


@dataclass(frozen=True, slots=True)
class Report:
    """A message, which pieces it speaks of, how clearly it says on which board they are, and whether it is lost.

    `whole`: it names the panel, not the board.
    """

    message: MaterialsInstalled
    placed: tuple[Placed, ...]
    certainty: Certainty
    lost: bool
    whole: bool


def reports(
    machine: MachineBlueprint,
    panel: Panel,
    placed: Sequence[Placed],
    transaction: UUID,
    rng: Random,
    *,
    lanes: bool,
) -> list[Report]:
    """The reports of one work."""
    if machine.naming is Naming.silent:
        return []
    clear = machine.address not in {Address.panel, Address.bare} or len(panel.boards) == 1
    certainty = Certainty.certain if clear else Certainty.arguable if len(panel.good) == 1 else Certainty.open
    losing = machine.lost is not Lost.nothing and rng.random() < LOSING
    told = []
    for own in _messages(machine, placed, clear=clear):
        groups = _grouped(own, lambda one: _source(machine, one, lanes=lanes, clear=clear))
        entries = [_entry(machine, panel, group, lanes=lanes) for group in groups]
        message = MaterialsInstalled(transaction_id=transaction, installed_materials=entries)
        lost = losing and (machine.lost is Lost.work or rng.random() < 0.5)
        told.append(Report(message, tuple(own), certainty, lost, not clear))
    return told


def _messages(machine: MachineBlueprint, placed: Sequence[Placed], *, clear: bool) -> list[list[Placed]]:
    """One message a work, or one a board, or one a board and slot, so that a part of it can get lost."""
    if machine.lost is Lost.board and clear:
        return _grouped(placed, lambda one: id(one.board))
    if machine.lost is Lost.slot:
        return _grouped(placed, lambda one: (id(one.board) if clear else 0, one.spot.slot))
    return [list(placed)] if placed else []


def _grouped(placed: Iterable[Placed], by: Callable[[Placed], object]) -> list[list[Placed]]:
    """In order of first appearance."""
    groups: dict[object, list[Placed]] = {}
    for one in placed:
        groups.setdefault(by(one), []).append(one)
    return list(groups.values())


def _chain(machine: MachineBlueprint, piece: Piece) -> tuple[Package, ...]:
    if machine.naming is Naming.chain:
        return piece.known.chain
    if machine.naming is Naming.head:
        return piece.known.chain[:1]
    return (piece.package,) if machine.naming is Naming.named else ()


def _source(machine: MachineBlueprint, one: Placed, *, lanes: bool, clear: bool) -> object:
    """What one entry speaks of."""
    chain = tuple(package.identifier for package in _chain(machine, one.piece))
    grey = machine.naming is Naming.chain and one.piece.known.grey
    part = one.piece.package.part_number
    return id(one.board) if clear else 0, one.spot.slot, one.spot.lane if lanes else None, chain, grey, part


def _entry(machine: MachineBlueprint, panel: Panel, group: Sequence[Placed], *, lanes: bool) -> InstalledMaterial:
    first = group[0]
    identifier, position = _address(machine.address, panel, first.board)
    installed = list(dict.fromkeys(one.job.designator for one in group if not one.rejected))
    rejected = list(dict.fromkeys(one.job.designator for one in group if one.rejected))
    spot = first.spot
    carrier = MaterialCarrier(unique_identifier=spot.feeder, lane_number=spot.lane if lanes else None)
    package = _package(machine, first.piece, first.job.part_number)
    told_part = package.internal_part_number if package else first.job.part_number
    return InstalledMaterial(
        unit_identifier=identifier,
        unit_position_number=position,
        quantity_installed=float(sum(not one.rejected for one in group)),
        quantity_non_installed=float(sum(one.rejected for one in group)),
        material=package,
        carrier_location=MaterialCarrierLocation(
            location_identifier=spot.slot, location_name=spot.name, carrier_information=carrier
        ),
        installed_components=[InstalledComponent(reference_designator=name) for name in installed] or None,
        non_installed_components=[NonInstalledComponent(reference_designator=name) for name in rejected] or None,
        reference_part_number=first.job.part_number if told_part != first.job.part_number else None,
    )


def _package(machine: MachineBlueprint, piece: Piece, asked: str) -> MaterialPackage | None:
    chain = _chain(machine, piece)
    if not chain:
        return None
    # A machine knows an alternate for one; a reel that does not belong there it takes for what it should be.
    told = piece.package.part_number if piece.package.part_number.startswith(asked) else asked
    grey = 1 if machine.naming is Naming.chain and piece.known.grey else 0
    return material(chain, told, grey=grey, counted=machine.tells_quantities)


def _address(address: Address, panel: Panel, board: Board) -> tuple[str | None, int | None]:
    match address:
        case Address.serial:
            return board.serial, None
        case Address.serial_position:
            return board.serial, board.position
        case Address.transaction:
            return None, board.position
        case Address.panel:
            return panel.identifier, None
        case Address.bare:
            return None, None
        case _:
            return panel.identifier, board.position
