"""Receipts: what became of each event a station published, sent after COMMIT.

Only a receipt lets a station delete its spooled message; an MQTT acknowledgement does not.
"""

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import field

#: `stored`: a fact now. `duplicate`: it was one already. `rejected`: kept in quarantine, see reason.
ReceiptStatus = Literal["stored", "duplicate", "rejected"]


class ReceiptError(ValueError):
    """The payload is no list of receipts; the message says what is wrong with it."""


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of the event `unique_id` (None: it could not be read) of the station the receipt is addressed to."""

    unique_id: UUID | None = field(name="UniqueID")
    status: ReceiptStatus
    reason: str | None = None


_decoder = msgspec.json.Decoder(list[Receipt])


def encode_receipts(receipts: Iterable[Receipt]) -> bytes:
    """The JSON list `[{"UniqueID", "status", "reason"?}]` as UTF-8 bytes."""
    return msgspec.json.encode(list(receipts))


def decode_receipts(payload: bytes) -> list[Receipt]:
    """The receipts of a payload. Raises ReceiptError for anything that is no list of receipts."""
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        raise ReceiptError(f"This is no list of receipts: {broken}.") from None
