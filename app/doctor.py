"""Says what is installed, reachable and misconfigured, what it costs, and what to do about it.

Nothing is started and nothing is changed: an embedded server that does not run is no fault.
"""

import importlib
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from app import browser_libraries, certificates, system_packages
from app.certificate_authority import days_left
from app.db import create_engine
from app.embedded import homes
from app.embedded.broker import Broker
from app.embedded.postgres import Postgres
from app.embedded.processes import free_port
from app.errors import BirthmarkError
from app.schema import ROOT, head, revision_of
from app.settings import Settings

State = Literal["good", "missing", "broken"]

_WANTED_SPACE = 2 * 2**30
_DAYS_TO_RENEW = 14
_LARGEST_CLOCK_ERROR = 0.5  # s; above this a recorded time is suspect, above 2 s it is an alarm


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: ``missing`` costs something, ``broken`` keeps the product from working."""

    what: str
    state: State
    says: str
    costs: str = ""
    do: str = ""


def examine(configured: Settings) -> list[Finding]:
    """Look at everything; a look that fails is a finding too."""
    looks: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("Python", _python),
        ("packages", _packages),
        ("system packages", _system_packages),
        ("data folder", lambda: _data_folder(configured)),
        ("database", lambda: _database(configured)),
        ("broker", lambda: _broker(configured)),
        ("web", lambda: _web(configured)),
        ("pages", _pages),
        ("https", lambda: _https(configured)),
    ]
    findings: list[Finding] = []
    for what, look in looks:
        try:
            findings.extend(look())
        except (BirthmarkError, OSError, ValueError) as error:
            findings.append(Finding(what, "broken", str(error)))
    return findings


def render(findings: list[Finding]) -> str:
    """The findings as text, a line each, with what to do beneath."""
    marks = {"good": "ok     ", "missing": "missing", "broken": "BROKEN "}
    lines = []
    for finding in findings:
        lines.append(f"{marks[finding.state]}  {finding.what}: {finding.says}")
        lines += [f"         costs: {finding.costs}"] if finding.costs else []
        lines += [f"         do:    {finding.do}"] if finding.do else []
    broken = sum(finding.state == "broken" for finding in findings)
    missing = sum(finding.state == "missing" for finding in findings)
    return "\n".join([*lines, "", f"{broken} broken, {missing} missing"])


def _python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", "good", f"{found} in {sys.prefix}")


def _packages() -> Iterator[Finding]:
    lock = ROOT / "requirements.lock"
    if not lock.exists():
        yield Finding("packages", "good", "installed as a package, no lock file to compare with")
        return
    again = "rm -r .venv, then the same command again"
    differing = []
    for line in lock.read_text().splitlines():
        name, separator, rest = line.partition("==")
        if not separator or line.startswith((" ", "#")) or ";" in line:
            continue  # a line with a condition may be meant for another platform
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "nothing"
        if found != rest.split()[0]:
            differing.append(f"{name} {found} instead of {rest.split()[0]}")
    if differing:
        yield Finding("packages", "broken", "not what the lock says: " + ", ".join(differing[:5]), do=again)
    else:
        yield Finding("packages", "good", "as locked")
    for module in ("psycopg", "msgspec", "zxingcpp", "PIL", "numpy"):
        try:
            importlib.import_module(module)
        except ImportError as error:
            yield Finding(module, "broken", f"cannot be loaded: {error}", do=again)


def _system_packages() -> Iterator[Finding]:
    as_root = "" if system_packages.is_root_with_apt() else " (as root)"
    wanted = (
        ("libzbar0", system_packages.has_libzbar(), "marks are read with zxing-cpp alone, without a second opinion"),
        (
            "mosquitto",
            system_packages.mosquitto_program(),
            "the fallback broker amqtt is used: about 3,000 messages/s instead of 45,000, queues in memory only",
        ),
        ("chromium", system_packages.chromium_program(), "the tests that drive a browser are skipped"),
    )
    for name, found, costs in wanted:
        if found:
            yield Finding(name, "good", found if isinstance(found, str) else "found")
        else:
            yield Finding(name, "missing", "not installed", costs, f"apt-get install -y {name}{as_root}")


def _pages() -> Iterator[Finding]:
    gone = browser_libraries.missing()
    if gone:
        costs = "pages lose charts, pictures of genealogy and the camera: " + ", ".join(gone)
        do = "start Birthmark again where the npm registry can be reached, or put npm's registry setting right"
        yield Finding("pages' libraries", "missing", "not brought from npm", costs, do)
    else:
        yield Finding("pages' libraries", "good", "as locked" if browser_libraries.is_current() else "of another lock")


def _https(configured: Settings) -> Iterator[Finding]:
    certificate = certificates.configured(configured)
    if certificate is None:
        costs = "browsers on other machines give no page the camera"
        yield Finding("https", "missing", "plain HTTP", costs, "python3 -m app tls init")
        return
    left = days_left(certificate)
    says = f"{certificate.certificate}, {left} days left"
    if left < _DAYS_TO_RENEW:
        yield Finding("https", "broken", says, "browsers refuse it once it has expired", "python3 -m app tls init")
    else:
        yield Finding("https", "good", says)


def _data_folder(configured: Settings) -> Iterator[Finding]:
    folder = configured.data_dir
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        yield Finding(
            "data folder",
            "broken",
            f"{existing} cannot be written",
            do="set BIRTHMARK_DATA_DIR to a folder of your own, or run as its owner",
        )
        return
    space = shutil.disk_usage(existing).free
    says = f"{folder}, {space / 2**30:,.1f} GiB free"
    if space < _WANTED_SPACE:
        yield Finding(
            "data folder",
            "broken",
            says,
            "PostgreSQL stops when the disk is full, and stations spool until it runs again",
            "free some space, or set BIRTHMARK_DATA_DIR to a larger disk",
        )
    else:
        yield Finding("data folder", "good", says)


def _database(configured: Settings) -> Iterator[Finding]:
    if configured.database_url:
        yield from _look_into(configured.database_url, "database (external)")
        return
    server = Postgres(configured.data_dir)
    programs = homes.postgres_programs(None)
    if port := server.shared_port():
        server.share(port)
        yield from _look_into(server.url, f"database (embedded, port {port})")
    elif (configured.data_dir / "postgres").is_symlink() and not (configured.data_dir / "postgres").exists():
        gone = (configured.data_dir / "postgres").readlink()
        yield Finding("database", "broken", f"its folder {gone} is gone", do="put it back, or run `demo --reset`")
    else:
        yield Finding("database", "good", f"embedded, does not run now (programs in {programs})")


def _look_into(url: str, what: str) -> Iterator[Finding]:
    engine = create_engine(url, pool_size=1)
    try:
        yield from _questions(engine, what)
    except SQLAlchemyError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        yield Finding(what, "broken", f"not reachable: {reason}", do="check BIRTHMARK_DATABASE_URL and the server")
    finally:
        engine.dispose()


def _questions(engine: Engine, what: str) -> Iterator[Finding]:
    with engine.connect() as connection:
        server = str(connection.execute(text("SHOW server_version")).scalar())
        revision, expected = revision_of(connection), head()
        before = time.time()
        theirs = float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
        error = abs(theirs - (before + time.time()) / 2)
    says = f"PostgreSQL {server}, revision {revision or 'none'}"
    if revision == expected:
        yield Finding(what, "good", says)
    else:
        yield Finding(what, "broken", f"{says}, the code expects {expected}", do="python3 -m app migrate")
    if error > _LARGEST_CLOCK_ERROR:
        yield Finding(
            "clock",
            "broken",
            f"the database's differs by {error:.1f} s",
            "the order of events is suspect",
            "let both machines follow one time server",
        )
    else:
        yield Finding("clock", "good", f"the database's agrees within {_LARGEST_CLOCK_ERROR} s")


def _broker(configured: Settings) -> Iterator[Finding]:
    if configured.broker_url:
        target = urlsplit(configured.broker_url)
        port = target.port or (8883 if target.scheme == "mqtts" else 1883)
        try:
            socket.create_connection((target.hostname or "", port), timeout=3).close()
        except OSError as error:
            yield Finding(
                "broker (external)",
                "broken",
                f"{target.hostname}:{port} does not answer: {error}",
                "stations spool and nothing is recorded",
                "check BIRTHMARK_BROKER_URL and the broker",
            )
        else:
            yield Finding("broker (external)", "good", f"{target.hostname}:{port} answers")
        return
    broker = Broker(configured.data_dir)
    if shared := broker.shared_port():
        yield Finding("broker (embedded)", "good", f"{broker.kind} answers on port {shared}")
    else:
        yield Finding("broker", "good", f"embedded ({broker.kind}), does not run now")


def _web(configured: Settings) -> Iterator[Finding]:
    host, port = configured.http_host, configured.http_port
    if not port or free_port(port, host) == port:
        yield Finding("web", "good", f"port {port or 'any'} on {host} is free")
        return
    ours = (configured.data_dir / "product.lock").exists()
    yield Finding(
        "web",
        "good",
        f"port {port} on {host} is in use{', by Birthmark it seems' if ours else ''}",
        do="" if ours else "set BIRTHMARK_HTTP_PORT, otherwise a free port is taken",
    )
