"""The product as a user starts it: up, kept up, and gone without a trace, whatever ends it."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.embedded.processes import free_port
from tests.architecture.sources import ROOT
from tests.folders import data_folder


class Served:
    """`python -m app serve` in a data folder of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        environment = {
            **os.environ,
            "BIRTHMARK_DATA_DIR": str(data_dir),
            "BIRTHMARK_HTTP_PORT": "0",
            "BIRTHMARK_LOG_FORMAT": "json",
        }
        started = time.monotonic()
        self.log = (data_dir / "serve.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self.process.stdout is not None
        lines = iter(self.process.stdout.readline, "")
        self.url = next((line.split()[1] for line in lines if line.startswith("Birthmark:")), "")
        assert self.url, (data_dir / "serve.log").read_text()
        self.seconds = time.monotonic() - started

    def child(self, name: str) -> psutil.Process:
        """The child that runs `app NAME`, or the server whose program has that name."""
        for process in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                if process.cmdline()[-1] == name or process.name() == name:
                    return process
        raise LookupError(name)

    def answers(self) -> bool:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection) as asked:
            asked.request("GET", "/healthz")
            return asked.getresponse().status == 200
        return False

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()
        return self.process.wait(60)


@pytest.fixture
def clean_data_dir(data_dir: Path) -> Iterator[Path]:
    yield data_dir
    for process in left_in(data_dir):  # only after a failure
        process.kill()


def left_in(data_dir: Path) -> list[psutil.Process]:
    """Processes that have to do with this data folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            environment = process.environ().get("BIRTHMARK_DATA_DIR", "")
            if environment == str(data_dir) or str(data_dir) in " ".join([*process.cmdline(), process.cwd()]):
                found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def until(condition: object, seconds: float = 30.0) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that the parent died")
def test_it_comes_up_fast_and_leaves_nothing_behind(clean_data_dir: Path) -> None:
    first = Served(clean_data_dir)
    assert first.answers()
    assert first.end(signal.SIGTERM) == 0
    assert until(lambda: not left_in(clean_data_dir)), left_in(clean_data_dir)
    for number in (signal.SIGINT, signal.SIGKILL, signal.SIGTERM):
        served = Served(clean_data_dir)
        assert served.seconds < 30  # 2 s alone; here other tests run beside it
        assert served.answers()
        served.end(number)
        assert until(lambda: not left_in(clean_data_dir)), (number, left_in(clean_data_dir))


def test_what_dies_is_started_again(clean_data_dir: Path) -> None:
    served = Served(clean_data_dir)
    servers = [name for name in ("postgres", "mosquitto") if _has_child(served, name)]
    for name in ("intake", "gate", "web", *servers):
        killed = served.child(name)
        killed.kill()
        killed.wait(10)
        assert until(lambda name=name: _has_child(served, name)), name
    assert until(served.answers)
    assert served.end(signal.SIGTERM) == 0
    assert until(lambda: not left_in(clean_data_dir)), left_in(clean_data_dir)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with data_folder() as folder:
        served = Served(folder)
        yield served
        served.end(signal.SIGTERM)
        assert until(lambda: not left_in(folder))


def app(data_dir: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={**os.environ, "BIRTHMARK_DATA_DIR": str(data_dir), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_second_one_in_the_same_folder_is_refused(served: Served) -> None:
    second = app(served.data_dir, "serve", BIRTHMARK_HTTP_PORT="0")
    assert second.returncode == 1
    assert "runs already" in second.stderr
    assert served.answers()


def test_a_command_shares_the_running_servers_and_the_broker_admits_the_new_token(served: Served) -> None:
    made = app(
        served.data_dir, "token", "create", "--name", "p", "--role", "line_equipment", "--station", "Acme.Printer.1"
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-1].startswith("bm_")
    passwords = (served.data_dir / "broker").resolve() / "passwords"
    assert until(lambda: "Acme.Printer.1:$7$" in passwords.read_text(), 10)
    assert served.answers()


def test_a_taken_port_is_said_and_nothing_stays(served: Served) -> None:
    port = served.url.rpartition(":")[2]
    with data_folder() as other:
        refused = app(other, "serve", BIRTHMARK_HTTP_PORT=port)
        assert refused.returncode == 1
        assert f"Port {port} on 127.0.0.1 is taken" in refused.stderr
        assert until(lambda: not left_in(other))


def test_a_wrong_setting_is_one_sentence(data_dir: Path) -> None:
    refused = app(data_dir, "migrate", BIRTHMARK_DATABASE_URL="mysql://x")
    assert refused.returncode == 1
    assert "BIRTHMARK_DATABASE_URL" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_doctor_finds_nothing_broken_here_and_says_what_is(served: Served, data_dir: Path) -> None:
    running = app(served.data_dir, "doctor")
    assert running.returncode == 0, running.stdout
    assert "embedded, port" in running.stdout
    away = app(
        data_dir,
        "doctor",
        BIRTHMARK_DATABASE_URL="postgresql://nobody:x@127.0.0.1:1/none",
        BIRTHMARK_BROKER_URL="mqtt://127.0.0.1:1",
    )
    assert away.returncode == 1
    assert away.stdout.count("BROKEN") == 2
    assert "check BIRTHMARK_DATABASE_URL" in away.stdout


def _has_child(served: Served, name: str) -> bool:
    with contextlib.suppress(LookupError):
        return served.child(name).is_running()
    return False


def test_a_port_is_one_that_no_outgoing_connection_is_given() -> None:
    """A server that was killed comes back to its port; a connection to elsewhere may have it by then."""
    outgoing = range(*map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()))
    assert not any(free_port() in outgoing for _ in range(20))
