"""The short way to read installed materials: a body that differs from an earlier one only in its units and transaction.

A placement machine sends the same 94 kB for every board but for the board's identifier and the transaction. The body
with those cut out is its *outline*: two bodies of one outline say the same of different units. Cutting is by exact
text, so that an outline, filled, is the very bytes of its message.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

import msgspec

from app.cfx.described import UNIT, VALUE, Head, InstalledError
from app.cfx.installed import Transaction, may_have_children

_TRANSACTION = re.compile(rb'"TransactionI[dD]"\s*:\s*"([^"\\]*)"')


class _Heads(Transaction):
    InstalledMaterials: list[Head] | None = None
    AppliedMaterials: list[Head] | None = None


_decode_heads = msgspec.json.Decoder(_Heads).decode


@dataclass(frozen=True, slots=True)
class Outline:
    """A body with its unit identifiers and its transaction cut out.

    `digest` is SHA-256 of what is left and of which entries are about the same unit: equal digests are equal messages
    but for the names of the units and the transaction.
    """

    digest: bytes
    identifiers: tuple[str, ...]
    """In order of their first appearance."""
    transaction_id: UUID | None
    text: bytes
    """What is left, with holes."""
    shape: tuple[int, ...]
    """For each entry the index of its unit among the identifiers."""


def outline(body: bytes) -> Outline | None:
    """The body's outline, or None where the short way does not apply (then `app.cfx.installed.dissect`).

    Raises `InstalledError` where the body is not JSON of the right shape.
    """
    if may_have_children(body):
        return None
    try:
        heads = _decode_heads(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InstalledError(str(error)) from None
    entries = heads.InstalledMaterials if heads.InstalledMaterials is not None else heads.AppliedMaterials
    named = [head.UnitIdentifier for head in entries or ()]
    numbers: dict[str, int] = {}
    shape: list[int] = []
    for identifier in named:
        if not identifier:
            return None
        shape.append(numbers.setdefault(identifier, len(numbers)))
    remaining = cut_transaction(body)
    for identifier, number in numbers.items():
        remaining = cut_unit(remaining, identifier, hole_of(number))
    digest = sha256(remaining)
    digest.update(msgspec.msgpack.encode(shape))
    return Outline(digest.digest(), tuple(numbers), heads.read(), remaining, tuple(shape))


def hole_of(number: int) -> bytes:
    """What stands in an outline for the unit with this number."""
    return UNIT + b"%d" % number + UNIT


def cut_unit(text: bytes, identifier: str, hole: bytes) -> bytes:
    """The text with `hole` wherever it says that the unit is `identifier`."""
    value = msgspec.json.encode(identifier)
    for member in (b'"UnitIdentifier":', b'"UnitIdentifier": '):
        text = text.replace(member + value, member + hole)
    return text


def cut_transaction(text: bytes) -> bytes:
    """The text with the value of its first `TransactionId` cut out."""
    match = _TRANSACTION.search(text)
    return text if match is None else text[: match.start(1)] + VALUE + text[match.end(1) :]


def put_transaction(text: bytes, body: bytes) -> bytes:
    """`text`, from which `cut_transaction` took one, with the transaction of `body`."""
    match = _TRANSACTION.search(body)
    return text if match is None else text.replace(VALUE, match[1], 1)
