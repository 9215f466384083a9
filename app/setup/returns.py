"""A partial reel goes back to stock with its count."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from app.errors import Conflict, Invalid
from app.facts import Report
from app.materials.loaded import loaded_where
from app.materials.loadings import LoadingChange, record_loadings
from app.materials.package_events import package_ids, past
from app.people import record_audit
from app.sentences import Sentence
from app.setup.left import pieces_left


@dataclass(frozen=True, slots=True)
class Return:
    """A package taken out of its slot. `counted`: a person counted; else the quantity is the mass balance's, at least.

    `expected_at_least` and `expected_at_most` are what the mass balance says; None where it cannot.
    """

    package: str
    station: str
    slot: str | None
    quantity: float
    counted: bool
    expected_at_least: float | None
    expected_at_most: float | None


_LAST = text(
    """
    SELECT loading.station_id, station.handle, loading.slot, loading.slot_name, loading.lane, loading.kind
    FROM loading_event AS loading JOIN station USING (station_id)
    WHERE package_id = :package AND least(recorded_at, received_at) <= :at AND kind IN ('loaded', 'spliced')
    ORDER BY least(recorded_at, received_at) DESC, event_id DESC LIMIT 1
    """
)
_OVERFILLED = 1.1
"""Makers put some pieces more into a package than its label says."""
_LARGEST = 1e7
"""No package holds ten million pieces."""
_HELD = text(
    """
    -- How many pieces did this package ever hold at most, as it was told and as somebody counted? (0 says nothing.)
    SELECT nullif(greatest(package.initial_quantity, package.quantity, described.most, loaded.most), 0) AS told,
        loaded.counted
    FROM package CROSS JOIN LATERAL (
        SELECT max(greatest(initial_quantity, quantity)) AS most FROM package_description
        WHERE package_description.package_id = package.package_id
    ) AS described CROSS JOIN LATERAL (
        SELECT max(quantity) FILTER (WHERE event_id > 0) AS most, max(quantity) FILTER (WHERE event_id < 0) AS counted
        FROM loading_event WHERE loading_event.package_id = package.package_id
    ) AS loaded
    WHERE package.package_id = :package
    """
)


def return_package(
    connection: Connection,
    *,
    package: str,
    quantity: float | None = None,
    confirmed: bool = False,
    at: datetime | None = None,
    actor: str,
) -> Return:
    """Take a package out of every slot that claims it, and keep how many pieces are left: as counted, else as the mass
    balance says. `confirmed`: the count is right although the package was never known to hold as many pieces.

    Raises `NotFound` for a package nobody knows, `Conflict` for one that was in no slot, `Invalid` where nobody counted
    and the mass balance cannot say, and for more pieces than the package ever held, unless that is confirmed.
    """
    when = past(at)
    package_id = package_ids(connection, [package])[package]
    last = connection.execute(_LAST, {"package": package_id, "at": when}).one_or_none()
    if last is None:
        raise Conflict(
            Sentence(
                "Package %(package)s was in no slot yet, so it cannot come back. Correct its count instead.",
                package=package,
            )
        )
    expected = pieces_left(connection, [package_id]).get(package_id)
    left = quantity if quantity is not None else expected.at_least if expected else None
    if left is None:
        raise Invalid(
            Sentence(
                "Nobody can say how many pieces are left in package %(package)s. Count them and give quantity.",
                package=package,
            )
        )
    held = connection.execute(_HELD, {"package": package_id}).one()
    known = max(held.told, held.counted or 0) if held.told else _LARGEST
    beyond = left > max(_OVERFILLED * (held.told or _LARGEST), held.counted or 0)
    if left < 0 or (beyond and not (confirmed and left <= _LARGEST)):
        raise Invalid(
            Sentence(
                "Package %(package)s holds 0 to %(pieces_most)s pieces, not %(pieces)s. Count again; if "
                "the count is right, a line lead or quality engineer confirms it.",
                package=package,
                pieces_most=known,
                pieces=left,
            )
        )
    audit_id = record_audit(
        connection, actor=actor, deed="package.returned", subject=f"package:{package}", quantity=left,
        counted=quantity is not None, confirmed=beyond, station=last.handle, slot=last.slot, at=when.isoformat(),
    )  # fmt: skip
    now = datetime.now(UTC)
    report = Report(-audit_id, last.station_id, when, now)
    kind = "unloaded" if left else "empty"
    changes = [LoadingChange(report, kind, package, last.slot, last.slot_name, last.lane, quantity=left)]
    # A machine that gave it away without saying so claims it still: whoever holds it in hand knows better.
    changes += [
        LoadingChange(
            Report(-audit_id, one.station_id, when, now), "unloaded", package, one.slot, one.slot_name, one.lane
        )
        for one in loaded_where(connection, [package_id], at=when)
        if one.station_id != last.station_id
    ]
    record_loadings(connection, changes, {package: package_id})
    return Return(
        package=package,
        station=last.handle,
        slot=last.slot,
        quantity=left,
        counted=quantity is not None,
        expected_at_least=expected.at_least if expected else None,
        expected_at_most=expected.at_most if expected else None,
    )
