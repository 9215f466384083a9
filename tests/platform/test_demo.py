"""The demo as a user runs it, and the comparison that may not be fooled."""

import json
import sys
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Connection

from app.demo import running
from app.demo.board import prepare
from app.demo.comparison import compare
from app.errors import Unavailable
from tests.folders import data_folder
from tests.platform.test_running import app, left_in, until


def test_what_the_line_built_is_what_is_stored_and_the_comparison_would_notice() -> None:
    with data_folder() as folder:
        built = app(folder, "demo", "--once", "2", BIRTHMARK_HTTP_PORT="0")
        assert built.returncode == 0, built.stdout + built.stderr
        assert built.stdout.splitlines()[-1] == "0 differences"
        assert until(lambda: not left_in(folder))
        truth = folder / "simulator" / "truth.jsonl"
        placed = next(line for line in truth.read_text().splitlines() if '"outcome": "placed"' in line)
        told = json.loads(placed)

        asked = app(folder, "trace", "made-from", told["serial"])
        row = next(line for line in asked.stdout.splitlines() if line.startswith(f"{told['reference_designator']} "))
        assert told["package"] in row
        assert "exact" in row
        used = app(folder, "trace", "where-used", "--package", told["package"])
        assert told["serial"] in used.stdout

        kept = folder / "line.backup"
        assert app(folder, "backup", str(kept)).returncode == 0
        fresh = app(folder, "demo", "--reset", "--once", "1", BIRTHMARK_HTTP_PORT="0")
        assert fresh.returncode == 0, fresh.stdout + fresh.stderr
        assert app(folder, "trace", "made-from", told["serial"]).returncode == 1
        assert app(folder, "restore", str(kept), "--replace", "birthmark").returncode == 0
        assert app(folder, "trace", "made-from", told["serial"]).stdout == asked.stdout


def test_a_difference_is_named(connection: Connection, tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    part = {"package": "REEL-1", "part_number": "R-10K", "lot": "L1", "station": "A.B.C"}
    lines = [
        {"kind": "unit", "serial": "S1"},
        {"kind": "placement", "serial": "S1", "reference_designator": "R1", "outcome": "placed", **part},
        {"kind": "placement", "serial": "S1", "reference_designator": "R2", "outcome": "rejected", **part},
        {"kind": "end"},
    ]
    truth.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = compare(connection, truth)
    assert (found.units, found.placements) == (1, 1)
    assert found.differences == ["S1: not stored at all", "package REEL-1: where-used does not name S1"]


def test_a_run_that_broke_off_is_not_taken_for_a_good_one(connection: Connection, tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    truth.write_text('{"kind": "unit", "serial": "S1"}\n')
    with pytest.raises(Unavailable, match="did not come to its end"):
        compare(connection, truth)


def test_a_simulator_that_does_not_start_is_told_and_not_left_running(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark = f"import time; time.sleep(600)  # {tmp_path}"
    monkeypatch.setattr(running, "module_command", lambda *_: [sys.executable, "-c", mark])
    monkeypatch.setattr(running, "_LONGEST_START", 0.2)
    with pytest.raises(Unavailable, match="did not start within"):
        running._layout(prepare(None, tmp_path))
    assert not [one for one in psutil.process_iter(["cmdline"]) if mark in (one.info["cmdline"] or ())]
