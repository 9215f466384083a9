"""Envelopes: what is read, what is tolerated, what is refused and why; and what is written."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from app.cfx.body import decode_body
from app.cfx.envelope import MAX_ENVELOPES, Envelope, Malformed, decode, encode
from app.cfx.messages.endpoint import Heartbeat
from app.cfx.messages.production import UnitsArrived, WorkStarted
from app.cfx.messages.structures import UnitPosition
from tests.cfx.bodies import envelope

ID = UUID("f3b2c8ec-50b7-4c63-9cb3-2ed57c01880f")
BODY = {"CFXHandle": "Acme.Mounter.1"}


def sent(**members: Any) -> bytes:
    return json.dumps(envelope("Heartbeat", BODY, **members)).encode()


def read(payload: bytes) -> Envelope:
    (only,) = decode(payload)
    assert isinstance(only, Envelope), only
    return only


def refused(payload: bytes) -> Malformed:
    (only,) = decode(payload)
    assert isinstance(only, Malformed), only
    return only


def test_an_envelope_keeps_its_very_bytes() -> None:
    payload = (
        b'{"MessageName":"CFX.Heartbeat","Version":"1.7","TimeStamp":"2018-03-26T16:52:25.3769532-04:00", '
        b'"UniqueID":"f3b2c8ec-50b7-4c63-9cb3-2ed57c01880f","Source":"A.B.C","Target":"T","RequestID":"R", '
        b'"MessageBody": { "X" : 1.50 }, "Vendor": {"kept": true}}'
    )
    got = read(payload)
    assert bytes(got.body) == b'{ "X" : 1.50 }'
    assert got.raw == payload
    assert (got.message_name, got.version, got.source, got.target, got.request_id) == (
        "CFX.Heartbeat",
        "1.7",
        "A.B.C",
        "T",
        "R",
    )
    assert got.unique_id == ID
    assert got.time_stamp == datetime(2018, 3, 26, 20, 52, 25, 376953, UTC)
    assert got.time_stamp.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("members", "attribute", "value"),
    [
        ({"TimeStamp": "2024-05-06T07:08:09"}, "time_stamp", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ({"TimeStamp": "2024-05-06T07:08:09.5Z"}, "time_stamp", datetime(2024, 5, 6, 7, 8, 9, 500_000, UTC)),
        ({"TimeStamp": "2024-05-06 07:08:09,1234567+02:00"}, "time_stamp", datetime(2024, 5, 6, 5, 8, 9, 123457, UTC)),
        ({"UniqueID": "{F3B2C8EC-50B7-4C63-9CB3-2ED57C01880F}"}, "unique_id", ID),
        ({"UniqueID": "f3b2c8ec50b74c639cb32ed57c01880f"}, "unique_id", ID),
        ({"MessageName": "Heartbeat"}, "message_name", "CFX.Heartbeat"),
        ({"MessageName": " CFX.Heartbeat "}, "message_name", "CFX.Heartbeat"),
        ({"MessageName": "Acme.Special"}, "message_name", "Acme.Special"),
        ({"Source": None}, "source", None),
        ({"Source": "  "}, "source", None),
        ({"Source": " Acme.Mounter.1 "}, "source", "Acme.Mounter.1"),
        ({"Version": 2.1}, "version", "2.1"),
        ({"Version": {"no": "version"}}, "version", None),
        ({"Version": None, "TimeStamp": "2024-05-06"}, "version", None),
        ({"Target": 'a \\u0000 that is only text: \\\\u0000 "'}, "target", 'a \\u0000 that is only text: \\\\u0000 "'),
        ({"Source": "Ünal.Löter.☃"}, "source", "Ünal.Löter.☃"),
    ],
)
def test_what_machines_do_is_tolerated(members: dict[str, Any], attribute: str, value: Any) -> None:
    assert getattr(read(sent(**members)), attribute) == value


def test_a_missing_source_is_left_to_the_topic() -> None:
    members = envelope("Heartbeat", BODY)
    for name in ("Source", "Target", "RequestID", "Version"):
        del members[name]
    assert read(json.dumps(members).encode()).source is None


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"MessageName": None}, "MessageName is missing: nothing says what kind of message this is."),
        ({"MessageName": " "}, "MessageName is missing"),
        ({"MessageName": 5}, "MessageName must be text in quotes, but is 5."),
        ({"MessageName": "C" * 257}, "MessageName has 257 characters; more than 256 cannot be stored."),
        ({"TimeStamp": None}, "TimeStamp is missing: nothing says when this happened."),
        ({"TimeStamp": 1714978089}, "TimeStamp must be text in quotes, but is 1714978089."),
        ({"TimeStamp": "06.05.2024"}, "TimeStamp '06.05.2024': not an ISO 8601 time"),
        ({"TimeStamp": "2024-02-30T00:00:00Z"}, "TimeStamp '2024-02-30T00:00:00Z': day"),
        (
            {"TimeStamp": "0001-01-01T00:00:00"},
            "TimeStamp is in the year 1. Set the clock of the machine and send again.",
        ),
        ({"TimeStamp": "1969-12-31T23:59:59Z"}, "TimeStamp is in the year 1969."),
        ({"TimeStamp": "9999-12-31T23:59:59.9999999-12:00"}, "past the last day of the calendar"),
        ({"TimeStamp": "10000-01-01T00:00:00Z"}, "not an ISO 8601 time"),
        ({"UniqueID": None}, "UniqueID is missing: without it a repetition could not be recognised."),
        ({"UniqueID": "4711"}, "UniqueID '4711' is not a GUID."),
        ({"UniqueID": "00000000-0000-0000-0000-000000000000"}, "UniqueID is all zeros"),
        ({"MessageBody": None}, "MessageBody is missing."),
        ({"MessageBody": "{}"}, "MessageBody must be a JSON object."),
        ({"MessageBody": []}, "MessageBody must be a JSON object."),
        ({"MessageBody": {"a": {"b": ["\0"]}}}, "A text holds the character U+0000, which cannot be stored."),
        ({"Source": "A.B.\0"}, "U+0000"),
        ({"Source": "S" * 257}, "Source has 257 characters"),
        ({"RequestID": 7}, "RequestID must be text in quotes, but is 7."),
    ],
)
def test_what_cannot_be_an_event_says_why(members: dict[str, Any], reason: str) -> None:
    payload = sent(**members)
    malformed = refused(payload)
    assert reason in malformed.reason
    assert malformed.raw == payload


def test_a_malformed_envelope_still_says_whose_it_is() -> None:
    malformed = refused(sent(TimeStamp=None))
    assert (malformed.unique_id, malformed.source) == (ID, "Acme.Mounter.1")
    assert refused(sent()[:-10]).unique_id == ID
    assert refused(sent()[:-10]).source is None
    assert refused(b"[" + sent()[:-10]).unique_id == ID
    two = b"[" + sent() + b"," + sent(UniqueID="11111111-1111-4111-8111-111111111111")
    assert refused(two).unique_id is None
    assert refused(sent(UniqueID=None, Source=5)).source is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a": 1', "ends too early"),
        (b'{"a": }', "The JSON is malformed: invalid character (byte 6), near '{\"a\": }'."),
        (b'{"a": SN123}', "invalid character (byte 6)"),
        (b'{"a": 1,}', "trailing comma in object (byte 8)"),
        (b'{"a": 1 "b": 2}', "expected ',' or '}' (byte 8)"),
        ('{"a”: 1}'.encode(), "The JSON"),
        (b'{"a": NaN}', "invalid character (byte 6)"),
        (b'{"a": -Infinity}', "invalid"),
        (b'{"a": "\\ud800"}', "half a surrogate pair"),
        (b"[" * 50_000, "The JSON is nested too deeply to be a CFX message."),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "nested too deeply"),
        (b"[]", "The payload is an empty list: it holds no envelope."),
        (b"{} {}", "trailing characters"),
        (b"[{}", "ends too early"),
    ],
)
def test_text_that_is_no_json_says_where(text: bytes, reason: str) -> None:
    malformed = refused(text)
    assert reason in malformed.reason
    assert malformed.raw == text


@pytest.mark.parametrize(
    "rotten",
    [
        b"null",
        b"5",
        b"[]",
        b"{}",
        b'"x"',
        b'{"x": NaN}',
        b'{"x": "\\ud800"}',
        b"[" * 9_000 + b"]" * 9_000,
        sent(TimeStamp=5),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_rotten_element_does_not_sink_the_list(rotten: bytes, place: int) -> None:
    elements = [sent(Source="A.B.1"), sent(Source="A.B.2")]
    elements.insert(place, rotten)
    got = decode(b" [ " + b" ,\n".join(elements) + b" ] ")
    assert [type(one) for one in got].count(Malformed) == 1
    assert isinstance(got[place], Malformed)
    assert got[place].raw == rotten
    assert [one.source for one in got if isinstance(one, Envelope)] == ["A.B.1", "A.B.2"]


def test_envelopes_of_a_list_keep_their_own_bytes() -> None:
    one, other = sent(Source="A.B.1"), sent(Source="A.B.2")
    assert [part.raw for part in decode(b"[" + one + b",  " + other + b"]")] == [one, other]


@pytest.mark.parametrize("element", [b"0", b'"[{,"', b"{}"])
def test_a_list_without_end_is_refused_as_a_whole(element: bytes) -> None:
    payload = b"[" + (element + b",") * MAX_ENVELOPES + element + b"]"
    assert "more than 10000 envelopes" in refused(payload).reason
    long = b"[" + (element + b",") * (5 * 1024 * 1024 // len(element)) + element + b"]"
    assert "more than 10000 envelopes" in refused(long).reason


def test_a_long_list_is_read_all_the_same() -> None:
    big = [sent(UniqueID=str(UUID(int=n + 1)), MessageBody={"CFXHandle": "x" * 500_000}) for n in range(10)]
    assert [part.unique_id for part in decode(b"[" + b",".join(big) + b"]")] == [UUID(int=n + 1) for n in range(10)]
    assert "do not match" in refused(b"[" + b",".join(big) + b"}").reason


def test_a_message_is_written_as_cfx_publishes_it() -> None:
    moment = datetime(2024, 5, 6, 7, 8, 9, 123456, timezone(timedelta(hours=2)))
    message = WorkStarted(transaction_id=ID, lane=1, units=[UnitPosition(unit_identifier="SN/1", position_number=2)])
    payload = encode(message, source="A.B.C", unique_id=ID, time_stamp=moment, request_id="r")
    assert json.loads(payload) == {
        "MessageName": "CFX.Production.WorkStarted",
        "Version": "2.1",
        "TimeStamp": "2024-05-06T07:08:09.1234560+02:00",
        "UniqueID": str(ID),
        "Source": "A.B.C",
        "Target": None,
        "RequestID": "r",
        "MessageBody": {
            "TransactionID": str(ID),
            "Lane": 1,
            "Units": [{"UnitIdentifier": "SN/1", "PositionNumber": 2}],
        },
    }
    got = read(payload)
    assert decode_body(got) == message
    assert (got.unique_id, got.time_stamp, got.request_id) == (ID, moment, "r")


def test_each_message_gets_an_identifier_and_a_time_of_its_own() -> None:
    before = datetime.now(UTC)
    one, other = (read(encode(UnitsArrived(), source="A.B.C")) for _ in range(2))
    assert one.unique_id != other.unique_id
    assert before <= one.time_stamp <= datetime.now(UTC)
    with pytest.raises(ValueError, match="needs a zone"):
        encode(Heartbeat(), source="A.B.C", time_stamp=datetime(2024, 1, 1))  # noqa: DTZ001
