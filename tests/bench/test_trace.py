"""The trace benchmark on a few boards: a real web process answers what the line built, while boards are taken in."""

from pathlib import Path

import pytest

from app.bench import trace
from app.bench.running import Place

BOARDS = 200


def test_answers_over_http_are_what_the_line_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "_BOARDS", {"small": BOARDS})
    monkeypatch.setattr(trace, "_ROUNDS", 1)
    monkeypatch.setattr(trace, "_OF_A_ROUND", 2)
    figures = {figure.name: figure for figure in trace.measure(Place(tmp_path, lambda _: None), "small")}
    assert figures["boards taken in meanwhile"].value > 0
    assert figures[f"an answer of {BOARDS:,} units as CSV, first byte"].value > 0
    assert sum("beside an empty endpoint" in name for name in figures) == 3
    with pytest.raises(AssertionError):
        trace._compare("/", {"units": [{"serial": "another"}]}, ["one"])
    with pytest.raises(AssertionError):
        trace._compare("/", {"installations": [{"reference_designator": "C1", "package": "another"}]}, {"C1": "one"})
