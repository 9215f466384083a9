"""Permission and start in one: a unit is in one station's hands at a time, however many ask at once."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import Connection, text

from app.db import planned_once
from app.interlock.facts import Facts
from app.interlock.gate import log_verdicts
from app.interlock.gathering import Asked, Told, gather
from app.interlock.rules import decide
from app.interlock.verdicts import Ground, Verdict
from app.units.locks import lock_families
from app.units.starts import AlreadyStarted, begin_start

_MEANT = text(
    """
    -- Which units do these identifiers mean?
    SELECT unit_id FROM serial WHERE serial = ANY (CAST(:serials AS text[]))
    """
)


def start_units(
    connection: Connection,
    *,
    station: str,
    serials: Sequence[str],
    transaction_id: UUID | None = None,
    actor: str,
    told: Told | None = None,
) -> list[Verdict]:
    """May these units start, and if so they have: one verdict each, a panel's for each of its boards.

    The units are locked first, in order, with the boards on them and the units in them, so that the facts are those
    every earlier start, hold and shipment has left (READ COMMITTED). A repeated request of the same station gives the
    same start. Commits nothing.
    """
    lock_families(connection, connection.execute(_MEANT, {"serials": list(serials)}).scalars().all())
    with planned_once(connection):
        facts = gather(connection, station=station, asked=[Asked(serial) for serial in serials], told=told)
    verdicts = [_begin(connection, one, decide(one), transaction_id=transaction_id, actor=actor) for one in facts]
    return log_verdicts(connection, facts, verdicts, actor=actor, purpose="start", durable=True)


def _begin(
    connection: Connection, facts: Facts, verdict: Verdict, *, transaction_id: UUID | None, actor: str
) -> Verdict:
    if not verdict.allowed or facts.unit is None or facts.station is None:
        return verdict
    try:
        begin_start(
            connection,
            facts.unit.unit_id,
            station_id=facts.station.station_id,
            transaction_id=transaction_id,
            actor=actor,
        )
    except AlreadyStarted as elsewhere:
        ground = Ground("already_started", elsewhere.sentence, "Complete or end that work first.", passing=True)
        return replace(verdict, reasons=(ground,))
    return verdict
