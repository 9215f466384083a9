"""The demo's line, product, orders and set-ups as an engineering office plans them in the product."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from app.demo.board import ACTOR, CUSTOMER, SPARES, Job
from app.errors import Conflict
from app.lines.planning import StationPlan, plan_line
from app.materials.handling import set_handling
from app.materials.receiving import Arrival
from app.materials.rules import Handling
from app.orders.planning import plan_work_order
from app.products.kicad import BoardDesign
from app.products.planning import import_design
from app.products.routing import RoutingStep
from app.quality.package_holds import take_in_package
from app.scanning.formats import plan_serial_format
from app.scanning.rules import SerialFormat
from app.setup.requirements import SlotPlan, require_setup

LINE = "SMT 1"
UNITS_PER_PANEL = 6
PANELS_IN_AN_ORDER = 100  # the simulated marker engraves the order WO-RUN-K on these many panels
_ORDERS_AHEAD = 24  # of a line that runs until somebody stops it: twenty hours


def plan(
    connection: Connection, job: Job, operations: Mapping[str, str], route: Sequence[str], panels: int | None
) -> int:
    """Plan the line, the product and the run's work orders; ``operations`` by station, in line order.

    Returns the product revision.
    """
    stations = [StationPlan(handle, operation=operation) for handle, operation in operations.items()]
    plan_line(connection, name=LINE, stations=stations, actor=ACTOR)
    revision = import_design(
        connection,
        job.design,
        customer=CUSTOMER,
        units_per_panel=UNITS_PER_PANEL,
        routing=[RoutingStep(operation) for operation in route],
        actor=ACTOR,
    )
    # Serials as the laser marker makes them: the run, the number, the check character.
    marked = SerialFormat("*" * len(job.run) + "-######-!", "mod37_36")
    plan_serial_format(connection, revision, marked, actor=ACTOR)
    _receive_spares(connection, job.design)
    _plan_handling(connection, job.design)
    orders = math.ceil(panels / PANELS_IN_AN_ORDER) if panels else _ORDERS_AHEAD
    for number in range(1, orders + 1):
        of_this = PANELS_IN_AN_ORDER
        if panels:
            of_this = min(PANELS_IN_AN_ORDER, panels - (number - 1) * PANELS_IN_AN_ORDER)
        plan_work_order(
            connection,
            number=f"WO-{job.run}-{number}",
            product_revision_id=revision,
            quantity=of_this * UNITS_PER_PANEL,
            customer=CUSTOMER,
            actor=ACTOR,
        )
    return revision


def plan_setups(connection: Connection, revision: int, slots: Mapping[str, Mapping[str, str]]) -> None:
    """Plan what each machine's slots must hold (handle, slot, part number), whatever the side."""
    for handle, parts in slots.items():
        plans = [SlotPlan(slot, part_number) for slot, part_number in parts.items()]
        require_setup(connection, station=handle, product_revision_id=revision, slots=plans, actor=ACTOR)


def _receive_spares(connection: Connection, design: BoardDesign) -> None:
    """Reels for visitors to try out: received as a person at the door of the store would."""
    part = next(one for one in design.components if one.assembly == "machine")
    for spare in SPARES:
        with suppress(Conflict):  # received at an earlier start
            arrival = Arrival(
                identifier=spare.identifier,
                part_number=part.part_number,
                manufacturer=part.manufacturer,
                lot="DEMO-LOT",
                quantity=500,
                expires_at=datetime.now(UTC) - timedelta(days=spare.expired_for),
            )
            take_in_package(connection, arrival, actor=ACTOR)


def _plan_handling(connection: Connection, design: BoardDesign) -> None:
    """Integrated circuits are moisture sensitive: each reel's clock runs from its loading on (J-STD-020 level 3)."""
    circuits = {
        one.part_number
        for one in design.components
        if one.assembly == "machine" and one.reference_designator.rstrip("0123456789") == "U"
    }
    set_handling(connection, [Handling(part_number=one, moisture_level="3") for one in sorted(circuits)], actor=ACTOR)
