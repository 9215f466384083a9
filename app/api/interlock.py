"""The gate for equipment that speaks plain REST, and what people do about its verdicts."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Engine

from app.api.access import (
    GateAsker,
    GatePlanner,
    IsSettling,
    Overrider,
    Reading,
    Releaser,
    TheEngine,
    TheGate,
    only,
)
from app.api.once import DoOnce
from app.db import asked
from app.errors import Forbidden, Invalid
from app.http.answers import json_answer
from app.http.bearing import asker, bearer_scheme
from app.http.proofs import address_of, badge_payload
from app.interlock.gate import ask
from app.interlock.gathering import Asked, Told
from app.interlock.locks import lock_station, unlock_station
from app.interlock.log import verdicts_of
from app.interlock.overrides import grant_override, revoke_override
from app.interlock.plans import LONGEST_SNAPSHOT, plan_calibration, plan_policy
from app.interlock.releases import release_provisional
from app.interlock.starts import give_up, start_units
from app.interlock.verdicts import Ground, Verdict, holding_back
from app.people import Actor, Permission, prove_by_badge, prove_by_password
from app.sentences import Sentence

router = APIRouter(tags=["interlock"])

Serial = Annotated[str, Query(min_length=1, max_length=256, description="A unit, or a panel with all its boards")]
Station = Annotated[str, Query(min_length=1, max_length=256, description="CFX handle, Vendor.Model.Serial")]
Identifier = Annotated[str, Field(min_length=1, max_length=256)]
"""What was read on a unit: nothing read is no unit."""

_RETRY_AFTER = 2
"""Seconds: as often as a station at the broker asks again, or less."""


@router.get("/interlock", response_model=None)
def get_interlock(
    gate: TheGate,
    settling: IsSettling,
    sent: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)],
    station: Station,
    serial: Serial,
    position: Annotated[int, Query(ge=0, le=32767)] = 0,
    recipe: str | None = None,
    recipe_revision: str | None = None,
    operator: str | None = None,
) -> Response:
    """May this unit start at this station? Every question and answer is logged with the facts it saw.

    `{"allowed", "sentence", "verdicts": [{"serial", "allowed", "reasons": [{"code", "sentence", "clears", "values",
    "override"?}], "overridden", "warnings", "notes"}], "retry_after"?, "retry_because"?}`; a panel has a verdict for
    each board, and is allowed with boards that are scrapped, as long as one is not.

    With `retry_after` the refusal is not the last word: ask again after so many seconds, until it is no longer there.
    `retry_because` is `report_due` where a report that may be on its way decides, or `settling` just after an outage,
    when reports of what was done meanwhile still come in. A report is due within 30 s: asked again for so long, with no
    pause of more than 10 s, the refusal is final and says so. So it is where any board of a panel is refused for good.
    """

    def question(connection: Connection) -> list[Verdict]:
        # One connection for who asks and what: a verdict is asked for in a machine's cycle.
        actor = asker(connection, sent, Permission.ask_gate)
        _speaks_for(actor, station)
        return ask(
            connection,
            station=station,
            units=[Asked(serial, position)],
            actor=actor.identity,
            told=Told(recipe, recipe_revision, operator),
            settling=settling,
        )

    return json_answer(_answer(asked(gate, question), settling=settling))


def _speaks_for(actor: Actor, station: str) -> None:
    if actor.station not in (None, station):
        raise Forbidden(
            Sentence(
                "This token speaks for %(station)s, not for %(station_asked)s. Ask with that station's token.",
                station=actor.station,
                station_asked=station,
            )
        )


class Start(BaseModel):
    """Units that are to start, and the work's transaction where there is one."""

    model_config = ConfigDict(extra="forbid")

    station: str = Field(min_length=1, max_length=256)
    serials: list[Identifier] = Field(min_length=1, max_length=1000)
    transaction_id: UUID | None = None
    recipe: str | None = None
    recipe_revision: str | None = None
    operator: str | None = None


