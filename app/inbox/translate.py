"""CFX messages into what they say. The only place that knows both CFX's members and the product's words."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from app.cfx.body import BodyError, decode_body
from app.cfx.envelope import Envelope
from app.cfx.messages import (
    Message,
    assembly,
    identification,
    information_system,
    inspection,
    materials,
    production,
    storage,
)
from app.cfx.messages.base import UnitScoped
from app.cfx.messages.structures import MaterialLocation, MaterialPackage, UnitPosition, WorkOrderIdentifier
from app.errors import Invalid
from app.inbox.said import (
    End,
    Loading,
    PlannedOrder,
    Relation,
    Removed,
    Said,
    Spoken,
    Start,
    Touched,
)
from app.materials.packages import PackageDescription
from app.quality.from_cfx import inspected_units, tested_units

HIGHEST_POSITION = 32767

_Handler: TypeAlias = Callable[[Said, Any], None]
_H = TypeVar("_H", bound=_Handler)
_HANDLERS: dict[type[Message], _Handler] = {}


class UnreadableBody(ValueError):
    """The body is not what the message's name promises; the text says where."""


def translate(envelope: Envelope) -> Said:
    """What a message says. Raises `UnreadableBody`."""
    try:
        message = decode_body(envelope)
    except BodyError as error:
        raise UnreadableBody(str(error)) from None
    said = Said("station", envelope.message_name, envelope.time_stamp)
    said.body = bytes(envelope.body).decode()
    said.transaction_id = getattr(message, "transaction_id", None)
    if said.transaction_id is not None:
        said.about = "unit"
    try:
        _HANDLERS.get(type(message), _anything_else)(said, message)
    except Invalid as invalid:
        raise UnreadableBody(invalid.sentence) from None
    return said


def _handles(*kinds: type[Message]) -> Callable[[_H], _H]:
    def register(handler: _H) -> _H:
        for kind in kinds:
            _HANDLERS[kind] = handler
        return handler

    return register


# --- units and their way ---


def _spoken(units: Sequence[UnitPosition] | None, primary: str | None) -> list[Spoken]:
    """The units a message speaks of: each identifier once, with the positions it names."""
    positions: dict[str, set[int]] = {}
    for unit in units or ():
        identifier = unit.unit_identifier or primary
        if identifier:
            positions.setdefault(identifier, set()).add(_position(unit.position))
    if not positions and primary:
        return [(primary, None)]
    return [(identifier, None if told == {0} else tuple(sorted(told - {0}))) for identifier, told in positions.items()]


def _position(number: int) -> int:
    if number > HIGHEST_POSITION:
        raise UnreadableBody(f"Position {number} is higher than any panel has ({HIGHEST_POSITION}).")
    return number


def _links(said: Said, units: Sequence[UnitPosition] | None, primary: str | None) -> None:
    """Which unit is in which position of the panel, where the message says it.

    A single unit without a position number is in position 1 of its carrier. Several without numbers say nothing of
    their places. An identifier in several positions is a carrier's own, not a unit's.
    """
    times = Counter(unit.unit_identifier for unit in units or ())
    named = [
        unit
        for unit in units or ()
        if unit.unit_identifier and unit.unit_identifier != primary and times[unit.unit_identifier] == 1
    ]
    if not primary or not named:
        return
    links = [(_position(unit.position or (1 if len(units or ()) == 1 else 0)), unit.unit_identifier) for unit in named]
    said.panel = primary
    said.links = [(position, serial) for position, serial in links if position and serial]


def _on_units(said: Said, message: Any) -> None:
    said.about = "unit"
    said.units = _spoken(message.units, message.primary_identifier)
    if not said.units and said.transaction_id is None:
        said.about = "station"


@_handles(production.UnitsInitialized)
def _units_initialized(said: Said, message: production.UnitsInitialized) -> None:
    _on_units(said, message)
    _links(said, message.units, message.primary_identifier)
    if message.primary_identifier and all(serial != message.primary_identifier for serial, _ in said.units):
        said.units.append((message.primary_identifier, None))
    if message.work_order_identifier:
        said.work_order = message.work_order_identifier.work_order_id
        said.initializes = True


@_handles(production.UnitsArrived, production.UnitsDeparted)
def _units_moved(said: Said, message: production.UnitsArrived | production.UnitsDeparted) -> None:
    _on_units(said, message)
    _links(said, message.units, message.primary_identifier)
    said.keeps_body = said.about == "station"


@_handles(identification.IdentifiersRead)
def _identifiers_read(said: Said, message: identification.IdentifiersRead) -> None:
    _on_units(said, message)
    _links(said, message.units, message.primary_identifier)
    said.keeps_body = said.about == "station"


@_handles(production.UnitsDisqualified)
def _units_disqualified(said: Said, message: production.UnitsDisqualified) -> None:
    _on_units(said, message)


