"""Containments: everything that carries, or may carry, what was found bad is stopped at once.

`open_containment` counts the scope inside its own transaction, locks the units in order, writes one hold for each unit
and package, and freezes a record of what was done. Starts and shipments take the same locks, so each of them comes
before the containment or sees it. Counting, the long part, locks nothing; whoever wants one of the units waits only
while the holds are written. All of it stands at its COMMIT or nothing: who closes the browser does not stop it, and a
containment that was a mistake is released, with a reason, like any other.

What becomes known later is caught by rule (`app.quality.holds`), and held when the scope is counted again.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, text

from app.errors import Conflict, NotFound
from app.live import announce
from app.people import record_audit
from app.quality.hold_rows import Held, write_later_holds, write_unit_holds
from app.quality.holds import holds_on
from app.quality.nonconformances import (
    enter_nonconformance,
    lock_nonconformance,
    release_nonconformance,
)
from app.quality.package_holds import hold_packages, hold_packages_meant, packages_found_good
from app.quality.scope import Key, Progress, Scope, ScopedUnit, no_progress, scope_of
from app.quality.terms import Terms, terms_of
from app.reasons import reason_given
from app.sentences import Sentence
from app.units.locks import lock_units
from app.units.places import PLACES_OF_UNITS

_BLOCK = 5000


@dataclass(frozen=True, slots=True)
class Contained:
    """What a containment did: `shipped` counts the units that had left, by customer and shipment."""

    number: str
    nonconformance: str
    opened_at: datetime
    units: int
    packages: int
    by_evidence: dict[str, int]
    by_place: dict[str, int]
    shipped: list[dict[str, Any]]
    digest: str


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext(:terms), 4)")
_SAME = text(
    """
    SELECT containment.number FROM containment JOIN nonconformance USING (nonconformance_id)
    WHERE released_at IS NULL AND terms = CAST(:terms AS jsonb)
    """
)
_NOW = text("SELECT clock_timestamp()")
_NUMBER = text("SELECT nextval(pg_get_serial_sequence('containment', 'containment_id'))")
_ENTER = text(
    """
    INSERT INTO containment (containment_id, number, nonconformance_id, terms, record, digest)
    VALUES (:id, :number, :nonconformance, CAST(:terms AS jsonb), CAST(:record AS jsonb), :digest)
    """
)
_SHIPPED_WITH = text(
    """
    SELECT shipment.number, customer.name FROM shipment JOIN customer USING (customer_id)
    WHERE shipment.number = ANY (CAST(:shipments AS text[]))
    """
)


def open_containment(
    connection: Connection,
    terms: Terms,
    *,
    reason: str,
    actor: str,
    confirm: str | None = None,
    progress: Progress = no_progress,
) -> Contained:
    """Contain what the terms mean, as it is known now.

    `confirm`: the identifier retyped, where a person does it. Raises `NotFound` where nothing of that name is known,
    `Invalid` without a reason, `Conflict` where an open containment has the same terms already.
    """
    reason = reason_given(reason)
    if confirm is not None:
        terms.confirm(confirm)
    kept = json.dumps(terms.as_json(), sort_keys=True)
    connection.execute(_ONE_AT_A_TIME, {"terms": kept})
    same = connection.execute(_SAME, {"terms": kept}).scalar()
    if same is not None:
        raise Conflict(
            Sentence(
                "%(number)s contains %(sentence)s already. Release it first, or count it again.",
                number=same,
                sentence=terms.words,
            )
        )
    progress("finding units", 0, None)
    known_at: datetime = connection.execute(_NOW).scalar_one()
    scope = scope_of(connection, terms, progress)
    _lock(connection, scope.units, progress)
    opened = enter_nonconformance(connection, reason=reason, actor=actor, by_rule=terms.question is not None)
    written = write_unit_holds(connection, opened.nonconformance_id, scope.units, progress=progress)
    packages = hold_packages_meant(connection, opened.nonconformance_id, terms)
    containment_id = connection.execute(_NUMBER).scalar_one()
    number = f"C-{containment_id:06d}"
    shipped = _shipped(connection, written)
    record: dict[str, Any] = {
        "number": number,
        "nonconformance": opened.number,
        "contains": str(terms.words),
        "reason": reason,
        "actor": actor,
        "opened_at": opened.opened_at.isoformat(),
        "as_known_at": known_at.isoformat(),
        "units": len(written),
        "packages": sorted(packages.values()),
        "by_evidence": scope.by_evidence,
        "by_place": dict(sorted(Counter(one.place for one in written).items())),
        "shipped": shipped,
        "holds": _digest_of_holds((*one.key, scope.units[one.key].evidence.value, one.place) for one in written),
    }
    digest = _digest(record)
    connection.execute(
        _ENTER,
        {
            "id": containment_id,
            "number": number,
            "nonconformance": opened.nonconformance_id,
            "terms": kept,
            "record": json.dumps(record),
            "digest": digest,
        },
    )
    record_audit(
        connection, actor=actor, deed="containment.opened", subject=f"containment:{number}", reason=reason,
        contains=str(terms.words), units=len(written), packages=len(packages), digest=digest.hex(),
    )  # fmt: skip
    announce(connection)
    return Contained(
        number, opened.number, opened.opened_at, len(written), len(packages), scope.by_evidence,
        record["by_place"], shipped, digest.hex(),
    )  # fmt: skip


def _lock(connection: Connection, units: Iterable[Key], progress: Progress) -> None:
    """Lock the units in blocks, in order of their ids, as every deed does."""
    ids = sorted({unit_id for unit_id, _ in units})
    for start in range(0, len(ids), _BLOCK):
        progress("locking units", start, len(ids))
        lock_units(connection, ids[start : start + _BLOCK])


def _shipped(connection: Connection, written: Iterable[Held]) -> list[dict[str, Any]]:
    """How many units had left, by customer and shipment."""
    counted = Counter(one.shipment for one in written if one.shipment is not None)
    given = {"shipments": sorted(counted)}
    customers = {row[0]: row[1] for row in connection.execute(_SHIPPED_WITH, given)}
    return [
        {"customer": customers[shipment], "shipment": shipment, "units": units}
        for shipment, units in sorted(counted.items(), key=lambda item: (customers[item[0]], item[0]))
    ]


def _digest_of_holds(holds: Iterable[tuple[int, int, str, str]]) -> str:
    """SHA-256 over every hold of the scope as a JSON list, in order of its key."""
    running = hashlib.sha256()
    quoted = cache(json.dumps)  # few words for many units
    for unit_id, position, evidence, place in holds:
        running.update(f"[{unit_id}, {position}, {quoted(evidence)}, {quoted(place)}]\n".encode())
    return running.hexdigest()


def _digest(record: dict[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).digest()


_FROZEN = text(
    """
    SELECT number, nonconformance_id, terms, record, digest FROM containment WHERE number = :number
    """
)
_HOLDS = text(
    """
    SELECT unit_id, position_number, evidence, place FROM unit_hold
    WHERE nonconformance_id = :nonconformance AND NOT later
    ORDER BY unit_id, position_number
    """
)


def record_of(connection: Connection, number: str) -> tuple[dict[str, Any], bool]:
    """The frozen record of a containment, and whether it and its holds are still what was digested."""
    row = connection.execute(_FROZEN, {"number": number}).one_or_none()
    if row is None:
        raise _no_containment(number)
    holds = connection.execute(_HOLDS, {"nonconformance": row.nonconformance_id})
    intact = _digest(row.record) == bytes(row.digest) and row.record["holds"] == _digest_of_holds(
        (hold.unit_id, hold.position_number, hold.evidence, hold.place) for hold in holds
    )
    return row.record, intact


def terms_contained(connection: Connection, number: str) -> Terms:
    """What a containment was asked for. Raises `NotFound`."""
    row = connection.execute(_FROZEN, {"number": number}).one_or_none()
    if row is None:
        raise _no_containment(number)
    return terms_of(row.terms)


def _no_containment(number: str) -> NotFound:
    return NotFound(Sentence("There is no containment %(number)s. Check its number.", number=number))


_NONCONFORMANCE_OF = text(
    "SELECT nonconformance.number FROM containment JOIN nonconformance USING (nonconformance_id) "
    "WHERE containment.number = :number"
)


def nonconformance_of(connection: Connection, number: str) -> str:
    """The nonconformance of a containment; its own number is taken, too. Raises `NotFound` for neither."""
    if number.startswith("NC-"):
        return number
    found = connection.execute(_NONCONFORMANCE_OF, {"number": number}).scalar()
    if found is None:
        raise _no_containment(number)
    return str(found)


def release_containment(connection: Connection, number: str, *, reason: str, actor: str) -> datetime:
    """End a containment, and with it every hold that is left. Once: raises `Conflict` the second time."""
    at = release_nonconformance(connection, nonconformance_of(connection, number), reason=reason, actor=actor)
    record_audit(
        connection, actor=actor, deed="containment.released", subject=f"containment:{number}", reason=reason.strip()
    )
    announce(connection)
    return at


_HELD = text("SELECT unit_id, position_number FROM unit_hold WHERE nonconformance_id = :nonconformance")
_DECIDED_BEFORE = text(
    f"""
    -- Of which of these was it decided by the place they were in, or with their panel, before they were known?
    WITH {PLACES_OF_UNITS}
    SELECT DISTINCT given.unit_id, given.position_number
    FROM unnest(CAST(:units AS bigint[]), CAST(:positions AS smallint[])) AS given (unit_id, position_number)
    JOIN place USING (unit_id)
    JOIN unit_hold AS hold ON hold.unit_id = place.spoken_id AND hold.nonconformance_id = :nonconformance
        AND hold.position_number IN (0, place.position_number)
        AND hold.fact_at >= place.held_from AND hold.fact_at < place.held_until
    JOIN unit_disposition AS decided ON decided.unit_id = hold.unit_id
        AND decided.position_number = hold.position_number AND decided.nonconformance_id = :nonconformance
        AND decided.nth = hold.nth
    """
)


def count_again(connection: Connection, number: str, *, actor: str, progress: Progress = no_progress) -> int:
    """Ask the terms anew and hold what has become known since; returns how many units were new. Idempotent.

    As for the rule, a package that was found good in this containment holds no unit more.
    A unit that is only suspected and that its station still has is left to the rule: the report may name another
    package in a moment, and what was written down somebody has to release.
    """
    row = connection.execute(_FROZEN, {"number": number}).one_or_none()
    if row is None:
        raise _no_containment(number)
    good = packages_found_good(connection, row.nonconformance_id)
    scope: Scope = scope_of(connection, terms_of(row.terms), progress, found_good=good)
    # Counted first: while it is locked nobody can release it.
    lock_nonconformance(connection, nonconformance_of(connection, number), shared=True)
    asked = {"nonconformance": row.nonconformance_id}
    held = {(hold.unit_id, hold.position_number) for hold in connection.execute(_HELD, asked)}
    new = {key: unit for key, unit in scope.units.items() if key not in held and not unit.pending}
    if scope.by_rule:
        new = _without_decided(connection, row, new)
    _lock(connection, new, progress)
    written = write_later_holds(connection, row.nonconformance_id, new)
    packages = hold_packages(connection, row.nonconformance_id, scope.packages, later=True)
    if written or packages:
        record_audit(
            connection, actor=actor, deed="containment.counted_again", subject=f"containment:{number}",
            units=written, packages=packages,
        )  # fmt: skip
        announce(connection)
    return written


def _without_decided(
    connection: Connection, containment: Row[Any], units: Mapping[Key, ScopedUnit]
) -> dict[Key, ScopedUnit]:
    """Those of which nothing was decided under another name, or of which the rule says that more was heard since."""
    if not units:
        return {}
    asked = {
        "units": [unit_id for unit_id, _ in units],
        "positions": [position for _, position in units],
        "nonconformance": containment.nonconformance_id,
    }
    decided = {(row[0], row[1]) for row in connection.execute(_DECIDED_BEFORE, asked)}
    standing = holds_on(connection, {unit_id for unit_id, _ in decided})
    caught = {
        (unit_id, position)
        for unit_id, position in decided
        for hold in standing.get(unit_id, ())
        if hold.containment == containment.number
        and (hold.by_rule or hold.via)
        and hold.position_number in {0, position}
    }
    return {key: unit for key, unit in units.items() if key not in decided - caught}