@router.post("/interlock", response_model=None)
def post_interlock(start: Start, actor: GateAsker, settling: IsSettling, once: DoOnce) -> Response:
    """Start units: the verdict, and where it allows, the start itself; a unit is in one station's hands at a time.

    A panel starts as a whole, or, while one of its boards is refused, not at all; boards that are scrapped stay in it,
    crossed out. `started` says of each whether it is in the station's hands now. `retry_after` as with GET; whoever
    asks again makes another request, with an `Idempotency-Key` of its own.
    """
    _speaks_for(actor, start.station)

    def deed(connection: Connection) -> dict[str, Any]:
        verdicts = start_units(
            connection,
            station=start.station,
            serials=start.serials,
            transaction_id=start.transaction_id,
            actor=actor.identity,
            told=Told(start.recipe, start.recipe_revision, start.operator),
            settling=settling,
        )
        return _answer(verdicts, settling=settling)

    return once(deed)


class GivenUp(BaseModel):
    """Units whose work will not be completed where it began, and what was seen of them."""

    model_config = ConfigDict(extra="forbid")

    serials: list[Identifier] = Field(min_length=1, max_length=1000)
    reason: str = Field(min_length=1, max_length=1000)


@router.post("/interlock/starts/end", response_model=None)
def post_end_of_starts(given_up: GivenUp, actor: Overrider, once: DoOnce) -> Response:
    """End starts that were given up, a panel's of all its boards: `{"ended": [serials]}`.

    Another station may start them then; work that ended by itself, `Aborted` included, needs none of this.
    """

    def deed(connection: Connection) -> dict[str, Any]:
        return {"ended": give_up(connection, given_up.serials, reason=given_up.reason, actor=actor.identity)}

    return once(deed)


@router.get("/interlock/verdicts", response_model=None, dependencies=[only(Permission.read_line)])
def get_verdicts(
    connection: Reading,
    serial: Serial,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int | None, Query(ge=1, description="`next` of the page before")] = None,
) -> Response:
    """What the gate said of a unit, newest first, each with the facts it saw."""
    rows = verdicts_of(connection, serial, before=cursor, limit=limit)
    page: dict[str, Any] = {"verdicts": [row._asdict() for row in rows]}
    if len(rows) == limit:
        page["next"] = rows[-1].verdict_id
    return json_answer(page)


class Second(BaseModel):
    """A second person, who shows here and now who they are: with name and password, or with badge and PIN."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, max_length=256)
    password: str | None = Field(default=None, max_length=1024)
    badge: str | None = Field(default=None, max_length=256, description="As it was scanned")
    pin: str | None = Field(default=None, max_length=12)

    def prove(self, engine: Engine, address: str) -> Actor:
        """Who it is. Raises `Invalid` for half a proof, and what a login raises."""
        if self.name is not None and self.password is not None and self.badge is None:
            return prove_by_password(engine, name=self.name, password=self.password, address=address)[1]
        if self.badge is not None and self.pin is not None and self.name is None:
            return prove_by_badge(engine, payload=badge_payload(self.badge), pin=self.pin, address=address)[1]
        raise Invalid(Sentence("The second person gives name and password, or badge and PIN."))


class Override(BaseModel):
    """Let one reason pass until a time, with a second person where one is needed."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=64)
    station: str = Field(min_length=1, max_length=256)
    serial: str | None = Field(default=None, max_length=256)
    subject: str | None = Field(default=None, max_length=256)
    until: AwareDatetime
    reason: str = Field(min_length=1, max_length=1000)
    second: Second | None = None


@router.post("/interlock/overrides", response_model=None, status_code=201)
def post_override(request: Request, override: Override, actor: Overrider, engine: TheEngine, once: DoOnce) -> Response:
    """Let a reason that stands pass: for the unit named, or without one for the station. It is logged and expires.

    Where two people are needed, the first is known as a person too: the token is theirs.
    """
    second = override.second.prove(engine, address_of(request)) if override.second else None

    def deed(connection: Connection) -> dict[str, Any]:
        number = grant_override(
            connection,
            code=override.code,
            station=override.station,
            serial=override.serial,
            subject=override.subject,
            until=override.until,
            reason=override.reason,
            actor=actor,
            second=second,
        )
        return {"override_id": number, "until": override.until}

    return once(deed, status=201)


@router.post("/interlock/overrides/{override_id}/revoke", response_model=None)
def post_revocation(override_id: int, actor: Overrider, once: DoOnce) -> Response:
    """End an override before its time."""

    def deed(connection: Connection) -> dict[str, Any]:
        revoke_override(connection, override_id, actor=actor)
        return {"override_id": override_id}

    return once(deed)


