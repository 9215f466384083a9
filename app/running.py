"""The product as running processes: database, broker, intake, gate and web, up and down in order.

One process, the supervisor, starts all others as its children and keeps them running. What is
external by setting is used as it is; what is not is embedded (:mod:`app.embedded`).
"""

import contextlib
import gc
import http.client
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import structlog
import typer
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from app import certificates
from app.db import create_engine
from app.embedded.broker import Broker
from app.embedded.credentials import INTAKE_USER, write_credentials
from app.embedded.postgres import Postgres
from app.embedded.processes import Ownership, free_port, module_command, tail
from app.embedded.stopping import check_stopped, stopping_on_signals
from app.embedded.supervisor import Supervisor
from app.errors import Conflict, Invalid, Unavailable
from app.people import broker_credentials, broker_hash, ensure_first_administrator
from app.schema import upgrade
from app.settings import Settings, settings

log = structlog.get_logger()

_LOOK_EVERY = 0.25  # seconds between two looks at the children
_CREDENTIALS_EVERY = 2.0  # seconds until a new token is admitted by the embedded broker
_BEHIND_WHO_WAITS = 5  # niceness of intake: a batch may wait a moment, a machine or a person at the gate may not


@contextlib.contextmanager
def database() -> Iterator[str]:
    """URL of the settings' database; the embedded one runs (or is shared) inside the block."""
    if url := settings().database_url:
        yield url
        return
    with Postgres(settings().data_dir) as server:
        yield server.url


@contextlib.contextmanager
def migrated_engine() -> Iterator[Engine]:
    """An engine on the settings' database, brought up to date first."""
    with database() as url:
        engine = create_engine(url, pool_size=2)
        try:
            upgrade(engine)
            yield engine
        finally:
            engine.dispose()


