"""The benchmark compares like with like: both ways give the same numbers, and size does not depend on the machine."""

import pytest

from app.bench import measurements


def test_packed_columns_and_rows_agree(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurements, "STUDIED", 20)
    monkeypatch.setattr(measurements, "MESSAGES", 2)
    monkeypatch.setattr(measurements, "_TURNS", 1)

    told = measurements.compare(database, 20)
    figures = {figure.name: figure for figure in told}

    assert len(figures) == len(told)
    assert figures["size"].reached
    assert set(figures) >= {"ingest", "Cpk of all pads", "one pad"}
