"""The audit trail: every deed writes who did it, in its own transaction."""

from sqlalchemy import Connection, insert

from app.people.models import Audit


def record_audit(
    connection: Connection, *, actor: str, deed: str, subject: str | None = None, **details: object
) -> int:
    """Write one row of the audit trail and return its number.

    `deed` is `thing.past_tense` (`token.created`), `subject` what it was done to, `details` what a
    reader years later needs; they must be JSON. The row stands or falls with the caller's
    transaction, and no deed changes one later (21 CFR 11.10(e)). A fact that a person states carries the number,
    negated, as its event id: machines' events count from 1 up.
    """
    row = insert(Audit).values(actor=actor, deed=deed, subject=subject, details=details or None)
    return connection.execute(row.returning(Audit.audit_id)).scalar_one()
