"""Tokens: make, list, revoke."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import PeopleManager, Reading, only
from app.api.once import DoOnce
from app.http.answers import json_answer
from app.people import Permission, Role, TokenSummary, create_token, revoke_token, tokens

router = APIRouter(tags=["people"])

_Name = Annotated[str, Field(min_length=1, max_length=256)]


class TokenPlan(BaseModel):
    """A token to make."""

    model_config = ConfigDict(extra="forbid")

    name: _Name
    role: Role
    customer: _Name | None = None
    station: _Name | None = Field(None, description="CFX handle a line_equipment token speaks for")
    person: _Name | None = Field(None, description="Whoever bears it, in their own role")


@router.get(
    "/tokens",
    response_model=dict[str, list[TokenSummary]],
    dependencies=[only(Permission.manage_people)],
)
def get_tokens(connection: Reading) -> Response:
    """Every token, newest first, without its secret."""
    return json_answer({"tokens": tokens(connection)})


@router.post("/tokens", status_code=201, response_model=None)
def post_token(plan: TokenPlan, actor: PeopleManager, once: DoOnce) -> Response:
    """Make a token. Its secret is in this answer and nowhere else."""

    def deed(connection: Connection) -> dict[str, str]:
        return {"token": create_token(connection, **plan.model_dump(), actor=actor.identity)}

    return once(deed, status=201, kept={"token": None, "says": "Made before; shown once only."})


@router.post("/tokens/{token_id}/revoke", response_model=None)
def post_revocation(token_id: int, actor: PeopleManager, once: DoOnce) -> Response:
    """Make a token useless from now on."""

    def deed(connection: Connection) -> dict[str, int]:
        revoke_token(connection, token_id, actor=actor.identity)
        return {"token_id": token_id}

    return once(deed)
