"""The CFX envelope (IPC-2591, `CFXEnvelope`): from payload bytes to envelopes, and back.

`decode` never raises, whatever the bytes: what cannot be understood comes out as `Malformed`,
with the bytes it came from and a reason a line engineer can act on. The body stays as it was
sent, byte for byte; `app.cfx.body` types it.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

import msgspec

from app.cfx.messages import Message, OtherMessage
from app.cfx.names import canonical_name
from app.cfx.payload import DEFAULT_LIMIT, PayloadError, unpack
from app.cfx.scalars import FIRST_YEAR, LAST_YEAR, format_moment, parse_guid, parse_moment
from app.cfx.splitting import split_list

#: The version of the standard this product writes (`CFXEnvelope.Version`).
CFX_VERSION: Final = "2.1"

#: The longest identifier taken from a message, in characters. Longer ones cannot be indexed.
MAX_IDENTIFIER: Final = 256

_ShortText = Annotated[str, msgspec.Meta(max_length=MAX_IDENTIFIER)]


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message as it travelled. `(source, unique_id)` is the event's key.

    `time_stamp` is aware, in UTC, microseconds. `source` is None when the machine left it out:
    the topic then says who spoke. `body` and `raw` are the exact bytes of `MessageBody` and of
    the whole envelope.
    """

    message_name: str
    time_stamp: datetime
    unique_id: UUID
    body: msgspec.Raw
    raw: bytes
    version: str | None = None
    source: str | None = None
    target: str | None = None
    request_id: str | None = None


class Malformed(msgspec.Struct, frozen=True, gc=False):
    """Bytes that are no CFX envelope, and why. What could still be read of its key is given."""

    raw: bytes
    reason: str
    unique_id: UUID | None = None
    source: str | None = None


class _Wire(msgspec.Struct, gc=False):
    """The envelope as most machines send it; everything else takes the careful way."""

    MessageName: _ShortText
    TimeStamp: datetime
    UniqueID: UUID
    MessageBody: msgspec.Raw
    Version: _ShortText | None = None
    Source: _ShortText | None = None
    Target: _ShortText | None = None
    RequestID: _ShortText | None = None


class _Refused(ValueError):
    """Why an envelope is not accepted; the message is the reason shown to people."""


_wire = msgspec.json.Decoder(_Wire)
_list = msgspec.json.Decoder(list[msgspec.Raw])
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])

_OPENING_BRACE: Final = ord("{")
# An escaped NUL: an even number of backslashes before \u0000 means that the escape is real.
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_CLAIMED_ID = re.compile(rb'"UniqueID"\s*:\s*"(\{?[0-9A-Fa-f-]{32,36}\}?)"')
_BYTE = re.compile(r"\(byte (\d+)\)")


def decode(payload: bytes, *, limit: int = DEFAULT_LIMIT) -> list[Envelope | Malformed]:
    """Every envelope of a payload, in order; never raises and never returns an empty list.

    A list's element that is malformed does not sink the others. When nothing can be made of the
    payload as a whole, the one result is a `Malformed` that holds the payload as it came.
    `limit` bounds the unpacked JSON in bytes.
    """
    try:
        text = unpack(payload, limit=limit)
    except PayloadError as refused:
        return [Malformed(payload, str(refused))]
    if text.lstrip(b" \t\r\n").startswith(b"{"):
        return [_decode_one(text, original=payload)]
    try:
        elements = [bytes(element) for element in _list.decode(text)]
    except (msgspec.DecodeError, RecursionError) as broken:
        # One element may be at fault: NaN, half a surrogate pair, nesting without end.
        found = split_list(text)
        if found is None:
            return [Malformed(payload, _not_json(text, broken))]
        elements = found
    if not elements:
        return [Malformed(payload, "The payload is an empty list: it holds no envelope.")]
    return [_decode_one(element) for element in elements]


def _decode_one(text: bytes, *, original: bytes | None = None) -> Envelope | Malformed:
    """One envelope's JSON text; `original` are the bytes to keep when nothing can be made of it."""
    try:
        return _envelope(text, _wire.decode(text))
    except (msgspec.DecodeError, RecursionError, _Refused):
        pass
    try:
        return _envelope(text, _repaired(text))
    except (msgspec.DecodeError, RecursionError) as broken:
        unique_id, source = _claims(text)
        return Malformed(original or text, _not_json(text, broken), unique_id, source)
    except _Refused as refused:
        unique_id, source = _claims(text)
        return Malformed(text, str(refused), unique_id, source)


def _envelope(text: bytes, wire: _Wire) -> Envelope:
    if memoryview(wire.MessageBody)[0] != _OPENING_BRACE:
        raise _Refused("MessageBody must be a JSON object.")
    if b"\\u0000" in text and _ESCAPED_NUL.search(text):
        raise _Refused("A text holds the character U+0000, which cannot be stored.")
    if not wire.UniqueID.int:
        raise _Refused("UniqueID is all zeros: the machine did not give the event an identifier.")
    moment = wire.TimeStamp
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise _Refused(f"TimeStamp is in the year {moment.year}. Set the clock of the machine and send again.")
    return Envelope(
        message_name=canonical_name(wire.MessageName),
        time_stamp=moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC),
        unique_id=wire.UniqueID,
        body=wire.MessageBody,
        raw=text,
        version=wire.Version,
        source=(wire.Source or "").strip() or None,
        target=wire.Target,
        request_id=wire.RequestID,
    )