class Product:
    """All processes of the product for one data folder, inside a ``with`` block: the web's, and from `listen` on all.

    ``logs`` is a folder for the children's log lines, which otherwise join ours. ``demo``: what the demo keeps of its
    access, for its pages.
    """

    def __init__(self, configured: Settings, *, logs: Path | None = None, demo: Path | None = None) -> None:
        self.settings = configured
        self.logs = logs
        self._demo = ("--demo", str(demo)) if demo else ()
        self.postgres: Postgres | None = None
        self.broker: Broker | None = None
        self.database_url = configured.database_url or ""
        self.broker_url = configured.broker_url or ""
        self.http_port = configured.http_port
        self.certificate = certificates.configured(configured)
        self.supervisor = Supervisor()
        self.engine: Engine  # of the supervisor's own, for the few things it asks; there inside the block
        self._open = contextlib.ExitStack()
        self._credentials_at = 0.0
        self._admitted: dict[str, str] | None = None

    @property
    def web_url(self) -> str:
        """Where a browser finds the product."""
        host = self.settings.http_host
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        return f"{'https' if self.certificate else 'http'}://{host}:{self.http_port}"

    @property
    def broker_address(self) -> str:
        """``host:port`` where machines publish."""
        address = urlsplit(self.broker_url)
        return f"{address.hostname}:{address.port or 1883}"

    @property
    def environment(self) -> dict[str, str]:
        """The settings that every child of ours gets, whatever its own environment says."""
        return {
            "BIRTHMARK_DATABASE_URL": self.database_url,
            "BIRTHMARK_BROKER_URL": self.broker_url,
            "BIRTHMARK_HTTP_PORT": str(self.http_port),
            "BIRTHMARK_DATA_DIR": str(self.settings.data_dir),
        }

    def __enter__(self) -> "Product":
        with contextlib.ExitStack() as opening:
            self._claim(opening)
            if not self.database_url:
                self.postgres = opening.enter_context(Postgres(self.settings.data_dir))
                self.database_url = self.postgres.url
            self.engine = create_engine(self.database_url, pool_size=1, application_name="birthmark-supervisor")
            opening.callback(self.engine.dispose)
            if upgrade(self.engine):
                log.info("database.migrated")
            if not self.broker_url:
                self.broker = Broker(
                    self.settings.data_dir, host=self.settings.broker_host, port=self.settings.broker_port
                )
                self.broker.set_credentials(self._credentials())
                opening.enter_context(self.broker)
                self.broker_url = self.broker.url
            self.admit_new_tokens()
            self.http_port = self._web_port()
            opening.enter_context(self.supervisor)
            self.start("web", module_command("app", "web", *self._demo))
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def start(self, name: str, command: list[str], *, environment: Mapping[str, str] | None = None) -> None:
        """Add a process of ours; it is stopped before those that were started earlier."""
        log_to = self.logs / f"{name}.log" if self.logs else None
        self.supervisor.start(name, command, environment={**self.environment, **(environment or {})}, log_to=log_to)

    def listen(self) -> None:
        """Start what machines speak to; whoever waits for a page only does so afterwards, for the processor's sake."""
        self.start("intake", module_command("app", "intake"))
        self.start("gate", module_command("app", "gate"))

    def watch(self) -> None:
        """Keep everything running until a signal ends the block."""
        while True:
            self.look()
            time.sleep(_LOOK_EVERY)

    def look(self) -> None:
        """Start again what ended, and tell the broker of new tokens; raises `Stopped` after a signal."""
        check_stopped()
        if self.postgres and self.postgres.owned and not self.postgres.running:
            log.error("postgres.ended")
            self.postgres.start()
        if self.broker and self.broker.owned and not self.broker.running:
            log.error("broker.ended")
            self.broker.start()
        self.supervisor.watch()
        if time.monotonic() - self._credentials_at > _CREDENTIALS_EVERY:
            with contextlib.suppress(OperationalError):  # the database is away; next time
                self.admit_new_tokens()

    def admit_new_tokens(self) -> None:
        """Tell the broker which stations hold a token: now, and every two seconds."""
        if self.broker:
            self.broker.set_credentials(self._credentials())
        elif self.settings.broker_credentials:
            credentials = self._credentials()
            if credentials != self._admitted:
                write_external_credentials(self.settings.broker_credentials, self.broker_url, credentials)
                self._admitted = credentials

    def _credentials(self) -> dict[str, str]:
        self._credentials_at = time.monotonic()
        with self.engine.connect() as connection:
            return broker_credentials(connection)

    def _claim(self, opening: contextlib.ExitStack) -> None:
        """Two supervisors in one data folder would run two intakes under one client id."""
        claim = Ownership(self.settings.data_dir / "product.lock")
        if not claim.take():
            raise Conflict(
                f"Birthmark runs already in {self.settings.data_dir}. Stop it first (Ctrl-C where it runs), or set "
                "BIRTHMARK_DATA_DIR to another folder."
            )
        opening.callback(claim.release)

    def _web_port(self) -> int:
        wanted, host = self.settings.http_port, self.settings.http_host
        port = free_port(wanted, host)
        if port != wanted and wanted and "http_port" in self.settings.model_fields_set:
            raise Conflict(
                f"Port {wanted} on {host} is taken by another program. Stop that one, or set BIRTHMARK_HTTP_PORT to "
                "a free port (0 takes any)."
            )
        if port != wanted and wanted:
            log.warning("web.port_taken", wanted=wanted, instead=port)
        return port

    def wait_for_web(self, patience: float = 60.0) -> None:
        """Return once the web process answers; raise with its log where it keeps ending."""
        deadline = time.monotonic() + patience
        while not _answers(self.settings.http_host, self.http_port, secure=self.certificate is not None):
            if self.supervisor.failures("web") >= 3 or time.monotonic() > deadline:
                why = tail(self.logs / "web.log") if self.logs else "its log lines are above"
                raise Unavailable(f"The web process does not answer on {self.web_url}:\n{why}")
            check_stopped()
            self.supervisor.watch()
            time.sleep(0.02)


def write_external_credentials(folder: Path, broker_url: str, credentials: Mapping[str, str]) -> None:
    """Write the files of an external Mosquitto: the stations of ``credentials``, and intake as its URL names it."""
    intake = urlsplit(broker_url)
    if not intake.password:
        raise Invalid(
            "BIRTHMARK_BROKER_CREDENTIALS needs a password in BIRTHMARK_BROKER_URL: "
            f"mqtt://{INTAKE_USER}:PASSWORD@HOST:PORT"
        )
    if intake.username != INTAKE_USER:
        raise Invalid(f"The user in BIRTHMARK_BROKER_URL must be {INTAKE_USER}, which may hear all stations.")
    folder.mkdir(parents=True, exist_ok=True)
    write_credentials(folder, {**credentials, INTAKE_USER: broker_hash(unquote(intake.password))})
    log.info("broker.credentials_written", folder=str(folder), stations=len(credentials))


