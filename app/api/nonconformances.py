"""Nonconformances and what is decided of their units and packages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import Container, Decider, Reading, UnitReader
from app.api.once import DoOnce
from app.errors import Invalid
from app.http.answers import json_answer
from app.quality.containments import nonconformance_of
from app.quality.dispositions import Disposition, disposition_packages, disposition_units
from app.quality.nonconformances import NonconformanceSummary, nonconformances, open_nonconformance
from app.quality.scope import scope_of
from app.quality.terms import terms_of
from app.sentences import Sentence

router = APIRouter(prefix="/nonconformances", tags=["quality"])

_Text = Annotated[str, Field(max_length=256)]
_Reason = Annotated[str, Field(min_length=1, max_length=2000)]


class Finding(BaseModel):
    """Units that are not as they should be."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"serials": ["SN-1"], "reason": "AOI: bridge at R2"}]}
    )

    serials: list[_Text] = Field(min_length=1)
    reason: _Reason


@router.post("", status_code=201, response_model=None)
def post_nonconformance(finding: Finding, actor: Container, once: DoOnce) -> Response:
    """Put units on hold until it is decided what becomes of them."""

    def deed(connection: Connection) -> dict[str, Any]:
        scope = scope_of(connection, terms_of({"serials": finding.serials}))
        number = open_nonconformance(connection, scope.units, reason=finding.reason, actor=actor.identity)
        return {"number": number, "units": len(scope.units)}

    return once(deed, status=201)


@dataclass(frozen=True, slots=True)
class NonconformancePage:
    """Nonconformances, newest first."""

    nonconformances: Sequence[NonconformanceSummary]


@router.get("", response_model=NonconformancePage)
def get_nonconformances(
    *,
    reader: UnitReader,
    connection: Reading,
    number: str | None = None,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Nonconformances, newest first; `open=true` those with units to decide. A customer sees those of their units."""
    found = nonconformances(connection, customer_id=reader.customer_id, number=number, is_open=is_open, limit=limit)
    return json_answer(NonconformancePage(found))


class Decision(BaseModel):
    """What becomes of units or packages. A customer's unit is used as it is with the customer's approval only."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"serials": ["SN-1"], "decision": "rework", "reason": "Resolder R2"}]},
    )

    serials: list[_Text] = []
    packages: list[_Text] = []
    decision: Disposition
    reason: _Reason
    customer_approval: _Text | None = Field(None, description="The customer's reference, for use_as_is")


@router.post("/{number}/dispositions", status_code=201, response_model=None)
def post_disposition(number: str, decision: Decision, actor: Decider, once: DoOnce) -> Response:
    """Decide, once for each unit or package, with the authority of the role: process engineers rework and repair only.

    The number is the nonconformance's or its containment's. 409 where one was decided before; then nothing was done.
    """
    if not decision.serials and not decision.packages:
        raise Invalid(Sentence("Name the units by their serials, or the packages."))

    def deed(connection: Connection) -> dict[str, Any]:
        held_by = nonconformance_of(connection, number)
        given: dict[str, Any] = {"reason": decision.reason, "actor": actor.identity, "role": actor.role}
        units = packages = 0
        if decision.serials:
            units = disposition_units(
                connection, held_by, decision.serials, decision.decision,
                customer_approval=decision.customer_approval, **given,
            )  # fmt: skip
        if decision.packages:
            packages = disposition_packages(connection, held_by, decision.packages, decision.decision, **given)
        return {"number": number, "decision": decision.decision, "units": units, "packages": packages}

    return once(deed, status=201)
