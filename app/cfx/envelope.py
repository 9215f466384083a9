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

#: The most envelopes one payload may carry.
MAX_ENVELOPES: Final = 10_000
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
    """Bytes that are no CFX envelope, and why. What could still be read of its key is given.

    `request_id` too, so that whoever asked can be told: where there is one, it was a question.
    """

    raw: bytes
    reason: str
    unique_id: UUID | None = None
    source: str | None = None
    request_id: str | None = None
    message_name: str | None = None


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

_EASY_LIST: Final = 4 * 1024 * 1024
_OPENING_BRACE: Final = ord("{")
# An escaped NUL: an even number of backslashes before \u0000 means that the escape is real.
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NAMELESS: Final = "MessageName is missing: nothing says what kind of message this is."
_CLAIMED_ID = re.compile(rb'"UniqueID"\s*:\s*"(\{?[0-9A-Fa-f-]{32,36}\}?)"')
_CLAIMED_REQUEST = re.compile(rb'"RequestID"\s*:\s*"([^"\\\x00-\x1f\x80-\xff]{1,256})"')
_VERSION = re.compile(rb"[0-9.]{1,16}")
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
        return [_decode_one(text, payload)]
    try:
        elements = _elements(text)
    except (msgspec.DecodeError, RecursionError) as broken:
        return [Malformed(payload, _not_json(text, broken), *_claims(text))]
    if not elements:
        return [Malformed(payload, "The payload is an empty list: it holds no envelope.")]
    if len(elements) > MAX_ENVELOPES:
        reason = f"The payload is a list of more than {MAX_ENVELOPES} envelopes; send fewer at once."
        return [Malformed(payload, reason)]
    return [_decode_one(element, element) for element in elements]


def _elements(text: bytes) -> list[bytes]:
    """The elements of a JSON list. Raises msgspec's errors when it is none."""
    if len(text) > _EASY_LIST:
        # A long list of next to nothing would take far more memory than it has bytes.
        found = split_list(text, at_most=MAX_ENVELOPES)
        if found is None:
            raise msgspec.DecodeError("the brackets or quotes of the list do not match")
        return found
    try:
        return [bytes(element) for element in _list.decode(text)]
    except (msgspec.DecodeError, RecursionError):
        # One element may be at fault: NaN, half a surrogate pair, nesting without end.
        found = split_list(text, at_most=MAX_ENVELOPES)
        if found is None:
            raise
        return found


def _decode_one(text: bytes, came_as: bytes) -> Envelope | Malformed:
    """The envelope of one JSON text; `came_as` are the bytes to keep when it is none."""
    try:
        return _envelope(text, _wire.decode(text))
    except (msgspec.DecodeError, RecursionError, _Refused):
        pass
    try:
        return _envelope(text, _repaired(text))
    except (msgspec.DecodeError, RecursionError) as broken:
        reason = _not_json(text, broken)
    except _Refused as refused:
        reason = str(refused)
    return Malformed(came_as, reason, *_claims(text))


def _envelope(text: bytes, wire: _Wire) -> Envelope:
    if memoryview(wire.MessageBody)[0] != _OPENING_BRACE:
        raise _Refused("MessageBody must be a JSON object.")
    if b"\\" in text and b"\\u0000" in text and _ESCAPED_NUL.search(text):
        raise _Refused("A text holds the character U+0000, which cannot be stored.")
    if not wire.UniqueID.int:
        raise _Refused("UniqueID is all zeros: the machine did not give the event an identifier.")
    name = wire.MessageName.strip()
    if not name:
        raise _Refused(_NAMELESS)
    moment = wire.TimeStamp
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise _Refused(f"TimeStamp is in the year {moment.year}. Set the clock of the machine and send again.")
    return Envelope(
        message_name=canonical_name(name),
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
        raise _Refused(_NAMELESS)
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
    return _Wire(
        MessageName=name,
        TimeStamp=time_stamp,
        UniqueID=guid,
        MessageBody=body,
        Version=_version(members.get("Version")),
        Source=_member(members, "Source"),
        Target=_member(members, "Target"),
        RequestID=_member(members, "RequestID"),
    )


def _version(raw: msgspec.Raw | None) -> str | None:
    """The version, which only people read: the number 2.1 says as much as the text, and the rest may be left out."""
    said = bytes(raw or b"").strip(b'"')
    return said.decode() if _VERSION.fullmatch(said) else None


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


def _claims(text: bytes) -> tuple[UUID | None, str | None, str | None, str | None]:
    """What a malformed envelope still says: its key, so that its station can be told, and what was asked."""
    source = request_id = name = None
    try:
        members = _members.decode(text)
    except (msgspec.DecodeError, RecursionError):
        unique_id, request_id = _only(_CLAIMED_ID, text), _only(_CLAIMED_REQUEST, text)
    else:
        unique_id = _lenient(members.get("UniqueID"))
        source = _lenient(members.get("Source"))
        request_id = _lenient(members.get("RequestID"))
        name = _lenient(members.get("MessageName"))
    try:
        guid = parse_guid(unique_id) if unique_id else None
    except ValueError:
        guid = None
    return (guid if guid and guid.int else None), source, request_id, name


def _only(claim: re.Pattern[bytes], text: bytes) -> str | None:
    """What a text that cannot be read as a whole claims once."""
    claimed = {match.decode() for match in claim.findall(text)}
    return claimed.pop() if len(claimed) == 1 else None


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
        return f"An envelope is a JSON object in braces, but this is not: {said}."
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
