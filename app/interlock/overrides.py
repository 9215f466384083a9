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
from app.people import Actor, Role, record_audit
from app.sentences import Sentence

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
        raise Invalid(Sentence("Say why: the override is kept with its reason."))
    now = datetime.now(UTC)
    unit_id, ground = _standing(connection, station, serial, code, subject)
    right = _check(ground, actor, second)
    if not now < until <= now + right.longest:
        raise Invalid(
            Sentence(
                "An override of %(code)s lasts %(hours)s h at most, and must end later than now; "
                "%(until)s is not in that time.",
                code=code,
                hours=right.longest.total_seconds() / 3600,
                until=f"{until:%Y-%m-%d %H:%M}",
            )
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
            raise NotFound(Sentence("No unit %(unit)s is known here.", unit=serial))
        for ground in decide(facts).reasons:
            if ground.code == code and subject in (None, ground.subject):
                return connection.execute(_NAMED, {"serial": serial}).scalar_one_or_none(), ground
    if not serial:
        raise Invalid(
            Sentence(
                "No reason %(code)s stands against anything at %(station)s: there is nothing to override.",
                code=code,
                station=station,
            )
        )
    raise Invalid(
        Sentence(
            "No reason %(code)s stands against %(unit)s at %(station)s: there is nothing to override.",
            code=code,
            unit=serial,
            station=station,
        )
    )


def _check(ground: Ground, actor: Actor, second: Actor | None) -> Right:
    right = ground.right
    if right is None:
        raise Forbidden(
            Sentence(
                "Nobody overrides this. %(sentence)s %(sentence_next)s",
                sentence=ground.sentence,
                sentence_next=ground.clears,
            )
        )
    if actor.role not in right.roles:
        raise Forbidden(
            Sentence(
                "The role %(roles)s may not override this. %(sentence)s", roles=[actor.role], sentence=right.sentence
            )
        )
    if not right.second_person:
        return right
    if actor.person is None:
        # Whose hands hold a token of nobody's, nobody knows: they may be the second person's own.
        raise Forbidden(
            Sentence("This takes two people, and nobody knows who bears this token. Log in, or use your own token.")
        )
    if second is None or second.person is None:
        raise Forbidden(Sentence("This takes a second person. %(sentence)s", sentence=right.sentence))
    if second.person == actor.person or second.role not in _SECOND:
        raise Forbidden(Sentence("The second person is somebody else, a process engineer or a quality engineer."))
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
        raise NotFound(Sentence("There is no override %(number)s in force.", number=override_id))
    record_audit(connection, actor=actor.identity, deed="gate.override_revoked", subject=f"override:{override_id}")
