"""Messages that could not be taken in: list, look at the bytes, replay, dismiss."""

import base64
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import QuarantineHandler, Reading, TheEngine, only
from app.api.cfx import recorder_of
from app.api.once import DoOnce
from app.http.answers import json_answer
from app.inbox.quarantine import quarantined
from app.inbox.record import Recorder
from app.inbox.replay import dismiss, replay
from app.people import Permission
from app.people.idempotency import Answer

router = APIRouter(tags=["quarantine"])


@router.get("/quarantine", response_model=None, dependencies=[only(Permission.handle_quarantine)])
def get_quarantine(
    connection: Reading,
    resolved: Annotated[bool, Query(description="List the resolved ones too")] = False,
    code: Annotated[str | None, Query(description="malformed, contradiction, ...")] = None,
    cursor: int = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Messages in quarantine, oldest first, the first 4,096 raw bytes as base64; `next` is passed back as `cursor`."""
    rows = quarantined(connection, resolved=resolved, code=code, after=cursor, limit=limit)
    page: dict[str, Any] = {"quarantine": [_message(row._asdict()) for row in rows]}
    if len(rows) == limit:
        page["next"] = rows[-1].quarantine_id
    return json_answer(page)


def _message(row: Mapping[str, Any]) -> dict[str, Any]:
    message = {**row, "raw": base64.b64encode(row["raw"]).decode()}
    return {name: value for name, value in message.items() if value is not None}


@router.post("/quarantine/{quarantine_id}/replay", response_model=None)
def post_replay(
    quarantine_id: int,
    actor: QuarantineHandler,
    engine: TheEngine,
    recorder: Annotated[Recorder, Depends(recorder_of)],
    once: DoOnce,
) -> Response:
    """Take the message in once more, after what it needed was put right. 409 if refused again."""

    def deed() -> Answer:
        outcome = replay(engine, recorder, quarantine_id, actor=actor.identity)
        return Answer(200, msgspec.json.encode({"quarantine_id": quarantine_id, "outcome": outcome}))

    return once.across_transactions(deed)


class Dismissal(BaseModel):
    """Why a message is not taken in."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000)


@router.post("/quarantine/{quarantine_id}/dismiss", response_model=None)
def post_dismissal(
    quarantine_id: int,
    dismissal: Dismissal,
    actor: QuarantineHandler,
    once: DoOnce,
) -> Response:
    """Say why the message is not taken in; its bytes stay."""

    def deed(connection: Connection) -> dict[str, Any]:
        dismiss(connection, quarantine_id, reason=dismissal.reason, actor=actor.identity)
        return {"quarantine_id": quarantine_id, "outcome": "dismissed"}

    return once(deed)
