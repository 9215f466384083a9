"""The deeds of a station's screen: each once, each as facts through the inbox, each answered for a person.

A deed is one transaction: its id is claimed, it is judged, its messages go through the recorder, its answer is kept.
So it stands as a whole or not at all, and the operator waits for the disk once.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import singledispatch

import msgspec
from sqlalchemy import Connection, Engine

from app.db import retrying
from app.errors import Conflict, Invalid
from app.floor.deeds import (
    Answer,
    Clear,
    Deed,
    Finish,
    Load,
    Repair,
    Start,
    StartRepair,
    Told,
    Undo,
    UndoRepair,
    Unload,
    Visit,
    moment,
)
from app.floor.repairs import TAKES_OUT, WHY_IT_IS_HERE, now_at, replacement, taken_since
from app.floor.telling import Telling
from app.floor.units import UnitAtHand, begun_and_undone, bench, unit_at_hand
from app.inbox.memory import Ids
from app.inbox.record import Recorder
from app.interlock.gate import ask
from app.interlock.gathering import Asked
from app.interlock.starts import start_units
from app.interlock.verdicts import Ground, Verdict
from app.people import Actor, Permission
from app.people.idempotency import Answer as Kept
from app.people.idempotency import claim, keep
from app.reasons import Reason
from app.sentences import Sentence
from app.setup.undoing import undo_loading
from app.setup.verification import clear_location, verify_loading
from app.units.locks import lock_units
from app.units.onward import gone_on
from app.units.starts import begin_start, open_starts

_decoder: "msgspec.json.Decoder[Deed]" = msgspec.json.Decoder(Deed)


def read_deed(body: bytes) -> Deed:
    """A deed as a screen sent it. Raises `Invalid`."""
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError as unreadable:
        raise Invalid(
            Sentence(
                "The screen sent something that cannot be read: %(problem)s. Load the page again.",
                problem=str(unreadable),
            )
        ) from None


def do(engine: Engine, recorder: Recorder, deed: Deed, *, actor: Actor, told: Callable[[str], str] = str) -> bytes:
    """Do a deed once and answer it, JSON of `Answer`; a repetition gets the first one's answer.

    `told` says a sentence as the person reads it.
    Raises what the deed raises (`Invalid`, `NotFound`, `Conflict`): then nothing of it is kept.
    """
    requester = f"station:{deed.station}"[:255]
    key = str(deed.id)
    same = hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(deed, sent_at=None))).digest()

    def once(connection: Connection) -> tuple[bytes, Ids | None]:
        earlier = claim(connection, requester=requester, key=key, request=same)
        if earlier is not None:
            return earlier.body, None
        telling = Telling(deed.id, deed.station, moment(deed), actor.name)
        body = msgspec.json.encode(_in_words(_do(deed, _Hand(connection, actor, telling)), told))
        learned = recorder.record_within(connection, telling.payload) if telling.envelopes else None
        keep(connection, requester=requester, key=key, answer=Kept(200, body))
        return body, learned

    body, learned = retrying(engine, once)
    if learned is not None:
        learned.keep()
    return body


def _in_words(answer: Answer, told: Callable[[str], str]) -> Answer:
    """The answer with its sentences in the reader's words."""
    reasons = tuple(Told(told(one.sentence), told(one.clears), told(one.right), one.code) for one in answer.reasons)
    return msgspec.structs.replace(answer, reasons=reasons, warnings=tuple(map(told, answer.warnings)))


@dataclass(frozen=True, slots=True)
class _Hand:
    """Who does it, the transaction that judges it, and what is told of it."""

    connection: Connection
    actor: Actor
    telling: Telling


@singledispatch
def _do(deed: Deed, _: _Hand) -> Answer:
    raise AssertionError(f"nobody does {type(deed).__name__}")


@_do.register
def _start(deed: Start, by: _Hand) -> Answer:
    unit = unit_at_hand(by.connection, deed.serial)
    stopped = _begin(deed, unit, by)
    return stopped or Answer("go", unit.serial, product=unit.product, transaction=deed.id)


