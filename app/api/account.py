"""One's own account, through a token that a person bears."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.access import TheEngine, asking
from app.api.once import DoOnce
from app.errors import Forbidden
from app.http.answers import encode_json
from app.http.proofs import address_of
from app.people import Actor, change_password, change_pin
from app.people.idempotency import Answer
from app.sentences import Sentence

router = APIRouter(prefix="/people/me", tags=["people"])

_Asker = Annotated[Actor, Depends(asking)]
_Secret = Annotated[str, Field(min_length=1, max_length=1024)]


class Change(BaseModel):
    """What one has and what it shall be; for a first PIN, `old` is the password."""

    model_config = ConfigDict(extra="forbid")

    old: _Secret
    new: _Secret


@router.put("/password", response_model=dict[str, str])
def put_password(request: Request, change: Change, actor: _Asker, engine: TheEngine, once: DoOnce) -> Response:
    """Change one's own password; every session of one's own ends, tokens stay."""
    return once.across_transactions(lambda: _changed(change_password, request, change, actor, engine))


@router.put("/pin", response_model=dict[str, str])
def put_pin(request: Request, change: Change, actor: _Asker, engine: TheEngine, once: DoOnce) -> Response:
    """Change one's own PIN, or choose the first one; one's sessions at stations end."""
    return once.across_transactions(lambda: _changed(change_pin, request, change, actor, engine))


def _changed(deed: Callable[..., None], request: Request, change: Change, actor: Actor, engine: TheEngine) -> Answer:
    if actor.person is None:
        raise Forbidden(
            Sentence("Nobody knows who bears this token. Use one of your own, or log in and open your account.")
        )
    deed(engine, name=actor.person, old=change.old, new=change.new, address=address_of(request))
    return Answer(200, encode_json({"name": actor.person}))
