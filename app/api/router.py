"""The addresses under `/api/v1`."""

import inspect

from fastapi import APIRouter, Depends
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app.api import (
    account,
    cfx,
    conditions,
    containments,
    drills,
    gate_plans,
    interlock,
    lines,
    material_trace,
    nonconformances,
    orders,
    packages,
    photos,
    processes,
    quarantine,
    scanning,
    setup,
    shipments,
    supply,
    tokens,
    tools,
    trace,
    units,
)
from app.api.access import PERMISSION_OF
from app.api.media import media_type_known
from app.people import Permission, roles_that_may, spoken

router = APIRouter(prefix="/api/v1", dependencies=[Depends(media_type_known)])


def permissions_of(dependant: Dependant) -> set[Permission]:
    """What whoever asks must be permitted, all of it."""
    own = {PERMISSION_OF[dependant.call]} if dependant.call in PERMISSION_OF else set()
    return own.union(*map(permissions_of, dependant.dependencies))


for part in (
    cfx,
    trace,
    material_trace,
    units,
    packages,
    conditions,
    setup,
    supply,
    tools,
    photos,
    lines,
    interlock,
    gate_plans,
    orders,
    scanning,
    quarantine,
    containments,
    nonconformances,
    processes,
    shipments,
    drills,
    account,
    tokens,
):
    for route in part.router.routes:
        if isinstance(route, APIRoute):  # `/docs` says of each address what it does
            route.summary = inspect.cleandoc(route.endpoint.__doc__ or "").partition("\n")[0]
            for permission in sorted(permissions_of(route.dependant)):
                roles = ", ".join(map(spoken, roles_that_may(permission)))
                route.description = f"{route.description}\n\nWho may {permission}: {roles}."
    router.include_router(part.router)
