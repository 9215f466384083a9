"""The station's side of the gate: ask before work starts, and know what to do when nobody answers.

* Before a panel is taken in the station asks (CFX `ValidateUnits`). Units that are refused are not worked on; a refusal
  that may clear by itself, because a report is still on its way, is asked about again for a while.
* An answer that is no verdict (`NotSupported`, a failure, a unit it leaves out) is one: nothing starts on it, and it is
  said why. Only where nobody answers the station goes by its policy, which the product has told it, signed, and which
  is kept on disk: `fail_closed` (the default) waits; `fail_cached` lets in what the last snapshot admits;
  `fail_open_record` lets everything in. Both end when the snapshot expires. What was let in without the product's word
  is said to it afterwards, through the spool, with the work it is about: until somebody has looked at it, such a unit
  leaves the factory nowhere.
* When a snapshot expires is told by the server's clock. The station's may be wrong: what it is behind by is learned
  from snapshots that seem to come from the future, and while the program runs none lasts longer than it was meant to.
"""

import hashlib
import hmac
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog

from app.cfx.body import BodyError, decode_body
from app.cfx.gate import ABOUT_THE_STATION, ASK_AGAIN, CACHED, OPENLY
from app.cfx.messages.endpoint import NotSupportedResponse
from app.cfx.messages.information_system import ValidateUnitsRequest, ValidateUnitsResponse
from app.cfx.messages.structures import UnitPosition
from stations.link import Link

log = structlog.get_logger()

_SOON: Final = 0.05  # seconds until a question whose answer may have changed is asked again


@dataclass(frozen=True, slots=True)
class GateSettings:
    """`timeout`: seconds to wait for an answer; `patience`: for reports that are still on their way.

    After an outage a station finds the broker again within its link's longest backoff; patience lasts longer.
    """

    timeout: float = 2.0
    patience: float = 20.0


@dataclass(frozen=True, slots=True)
class Admission:
    """What may be worked on. `without` names how it was let in where the product did not answer.

    `wait` says why nothing may start now and might later: nobody answers, or the station itself is not ready.
    """

    admitted: frozenset[int] = frozenset()
    refused: dict[int, str] = field(default_factory=dict)
    without: str | None = None
    comments: str | None = None
    wait: str | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """What the product told the station to do without it; see `app.interlock.snapshots`."""

    station: str
    policy: Literal["fail_closed", "fail_cached", "fail_open_record"]
    issued_at: datetime
    expires_at: datetime
    units: list[tuple[str, int]]


class _Signed(msgspec.Struct, frozen=True):
    content: str
    signatures: list[str]


def read_snapshot(payload: bytes, station: str, token: str) -> Snapshot | None:
    """A snapshot, if it is for this station and signed with its token; else None."""
    try:
        signed = msgspec.json.decode(payload, type=_Signed)
        expected = hmac.new(hashlib.sha256(token.encode()).digest(), signed.content.encode(), "sha256").hexdigest()
        if not any(hmac.compare_digest(expected.encode(), given.encode()) for given in signed.signatures):
            return None
        snapshot = msgspec.json.decode(signed.content, type=Snapshot)
    except (msgspec.DecodeError, UnicodeError):
        return None
    return snapshot if snapshot.station == station else None


