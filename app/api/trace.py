"""Trace: what a unit is made from, and where a material went."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.api.access import Reading, UnitReader
from app.http.answers import json_answer
from app.http.tables import wants_csv
from app.http.tracing import Material, carrying_units, carrying_units_csv, made_from_csv
from app.trace.made_from import MadeFrom, made_from
from app.trace.where_used import LARGEST_PAGE, CarryingUnit, WhereUsed

router = APIRouter(prefix="/trace", tags=["trace"])

_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}


@router.get("/made-from", response_model=MadeFrom, responses=_CSV)
def get_made_from(
    request: Request,
    reader: UnitReader,
    connection: Reading,
    serial: Annotated[str, Query(min_length=1)],
) -> Response:
    """The unit as built: each designator with its package, lot, evidence and station.

    A panel's identifier answers for all its boards. Identifiers are percent-encoded; a `+` is a
    plus. `Accept: text/csv` gives the installations as a table.
    """
    made = made_from(connection, serial, customer_id=reader.customer_id)
    return made_from_csv(made) if wants_csv(request) else json_answer(made)


@router.get("/where-used", response_model=WhereUsed, responses=_CSV)
def get_where_used(
    *,
    request: Request,
    reader: UnitReader,
    connection: Reading,
    package: str | None = None,
    lot: str | None = None,
    part_number: str | None = None,
    serial: Annotated[str | None, Query(description="A child unit")] = None,
    cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 1000,
) -> Response:
    """The units that ever carried a package, a lot (of a part) or a child unit.

    A removed part counts, a rejected placement does not. Parent assemblies are included, with `via`
    naming the child. `counts` are over the whole answer, whatever the page. `Accept: text/csv`
    streams all of it.
    """
    material = Material(package, lot, part_number, serial)
    if wants_csv(request):
        return carrying_units_csv(connection, material, reader)
    found = carrying_units(connection, material, reader, cursor=cursor, limit=limit)
    units = [_unit(unit) for unit in found.units]
    return json_answer({"counts": found.counts, "units": units, "next": found.next})


def _unit(unit: CarryingUnit) -> dict[str, object]:
    told = asdict(unit)
    del told["key"]
    if told["position_number"] is None:
        del told["position_number"]
    return told
