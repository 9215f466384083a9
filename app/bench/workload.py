"""Traffic of placement machines as a factory sends it: the same boards for every benchmark, from a seed.

A line places boards of 1,000 components from about a hundred slots, spread over one machine or two. Each slot holds a
reel of a size that reels are sold in, which lasts about 500 boards; so a reel runs out about every five boards, in most
cases in the middle of a board, where the next one was spliced to it: the board then has two entries for that location,
the old package with the first designators and the new package with the rest. Now and then a component is rejected and
placed again (`NonInstalledComponents`).

Source of the message's form: IPC-2591 (CFX) `Production.Assembly.MaterialsInstalled`, compact as machines send it.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from app.cfx.scalars import format_moment

Quantities: TypeAlias = Literal["constant", "absent", "counting"]
"""What a machine says in `Material.Quantity`: the reel's size, nothing, or what is left on it at each board."""

PLACEMENTS = 1000
SLOTS = 100
BOARDS_OF_A_REEL = 500
REELS_OF_A_LOT = 20
SPLICED_SHARE = 0.85
"""Of the reel changes; the others happen between two boards, and the last pieces are thrown away."""
BOARDS_WITH_A_REJECT = 0.05
"""One rejection in 20,000 placements, of those that name their designator."""

_SOLD = np.array([500, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 8000, 10_000, 15_000, 20_000, 30_000, 50_000])
_COMMON = (("C", "CAP0402-", 8.0, 2.0), ("R", "RES0402-", 8.0, 2.0), ("L", "IND0603-", 8.0, 4.0))
_RARE = (("U", "IC-QFN-", 12.0, 8.0), ("D", "LED0603-", 8.0, 4.0), ("Q", "FET-SOT-", 8.0, 4.0))
_HOLE = b"\xff"  # UTF-8 never has it: it stands for the unit's identifier until the board is known
_FIRST = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
_CYCLE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Message:
    """One `MaterialsInstalled`: the envelope as published, and the MessageBody in it."""

    source: str
    unique_id: UUID
    payload: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Package:
    """A reel; `number` counts them from 0 in the order in which they were begun."""

    number: int
    identifier: str
    part_number: str
    lot: str
    pieces: int


@dataclass(frozen=True, slots=True)
class Board:
    """One board: what its machines said of it, and the truth behind it.

    `packages` holds the number of the package behind each of the line's `designators`; `begun` are the packages that
    this board is the first to use.
    """

    serial: str
    recorded_at: datetime
    messages: tuple[Message, ...]
    packages: NDArray[np.int32]
    begun: tuple[Package, ...]


@dataclass(slots=True)
class _Slot:
    """A location of a machine; `first` is the index of its first designator among the line's."""

    first: int
    components: tuple[bytes, ...]
    designators: tuple[str, ...]
    carrier: bytes
    part_number: str
    pieces: int
    package: Package
    reels: int

    def __len__(self) -> int:
        return len(self.components)


@dataclass(slots=True)
class _Machine:
    """The slots of one station, what is left in them, and their entries as they are while no reel changes."""

    station: str
    slots: list[_Slot]
    counts: NDArray[np.int64]
    left: NDArray[np.int64]
    entries: list[bytes] = field(default_factory=list)
    joined: bytes = b""


