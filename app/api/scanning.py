"""What operators' screens go by: how serials look, work instructions; and what a scan is."""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import Planner, Reading, only
from app.api.once import DoOnce
from app.errors import Invalid
from app.http.answers import json_answer
from app.people import Permission
from app.products.instructions import Step, add_picture, instructions, write_instructions
from app.scanning.formats import plan_serial_format, serial_formats
from app.scanning.rules import LONGEST_SCAN, Scan, SerialFormat, read_scan
from app.sentences import Sentence

router = APIRouter(tags=["stations"])

_Name = Annotated[str, Field(min_length=1, max_length=256)]


class SerialFormatPlan(BaseModel):
    """How serials of a product look: `#` digit, `@` capital, `*` either, `!` check character, the rest itself."""

    model_config = ConfigDict(extra="forbid")

    product_revision_id: int
    pattern: Annotated[str, Field(min_length=1, max_length=256, examples=["******-######-!"])]
    check_character: Annotated[str | None, Field(examples=["mod37_36", "luhn"])] = None


@router.post("/serial-formats", status_code=201, response_model=None)
def post_serial_format(plan: SerialFormatPlan, actor: Planner, once: DoOnce) -> Response:
    """Say how serials of a product look, so that a cut scan is told from a whole one."""

    def deed(connection: Connection) -> dict[str, object]:
        planned = SerialFormat(plan.pattern, plan.check_character)
        plan_serial_format(connection, plan.product_revision_id, planned, actor=actor.identity)
        return plan.model_dump()

    return once(deed, status=201)


@router.get("/scans", response_model=Scan, dependencies=[only(Permission.read_line)])
def get_scan(connection: Reading, text: Annotated[str, Query(max_length=2 * LONGEST_SCAN)]) -> Response:
    """What a scan is: a serial, a label, a printed code, something else; or why it is refused."""
    return json_answer(read_scan(text, serial_formats(connection)))


class InstructionStep(BaseModel):
    """What to do; designators are marked on the board's drawing, the picture is a PNG or JPEG in base64."""

    model_config = ConfigDict(extra="forbid")

    says: Annotated[str, Field(min_length=1, max_length=2000)]
    reference_designators: Annotated[list[_Name], Field(max_length=500)] = []
    picture: str | None = None


class Instructions(BaseModel):
    """The steps of an operation, in order."""

    model_config = ConfigDict(extra="forbid")

    product_revision_id: int
    operation: _Name
    steps: Annotated[list[InstructionStep], Field(max_length=200)]


@router.post("/instructions", response_model=None)
def post_instructions(plan: Instructions, actor: Planner, once: DoOnce) -> Response:
    """Give an operation its work instructions, in place of those it had."""

    def deed(connection: Connection) -> dict[str, object]:
        steps = [
            Step(step.says, tuple(step.reference_designators), _picture(connection, step.picture))
            for step in plan.steps
        ]
        write_instructions(connection, plan.product_revision_id, plan.operation, steps, actor=actor.identity)
        return {"product_revision_id": plan.product_revision_id, "operation": plan.operation, "steps": len(steps)}

    return once(deed)


def _picture(connection: Connection, encoded: str | None) -> int | None:
    if encoded is None:
        return None
    try:
        return add_picture(connection, base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        raise Invalid(Sentence("A picture is sent as base64 of its bytes; this is none.")) from None


@router.get("/instructions", response_model=None, dependencies=[only(Permission.read_line)])
def get_instructions(connection: Reading, product_revision_id: int, operation: str) -> Response:
    """The work instructions of an operation."""
    return json_answer({"steps": instructions(connection, product_revision_id, operation)})