@_handles(production.WorkStarted)
def _work_started(said: Said, message: production.WorkStarted) -> None:
    _on_units(said, message)
    _links(said, message.units, message.primary_identifier)
    if said.transaction_id is None:
        raise UnreadableBody("WorkStarted names no TransactionID: what follows could not be told to these units.")
    if not said.units:
        raise UnreadableBody("WorkStarted names no unit.")
    said.states = False
    said.start = Start(message.lane, message.relevant_surface)
    if message.recipe_name:
        said.recipe = (message.recipe_name, message.revision)
    if message.work_order_identifier:
        said.work_order = message.work_order_identifier.work_order_id


@_handles(production.WorkCompleted)
def _work_completed(said: Said, message: production.WorkCompleted) -> None:
    _on_units(said, message)
    if said.transaction_id is None:
        raise UnreadableBody("WorkCompleted names no TransactionID: nothing says which work is completed.")
    said.states = False
    said.end = End(message.result)


def _anything_else(said: Said, message: Message) -> None:
    """A message that brings no facts of a kind of its own is kept with the unit, or else the station, it is about.

    A question and its answer say nothing of a unit: who asks may be mistaken, and the interlock keeps its own log.
    """
    if said.message_name.endswith(("Request", "Response")):
        said.about = "station"
    elif hasattr(message, "units") and hasattr(message, "primary_identifier"):
        _on_units(said, message)


def _about_parts(said: Said, parts: Sequence[UnitScoped] | None) -> None:
    """A statement about the units its parts name; where none is named, about the transaction's."""
    positions: dict[str, set[int]] = {}
    for part in parts or ():
        if part.unit_identifier:
            positions.setdefault(part.unit_identifier, set()).add(_position(part.position))
    said.units = [(identifier, None if 0 in told else tuple(sorted(told))) for identifier, told in positions.items()]
    said.about = "unit" if said.units or said.transaction_id else "station"


@_handles(production.ToolsUsed)
def _tools_used(said: Said, message: production.ToolsUsed) -> None:
    _about_parts(said, message.used_tools)
    for one in message.used_tools:
        tool = (one.tool.unique_identifier or one.tool.name) if one.tool else None
        if tool and (one.unit_identifier or said.transaction_id):
            said.tools.append(Touched(one.unit_identifier, _position(one.position), tool, one.usage_cycles))


@_handles(production.UnitsProcessed)
def _units_processed(said: Said, message: production.UnitsProcessed) -> None:
    _about_parts(said, message.unit_process_data)


@_handles(assembly.UnitsPersonalized)
def _units_personalized(said: Said, message: assembly.UnitsPersonalized) -> None:
    _about_parts(said, message.personalized_units)


@_handles(assembly.UnitsRepaired)
def _units_repaired(said: Said, message: assembly.UnitsRepaired) -> None:
    _about_parts(said, message.repaired_units)


@_handles(inspection.UnitsInspected)
def _units_inspected(said: Said, message: inspection.UnitsInspected) -> None:
    said.about, said.states = "unit", False
    said.inspected = inspected_units(message, said.body.encode())


@_handles(inspection.UnitsTested)
def _units_tested(said: Said, message: inspection.UnitsTested) -> None:
    said.about, said.states = "unit", False
    said.tested = tested_units(message, said.body.encode())


@_handles(assembly.MaterialsUninstalled)
def _materials_uninstalled(said: Said, message: assembly.MaterialsUninstalled) -> None:
    said.about, said.states = "unit", False
    for part in message.uninstalled_materials:
        package = part.material.unique_identifier if part.material else None
        components = part.uninstalled_components or []
        children = [one for one in components if one.installed_unit_identifier]
        plain = [one.reference_designator for one in components if not one.installed_unit_identifier]
        where = part.unit_identifier or None, _position(part.position)
        if where[0] is None and said.transaction_id is None:
            raise UnreadableBody(
                "A material was uninstalled from a unit without UnitIdentifier, and there is no TransactionId to tell "
                "the unit by. Have the station send one of them."
            )
        if plain or not children:
            named = tuple(designator for designator in plain if designator)
            said.removed.append(Removed(*where, package, None, named))
        for child in children:
            named = (child.reference_designator,) if child.reference_designator else ()
            said.removed.append(Removed(*where, None, child.installed_unit_identifier, named))


# --- materials ---


@_handles(materials.MaterialsInitialized, materials.MaterialsModified)
def _materials_initialized(said: Said, message: materials.MaterialsInitialized | materials.MaterialsModified) -> None:
    said.about = "material"
    for one in message.materials:
        if not one.unique_identifier:
            raise UnreadableBody("A material has no UniqueIdentifier: it could not be told from another.")
        said.described.append(
            PackageDescription(
                identifier=one.unique_identifier,
                part_number=one.internal_part_number,
                described_at=said.recorded_at,
                lot_code=one.manufacturer_lot_code,
                manufacturer=one.manufacturer,
                manufacturer_part_number=one.manufacturer_part_number,
                vendor=one.vendor,
                vendor_part_number=one.vendor_part_number,
                date_code=one.manufacture_date.date().isoformat() if one.manufacture_date else None,
                initial_quantity=one.initial_quantity,
                quantity=one.quantity,
                expires_at=one.expiry_date,
                received_on=one.received_date,
            )
        )


