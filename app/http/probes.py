"""Addresses for machines that look after the product: alive, ready, metrics, the meaning of errors."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.registry import RestrictedRegistry
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from app import metrics
from app.errors import NotFound
from app.http.bearing import asker, bearer_scheme, sent_token
from app.http.problems import MEANINGS
from app.inbox.quarantine import count_open, count_waiting
from app.live import Changes, heartbeats
from app.people import Permission
from app.schema import head, revision_of
from app.sentences import Sentence

router = APIRouter(include_in_schema=False)

LATE_AFTER = 20.0
"""Seconds without a heartbeat after which a process counts as late; intake beats every five."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part the product needs: whether it works, and if not, what to do."""

    name: str
    ready: bool
    says: Sentence


@router.api_route("/healthz", methods=["GET", "HEAD"])  # a screen asks with HEAD whether the server is there
def healthz() -> JSONResponse:
    """This process is alive. Nothing else is asked, so that a lost database restarts nobody."""
    return JSONResponse({"status": "alive"})


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """Whether messages are recorded and questions answered, part by part; 503 where not."""
    parts = readiness(request.app.state.engine)
    ready = all(part.ready for part in parts)
    body = {
        "status": "ready" if ready else "not ready",
        "parts": {part.name: {"ready": part.ready, "says": part.says} for part in parts},
    }
    return JSONResponse(body, 200 if ready else 503, {} if ready else {"Retry-After": "5"})


def readiness(engine: Engine) -> list[Part]:
    """Database, schema, and a proof from intake that a message came through broker and database."""
    try:
        with engine.connect() as connection:
            return [
                Part("database", True, Sentence("answers")),
                _schema(connection),
                *_intakes(connection),
                *_gates(connection),
            ]
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        says = Sentence("does not answer (%(reason)s); start it, or correct BIRTHMARK_DATABASE_URL", reason=reason)
        return [Part("database", False, says)]


def _schema(connection: Connection) -> Part:
    found, expected = revision_of(connection), head()
    if found == expected:
        return Part("schema", True, Sentence("revision %(found)s", found=found))
    says = Sentence(
        "revision %(found)s, this program needs %(expected)s; run `python3 -m app migrate`",
        found=found,
        expected=expected,
    )
    return Part("schema", False, says)


def _intakes(connection: Connection) -> list[Part]:
    beats = [beat for beat in heartbeats(connection) if beat.process.startswith("intake")]
    if not beats:
        says = Sentence(
            "no intake process has taken a message through the broker into the database; start "
            "`python3 -m app intake` and check that the broker can be reached"
        )
        return [Part("intake", False, says)]
    return [
        Part(beat.process, True, Sentence("proved itself %(age)s s ago", age=round(beat.age)))
        if beat.age <= LATE_AFTER
        else Part(
            beat.process,
            False,
            Sentence(
                "no message came through broker and database for %(age)s s; look whether this process and the broker "
                "run (`python3 -m app doctor`)",
                age=round(beat.age),
            ),
        )
        for beat in beats
    ]


def _gates(connection: Connection) -> list[Part]:
    """The gate beats while it hears the broker; one that left in good order, or never was, nobody misses."""
    return [
        Part(beat.process, True, Sentence("heard the broker %(age)s s ago", age=round(beat.age)))
        if beat.age <= LATE_AFTER
        else Part(
            beat.process,
            False,
            Sentence(
                "has not heard the broker for %(age)s s: stations go by their policies; look whether it runs",
                age=round(beat.age),
            ),
        )
        for beat in heartbeats(connection)
        if beat.process.startswith("gate")
    ]


@router.get("/metrics")
def get_metrics(
    request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)]
) -> Response:
    """Metrics of this process, and what the others said of themselves, for Prometheus with a token.

    While the database is away nobody's token can be looked up; then that it is away is all that is told.
    """
    sent_token(sent)
    changes: Changes = request.app.state.changes
    metrics.WATCHERS.set(changes.watchers)
    told: CollectorRegistry | RestrictedRegistry = metrics.REGISTRY
    try:
        with request.app.state.engine.connect() as connection:
            asker(connection, sent, Permission.read_line)
            _gather(connection)
        metrics.DATABASE_UP.set(1)
    except SQLAlchemyError:
        metrics.DATABASE_UP.set(0)
        told = metrics.REGISTRY.restricted_registry(["birthmark_database_up"])
    return Response(generate_latest(told), media_type=CONTENT_TYPE_LATEST)


def _gather(connection: Connection) -> None:
    metrics.QUARANTINE_OPEN.set(count_open(connection))
    metrics.EVENTS_WAITING.set(count_waiting(connection))
    metrics.HEARTBEAT_AGE.clear()
    metrics.PROCESS_DETAIL.clear()
    for beat in heartbeats(connection):
        metrics.HEARTBEAT_AGE.labels(beat.process).set(beat.age)
        for name, value in beat.details.items():
            if isinstance(value, int | float):
                metrics.PROCESS_DETAIL.labels(beat.process, name).set(value)


@router.get("/problems/{code}")
def get_problem(code: str) -> JSONResponse:
    """What the `type` of a problem means."""
    if code not in MEANINGS:
        raise NotFound(Sentence("No problem is called %(name)s.", name=code))
    return JSONResponse({"code": code, "meaning": MEANINGS[code]})
