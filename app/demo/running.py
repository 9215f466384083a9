"""The demo from its command line to its exit code."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer

from app.demo import board as boards
from app.demo.access import DemoAccess, grant_access, grant_operators, grant_stations
from app.demo.network import in_terminal, network_address
from app.embedded import homes
from app.embedded.processes import MODULE_ENVIRONMENT, Ownership, module_command, spawn, stop, tail
from app.embedded.stopping import check_stopped, stopping_on_signals
from app.errors import Conflict, Unavailable
from app.running import Product, connected_settings
from app.settings import Settings

SIMULATOR, OPERATORS = "stations.simulator", "stations.operators"
# What the embedded servers, the demo and the simulator keep; --reset deletes these and nothing else.
OURS = ("logs", "simulator", "demo.json", "postgres.password", "broker.password", "broker.state")
# A line that shows what the product is for: one bad lot, and a network that repeats and delays. Not by much: where the
# line runs as fast as it goes, a report that is late holds up what a gate asks for.
LIVELY = (
    "--bad-lot",
    "any",
    "--bad-parts",
    "0.6",
    "--repeated",
    "0.05",
    "--late",
    "0.05",
    "--late-seconds",
    "0.5",
    "--gate",
)
# A panel leaves the line every quarter of a minute, and every six minutes one is carried past the AOI. The gate waits
# for reports that are late, and no longer: then it says that an operation was skipped.
MOVING = ("--takt", "15", "--carried-past", "360", "--gate-patience", "3")
HEAD_START = 1340.0
"""Seconds that the line has been running when the demo begins: long enough for a lot to have gone bad."""

_LONGEST_START = 60.0  # seconds in which the simulator says what it is planned with


def run_demo(configured: Settings, *, reset: bool, once: int | None, board: tuple[Path, Path] | None, seed: int) -> int:
    """Run the product with the simulated line; with ``once`` compare what was stored with the truth.

    Returns the exit code: with ``once`` 0 only where nothing differs.
    """
    started = time.monotonic()
    if reset:
        _reset(configured)
    files = Files(configured.data_dir)
    job = boards.prepare(board, files.folder)
    with stopping_on_signals(), Product(configured, logs=files.logs, demo=files.access) as product:
        with product.engine.begin() as connection:
            access = grant_access(connection, files.access)
        product.wait_for_web()
        product.listen()
        typer.echo(_welcome(product, access, job, time.monotonic() - started))
        # The line is planned only now: whoever waits for the page shall not wait for that, nor for what it takes.
        from app.demo.planning import plan, plan_setups  # noqa: PLC0415

        line = _layout(job)
        with product.engine.begin() as connection:
            grant_stations(connection, files.credentials, list(line["operations"]))
            grant_operators(connection, files.operators_token)
            revision = plan(connection, job, line["operations"], line["route"], once)
            plan_setups(connection, revision, line["slots"])
        product.admit_new_tokens()
        options = ["--seed", str(seed), "--run", job.run, "--program", str(job.program), *LIVELY]
        if once:
            command = files.simulator(product.broker_url, [*options, "--panels", str(once)])
            return _build_and_compare(product, command, files)
        moving = [*MOVING, "--head-start", str(files.idle_for(HEAD_START)), "--panels", "forever"]
        product.start("simulator", files.simulator(product.broker_url, [*options, *moving]))
        product.start("operators", files.operators(product, list(line["slots"])))
        product.watch()
    return 0 if once is None else 130


def run_simulator(configured: Settings, arguments: Sequence[str]) -> int:
    """Run the simulator against the product of this data folder; ``arguments`` are its own."""
    files = Files(configured.data_dir)
    if not files.credentials.exists():
        raise Unavailable("The simulated stations have no tokens yet. Start `python3 -m app demo` once.")
    with stopping_on_signals(), connected_settings() as connected:
        command = files.simulator(str(connected.broker_url), arguments)
        return _finish(spawn(command, environment=MODULE_ENVIRONMENT), lambda: None)
    return 0  # stopped by a signal


class Files:
    """Where the demo keeps what in a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "simulator"
        self.access = data_dir / "demo.json"
        self.logs = data_dir / "logs"
        self.credentials = self.folder / "credentials.json"
        self.operators_token = self.folder / "operators.token"
        self.truth = self.folder / "truth.jsonl"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    def idle_for(self, most: float) -> float:
        """Seconds since the line of an earlier start stood still, at most `most`: a machine's clock never goes back."""
        try:
            return min(most, max(time.time() - self.truth.stat().st_mtime, 0.0))
        except FileNotFoundError:
            return most

    def simulator(self, broker_url: str, arguments: Sequence[str]) -> list[str]:
        """The simulator's command line; its stations have tokens of their own, not intake's password."""
        scheme, _, address = broker_url.partition("://")
        options = ["--broker", f"{scheme}://{address.rpartition('@')[2]}", "--credentials", str(self.credentials)]
        options += ["--data", str(self.folder / "spools"), "--truth", str(self.truth)]
        return module_command(SIMULATOR, *options, *arguments)

    def operators(self, product: Product, handles: Sequence[str]) -> list[str]:
        """The command line of whoever loads the machines ``handles``: they scan at the product's own door."""
        options = ["--product", product.web_url, "--token-file", str(self.operators_token)]
        if product.certificate is not None:
            options += ["--certificate", str(product.certificate.certificate)]
        return module_command(OPERATORS, *options, *handles)


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


