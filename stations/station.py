"""The station program: between a machine and the product, so that nothing the machine did is lost.

`report` returns when what the machine said is safe on disk; only then does the machine go on. The
link publishes it from there, and a receipt lets it go. When the spool is full the station stops
its machine, says so, and goes on when the product has taken enough of it.
"""

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from app.cfx.body import BodyError, decode_body
from app.cfx.envelope import Envelope, encode
from app.cfx.messages import Message
from app.cfx.messages.endpoint import NotSupportedResponse
from app.cfx.messages.enumerations import ResourceState
from app.cfx.messages.resource import StationStateChanged
from app.cfx.messages.structures import RequestResult, UnitPosition
from app.cfx.topics import StationAddress
from stations.blocks import blocks_kept
from stations.faults import Traffic
from stations.gate import Admission, Gate, GateSettings
from stations.link import Link, LinkSettings
from stations.machine import Machine, Said
from stations.panels import Panel
from stations.spool import DEFAULT_MAX_BYTES, Event, Journal, Spool, SpoolFull
from stations.truth import Truth

log = structlog.get_logger()

_LOOK_AGAIN: Final = 0.2  # seconds between two looks whether the spool has room


class Stopped(Exception):
    """The program was asked to stop while the station waited for room in its spool."""


@dataclass(frozen=True, slots=True)
class StationSettings:
    """Where a station keeps its events, whom it tells, and, with `gate`, that it asks before work starts."""

    data: Path
    broker_url: str
    link: LinkSettings = field(default_factory=LinkSettings)
    spool_bytes: int = DEFAULT_MAX_BYTES
    journal: bool = False
    gate: GateSettings | None = None


class Station:
    """One station program with its machine. `start`, then `report` from one thread, then `stop`."""

    def __init__(
        self,
        machine: Machine,
        token: str,
        settings: StationSettings,
        *,
        truth: Truth | None = None,
        stopping: threading.Event | None = None,
    ) -> None:
        self.machine = machine
        self.handle = machine.handle
        self.reported = 0
        self._truth = truth or Truth(None)
        self._stopping = stopping or threading.Event()
        self._blocks_kept = settings.data / f"{self.handle}.blocks"
        self._blocks = blocks_kept(self._blocks_kept)
        machine.blocked, machine.locked = self._blocks.packages, self._blocks.locked
        faults = machine.faults
        self._chance = machine.setup.chance(f"{machine.handle}/lost")
        journal = Journal(settings.data / f"{self.handle}.journal") if settings.journal else None
        self.spool = Spool(settings.data / f"{self.handle}.spool", max_bytes=settings.spool_bytes, journal=journal)
        disturbed = faults.late or faults.repeated or faults.shuffled
        self.link = Link(
            StationAddress.from_handle(self.handle),
            self.spool,
            broker_url=settings.broker_url,
            token=token,
            settings=settings.link,
            traffic=Traffic(faults, machine.setup.chance(f"{machine.handle}/traffic")) if disturbed else None,
        )

        self.link.on_request = self._obey
        kept = settings.data / f"{self.handle}.gate"
        self.gate = Gate(self.link, kept, token, settings.gate, self._stopping) if settings.gate else None

    def start(self) -> None:
        """Begin to publish; events left from before the last stop go first."""
        if len(self.spool):
            log.info("station.events_left_over", station=self.handle, events=len(self.spool))
        self.link.start()

    def stop(self) -> None:
        """Stop publishing and close the spool; what is in it waits for the next start."""
        self.link.stop()
        self.spool.close()

    def report(self, said: Sequence[Said]) -> None:
        """Put on disk what the machine said, in its order; what comes back is the confirmation.

        Blocks while the spool is full. Raises Stopped when the program is asked to stop meanwhile
        (such events were not confirmed), SpoolFull for an event that no spool of this size can hold.
        """
        events = [self._encoded(one.message, one) for one in said if not self._lost(one)]
        if not events:
            return
        try:
            self.spool.store(events)
        except SpoolFull as full:
            self._stop_machine(full, said[0])
            for event in events:
                self._store_when_there_is_room(event)
            log.info("station.resumed", station=self.handle, waiting=len(self.spool))
            self._say_state(ResourceState.SBY_NoHost, ResourceState.PRD_RegularWork, said[-1])
        self.reported += len(events)
        self.link.notify()

    def admit(self, panel: Panel) -> Admission | None:
        """Ask whether a panel's boards may start here; None where this station does not ask."""
        if self.gate is None:
            return None
        if self.machine.locked:
            return Admission(wait="The station is locked.")
        if self._blocks.slots:
            return Admission(wait=f"Nothing may be taken from {', '.join(sorted(self._blocks.slots))}.")
        units = [UnitPosition(unit_identifier=panel.identifier, position_number=one.position) for one in panel.boards]
        return self.gate.admit(panel.identifier, units)

    def _obey(self, request: Envelope) -> Message:
        """Do what the product asks, and answer: once it is on disk, for it is not asked again."""
        try:
            asked = decode_body(request)
        except BodyError as error:
            failed = RequestResult(result="Failed", result_code=1, message=str(error))
            return NotSupportedResponse(request_result=failed)
        answer = self._blocks.obey(asked)
        if answer is not None:
            self._blocks.keep(self._blocks_kept)
            self.machine.blocked, self.machine.locked = self._blocks.packages, self._blocks.locked
            return answer
        reason = f"This station does not understand {request.message_name}."
        return NotSupportedResponse(request_result=RequestResult(result="Failed", result_code=1, message=reason))

    def _store_when_there_is_room(self, event: Event) -> None:
        while True:
            try:
                self.spool.store([event])
            except SpoolFull:
                if len(self.spool) == 0:
                    raise
                if self._stopping.wait(_LOOK_AGAIN):
                    raise Stopped(self.handle) from None
            else:
                self.link.notify()
                return

    def _encoded(self, message: Message, said: Said) -> Event:
        unique_id = self.machine.new_id()
        payload = encode(message, source=self.handle, unique_id=unique_id, time_stamp=said.stamp)
        return Event(str(unique_id), message.message_name, payload)

    def _lost(self, said: Said) -> bool:
        if not self.machine.faults.lost or self._chance.random() >= self.machine.faults.lost:
            return False
        self._truth.lost(self.handle, said.message.message_name, said.panel)
        return True

    def _stop_machine(self, full: SpoolFull, said: Said) -> None:
        log.error("station.stopped", station=self.handle, reason=str(full))
        self._say_state(ResourceState.PRD_RegularWork, ResourceState.SBY_NoHost, said)

    def _say_state(self, old: ResourceState, new: ResourceState, said: Said) -> None:
        event = self._encoded(StationStateChanged(old_state=int(old), new_state=int(new)), said)
        with contextlib.suppress(SpoolFull):  # even the reserve is gone: the log has said it
            self.spool.store([event], into_reserve=True)
