"""`tls init`, then `serve`: what a tablet that trusts the authority gets, which by plain HTTP it would not."""

import base64
import hashlib
import signal
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, Page

from tests.doors import story
from tests.platform.test_running import Served, app, left_in, until
from tests.stations_screens.conftest import launched

NAME = "mes.example"
"""A browser on the machine itself gives pages from 127.0.0.1 the camera by plain HTTP, too; by a name it does not."""


@dataclass(frozen=True, slots=True)
class Secure:
    """The product by https: its port, whom to trust, and the first administrator's password."""

    port: int
    tls: Path
    password: str

    def client(self, **headers: str) -> httpx2.Client:
        """One that trusts the authority and nobody else."""
        trusting = ssl.create_default_context(cafile=self.tls / "ca.crt")
        return httpx2.Client(base_url=f"https://127.0.0.1:{self.port}", verify=trusting, headers=headers)


@pytest.fixture
def secure(data_dir: Path) -> Iterator[Secure]:
    made = app(data_dir, "tls", "init", "--host", NAME)
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-1] == str(data_dir / "tls" / "ca.crt")
    served = Served(data_dir)
    assert served.url.startswith("https://127.0.0.1:")
    assert served.process.stdout is not None
    password = next(line.split()[4] for line in served.process.stdout if line.startswith("First login:"))
    yield Secure(int(served.url.rpartition(":")[2]), data_dir / "tls", password)
    served.end(signal.SIGTERM)
    assert until(lambda: not left_in(data_dir)), left_in(data_dir)


@pytest.fixture
def tablet(secure: Secure) -> Iterator[Browser]:
    """A browser that finds the machine by its name and trusts this certificate, as one with the authority would."""
    key = x509.load_pem_x509_certificate((secure.tls / "server.crt").read_bytes()).public_key()
    pin = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    yield from launched(
        [
            f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
            f"--ignore-certificate-errors-spki-list={base64.b64encode(pin).decode()}",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
        ]
    )


def test_machines_people_and_a_tablet_with_the_authority_get_in_and_nobody_without_it(
    secure: Secure, tablet: Browser
) -> None:
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"https://127.0.0.1:{secure.port}/healthz")
    _a_machine_reports(secure)
    _a_person_logs_in(secure)
    _a_tablet_has_its_camera_and_keeps_its_page(secure, tablet.new_page())


def _a_machine_reports(secure: Secure) -> None:
    named = ("--name", "AOI", "--role", "line_equipment", "--station", story.AOI)
    made = app(secure.tls.parent, "token", "create", *named)
    said = story.payload(story.envelope("ResourcePerformance.StationStateChanged", {"NewState": 1100}, story.AOI))
    with secure.client(Authorization=f"Bearer {made.stdout.splitlines()[-1]}") as machine:
        answered = machine.post("/api/v1/cfx", content=said)
        assert (answered.status_code, answered.json()["receipts"][0]["status"]) == (200, "stored")
    with secure.client(Authorization="Bearer bm_somebody-elses") as stranger:
        assert stranger.post("/api/v1/cfx", content=said).status_code == 401


def _a_person_logs_in(secure: Secure) -> None:
    with secure.client() as person:
        entered = person.post("/login", data={"name": "administrator", "password": secure.password})
        cookie = entered.headers["set-cookie"]
        assert cookie.startswith("__Host-birthmark=")
        assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert person.get("/people").status_code == 200


def _a_tablet_has_its_camera_and_keeps_its_page(secure: Secure, page: Page) -> None:
    address = f"https://{NAME}:{secure.port}"
    page.goto(f"{address}/login")
    page.get_by_label("Name").fill("administrator")
    page.get_by_label("Password").fill(secure.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/station/work?at={story.AOI}")
    assert page.evaluate("isSecureContext")
    camera = "navigator.mediaDevices.getUserMedia({video: true}).then((stream) => stream.getVideoTracks().length)"
    assert page.evaluate(camera) == 1
    worker = page.evaluate("navigator.serviceWorker.ready.then(({ active }) => active.scriptURL)")
    assert worker == f"{address}/station/offline.js"
