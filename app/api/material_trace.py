"""Material trace judged: where the pieces of a package went, how finely a unit is traced, which parts deviate."""

from itertools import chain, islice
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.api.access import Reading, UnitReader, only
from app.errors import Invalid
from app.http.answers import json_answer
from app.http.streams import json_stream
from app.http.tables import csv_answer, wants_csv
from app.http.tracing import AsOf, with_zone
from app.people import Permission
from app.sentences import Sentence
from app.trace.balance import Balance, Finding, mass_balance, suspicious_packages
from app.trace.deviations import Deviations, deviations, order_deviations
from app.trace.level import Level, material_level

router = APIRouter(prefix="/trace", tags=["trace"])

_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
_INSIDE = [only(Permission.read_line)]  # packages are shared between customers; their sums are the factory's


@router.get("/balance", response_model=Balance, dependencies=_INSIDE)
def get_balance(connection: Reading, package: Annotated[str, Query(min_length=1)], as_of: AsOf = None) -> Response:
    """Where the pieces of a package went: received = placed + rejected + split off + what is left.

    Counts are ranges where reports leave a choice. `gap` is what is not accounted for at the time of `remaining`;
    `findings` say what a gap may be. Not for customers.
    """
    return json_answer(mass_balance(connection, package=package, as_of=with_zone(as_of)))


_FINDING_COLUMNS = ("package", "code", "sentence")


@router.get("/suspicious-packages", response_model=dict[str, list[Finding]], responses=_CSV, dependencies=_INSIDE)
def get_suspicious_packages(
    request: Request,
    connection: Reading,
    tolerance: Annotated[float, Query(ge=0, le=1, description="Share of what was received")] = 0,
    as_of: AsOf = None,
) -> Response:
    """Every package that does not add up, was seen in two places, or was made after it came; streamed.

    `tolerance` passes over that share of missing pieces: feeders waste some that no machine reports.
    `Accept: text/csv` gives a table. Not for customers.
    """
    findings = suspicious_packages(connection, tolerance=tolerance, as_of=with_zone(as_of))
    first = list(islice(findings, 1))  # fetched now, while an error can still be told
    every = chain(first, findings)
    if wants_csv(request):
        rows = (tuple(getattr(one, column) for column in _FINDING_COLUMNS) for one in every)
        return csv_answer(_FINDING_COLUMNS, rows, "suspicious packages.csv")
    return json_stream("findings", every)


@router.get("/level", response_model=Level)
def get_level(
    reader: UnitReader, connection: Reading, serial: Annotated[str, Query(min_length=1)], as_of: AsOf = None
) -> Response:
    """The material level of a unit by IPC-1782, M1 to M4 as 1 to 4, and what is missing for the next.

    A panel is at the level of its lowest board; `boards` has each.
    """
    return json_answer(material_level(connection, serial, customer_id=reader.customer_id, as_of=with_zone(as_of)))


_DEVIATION_COLUMNS = (
    "serial",
    "reference_designator",
    "verdict",
    "part_number",
    "bill_part_number",
    "package",
    "units",
    "sentence",
)


@router.get("/deviations", response_model=Deviations, responses=_CSV)
def get_deviations(
    *,
    request: Request,
    reader: UnitReader,
    connection: Reading,
    serial: str | None = None,
    work_order: str | None = None,
    as_of: AsOf = None,
) -> Response:
    """Parts used that are neither the bill's nor approved, of a unit (`serial`) or of a whole work order.

    `alternates` are those approved in place of the bill's. `Accept: text/csv` gives both as a table.
    """
    if serial and not work_order:
        found = deviations(connection, serial, customer_id=reader.customer_id, as_of=with_zone(as_of))
    elif work_order and not serial:
        found = order_deviations(connection, work_order, customer_id=reader.customer_id, as_of=with_zone(as_of))
    else:
        raise Invalid(Sentence("Say whose deviations: ?serial= of a unit, or ?work_order=."))
    if wants_csv(request):
        every = (*found.deviations, *found.alternates)
        rows = (tuple(getattr(one, column) for column in _DEVIATION_COLUMNS) for one in every)
        return csv_answer(_DEVIATION_COLUMNS, rows, f"deviations {serial or work_order}.csv")
    return json_answer(found)
