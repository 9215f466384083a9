"""What one message says, in the machine's words: identifiers as spoken, nothing looked up yet."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from app.cfx.described import describe
from app.cfx.installed import Dissection
from app.cfx.outline import Outline
from app.inbox.memory import SeenMessage
from app.materials.packages import PackageDescription
from app.quality.facts import InspectedUnit, TestedUnit
from app.units.installations import Installed, KnownSet

Spoken: TypeAlias = tuple[str, tuple[int, ...] | None]
"""(unit identifier, the positions meant; None for the unit as a whole)."""


@dataclass(frozen=True, slots=True)
class Start:
    """A work record begins."""

    lane: int | None
    surface: str | None
    skipped: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """By unit identifier, the positions among those named (0 for the unit itself) that the machine passes over."""


@dataclass(frozen=True, slots=True)
class End:
    """A work record ends; `skipped` as with its start."""

    result: str | None
    skipped: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstalledGroup:
    """Entries of one unit and position; the identifier is None where only the transaction tells the unit."""

    identifier: str | None
    position_number: int
    installed: Installed | None
    """None where the whole message was seen before, for other units: its sets are known."""


@dataclass(frozen=True, slots=True)
class Child:
    """A unit built into another."""

    identifier: str | None
    position_number: int
    child: str
    reference_designator: str | None


@dataclass(frozen=True, slots=True)
class Removed:
    """Parts taken out of a unit."""

    identifier: str | None
    position_number: int
    package: str | None
    child: str | None
    reference_designators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Touched:
    """A tool that was used on a unit."""

    identifier: str | None
    position_number: int
    tool: str
    cycles: int | None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class ToolChange:
    """A tool was loaded, unloaded, cleaned or calibrated; without a name the station itself is meant."""

    kind: str
    tool: str | None
    tool_kind: str | None


@dataclass(frozen=True, slots=True)
class Exposure:
    """Something happened to a package that decides whether it may be used; `kind` as in `app.materials.happenings`."""

    kind: str
    package: str
    moisture_level: str | None = None
    floor_life_left: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A package came out of another (`split`, or a tray filled from a `batch`), or was spliced to it (`joined`)."""

    kind: Literal["split", "batch", "joined"]
    parent: str
    child: str
    quantity: float | None


@dataclass(frozen=True, slots=True)
class Loading:
    """Something happened to a slot, or a machine says how many pieces are left in a package: `consumed`, `split`,
    `retired`.
    """

    kind: Literal["loaded", "unloaded", "empty", "spliced", "consumed", "split", "retired"]
    package: str | None
    slot: str | None = None
    slot_name: str | None = None
    lane: str | None = None
    feeder: str | None = None
    quantity: float | None = None


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """A work order as planning announces it."""

    number: str
    quantity: int | None


@dataclass(frozen=True, slots=True)
class TakenApart:
    """An installed-materials body: in parts, or as the outline of one seen before."""

    dissection: Dissection | None
    outline: Outline | None
    seen: SeenMessage | None
    proven: bool
    """Whether the parts hold for any units in any transaction, so that their outline may be remembered."""


@dataclass(frozen=True, slots=True)
class CutBody:
    """A body without its measurements, for the column, and the templates that must be stored for it, by digest."""

    residue: bytes
    templates: Mapping[bytes, bytes]


