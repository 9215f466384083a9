"""`serve` and `demo`: the product in the foreground, with or without a simulated line at it."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import typer

from app.comparison import compare
from app.demo_access import DemoAccess, grant_access
from app.embedded import homes
from app.embedded.processes import MODULE_ENVIRONMENT, Ownership, module_command, spawn, stop, tail
from app.errors import Conflict, Unavailable
from app.people import ensure_first_administrator
from app.running import Product, connected_settings, stopping_on_signals
from app.settings import Settings

SIMULATOR = "stations.simulator"
# What the embedded servers, the demo and the simulator keep; --reset deletes these and nothing else.
OURS = ("logs", "simulator", "demo.json", "truth.jsonl", "postgres.password", "broker.password", "broker.state")


def run_serve(configured: Settings) -> None:
    """Run the product until a signal."""
    with stopping_on_signals(), Product(configured) as product:
        with product.engine.begin() as connection:
            password = ensure_first_administrator(connection)
        typer.echo(f"Birthmark: {product.web_url}")
        if password:
            typer.echo(f"First login: administrator, password {password} (shown once; change it)")
        product.watch()


def run_demo(configured: Settings, *, reset: bool, once: int | None, board: tuple[Path, Path] | None, seed: int) -> int:
    """Run the product with the simulated line; with ``once`` compare what was stored with the truth.

    Returns the exit code: with ``once`` 0 only where nothing differs.
    """
    started = time.monotonic()
    arguments = ["--seed", str(seed)]
    if board:
        arguments += ["--board", *(str(path.resolve()) for path in board)]
    if reset:
        _reset(configured)
    logs = configured.data_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    code = 0
    with stopping_on_signals(), _asked_for_handles() as handles, Product(configured, logs=logs) as product:
        with product.engine.begin() as connection:
            access = grant_access(connection, configured.data_dir / "demo.json", handles())
        product.admit_new_tokens()
        typer.echo(_welcome(product, access, time.monotonic() - started))
        command = _simulator(product.broker_url, configured.data_dir, arguments)
        if once:
            code = _build_and_compare(product, [*command, "--once", str(once)], configured.data_dir / "truth.jsonl")
        else:
            product.start("simulator", command)
            product.watch()
    return code


def run_simulator(configured: Settings, arguments: Sequence[str]) -> int:
    """Run the simulator against the product that runs in this data folder."""
    if not (configured.data_dir / "demo.json").exists():
        raise Unavailable("The simulated stations have no tokens yet. Start `python3 -m app demo` once.")
    with stopping_on_signals(), connected_settings() as connected:
        command = _simulator(str(connected.broker_url), configured.data_dir, arguments)
        return _finish(spawn(command, environment=MODULE_ENVIRONMENT), lambda: None)
    return 0  # stopped by a signal


def _simulator(broker_url: str, data_dir: Path, arguments: Sequence[str]) -> list[str]:
    """The simulator's command line; its stations know their own tokens, not intake's password."""
    scheme, _, address = broker_url.partition("://")
    options = ["--broker", f"{scheme}://{address.rpartition('@')[2]}", "--credentials", str(data_dir / "demo.json")]
    options += ["--data", str(data_dir / "simulator"), "--truth", str(data_dir / "truth.jsonl")]
    return module_command(SIMULATOR, *options, *arguments)


def _build_and_compare(product: Product, command: list[str], truth: Path) -> int:
    """Let the line build its panels, then compare; the last line says how many differences there are."""
    truth.unlink(missing_ok=True)
    log_path = product.logs / "simulator.log" if product.logs else None
    started = time.monotonic()
    code = _finish(spawn(command, environment=MODULE_ENVIRONMENT, log=log_path), product.look)
    if code != 0:
        raise Unavailable(f"The simulator ended with code {code}:\n{tail(log_path) if log_path else 'see above'}")
    with product.engine.connect() as connection:
        found = compare(connection, truth)
    typer.echo(f"\nBuilt in {time.monotonic() - started:.1f} s: {found.summary}")
    for difference in found.differences[:20]:
        typer.echo(f"  {difference}")
    if len(found.differences) > 20:
        typer.echo(f"  and {len(found.differences) - 20} more")
    typer.echo(f"{len(found.differences)} differences")
    return 1 if found.differences or not found.units else 0


def _finish(process: subprocess.Popen[bytes], meanwhile: Callable[[], None]) -> int:
    try:
        while process.poll() is None:
            meanwhile()
            time.sleep(0.1)
    finally:
        stop(process)
    return process.returncode


def _welcome(product: Product, access: DemoAccess, seconds: float) -> str:
    people = "\n".join(f"  {name:<18}{password}" for name, password in access.logins.items())
    return (
        f"\nBirthmark: {product.web_url}   (ready after {seconds:.1f} s)\n\nLogins\n{people}\n\n"
        f"API token (administrator)\n  {access.api_token}\n\n"
        f"Log files: {product.logs}\nCtrl-C stops everything.\n"
    )


def _reset(configured: Settings) -> None:
    """Delete what earlier runs left in the data folder; refuses while one runs there."""
    claim = Ownership(configured.data_dir / "product.lock")
    if not claim.take():
        raise Conflict(f"Birthmark runs in {configured.data_dir}. Stop it first (Ctrl-C where it runs).")
    for name in ("postgres", "broker"):
        homes.remove(configured.data_dir, name)
    for name in OURS:
        path = configured.data_dir / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    claim.release()


@contextlib.contextmanager
def _asked_for_handles() -> Iterator[Callable[[], list[str]]]:
    """Ask the simulator for its stations' CFX handles while the servers start."""
    process = subprocess.Popen(
        module_command(SIMULATOR, "--handles"),
        env={**os.environ, **MODULE_ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )

    def handles() -> list[str]:
        answer, _ = process.communicate(timeout=60)
        if process.returncode != 0:
            raise Unavailable(f"The simulator does not start (code {process.returncode}); its message is above.")
        return [str(handle) for handle in json.loads(answer)]

    try:
        yield handles
    finally:
        stop(process)
        if process.stdout:
            process.stdout.close()
