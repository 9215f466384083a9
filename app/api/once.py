"""A deed asked for by POST: done in one transaction, and once per `Idempotency-Key`."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Header, Request, Response
from sqlalchemy import Connection, Engine

from app.api.access import Sent, TheEngine, asking
from app.db import retrying, transaction
from app.http.answers import encode_json
from app.people import Actor
from app.people.idempotency import Answer, claim, fingerprint, keep

REPLAYED = "Idempotency-Replayed"


class Once:
    """Does the deed of one request and answers it; a repetition gets the answer of the first time."""

    def __init__(self, engine: Engine, requester: str, key: str | None, request: bytes) -> None:
        self._engine = engine
        self._requester = requester
        self._key = key
        self._request = request

    def __call__(self, deed: Callable[[Connection], Any], *, status: int = 200, kept: object = None) -> Response:
        """Run `deed` in a transaction of its own and answer what it returns as JSON; see `app.db.retrying`.

        `kept` is what a repetition is answered, where the first answer holds a secret.
        """

        def do(connection: Connection) -> Response:
            earlier = self._claim(connection)
            if earlier is not None:
                return _response(earlier, replayed=True)
            answer = Answer(status, encode_json(deed(connection)))
            if self._key is not None:
                repeated = Answer(status, encode_json(kept)) if kept else answer
                keep(connection, requester=self._requester, key=self._key, answer=repeated)
            return _response(answer)

        return retrying(self._engine, do)

    def across_transactions(self, deed: Callable[[], Answer]) -> Response:
        """The same for a deed that commits by itself and is harmless to do twice.

        The answer is kept after the deed, so that one cut off in between is done again.
        """
        if self._key is None:
            return _response(deed())
        with transaction(self._engine) as connection:
            earlier = self._claim(connection)
        if earlier is not None:
            return _response(earlier, replayed=True)
        answer = deed()
        with transaction(self._engine) as connection:
            keep(connection, requester=self._requester, key=self._key, answer=answer)
        return _response(answer)

    def _claim(self, connection: Connection) -> Answer | None:
        if self._key is None:
            return None
        return claim(connection, requester=self._requester, key=self._key, request=self._request)


def _response(answer: Answer, *, replayed: bool = False) -> Response:
    headers = {REPLAYED: "true"} if replayed else {}
    return Response(answer.body, answer.status, headers, media_type="application/json")


async def _content(request: Request) -> bytes:
    """What makes the request the same as another: its body, or the parts of a form.

    A form's bytes differ each time it is sent, because the boundary between its parts is random.
    """
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in {"multipart/form-data", "application/x-www-form-urlencoded"}:
        return await request.body()
    parts: list[str | bytes | None] = []
    for name, value in (await request.form()).multi_items():
        parts.append(name)
        if isinstance(value, str):
            parts.append(value)
        else:
            parts += [value.filename, await value.read()]
            await value.seek(0)
    return msgspec.msgpack.encode(parts)


async def once(
    request: Request,
    engine: TheEngine,
    actor: Annotated[Actor, Depends(asking)],
    sent: Sent,
    content: Annotated[bytes, Depends(_content)],
    idempotency_key: Annotated[
        str | None,
        Header(description="Any unique text; the same request repeated with it is done once"),
    ] = None,
) -> Once:
    """The dependency: this request's `Once`."""
    key = idempotency_key.strip('"') if idempotency_key is not None else None  # RFC 8941 string
    secret = sent.credentials if sent else ""
    same = fingerprint(secret, request.method, f"{request.url.path}?{request.url.query}", content)
    return Once(engine, actor.identity, key, same)


DoOnce = Annotated[Once, Depends(once)]
