"""Live: what is recorded reaches an open page; open pages do not keep the server from ending."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx2
import pytest
from sqlalchemy import Engine

from app.live import announce
from app.people import create_token
from tests.doors import story
from tests.doors.conftest import PASSWORD


@contextmanager
def browser(address: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=address, timeout=10) as client:
        assert client.post("/login", data={"name": "operator", "password": PASSWORD}).status_code == 303
        yield client


def test_a_recorded_message_reaches_an_open_page(running: str, engine: Engine, accounts: dict[str, str]) -> None:
    with engine.begin() as connection:
        token = create_token(connection, name="t", role="administrator", actor="test")
    with browser(running) as client, client.stream("GET", "/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("data:")) == "data: connected"
        time.sleep(0.6)  # what happened before the page was open is not news
        body = story.payload(story.envelope("Heartbeat", {"CFXHandle": story.AOI}, story.AOI))
        told = time.monotonic()
        httpx2.post(f"{running}/api/v1/cfx", content=body, headers={"Authorization": f"Bearer {token}"})
        assert next(line for line in lines if line.startswith("data:")) == "data: recorded"
        assert time.monotonic() - told < 10  # at once, but two cores may be busy


def test_many_changes_are_told_as_few(running: str, engine: Engine, accounts: dict[str, str]) -> None:
    with browser(running) as client, client.stream("GET", "/live", timeout=2) as stream:
        lines = stream.iter_lines()
        next(line for line in lines if line.startswith("data:"))
        for _ in range(50):
            with engine.begin() as connection:
                announce(connection)
        told = 0
        with suppress(httpx2.ReadTimeout):  # silence: all is told
            for line in lines:
                told += line == "data: recorded"
    assert 1 <= told <= 10


def test_who_comes_back_is_told_at_once_what_was_missed_and_nothing_else(
    running: str, engine: Engine, accounts: dict[str, str]
) -> None:
    with browser(running) as client:
        with client.stream("GET", "/live") as stream:
            heard = next(line for line in stream.iter_lines() if line.startswith("id: ")).removeprefix("id: ")
        again = client.stream("GET", "/live", headers={"Last-Event-ID": heard}, timeout=2)
        with again as stream, pytest.raises(httpx2.ReadTimeout):
            next(line for line in stream.iter_lines() if line.startswith("data:"))
        with engine.begin() as connection:
            announce(connection)
        time.sleep(0.2)
        for missed in (heard, "another-process-7"):
            with client.stream("GET", "/live", headers={"Last-Event-ID": missed}) as stream:
                assert next(line for line in stream.iter_lines() if line.startswith("data:")) == "data: recorded"


def test_two_hundred_browsers_hear_of_one_message(running: str, engine: Engine, accounts: dict[str, str]) -> None:
    host, port = running.removeprefix("http://").split(":")
    with browser(running) as client:
        cookie = f"birthmark={client.cookies['birthmark']}"
    request = f"GET /live HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n\r\n".encode()
    with ExitStack() as opened:
        clients = [opened.enter_context(socket.create_connection((host, int(port)), timeout=30)) for _ in range(200)]
        for client_socket in clients:
            client_socket.sendall(request)
        for client_socket in clients:
            assert _hears(client_socket, b"data: connected")
        time.sleep(0.6)
        with engine.begin() as connection:
            announce(connection)
        for client_socket in clients:
            assert _hears(client_socket, b"data: recorded")


def _hears(stream: socket.socket, words: bytes) -> bool:
    heard = b""
    while words not in heard:
        part = stream.recv(4096)
        if not part:
            return False
        heard += part
    return True


SERVE = """
import sys
from app.db import create_engine
from app.main import serve
serve(create_engine(sys.argv[1]), "127.0.0.1", int(sys.argv[2]))
"""


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_an_open_page_does_not_keep_the_server_from_ending(
    engine: Engine, accounts: dict[str, str], free_port: int, stop: signal.Signals
) -> None:
    url = engine.url.render_as_string(hide_password=False)
    server = subprocess.Popen([sys.executable, "-c", SERVE, url, str(free_port)], env={**os.environ, "PYTHONPATH": "."})
    try:
        address = f"http://127.0.0.1:{free_port}"
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx2.get(f"{address}/healthz")
                break
            except httpx2.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        with browser(address) as client, client.stream("GET", "/live") as stream:
            lines = stream.iter_lines()
            next(lines)
            server.send_signal(stop)
            assert list(lines)[-1] == "", "the stream ends whole; one that is cut off raises"
            assert server.wait(timeout=30) in {0, -stop}
    finally:
        server.kill()
        server.wait()