def _layout(job: boards.Job) -> dict[str, Any]:
    """What the simulated line is planned with, as the simulator tells it: `operations`, `route` and `slots`."""
    process = spawn(
        module_command(SIMULATOR, "--layout", "--program", str(job.program)),
        environment=MODULE_ENVIRONMENT,
        capture=True,
    )
    with process:  # its end of the pipe is closed, whatever comes
        try:
            said = process.communicate(timeout=_LONGEST_START)[0]
        except subprocess.TimeoutExpired:
            raise Unavailable(
                f"The simulator did not start within {_LONGEST_START:.0f} s. Start the demo again when less else runs."
            ) from None
        finally:
            stop(process)
    if process.returncode != 0:
        raise Unavailable(f"The simulator does not start (code {process.returncode}); its message is above.")
    return dict(json.loads(said))


def _build_and_compare(product: Product, command: list[str], files: Files) -> int:
    """Let the line build its panels, then compare; the last line says how many differences there are."""
    from app.demo.comparison import compare  # noqa: PLC0415  (nobody who only looks at the line needs it)

    files.truth.unlink(missing_ok=True)
    log = files.logs / "simulator.log"
    started = time.monotonic()
    code = _finish(spawn(command, environment=MODULE_ENVIRONMENT, log=log), product.look)
    if code != 0:
        raise Unavailable(f"The simulated line ended with code {code}:\n{tail(log)}")
    built = time.monotonic()
    with product.engine.connect() as connection:
        found = compare(connection, files.truth)
    typer.echo(f"Built and delivered in {built - started:.1f} s, compared in {time.monotonic() - built:.1f} s:")
    typer.echo(found.summary)
    for difference in found.differences[:20]:
        typer.echo(f"  {difference}")
    if len(found.differences) > 20:
        typer.echo(f"  and {len(found.differences) - 20} more")
    typer.echo(f"{len(found.differences)} differences")
    return 1 if found.differences or not found.units else 0


def _finish(process: subprocess.Popen[bytes], meanwhile: Callable[[], None]) -> int:
    try:
        while process.poll() is None:
            check_stopped()
            meanwhile()
            time.sleep(0.1)
    finally:
        stop(process)
    return process.returncode


def _welcome(product: Product, access: DemoAccess, job: boards.Job, seconds: float) -> str:
    people = "\n".join(f"  {name:<18}{password}" for name, password in access.logins.items())
    design = job.design
    remarks = f", {len(design.mismatches)} remarks on its files (page Demo)" if design.mismatches else ""
    return (
        f"\nBirthmark: {product.web_url}   (ready after {seconds:.1f} s)\n"
        f"Begin at:  {product.web_url}/demo?key={access.key}\n"
        f"Machines:  mqtt://{product.broker_address}\n{_phone(product, access)}\nLogins\n{people}\n\n"
        f"API token (administrator)\n  {access.api_token}\n\n"
        f"Board: {design.name} rev {design.revision}, {len(design.components)} components{remarks}\n"
        f"Log files: {product.logs}\nCtrl-C stops everything.\n"
    )


def _phone(product: Product, access: DemoAccess) -> str:
    """The way in for a phone: a QR code, or what opens the demo to the network."""
    network = network_address(product.settings.http_host, product.http_port, secure=product.certificate is not None)
    if network is None:
        return "On a phone: BIRTHMARK_HTTP_HOST=0.0.0.0 python3 -m app demo opens the demo to your network.\n"
    return f"On a phone: {network}/demo?key={access.key}\n\n{in_terminal(f'{network}/demo?key={access.key}')}\n"
