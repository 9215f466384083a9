"""The way in on a bare machine: ``python3 -m app COMMAND``, standard library only.

Makes ``.venv`` beside this package, installs the lock into it (every file checked against its hash;
``test`` has a lock of its own, which holds the other), and hands over to :mod:`app.cli` in that
environment. A stamp written last says what was installed, so the second start installs nothing and
an interrupted install is noticed and made anew. Where the package is installed (no lock beside it)
there is nothing to prepare.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
TEST_LOCK = ROOT / "requirements-test.lock"  # the same pins and those that only the tests need
ENVIRONMENT = ROOT / ".venv"
STAMP = ENVIRONMENT / ".installed"  # what was installed, written last
UNFINISHED = ENVIRONMENT / ".installing"  # there while an install runs
OLDEST_PYTHON = (3, 11)


def main() -> None:
    """Prepare what is missing, then run the command line."""
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:2]))
        sys.exit(f"Birthmark needs Python 3.11 or newer, this is {found}: run it with a newer one.")
    if LOCK.exists():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            _prepare(sys.argv[1:])
        except KeyboardInterrupt:
            sys.exit(130)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
            python = str(_environment_python())
            sys.stdout.flush()
            os.execv(python, [python, "-m", "app", *sys.argv[1:]])  # noqa: S606
    try:
        from app.cli import main as command_line  # noqa: PLC0415  (exists only once installed)

        command_line()
    except KeyboardInterrupt:  # while packages are loaded: nothing is open yet that would have to be closed
        sys.exit(130)


def _prepare(arguments: Sequence[str]) -> None:
    # Not needed where nothing is to be prepared.
    from app import browser_libraries, system_packages  # noqa: PLC0415

    for_tests = arguments[:1] == ["test"]
    lock = TEST_LOCK if for_tests else LOCK
    if not (_is_ready(lock) and browser_libraries.is_current(for_tests=for_tests)):
        with _only_one():
            if not _is_ready(lock):
                _install(lock)
            browser_libraries.ensure(_make_environment, for_tests=for_tests)
    system_packages.ensure(for_tests=for_tests, note=ENVIRONMENT / ".system-packages")


def _is_ready(lock: Path) -> bool:
    return not UNFINISHED.exists() and _stamp(lock) in _stamps()


def _stamps() -> list[str]:
    try:
        return STAMP.read_text().splitlines()
    except OSError:
        return []


def _stamp(lock: Path) -> str:
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    return f"{digest} {sys.implementation.cache_tag} {sys.platform}"


def _environment_python() -> Path:
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


class _only_one:  # noqa: N801  (reads as a statement)
    """Holds the checkout's install lock, so that two first starts do not install at once."""

    def __enter__(self) -> None:
        self.file = (ROOT / ".venv.lock").open("w")
        try:
            import fcntl  # noqa: PLC0415  (not on Windows)

            fcntl.flock(self.file, fcntl.LOCK_EX)
        except ImportError:
            pass

    def __exit__(self, *_: object) -> None:
        self.file.close()


def _install(lock: Path) -> None:
    stale = ENVIRONMENT.exists() and (UNFINISHED.exists() or not _same_python())
    if stale and Path(sys.prefix).resolve() == ENVIRONMENT.resolve():
        # This interpreter lives in the environment to be made anew: let the one below it do it.
        below = str(getattr(sys, "_base_executable", "python3"))
        os.execv(below, [below, "-m", "app", *sys.argv[1:]])  # noqa: S606
    if stale:
        shutil.rmtree(ENVIRONMENT)
    _say("installing the locked packages into .venv (once; about a minute)")
    pip = _make_environment()
    still_right = {_stamp(each) for each in _locks_within(lock)}
    UNFINISHED.touch()
    STAMP.unlink(missing_ok=True)
    checked = ["--require-hashes", "--only-binary", ":all:"]
    _run(
        [*pip, "install", "--quiet", "--no-input", *checked, "--requirement", str(lock)],
        "The locked packages could not be installed. Check that the package registry can be "
        "reached (pip's own settings apply), then run the same command again.",
    )
    STAMP.write_text("".join(f"{stamp}\n" for stamp in sorted(still_right)))
    UNFINISHED.unlink()


def _locks_within(lock: Path) -> list[Path]:
    """The locks that are satisfied once ``lock`` is installed.

    The test lock holds the other one; the pins are the same, so a test lock that was satisfied
    before stays so.
    """
    if lock == TEST_LOCK or _stamp(TEST_LOCK) in _stamps():
        return [LOCK, TEST_LOCK]
    return [LOCK]


def _same_python() -> bool:
    """Whether the environment was made by this Python and still runs."""
    made_by = {stamp.split()[1] for stamp in _stamps()}
    return _environment_python().exists() and made_by <= {sys.implementation.cache_tag}


def _make_environment() -> list[str]:
    """Make ``.venv`` where it is missing and return the command that is its pip."""
    from app import system_packages  # noqa: PLC0415

    python = str(_environment_python())
    if _environment_python().exists():
        if _succeeds([python, "-m", "pip", "--version"]):
            return [python, "-m", "pip"]
    elif system_packages.has_ensurepip() or system_packages.install_venv():
        _run(
            [sys.executable, "-m", "venv", str(ENVIRONMENT)],
            "Python could not make the environment .venv. Check that the folder is writable and "
            "the disk is not full, then run the same command again.",
        )
        return [python, "-m", "pip"]
    else:
        _run(
            [sys.executable, "-m", "venv", "--without-pip", str(ENVIRONMENT)],
            system_packages.VENV_MISSING,
        )
    wheel = system_packages.fetch_pip_wheel(ENVIRONMENT / "pip-wheel")
    if wheel is None:
        shutil.rmtree(ENVIRONMENT)
        sys.exit(system_packages.VENV_MISSING)
    return [python, f"{wheel}/pip"]


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(command: Sequence[str], what_clears_it: str) -> None:
    """Run a step of the install; it ends when we do, so that no half install goes on behind our back."""
    from app import system_packages  # noqa: PLC0415

    if subprocess.run(command, preexec_fn=system_packages.die_with_us(), check=False).returncode != 0:
        sys.exit(what_clears_it)


def _say(text: str) -> None:
    print(f"birthmark: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
