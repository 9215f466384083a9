"""Who bears a request's token."""

from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Connection

from app.errors import Unauthorized
from app.people import Actor, Permission, bearer
from app.sentences import Sentence

bearer_scheme = HTTPBearer(auto_error=False, description="A token made by `birthmark token create`")


def sent_token(sent: HTTPAuthorizationCredentials | None) -> str:
    """The token as it was sent. Raises `Unauthorized` where none was."""
    if sent is None:
        raise Unauthorized(
            Sentence(
                "The request carries no token. Send the field `Authorization: Bearer TOKEN`; `python3 -m app token "
                "create` makes one."
            )
        )
    return sent.credentials


def known_asker(connection: Connection, sent: HTTPAuthorizationCredentials | None) -> Actor:
    """Who asks. Raises `Unauthorized` without a token in force."""
    actor = bearer(connection, sent_token(sent))
    if actor is None:
        raise Unauthorized(Sentence("This token is not in force: it was never made, or it was revoked."))
    return actor


def asker(connection: Connection, sent: HTTPAuthorizationCredentials | None, permission: Permission) -> Actor:
    """The same, provided that their role may. Raises `Forbidden`, too."""
    actor = known_asker(connection, sent)
    actor.require(permission)
    return actor
