"""Packages: receive them, look them up."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import Reading, Receiver, only
from app.api.once import DoOnce
from app.errors import Invalid, NotFound
from app.http.answers import json_answer
from app.materials.queries import PackageSummary, package, packages
from app.materials.receiving import Arrival
from app.people import Permission
from app.quality.package_holds import take_in_package
from app.sentences import Sentence

router = APIRouter(tags=["materials"])

_Text = Annotated[str, Field(max_length=256)]


class PackageArrival(BaseModel):
    """A package that arrived: the raw scan of its label, fields, or both."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"label": "[)>\u001e06\u001d1PGRM155R71C224KA12D\u001dQ4000\u001d1TLK2207\u001e\u0004"},
                {"identifier": "R-1182", "part_number": "100-0042", "lot": "LK2207", "quantity": 4000},
            ]
        },
    )

    label: str | None = Field(None, description="The raw scan, control characters and all")
    identifier: _Text | None = Field(None, description="Without one the factory gives a number")
    part_number: _Text | None = Field(None, description="The number bills of material use")
    part_revision: _Text | None = None
    lot: _Text | None = None
    manufacturer: _Text | None = None
    manufacturer_part_number: _Text | None = None
    vendor: _Text | None = None
    vendor_part_number: _Text | None = None
    date_code: _Text | None = None
    delivery: _Text | None = Field(None, description="Number of the delivery note")
    surface_finish: _Text | None = Field(None, description="Of a bare board: ENIG, OSP ...")
    quantity: float | None = None
    expires_at: datetime | None = None


@router.post("/packages", status_code=201, response_model=PackageSummary)
def post_package(arrival: PackageArrival, actor: Receiver, once: DoOnce) -> Response:
    """Receive one package. 201 with the package, or 422 saying what is wrong and nothing stored.

    A package whose label bears no identifier of its own gets one; stick it on. What is said beside
    the label must not contradict it.
    """
    said = arrival.model_dump(exclude={"label"})
    if arrival.label is None and not any(said.values()):
        raise Invalid(Sentence('Say what arrived: {"label": "the raw scan"}, or fields such as part_number.'))

    def deed(connection: Connection) -> PackageSummary:
        identifier = take_in_package(connection, Arrival(**said), label=arrival.label, actor=actor.identity)
        received = package(connection, identifier)
        if received is None:
            raise NotFound(Sentence("Package %(package)s vanished.", package=identifier))
        return received

    return once(deed, status=201)


@dataclass(frozen=True, slots=True)
class PackagePage:
    """Packages, newest first."""

    packages: list[PackageSummary]
    next: int | None


@router.get(
    "/packages",
    response_model=PackageSummary | PackagePage,
    dependencies=[only(Permission.read_line)],
)
def get_packages(
    *,
    connection: Reading,
    identifier: str | None = None,
    lot: str | None = None,
    part_number: str | None = None,
    cursor: int | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """One package by `identifier`, or a list, newest first; `next` is passed back as `cursor`."""
    if identifier is not None:
        one = package(connection, identifier)
        if one is None:
            raise NotFound(Sentence("No package %(package)s is known here. Check the scan.", package=identifier))
        return json_answer(one)
    found = packages(connection, lot=lot, part_number=part_number, before=cursor, limit=limit)
    more = found[-1].package_id if len(found) == limit else None
    return json_answer(PackagePage(list(found), more))
