"""Where packages come from: received, split off others, taken out of a batch, or brought back half used."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from app.cfx.messages.materials import MaterialsInitialized, MaterialsRetired, MaterialsSplit
from app.cfx.messages.structures import MaterialPackageDetail
from tests.flows.factory.blueprint import Blueprint, Described
from tests.flows.factory.material import Package
from tests.flows.factory.route import APART, Names, material
from tests.flows.factory.voice import Voice

LOTS = ("L1", "L2")
"""Few, and used for every part: a lot code alone does not tell the part."""


@dataclass(slots=True)
class Stock:
    """Hands out packages. Everything it ever held is in `packages`."""

    voice: Voice
    rng: Random
    names: Names
    blueprint: Blueprint
    packages: list[Package] = field(default_factory=list)
    _spare: list[tuple[float, Package]] = field(default_factory=list)
    """Packages with pieces left, and the moment from which they may be used."""

    def draw(self, part_number: str, pieces: int, at: float) -> Package:
        """A package of a part, with at least one piece."""
        for since, package in self._spare:
            if package.part_number == part_number and since + APART < at:
                self._spare.remove((since, package))
                return package
        if self.blueprint.trays and self.rng.random() < 0.3:
            batch = self._received(part_number, 0, at)
            return self._new("TRAY", part_number, pieces, batch.lot, batch=batch)
        if self.blueprint.splits and self.rng.random() < 0.5:
            return self._split(self._received(part_number, 2 * pieces, at), pieces, at)
        return self._received(part_number, pieces, at)

    def receive(self, part_number: str, pieces: int, at: float) -> Package:
        """A package that nobody drew from before, with a label."""
        return self._received(part_number, pieces, at)

    def bring_back(self, package: Package, at: float) -> None:
        """Take a package back that has pieces left."""
        if package.pieces:
            self._spare.append((at, package))

    def close(self, at: float) -> None:
        """Tell what was left to tell: late descriptions, and which packages are used up."""
        if self.blueprint.described is Described.after:
            for package in self.packages:
                if not (package.parent or package.batch):
                    self._describe(package, at)
        empty = [package for package in self.packages if not package.pieces]
        if empty:
            self.voice.say(MaterialsRetired(materials=[material([package], None) for package in empty]), at)

    def _received(self, part_number: str, pieces: int, at: float) -> Package:
        lot = None if self.blueprint.described is Described.never else self.rng.choice(LOTS)
        package = self._new("REEL", part_number, pieces, lot)
        if self.blueprint.described is Described.before:
            self._describe(package, at - APART)
        return package

    def _split(self, parent: Package, pieces: int, at: float) -> Package:
        parent.pieces -= pieces
        child = self._new("REEL", parent.part_number, pieces, parent.lot, parent=parent)
        self.voice.say(
            MaterialsSplit(
                source_material_package_identifier=parent.identifier,
                source_material_package_remaining_quantity=float(parent.pieces),
                new_material_package_identifier=child.identifier,
                new_material_package_quantity=float(pieces),
            ),
            at - APART / 2,
        )
        self.bring_back(parent, at)
        return child

    def _new(
        self,
        prefix: str,
        part_number: str,
        pieces: int,
        lot: str | None,
        *,
        parent: Package | None = None,
        batch: Package | None = None,
    ) -> Package:
        package = Package(self.names.next(prefix), part_number, pieces, lot, parent, batch)
        self.packages.append(package)
        return package

    def _describe(self, package: Package, at: float) -> None:
        detail = MaterialPackageDetail(
            unique_identifier=package.identifier,
            internal_part_number=package.part_number,
            manufacturer="Vishay",
            manufacturer_lot_code=package.lot,
            manufacture_date=datetime(2026, 1 + int((package.lot or "L1")[1:]), 1, tzinfo=UTC),
            initial_quantity=float(package.came_with),
            quantity=float(package.pieces),
        )
        self.voice.say(MaterialsInitialized(materials=[detail]), at)
