"""Dockerfile and compose.yaml, as far as they can be held to something without a container engine."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.embedded.broker import _CONFIG, Broker
from app.embedded.processes import free_port
from app.people import broker_hash
from app.running import write_external_credentials
from app.system_packages import mosquitto_program
from tests.architecture.sources import ROOT
from tests.platform.mqtt_client import Client

HANDLE = "Acme.Placer.0001"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return loaded


def test_the_dockerfile_passes_the_linter() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("the linter hadolint has no wheel for this platform")
    done = subprocess.run([str(linter), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stdout


def test_the_image_does_not_run_as_root_and_watches_its_health() -> None:
    text = (ROOT / "Dockerfile").read_text()
    last = text.rpartition("\nFROM ")[2]
    assert "\nUSER 1883:1883\n" in last
    assert "/healthz" in last
    assert "libzbar0" in last
    assert "requirements-test.lock" not in text


def test_compose_hangs_together(compose: dict[str, Any]) -> None:
    services, volumes = compose["services"], compose["volumes"]
    assert set(services) == {"database", "broker", "app"}
    for name, service in services.items():
        assert service.get("image") or service.get("build"), name
        for mount in service["volumes"]:
            source = mount.split(":")[0]
            assert source in volumes or (ROOT / source).exists(), mount
        for needed, condition in service.get("depends_on", {}).items():
            assert condition["condition"] != "service_healthy" or "healthcheck" in services[needed]
    assert set(volumes) == {
        mount.split(":")[0] for s in services.values() for mount in s["volumes"] if not mount.startswith(".")
    }
    secrets = [line for line in (ROOT / "compose.yaml").read_text().splitlines() if "PASSWORD:" in line]
    assert all("${" in line for line in secrets), "no password stands in the file"


def test_compose_sets_only_settings_that_exist(compose: dict[str, Any]) -> None:
    from app.settings import Settings  # noqa: PLC0415

    known = {f"BIRTHMARK_{name.upper()}" for name in Settings.model_fields}
    assert set(compose["services"]["app"]["environment"]) <= known


def test_both_brokers_have_the_same_limits() -> None:
    def options(text: str) -> dict[str, str]:
        pairs = (line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: value for name, value in pairs if "/" not in value and name not in {"listener", "log_type"}}

    ours = {name: value for name, value in options(_CONFIG).items() if "{" not in value}
    theirs = options((ROOT / ".compose/mosquitto/mosquitto.conf").read_text())
    assert theirs == {name: value for name, value in ours.items() if name != "log_timestamp_format"}


def test_shell_scripts_parse() -> None:
    for script, shell in ((".compose/mosquitto/run.sh", "sh"), (".compose/postgres/10-birthmark.sh", "bash")):
        subprocess.run([shell, "-n", str(ROOT / script)], check=True)


@pytest.fixture
def composed_broker(data_dir: Path) -> Iterator[tuple[Broker, Path]]:
    """Mosquitto started the way compose.yaml starts it, with its files in other places."""
    if not mosquitto_program():
        pytest.skip("mosquitto is not installed: apt-get install -y mosquitto")
    port, credentials, kept = free_port(), data_dir / "credentials", data_dir / "kept"
    kept.mkdir()
    config = (ROOT / ".compose/mosquitto/mosquitto.conf").read_text()
    config = config.replace("listener 1883", f"listener {port} 127.0.0.1").replace("/credentials", str(credentials))
    # Compose names the user for the container; here Mosquitto would leave root by itself and lose its files.
    user = "user root\n" if os.geteuid() == 0 else ""
    (data_dir / "mosquitto.conf").write_text(user + config.replace("/mosquitto/data/", f"{kept}/"))
    said = data_dir / "mosquitto.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            ["sh", str(ROOT / ".compose/mosquitto/run.sh")],
            env={
                "PATH": f"{os.environ['PATH']}:/usr/sbin",
                "CREDENTIALS": str(credentials),
                "CONFIG": str(data_dir / "mosquitto.conf"),
            },
            stderr=log,
        )
    broker = Broker(data_dir, port=port)  # only for its address
    yield broker, credentials
    running = process.poll() is None
    process.terminate()
    assert process.wait(10) is not None
    assert running, said.read_text()


def test_the_composed_broker_follows_the_products_tokens(composed_broker: tuple[Broker, Path]) -> None:
    broker, credentials = composed_broker
    url = f"mqtt://intake:s%20cret@127.0.0.1:{broker.port}"
    write_external_credentials(credentials, url, {})
    assert eventually(broker, "intake", "s cret")
    assert not admitted(broker, HANDLE, "right")
    write_external_credentials(credentials, url, {HANDLE: broker_hash("right")})
    assert eventually(broker, HANDLE, "right")
    write_external_credentials(credentials, url, {})
    assert eventually(broker, HANDLE, "right", wanted=False)


def admitted(broker: Broker, user: str, password: str) -> bool:
    try:
        client = Client(broker, user, password)
    except OSError:
        return False
    client.close()
    return client.codes[0] == "Success"


def eventually(broker: Broker, user: str, password: str, *, wanted: bool = True) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if admitted(broker, user, password) == wanted:
            return True
        time.sleep(0.2)
    return False


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can make a tree to run the steps in")
@pytest.mark.skipif(not shutil.which("debootstrap"), reason="needs debootstrap: apt-get install -y debootstrap")
def test_the_dockerfiles_steps_make_a_machine_that_serves(tmp_path: Path) -> None:
    from tests.platform.dockerfile import Build  # noqa: PLC0415

    with Build(ROOT / "Dockerfile", tmp_path) as build:
        build.run()
        with build.container() as container:
            deadline = time.monotonic() + 60
            while not container.healthy():
                assert time.monotonic() < deadline, container.log()
                time.sleep(0.5)
            assert container.user == (1883, 1883)
        assert container.exit_code == 0, container.log()
        assert not build.processes()
