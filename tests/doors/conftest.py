"""The web application on a database of its own, asked through a real HTTP client."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.embedded import processes
from app.main import Server, create_app
from app.people import Role, create_person, create_token
from tests.doors import story

Ask = Callable[..., TestClient]


@pytest.fixture
def ask(engine: Engine) -> Iterator[Ask]:
    """`ask("operator")`: a client with a fresh token of that role; `ask(None)`: one without."""
    app = create_app(engine)
    with TestClient(app, raise_server_exceptions=False) as running:

        def client(role: str | None, **more: str) -> TestClient:
            made = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
            if role is not None:
                with engine.begin() as connection:
                    secret = create_token(connection, name=role, role=role, actor="test", **more)
                made.headers["Authorization"] = f"Bearer {secret}"
            return made

        del running
        yield client


@pytest.fixture
def admin(ask: Ask) -> TestClient:
    return ask("administrator")


@pytest.fixture
def built(admin: TestClient) -> list[str]:
    """Two panels went through the line: the serials of their boards."""
    serials = []
    for number, order in ((1, "WO-1001"), (2, "WO-1002")):
        boards = [f"A+{number}/{position} %" for position in (1, 2)]
        messages = story.panel(f"PNL-{number}", boards, work_order=order, failed=boards[1])
        answer = admin.post("/api/v1/cfx", content=story.payload(messages))
        assert {r["status"] for r in answer.json()["receipts"]} == {"stored"}, answer.text
        serials += boards
    return serials


@pytest.fixture
def server(engine: Engine) -> Server:
    """The web application as a real server, not yet started: `running` is its address once it is."""
    return Server(engine, "127.0.0.1", 0)


@pytest.fixture
def running(server: Server) -> Iterator[str]:
    """The address of the running `server`."""
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server ended before it listened"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        thread.join(timeout=10)
        assert not thread.is_alive(), "the server did not end"


PASSWORD = "correct horse battery"


@pytest.fixture
def accounts(engine: Engine) -> dict[str, str]:
    """An account of each role, called by the role's name; their passwords."""
    with engine.begin() as connection:
        for role in Role:
            if role is not Role.line_equipment:
                customer = "Acme" if role is Role.customer else None
                create_person(
                    connection, name=role.value, role=role, password=PASSWORD, customer=customer, actor="test"
                )
    return {role.value: PASSWORD for role in Role}


@pytest.fixture
def free_port() -> int:
    return processes.free_port()
