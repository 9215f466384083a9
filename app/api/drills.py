"""Recall drills: run one, list them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import Driller, Reading, only
from app.api.once import DoOnce
from app.http.answers import json_answer
from app.people import Permission
from app.quality.drill import DrillResult, drills, run_drill

router = APIRouter(prefix="/drills", tags=["quality"])


class DrillOrder(BaseModel):
    """A drill to run. Without a seed the lot is picked by chance."""

    model_config = ConfigDict(extra="forbid")

    seed: Annotated[int | None, Field(ge=0, lt=2**62)] = None


@router.post("", status_code=201, response_model=DrillResult)
def post_drill(order: DrillOrder, actor: Driller, once: DoOnce) -> Response:
    """Pick a lot blindly, find every unit that carries it, and store how long that took and how complete it is."""

    def deed(connection: Connection) -> DrillResult:
        return run_drill(connection, actor=actor.identity, seed=order.seed)

    return once(deed, status=201)


@dataclass(frozen=True, slots=True)
class DrillPage:
    """Drills, newest first."""

    drills: Sequence[DrillResult]


@router.get("", response_model=DrillPage, dependencies=[only(Permission.read_line)])
def get_drills(connection: Reading, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """Every recall drill, newest first: seconds, units by evidence, how many had shipped, how many are complete."""
    return json_answer(DrillPage(drills(connection, limit=limit)))
