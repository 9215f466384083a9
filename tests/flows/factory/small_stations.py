"""Stations around the mounters: where boards begin, where paste is printed, where boards are mended."""

from dataclasses import dataclass, field

from app.cfx.messages.assembly import (
    InstalledMaterial,
    MaterialsApplied,
    MaterialsInstalled,
    MaterialsUninstalled,
    UninstalledMaterial,
)
from app.cfx.messages.production import UnitsInitialized
from app.cfx.messages.storage import MaterialsLoaded, MaterialsUnloaded
from app.cfx.messages.structures import InstalledComponent, MaterialPackage, UnitPosition, WorkOrderIdentifier
from tests.flows.factory.blueprint import LineBlueprint, PanelKind, Paste
from tests.flows.factory.boards import Board, Certainty, Fitted, Panel
from tests.flows.factory.material import Package
from tests.flows.factory.route import Station, location, material, named
from tests.flows.factory.stock import Stock

PASTE = "PASTE-SAC305"
PANELS_OF_A_JAR = 3


@dataclass(slots=True, kw_only=True)
class Marker(Station):
    """Tells which serial sits where: a laser in front of the line, or a reader behind it."""

    def tell(self, panel: Panel, at: float, *, names_x_outs: bool) -> float:
        """Say which boards the panel has; returns when it is said."""
        since = max(at, self.free)
        told = [board for board in panel.boards if board.serial is not None]
        units = [
            UnitPosition(
                unit_identifier=board.serial,
                position_number=board.position,
                status=("Skip" if board.x_out else "Pass") if names_x_outs else None,
            )
            for board in told
        ]
        self.voice.say(
            UnitsInitialized(
                primary_identifier=panel.identifier,
                work_order_identifier=WorkOrderIdentifier(work_order_id=self.work_order) if self.work_order else None,
                unit_count=len(units),
                units=units,
            ),
            since,
        )
        self.free = since + 1
        return since + 1


@dataclass(slots=True, kw_only=True)
class Printer(Station):
    """Prints paste on every position of a panel, X-outs too."""

    stock: Stock
    blueprint: LineBlueprint
    jar: Package | None = None
    printed: int = 0

    def build(self, panel: Panel, at: float) -> float:
        """Print a panel; returns when it leaves."""
        since = max(at, self.free)
        if self.jar is None or self.printed % PANELS_OF_A_JAR == 0:
            self._load(since)
            since += 2.0
        self.printed += 1
        jar = self.jar
        assert jar is not None  # loaded just now, or before
        serials = panel.kind is PanelKind.direct or (panel.kind is PanelKind.carrier and self.rng.random() < 0.5)
        by_itself = panel.kind is PanelKind.direct or self.blueprint.paste is Paste.each
        # A place on a panel that nobody names is no board.
        named_all = panel.kind is PanelKind.unserialised or (by_itself and panel.kind is not PanelKind.direct)
        boards = [board for board in panel.boards if named_all or board.serial is not None]
        primary = None if panel.kind is PanelKind.direct else panel.identifier
        transaction = self.begin(named(panel, boards, serials=serials), primary, since)
        until = since + 4.0
        entries: list[InstalledMaterial] = []
        if self.blueprint.paste is not Paste.silent:
            entries = (
                [self._entry(panel, board, jar) for board in boards] if by_itself else [self._entry(panel, None, jar)]
            )
            self.voice.say(MaterialsApplied(transaction_id=transaction, applied_materials=entries), until - 1)
        for board in boards:
            sure = Certainty.certain if entries else Certainty.open
            by_place = panel.kind is PanelKind.carrier and not serials
            board.fitted.append(Fitted(jar, None, self.handle, until - 1, sure, whole=not by_itself, by_place=by_place))
        self.end(transaction, boards, since, until)
        return until

    def _entry(self, panel: Panel, board: Board | None, jar: Package) -> InstalledMaterial:
        identifier, position = panel.identifier, None
        if board is not None:
            identifier, position = panel.identifier, board.position
            if panel.kind is PanelKind.direct:
                assert board.serial is not None  # its boards are named by it
                identifier, position = board.serial, None
        return InstalledMaterial(
            unit_identifier=identifier,
            unit_position_number=position,
            quantity_installed=0.0,
            material=material([jar], None),
        )

    def _load(self, at: float) -> None:
        if self.jar is not None:
            self.voice.say(MaterialsUnloaded(material_package_identifiers=[self.jar.identifier]), at)
            self.gone(self.jar, at)
        self.jar = self.stock.draw(PASTE, 1, at)
        self.jar.pieces = 0
        self.voice.say(MaterialsLoaded(materials=[location("JAR", "JAR", [self.jar])]), at + 1)
        self.received(self.jar, at + 1)


@dataclass(slots=True, kw_only=True)
class Bench(Station):
    """Takes parts off boards and puts new ones on, from reels that lie there."""

    stock: Stock
    loses: bool
    """Whether reports of what was put on get lost; what was taken off is always told."""
    reels: dict[str, Package] = field(default_factory=dict)

    def repair(self, board: Board, old: Fitted, at: float) -> float:
        """Replace one part; returns when it is done."""
        since = max(at, self.free)
        part = old.package.part_number
        reel = self._reel(part, since)
        since += 2.0
        identifier, position = board.speakable
        transaction = self.begin([UnitPosition(unit_identifier=identifier, position_number=position)], None, since)
        designator = old.designator
        assert designator is not None  # paste is not taken off
        names_package = old.certainty is Certainty.certain and self.rng.random() < 0.5
        self.voice.say(
            MaterialsUninstalled(
                transaction_id=transaction,
                uninstalled_materials=[
                    UninstalledMaterial(
                        unit_identifier=identifier,
                        unit_position_number=position,
                        quantity_uninstalled=1.0,
                        reason="DefectiveMaterial",
                        material=MaterialPackage(unique_identifier=old.package.identifier) if names_package else None,
                        uninstalled_components=[InstalledComponent(reference_designator=designator)],
                    )
                ],
            ),
            since + 10,
        )
        old.until = since + 10
        lost = self.loses and self.rng.random() < 0.5
        if not lost:
            entry = InstalledMaterial(
                unit_identifier=identifier,
                unit_position_number=position,
                quantity_installed=1.0,
                material=material([reel], None),
                installed_components=[InstalledComponent(reference_designator=designator)],
            )
            self.voice.say(MaterialsInstalled(transaction_id=transaction, installed_materials=[entry]), since + 20)
        reel.pieces -= 1
        sure = Certainty.open if lost else Certainty.certain
        board.fitted.append(Fitted(reel, designator, self.handle, since + 20, sure))
        self.end(transaction, [board], since, since + 25)
        return since + 25

    def _reel(self, part: str, at: float) -> Package:
        reel = self.reels.get(part)
        if reel is None or not reel.pieces:
            place = f"BIN-{part}"
            if reel is not None:
                self.voice.say(MaterialsUnloaded(material_package_identifiers=[reel.identifier]), at)
                self.gone(reel, at)
            reel = self.reels[part] = self.stock.draw(part, 2, at)
            self.voice.say(MaterialsLoaded(materials=[location(place, place, [reel])]), at + 1)
            self.received(reel, at + 1)
        return reel
