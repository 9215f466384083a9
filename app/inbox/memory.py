"""What one process remembers of the database between transactions; see `app.known`."""

from dataclasses import dataclass

import msgspec

from app.cfx.installed import Dissection, Kind
from app.inbox.cuts import Cuts
from app.known import Known, Overlay
from app.units.installations import Interned, InternedMemory, KnownSet


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """An installed-materials message seen before: for other units it is stored from its outline alone.

    `groups` are (index of the unit identifier, position number, material set); the rest is what the sets do not hold,
    with the transaction cut out of its frame.
    """

    kind: Kind
    groups: tuple[tuple[int, int, KnownSet], ...]
    prefix: bytes
    suffix: bytes
    separators: tuple[bytes, ...]
    runs: tuple[tuple[int, int], ...]
    values: msgspec.Raw
    """As they stand in a residue, encoded: the same for every board."""


class Memory:
    """The committed memories of a process."""

    def __init__(self) -> None:
        self.stations: Known[str, int] = Known(100_000)
        self.units: Known[str, int] = Known(200_000)
        self.packages: Known[str, int] = Known(200_000)
        self.work_orders: Known[str, int] = Known(20_000)
        self.recipes: Known[tuple[str, str | None], int] = Known(20_000)
        self.seen: Known[bytes, SeenMessage] = Known(50_000)
        self.interned = InternedMemory()
        self.cuts = Cuts()

    def open(self) -> "Ids":
        """A view for one transaction."""
        return Ids(self)


class Ids:
    """What is known within one transaction; `keep` after its COMMIT."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.stations: Overlay[str, int] = memory.stations.overlay()
        self.units: Overlay[str, int] = memory.units.overlay()
        self.packages: Overlay[str, int] = memory.packages.overlay()
        self.work_orders: Overlay[str, int] = memory.work_orders.overlay()
        self.recipes: Overlay[tuple[str, str | None], int] = memory.recipes.overlay()
        self.seen: Overlay[bytes, SeenMessage] = memory.seen.overlay()
        self._placements = memory.interned.placements.overlay()
        self._chunks = memory.interned.chunks.overlay()
        self._sets = memory.interned.sets.overlay()
        self.interned = Interned(self._placements, self._chunks, self._sets)
        self.cuts = memory.cuts
        self.alike: dict[bytes, tuple[Dissection, tuple[str, ...]]] = {}
        """By outline: the parts of a message met just now, and its units; proven to hold for others."""

    def keep(self) -> None:
        """The transaction is committed: what it learned is true."""
        memory = self._memory
        memory.stations.keep(self.stations)
        memory.units.keep(self.units)
        memory.packages.keep(self.packages)
        memory.work_orders.keep(self.work_orders)
        memory.recipes.keep(self.recipes)
        memory.seen.keep(self.seen)
        memory.interned.placements.keep(self._placements)
        memory.interned.chunks.keep(self._chunks)
        memory.interned.sets.keep(self._sets)
