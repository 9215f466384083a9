"""`POST /cfx`: machines that speak HTTP instead of MQTT. The same deed as intake's."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Engine

from app.api.access import IsSettling, Machine, TheGate
from app.api.once import DoOnce
from app.cfx.envelope import Envelope, decode
from app.cfx.receipts import Receipt
from app.errors import Invalid
from app.inbox.record import Delivery, Recorder
from app.inbox.requests import answer, is_request
from app.people.idempotency import Answer
from app.sentences import Sentence

router = APIRouter(tags=["machines"])

_ENVELOPE = {
    "type": "object",
    "required": ["MessageName", "TimeStamp", "UniqueID", "Source", "MessageBody"],
    "properties": {
        "MessageName": {"type": "string", "example": "CFX.Production.WorkStarted"},
        "Version": {"type": "string"},
        "TimeStamp": {"type": "string", "format": "date-time"},
        "UniqueID": {"type": "string", "format": "uuid"},
        "Source": {"type": "string", "example": "Vendor.Model.Serial"},
        "RequestID": {"type": "string", "nullable": True},
        "MessageBody": {"type": "object"},
    },
}
_OPENAPI = {
    "requestBody": {
        "required": True,
        "description": "One CFX envelope or a list of them; plain, or gzip (Content-Encoding: gzip)",
        "content": {"application/json": {"schema": {"oneOf": [_ENVELOPE, {"type": "array", "items": _ENVELOPE}]}}},
    }
}


async def _payload(request: Request) -> bytes:
    return await request.body()


async def recorder_of(request: Request) -> Recorder:
    """The recorder of this application."""
    recorder: Recorder = request.app.state.recorder
    return recorder


@router.post("/cfx", openapi_extra=_OPENAPI)
def post_cfx(
    machine: Machine,  # first: the bodies of strangers are not read
    payload: Annotated[bytes, Depends(_payload)],
    recorder: Annotated[Recorder, Depends(recorder_of)],
    gate: TheGate,
    settling: IsSettling,
    once: DoOnce,
) -> Response:
    """Record CFX messages; the answer comes after COMMIT.

    `{"receipts": [{"UniqueID", "status": "stored"|"duplicate"|"rejected", "reason"?}]}`, in the
    order of the envelopes. `rejected` means kept in quarantine with the reason: sending it again
    helps nobody. A token bound to a station speaks for that station only; what names another
    Source is rejected.

    A single `...Request` is answered with its CFX response envelope instead; requests within a
    list are answered in order in `"responses"`, beside the receipts.
    """
    if not payload:
        raise Invalid(Sentence("The body is empty. Send one CFX envelope as JSON, or a list of them."))

    def deed() -> Answer:
        receipts = recorder.record([Delivery(payload, machine.station, machine.station)])[0]
        return Answer(200, _encode(receipts, _responses(payload, receipts, machine.station, gate, settling=settling)))

    return once.across_transactions(deed)


def _responses(
    payload: bytes, receipts: Sequence[Receipt], station: str | None, gate: Engine, *, settling: bool
) -> list[msgspec.Raw]:
    """The response envelopes to those requests that were taken in."""
    if b"Request" not in payload and payload[:1] in b"[{":
        return []
    answers = []
    for envelope, receipt in zip(decode(payload), receipts, strict=True):
        if isinstance(envelope, Envelope) and is_request(envelope):
            if receipt.status == "rejected":
                continue
            response = answer(envelope, source=station, engine=gate, settling=settling)
            if response is not None:
                answers.append(msgspec.Raw(response))
    return answers


def _encode(receipts: Sequence[Receipt], responses: Sequence[msgspec.Raw]) -> bytes:
    if len(receipts) == 1 and responses:
        return bytes(responses[0])
    body: dict[str, object] = {"receipts": receipts}
    if responses:
        body["responses"] = responses
    return msgspec.json.encode(body)
