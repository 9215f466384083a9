"""A PDF is for people: what nobody would print is refused, with a word of what to ask for instead."""

import pytest

from app.errors import Invalid
from app.http import paper


def test_a_pdf_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "LONGEST", 3)
    rows = ([f"SN-{number}", "certain"] for number in range(1000))
    with pytest.raises(Invalid, match=r"longer than 3 pages of PDF.*Parquet"):
        paper.paper_answer("Where used: lot A17", "Asked by Kim", [("unit", 2), ("how sure", 1)], rows, "lot.pdf")
    assert next(rows)[0] < "SN-2", "it gave up at once"
    short = paper.paper_answer("Where used: lot A17", "Asked by Kim", [("unit", 1)], [["SN-1"]], "lot.pdf")
    assert short.media_type == "application/pdf"