def _answers(host: str, port: int, *, secure: bool) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = http.client.HTTPConnection(host, port, timeout=2)
    if secure:  # is it there, is the question, not who it is: we have just started it
        unchecked = ssl._create_unverified_context()  # noqa: S323, SLF001
        connection = http.client.HTTPSConnection(host, port, timeout=2, context=unchecked)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def connected_settings() -> Iterator[Settings]:
    """The settings with both addresses filled in, for one process of the product on its own.

    What is embedded is shared with the product that runs in this data folder, or runs for the block.
    """
    with contextlib.ExitStack() as opened:
        configured = settings()
        database_url = opened.enter_context(database())
        broker_url = configured.broker_url
        if not broker_url:
            engine = create_engine(database_url, pool_size=1)
            upgrade(engine)
            with engine.connect() as connection:
                credentials = broker_credentials(connection)
            engine.dispose()
            broker_url = opened.enter_context(Broker(configured.data_dir, credentials)).url
        yield configured.model_copy(update={"database_url": database_url, "broker_url": broker_url})


def run_product(configured: Settings) -> None:
    """The product in the foreground until a signal."""
    with stopping_on_signals(), Product(configured) as product:
        with product.engine.begin() as connection:
            password = ensure_first_administrator(connection)
        product.listen()
        product.wait_for_web()
        typer.echo(f"Birthmark: {product.web_url}\nMachines: mqtt://{product.broker_address}")
        if password:
            typer.echo(f"First login: administrator, password {password} (shown once; change it)")
        product.watch()


def run_web(demo: Path | None = None) -> None:
    """The web process: serves until SIGTERM, ends open event streams first."""
    # Putting the application together makes some hundred thousand objects that stay. To look through them for garbage
    # over and over would take a quarter of the time until the first page; `serve` looks again from then on.
    gc.disable()
    from app.main import serve  # noqa: PLC0415  (FastAPI is needed in this process only)
    from app.quality.counting import Counting  # noqa: PLC0415
    from app.quality.recounting import Recounting  # noqa: PLC0415

    configured = settings()
    host, port, certificate = configured.http_host, configured.http_port, certificates.configured(configured)
    if not configured.database_url:
        raise Unavailable("The web process needs BIRTHMARK_DATABASE_URL. `python3 -m app serve` starts all of it.")
    tells = None
    if demo:
        from app.demo.pages import demo_of  # noqa: PLC0415

        tells = partial(demo_of, demo, host, port, certificate)
    engine = create_engine(configured.database_url, pool_size=10, application_name="birthmark-web")
    try:
        with Counting(engine), Recounting(engine):
            serve(engine, host, port, certificate, tells)
    finally:
        engine.dispose()


def run_intake() -> None:
    """The intake process: takes messages from the broker until SIGTERM."""
    from app.intake.consumer import run  # noqa: PLC0415  (paho is needed in this process only)

    with contextlib.ExitStack() as opened:
        # A broker throws out the one that has a client id when another comes with it, for ever in turns.
        claim = Ownership(settings().data_dir / f"intake-{quote(settings().intake_client_id, safe='')}.lock")
        if not claim.take():
            raise Conflict(
                f"An intake with the client id {settings().intake_client_id} runs already in {settings().data_dir}. "
                "Give this one a BIRTHMARK_INTAKE_CLIENT_ID and BIRTHMARK_INTAKE_FILTERS of its own."
            )
        opened.callback(claim.release)
        os.nice(_BEHIND_WHO_WAITS)
        configured = opened.enter_context(connected_settings())
        url = str(configured.database_url)
        engine = create_engine(url, pool_size=2, application_name="birthmark-intake", recording=True)
        keyed = create_engine(url, pool_size=1, application_name="birthmark-intake", keyed=True)
        try:
            run(engine, keyed, configured, str(configured.broker_url))
        finally:
            engine.dispose()
            keyed.dispose()


def run_gate() -> None:
    """The gate's process: answers the stations' questions over MQTT until SIGTERM."""
    from app.intake.answering import run  # noqa: PLC0415  (paho is needed in this process only)

    with contextlib.ExitStack() as opened:
        claim = Ownership(settings().data_dir / "gate.lock")
        if not claim.take():
            raise Conflict(f"A gate runs already in {settings().data_dir}. One answers all stations.")
        opened.callback(claim.release)
        configured = opened.enter_context(connected_settings())
        url = str(configured.database_url)
        engine = create_engine(url, pool_size=1, application_name="birthmark-gate")
        keyed = create_engine(url, pool_size=3, application_name="birthmark-gate", keyed=True)
        try:
            run(engine, keyed, str(configured.broker_url))
        finally:
            engine.dispose()
            keyed.dispose()