@_do.register
def _visit(deed: Visit, by: _Hand) -> Answer:
    unit = unit_at_hand(by.connection, deed.serial)
    stopped = _begin(deed, unit, by)
    if stopped:
        return stopped
    by.telling.completed(unit.serial, deed.id)
    return Answer("go", unit.serial, product=unit.product)


def _begin(deed: Start | Visit, unit: UnitAtHand, by: _Hand) -> Answer | None:
    """Start a unit; the answer that stops it, or None."""
    if deed.unheard:
        if bench(by.connection, deed.station).policy != "fail_open_record":
            raise Conflict(Sentence("This station may not go on without a verdict. Scan the unit again."))
        by.telling.started(unit.serial, deed.id)
        by.telling.unheard(deed.id)
        return None
    verdicts = start_units(
        by.connection, station=deed.station, serials=[unit.serial], transaction_id=deed.id, actor=by.actor.identity
    )
    stopped = _stopped(verdicts, unit)
    if stopped is None:
        by.telling.started(unit.serial, deed.id)
    return stopped


def _stopped(verdicts: Sequence[Verdict], unit: UnitAtHand, passing: frozenset[str] = frozenset()) -> Answer | None:
    grounds = [ground for verdict in verdicts for ground in verdict.reasons if ground.code not in passing]
    if not grounds:
        return None
    warnings = tuple(dict.fromkeys(warning for verdict in verdicts for warning in verdict.warnings))
    reasons = tuple(dict.fromkeys(_told(ground) for ground in grounds))
    return Answer("stop", unit.serial, product=unit.product, reasons=reasons, warnings=warnings)


def _told(reason: Ground | Reason) -> Told:
    right = reason.right.sentence if isinstance(reason, Ground) and reason.right else ""
    return Told(reason.sentence, reason.clears, right, reason.code)


@_do.register
def _finish(deed: Finish, by: _Hand) -> Answer:
    unit = unit_at_hand(by.connection, deed.serial)
    if deed.outcome == "passed" and deed.defects:
        raise Invalid(Sentence("Defects are noted and the unit is to pass. Take them off the list, or let it fail."))
    if deed.inspected or deed.outcome == "failed":
        by.telling.inspected(unit.serial, deed.transaction, deed.outcome, deed.defects)
    by.telling.completed(unit.serial, deed.transaction)
    return Answer("noted", unit.serial, sentence=deed.outcome)


@_do.register
def _undo(deed: Undo, by: _Hand) -> Answer:
    """Facts are never taken back: the work is told to have been aborted, later than whatever was told before."""
    unit = _still_here(deed, by)
    if deed.outcome == "failed":
        by.telling.inspected(unit.serial, deed.transaction, "failed", deed.defects, mistaken=True)
    by.telling.completed(unit.serial, deed.transaction, "Aborted")
    return Answer("undone", unit.serial)


def _still_here(deed: Undo | UndoRepair, by: _Hand) -> UnitAtHand:
    """The unit, alone with it. Raises `Conflict` where it has gone on since."""
    unit = unit_at_hand(by.connection, deed.serial)
    since = gone_on(by.connection, unit.unit_id, unit.serial, deed.transaction)
    if since is not None:
        raise Conflict(since)
    return unit


@_do.register
def _undo_repair(deed: UndoRepair, by: _Hand) -> Answer:
    """Nothing is taken back: the new part is told to be out again and the former one in, later than the repair.

    Undone twice it is undone once: the second scan would take for former what the first took out.
    """
    unit = _still_here(deed, by)
    begun, undone = begun_and_undone(by.connection, unit.unit_id, deed.transaction)
    if undone:
        return Answer("undone", unit.serial)
    out = {done.reference_designator for done in deed.repairs if done.action in TAKES_OUT}
    new = now_at(by.connection, unit.serial, out)
    before = taken_since(by.connection, unit.serial, out, begun)
    for designator, package in sorted(new.items()):
        by.telling.taken_out(unit.serial, deed.transaction, designator, package, reason=None)
    for designator, package in sorted(before.items()):
        by.telling.put_in(unit.serial, deed.transaction, designator, package, None)
    by.telling.repaired(unit.serial, deed.transaction, deed.repairs, succeeded=False)
    by.telling.completed(unit.serial, deed.transaction, "Aborted")
    return Answer("undone", unit.serial)


