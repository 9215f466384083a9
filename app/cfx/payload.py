"""What travels in an MQTT payload or an HTTP body, down to plain JSON bytes.

Allowed: UTF-8 JSON (a byte order mark may lead), gzip of that, base64 of either. Nothing is
unpacked twice, and nothing grows past the limit: a gzip bomb is refused while it is still small.
"""

import base64
import binascii
import codecs
import re
import zlib
from typing import Final

#: The most bytes of plain JSON one payload may hold. A panel of 3,000 pads with five values each
#: is about 1 MB; pictures inside inspection results are what needs the rest.
DEFAULT_LIMIT: Final = 32 * 1024 * 1024

_GZIP_MAGIC: Final = b"\x1f\x8b"
_MAX_GZIP_MEMBERS: Final = 64
_JSON_SPACE: Final = b" \t\r\n"
_STANDARD_ALPHABET: Final = bytes.maketrans(b"-_", b"+/")
_JSON_START = re.compile(rb"[ \t\r\n]*[{\[]")
# The first character of JSON in two or four bytes.
_WIDE = re.compile(rb"\0*[{\[]\0|\0+[{\[]")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-\s]+={0,2}\s*")


class PayloadError(ValueError):
    """The payload cannot be brought down to JSON text; the message says why, for people."""


def unpack(payload: bytes, *, limit: int = DEFAULT_LIMIT) -> bytes:
    """The JSON text of a payload as UTF-8 bytes, without byte order mark; not parsed yet.

    `limit` bounds the plain JSON in bytes. Raises PayloadError with a sentence.
    """
    if not payload:
        raise PayloadError("The payload is empty.")
    if payload.startswith(_GZIP_MAGIC):
        return _text(_gunzip(payload, limit), "The text inside the gzip data")
    decoded = _from_base64(payload) if len(payload) <= 2 * limit else None
    if decoded is None:
        subject = "The payload"
    elif decoded.startswith(_GZIP_MAGIC):
        return _text(_gunzip(decoded, limit), "The text inside base64 and gzip")
    else:
        payload, subject = decoded, "The text inside base64"
    if len(payload) > limit:
        raise PayloadError(f"{subject} has {len(payload)} bytes; the limit is {limit}.")
    return _text(payload, subject)


def _text(data: bytes, subject: str) -> bytes:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _WIDE.match(data):
        raise PayloadError(f"{subject} is UTF-16 or UTF-32. Set the machine to send UTF-8.")
    data = data.removeprefix(codecs.BOM_UTF8)
    if not _looks_like_json(data):
        if not data.strip(_JSON_SPACE):
            raise PayloadError(f"{subject} holds nothing but blanks.")
        shown = data[:24].decode("utf-8", "backslashreplace")
        raise PayloadError(f"{subject} is not JSON: it begins with {shown!r}, not with {{ or [.")
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as broken:
            raise PayloadError(
                f"{subject} is not UTF-8: byte {broken.start} is 0x{data[broken.start]:02X}. "
                "Set the machine to send UTF-8."
            ) from None
    return data


def _looks_like_json(data: bytes) -> bool:
    return _JSON_START.match(data) is not None


def _from_base64(payload: bytes) -> bytes | None:
    """What base64 text (standard or URL alphabet) holds; None when that is neither gzip nor JSON."""
    if not _BASE64.fullmatch(payload):
        return None
    packed = b"".join(payload.split()).rstrip(b"=").translate(_STANDARD_ALPHABET)
    try:
        decoded = base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except binascii.Error:
        return None
    known = (_GZIP_MAGIC, codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return decoded if decoded.startswith(known) or _looks_like_json(decoded) else None


def _gunzip(data: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    room = limit
    for _ in range(_MAX_GZIP_MEMBERS):
        member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            part = member.decompress(data, room + 1)
        except zlib.error as broken:
            raise PayloadError(f"The gzip data is damaged ({broken}).") from None
        if len(part) > room:
            raise PayloadError(f"The gzip data unpacks to more than the limit of {limit} bytes.")
        if not member.eof:
            raise PayloadError("The gzip data is cut off before its end.")
        parts.append(part)
        room -= len(part)
        data = member.unused_data.lstrip(b"\0")
        if not data:
            return _once(b"".join(parts))
        if not data.startswith(_GZIP_MAGIC):
            raise PayloadError(f"{len(data)} bytes that are not gzip follow the gzip data.")
    raise PayloadError(f"The gzip data has more than {_MAX_GZIP_MEMBERS} members.")


def _once(data: bytes) -> bytes:
    if data.startswith(_GZIP_MAGIC):
        raise PayloadError("The payload is compressed twice. Send it compressed once.")
    return data
