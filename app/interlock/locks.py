"""Lock a station: it starts nothing until it is unlocked. Where it understands CFX `LockStation`, it is told so."""

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.interlock.models import StationLock
from app.lines.models import Station
from app.people import record_audit
from app.sentences import Sentence


def station_id_of(connection: Connection, station: str) -> int:
    """The station with this CFX handle. Raises `NotFound`."""
    station_id = connection.execute(select(Station.station_id).where(Station.handle == station)).scalar_one_or_none()
    if station_id is None:
        raise NotFound(
            Sentence("No station %(station)s is known here. Plan it, or let it say something first.", station=station)
        )
    return int(station_id)


def lock_station(connection: Connection, *, station: str, reason: str, actor: str) -> None:
    """Lock a station. Raises `Invalid` without a reason, `Conflict` where it is locked already."""
    if not reason.strip():
        raise Invalid(Sentence("Say why the station is locked: whoever stands before it reads that."))
    station_id = station_id_of(connection, station)
    locked = connection.execute(
        insert(StationLock)
        .values(station_id=station_id, reason=reason.strip(), locked_by=actor)
        .on_conflict_do_nothing()
        .returning(StationLock.station_lock_id)
    ).scalar_one_or_none()
    if locked is None:
        raise Conflict(
            Sentence("%(station)s is locked already. Unlock it first to lock it for another reason.", station=station)
        )
    record_audit(connection, actor=actor, deed="station.locked", subject=f"station:{station}", reason=reason)


def unlock_station(connection: Connection, *, station: str, reason: str, actor: str, others: bool = True) -> None:
    """Unlock a station. Without `others`, only where it was `actor` who locked it.

    Raises `Invalid` without a reason, `NotFound` where it is not locked, `Forbidden` where somebody else locked it.
    """
    if not reason.strip():
        raise Invalid(Sentence("Say why the station is unlocked: the record keeps it beside the reason of the lock."))
    locked_by = connection.execute(
        update(StationLock)
        .where(StationLock.station_id == station_id_of(connection, station), StationLock.unlocked_at.is_(None))
        .values(unlocked_by=actor, unlocked_at=func.now())
        .returning(StationLock.locked_by)
    ).scalar_one_or_none()
    if locked_by is None:
        raise NotFound(Sentence("%(station)s is not locked.", station=station))
    if locked_by != actor and not others:
        raise Forbidden(
            Sentence(
                "%(who)s locked %(station)s. They unlock it, or a process or quality engineer does.",
                who=locked_by,
                station=station,
            )
        )
    record_audit(connection, actor=actor, deed="station.unlocked", subject=f"station:{station}", reason=reason)
