"""The gate: gather the facts, decide, log. Whoever asks, through whichever door, is answered by `ask`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from app.interlock.facts import EVERYTHING, Facts, Judged, Run, Station, Topic, Unit
from app.interlock.gathering import Asked, Told, gather
from app.interlock.rules import decide
from app.interlock.verdicts import Verdict
from app.interlock.waiting import last_words
from app.products.routing import RoutingStep, Visit
from app.sentences import plain

# All rows in one JSON text: as arrays, each quotation mark in the facts would be escaped by the client.
_LOG = """
    INSERT INTO verdict (unit_id, position_number, identifier, station_id, purpose, allowed, codes, overridden, actor,
        decided_at, facts)
    SELECT unit_id, position_number, identifier, %(station_id)s, %(purpose)s, codes = '{}', codes, overridden,
        %(actor)s, %(decided_at)s, facts
    FROM jsonb_to_recordset(CAST(%(verdicts)s AS jsonb)) AS given (
        unit_id bigint, position_number smallint, identifier text, codes text[], overridden text[], facts jsonb
    )
    RETURNING verdict_id, set_config('synchronous_commit', CAST(%(commit)s AS text), true)
    """


def ask(
    connection: Connection,
    *,
    station: str,
    units: Sequence[Asked],
    actor: str,
    purpose: str = "start",
    topics: frozenset[Topic] = EVERYTHING,
    told: Told | None = None,
    at: datetime | None = None,
    settling: bool = False,
) -> list[Verdict]:
    """May these units start at this station? One verdict each, logged with the facts it saw; commits nothing.

    A panel asked about as a whole gives one verdict for each of its boards. `settling`: see `Facts`.
    """
    facts = gather(connection, station=station, asked=units, topics=topics, told=told, at=at, settling=settling)
    verdicts = last_words(connection, facts, [decide(one) for one in facts])
    return log_verdicts(connection, facts, verdicts, actor=actor, purpose=purpose)


def log_verdicts(
    connection: Connection,
    facts: Sequence[Facts],
    verdicts: Sequence[Verdict],
    *,
    actor: str,
    purpose: str,
    durable: bool = False,
) -> list[Verdict]:
    """Write verdicts into the log, with what each saw; returns them with their numbers.

    Unless `durable`, the COMMIT does not wait for the disk: a power cut may take the last half second of answers with
    it, of which nothing else in the record follows. A start, an override and a release wait.
    """
    if not verdicts:
        return []
    given = {
        "station_id": facts[0].station.station_id,
        "purpose": purpose,
        "commit": "on" if durable else "off",
        "actor": actor,
        "decided_at": verdicts[0].decided_at,
        "verdicts": msgspec.json.encode(
            [_entry(*pair) for pair in zip(verdicts, facts, strict=True)], enc_hook=plain
        ).decode(),
    }
    numbers = connection.exec_driver_sql(_LOG, given).scalars().all()
    return [replace(verdict, verdict_id=number) for verdict, number in zip(verdicts, numbers, strict=True)]


def _entry(verdict: Verdict, facts: Facts) -> dict[str, Any]:
    return {
        "unit_id": verdict.unit_id,
        "position_number": verdict.position_number,
        "identifier": verdict.identifier,
        "codes": list(dict.fromkeys(ground.code for ground in verdict.reasons)),
        "overridden": list(dict.fromkeys(one.ground.code for one in verdict.overridden)),
        "facts": seen(facts),
    }


def seen(facts: Facts) -> dict[str, Any]:
    """Facts as the log keeps them: what is empty or planned nowhere is left out."""
    told: dict[str, Any] = {}
    if facts.unit is not None:
        told["unit"] = _told(facts.unit)
    told["station"] = _told(facts.station)
    if not facts.station.station_id:
        told["station"]["handle"] = facts.station.handle
    if facts.overrides:
        told["overrides"] = [override.override_id for override in facts.overrides]
    if facts.settling:
        told["settling"] = True
    if facts.topics != EVERYTHING:
        told["topics"] = sorted(facts.topics)
    return told


def as_logged(visit: Visit) -> str:
    """A visit in the words of a verdict's facts."""
    return f"{visit.operation} {visit.started_at:%Y-%m-%dT%H:%M:%S.%fZ}"


_LEFT_OUT = frozenset({"serial", "station_id", "handle"})


def _told(value: Unit | Station) -> dict[str, Any]:
    """A unit or station without its names, which the row has, and without what is empty; lists of pairs as pairs."""
    told = {name: _short(getattr(value, name)) for name in value.__slots__ if name not in _LEFT_OUT}
    return {name: short for name, short in told.items() if not (short is None or short is False or short in ([], {}))}


def _short(value: Any) -> Any:  # noqa: PLR0911 - one for each kind
    if isinstance(value, tuple | list):
        return [_short(one) for one in value]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Visit):
        return as_logged(value)
    if isinstance(value, RoutingStep):
        return f"{value.operation}?" if value.optional else value.operation
    if isinstance(value, Run):
        return [value.operation, value.kind, value.outcome, value.recorded_at, value.runs, value.decision]
    if isinstance(value, Judged):
        codes = [reason.code for reason in value.reasons]
        return [value.subject, value.verified, codes, [warning.code for warning in value.warnings]]
    return value
