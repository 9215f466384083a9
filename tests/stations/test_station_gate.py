"""The station's side of the gate: verdicts, patience, the three policies, and a snapshot it can trust."""

import hashlib
import hmac
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import msgspec
import pytest

from app.cfx.envelope import Envelope, decode, encode
from app.cfx.gate import ABOUT_THE_STATION, ASK_AGAIN, CACHED, OPENLY
from app.cfx.messages.endpoint import AreYouThereResponse, NotSupportedResponse
from app.cfx.messages.information_system import ValidateUnitsResponse, ValidationResult
from app.cfx.messages.structures import RequestResult, UnitPosition
from app.cfx.topics import StationAddress
from stations.gate import Admission, Gate, GateSettings, read_snapshot

STATION = StationAddress.from_handle("Acme.AOI.1")
TOKEN = "bm_secret"
UNITS = [UnitPosition(unit_identifier="P-1", position_number=position) for position in (1, 2)]


class Wire:
    """Stands where the link stands: gives prepared answers to questions."""

    def __init__(self, *answers: Any) -> None:
        self.station = STATION
        self.connected = True
        self.answers = list(answers)
        self.asked = 0
        self.on_gate: Any = None

    def ask(self, _message: Any, *, timeout: float) -> Envelope:
        assert timeout > 0
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise TimeoutError
        envelope = decode(encode(answer, source="Birthmark.Traceability.1"))[0]
        assert isinstance(envelope, Envelope)
        return envelope


def verdict(*refused: tuple[int, int], again: bool = False) -> ValidateUnitsResponse:
    """Refused positions with their failure codes; the others pass."""
    codes = dict(refused)
    return ValidateUnitsResponse(
        result=RequestResult(result="Success", result_code=ASK_AGAIN if again else 0),
        validation_results=[
            ValidationResult(
                unique_identifier="P-1",
                position_number=position,
                result="Failed" if position in codes else "Passed",
                failure_code=codes.get(position, 0),
                message=f"Position {position}.",
            )
            for position in (1, 2)
        ],
    )


def gate(tmp_path: Path, wire: Any, *, patience: float = 0.3) -> Gate:
    return Gate(wire, tmp_path / "gate", TOKEN, GateSettings(timeout=0.1, patience=patience), threading.Event())


def snapshot(policy: str, *, units: Any = (), seconds: float = 60, token: str = TOKEN, **more: Any) -> bytes:
    now = datetime.now(UTC)
    content = {"station": STATION.handle, "policy": policy, "issued_at": now, "units": units,
               "expires_at": now + timedelta(seconds=seconds), **more}  # fmt: skip
    told = msgspec.json.encode(content)
    signature = hmac.new(hashlib.sha256(token.encode()).digest(), told, "sha256").hexdigest()
    return msgspec.json.encode({"content": told.decode(), "signatures": ["00", signature]})


def test_what_is_refused_is_not_worked_on_and_the_rest_is(tmp_path: Path) -> None:
    admission = gate(tmp_path, Wire(verdict((2, 109)))).admit("P-1", UNITS)
    assert admission == Admission(admitted=frozenset({1}), refused={2: "Position 2."})


def test_a_report_on_its_way_is_waited_for_with_patience(tmp_path: Path) -> None:
    arrives = Wire(verdict((1, 204), again=True), verdict((1, 204), again=True), verdict())
    assert gate(tmp_path, arrives, patience=5).admit("P-1", UNITS).admitted == {1, 2}
    assert arrives.asked == 3
    never = Wire(verdict((1, 204), again=True))
    assert gate(tmp_path, never).admit("P-1", UNITS).admitted == {2}
    assert never.asked > 2


def test_what_is_against_the_station_holds_every_unit_back(tmp_path: Path) -> None:
    admission = gate(tmp_path, Wire(verdict((1, ABOUT_THE_STATION + 12), (2, 101)))).admit("P-1", UNITS)
    assert admission.wait == "Position 1."
    assert not admission.admitted


def test_without_an_answer_a_station_that_knows_no_policy_is_closed(tmp_path: Path) -> None:
    admission = gate(tmp_path, Wire(None)).admit("P-1", UNITS)
    assert admission.wait is not None
    assert "fail_closed" in admission.wait
    assert admission.without is None


NOT_JUDGED = [
    NotSupportedResponse(request_result=RequestResult(result="Failed", result_code=2, message="Units: no list.")),
    ValidateUnitsResponse(result=RequestResult(result="Failed", result_code=4, message="It failed.")),
    AreYouThereResponse(result=RequestResult(result="Success", result_code=0)),
]


@pytest.mark.parametrize("answer", NOT_JUDGED, ids=["not supported", "failed", "another answer"])
def test_an_answer_that_is_no_verdict_is_no_permission_whatever_the_policy(tmp_path: Path, answer: Any) -> None:
    one = gate(tmp_path, Wire(answer))
    one.heard(snapshot("fail_open_record"))
    admission = one.admit("P-1", UNITS)
    assert admission.wait is not None
    assert admission.wait.startswith("Refused: the units could not be judged.")
    assert not admission.admitted
    assert one.refusals == 1


