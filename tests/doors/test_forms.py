"""Where-used as files that other programs and people read: a workbook, and pages to print."""

import asyncio
import io

import openpyxl
import pypdfium2
import pytest
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from starlette.requests import Request

from app.http import spreadsheets
from app.http.forms import MEDIA_TYPES, Form, form_of
from app.http.paper import paper_answer
from app.http.tables import wants_csv
from tests.doors.story import address

REEL = "R/90 +5%"


@pytest.fixture
def workbook(admin: TestClient, built: list[str]) -> openpyxl.Workbook:
    answer = admin.get(address("trace/where-used", package=REEL, format="xlsx"))
    assert answer.headers["content-type"] == MEDIA_TYPES[Form.xlsx]
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def test_a_workbook_holds_every_board_as_text(workbook: openpyxl.Workbook, built: list[str]) -> None:
    rows = list(workbook.active.iter_rows(values_only=True))
    columns, boards = rows[0], rows[1:]
    assert [row[columns.index("serial")] for row in boards] == built
    assert {row[columns.index("reference_designators")] for row in boards} == {"C1 C2"}
    assert {cell.data_type for row in workbook.active.iter_rows(min_row=2, max_col=1) for cell in row} == {"s"}


def test_identifiers_do_not_become_formulas_dates_or_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "ROWS_IN_SHEET", 4)
    serials = ["=1+1", "2026-11-22", "00000000000000000017", "@SUM(A1)", "1e5"]
    answer = spreadsheets.spreadsheet_answer(["serial"], ((serial,) for serial in serials), "x.xlsx")
    book = openpyxl.load_workbook(answer.path)
    cells = [row[0] for sheet in book for row in sheet.iter_rows(min_row=2)]
    assert [(cell.value, cell.data_type) for cell in cells] == [(serial, "s") for serial in serials]
    assert len(book.worksheets) == 2, "a sheet that is full is followed by another"


async def _body(answer: StreamingResponse) -> bytes:
    return b"".join([bytes(chunk) async for chunk in answer.body_iterator if not isinstance(chunk, str)])


def _pages(content: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(content)
    return [page.get_textpage().get_text_range() for page in document]


def test_pages_to_print_name_the_question_and_every_board(admin: TestClient, built: list[str]) -> None:
    answer = admin.get(address("trace/where-used", package=REEL), headers={"Accept": "application/pdf"})
    (page,) = _pages(answer.content)
    assert f"Where used: package {REEL}" in page
    assert all(serial in page for serial in built)
    assert "page 1" in page
    assert "administrator" in page, "who asked"


def test_a_long_table_goes_on_over_pages_and_loses_no_character() -> None:
    serials = [f"{number:04}-" + "X" * 70 for number in range(120)]
    answer = paper_answer("T" * 300, "", (("serial", 1), ("reason", 9)), ((one, "why " * 60) for one in serials), "x")
    pages = _pages(asyncio.run(_body(answer)))
    assert len(pages) > 3
    letters = "".join("".join(pages).split())
    assert letters.count("X" * 5) >= 1
    assert sum(letters.count(f"{number:04}-") for number in range(120)) == 120
    assert letters.count("X") == 70 * 120
    assert letters.count("T" * 10) >= len(pages), "the title stands on every page"


@pytest.mark.parametrize("form", list(Form))
def test_nobody_gets_a_file_of_what_is_not_known(admin: TestClient, form: Form) -> None:
    answer = admin.get(address("trace/where-used", package="NO-SUCH", format=form))
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("No package NO-SUCH is known")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/csv", Form.csv),
        ("application/pdf, text/csv", Form.pdf),
        ("application/json, text/csv", None),
        ("text/csv;q=0", None),
        ("text/csv;q=0.5, application/pdf", Form.pdf),
        ("TEXT/CSV; charset=utf-8", Form.csv),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", None),
        ("text/csv;q=nonsense", Form.csv),
        ("", None),
    ],
)
def test_what_is_preferred_is_given(accept: str, form: Form | None) -> None:
    asked = Request({"type": "http", "query_string": b"", "headers": [(b"accept", accept.encode())]})
    assert form_of(asked) == form
    assert wants_csv(asked) == (form is Form.csv or "application/pdf" in accept)