class Lock(BaseModel):
    """A station and why it is locked or unlocked."""

    model_config = ConfigDict(extra="forbid")

    station: str = Field(min_length=1, max_length=256)
    locked: bool = True
    reason: str = Field(min_length=1, max_length=1000)


@router.post("/interlock/locks", response_model=None)
def post_lock(lock: Lock, actor: Overrider, once: DoOnce) -> Response:
    """Lock a station, so that it starts nothing, or unlock it; a station that understands CFX LockStation is told.

    Whoever locked it unlocks it, or a process or quality engineer.
    """

    def deed(connection: Connection) -> dict[str, Any]:
        if lock.locked:
            lock_station(connection, station=lock.station, reason=lock.reason, actor=actor.identity)
        else:
            unlock_station(connection, station=lock.station, reason=lock.reason, actor=actor.identity,
                           others=actor.may(Permission.plan_gate))  # fmt: skip
        return {"station": lock.station, "locked": lock.locked}

    return once(deed)


class StationPlan(BaseModel):
    """What is planned for a station's gate; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    station: str = Field(min_length=1, max_length=256)
    policy: Literal["fail_closed", "fail_cached", "fail_open_record"] | None = None
    snapshot_seconds: int | None = Field(default=None, ge=1, le=LONGEST_SNAPSHOT)
    calibrated_until: AwareDatetime | None = None


@router.post("/interlock/stations", response_model=None)
def post_station_plan(plan: StationPlan, actor: GatePlanner, once: DoOnce) -> Response:
    """Say what a station does while the product cannot be reached, and until when its calibration holds."""

    def deed(connection: Connection) -> dict[str, Any]:
        if plan.policy is not None:
            plan_policy(connection, station=plan.station, policy=plan.policy,
                        snapshot_seconds=plan.snapshot_seconds, actor=actor.identity)  # fmt: skip
        if plan.calibrated_until is not None:
            plan_calibration(connection, station=plan.station, due_at=plan.calibrated_until, actor=actor.identity)
        return {"station": plan.station}

    return once(deed)


class Release(BaseModel):
    """Units that passed a gate while the product could not be reached, and what was looked at."""

    model_config = ConfigDict(extra="forbid")

    serials: list[Identifier] = Field(min_length=1, max_length=10_000)
    reason: str = Field(min_length=1, max_length=1000)


@router.post("/interlock/provisional/release", response_model=None)
def post_release(release: Release, actor: Releaser, once: DoOnce) -> Response:
    """Release provisional units: quality has looked at them."""

    def deed(connection: Connection) -> dict[str, Any]:
        released = release_provisional(connection, release.serials, reason=release.reason, actor=actor.identity)
        return {"released": released}

    return once(deed)


def _answer(verdicts: Sequence[Verdict], *, settling: bool) -> dict[str, Any]:
    refused = holding_back(verdicts)
    told: dict[str, Any] = {
        "allowed": not refused,
        "sentence": " ".join(verdict.sentence for verdict in refused) or "OK",
        "verdicts": [_verdict(verdict) for verdict in verdicts],
    }
    if refused and all(verdict.passing for verdict in refused):
        told |= {"retry_after": _RETRY_AFTER, "retry_because": "settling" if settling else "report_due"}
    return told


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "serial": verdict.serial or verdict.identifier,
        "position_number": verdict.position_number,
        "station": verdict.station,
        "allowed": verdict.allowed,
        "started": verdict.started,
        "crossed_out": verdict.crossed_out,
        "clears_by_itself": verdict.passing,
        "reasons": [_ground(ground) for ground in verdict.reasons],
        "overridden": [
            {**_ground(one.ground), "by": one.override.given_by, "until": one.override.expires_at}
            for one in verdict.overridden
        ],
        "warnings": verdict.warnings,
        "notes": verdict.notes,
        "decided_at": verdict.decided_at,
        "verdict_id": verdict.verdict_id,
    }


def _ground(ground: Ground) -> dict[str, Any]:
    told: dict[str, Any] = {
        "code": ground.code,
        "sentence": ground.sentence,
        "clears": ground.clears,
        "values": {**ground.sentence.values, **ground.clears.values},
    }
    if ground.subject is not None:
        told["subject"] = ground.subject
    if ground.right is not None:
        told["override"] = {
            "roles": [role.value for role in ground.right.roles],
            "second_person": ground.right.second_person,
            "hours": ground.right.longest.total_seconds() / 3600,
        }
    return told