def _repaired(text: bytes) -> _Wire:
    """The envelope member by member, each read with the tolerance the field asks for."""
    members = _members.decode(text)
    body = members.get("MessageBody")
    if body is None or bytes(body) == b"null":
        raise _Refused("MessageBody is missing.")
    name = _member(members, "MessageName")
    if name is None:
        raise _Refused("MessageName is missing: nothing says what kind of message this is.")
    moment = _member(members, "TimeStamp")
    if moment is None:
        raise _Refused("TimeStamp is missing: nothing says when this happened.")
    unique_id = _member(members, "UniqueID")
    if unique_id is None:
        raise _Refused("UniqueID is missing: without it a repetition could not be recognised.")
    try:
        time_stamp = parse_moment(moment)
    except ValueError as problem:
        raise _Refused(f"TimeStamp {moment!r}: {problem}.") from None
    try:
        guid = parse_guid(unique_id)
    except ValueError:
        raise _Refused(f"UniqueID {unique_id!r} is not a GUID.") from None
    version = members.get("Version")
    return _Wire(
        MessageName=name,
        TimeStamp=time_stamp,
        UniqueID=guid,
        MessageBody=body,
        # A version is for people to read; one written as the number 2.1 says as much.
        Version=None if version is None else bytes(version).decode()[:MAX_IDENTIFIER].strip('"'),
        Source=_member(members, "Source"),
        Target=_member(members, "Target"),
        RequestID=_member(members, "RequestID"),
    )


def _member(members: dict[str, msgspec.Raw], name: str) -> str | None:
    """A text member; None when it is absent, null or blank."""
    raw = members.get(name)
    if raw is None:
        return None
    value: Any = msgspec.json.decode(raw)
    if value is None:
        return None
    if not isinstance(value, str):
        shown = bytes(raw)[:40].decode("utf-8", "replace")
        raise _Refused(f"{name} must be text in quotes, but is {shown}.")
    if len(value) > MAX_IDENTIFIER:
        raise _Refused(f"{name} has {len(value)} characters; more than {MAX_IDENTIFIER} cannot be stored.")
    return value if value.strip() else None


def _claims(text: bytes) -> tuple[UUID | None, str | None]:
    """What a malformed envelope still says of its own key, so that its station can be told."""
    source = None
    try:
        members = _members.decode(text)
    except (msgspec.DecodeError, RecursionError):
        claimed = {match.decode() for match in _CLAIMED_ID.findall(text)}
        unique_id = claimed.pop() if len(claimed) == 1 else None
    else:
        unique_id = _lenient(members.get("UniqueID"))
        source = _lenient(members.get("Source"))
    try:
        guid = parse_guid(unique_id) if unique_id else None
    except ValueError:
        guid = None
    return (guid if guid and guid.int else None), source


def _lenient(raw: msgspec.Raw | None) -> str | None:
    try:
        value: Any = msgspec.json.decode(raw) if raw is not None else None
    except (msgspec.DecodeError, RecursionError):
        return None
    usable = isinstance(value, str) and len(value) <= MAX_IDENTIFIER and "\0" not in value
    return value.strip() or None if usable else None


def _not_json(text: bytes, broken: Exception) -> str:
    """Why a text is not the JSON of an envelope, with the spot where it breaks."""
    if isinstance(broken, RecursionError):
        return "The JSON is nested too deeply to be a CFX message."
    said = str(broken).removeprefix("JSON is malformed: ")
    if isinstance(broken, msgspec.ValidationError):
        return f"This is no CFX envelope: {said}."
    if "truncated" in said:
        return "The JSON ends too early, or a text in it holds half a surrogate pair."
    if (spot := _BYTE.search(said)) is None:
        return f"The JSON is malformed: {said}."
    at = int(spot[1])
    near = text[max(0, at - 20) : at + 20].decode("utf-8", "replace")
    return f"The JSON is malformed: {said}, near {near!r}."


def encode(
    message: Message,
    *,
    source: str | None,
    unique_id: UUID | None = None,
    time_stamp: datetime | None = None,
    target: str | None = None,
    request_id: str | None = None,
) -> bytes:
    """The CFX JSON of a message in its envelope, UTF-8, member names and times as CFX writes them.

    Without `unique_id` a new one is made; without `time_stamp` it is now. Members nobody set are
    left out of the body. Raises ValueError for a time without a zone.
    """
    body = message.raw if isinstance(message, OtherMessage) else _body(message)
    return msgspec.json.encode(
        {
            "MessageName": message.message_name,
            "Version": CFX_VERSION,
            "TimeStamp": format_moment(time_stamp or datetime.now(UTC)),
            "UniqueID": unique_id or uuid4(),
            "Source": source,
            "Target": target,
            "RequestID": request_id,
            "MessageBody": body,
        }
    )


def _body(message: Message) -> Any:
    """The body's members; its times as text with seven decimals instead of msgspec's six."""
    return _with_cfx_times(msgspec.to_builtins(message, builtin_types=(datetime,)))


def _with_cfx_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_cfx_times(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_cfx_times(element) for element in value]
    return format_moment(value) if isinstance(value, datetime) else value
