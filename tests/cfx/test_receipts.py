"""Receipts, the only thing that lets a station forget an event."""

from uuid import UUID

import pytest

from app.cfx.receipts import Receipt, ReceiptError, decode_receipts, encode_receipts

ONE = UUID("f3b2c8ec-50b7-4c63-9cb3-2ed57c01880f")
TWO = UUID("00000000-0000-0000-0000-000000000002")


def test_receipts_as_the_contract_writes_them() -> None:
    receipts = [Receipt(ONE, "stored"), Receipt(TWO, "rejected", "UniqueID is missing.")]
    payload = encode_receipts(receipts)
    assert payload == (
        b'[{"UniqueID":"f3b2c8ec-50b7-4c63-9cb3-2ed57c01880f","status":"stored"},'
        b'{"UniqueID":"00000000-0000-0000-0000-000000000002","status":"rejected","reason":"UniqueID is missing."}]'
    )
    assert decode_receipts(payload) == receipts


def test_members_added_later_are_passed_over() -> None:
    payload = (
        b'[{"UniqueID": "F3B2C8EC-50B7-4C63-9CB3-2ED57C01880F", "status": "duplicate", "reason": null, "seen": 2}]'
    )
    assert decode_receipts(payload) == [Receipt(ONE, "duplicate")]


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"[{}]", b'[{"UniqueID": "x", "status": "stored"}]', b"\xff", b"[" * 9999,
     b'[{"UniqueID": "f3b2c8ec-50b7-4c63-9cb3-2ed57c01880f", "status": "lost"}]', b'[{"\xff": 1}]'],
)  # fmt: skip
def test_what_is_no_list_of_receipts_is_refused(payload: bytes) -> None:
    with pytest.raises(ReceiptError, match="no list of receipts"):
        decode_receipts(payload)