@_handles(materials.MaterialsSplit)
def _materials_split(said: Said, message: materials.MaterialsSplit) -> None:
    said.about = "material"
    if not message.source_material_package_identifier or not message.new_material_package_identifier:
        raise UnreadableBody("MaterialsSplit must name both packages.")
    said.relations.append(
        Relation(
            "split",
            message.source_material_package_identifier,
            message.new_material_package_identifier,
            message.new_material_package_quantity,
        )
    )


@_handles(materials.MaterialsJoined)
def _materials_joined(said: Said, message: materials.MaterialsJoined) -> None:
    said.about = "material"
    leading = message.leading_material_package.unique_identifier
    trailing = message.trailing_material_package.unique_identifier
    if not leading or not trailing:
        raise UnreadableBody("MaterialsJoined must name both packages.")
    _relate(said, message.leading_material_package)
    _relate(said, message.trailing_material_package)
    said.relations.append(Relation("joined", leading, trailing, message.trailing_material_package.quantity))


@_handles(materials.MaterialsRetired)
def _materials_retired(said: Said, message: materials.MaterialsRetired) -> None:
    said.about = "material"
    said.packages = {one.unique_identifier for one in message.materials if one.unique_identifier}


def _relate(said: Said, package: MaterialPackage | None) -> None:
    """What the structure of a package tells of others: what is spliced in front of it, what it was filled from."""
    while package is not None:
        ahead, batch = package.leading_material_package, package.batch_material_package
        if package.unique_identifier and ahead and ahead.unique_identifier:
            said.relations.append(Relation("joined", ahead.unique_identifier, package.unique_identifier, None))
        if package.unique_identifier and batch and batch.unique_identifier:
            said.relations.append(Relation("batch", batch.unique_identifier, package.unique_identifier, None))
        if batch:
            _relate(said, batch)
        package = ahead


def _loading(said: Said, kind: Any, location: MaterialLocation) -> Loading:
    package = location.material_package
    _relate(said, package)
    carrier = location.carrier_information
    lane = carrier.lane_number if carrier else None
    return Loading(
        kind,
        package.unique_identifier if package else None,
        location.location_identifier or location.location_name,
        location.location_name or location.location_identifier,
        None if lane is None else str(lane),
        (carrier.unique_identifier or carrier.name) if carrier else None,
        package.quantity if package else None,
    )


@_handles(storage.MaterialsLoaded)
def _materials_loaded(said: Said, message: storage.MaterialsLoaded) -> None:
    said.about = "material"
    said.loadings = [_loading(said, "loaded", location) for location in message.materials]


@_handles(storage.MaterialsUnloaded)
def _materials_unloaded(said: Said, message: storage.MaterialsUnloaded) -> None:
    said.about = "material"
    said.loadings = [Loading("unloaded", identifier) for identifier in message.material_package_identifiers]


@_handles(storage.MaterialsEmpty)
def _materials_empty(said: Said, message: storage.MaterialsEmpty) -> None:
    said.about = "material"
    said.loadings = [_loading(said, "empty", location) for location in message.empty_materials]


@_handles(storage.SplicePointDetected)
def _splice_point_detected(said: Said, message: storage.SplicePointDetected) -> None:
    """While `GreyZone` pieces may be either package's, or the chain still has a leading package, the depleted one is
    not gone: its pieces may still come.
    """
    said.about = "material"
    active = message.newly_active_material
    package = active.material_package
    unsure = package is not None and (package.grey_zone or package.leading_material_package)
    if message.depleted_material and not unsure:
        said.loadings.append(_loading(said, "empty", message.depleted_material))
    said.loadings.append(_loading(said, "spliced", active))


# --- orders ---


@_handles(information_system.WorkOrdersCreated)
def _work_orders_created(said: Said, message: information_system.WorkOrdersCreated) -> None:
    said.orders += [_planned(order.work_order_identifier, order.quantity) for order in message.new_orders]


@_handles(information_system.WorkOrderQuantityUpdated)
def _work_order_quantity_updated(said: Said, message: information_system.WorkOrderQuantityUpdated) -> None:
    said.orders.append(_planned(message.work_order_identifier, message.new_quantity))


def _planned(identifier: WorkOrderIdentifier | None, quantity: float | None) -> PlannedOrder:
    number = identifier.work_order_id if identifier else None
    if not number:
        raise UnreadableBody("A work order has no WorkOrderId.")
    if quantity is not None and not 0 <= quantity < 2**31:
        raise UnreadableBody(f"Work order {number} is for {quantity:g} units: a quantity is 0 or more.")
    return PlannedOrder(number, None if quantity is None else int(quantity))