@dataclass(slots=True)
class Said:
    """One message, understood. `about` says where it belongs when it brings no facts of a kind of its own."""

    about: Literal["unit", "station", "material"]
    message_name: str
    recorded_at: datetime
    body: str = ""
    """The JSON text, for a statement."""
    transaction_id: UUID | None = None
    units: list[Spoken] = field(default_factory=list)
    panel: str | None = None
    links: list[tuple[int, str]] = field(default_factory=list)
    """(position number, unit identifier) on `panel`."""
    counted: tuple[str, int] | None = None
    """(unit identifier, how many units go by it): see `app.units.models.SpokenCount`."""
    work_order: str | None = None
    initializes: bool = False
    recipe: tuple[str, str | None] | None = None
    start: Start | None = None
    end: End | None = None
    keeps_body: bool = True
    """Whether the statement shown in a unit's history carries the body."""
    states: bool = True
    """Whether the message is kept as a statement; those with facts of their own are not."""
    disqualified: str | None = None
    """Why its units were taken out of production for good."""
    described: list[PackageDescription] = field(default_factory=list)
    packages: set[str] = field(default_factory=set)
    relations: list[Relation] = field(default_factory=list)
    loadings: list[Loading] = field(default_factory=list)
    orders: list[PlannedOrder] = field(default_factory=list)
    installed: list[InstalledGroup] = field(default_factory=list)
    material_sets: list[KnownSet] = field(default_factory=list)
    """The material set of each group in `installed`, once known."""
    taken_apart: TakenApart | None = None
    children: list[Child] = field(default_factory=list)
    removed: list[Removed] = field(default_factory=list)
    tools: list[Touched] = field(default_factory=list)
    tool_changes: list[ToolChange] = field(default_factory=list)
    exposures: list[Exposure] = field(default_factory=list)
    inspected: list[InspectedUnit] = field(default_factory=list)
    tested: list[TestedUnit] = field(default_factory=list)
    cut_body: CutBody | None = None
    """The body of an inspection or test, where it need not be stored whole."""

    @property
    def needs_transaction(self) -> bool:
        """Whether some of it can be told to a unit only through the transaction."""
        if self.transaction_id is None:
            return False
        if self.about == "unit" and not self.units and (self.states or self.start or self.end):
            return True
        parts = (self.installed, self.removed, self.children, self.tools)
        if any(part.identifier is None for listed in parts for part in listed):
            return True
        runs = (self.inspected, self.tested)
        return any(run.unit_identifier is None for listed in runs for run in listed)

    def serials(self) -> Iterator[str]:
        """Every unit identifier it names."""
        yield from (identifier for identifier, _ in self.units)
        yield from (identifier for _, identifier in self.links)
        named = [self.panel, *(child.child for child in self.children), *(one.child for one in self.removed)]
        named += [group.identifier for group in self.installed]
        named += [removed.identifier for removed in self.removed]
        named += [child.identifier for child in self.children]
        named += [touched.identifier for touched in self.tools]
        named += [run.unit_identifier for run in self.inspected]
        named += [run.unit_identifier for run in self.tested]
        yield from (identifier for identifier in named if identifier)

    def part_numbers(self) -> set[str]:
        """Every part number its placements name; of what was seen before none, for it was looked at then."""
        entries = [entry for group in self.installed if group.installed for entry in group.installed.entries]
        told = [describe(entry.template) for entry in entries]
        return {part for one in told for part in (one.part_number, one.reference_part_number) if part}

    def positions(self) -> set[tuple[str, int]]:
        """(unit, position) pairs worth keeping: see `app.units.models.SpokenPosition`."""
        named: list[tuple[str | None, int]] = [
            (identifier, position) for identifier, positions in self.units for position in positions or ()
        ]
        parts = (self.installed, self.removed, self.children, self.tools)
        named += [(part.identifier, part.position_number) for listed in parts for part in listed]
        named += [(run.unit_identifier, run.position_number) for run in self.inspected]
        named += [(run.unit_identifier, run.position_number) for run in self.tested]
        spoken = {(identifier, position) for identifier, position in named if identifier and position}
        higher = {identifier for identifier, position in spoken if position > 1}
        return {(identifier, position) for identifier, position in spoken if identifier in higher}

    def package_identifiers(self) -> Iterator[str]:
        """Every package it names, but for those it describes."""
        yield from packages_installed([self])
        yield from self.packages_besides()

    def packages_besides(self) -> Iterator[str]:
        """The same without what is installed."""
        yield from self.packages
        for relation in self.relations:
            yield relation.parent
            yield relation.child
        for loading in self.loadings:
            if loading.package:
                yield loading.package
        for removed in self.removed:
            if removed.package:
                yield removed.package

    def packages_told(self) -> Iterator[str]:
        """Packages that it tells something new of: what they are, or what they came out of."""
        yield from (one.identifier for one in self.described)
        yield from (relation.child for relation in self.relations if relation.kind != "joined")

    def recipes(self) -> Iterator[tuple[str, str | None]]:
        """Every recipe it names."""
        if self.recipe:
            yield self.recipe
        for listed in (self.inspected, self.tested):
            for run in listed:
                if run.recipe is not None:
                    yield run.recipe


def packages_installed(saids: Iterable[Said]) -> set[str]:
    """The packages that messages name as installed. Boards built alike share their entries, which are read once."""
    shared = {
        id(group.installed.entries): group.installed for said in saids for group in said.installed if group.installed
    }
    return {entry.package for one in shared.values() for entry in one.entries if entry.package is not None}
