"""Parts as things: lots, reels, and tapes spliced from reels. What a machine is told is elsewhere.

The truth file is written from these objects; messages are composed by the machines' controllers
from what was loaded and what the splice sensor said (`stations.feeders`). That the two agree is
what the line has to show, so neither looks into the other.
"""

import random
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

REELS_IN_A_LOT: Final = (3, 6)


@dataclass(frozen=True, slots=True)
class Lot:
    """What a supplier made in one go."""

    part_number: str
    code: str
    manufacturer: str
    bad: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One component. `sound` is what no camera sees and the functional test finds out."""

    part_number: str
    package: str
    lot: str
    sound: bool


@dataclass(slots=True)
class Reel:
    """One physical package of parts of one lot."""

    identifier: str
    lot: Lot
    quantity: int
    left: int


class Stock:
    """The store that hands out reels; every reel ever handed out is in `issued`.

    `bad_lot` is the part number whose second lot is bad, `bad_parts` the share of its parts that
    fail. `prefix` makes package identifiers unique to a station and run.
    """

    def __init__(self, prefix: str, chance: random.Random, *, bad_lot: str = "", bad_parts: float = 0.0) -> None:
        self.issued: list[Reel] = []
        self._prefix = prefix
        self._chance = chance
        self._bad_lot = bad_lot
        self._bad_parts = bad_parts
        self._lots: dict[str, tuple[Lot, int]] = {}
        self._lots_made: dict[str, int] = {}

    def reel(self, part_number: str, manufacturer: str | None, quantity: int) -> Reel:
        """Hand out a reel, of the lot that is open or of the next."""
        lot, left = self._lots.get(part_number, (None, 0))
        if lot is None or left == 0:
            lot, left = self._next_lot(part_number, manufacturer or "Unknown"), self._chance.randint(*REELS_IN_A_LOT)
        self._lots[part_number] = lot, left - 1
        reel = Reel(f"{self._prefix}{len(self.issued) + 1:05d}", lot, quantity, quantity)
        self.issued.append(reel)
        return reel

    def set_aside(self, packages: Collection[str]) -> None:
        """Hand out no more of the lots that these packages came from."""
        lots = {reel.lot.code for reel in self.issued if reel.identifier in packages}
        self._lots = {part: (lot, left) for part, (lot, left) in self._lots.items() if lot.code not in lots}

    def _next_lot(self, part_number: str, manufacturer: str) -> Lot:
        number = self._lots_made[part_number] = self._lots_made.get(part_number, 0) + 1
        week = f"{self._chance.randint(23, 25)}{self._chance.randint(1, 52):02d}"
        code = f"{week}{self._chance.choice('ABCDEFGH')}{self._chance.randint(1000, 9999)}"
        return Lot(part_number, code, manufacturer, bad=number == 2 and part_number == self._bad_lot)

    def part(self, reel: Reel) -> Part:
        """Take one part off a reel."""
        reel.left -= 1
        sound = not (reel.lot.bad and self._chance.random() < self._bad_parts)
        return Part(reel.lot.part_number, reel.identifier, reel.lot.code, sound)


class Tape:
    """What runs through one lane of a feeder: a reel, with others spliced to its end."""

    def __init__(self, stock: Stock, first: Reel) -> None:
        self._stock = stock
        self._reels: deque[Reel] = deque([first])

    def splice(self, reel: Reel) -> None:
        """Stick a reel's beginning to the tape's end."""
        self._reels.append(reel)

    def replace(self, reel: Reel) -> None:
        """Take the tape out and put a new one in."""
        self._reels = deque([reel])

    @property
    def empty(self) -> bool:
        """Whether no part is left."""
        return all(reel.left == 0 for reel in self._reels)

    def splice_under_sensor(self) -> bool:
        """Whether a splice lies before the next part; the sensor sees each splice once."""
        if len(self._reels) > 1 and self._reels[0].left == 0:
            self._reels.popleft()
            return True
        return False

    def take(self) -> Part:
        """Take the next part. Raises IndexError on an empty tape."""
        reel = next((reel for reel in self._reels if reel.left), None)
        if reel is None:
            raise IndexError("the tape is empty")
        return self._stock.part(reel)
