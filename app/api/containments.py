"""Containments: count, open, look into, count again, release."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import Container, HoldReleaser, Reading, TheEngine, UnitReader, only
from app.api.once import DoOnce
from app.errors import NotFound
from app.http.answers import json_answer
from app.live import going_on, reporting
from app.people import Permission
from app.quality.containments import (
    Contained,
    count_again,
    nonconformance_of,
    open_containment,
    record_of,
    release_containment,
)
from app.quality.dispositions import Disposition, disposition_packages, disposition_units
from app.quality.held_units import HeldUnits, held_in_store, held_units, shipped_of
from app.quality.nonconformances import NonconformanceSummary, nonconformances
from app.quality.scope import scope_of
from app.quality.terms import Terms, terms_of
from app.sentences import Sentence

router = APIRouter(prefix="/containments", tags=["quality"])

_Text = Annotated[str, Field(max_length=256)]
_Reason = Annotated[str, Field(min_length=1, max_length=2000)]


class ContainmentTerms(BaseModel):
    """What to contain: terms that all hold of one link between a unit and a package, or a list of serials."""

    model_config = ConfigDict(extra="forbid")

    package: _Text | None = None
    lot: _Text | None = None
    part_number: _Text | None = None
    date_code: _Text | None = None
    manufacturer: _Text | None = None
    vendor: _Text | None = None
    delivery: _Text | None = None
    received_on: date | None = Field(None, description="Day of receipt, UTC")
    slot: _Text | None = None
    feeder: _Text | None = None
    nozzle: _Text | None = None
    tool: _Text | None = None
    firmware: _Text | None = Field(None, description="Version or checksum")
    recipe: _Text | None = None
    recipe_revision: _Text | None = None
    operator: _Text | None = None
    station: _Text | None = Field(None, description="CFX handle; with since and until a window at a station")
    since: datetime | None = None
    until: datetime | None = None
    serial: _Text | None = Field(None, description="A child unit: what was built around it")
    serials: list[_Text] = Field([], description="Units by their serials, panels included")

    def terms(self) -> Terms:
        """The terms alone."""
        return terms_of(self.model_dump(include=set(ContainmentTerms.model_fields)))


class ContainmentOrder(ContainmentTerms):
    """A containment to open."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"lot": "LK2207", "part_number": "100-0042", "reason": "Cracked, 8D 4711"}]},
    )

    reason: _Reason
    confirm: _Text | None = Field(None, description="The identifier retyped, where a person asks")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a containment would hold if it were opened now. `identifier` is what to retype."""

    contains: str
    identifier: str
    units: int
    packages: list[str]
    by_evidence: dict[str, int]


@router.post("/preview", response_model=Preview, dependencies=[only(Permission.open_containments)])
def post_preview(terms: ContainmentTerms, connection: Reading) -> Response:
    """Count what would be held, without holding anything."""
    asked = terms.terms()
    scope = scope_of(connection, asked)
    packages = sorted(scope.packages.values())
    return json_answer(Preview(asked.words, asked.identifier, len(scope.units), packages, scope.by_evidence))


@router.post("", status_code=201, response_model=Contained)
def post_containment(order: ContainmentOrder, actor: Container, engine: TheEngine, once: DoOnce) -> Response:
    """Contain a lot, a package, a date code, serials, a tool, a window at a station, or any where-used question.

    The scope is counted anew in the deed's own transaction; each unit and package gets one hold. `shipped` lists what
    had left, by customer and shipment. While a large one runs, `GET /containments/running` tells how far it is.
    """
    with reporting(engine, deed=f"Containing {order.terms().name}", actor=actor.name) as progress:

        def deed(connection: Connection) -> Contained:
            return open_containment(
                connection, order.terms(), reason=order.reason, actor=actor.identity, confirm=order.confirm,
                progress=progress,
            )  # fmt: skip

        return once(deed, status=201)


@router.get("/running", response_model=None, dependencies=[only(Permission.read_line)])
def get_running(connection: Reading) -> Response:
    """Long deeds that are going on: their stage, how much of it is done, and the seconds so far."""
    return json_answer({"running": going_on(connection)})


@dataclass(frozen=True, slots=True)
class ContainmentPage:
    """Containments, newest first."""

    containments: Sequence[NonconformanceSummary]


@router.get("", response_model=ContainmentPage)
def get_containments(
    reader: UnitReader,
    connection: Reading,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Containments, newest first. A customer sees those that touch their units, and counts of these alone."""
    found = nonconformances(connection, customer_id=reader.customer_id, is_open=is_open, containments=True, limit=limit)
    return json_answer(ContainmentPage(found))


