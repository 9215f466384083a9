"""The typed message of an envelope.

A body as most machines send it is decoded straight. Where that fails, `app.cfx.tolerance` reads
it again member by member with what the field has taught: numbers and states as text, Guids in
braces, times without a zone. Only what remains unreadable is an error, and it says where.
"""

from functools import cache
from typing import TypeVar

import msgspec

from app.cfx.envelope import Envelope
from app.cfx.messages import Message, OtherMessage, message_type
from app.cfx.messages.other import Carried
from app.cfx.names import KNOWN_MESSAGES, short_name
from app.cfx.tolerance import Unreadable, read_tolerantly

_M = TypeVar("_M", bound=Message)

# .NET writes a time nobody set as its first or last day. Near those a zone's offset leaves the
# calendar, so such bodies take the careful way, where these times read as "not said".
_UNSET_YEARS = (b"0001-", b"9999-")


class BodyError(ValueError):
    """The body is not what its message name promises.

    `path` is the member at fault, such as `InstalledMaterials[3].Material.Quantity`, or empty.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


def decode_body(envelope: Envelope) -> Message:
    """The typed message of an envelope.

    A message CFX 2.1 knows but this product does not model comes as `OtherMessage`. Raises
    BodyError with a sentence and the path of the member at fault.
    """
    name = envelope.message_name
    kind = message_type(name)
    if kind is not None:
        return _read(kind, name, envelope.body)
    if name not in KNOWN_MESSAGES:
        raise BodyError(f"{name!r} is not a CFX 2.1 message.")
    carried = _read(Carried, name, envelope.body)
    return OtherMessage(
        other_name=name,
        raw=envelope.body,
        transaction_id=carried.transaction_id,
        primary_identifier=carried.primary_identifier,
        hermes_identifier=carried.hermes_identifier,
        units=carried.units,
    )


def _read(kind: type[_M], name: str, body: msgspec.Raw) -> _M:
    text = bytes(body)
    # A megabyte is searched for the quote only where the year is found: quotes are everywhere, and slow the search.
    if not any(year in text and b'"' + year in text for year in _UNSET_YEARS):
        try:
            message: _M = _decoder(kind).decode(text)
        except (msgspec.DecodeError, RecursionError):
            pass
        else:
            return message
    try:
        return read_tolerantly(kind, text)
    except Unreadable as unreadable:
        reason = f"{short_name(name)}: {unreadable}"
        raise BodyError(reason, unreadable.path) from None


@cache
def _decoder(kind: type[_M]) -> msgspec.json.Decoder[_M]:
    return msgspec.json.Decoder(kind)
