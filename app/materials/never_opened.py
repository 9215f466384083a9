"""A package that is still sealed was scanned as opened by mistake."""

from typing import Final

from sqlalchemy import Connection, text

from app.errors import Conflict
from app.materials.package_events import package_ids
from app.people import record_audit
from app.reasons import reason_given
from app.sentences import Sentence, both

_PROOF: Final = text(
    """
    -- What says that this package was open all the same?
    SELECT kind FROM (
        SELECT 'loaded' AS kind, received_at FROM loading_event WHERE package_id = :package
        UNION ALL
        SELECT 'linked', received_at FROM package_link WHERE :package IN (parent_id, child_id)
        UNION ALL
        SELECT kind, received_at FROM package_event WHERE package_id = :package
            AND kind IN ('restored', 'dry_stored', 'dry_removed', 'humidity_card_wet', 'expired')
        UNION ALL
        SELECT 'installed', received_at
        FROM material_chunk JOIN material_set ON chunk_ids @> ARRAY[chunk_id] JOIN installation USING (set_id)
        WHERE package_ids @> ARRAY[CAST(:package AS integer)]
    ) AS told ORDER BY received_at LIMIT 1
    """
)
_OPENINGS: Final = text(
    """
    SELECT event_id FROM package_event WHERE package_id = :package AND kind = 'opened' AND withdrawn_id IS NULL
    ORDER BY event_id FOR UPDATE
    """
)
_WITHDRAW: Final = text(
    """
    UPDATE package_event SET withdrawn_id = :audit
    WHERE package_id = :package AND kind = 'opened' AND event_id = ANY (CAST(:events AS bigint[]))
    """
)


def never_opened(connection: Connection, *, package: str, reason: str, actor: str) -> None:
    """Withdraw every opening that was stated of a package: whoever does it has seen it sealed. The rows stay.

    Raises `NotFound` for a package nobody knows, `Conflict` where nobody said that it was opened, or where something
    else says that it was open; `Invalid` without a reason.
    """
    reason = reason_given(reason)
    package_id = package_ids(connection, [package])[package]
    openings = connection.execute(_OPENINGS, {"package": package_id}).scalars().all()
    if not openings:
        raise Conflict(Sentence("Nobody said that package %(package)s was opened.", package=package))
    proof = connection.execute(_PROOF, {"package": package_id}).scalar_one_or_none()
    if proof is not None:
        raise Conflict(_open_all_the_same(package, proof))
    audit_id = record_audit(
        connection, actor=actor, deed="package.never_opened", subject=f"package:{package}", reason=reason,
        events=list(openings),
    )  # fmt: skip
    connection.execute(_WITHDRAW, {"package": package_id, "audit": audit_id, "events": list(openings)})


def _open_all_the_same(package: str, proof: str) -> Sentence:
    match proof:
        case "loaded":
            told = Sentence("Package %(package)s was loaded: it was open.", package=package)
        case "linked":
            told = Sentence("Package %(package)s was split or spliced: it was open.", package=package)
        case "installed":
            told = Sentence("Package %(package)s gave parts to a unit: it was open.", package=package)
        case "restored":
            told = Sentence("Package %(package)s was baked: it was open.", package=package)
        case "dry_stored":
            told = Sentence("Package %(package)s was put into dry storage: it was open.", package=package)
        case "dry_removed":
            told = Sentence("Package %(package)s was taken out of dry storage: it was open.", package=package)
        case _:
            told = Sentence("Package %(package)s was found wet or expired: it was open.", package=package)
    return both(told, Sentence("Bake it, or load another."))