def _one(connection: Connection, number: str, customer_id: int | None) -> NonconformanceSummary:
    """A containment that the asker may see; the same error for another's as for none."""
    found = nonconformances(connection, customer_id=customer_id, number=number)
    if not found:
        raise NotFound(Sentence("There is no containment %(number)s. Check its number.", number=number))
    return found[0]


@router.get("/{number}", response_model=None)
def get_containment(number: str, reader: UnitReader, connection: Reading) -> Response:
    """One containment: what is left of it, what had left by shipment, and, inside the factory, its packages."""
    summary = _one(connection, number, reader.customer_id)
    told: dict[str, Any] = {
        "containment": summary,
        "shipped": shipped_of(connection, summary.number, customer_id=reader.customer_id),
    }
    if reader.customer_id is None:
        told["packages"] = held_in_store(connection, summary.number)
    return json_answer(told)


@router.get("/{number}/units", response_model=HeldUnits)
def get_units(
    number: str,
    reader: UnitReader,
    connection: Reading,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> Response:
    """The units it holds or held, where each is now, and what was decided; `next` is passed back as `cursor`."""
    summary = _one(connection, number, reader.customer_id)
    page = held_units(connection, summary.number, customer_id=reader.customer_id, cursor=cursor, limit=limit)
    return json_answer(page)


@router.get("/{number}/record", response_model=None, dependencies=[only(Permission.read_line)])
def get_record(number: str, connection: Reading) -> Response:
    """The frozen record: scope, actor, reason and time; `intact` says that it and its holds are what was digested.

    Not for customers: it counts everybody's units.
    """
    record, intact = record_of(connection, number)
    return json_answer({"record": record, "intact": intact})


class Release(BaseModel):
    """Why it ends. With `serials` or `packages` only for these."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "Sorted: 0 of 400 cracked."}]})

    reason: _Reason
    serials: list[_Text] = []
    packages: list[_Text] = []


@router.post("/{number}/release", response_model=None)
def post_release(number: str, release: Release, actor: HoldReleaser, once: DoOnce) -> Response:
    """End a containment, once, and with it every hold that is left; or end the holds of some units or packages."""

    def deed(connection: Connection) -> dict[str, Any]:
        if not release.serials and not release.packages:
            at = release_containment(connection, number, reason=release.reason, actor=actor.identity)
            return {"number": number, "released_at": at}
        held_by = nonconformance_of(connection, number)
        given: dict[str, Any] = {"reason": release.reason, "actor": actor.identity, "role": actor.role}
        units = packages = 0
        if release.serials:
            units = disposition_units(connection, held_by, release.serials, Disposition.released, **given)
        if release.packages:
            packages = disposition_packages(connection, held_by, release.packages, Disposition.released, **given)
        return {"number": number, "units": units, "packages": packages}

    return once(deed)


@router.post("/{number}/count-again", response_model=None)
def post_count_again(number: str, actor: Container, engine: TheEngine, once: DoOnce) -> Response:
    """Ask its terms anew and hold what became known since. Harmless to repeat."""
    with reporting(engine, deed=f"Counting {number} again", actor=actor.name) as progress:

        def deed(connection: Connection) -> dict[str, Any]:
            new = count_again(connection, number, actor=actor.identity, progress=progress)
            return {"number": number, "units": new}

        return once(deed)
