"""The audit trail: every deed writes who did it, in its own transaction."""

from sqlalchemy import Connection, insert

from app.people.models import Audit


def record_audit(
    connection: Connection, *, actor: str, deed: str, subject: str | None = None, **details: object
) -> None:
    """Write one row of the audit trail.

    `deed` is `thing.past_tense` (`token.created`), `subject` what it was done to, `details` what a
    reader years later needs; they must be JSON. The row stands or falls with the caller's
    transaction, and no deed changes one later (21 CFR 11.10(e)).
    """
    connection.execute(insert(Audit).values(actor=actor, deed=deed, subject=subject, details=details or None))
