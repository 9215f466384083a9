"""CFX messages into what they say. The only place that knows both CFX's members and the product's words."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from app.cfx.body import BodyError, decode_body
from app.cfx.envelope import Envelope
from app.cfx.messages import (
    Message,
    assembly,
    identification,
    information_system,
    inspection,
    production,
)
from app.cfx.messages.structures import UnitPosition, WorkOrderIdentifier
from app.errors import Invalid
from app.inbox import materials_said, tools_said
from app.inbox.handlers import HIGHEST_POSITION, Handlers, UnreadableBody, about_parts, position_number
from app.inbox.said import End, PlannedOrder, Removed, Said, Spoken, Start
from app.quality.from_cfx import inspected_units, tested_units

__all__ = ["HIGHEST_POSITION", "UnreadableBody", "translate"]

_HANDLERS = Handlers()
_HANDLERS.update(materials_said.HANDLERS)
_HANDLERS.update(tools_said.HANDLERS)
_handles = _HANDLERS.of


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


# --- units and their way ---


def _spoken(units: Sequence[UnitPosition] | None, primary: str | None) -> list[Spoken]:
    """The units a message speaks of: each identifier once, with the positions it names."""
    positions: dict[str, set[int]] = {}
    for unit in units or ():
        identifier = unit.unit_identifier or primary
        if identifier:
            positions.setdefault(identifier, set()).add(position_number(unit.position))
    if not positions and primary:
        return [(primary, None)]
    return [(identifier, None if told == {0} else tuple(sorted(told - {0}))) for identifier, told in positions.items()]


def _skipped(units: Sequence[UnitPosition] | None, primary: str | None) -> dict[str, tuple[int, ...]]:
    """The positions, by unit identifier, that are listed as X-outs and as nothing else."""
    told: dict[tuple[str, int], set[str | None]] = {}
    for unit in units or ():
        identifier = unit.unit_identifier or primary
        if identifier and (unit.position or identifier != primary):
            told.setdefault((identifier, position_number(unit.position)), set()).add(unit.status)
    skipped: dict[str, tuple[int, ...]] = {}
    for (identifier, position), statuses in told.items():
        if statuses == {"Skip"}:
            skipped[identifier] = (*skipped.get(identifier, ()), position)
    return skipped


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
    links = [
        (position_number(unit.position or (1 if len(units or ()) == 1 else 0)), unit.unit_identifier) for unit in named
    ]
    said.panel = primary
    said.links = [(position, serial) for position, serial in links if position and serial]


def _count(said: Said, message: Any) -> None:
    """How many units go by the panel's identifier, where the message does not name each of them."""
    count, primary = message.unit_count or 0, message.primary_identifier
    if [identifier for identifier, _ in said.units] == [primary]:
        _, named = said.units[0]
        if max(1, len(named or ())) < count <= HIGHEST_POSITION:
            said.counted = primary, count


def _on_units(said: Said, message: Any) -> None:
    said.about = "unit"
    said.units = _spoken(message.units, message.primary_identifier)
    if not said.units and said.transaction_id is None:
        said.about = "station"


@_handles(production.UnitsInitialized)
def _units_initialized(said: Said, message: production.UnitsInitialized) -> None:
    _on_units(said, message)
    _count(said, message)
    _links(said, message.units, message.primary_identifier)
    if message.primary_identifier and all(serial != message.primary_identifier for serial, _ in said.units):
        said.units.append((message.primary_identifier, None))
    if message.work_order_identifier:
        said.work_order = message.work_order_identifier.work_order_id
        said.initializes = True


@_handles(production.UnitsArrived, production.UnitsDeparted)
def _units_moved(said: Said, message: production.UnitsArrived | production.UnitsDeparted) -> None:
    _on_units(said, message)
    _count(said, message)
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
    said.disqualified = (message.comments or "").strip() or message.reason or "disqualified"


@_handles(production.WorkStarted)
def _work_started(said: Said, message: production.WorkStarted) -> None:
    _on_units(said, message)
    _count(said, message)
    _links(said, message.units, message.primary_identifier)
    if said.transaction_id is None:
        raise UnreadableBody("WorkStarted names no TransactionID: what follows could not be told to these units.")
    if not said.units:
        raise UnreadableBody("WorkStarted names no unit.")
    said.states = False
    said.start = Start(message.lane, message.relevant_surface, _skipped(message.units, message.primary_identifier))
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
    said.end = End(message.result, _skipped(message.units, message.primary_identifier))


def _anything_else(said: Said, message: Message) -> None:
    """A message that brings no facts of a kind of its own is kept with the unit, or else the station, it is about.

    A question and its answer say nothing of a unit: who asks may be mistaken, and the interlock keeps its own log.
    """
    if said.message_name.endswith(("Request", "Response")):
        said.about = "station"
    elif hasattr(message, "units") and hasattr(message, "primary_identifier"):
        _on_units(said, message)


@_handles(production.UnitsProcessed)
def _units_processed(said: Said, message: production.UnitsProcessed) -> None:
    about_parts(said, message.unit_process_data)


@_handles(assembly.UnitsPersonalized)
def _units_personalized(said: Said, message: assembly.UnitsPersonalized) -> None:
    about_parts(said, message.personalized_units)


@_handles(assembly.UnitsRepaired)
def _units_repaired(said: Said, message: assembly.UnitsRepaired) -> None:
    about_parts(said, message.repaired_units)


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
        where = part.unit_identifier or None, position_number(part.position)
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