def test_a_unit_that_the_answer_leaves_out_is_not_worked_on(tmp_path: Path) -> None:
    of_one = ValidateUnitsResponse(
        result=RequestResult(result="Success", result_code=0),
        validation_results=[ValidationResult(unique_identifier="P-1", position_number=1, result="Passed")],
    )
    admission = gate(tmp_path, Wire(of_one)).admit("P-1", UNITS)
    assert admission.admitted == {1}
    assert admission.refused == {2: "The answer does not speak of it."}


def test_the_policy_is_what_the_product_last_said_also_after_a_restart(tmp_path: Path) -> None:
    heard = gate(tmp_path, Wire(None))
    heard.heard(snapshot("fail_open_record"))
    for one in (heard, gate(tmp_path, Wire(None))):
        admission = one.admit("P-1", UNITS)
        assert admission.admitted == {1, 2}
        assert admission.without == OPENLY
    heard.heard(snapshot("fail_closed"))
    assert heard.admit("P-1", UNITS).wait is not None


def test_a_snapshot_admits_its_units_until_it_expires(tmp_path: Path) -> None:
    one = gate(tmp_path, Wire(None))
    one.heard(snapshot("fail_cached", units=[("P-1", 2), ("P-2", 1)]))
    admission = one.admit("P-1", UNITS)
    assert admission.admitted == {2}
    assert admission.without == CACHED
    one.heard(snapshot("fail_cached", units=[("P-1", 2)], seconds=-0.01))
    assert one.admit("P-1", UNITS).wait is not None
    one.heard(snapshot("fail_cached", units=[("P-9", 1)]))
    assert one.admit("P-1", UNITS).wait is not None


@pytest.mark.parametrize("policy", ["fail_cached", "fail_open_record"])
def test_no_policy_outlasts_its_snapshot(tmp_path: Path, policy: str) -> None:
    one = gate(tmp_path, Wire(None))
    one.heard(snapshot(policy, units=[("P-1", 1)], seconds=-0.01))
    closed = one.admit("P-1", UNITS)
    assert not closed.admitted
    assert f"{policy} held until" in str(closed.wait)
    restarted = gate(tmp_path, Wire(None))
    assert not restarted.admit("P-1", UNITS).admitted


def test_a_station_whose_clock_is_behind_gives_a_snapshot_no_longer_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Behind(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - timedelta(minutes=10)

    seven_minutes_ago = datetime.now(UTC) - timedelta(minutes=7)
    issued: dict[str, Any] = {"issued_at": seven_minutes_ago, "expires_at": seven_minutes_ago + timedelta(minutes=5)}
    monkeypatch.setattr("stations.gate.datetime", Behind)
    one = gate(tmp_path, Wire(None))
    one.heard(snapshot("fail_cached", units=[("P-1", 1)], **issued))
    assert one.admit("P-1", UNITS).admitted == {1}, "nothing told the station yet that its clock is behind"
    now: dict[str, Any] = {"issued_at": datetime.now(UTC), "expires_at": datetime.now(UTC) + timedelta(seconds=0.1)}
    one.heard(snapshot("fail_cached", units=[("P-1", 1)], **now))
    assert one.admit("P-1", UNITS).admitted == {1}
    sleep(0.15)
    assert not one.admit("P-1", UNITS).admitted


@pytest.mark.parametrize(
    "payload",
    [
        snapshot("fail_open_record", token="bm_somebody_elses"),
        snapshot("fail_open_record", station="Acme.AOI.2"),
        snapshot("fail_open_record").replace(b"record", b"record "),
        b"",
        b"{}",
        b"\xff\xfe",
        b'{"content": "\xff", "signatures": []}',
        '{"content": "{}", "signatures": ["ä"]}'.encode(),
        snapshot("anything goes"),
    ],
    ids=[
        "other token",
        "other station",
        "changed",
        "empty",
        "nothing in it",
        "no text",
        "no text within",
        "no digest",
        "no such policy",
    ],
)
def test_a_snapshot_that_is_not_the_products_is_not_believed(tmp_path: Path, payload: bytes) -> None:
    assert read_snapshot(payload, STATION.handle, TOKEN) is None
    one = gate(tmp_path, Wire(None))
    one.heard(payload)
    assert one.admit("P-1", UNITS).wait is not None


def test_an_older_snapshot_does_not_replace_a_newer(tmp_path: Path) -> None:
    older = snapshot("fail_open_record")
    one = gate(tmp_path, Wire(None))
    one.heard(snapshot("fail_closed"))
    one.heard(older)
    assert one.admit("P-1", UNITS).wait is not None


def test_a_broken_connection_is_not_asked_over(tmp_path: Path) -> None:
    wire = Wire(verdict())
    wire.connected = False
    assert gate(tmp_path, wire).admit("P-1", UNITS).wait is not None
    assert wire.asked == 0
