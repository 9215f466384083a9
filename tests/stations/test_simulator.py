"""The programs at the line, started as a user starts them, against a real broker."""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.cfx.body import decode_body
from app.cfx.messages import production
from app.embedded.broker import Broker
from app.people import broker_hash
from stations import simulator
from stations.line import stations_for
from stations.program import read_program
from stations.spool import Journal
from tests.stations.consumer import Consumer
from tests.stations.known import from_messages, from_truth, lines

ROOT = Path(__file__).resolve().parents[2]
ALONE = {
    "stations.laser_marker": "Birthmark.LaserMarker.LM01",
    "stations.paste_printer": "Birthmark.Printer.PP01",
    "stations.spi": "Birthmark.SPI.SPI01",
    "stations.placement": "Birthmark.Placer.PM01",
    "stations.reflow": "Birthmark.Oven.RO01",
    "stations.aoi": "Birthmark.AOI.AOI01",
    "stations.xray": "Birthmark.AXI.AXI01",
    "stations.hand_assembly": "Birthmark.Bench.HA01",
    "stations.functional_test": "Birthmark.FCT.FT01",
}


@pytest.fixture
def tokens(broker: Broker, tmp_path: Path) -> Path:
    """A credentials file for every station of the line, all admitted by the broker."""
    handles = [*stations_for(read_program()), "Birthmark.AOI.01"]
    broker.set_credentials({handle: broker_hash(f"token of {handle}") for handle in handles})
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({handle: f"token of {handle}" for handle in handles}))
    return path


@pytest.fixture
def simulate(broker: Broker, tokens: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    def start(*arguments: str, module: str = "stations.simulator") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                sys.executable, "-m", module, "--broker", f"mqtt://{broker.address}", "--credentials", str(tokens),
                "--data", str(tmp_path / "data"), *arguments,
            ],
            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return start


def typed(product: Consumer) -> list[Any]:
    return [decode_body(envelope) for envelope in product.events]


