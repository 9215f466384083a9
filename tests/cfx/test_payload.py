"""What travels in a payload: plain JSON, gzip, base64, and everything that only looks like it."""

import base64
import gzip
import tracemalloc

import pytest

from app.cfx.payload import PayloadError, unpack

TEXT = b'{"MessageName": "CFX.Heartbeat"}'
LIST = b'\r\n [ {"a": "\xc3\xbc"} ]'


def _gzip(data: bytes) -> bytes:
    """Always the same bytes: they are part of the tests' names, and xdist's workers must collect the same."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize("text", [TEXT, LIST])
@pytest.mark.parametrize(
    "pack",
    [
        bytes,
        _gzip,
        base64.b64encode,
        base64.urlsafe_b64encode,
        base64.encodebytes,
        lambda text: base64.b64encode(text).rstrip(b"="),
        lambda text: base64.b64encode(_gzip(text)),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: _gzip(b"\xef\xbb\xbf" + text),
        lambda text: _gzip(text[:9]) + _gzip(text[9:]) + b"\0\0\0",
    ],
    ids=["plain", "gzip", "base64", "url", "wrapped", "unpadded", "base64 gzip", "bom", "gzip bom", "members"],
)
def test_the_dresses_of_the_contract_come_down_to_the_same_text(text: bytes, pack) -> None:  # type: ignore[no-untyped-def]
    assert unpack(pack(text)) == text


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "The payload is empty."),
        (b" \r\n", "The payload holds nothing but blanks."),
        (b"hello", "The payload is not JSON: it begins with 'hello', not with { or [."),
        (b"<CFX/>", "begins with '<CFX/>'"),
        (b'"text"', "not with { or ["),
        (TEXT.decode().encode("utf-16"), "is UTF-16 or UTF-32. Set the machine to send UTF-8."),
        (TEXT.decode().encode("utf-16-le"), "is UTF-16 or UTF-32."),
        (TEXT.decode().encode("utf-32-be"), "is UTF-16 or UTF-32."),
        ('{"a": "ü"}'.encode("latin-1"), "is not UTF-8: byte 7 is 0xFC. Set the machine to send UTF-8."),
        (b'{"a": "\xed\xa0\x80"}', "is not UTF-8"),
        (_gzip(TEXT)[:-9], "The gzip data is cut off before its end."),
        (_gzip(TEXT)[:-4] + b"0000", "The gzip data is damaged"),
        (_gzip(TEXT) + b"more", "4 bytes that are not gzip follow the gzip data."),
        (_gzip(_gzip(TEXT)), "The payload is compressed twice."),
        (base64.b64encode(base64.b64encode(TEXT)), "The payload is not JSON"),
        (_gzip(base64.b64encode(TEXT)), "The text inside the gzip data is not JSON"),
        (base64.b64encode(_gzip(TEXT))[:-12], "The gzip data is cut off"),
        (b"".join([_gzip(b" ")] * 65), "The gzip data has more than 64 members."),
    ],
)
def test_everything_else_is_refused_with_a_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(PayloadError) as refused:
        unpack(payload)
    assert reason in str(refused.value)


@pytest.mark.parametrize("pack", [bytes, _gzip, base64.b64encode, lambda t: base64.b64encode(_gzip(t))])
def test_the_limit_counts_plain_bytes(pack) -> None:  # type: ignore[no-untyped-def]
    text = b"[" + b" " * 998 + b"]"
    assert unpack(pack(text), limit=1000) == text
    with pytest.raises(PayloadError, match="limit"):
        unpack(pack(text), limit=999)


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    bomb = _gzip(bytes(64 * 1024 * 1024))
    tracemalloc.start()
    try:
        with pytest.raises(PayloadError, match="unpacks to more than the limit of 100000 bytes"):
            unpack(bomb, limit=100_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
