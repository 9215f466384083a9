"""The addresses under `/api/v1`."""

import inspect

from fastapi import APIRouter
from fastapi.routing import APIRoute

from app.api import cfx, lines, material_trace, orders, packages, quarantine, tokens, trace, units

router = APIRouter(prefix="/api/v1")

for part in (cfx, trace, material_trace, units, packages, lines, orders, quarantine, tokens):
    for route in part.router.routes:
        if isinstance(route, APIRoute):  # `/docs` says of each address what it does
            route.summary = inspect.cleandoc(route.endpoint.__doc__ or "").partition("\n")[0]
    router.include_router(part.router)
