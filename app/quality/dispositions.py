"""Dispositions: what becomes of a unit or package under a nonconformance. Once, and by who may.

* A quality engineer decides everything; a process engineer rework and repair; nobody else anything.
* A customer's product is used as it is only with the customer's approval (IATF 16949, 8.7.1.1; ISO 9001, 8.7.1 d).
* `released`, `use_as_is`, `rework` and `repair` end the hold, and decide the failures that the nonconformance was
  opened for (`app.quality.failures`); a scrapped unit or position does not come back.
* A unit that a later fact held again is decided again, of that hold.
* The primary key of the row is the last wall: the second decision on the same hold fails, whoever makes it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.people import Role, record_audit
from app.quality.failures import decide_failures
from app.quality.holds import write_holds_seen
from app.quality.nonconformances import lock_nonconformance
from app.reasons import reason_given
from app.sentences import Sentence
from app.units.families import named_units
from app.units.locks import lock_units
from app.units.places import PLACES_OF_UNITS
from app.units.scrapped import Scrapped, record_scrapped


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


_CLEARING = frozenset({Disposition.released, Disposition.use_as_is, Disposition.rework, Disposition.repair})


def require_authority(role: Role, decision: Disposition) -> None:
    """Raise `Forbidden`, naming the roles that may, unless this role may decide that."""
    if decision in AUTHORITY.get(role, ()):
        return
    able = [one for one, may in AUTHORITY.items() if decision in may]
    raise Forbidden(
        Sentence(
            "The role %(roles)s may not decide %(word_decision)s. Ask somebody with the role %(roles_able)s.",
            roles=[role],
            word_decision=decision,
            roles_able=able,
        )
    )


_NOW = text("SELECT clock_timestamp()")
_MEANT = text(
    f"""
    -- Which holds of this nonconformance are on these serials, on the boards in them, or on the places those were in,
    -- and whose are they?
    WITH {PLACES_OF_UNITS}
    SELECT DISTINCT given.serial, given.unit_id, hold.unit_id AS held_id, hold.position_number, hold.nth, hold.fact_at,
        unit.customer_id, decided.decision IS NOT NULL AS is_decided
    FROM unnest(CAST(:serials AS text[]), CAST(:units AS bigint[])) AS given (serial, unit_id)
    JOIN place ON place.unit_id = given.unit_id
    JOIN unit_hold AS hold ON hold.unit_id = place.spoken_id AND hold.nonconformance_id = :nonconformance
        AND (place.position_number IS NULL OR hold.position_number IN (place.position_number, 0))
        AND hold.fact_at >= place.held_from AND hold.fact_at < place.held_until
    JOIN unit ON unit.unit_id = given.unit_id
    LEFT JOIN unit_disposition AS decided ON decided.unit_id = hold.unit_id
        AND decided.position_number = hold.position_number AND decided.nonconformance_id = :nonconformance
        AND decided.nth = hold.nth
    ORDER BY unit_id, held_id, position_number, nth
    """
)
_HOLD_BY_ITSELF = text(
    """
    -- These boards are held by the places they were in: each by itself from now on, for it is decided by itself.
    INSERT INTO unit_hold (
        unit_id, position_number, nonconformance_id, held_at, fact_at, evidence, reason, place, shipment, later
    )
    SELECT DISTINCT ON (given.unit_id)
        given.unit_id, 0, nonconformance_id, clock_timestamp(), fact_at, evidence, reason, place, shipment, true
    FROM unnest(CAST(:units AS bigint[]), CAST(:held AS bigint[]), CAST(:positions AS smallint[]))
        AS given (unit_id, held_id, position_number)
    JOIN unit_hold AS hold ON hold.unit_id = given.held_id AND hold.position_number = given.position_number
        AND hold.nonconformance_id = :nonconformance
    ORDER BY given.unit_id, fact_at
    ON CONFLICT DO NOTHING
    """
)
_DECIDE = text(
    """
    INSERT INTO unit_disposition (
        unit_id, position_number, nth, nonconformance_id, decision, reason, customer_approval, decided_at, decided_by
    )
    SELECT unit_id, position_number, nth, :nonconformance, :decision, :reason, :approval, clock_timestamp(), :actor
    FROM unnest(CAST(:units AS bigint[]), CAST(:positions AS smallint[]), CAST(:nths AS smallint[]))
        AS given (unit_id, position_number, nth)
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
        raise Invalid(Sentence("Name the units by their serials."))
    opened = lock_nonconformance(connection, number, shared=True)
    named = [(serial, unit_id) for serial, meant in named_units(connection, serials).items() for unit_id in meant]
    asked = {
        "serials": [serial for serial, _ in named],
        "units": [unit_id for _, unit_id in named],
        "nonconformance": opened.nonconformance_id,
    }
    rows = connection.execute(_MEANT, asked).all()
    waiting = {row.unit_id for row in rows if not row.is_decided}
    if opened.by_rule and write_holds_seen(connection, {unit_id for _, unit_id in named} - waiting):
        rows = connection.execute(_MEANT, asked).all()
    held = {row.serial for row in rows}
    unheld = [serial for serial in serials if serial not in held]
    if unheld:
        raise NotFound(
            Sentence(
                "%(number)s does not hold %(all_names)s. Check the serials; nothing was decided.",
                number=number,
                all_names=unheld[:5],
            )
        )
    approval = (customer_approval or "").strip() or None
    if decision is Disposition.use_as_is and approval is None and any(row.customer_id is not None for row in rows):
        raise Invalid(
            Sentence("A customer's unit is used as it is only with the customer's approval. Give its reference.")
        )
    lock_units(connection, {unit_id for row in rows for unit_id in (row.unit_id, row.held_id)})
    held_units = {row.unit_id for row in rows}
    # What was decided of a place before its board was known is no decision of what came on that board later.
    rows = [row for row in rows if not row.is_decided]
    if held_units - {row.unit_id for row in rows}:
        raise _decided_before(number)
    by_place = [row for row in rows if row.held_id != row.unit_id]
    if by_place:
        places = {
            "units": [row.unit_id for row in by_place],
            "held": [row.held_id for row in by_place],
            "positions": [row.position_number for row in by_place],
            "nonconformance": opened.nonconformance_id,
        }
        connection.execute(_HOLD_BY_ITSELF, places)
    own = {(row.unit_id, row.position_number): row.nth for row in rows if row.held_id == row.unit_id}
    meant = {(row.unit_id, row.position_number if row.held_id == row.unit_id else 0): row.fact_at for row in rows}
    # The hold of one place is that board's alone; that of a whole panel is the others', too.
    with_them = {(row.held_id, row.position_number, row.nth) for row in by_place if row.position_number}
    decided = sorted({*((*key, own.get(key, 1)) for key in meant), *with_them})
    units, positions = [unit_id for unit_id, _ in meant], [position for _, position in meant]
    given = {
        "units": [unit_id for unit_id, _, _ in decided],
        "positions": [position for _, position, _ in decided],
        "nths": [nth for _, _, nth in decided],
        "nonconformance": opened.nonconformance_id,
        "decision": decision.value,
        "reason": reason,
        "approval": approval,
        "actor": actor,
    }
    try:
        with connection.begin_nested():
            connection.execute(_DECIDE, given)
    except IntegrityError as before:
        raise _decided_before(number) from before
    if decision is Disposition.scrap:
        now: datetime = connection.execute(_NOW).scalar_one()
        record_scrapped(
            connection,
            [Scrapped(*key, fact_at, now, reason, by=actor) for key, fact_at in meant.items()],
        )
    elif decision in _CLEARING and not opened.by_rule:
        decide_failures(connection, opened.nonconformance_id, opened.opened_at, units, positions)
    record_audit(
        connection, actor=actor, deed="unit.dispositioned", subject=f"nonconformance:{number}", reason=reason,
        decision=decision.value, serials=list(serials), customer_approval=approval,
    )  # fmt: skip
    return len(meant)


def _decided_before(number: str) -> Conflict:
    return Conflict(
        Sentence(
            "One of these units was decided under %(number)s before; that is done once. Open another "
            "nonconformance if there is a new reason.",
            number=number,
        )
    )


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
        raise Invalid(Sentence("A package is not reworked. Release it, scrap it, or return it to the supplier."))
    opened = lock_nonconformance(connection, number, shared=True)
    asked = {"identifiers": list(dict.fromkeys(identifiers)), "nonconformance": opened.nonconformance_id}
    rows = connection.execute(_PACKAGES_MEANT, asked).all()
    unheld = [row.identifier for row in rows if row.package_id is None]
    if unheld or not rows:
        raise NotFound(
            Sentence(
                "%(number)s does not hold package %(all_names)s. Check it; nothing was decided.",
                number=number,
                all_names=unheld[:5],
            )
        )
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
        raise Conflict(
            Sentence("One of these packages was decided under %(number)s before; that is done once.", number=number)
        ) from decided
    record_audit(
        connection, actor=actor, deed="package.dispositioned", subject=f"nonconformance:{number}", reason=reason,
        decision=decision.value, packages=list(identifiers),
    )  # fmt: skip
    return len(rows)
