"""Whatever arrives: an envelope, or bytes with a reason; a message, or a reason. Never an exception, never silence."""

import collections
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cfx.body import BodyError, decode_body
from app.cfx.envelope import Envelope, Malformed, decode
from tests.cfx.malformed import payloads


def check(payload: bytes) -> list[str]:
    """What became of each part of a payload: `message`, `body refused` or `malformed`."""
    parts = decode(payload)
    assert parts
    outcomes = []
    for part in parts:
        if isinstance(part, Malformed):
            check_sentence(part.reason)
            assert part.raw or not payload
            check_storable(part.reason, part.source or "")
            outcomes.append("malformed")
            continue
        check_storable(
            part.message_name, part.source or "", part.target or "", part.request_id or "", part.version or ""
        )
        assert part.time_stamp.utcoffset() is not None
        assert part.unique_id.int
        assert bytes(part.body).startswith(b"{")
        outcomes.append(check_body(part))
    return outcomes


def check_body(envelope: Envelope) -> str:
    try:
        message = decode_body(envelope)
    except BodyError as refused:
        check_storable(refused.reason, refused.path)
        check_sentence(refused.reason)
        return "body refused"
    assert message.message_name == envelope.message_name
    check_storable(repr(message))
    return "message"


def check_sentence(reason: str) -> None:
    assert reason.endswith(".")
    assert len(reason) > 10


def check_storable(*texts: str) -> None:
    """PostgreSQL takes neither U+0000 nor half a surrogate pair."""
    for text in texts:
        assert "\0" not in text
        text.encode()


@pytest.mark.parametrize("seed", range(4))
def test_every_payload_comes_out_as_messages_or_reasons(seed: int) -> None:
    outcomes = collections.Counter(outcome for payload in payloads(seed, 500) for outcome in check(payload))
    assert outcomes["message"] > 100
    assert outcomes["malformed"] > 50
    assert outcomes["body refused"] > 20


def test_the_same_seed_gives_the_same_payloads() -> None:
    assert list(payloads(7, 50)) == list(payloads(7, 50))
    assert list(payloads(7, 50)) != list(payloads(8, 50))


@given(st.binary(max_size=400))
def test_arbitrary_bytes_never_raise(payload: bytes) -> None:
    assert check(payload)


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@given(
    st.dictionaries(
        st.sampled_from(["MessageName", "TimeStamp", "UniqueID", "Source", "Version", "Target", "MessageBody", "x"]),
        _json_values,
    ),
    st.booleans(),
)
def test_arbitrary_json_never_raises(members: dict[str, object], in_list: bool) -> None:
    assert check(json.dumps([members] if in_list else members).encode())
