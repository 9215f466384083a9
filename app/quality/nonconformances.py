"""Nonconformances: opened for units that are not as they should be, released once, listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from app.errors import Conflict, NotFound
from app.people import record_audit
from app.quality.hold_rows import write_unit_holds
from app.quality.scope import Key, ScopedUnit
from app.quality.terms import terms_of
from app.reasons import reason_given
from app.sentences import Sentence
from app.units.locks import lock_units


@dataclass(frozen=True, slots=True)
class OpenNonconformance:
    """A nonconformance that this transaction has locked, or just opened."""

    nonconformance_id: int
    number: str
    opened_at: datetime
    by_rule: bool
    """A containment's, for what was known to be bad, not for what its units failed."""


_NUMBER = text("SELECT nextval(pg_get_serial_sequence('nonconformance', 'nonconformance_id'))")
_OPEN = text(
    """
    INSERT INTO nonconformance (nonconformance_id, number, reason, by_rule, opened_at, opened_by)
    VALUES (:id, :number, :reason, :by_rule, clock_timestamp(), :actor)
    RETURNING opened_at
    """
)
_FOUND = """
    SELECT nonconformance_id, opened_at, by_rule, released_at, released_by FROM nonconformance WHERE number = :number
"""
_LOCK = text(f"{_FOUND} FOR UPDATE")
_SHARE = text(f"{_FOUND} FOR SHARE")
_RELEASE = text(
    """
    UPDATE nonconformance SET released_at = clock_timestamp(), released_by = :actor, release_reason = :reason
    WHERE nonconformance_id = :id AND released_at IS NULL
    RETURNING released_at
    """
)


def enter_nonconformance(
    connection: Connection, *, reason: str, actor: str, by_rule: bool = False
) -> OpenNonconformance:
    """A new nonconformance, without holds yet. `by_rule`: later facts may put units under it."""
    nonconformance_id = connection.execute(_NUMBER).scalar_one()
    number = f"NC-{nonconformance_id:06d}"
    given = {"id": nonconformance_id, "number": number, "reason": reason, "actor": actor, "by_rule": by_rule}
    return OpenNonconformance(nonconformance_id, number, connection.execute(_OPEN, given).scalar_one(), by_rule)


def open_nonconformance(connection: Connection, units: Mapping[Key, ScopedUnit], *, reason: str, actor: str) -> str:
    """Put units on hold because they are not as they should be; returns the nonconformance's number."""
    reason = reason_given(reason)
    lock_units(connection, {unit_id for unit_id, _ in units})
    opened = enter_nonconformance(connection, reason=reason, actor=actor)
    write_unit_holds(connection, opened.nonconformance_id, units)
    record_audit(
        connection, actor=actor, deed="nonconformance.opened", subject=f"nonconformance:{opened.number}",
        reason=reason, units=len(units),
    )  # fmt: skip
    return opened.number


def lock_nonconformance(connection: Connection, number: str, *, shared: bool = False) -> OpenNonconformance:
    """An open nonconformance, locked against its release (`shared`) or for it.

    Raises `NotFound`, and `Conflict` where it was released before.
    """
    row = connection.execute(_SHARE if shared else _LOCK, {"number": number}).one_or_none()
    if row is None:
        raise NotFound(Sentence("There is no nonconformance %(number)s. Check its number.", number=number))
    if row.released_at is not None:
        raise Conflict(
            Sentence(
                "%(number)s was released by %(who)s, %(second)s; that is done once. Open another if "
                "there is a new reason.",
                number=number,
                who=row.released_by,
                second=row.released_at,
            )
        )
    return OpenNonconformance(row.nonconformance_id, number, row.opened_at, row.by_rule)


def release_nonconformance(connection: Connection, number: str, *, reason: str, actor: str) -> datetime:
    """End every hold of it that is left. Once: raises `Conflict` the second time."""
    reason = reason_given(reason)
    opened = lock_nonconformance(connection, number)
    given = {"id": opened.nonconformance_id, "reason": reason, "actor": actor}
    at: datetime = connection.execute(_RELEASE, given).scalar_one()
    record_audit(
        connection, actor=actor, deed="nonconformance.released", subject=f"nonconformance:{number}", reason=reason
    )
    return at


@dataclass(frozen=True, slots=True)
class NonconformanceSummary:
    """A nonconformance and how much of it is left; counts are of the units the asker may see.

    Customers are not told who opened and released it; nor, where it holds units of others, too, what was written of it:
    `reason` is then what it was asked for, `release_reason` nothing.
    """

    number: str
    containment: str | None
    reason: str
    opened_at: datetime
    opened_by: str | None
    units: int
    open_units: int
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None


_LIST = text(
    """
    -- Which nonconformances are there, newest first, and how many of their units wait for a decision?
    SELECT nonconformance.number, containment.number AS containment, nonconformance.reason, nonconformance.opened_at,
        nonconformance.opened_by, held.units, held.open_units, nonconformance.released_at, nonconformance.released_by,
        nonconformance.release_reason, containment.terms,
        CAST(:customer_id AS integer) IS NOT NULL AND EXISTS (
            SELECT FROM unit_hold JOIN unit USING (unit_id)
            WHERE unit_hold.nonconformance_id = nonconformance.nonconformance_id
              AND unit.customer_id IS DISTINCT FROM :customer_id
        ) AS shared
    FROM nonconformance
    LEFT JOIN containment USING (nonconformance_id)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE unit_hold.nth = 1) AS units,
            count(*) FILTER (WHERE nonconformance.released_at IS NULL AND decided.decision IS NULL) AS open_units
        FROM unit_hold
        JOIN unit USING (unit_id)
        LEFT JOIN unit_disposition AS decided USING (unit_id, position_number, nonconformance_id, nth)
        WHERE unit_hold.nonconformance_id = nonconformance.nonconformance_id
          AND (CAST(:customer_id AS integer) IS NULL OR unit.customer_id = :customer_id)
    ) AS held
    WHERE (CAST(:number AS text) IS NULL OR :number IN (nonconformance.number, containment.number))
      AND (NOT :containments OR containment.number IS NOT NULL)
      AND (CAST(:is_open AS boolean) IS NULL OR (nonconformance.released_at IS NULL) = :is_open)
      AND (CAST(:customer_id AS integer) IS NULL OR held.units > 0)
    ORDER BY nonconformance.nonconformance_id DESC
    LIMIT :limit
    """
)


def nonconformances(
    connection: Connection,
    *,
    customer_id: int | None = None,
    number: str | None = None,
    is_open: bool | None = None,
    containments: bool = False,
    limit: int = 100,
) -> Sequence[NonconformanceSummary]:
    """Nonconformances, newest first; `number` is its own or its containment's.

    A customer is told only of those with units of theirs, and of those units.
    """
    asked = {
        "customer_id": customer_id,
        "number": number,
        "is_open": is_open,
        "containments": containments,
        "limit": limit,
    }
    rows = connection.execute(_LIST, asked)
    return [_told(row, outside=customer_id is not None) for row in rows]


def _told(row: Row[Any], *, outside: bool) -> NonconformanceSummary:
    summary = NonconformanceSummary(*[*row][:-2])
    if not outside:
        return summary
    summary = replace(summary, opened_by=None, released_by=None)
    if not row.shared:
        return summary
    reason = terms_of(row.terms).words_outside if row.terms else Sentence("On hold")
    return replace(summary, reason=reason, release_reason=None)
