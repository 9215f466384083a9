"""The short way to understand installed materials: a body that differs from an earlier one only in its units.

Source: IPC-2591 (CFX), as `app.cfx.installed`.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from app.cfx.installed import VALUE, Head, InstalledError

_TRANSACTION = re.compile(rb'"TransactionI[dD]"\s*:\s*' + rb'"([^"\\]*)"')


class _Heads(msgspec.Struct):
    InstalledMaterials: list[Head] | None = None
    AppliedMaterials: list[Head] | None = None


_decode_heads = msgspec.json.Decoder(_Heads).decode


@dataclass(frozen=True, slots=True)
class Outline:
    """A body with its unit identifiers and its transaction cut out: equal digests are equal messages but for those."""

    digest: bytes
    identifiers: tuple[str, ...]
    """In order of their first appearance."""


def outline(body: bytes) -> Outline | None:
    """The body's outline, or None where the short way does not apply (then `dissect`).

    Cutting is by exact text (`"UnitIdentifier":"..."`), so what remains, together with the identifiers and the
    transaction, gives the very bytes of the message: two bodies of one outline say the same of different units.
    Raises `InstalledError` where the body is not JSON of the right shape.
    """
    if b'"InstalledUnitIdentifier"' in body:
        return None
    try:
        heads = _decode_heads(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InstalledError(str(error)) from None
    entries = heads.InstalledMaterials if heads.InstalledMaterials is not None else heads.AppliedMaterials
    identifiers = tuple(dict.fromkeys(head.UnitIdentifier for head in entries or ()))
    remaining = cut_transaction(body)
    for number, identifier in enumerate(identifiers):
        if identifier is None:
            return None
        text = msgspec.json.encode(identifier)
        token = b'"UnitIdentifier":\xf8%d\xf8' % number
        remaining = remaining.replace(b'"UnitIdentifier":' + text, token).replace(b'"UnitIdentifier": ' + text, token)
    return Outline(sha256(remaining).digest(), tuple(i for i in identifiers if i is not None))


def cut_transaction(text: bytes) -> bytes:
    """The text with the value of its first `TransactionId` cut out."""
    match = _TRANSACTION.search(text)
    return text if match is None else text[: match.start(1)] + VALUE + text[match.end(1) :]


def put_transaction(text: bytes, body: bytes) -> bytes:
    """`text`, from which `cut_transaction` took one, with the transaction of `body`."""
    match = _TRANSACTION.search(body)
    return text if match is None else text.replace(VALUE, match[1], 1)