class Gate:
    """Asks for one station. `heard` takes what the broker brings; `admit` is called before work starts."""

    def __init__(self, link: Link, kept: Path, token: str, settings: GateSettings, stopping: threading.Event) -> None:
        self._link = link
        self._handle = link.station.handle
        self._kept = kept
        self._token = token
        self._settings = settings
        self._stopping = stopping
        self._snapshot: Snapshot | None = None
        self._behind = timedelta()
        self._ends = 0.0
        self.refusals = 0
        if kept.exists() and (snapshot := read_snapshot(kept.read_bytes(), self._handle, token)) is not None:
            self._take(snapshot)
        link.on_gate = self.heard

    def heard(self, payload: bytes) -> None:
        """Take down what the product says is to be done without it, unless it is older than what is known."""
        snapshot = read_snapshot(payload, self._handle, self._token)
        if snapshot is None:
            log.warning("gate.snapshot_refused", station=self._handle, reason="The signature is not the product's.")
            return
        if self._snapshot is None or snapshot.issued_at >= self._snapshot.issued_at:
            self._take(snapshot)
            unfinished = self._kept.with_suffix(".new")
            unfinished.write_bytes(payload)
            unfinished.replace(self._kept)

    def _take(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._behind = max(self._behind, snapshot.issued_at - datetime.now(UTC))
        self._ends = time.monotonic() + (snapshot.expires_at - snapshot.issued_at).total_seconds()

    def _in_force(self) -> Snapshot | None:
        """The snapshot, as long as it holds by any clock there is."""
        snapshot = self._snapshot
        if snapshot is None or time.monotonic() >= self._ends:
            return None
        return snapshot if datetime.now(UTC) + self._behind < snapshot.expires_at else None

    def admit(self, primary: str, units: Sequence[UnitPosition]) -> Admission:
        """Ask whether these units may start; their positions tell them apart."""
        request = ValidateUnitsRequest(validations=["All"], primary_identifier=primary, units=list(units))
        until = time.monotonic() + self._settings.patience
        while True:
            answer = self._ask(request)
            if answer is None:
                return self._without(units)
            if isinstance(answer, str):
                return self._unjudged(answer)
            again = answer.result is not None and answer.result.result_code == ASK_AGAIN
            if not again or time.monotonic() >= until or self._stopping.wait(_SOON):
                return self._answered(answer, units)

    def _ask(self, request: ValidateUnitsRequest) -> ValidateUnitsResponse | str | None:
        """The product's verdict, or why its answer is none; None where nobody answers."""
        if not self._link.connected:
            return None
        try:
            answer = decode_body(self._link.ask(request, timeout=self._settings.timeout))
        except TimeoutError:
            return None
        except BodyError as unreadable:
            return str(unreadable)
        if isinstance(answer, ValidateUnitsResponse) and (answer.result is None or answer.result.result != "Failed"):
            return answer
        if isinstance(answer, ValidateUnitsResponse | NotSupportedResponse):
            result = answer.result if isinstance(answer, ValidateUnitsResponse) else answer.request_result
            return (result and result.message) or "The product gave no reason."
        return f"The product answered with {answer.message_name}."

    def _unjudged(self, why: str) -> Admission:
        """Nothing starts on an answer that is no verdict, whatever the policy: it is not for silence."""
        self.refusals += 1
        log.warning("gate.unjudged", station=self._handle, reason=why)
        return Admission(wait=f"Refused: the units could not be judged. {why}")

    def _answered(self, answer: ValidateUnitsResponse, units: Sequence[UnitPosition]) -> Admission:
        results = answer.validation_results or []
        refused = {one.position_number or 0: one for one in results if one.result != "Passed"}
        told = {position: one.message or "" for position, one in refused.items()}
        if any((one.failure_code or 0) >= ABOUT_THE_STATION for one in refused.values()):
            self._count(told)
            return Admission(refused=told, wait=next(iter(told.values())))
        judged = {one.position_number or 0 for one in results}
        told |= {unit.position: "The answer does not speak of it." for unit in units if unit.position not in judged}
        self._count(told)
        return Admission(admitted=frozenset(judged - told.keys()), refused=told)

    def _count(self, refused: Mapping[int, str]) -> None:
        if refused:
            self.refusals += 1
            log.info("gate.refused", station=self._handle, units=len(refused), reason=next(iter(refused.values())))

    def _without(self, units: Sequence[UnitPosition]) -> Admission:
        """Go by the policy: nobody answers."""
        snapshot, now = self._in_force(), datetime.now(UTC)
        policy = snapshot.policy if snapshot else "fail_closed"
        positions = frozenset(unit.position for unit in units)
        if policy == "fail_open_record":
            return Admission(
                admitted=positions, without=OPENLY, comments=f"fail_open_record: no answer at {now.isoformat()}"
            )
        if policy == "fail_cached" and snapshot is not None:
            listed = {(identifier, position) for identifier, position in snapshot.units}
            admitted = frozenset(one.position for one in units if (one.unit_identifier, one.position) in listed)
            if admitted:
                issued = snapshot.issued_at.isoformat()
                return Admission(admitted=admitted, without=CACHED, comments=f"fail_cached: snapshot of {issued}")
            return Admission(wait="The product does not answer, and its snapshot does not admit these units.")
        last = self._snapshot
        if snapshot is None and last is not None and last.policy != "fail_closed":
            return Admission(
                wait=f"The product does not answer, and {last.policy} held until {last.expires_at:%H:%M:%S} UTC."
            )
        return Admission(wait=f"The product does not answer, and the policy is {policy}: nothing starts.")
