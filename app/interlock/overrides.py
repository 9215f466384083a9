"""Let a reason pass: for a time, by who may, with a second person where it matters; logged, and itself a fact."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, func, insert, text, update

from app.errors import Forbidden, Invalid, NotFound
from app.interlock.gathering import Asked, gather
from app.interlock.locks import station_id_of
from app.interlock.models import GateOverride
from app.interlock.rights import Right
from app.interlock.rules import decide
from app.interlock.verdicts import Ground
from app.people import Actor, Role, record_audit, spoken

_SECOND: frozenset[Role] = frozenset({Role.process_engineer, Role.quality_engineer})
"""Who may be the second person."""


_NAMED: Final = text("SELECT unit_id FROM serial WHERE serial = :serial")


def grant_override(
    connection: Connection,
    *,
    code: str,
    station: str,
    until: datetime,
    reason: str,
    actor: Actor,
    serial: str | None = None,
    subject: str | None = None,
    second: Actor | None = None,
) -> int:
    """Let a reason that stands now pass until a time, and return the override's number.

    With `serial` it holds for that unit at that station, of a panel for each board in it; without for the station.
    `subject` names the one thing it is for, such as a reel in a slot; without it is the reason's. Of what may happen
    again (a run, a visit) it is for the one that was the latest when it was given. `second` is a person
    who has just shown who they are (`prove_by_password`, `prove_by_badge`). Raises `Forbidden` for a role that may not,
    and where two people are needed and these are not two; `Invalid` for a reason that does not stand, no reason given,
    or a time too far away.
    """
    if not reason.strip():
        raise Invalid("Say why: the override is kept with its reason.")
    now = datetime.now(UTC)
    unit_id, ground = _standing(connection, station, serial, code, subject)
    right = _check(ground, actor, second)
    if not now < until <= now + right.longest:
        raise Invalid(
            f"An override of {code} lasts {right.longest.total_seconds() / 3600:g} h at most, and must end later than "
            f"now; {until:%Y-%m-%d %H:%M} is not in that time."
        )
    override_id: int = connection.execute(
        insert(GateOverride)
        .values(
            code=code,
            subject=subject or ground.subject,
            station_id=station_id_of(connection, station),
            unit_id=unit_id,
            reason=reason.strip(),
            given_by=actor.identity,
            given_role=actor.role.value,
            second_by=second.identity if second and right.second_person else None,
            given_at=func.clock_timestamp(),  # after everything it was given for
            expires_at=until,
        )
        .returning(GateOverride.override_id)
    ).scalar_one()
    record_audit(
        connection, actor=actor.identity, deed="gate.overridden", subject=f"station:{station}", code=code,
        override_id=override_id, serial=serial, until=until.isoformat(), reason=reason.strip(),
        second=second.identity if second else None, sentence=ground.sentence,
    )  # fmt: skip
    return override_id


def _standing(
    connection: Connection, station: str, serial: str | None, code: str, subject: str | None
) -> tuple[int | None, Ground]:
    """The reason that is to pass, from the facts as they are now; for a panel it is the panel's."""
    for facts in gather(connection, station=station, asked=[Asked(serial or "")]):
        if serial is not None and facts.unit is None:
            raise NotFound(f"No unit {serial} is known here.")
        for ground in decide(facts).reasons:
            if ground.code == code and subject in (None, ground.subject):
                return connection.execute(_NAMED, {"serial": serial}).scalar_one_or_none(), ground
    raise Invalid(f"No reason {code} stands against {serial or 'anything'} at {station}: there is nothing to override.")


def _check(ground: Ground, actor: Actor, second: Actor | None) -> Right:
    right = ground.right
    if right is None:
        raise Forbidden(f"Nobody overrides this. {ground.sentence} {ground.clears}")
    if actor.role not in right.roles:
        raise Forbidden(f"The role {spoken(actor.role)} may not override this. {right.sentence}")
    if not right.second_person:
        return right
    if actor.person is None:
        # Whose hands hold a token of nobody's, nobody knows: they may be the second person's own.
        raise Forbidden("This takes two people, and nobody knows who bears this token. Log in, or use your own token.")
    if second is None or second.person is None:
        raise Forbidden(f"This takes a second person. {right.sentence}")
    if second.person == actor.person or second.role not in _SECOND:
        raise Forbidden("The second person is somebody else, a process engineer or a quality engineer.")
    return right


def revoke_override(connection: Connection, override_id: int, *, actor: Actor) -> None:
    """End an override before its time. Raises `NotFound` where none such is in force."""
    revoked = connection.execute(
        update(GateOverride)
        .where(GateOverride.override_id == override_id, GateOverride.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(GateOverride.code)
    ).scalar_one_or_none()
    if revoked is None:
        raise NotFound(f"There is no override {override_id} in force.")
    record_audit(connection, actor=actor.identity, deed="gate.override_revoked", subject=f"override:{override_id}")
