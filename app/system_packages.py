"""What a bare Debian lacks and apt can bring, standard library only (used before ``.venv`` exists).

As root with apt the packages are installed; otherwise the product carries on with what there is
and ``doctor`` says what is missing and what that costs.
"""

import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

VENV_MISSING = (
    "This Python comes without venv and pip. One command clears it, as root: "
    "apt-get install -y python3-venv   (then run the same command again)"
)
APT = "/usr/bin/apt-get"
_SOON = ["-o", "Acquire::http::Timeout=30", "-o", "Acquire::https::Timeout=30", "-o", "Acquire::Retries=1"]


def has_libzbar() -> bool:
    """Whether pyzbar finds its shared library."""
    return any(_loads(name) for name in ("libzbar.so.0", "libzbar.dylib", "libzbar-64.dll"))


def mosquitto_program() -> str | None:
    """Path of the Mosquitto broker, which Debian keeps in /usr/sbin, outside a user's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def chromium_program() -> str | None:
    """Path of a Chromium that the browser tests can drive."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def has_ensurepip() -> bool:
    """Whether this Python can make an environment with pip (Debian packs that apart)."""
    return importlib.util.find_spec("ensurepip") is not None


def is_root_with_apt() -> bool:
    """Whether system packages can be installed here."""
    return os.name == "posix" and os.geteuid() == 0 and Path(APT).exists()


def ensure(*, for_tests: bool, note: Path) -> None:
    """Install the missing system packages once; ``note`` remembers what was tried."""
    tried = set(note.read_text().split()) if note.exists() else set()
    wanted = {"libzbar0": has_libzbar, "mosquitto": mosquitto_program}
    if for_tests:
        wanted["chromium"] = chromium_program
    missing = [name for name, present in wanted.items() if name not in tried and not present()]
    if not missing:
        return
    if is_root_with_apt():
        _say(f"installing system packages: {' '.join(missing)}")
        if not _apt_install(missing):
            _say("apt could not install them; carrying on, `python3 -m app doctor` says the cost")
    else:
        _say(f"not installed here: {', '.join(missing)}; `python3 -m app doctor` says the cost")
    note.write_text("".join(f"{name}\n" for name in sorted(tried | set(missing))))


def install_venv() -> bool:
    """Bring Python's ensurepip where root and apt exist; False where they do not."""
    if not is_root_with_apt():
        return False
    _say("installing the system package python3-venv")
    # The plain name follows Debian's default Python; another one has a package of its own.
    own = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    installed = _apt_install(["python3-venv"]) or _apt_install([own])
    importlib.invalidate_caches()
    return installed and has_ensurepip()


def fetch_pip_wheel(folder: Path) -> Path | None:
    """Fetch Debian's pip wheel without being root: ``apt-get download`` needs no rights.

    Returns the wheel, which Python runs as it is, or None where there is no apt or no package.
    apt keeps its lists in ``folder`` too, since an ordinary user may not write the system's.
    """
    if not Path(APT).exists():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (folder / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    own = [*_SOON, "-qq", "-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
    if not (_quietly([APT, *own, "update"], folder) and _quietly([APT, *own, "download", "python3-pip-whl"], folder)):
        return None
    for package in folder.glob("python3-pip-whl_*.deb"):
        _quietly(["dpkg-deb", "-x", str(package), str(folder)], folder)
    shutil.rmtree(folder / "lists")
    return next(folder.glob("usr/share/python-wheels/pip-*.whl"), None)


def die_with_us() -> Callable[[], object] | None:
    """For `preexec_fn`: the child ends when we do, so that no half install goes on behind our back."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _apt_install(packages: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = [APT, *_SOON, "install", "-qq", "-y", "--no-install-recommends", *packages]
    with _no_services_started():
        done = _quietly(command, Path("/"), environment) or (
            _quietly([APT, *_SOON, "-qq", "update"], Path("/"), environment)
            and _quietly(command, Path("/"), environment)
        )
    if done and "mosquitto" in packages and shutil.which("systemctl"):
        # We run a broker of our own: the packaged service shall not come up at the next boot.
        _quietly(["systemctl", "disable", "mosquitto"], Path("/"))
    return done


class _no_services_started:  # noqa: N801  (reads as a statement)
    """Keeps Debian's packages from starting services while they install (policy-rc.d, 101)."""

    policy = Path("/usr/sbin/policy-rc.d")

    def __enter__(self) -> None:
        self.ours = not self.policy.exists()
        if self.ours:
            self.policy.write_text("#!/bin/sh\nexit 101\n")
            self.policy.chmod(0o755)

    def __exit__(self, *_: object) -> None:
        if self.ours:
            self.policy.unlink(missing_ok=True)


def _quietly(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> bool:
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            check=False,
        )  # fmt: skip
    except OSError:
        return False
    return done.returncode == 0


def _say(text: str) -> None:
    sys.stderr.write(f"birthmark: {text}\n")
    sys.stderr.flush()
