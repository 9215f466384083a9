"""Answers to POSTs that carry an `Idempotency-Key`: the same request gets the same answer.

Source: draft-ietf-httpapi-idempotency-key-header. The key is claimed in the deed's own transaction,
so deed and answer are kept together or not at all; a repetition that comes while the first is still
running waits for it in the database and then gets its answer.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from app.errors import Invalid
from app.people.models import IdempotencyKey
from app.sentences import Sentence

KEPT = timedelta(days=7)
LONGEST_KEY = 255

_KEEP = text(
    """
    WITH forgotten AS (DELETE FROM idempotency_key WHERE created_at < now() - CAST(:kept AS interval))
    UPDATE idempotency_key SET status = :status, answer = :answer WHERE requester = :requester AND key = :key
    """
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: HTTP status and JSON."""

    status: int
    body: bytes


class KeyReused(Invalid):
    """The key came before with another request."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key belongs to another request"


def fingerprint(secret: str, method: str, target: str, body: bytes) -> bytes:
    """HMAC-SHA-256 of what makes two requests the same: method, path with query, and body.

    Keyed with the asker's own `secret`, which the database does not hold: a body may carry a password or a PIN, and
    whoever reads the table must not be able to try them out.
    """
    return hmac.new(secret.encode(), f"{method} {target}\n".encode() + body, hashlib.sha256).digest()


def claim(connection: Connection, *, requester: str, key: str, request: bytes) -> Answer | None:
    """Take the key for this request (its `fingerprint`), or return what it was answered before.

    Raises `KeyReused` where the key came with another request, `Invalid` where it is no key. After
    None the caller does the deed and calls `keep` in the same transaction.
    """
    if not 1 <= len(key) <= LONGEST_KEY:
        raise Invalid(
            Sentence(
                "An Idempotency-Key has 1 to %(count_most)s characters; send a fresh UUID.", count_most=LONGEST_KEY
            )
        )
    claimed = connection.execute(
        insert(IdempotencyKey)
        .values(requester=requester, key=key, fingerprint=request)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    ).one_or_none()
    if claimed is not None:
        return None
    earlier = connection.execute(
        select(IdempotencyKey.fingerprint, IdempotencyKey.status, IdempotencyKey.answer).where(
            IdempotencyKey.requester == requester, IdempotencyKey.key == key
        )
    ).one()
    if earlier.fingerprint != request:
        raise KeyReused(
            Sentence(
                "This Idempotency-Key was sent before with another request. Send a fresh key with a new "
                "request, or the same body to repeat the old one."
            )
        )
    if earlier.status is None or earlier.answer is None:
        return None  # claimed by a deed of several transactions that was cut off: do it again
    return Answer(earlier.status, earlier.answer)


def keep(connection: Connection, *, requester: str, key: str, answer: Answer) -> None:
    """Keep the answer for a repetition; keys older than a week are forgotten."""
    given = {"requester": requester, "key": key, "status": answer.status, "answer": answer.body, "kept": KEPT}
    connection.execute(_KEEP, given)
