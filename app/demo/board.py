"""What the demo builds: a board read from KiCad's files, planned in the product, handed to the machines."""

import math
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from app.lines.planning import StationPlan, plan_line
from app.orders.planning import plan_work_order
from app.products.kicad import BoardDesign, dump_program, read_design
from app.products.planning import import_design
from app.products.routing import RoutingStep
from app.scanning.formats import plan_serial_format
from app.scanning.rules import SerialFormat

ACTOR = "demo"
CUSTOMER = "Northwind Devices"
LINE = "SMT 1"
UNITS_PER_PANEL = 6
PANELS_IN_AN_ORDER = 100  # the simulated marker engraves the order WO-RUN-K on these many panels
_ORDERS_AHEAD = 24  # of a line that runs until somebody stops it: twenty hours
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# The board that ships with the stations (the folder is read, the package is not imported).
_OURS = Path(__file__).resolve().parents[2] / "stations" / "boards"
OUR_BOARD = (_OURS / "field-node-revB-bom.csv", _OURS / "field-node-revB-placements.csv")


@dataclass(frozen=True, slots=True)
class Job:
    """One run of the simulated line: the board, and the code that keeps its serials apart."""

    design: BoardDesign
    program: Path
    run: str


def prepare(board: tuple[Path, Path] | None, folder: Path) -> Job:
    """Read the board and write the placement program into ``folder``, as an engineering office would."""
    design = read_design(*(board or OUR_BOARD))
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "program.json"
    unfinished = program.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(dump_program(design))
    unfinished.replace(program)
    return Job(design, program, _run_code())


def plan(
    connection: Connection, job: Job, operations: Mapping[str, str], route: Sequence[str], panels: int | None
) -> None:
    """Plan the line, the product and the run's work orders; ``operations`` by station, in line order."""
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


def _run_code() -> str:
    """Letters and digits that no other run has: the second it began, and chance."""
    number, text = int(time.time()) * 1296 + secrets.randbelow(1296), ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text
