"""Resolve what is in quarantine: take it in again after a fix, or say why it is dropped."""

from sqlalchemy import Connection, Engine

from app.db import transaction
from app.errors import Conflict
from app.inbox.quarantine import open_quarantine, resolve
from app.inbox.record import Delivery, Recorder
from app.people import record_audit
from app.reasons import reason_given
from app.sentences import Sentence


def replay(engine: Engine, recorder: Recorder, quarantine_id: int, *, actor: str) -> str:
    """Take a quarantined message in once more; returns "stored" or "duplicate".

    Raises `Conflict`, with the reason it has now, where it is refused again; it then stays in
    quarantine.
    """
    with transaction(engine) as connection:
        message = open_quarantine(connection, quarantine_id)
    # The row is not kept locked meanwhile: a second refusal notes its reason there, in a transaction of
    # its own. Two replays at once are harmless, the second one finds a duplicate.
    receipts = recorder.retry([Delivery(message.raw, message.source)])[0]
    refused = [receipt.reason for receipt in receipts if receipt.status == "rejected"]
    if refused:
        raise Conflict(
            Sentence("Message %(number)s is refused again: %(refusal)s", number=quarantine_id, refusal=refused[0])
        )
    outcome = "stored" if any(r.status == "stored" for r in receipts) else "duplicate"
    with transaction(engine) as connection:
        resolve(connection, quarantine_id, f"replayed by {actor}: {outcome}")
        record_audit(
            connection,
            actor=actor,
            deed="quarantine.replayed",
            subject=f"quarantine:{quarantine_id}",
            outcome=outcome,
        )
    return outcome


def dismiss(connection: Connection, quarantine_id: int, *, reason: str, actor: str) -> None:
    """Say why a quarantined message is not taken in. Once; its bytes stay, nothing is thrown away.

    Raises `Invalid` without a reason, `NotFound` or `Conflict` where there is nothing to resolve.
    """
    reason = reason_given(reason)
    open_quarantine(connection, quarantine_id)
    resolve(connection, quarantine_id, f"dismissed by {actor}: {reason}")
    record_audit(
        connection, actor=actor, deed="quarantine.dismissed", subject=f"quarantine:{quarantine_id}", reason=reason
    )
