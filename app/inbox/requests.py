"""Answers to CFX requests: an envelope in, the bytes of the response envelope out.

Source: IPC-2591 (CFX), requests and responses: a response carries the `RequestID` of its request
and goes to whoever asked. A request this product does not support is answered too, with
`CFX.NotSupportedResponse`, so that no machine has to wait until its patience ends.

Over MQTT the questions to the gate have a process of their own (`app.intake.answering`), so that no
unit waits behind a batch of messages: it hears the topics of `GATE_REQUESTS`. Those that come on
another topic, or in a list, are answered where the message is recorded.
"""

from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.cfx.body import BodyError, decode_body
from app.cfx.envelope import Envelope, Malformed, encode
from app.cfx.messages.base import Message
from app.cfx.messages.endpoint import (
    AreYouThereRequest,
    AreYouThereResponse,
    NotSupportedResponse,
    WhoIsThereRequest,
    WhoIsThereResponse,
)
from app.cfx.messages.information_system import ValidateUnitsRequest
from app.cfx.messages.structures import RequestResult
from app.cfx.names import canonical_name, short_name
from app.db import asked as ask_database
from app.inbox.failures import is_away, may_pass
from app.inbox.validation import ANSWERERS, refused, validate_units

log = structlog.get_logger()

HANDLE = "Birthmark.Traceability.1"
"""The CFX handle this product answers with."""

GATE_REQUESTS: Final = frozenset(kind.cfx_name for kind in ANSWERERS)
"""Full names of the requests that the gate answers."""

_SUCCESS = RequestResult(result="Success", result_code=0)
_NOT_SUPPORTED = 1
_UNREADABLE = 2
_SOMEBODY_ELSE = 3
_FAULT = 4


def is_request(asked: Envelope | Malformed, topic_name: str | None = None) -> bool:
    """Whether the sender waits for an answer; of what cannot be read the topic's message name may tell."""
    if isinstance(asked, Envelope):
        return asked.message_name.endswith("Request")
    return asked.request_id is not None and (asked.message_name or topic_name or "").endswith("Request")


def is_for_the_gate(message_name: str | None) -> bool:
    """Whether a topic's message name is that of a question to the gate."""
    return message_name is not None and canonical_name(message_name) in GATE_REQUESTS


def answer(
    asked: Envelope | Malformed,
    *,
    source: str | None,
    engine: Engine,
    sender: str | None = None,
    topic_name: str | None = None,
    settling: bool = False,
) -> bytes | None:
    """The response envelope as UTF-8 JSON, or None where the message is no request.

    `source` is the station that asked, for envelopes that leave their own `Source` out; `sender`, where given, is the
    only station that may be spoken for. `settling`: the product was away until a moment ago. A question to the gate is
    answered on a connection of `engine`, a keyed one; `sqlalchemy.exc.SQLAlchemyError` where the database is away. A
    question that cannot be read, or that this product fails over, is answered with a refusal: whoever asks does not
    wait for nothing.
    """
    if not is_request(asked, topic_name):
        return None
    station = asked.source or source or ""
    if isinstance(asked, Malformed):
        name = canonical_name(asked.message_name or topic_name or "")
        response = _refusal(_UNREADABLE, asked.reason, name)
    elif sender is not None and station != sender:
        reason = f"Station {sender} may not ask for {station}. Ask with that station's own token, on its own topic."
        response = _refusal(_SOMEBODY_ELSE, reason, asked.message_name)
    else:
        response = _respond_whatever_comes(asked, station, engine, settling=settling)
    return encode(response, source=HANDLE, target=asked.source or source, request_id=asked.request_id)


def _respond_whatever_comes(envelope: Envelope, station: str, engine: Engine, *, settling: bool) -> Message:
    try:
        return _respond(envelope, station, engine, settling=settling)
    except PoolTimeout:
        raise
    except Exception as fault:
        if isinstance(fault, DBAPIError) and (may_pass(fault.orig) or is_away(fault.orig)):
            raise
        log.exception("inbox.request_fault", message=envelope.message_name, source=station)
        reason = f"{HANDLE} failed over this request: {type(fault).__name__}. Report it; the log says more."
        return _refusal(_FAULT, reason, envelope.message_name)


def _respond(envelope: Envelope, station: str, engine: Engine, *, settling: bool) -> Message:
    try:
        asked = decode_body(envelope)
    except BodyError as unreadable:
        reason = f"{unreadable.path}: {unreadable}".removeprefix(": ")
        return _refusal(_UNREADABLE, reason, envelope.message_name)
    if isinstance(asked, AreYouThereRequest):
        return _are_you_there(asked)
    if isinstance(asked, WhoIsThereRequest):
        return WhoIsThereResponse(cfx_handle=HANDLE, result=_SUCCESS)
    if isinstance(asked, ValidateUnitsRequest):
        return ask_database(engine, lambda connection: validate_units(connection, asked, station, settling=settling))
    if (answerer := ANSWERERS.get(type(asked))) is not None:
        return ask_database(engine, lambda connection: answerer(connection, asked, station))
    name = short_name(envelope.message_name)
    return _refusal(_NOT_SUPPORTED, f"{HANDLE} does not answer {name}.", envelope.message_name)


def _refusal(code: int, reason: str, message_name: str) -> Message:
    """The response that belongs to the request, saying that it failed, or CFX's way to say that none does."""
    result = RequestResult(result="Failed", result_code=code, message=reason)
    return refused(message_name, result) or NotSupportedResponse(request_result=result)


def _are_you_there(asked: AreYouThereRequest) -> Message:
    if asked.cfx_handle not in {None, "", HANDLE}:
        reason = f"This is {HANDLE}, not {asked.cfx_handle}."
        result = RequestResult(result="Failed", result_code=_SOMEBODY_ELSE, message=reason)
        return AreYouThereResponse(cfx_handle=HANDLE, result=result)
    return AreYouThereResponse(cfx_handle=HANDLE, result=_SUCCESS)
