"""What happens around every HTTP request, whichever door it goes to. Plain ASGI, no copying.

* Each request has an id: in the log, in the field `X-Request-Id`, and in every error shown.
* A `+` in an address is a plus: `?serial=A+B` names the serial `A+B`. Web forms write a space as a
  plus, so the addresses that forms are sent to are left alone.
* A body larger than the address takes is refused while it arrives, not when memory is full.
* No answer leaves without the security fields, and no exception leaves as a bare 500.
"""

import time
from collections.abc import Callable, Mapping
from traceback import format_exception
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import metrics
from app.http.problems import Problem, is_database_away, problem_of

log = structlog.get_logger()

LARGEST_BODY = 2 * 1024 * 1024
LARGEST_CFX_BODY = 32 * 1024 * 1024
_LARGER: Mapping[str, int] = {
    "/api/v1/cfx": LARGEST_CFX_BODY,
    "/api/v1/products": 16 * 1024 * 1024,
    "/products": 16 * 1024 * 1024,
    "/api/v1/decode": 13 * 1024 * 1024,
    "/photo": 13 * 1024 * 1024,
}
_FORM_TARGETS = frozenset({"/search", "/go"})

SECURITY_FIELDS = {
    # Everything comes from here; nothing inline, nothing framed, nothing from outside.
    "Content-Security-Policy": (
        # WebAssembly is compiled (the camera's decoder), text is never evaluated as a program.
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Renderer = Callable[[Request, Problem], Response]


class Plumbing:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, render: Renderer) -> None:
        self.app = app
        self.render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the server."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = str(uuid4())
        scope.setdefault("state", {})["request_id"] = request_id
        if scope["path"] not in _FORM_TARGETS and b"+" in scope["query_string"]:
            scope["query_string"] = scope["query_string"].replace(b"+", b"%2B")
            scope["state"]["plus_taken_literally"] = True
        _take_suffix(scope)
        status = 0

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _dress(MutableHeaders(scope=message), scope["path"], request_id)
                _count(scope, status, time.perf_counter() - started)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, _bounded(scope, receive), send_dressed)
            except Exception as error:
                _log_failure(scope, error)
                if status:  # the answer has begun: all that is left is to cut it off
                    raise
                response = self.render(Request(scope), problem_of(error))
                await response(scope, receive, send_dressed)


def _take_suffix(scope: Scope) -> None:
    """`/stations.csv` is `/stations?format=csv`: a page's twin by its suffix."""
    path, dot, form = scope["path"].rpartition(".")
    if dot and form in _TWINS and not path.startswith(_NO_TWINS) and scope["path"] != "/openapi.json":
        scope["path"] = path if path != "/line" else "/"
        scope["raw_path"] = scope["path"].encode()
        scope["query_string"] = b"&".join(filter(None, (scope["query_string"], f"format={form}".encode())))


def _dress(headers: MutableHeaders, path: str, request_id: str) -> None:
    headers["X-Request-Id"] = request_id
    for name, value in SECURITY_FIELDS.items():
        headers.setdefault(name, value)
    # What is traced is nobody else's to keep; our own files are asked for again, by their ETag.
    own_file = path.startswith(("/static/", "/docs/files/"))
    headers.setdefault("Cache-Control", "no-cache" if own_file else "no-store")


def _count(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "none")
    if scope["path"].startswith(_API) and route != "none":
        route = _API + route.removeprefix(_API)  # FastAPI tells the path within the router
    method = scope["method"] if scope["method"] in _METHODS else "other"
    metrics.REQUESTS.labels(method, route, status).inc()
    metrics.SECONDS.labels(method, route).observe(seconds)


_API = "/api/v1"
_TWINS = frozenset({"csv", "json"})
_NO_TWINS = ("/api/", "/static/", "/docs/")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _log_failure(scope: Scope, error: Exception) -> None:
    where = {"method": scope["method"], "path": scope["path"]}
    if is_database_away(error):
        log.warning("http.database_away", **where, reason=str(error).partition("\n")[0])
    else:
        # Not exc_info: a renderer may print local variables, and passwords are among them.
        log.error("http.failed", **where, traceback="".join(format_exception(error)))


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """Count the body as it arrives."""
    limit = _LARGER.get(scope["path"], LARGEST_BODY)
    arrived = 0

    async def receive_bounded() -> Message:
        nonlocal arrived
        message = await receive()
        if message["type"] == "http.request":
            arrived += len(message.get("body", b""))
            if arrived > limit:
                raise HTTPException(413)
        return message

    return receive_bounded
