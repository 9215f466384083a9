"""`python3 -m app` on a bare machine, with the real venv and pip and a registry of one small package."""

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import psutil
import pytest

from tests.architecture.sources import ROOT

CLI = "import thing, sys\ndef main(): print('thing', thing.NUMBER, sys.argv[1:], sys.prefix)\n"


def wheel(folder: Path, number: str) -> str:
    """Put a wheel of `thing` into `folder`; return its line for a lock."""
    folder.mkdir(exist_ok=True)
    path = folder / f"thing-{number}-py3-none-any.whl"
    info = f"thing-{number}.dist-info"
    files = {
        "thing.py": f"NUMBER = '{number}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: thing\nVersion: {number}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        f"{len(text)}\n"
        for name, text in files.items()
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(name, text)
    return f"thing=={number} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Checkout:
    """A checkout with our bootstrap and a command line that only says what it found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = folder / "registry"
        (folder / "app").mkdir(parents=True)
        for name in ("__init__.py", "__main__.py", "browser_libraries.py", "system_packages.py"):
            shutil.copy(ROOT / "app" / name, folder / "app" / name)
        (folder / "app" / "cli.py").write_text(CLI)
        self.lock(wheel(self.registry, "1.0"))

    def lock(self, line: str) -> None:
        (self.folder / "requirements.lock").write_text(line)
        (self.folder / "requirements-test.lock").write_text(line)

    def start(self, index: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [getattr(sys, "_base_executable", sys.executable), "-m", "app", "doctor"],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "PIP_INDEX_URL": index, "PIP_RETRIES": "9"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self, *arguments: str, registry: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [getattr(sys, "_base_executable", sys.executable), "-m", "app", *arguments],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": str(self.registry if registry else self.folder / "nowhere"),
            },
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout(tmp_path_factory.mktemp("bootstrap") / "checkout")
    environment = checkout.folder / ".venv"
    first = checkout.run("demo", "--once", "3")
    assert first.stdout == f"thing 1.0 ['demo', '--once', '3'] {environment}\n", first.stderr
    # Nothing of the machine is touched by these tests: the system packages count as tried.
    (environment / ".system-packages").write_text("libzbar0\nmosquitto\nchromium\n")
    return checkout


def test_the_second_start_installs_nothing(checkout: Checkout) -> None:
    again = checkout.run("doctor", registry=False)
    assert again.stdout.startswith("thing 1.0 ['doctor']")
    assert "installing" not in again.stderr


def test_an_interrupted_install_is_made_anew(checkout: Checkout) -> None:
    environment = checkout.folder / ".venv"
    (environment / ".installing").touch()
    for broken in environment.rglob("thing.py"):
        broken.write_text("NUMBER = ")  # half a file
    again = checkout.run("doctor")
    assert again.stdout.startswith("thing 1.0"), again.stderr
    (environment / ".system-packages").write_text("libzbar0\nmosquitto\nchromium\n")


def test_a_new_lock_is_installed_and_a_forged_package_is_refused(checkout: Checkout) -> None:
    line = wheel(checkout.registry, "2.0")
    checkout.lock(line.replace(line[-20:-1], "0" * 19))
    forged = checkout.run("doctor")
    assert forged.returncode != 0
    assert "could not be installed" in forged.stderr
    checkout.lock(line)
    assert checkout.run("doctor").stdout.startswith("thing 2.0")


def test_the_test_lock_comes_with_the_first_test(checkout: Checkout) -> None:
    (checkout.folder / "requirements-test.lock").write_text(
        (checkout.folder / "requirements.lock").read_text() + "# and what tests need\n"
    )
    (checkout.folder / ".venv" / ".system-packages").write_text("libzbar0\nmosquitto\nchromium\n")
    assert "installing" in checkout.run("test").stderr
    assert "installing" not in checkout.run("test", registry=False).stderr
    assert "installing" not in checkout.run("demo", registry=False).stderr


def test_an_old_python_is_told(tmp_path: Path) -> None:
    # What an older Python sees first must be understood by it: no newer syntax before the check.
    program = f"import sys; sys.version_info = (3, 8, 0); import runpy; sys.path.insert(0, {str(ROOT)!r}); "
    told = subprocess.run(
        [sys.executable, "-c", program + "runpy.run_module('app', run_name='__main__')"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "needs Python 3.11 or newer" in told.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that the parent died")
def test_an_install_ends_with_whoever_started_it(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout")
    # A registry that never answers: pip waits for it.
    with socket.create_server(("127.0.0.1", 0)) as registry:
        process = checkout.start(f"http://127.0.0.1:{registry.getsockname()[1]}/")
        registry.settimeout(60)
        registry.accept()[0].close()  # pip is at work
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.kill()
        process.wait(20)
        _, alive = psutil.wait_procs(children, timeout=10)
        assert not alive
    assert checkout.run("doctor").stdout.startswith("thing 1.0")
