"""HTTPS with a certificate authority of one's own: who trusts it, and what cookies it allows."""

import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine

from app.certificate_authority import days_left, initialise
from app.certificates import Certificate, configured
from app.errors import Invalid
from app.main import Server
from app.people import create_person
from app.settings import Settings

PASSWORD = "correct horse battery"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def test_without_tls_init_the_server_speaks_http(settings: Settings) -> None:
    assert configured(settings) is None


def test_settings_go_before_and_go_together(settings: Settings, tmp_path: Path) -> None:
    initialise(tmp_path / "tls")
    assert configured(settings) == Certificate(tmp_path / "tls" / "server.crt", tmp_path / "tls" / "server.key")
    with pytest.raises(Invalid, match="go together"):
        configured(settings.model_copy(update={"tls_cert": tmp_path / "a.crt"}))
    with pytest.raises(Invalid, match="not there"):
        configured(settings.model_copy(update={"tls_cert": tmp_path / "a.crt", "tls_key": tmp_path / "a.key"}))


def test_keys_are_their_owners_alone_and_a_second_call_keeps_the_authority(tmp_path: Path) -> None:
    authority, names = initialise(tmp_path / "tls", ["mes.example"])
    assert names[0] == "mes.example"
    assert {"localhost", "127.0.0.1"} <= set(names)
    for key in ("ca.key", "server.key"):
        assert (tmp_path / "tls" / key).stat().st_mode & 0o077 == 0
    before = authority.read_bytes(), (tmp_path / "tls" / "server.crt").read_bytes()
    initialise(tmp_path / "tls")
    assert (authority.read_bytes(), (tmp_path / "tls" / "server.crt").read_bytes()) != before
    assert authority.read_bytes() == before[0]
    assert 815 < days_left(Certificate(tmp_path / "tls" / "server.crt", tmp_path / "tls" / "server.key")) <= 820


def test_what_is_no_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="neither a host name"):
        initialise(tmp_path / "tls", ["m\u00fcnchen.example"])


@pytest.fixture
def secure(engine: Engine, settings: Settings, tmp_path: Path) -> Iterator[str]:
    """The web application by https: its address."""
    initialise(tmp_path / "tls")
    server = Server(engine, "127.0.0.1", 0, configured(settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.stop()
        thread.join(timeout=10)


def test_who_knows_the_authority_trusts_the_server_and_cookies_are_this_hosts_alone(
    secure: str, engine: Engine, tmp_path: Path
) -> None:
    with engine.begin() as connection:
        create_person(connection, name="ann", role="operator", password=PASSWORD, actor="test")
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{secure}/healthz")
    trusting = ssl.create_default_context(cafile=tmp_path / "tls" / "ca.crt")
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    with httpx2.Client(base_url=secure, verify=trusting) as client:
        assert client.get("/healthz").status_code == 200
        entered = client.post("/login", data={"name": "ann", "password": PASSWORD})
        cookie = entered.headers["set-cookie"]
        assert cookie.startswith("__Host-birthmark=")
        assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Domain" not in cookie
        assert client.get("/", headers={"Accept": "text/html"}).status_code == 200
