"""Who asks through the JSON door, and the database they are answered from."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials
from sqlalchemy import Connection, Engine

from app.http.bearing import asker, bearer_scheme, known_asker, sent_token
from app.people import Actor, Permission

# Dependencies that only look at the request are coroutines: a thread for each would cost more than they do.


async def engine_of(request: Request) -> Engine:
    """The engine of this application."""
    engine: Engine = request.app.state.engine
    return engine


TheEngine = Annotated[Engine, Depends(engine_of)]


async def gate_of(request: Request) -> Engine:
    """The engine whose connections ask the gate's few questions by key (`app.db.create_engine`)."""
    gate: Engine = request.app.state.gate
    return gate


TheGate = Annotated[Engine, Depends(gate_of)]


async def is_settling(request: Request) -> bool:
    """Whether the product was away until a moment ago: see `app.interlock.facts.Facts`."""
    return bool(request.app.state.settling)


IsSettling = Annotated[bool, Depends(is_settling)]


async def trace_of(request: Request) -> Engine:
    """The engine whose connections ask the small questions of trace, likewise."""
    trace: Engine = request.app.state.trace
    return trace


TheTrace = Annotated[Engine, Depends(trace_of)]


def asking(engine: TheEngine, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)]) -> Actor:
    """Who asks. Raises `Unauthorized` without a token in force."""
    sent_token(sent)  # nobody waits for a connection to hear that they sent none
    with engine.connect() as connection:
        return known_asker(connection, sent)


PERMISSION_OF: dict[Callable[..., Any], Permission] = {}
"""What a dependency made here asks for, so that `/docs` can say who may."""


def may(permission: Permission) -> Callable[..., Awaitable[Actor]]:
    """A dependency: who asks, provided that their role may."""

    async def allowed(actor: Annotated[Actor, Depends(asking)]) -> Actor:
        actor.require(permission)
        return actor

    PERMISSION_OF[allowed] = permission
    return allowed


def only(permission: Permission) -> Any:
    """The same for addresses that do not care who exactly asks."""
    return Depends(may(permission))


def reading(engine: TheEngine) -> Iterator[Connection]:
    """A read-only transaction for the time of the answer, streaming included."""
    with engine.connect().execution_options(postgresql_readonly=True) as connection:
        yield connection


async def tracing(trace: TheTrace) -> AsyncIterator[Callable[[], Connection]]:
    """A connection of trace's own for the time of the answer, streaming included, from when it is called for."""
    begun: list[Connection] = []

    def begin() -> Connection:
        begun.append(trace.connect())
        return begun[-1]

    try:
        yield begin
    finally:
        for connection in begun:
            await run_in_threadpool(connection.close)


Sent = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)]
Reading = Annotated[Connection, Depends(reading)]
Tracing = Annotated[Callable[[], Connection], Depends(tracing)]


def unit_reader(connection: Reading, sent: Sent) -> Actor:
    """Who asks about units, told in the transaction of the answer: one connection for both."""
    return asker(connection, sent, Permission.read_units)


PERMISSION_OF[unit_reader] = Permission.read_units

UnitReader = Annotated[Actor, Depends(unit_reader)]
Receiver = Annotated[Actor, Depends(may(Permission.receive_packages))]
Planner = Annotated[Actor, Depends(may(Permission.plan_work))]
GateAsker = Annotated[Actor, Depends(may(Permission.ask_gate))]
Overrider = Annotated[Actor, Depends(may(Permission.override_gate))]
Releaser = Annotated[Actor, Depends(may(Permission.release_holds))]
QuarantineHandler = Annotated[Actor, Depends(may(Permission.handle_quarantine))]
PeopleManager = Annotated[Actor, Depends(may(Permission.manage_people))]
Machine = Annotated[Actor, Depends(may(Permission.post_cfx))]
Container = Annotated[Actor, Depends(may(Permission.open_containments))]
HoldReleaser = Annotated[Actor, Depends(may(Permission.release_holds))]
Decider = Annotated[Actor, Depends(may(Permission.decide_units))]
Shipper = Annotated[Actor, Depends(may(Permission.ship_units))]
Driller = Annotated[Actor, Depends(may(Permission.run_drills))]
StationWorker = Annotated[Actor, Depends(may(Permission.work_at_stations))]
LimitSetter = Annotated[Actor, Depends(may(Permission.set_limits))]
ClockSetter = Annotated[Actor, Depends(may(Permission.state_clocks))]
OpeningsWithdrawer = Annotated[Actor, Depends(may(Permission.withdraw_openings))]
GatePlanner = Annotated[Actor, Depends(may(Permission.plan_gate))]