def test_the_simulator_delivers_everything_through_late_repeated_and_shuffled_messages(
    broker: Broker, simulate: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    truth = tmp_path / "truth.jsonl"
    with Consumer(broker.url) as product:
        line = simulate(
            "--panels", "4", "--magazine", "2", "--truth", str(truth), "--rejected", "0.05", "--splice-missed", "0.3",
            "--late", "0.05", "--repeated", "0.05", "--shuffled", "0.3", "--late-seconds", "1",
            "--compress-above", "50000",
        )  # fmt: skip
        out, err = line.communicate(timeout=90)
        assert line.returncode == 0, err
    assert re.search(r"\d+ events reported, 0 waiting, 0 rejected", out)
    known, rejected = from_truth(truth)
    assert from_messages(typed(product)) == (known, rejected)
    assert len(known) == 24
    assert max(product.copies.values()) > 1, "some were repeated"
    assert lines(truth, "end") == [{"kind": "end", "panels": 4, "boards": 24}]


def test_the_simulator_killed_in_the_middle_goes_on_with_what_it_had_confirmed(
    broker: Broker, simulate: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    with Consumer(broker.url) as product:
        line = simulate("--panels", "40", "--journal", "--boards-per-panel", "2")
        assert product.wait_for(150)
        os.kill(line.pid, signal.SIGKILL)
        line.communicate()
        again = simulate("--panels", "1", "--journal", "--boards-per-panel", "1")
        _, err = again.communicate(timeout=90)
        assert again.returncode == 0, err
    confirmed = {unique_id for path in (tmp_path / "data").glob("*.journal") for unique_id, _, _ in Journal.read(path)}
    heard = {str(envelope.unique_id) for envelope in product.events}
    assert len(confirmed) > 150
    assert confirmed <= heard


def test_the_live_line_runs_in_real_time_until_it_is_told_to_stop(
    broker: Broker, simulate: Callable[..., subprocess.Popen[str]]
) -> None:
    with Consumer(broker.url) as product:
        line = simulate("--panels", "forever", "--takt", "0.3", "--boards-per-panel", "2", "--magazine", "2")
        assert product.wait_for(250, timeout=30)
        line.send_signal(signal.SIGTERM)
        _, err = line.communicate(timeout=20)
        assert line.returncode == 0, err
        stamps = [envelope.time_stamp for envelope in product.events]
    assert max(stamps) <= datetime.now(UTC), "nothing is said before its time"
    assert min(stamps) > datetime.now(UTC) - timedelta(seconds=60)


def test_every_kind_of_station_runs_as_a_program_of_its_own(
    broker: Broker, simulate: Callable[..., subprocess.Popen[str]]
) -> None:
    with Consumer(broker.url) as product:
        programs = {
            handle: simulate("--handle", handle, "--panels", "2", "--takt", "0.05", "--no-faults", module=module)
            for module, handle in ALONE.items()
        }
        for handle, program in programs.items():
            out, err = program.communicate(timeout=90)
            assert program.returncode == 0, err
            assert out.startswith(handle)
            assert "0 waiting, 0 rejected" in out
    completed = Counter(
        envelope.source for envelope in product.events if envelope.message_name == production.WorkCompleted.cfx_name
    )
    # The functional test completes the boards of a panel one by one.
    assert completed == {handle: 12 if "FCT" in handle else 2 for handle in ALONE.values()}
    assert max(envelope.time_stamp for envelope in product.events) <= datetime.now(UTC)


def test_events_without_receipt_are_told_at_the_end(
    broker: Broker, simulate: Callable[..., subprocess.Popen[str]]
) -> None:
    station = simulate("--panels", "1", "--takt", "0.05", "--drain-timeout", "0.5", module="stations.aoi")
    out, _ = station.communicate(timeout=30)
    assert station.returncode == 3
    assert re.search(r"[1-9]\d* waiting", out)


def test_a_full_spool_stops_the_station_until_the_product_is_back(
    broker: Broker, simulate: Callable[..., subprocess.Popen[str]]
) -> None:
    with Consumer(broker.url) as product:
        product.silent = True
        station = simulate(
            "--panels", "8", "--takt", "0.01", "--spool-bytes", "20000", "--receipt-timeout", "0.5",
            "--log-format", "json", module="stations.aoi",
        )  # fmt: skip
        assert station.stderr is not None
        for line in station.stderr:
            if "station.stopped" in line:
                assert "bring the network, broker or intake back" in line
                break
        product.silent = False
        _, err = station.communicate(timeout=60)
        assert station.returncode == 0, err
    assert "station.resumed" in err
    states = [message.new_state for message in typed(product) if type(message).__name__ == "StationStateChanged"]
    assert 2500 in states, "standing by: no host"
    assert sum(isinstance(message, production.WorkCompleted) for message in typed(product)) == 8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--panels", "0"], "must be a number from 1"),
        (["--late", "5"], "at most 1"),
        (["--program", "/nowhere.json"], "nowhere"),
        (["--bad-lot", "XYZ"], "no part the machines place"),
        (["--panels", "forever", "--pace", "2"], "--pace must be"),
        (["--credentials", "/nowhere"], "cannot be read"),
        (["--broker", "http://127.0.0.1"], "mqtt://host:port"),
    ],
)
def test_options_that_cannot_be_are_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert simulator.main(["--data", str(tmp_path), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_what_a_line_is_planned_with_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulator.main(["--layout"]) == 0
    layout = json.loads(capsys.readouterr().out)
    operations, slots = layout["operations"], layout["slots"]
    assert operations["Birthmark.AOI.AOI01"] == "optical_inspection"
    assert len(operations) == 10
    assert set(layout["route"]) == set(operations.values())
    assert slots["Birthmark.Printer.PP01"] == {"PP01-PASTE": "SAC305-T4-ROL0"}
    assert len({*slots["Birthmark.Placer.PM01"].values(), *slots["Birthmark.Placer.PM02"].values()}) > 10