@_do.register
def _start_repair(deed: StartRepair, by: _Hand) -> Answer:
    unit = unit_at_hand(by.connection, deed.serial)
    lock_units(by.connection, [unit.unit_id])
    verdicts = ask(
        by.connection, station=deed.station, units=[Asked(unit.serial)], actor=by.actor.identity, purpose="repair"
    )
    stopped = _stopped(verdicts, unit, WHY_IT_IS_HERE)
    if stopped:
        return stopped
    station_id = bench(by.connection, deed.station).station_id
    there = open_starts(by.connection, [unit.unit_id]).get(unit.unit_id)
    if there is None or there.station_id != station_id:
        begin_start(by.connection, unit.unit_id, station_id=station_id, transaction_id=deed.id, actor=by.actor.identity)
    by.telling.started(unit.serial, deed.id)
    return Answer("go", unit.serial, product=unit.product, transaction=deed.id)


@_do.register
def _repair(deed: Repair, by: _Hand) -> Answer:
    unit = unit_at_hand(by.connection, deed.serial)
    if deed.succeeded and not deed.repairs:
        raise Invalid(Sentence("Say what was done: tap the place, then the work."))
    out = {done.reference_designator for done in deed.repairs if done.action in TAKES_OUT}
    before = now_at(by.connection, unit.serial, out)
    fresh = {}
    for done in deed.repairs:
        if done.action == "replaced":
            new = replacement(
                by.connection,
                done.label,
                designator=done.reference_designator,
                product_revision_id=unit.product_revision_id,
                at=moment(deed),
            )
            if new.reasons:
                return Answer("stop", unit.serial, reasons=tuple(map(_told, new.reasons)), transaction=deed.transaction)
            fresh[done.reference_designator] = new
    for designator in sorted(out):
        by.telling.taken_out(unit.serial, deed.transaction, designator, before.get(designator))
    for designator, new in sorted(fresh.items()):
        by.telling.put_in(unit.serial, deed.transaction, designator, new.package, new.part_number)
    by.telling.repaired(unit.serial, deed.transaction, deed.repairs, succeeded=deed.succeeded)
    by.telling.completed(unit.serial, deed.transaction)
    return Answer("noted", unit.serial, sentence="repaired" if deed.succeeded else "not_repaired")


@_do.register
def _load(deed: Load, by: _Hand) -> Answer:
    check = verify_loading(
        by.connection,
        station=deed.station,
        slot=deed.slot,
        label=deed.label,
        lane=deed.lane,
        replaces=deed.replaces,
        actor=by.actor.identity,
        at=moment(deed),
    )
    return Answer(
        "go" if check.accepted else "stop",
        slot=check.slot,
        lane=check.lane,
        package=check.package,
        reasons=tuple(map(_told, check.reasons)),
        check=check.check_id if check.accepted else None,
    )


@_do.register
def _unload(deed: Unload, by: _Hand) -> Answer:
    again = undo_loading(by.connection, deed.check, station=deed.station, actor=by.actor.identity, at=moment(deed))
    return Answer("undone", slot=again.slot, package=again.package)


@_do.register
def _clear(deed: Clear, by: _Hand) -> Answer:
    by.actor.require(Permission.override_gate)
    clear_location(
        by.connection,
        station=deed.station,
        slot=deed.slot,
        reason=deed.reason,
        actor=by.actor.identity,
        at=moment(deed),
    )
    return Answer("noted", slot=deed.slot, sentence="cleared")
