"""Dispositions: what becomes of a unit or package under a nonconformance. Once, and by who may.

* A quality engineer decides everything; a process engineer rework and repair; nobody else anything.
* A customer's product is used as it is only with the customer's approval (IATF 16949, 8.7.1.1; ISO 9001, 8.7.1 d).
* `released`, `use_as_is`, `rework` and `repair` end the hold; a scrapped unit does not come back.
* The primary key of the row is the last wall: the second decision on the same unit fails, whoever makes it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.people import Role, record_audit, spoken
from app.quality.nonconformances import lock_nonconformance, reason_given
from app.units.families import AT_MEMBER_PLACE, MEMBER_PLACES, named_units
from app.units.locks import lock_units


class Disposition(StrEnum):
    """What is decided; `released` says that nothing is wrong with this one."""

    released = "released"
    use_as_is = "use_as_is"
    rework = "rework"
    repair = "repair"
    scrap = "scrap"
    return_to_supplier = "return_to_supplier"


AUTHORITY: Mapping[Role, frozenset[Disposition]] = {
    Role.quality_engineer: frozenset(Disposition),
    Role.administrator: frozenset(Disposition),
    Role.process_engineer: frozenset({Disposition.rework, Disposition.repair}),
}
"""Who may decide what; a role that is not here decides nothing."""


def require_authority(role: Role, decision: Disposition) -> None:
    """Raise `Forbidden`, naming the roles that may, unless this role may decide that."""
    if decision in AUTHORITY.get(role, ()):
        return
    able = " or ".join(spoken(one) for one, may in AUTHORITY.items() if decision in may)
    raise Forbidden(f"The role {spoken(role)} may not decide {spoken(decision)}. Ask somebody with the role {able}.")


_MEANT = text(
    """
    -- Which holds of this nonconformance are on these serials, or on the boards in them, and whose are they?
    SELECT given.serial, hold.unit_id, hold.position_number, unit.customer_id
    FROM unnest(CAST(:serials AS text[]), CAST(:units AS bigint[])) AS given (serial, unit_id)
    JOIN unit_hold AS hold ON hold.unit_id = given.unit_id AND hold.nonconformance_id = :nonconformance
    JOIN unit ON unit.unit_id = given.unit_id
    ORDER BY hold.unit_id, hold.position_number
    """
)
_DECIDE = text(
    """
    INSERT INTO unit_disposition (
        unit_id, position_number, nonconformance_id, decision, reason, customer_approval, decided_at, decided_by
    )
    SELECT unit_id, position_number, :nonconformance, :decision, :reason, :approval, clock_timestamp(), :actor
    FROM unnest(CAST(:units AS bigint[]), CAST(:positions AS smallint[])) AS given (unit_id, position_number)
    """
)
_SCRAP = text(
    """
    INSERT INTO scrapped_unit (unit_id, scrapped_by, reason)
    SELECT DISTINCT unit_id, :actor, :reason
    FROM unnest(CAST(:units AS bigint[]), CAST(:positions AS smallint[])) AS given (unit_id, position_number)
    WHERE position_number = 0  -- a scrapped position of a panel leaves the panel
    ON CONFLICT DO NOTHING
    """
)


def disposition_units(
    connection: Connection,
    number: str,
    serials: Sequence[str],
    decision: Disposition,
    *,
    reason: str,
    actor: str,
    role: Role,
    customer_approval: str | None = None,
) -> int:
    """Decide what becomes of units that a nonconformance holds; returns how many.

    All or none: raises `Forbidden` without authority, `NotFound` where one is not held by it, `Conflict` where one was
    decided before, `Invalid` where a customer's approval is missing.
    """
    require_authority(role, decision)
    reason = reason_given(reason)
    if not serials:
        raise Invalid("Name the units by their serials.")
    opened = lock_nonconformance(connection, number, shared=True)
    named = [(serial, unit_id) for serial, meant in named_units(connection, serials).items() for unit_id in meant]
    asked = {
        "serials": [serial for serial, _ in named],
        "units": [unit_id for _, unit_id in named],
        "nonconformance": opened.nonconformance_id,
    }
    rows = connection.execute(_MEANT, asked).all()
    held = {row.serial for row in rows}
    unheld = [serial for serial in serials if serial not in held]
    if unheld:
        raise NotFound(f"{number} does not hold {', '.join(unheld[:5])}. Check the serials; nothing was decided.")
    approval = (customer_approval or "").strip() or None
    if decision is Disposition.use_as_is and approval is None and any(row.customer_id is not None for row in rows):
        raise Invalid("A customer's unit is used as it is only with the customer's approval. Give its reference.")
    units = [row.unit_id for row in rows]
    lock_units(connection, units)
    given = {
        "units": units,
        "positions": [row.position_number for row in rows],
        "nonconformance": opened.nonconformance_id,
        "decision": decision.value,
        "reason": reason,
        "approval": approval,
        "actor": actor,
    }
    try:
        with connection.begin_nested():
            connection.execute(_DECIDE, given)
    except IntegrityError as decided:
        raise Conflict(
            f"One of these units was decided under {number} before; that is done once. "
            "Open another nonconformance if there is a new reason."
        ) from decided
    if decision is Disposition.scrap:
        connection.execute(_SCRAP, given)
    record_audit(
        connection, actor=actor, deed="unit.dispositioned", subject=f"nonconformance:{number}", reason=reason,
        decision=decision.value, serials=list(serials), customer_approval=approval,
    )  # fmt: skip
    return len(rows)


_PACKAGES_MEANT = text(
    """
    SELECT given.identifier, hold.package_id
    FROM unnest(CAST(:identifiers AS text[])) AS given (identifier)
    LEFT JOIN package USING (identifier)
    LEFT JOIN package_hold AS hold
        ON hold.package_id = package.package_id AND hold.nonconformance_id = :nonconformance
    ORDER BY hold.package_id
    """
)
_DECIDE_PACKAGES = text(
    """
    INSERT INTO package_disposition (package_id, nonconformance_id, decision, reason, decided_by)
    SELECT package_id, :nonconformance, :decision, :reason, :actor
    FROM unnest(CAST(:packages AS integer[])) AS given (package_id)
    """
)


def disposition_packages(
    connection: Connection,
    number: str,
    identifiers: Sequence[str],
    decision: Disposition,
    *,
    reason: str,
    actor: str,
    role: Role,
) -> int:
    """The same for packages, which are not reworked or repaired."""
    require_authority(role, decision)
    reason = reason_given(reason)
    if decision in {Disposition.rework, Disposition.repair}:
        raise Invalid("A package is not reworked. Release it, scrap it, or return it to the supplier.")
    opened = lock_nonconformance(connection, number, shared=True)
    asked = {"identifiers": list(dict.fromkeys(identifiers)), "nonconformance": opened.nonconformance_id}
    rows = connection.execute(_PACKAGES_MEANT, asked).all()
    unheld = [row.identifier for row in rows if row.package_id is None]
    if unheld or not rows:
        raise NotFound(f"{number} does not hold package {', '.join(unheld[:5])}. Check it; nothing was decided.")
    given = {
        "packages": [row.package_id for row in rows],
        "nonconformance": opened.nonconformance_id,
        "decision": decision.value,
        "reason": reason,
        "actor": actor,
    }
    try:
        with connection.begin_nested():
            connection.execute(_DECIDE_PACKAGES, given)
    except IntegrityError as decided:
        raise Conflict(f"One of these packages was decided under {number} before; that is done once.") from decided
    record_audit(
        connection, actor=actor, deed="package.dispositioned", subject=f"nonconformance:{number}", reason=reason,
        decision=decision.value, packages=list(identifiers),
    )  # fmt: skip
    return len(rows)


@dataclass(frozen=True, slots=True)
class Failure:
    """The last run of a unit at a station failed, and nobody has decided what becomes of the unit since."""

    unit_id: int
    kind: str
    station: str
    station_id: int
    method: str | None
    recorded_at: datetime
    received_at: datetime

    @property
    def sentence(self) -> str:
        """What happened."""
        return f"It failed {self.method or self.kind} at {self.station}, {self.recorded_at:%Y-%m-%d %H:%M:%S} UTC."


# `error` and `aborted` say nothing of the board: they neither fail it nor clear an earlier failure.
_FAILURES = text(
    f"""
    -- At which stations did these units fail last, without a disposition since?
    WITH RECURSIVE member AS (
        SELECT asked_id, asked_id AS unit_id FROM unnest(CAST(:units AS bigint[])) AS asked (asked_id)
    ), {MEMBER_PLACES}, run AS (
        SELECT place.asked_id, 'inspection' AS kind, fact.station_id, fact.method, fact.outcome, fact.recorded_at,
            fact.received_at, fact.event_id
        FROM place JOIN inspection AS fact ON {AT_MEMBER_PLACE.format(time="recorded_at")}
        WHERE fact.outcome IN ('passed', 'failed')
        UNION ALL
        SELECT place.asked_id, 'test', fact.station_id, fact.method, fact.outcome, fact.recorded_at, fact.received_at,
            fact.event_id
        FROM place JOIN test AS fact ON {AT_MEMBER_PLACE.format(time="recorded_at")}
        WHERE fact.outcome IN ('passed', 'failed')
    ), last AS (
        SELECT DISTINCT ON (asked_id, kind, station_id, method) * FROM run
        ORDER BY asked_id, kind, station_id, method, recorded_at DESC, event_id DESC, outcome
    )
    SELECT last.asked_id, last.kind, coalesce(station.name, station.handle), last.station_id, last.method,
        last.recorded_at, last.received_at
    FROM last JOIN station USING (station_id)
    WHERE last.outcome = 'failed' AND NOT EXISTS (
        SELECT FROM unit_disposition AS decided
        WHERE decided.unit_id IN (SELECT place.unit_id FROM place WHERE place.asked_id = last.asked_id)
          AND decided.decision IN ('released', 'use_as_is', 'rework', 'repair')
          AND decided.decided_at >= last.received_at
    )
    ORDER BY last.recorded_at
    """
)


def failures_on(connection: Connection, unit_ids: Collection[int]) -> dict[int, list[Failure]]:
    """What each unit failed and was not dispositioned for; units without are left out."""
    found: dict[int, list[Failure]] = {}
    if unit_ids:
        for row in connection.execute(_FAILURES, {"units": sorted(set(unit_ids))}):
            found.setdefault(row[0], []).append(Failure(*row))
    return found
