"""Figures: targets, the table, the file and the exit code that scripts rely on."""

import json
from pathlib import Path

import pytest

from app.bench import running
from app.bench.figures import Figure, figure, missed, render, write
from app.errors import Invalid


def test_ratio_is_value_by_reference_and_targets_are_judged_by_it() -> None:
    assert figure("size", 50, "B", 4000).ratio_at_most(1 / 80).reached is True
    assert figure("size", 51, "B", 4000).ratio_at_most(1 / 80).reached is False
    assert figure("speed", 800, "boards/s", 100).ratio_at_least(8).reached is True
    assert figure("wait", 5.1, "ms").at_most(5).reached is False
    assert figure("told", 5.1, "ms").reached is None


def test_the_file_has_the_shape_of_the_contract(tmp_path: Path) -> None:
    figures = [figure("size", 50, "B", 4000).ratio_at_most(1 / 80), figure("told", 1.5, "ms")]
    content = json.loads(write(tmp_path / "bench", "genealogy", "small", figures).read_text())
    assert content.keys() == {"machine", "scale", "figures"}
    assert content["scale"] == "small"
    assert content["figures"][0] == {
        "name": "size",
        "value": 50,
        "unit": "B",
        "reference": 4000,
        "ratio": 0.0125,
        "target": "ratio <= 1/80",
        "reached": True,
    }
    assert content["figures"][1]["target"] is None


def test_the_table_shows_what_was_missed() -> None:
    table = render([figure("size", 4000, "B", 4000).ratio_at_most(1 / 80), figure("told", 1234567, "B")])
    assert "MISSED" in table
    assert "1,234,567 B" in table


@pytest.mark.parametrize(("reached", "code"), [(True, 0), (False, 1), (None, 0)])
def test_a_missed_target_is_exit_code_1(
    reached: bool | None, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Figure(name="n", value=1, unit="s", target="<= 1 s", reached=reached)
    monkeypatch.setattr("app.bench.intake.measure", lambda _place, _scale: [found])
    assert running.run("intake", "small", tmp_path) == code
    assert (tmp_path / "bench" / "intake.json").exists()
    assert ("Missed: n" in capsys.readouterr().out) == (code == 1)
    assert bool(missed([found])) == (code == 1)


@pytest.mark.parametrize(("name", "scale"), [("nonsense", "small"), ("intake", "huge")])
def test_an_unknown_benchmark_or_scale_is_refused(name: str, scale: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        running.run(name, scale, tmp_path)
