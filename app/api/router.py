"""The addresses under `/api/v1`."""

import inspect

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute

from app.api import (
    cfx,
    conditions,
    containments,
    drills,
    interlock,
    lines,
    material_trace,
    nonconformances,
    orders,
    packages,
    photos,
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
from app.api.media import media_type_known

router = APIRouter(prefix="/api/v1", dependencies=[Depends(media_type_known)])

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
    orders,
    scanning,
    quarantine,
    containments,
    nonconformances,
    shipments,
    drills,
    tokens,
):
    for route in part.router.routes:
        if isinstance(route, APIRoute):  # `/docs` says of each address what it does
            route.summary = inspect.cleandoc(route.endpoint.__doc__ or "").partition("\n")[0]
    router.include_router(part.router)