class Line:
    """A line that builds one product. Deterministic by its seed; `boards` goes on where it stopped."""

    def __init__(
        self,
        seed: int = 1,
        *,
        machines: int = 1,
        quantities: Quantities = "constant",
        name: str = "Line1",
        placements: int = PLACEMENTS,
        slots: int = SLOTS,
    ) -> None:
        self._placements = placements
        self._random = random.Random(f"{seed} {name}")  # noqa: S311  (traffic, not secrets)
        self._quantities = quantities
        self._name = name
        self._built = 0
        self._told = 0
        self.packages: list[Package] = []
        """Every package used so far, by number."""
        filled = self._slots(slots)
        self.designators = tuple(designator for slot in filled for designator in slot.designators)
        self.slot_numbers = tuple(number for number, slot in enumerate(filled) for _ in slot.designators)
        """Which slot fills each designator."""
        share = -(-len(filled) // machines)
        self._machines = [
            self._machine(f"Bench.Placer.{name}-{number}", filled[at : at + share])
            for number, at in enumerate(range(0, len(filled), share), start=1)
        ]
        self.stations = tuple(machine.station for machine in self._machines)
        self._filled = np.array([filled[number].package.number for number in self.slot_numbers], np.int32)

    def boards(self, count: int) -> Iterator[Board]:
        """The next boards."""
        for _ in range(count):
            yield self._board()

    def _slots(self, places: int) -> list[_Slot]:
        numbers: dict[str, int] = {}
        slots: list[_Slot] = []
        first = 0
        for index, count in enumerate(_shared_out(self._random, self._placements, places)):
            letter, part, width, pitch = self._random.choice(_COMMON if count > 2 else _RARE)
            start = numbers.get(letter, 0)
            numbers[letter] = start + count
            designators = tuple(f"{letter}{start + 1 + at}" for at in range(count))
            part_number = f"{part}{10_000 + 37 * index}"
            pieces = int(_SOLD[np.argmin(abs(_SOLD - count * BOARDS_OF_A_REEL))])
            reels = self._random.randrange(REELS_OF_A_LOT)
            slots.append(
                _Slot(
                    first=first,
                    components=tuple(self._component(designator) for designator in designators),
                    designators=designators,
                    carrier=_carrier(index, width, pitch),
                    part_number=part_number,
                    pieces=pieces,
                    package=self._package(part_number, pieces, reels),
                    reels=reels,
                )
            )
            first += count
        return slots

    def _component(self, designator: str) -> bytes:
        nozzle = self._random.randint(1, 24)
        return f'{{"ReferenceDesignator":"{designator}","HeadAndNozzle":{{"Name":"N{nozzle}"}}}}'.encode()

    def _package(self, part_number: str, pieces: int, reels: int) -> Package:
        number = len(self.packages)
        lot = f"L{part_number[-5:]}-{1 + reels // REELS_OF_A_LOT:03d}"
        package = Package(number, f"{self._name}-RL{26_000_000 + number}", part_number, lot, pieces)
        self.packages.append(package)
        return package

    def _machine(self, station: str, slots: list[_Slot]) -> _Machine:
        counts = np.array([len(slot) for slot in slots])
        left = np.array([self._random.randrange(len(slot), slot.pieces) for slot in slots])
        machine = _Machine(station, slots, counts, left)
        machine.entries = [self._entry(slot, slot.package, slot.pieces) for slot in slots]
        machine.joined = b",".join(machine.entries)
        return machine

    def _board(self) -> Board:
        self._built += 1
        serial = f"{self._name}W47{self._built:08d}"
        recorded_at = _FIRST + self._built * _CYCLE
        rejected = self._random.randrange(self._placements) if self._random.random() < BOARDS_WITH_A_REJECT else -1
        filled = self._filled.copy()
        messages = tuple(
            self._message(machine.station, self._place(machine, filled, rejected, recorded_at), serial, recorded_at)
            for machine in self._machines
        )
        begun = tuple(self.packages[self._told :])
        self._told = len(self.packages)
        return Board(serial, recorded_at, messages, filled, begun)

    def _place(self, machine: _Machine, filled: NDArray[np.int32], rejected: int, recorded_at: datetime) -> bytes:
        """The entries of one machine's board; reels go on."""
        machine.left -= machine.counts
        before, after = {}, {}
        for at in map(int, np.flatnonzero(machine.left < 0)):
            before[at], after[at] = self._change(machine, at, filled)
        if self._quantities == "counting":
            for at, slot in enumerate(machine.slots):
                before.setdefault(at, self._entry(slot, slot.package, int(machine.left[at])))
        if rejected >= 0:
            for at, slot in enumerate(machine.slots):
                if 0 <= rejected - slot.first < len(slot):
                    before[at] = _with_reject(before.get(at, machine.entries[at]), slot, rejected, recorded_at)
        if not before:
            return machine.joined
        text = b",".join(before.get(at, entry) for at, entry in enumerate(machine.entries))
        if after:
            machine.entries = [after.get(at, entry) for at, entry in enumerate(machine.entries)]
            machine.joined = b",".join(machine.entries)
        return text

    def _change(self, machine: _Machine, at: int, filled: NDArray[np.int32]) -> tuple[bytes, bytes]:
        """The next reel of a slot: its entries on this board, and its entry from the next board on."""
        slot = machine.slots[at]
        old, remaining = slot.package, int(machine.left[at]) + len(slot)
        slot.reels += 1
        slot.package = self._package(slot.part_number, slot.pieces, slot.reels)
        if self._random.random() >= SPLICED_SHARE:
            remaining = 0
        machine.left[at] = slot.pieces - (len(slot) - remaining)
        places = slice(slot.first, slot.first + len(slot))
        self._filled[places] = slot.package.number
        filled[places] = slot.package.number
        whole = self._entry(slot, slot.package, slot.pieces)
        if not remaining:
            return whole, whole
        filled[slot.first : slot.first + remaining] = old.number
        entries = (
            self._entry(slot, old, 0 if self._quantities == "counting" else slot.pieces, stop=remaining),
            self._entry(slot, slot.package, slot.pieces, start=remaining),
        )
        return b",".join(entries), whole

    def _entry(self, slot: _Slot, package: Package, left: int, *, start: int = 0, stop: int | None = None) -> bytes:
        components = slot.components[start:stop]
        quantity = "" if self._quantities == "absent" else f',"Quantity":{left}.0'
        material = f'"UniqueIdentifier":"{package.identifier}","InternalPartNumber":"{package.part_number}"{quantity}'
        return (
            b'{"UnitIdentifier":"' + _HOLE + b'","UnitPositionNumber":1,'
            b'"QuantityInstalled":%d.0,"QuantityNonInstalled":0.0,' % len(components)
            + f'"Material":{{{material}}},'.encode()
            + slot.carrier
            + b'"InstalledComponents":[' + b",".join(components) + b'],"NonInstalledComponents":[]}'
        )  # fmt: skip

    def _message(self, station: str, entries: bytes, serial: str, recorded_at: datetime) -> Message:
        transaction, unique_id = (UUID(int=self._random.getrandbits(128), version=4) for _ in range(2))
        body = (
            b'{"TransactionId":"%s","InstalledMaterials":[' % str(transaction).encode()
            + entries.replace(_HOLE, serial.encode())
            + b"]}"
        )
        payload = envelope("Production.Assembly.MaterialsInstalled", station, unique_id, recorded_at, body)
        return Message(station, unique_id, payload, body)


def envelope(name: str, station: str, unique_id: UUID, recorded_at: datetime, body: bytes) -> bytes:
    """A CFX envelope around a body's bytes."""
    return (
        b'{"MessageName":"CFX.%s","Version":"1.7","TimeStamp":"%s","UniqueID":"%s","Source":"%s",'
        b'"Target":null,"RequestID":null,"MessageBody":%s}'
        % (name.encode(), format_moment(recorded_at).encode(), str(unique_id).encode(), station.encode(), body)
    )


def announcement(station: str, unique_id: UUID, recorded_at: datetime, packages: Sequence[Package]) -> bytes:
    """`MaterialsInitialized`: the packages with their part numbers and lots, as the store tells them."""
    materials = [
        {
            "UniqueIdentifier": package.identifier,
            "InternalPartNumber": package.part_number,
            "ManufacturerLotCode": package.lot,
            "Manufacturer": "Bench Components",
            "InitialQuantity": float(package.pieces),
            "Quantity": float(package.pieces),
        }
        for package in packages
    ]
    body = msgspec.json.encode({"Materials": materials})
    return envelope("Materials.Management.MaterialsInitialized", station, unique_id, recorded_at, body)


def _shared_out(rng: random.Random, total: int, parts: int) -> list[int]:
    """How many components each slot places: a few slots many, most of them some, each at least one."""
    weights = [rng.lognormvariate(0, 1.0) for _ in range(parts)]
    counts = [1 + int((total - parts) * weight / sum(weights)) for weight in weights]
    counts[counts.index(max(counts))] += total - sum(counts)
    return counts


def _carrier(index: int, width: float, pitch: float) -> bytes:
    feeder = 40_000 + 13 * index
    return (
        f'"CarrierLocation":{{"LocationIdentifier":"T{1 + index // 50}-S{1 + index % 50:02d}-L1",'
        f'"LocationName":"SLOT{1 + index % 50}","CarrierInformation":{{'
        '"$type":"CFX.Structures.SMTPlacement.SMDTapeFeeder, CFX",'
        f'"LaneNumber":{1 + index % 2},'
        f'"TapeWidth":{width},"TapePitch":{pitch},"UniqueIdentifier":"FD{feeder}",'
        f'"Name":"TAPE{width:.0f}mm-{feeder}"}}}},'
    ).encode()


def _with_reject(entry: bytes, slot: _Slot, rejected: int, recorded_at: datetime) -> bytes:
    """The entry of a slot (the last, where there are two) with a component that was thrown away first."""
    component = (
        f'{{"ReferenceDesignator":"{slot.designators[rejected - slot.first]}",'
        f'"NonInstallationTime":"{format_moment(recorded_at)}","Location":"RejectionBox",'
        '"RejectionBoxId":"RB1","RejectionReason":"IncorrectComponentDimensions"}'
    )
    head, _, tail = entry.rpartition(b'"NonInstalledComponents":[]')
    at = head.rindex(b'"QuantityNonInstalled":0.0')
    head = head[:at] + b'"QuantityNonInstalled":1.0' + head[at + len(b'"QuantityNonInstalled":0.0') :]
    return head + b'"NonInstalledComponents":[' + component.encode() + b"]" + tail
