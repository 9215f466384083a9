"""The addresses under `/api/v1`."""

from fastapi import APIRouter

from app.api import cfx, lines, orders, packages, quarantine, tokens, trace, units

router = APIRouter(prefix="/api/v1")
for part in (cfx, trace, units, packages, lines, orders, quarantine, tokens):
    router.include_router(part.router)
