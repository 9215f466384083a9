"""The web application put together: doors, errors, what runs beside the requests."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from http import HTTPStatus
from types import FrameType

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app.api.router import router as api_router
from app.certificates import Certificate
from app.db import create_engine
from app.decoding.bounded import BoundedReader
from app.errors import BirthmarkError
from app.http import docs, probes
from app.http.plumbing import Plumbing
from app.http.problems import Problem, is_database_away, is_unstorable, problem_of
from app.inbox.record import Recorder
from app.interlock.settling import Settling
from app.live import Changes
from app.sentences import Sentence, both
from app.settings import settings
from app.web import site
from app.web.demo import Demo

DESCRIPTION = """Every reel on every board, down to the reference designator.

Send `Authorization: Bearer TOKEN` (`python3 -m app token create`). Errors are problem+json
(RFC 9457) and say what happened and what clears it. Identifiers travel percent-encoded; a `+` is a
plus, not a blank. A POST with an `Idempotency-Key` is done once, however often it is sent."""


def create_app(engine: Engine, demo: Callable[[], Demo] | None = None) -> FastAPI:
    """Make the application on a database; `demo` is there where the demo runs, and tells what its pages show."""
    changes = Changes(engine)
    photos = BoundedReader()
    url = engine.url.render_as_string(hide_password=False)
    gate = create_engine(url, application_name="birthmark-web-gate", keyed=True)
    trace = create_engine(url, application_name="birthmark-web-trace", keyed=True)
    recording = create_engine(url, application_name="birthmark-web-recorder", recording=True)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        app.state.settling.begin()
        listener = asyncio.create_task(changes.listen())
        yield
        photos.close()
        changes.close()
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener
        gate.dispose()
        trace.dispose()
        recording.dispose()

    app = FastAPI(
        title="Birthmark",
        description=DESCRIPTION,
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.engine = engine
    app.state.changes = changes
    app.state.demo = demo
    app.state.photos = photos
    app.state.gate = gate
    app.state.settling = Settling()
    app.state.trace = trace
    app.state.recorder = Recorder(recording, register_unknown=settings().register_unknown, actor="api")
    app.include_router(api_router)
    app.include_router(probes.router)
    app.include_router(docs.router)
    app.mount("/docs/files", docs.swagger_files())
    site.install(app)
    for kind in (BirthmarkError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _handle)
    for fault in (DBAPIError, PoolTimeoutError, UnicodeEncodeError):
        app.add_exception_handler(fault, _handle_value_or_database)
    app.add_middleware(Plumbing, render=_render)
    return app


def _handle(request: Request, error: Exception) -> Response:
    return _render(request, problem_of(error))


def _handle_value_or_database(request: Request, error: Exception) -> Response:
    if not is_database_away(error) and not is_unstorable(error):
        raise error  # a fault of ours: the plumbing logs it and answers
    if is_database_away(error):
        request.app.state.settling.begin()
    return _handle(request, error)


def _render(request: Request, problem: Problem) -> Response:
    """An error as the asker can read it: a page for people, problem+json for programs."""
    if problem.status == HTTPStatus.NOT_FOUND and getattr(request.state, "plus_taken_literally", False):
        hint = Sentence("(A + in the address is a plus; a blank is written %%20.)")
        problem = replace(problem, sentence=both(problem.sentence, hint))
    path = request.url.path
    machine = path.startswith(("/api/", "/healthz", "/readyz", "/metrics", "/problems/"))
    if machine or request.query_params.get("format") or not site.wants_page(request):
        return site.in_words_of_its_screen(request, problem).json(request.state.request_id)
    return site.error_page(request, problem)


class Server(uvicorn.Server):
    """Ends the live streams first when asked to stop: browsers would hold them open for ever."""

    def __init__(
        self,
        engine: Engine,
        host: str,
        port: int,
        certificate: Certificate | None = None,
        demo: Callable[[], Demo] | None = None,
    ) -> None:
        app = create_app(engine, demo)
        self.changes: Changes = app.state.changes
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                ssl_certfile=certificate.certificate if certificate else None,
                ssl_keyfile=certificate.key if certificate else None,
                log_config=None,  # app.logs has set it up
                access_log=False,
                timeout_graceful_shutdown=5,  # what still runs then is cut off
                server_header=False,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.changes.close()  # not stop(): a second SIGINT, uvicorn would think, and cut streams off
        super().handle_exit(sig, frame)

    def stop(self) -> None:
        """End, from whatever thread."""
        self.changes.close()
        self.should_exit = True


def serve(
    engine: Engine,
    host: str,
    port: int,
    certificate: Certificate | None = None,
    demo: Callable[[], Demo] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; requests that run are finished, for at most five seconds."""
    server = Server(engine, host, port, certificate, demo)
    gc.freeze()
    gc.enable()
    # An answer makes some thousand objects that go with it: to look through them every 700 takes a tenth of its time.
    gc.set_threshold(50_000)
    with suppress(KeyboardInterrupt):
        server.run()
