"""Tables as XLSX, written to disk row by row: memory does not grow with them.

Every value that is not a number or a moment is written as text, so that no identifier becomes a formula, a date or
1.0E+19. A sheet ends at its 1,048,576th row (ECMA-376 has no more); the next one goes on.
"""

import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from fastapi.responses import FileResponse
from starlette.background import BackgroundTask
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS_IN_SHEET = 1_048_576
_LONGEST_TEXT = 32_767


def spreadsheet_answer(columns: Sequence[str], rows: Iterable[Sequence[object]], name: str) -> FileResponse:
    """Rows as a workbook called `name`; it is whole before the answer begins."""
    with tempfile.NamedTemporaryFile(suffix=".xlsx", delete=False) as file:
        path = Path(file.name)
    try:
        _write(path, columns, rows)
    except BaseException:
        path.unlink()
        raise
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return FileResponse(
        path,
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": disposition},
        background=BackgroundTask(path.unlink),
    )


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with Workbook(str(path), {"constant_memory": True, "in_memory": False}) as book:
        bold = book.add_format({"bold": True})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        sheet, row_number = _sheet(book, columns, bold), 1
        for row in rows:
            if row_number == ROWS_IN_SHEET:
                sheet, row_number = _sheet(book, columns, bold), 1
            for column, value in enumerate(row):
                _cell(sheet, row_number, column, value, moment)
            row_number += 1


def _sheet(book: Workbook, columns: Sequence[str], bold: Format) -> Worksheet:
    sheet = book.add_worksheet(str(len(book.worksheets()) + 1))  # a number is the same in every language
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(columns) - 1, 24)
    for number, column in enumerate(columns):
        sheet.write_string(0, number, column, bold)
    return sheet


def _cell(sheet: Worksheet, row: int, column: int, value: object, moment: Format) -> None:
    match value:
        case None:
            return
        case datetime():  # a workbook knows no zones: UTC, as everywhere
            sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), moment)
        case bool() | str():
            sheet.write_string(row, column, str(value)[:_LONGEST_TEXT])
        case int() | float():
            sheet.write_number(row, column, value)
        case list() | tuple():
            sheet.write_string(row, column, " ".join(map(str, value))[:_LONGEST_TEXT])
        case _:
            sheet.write_string(row, column, str(value)[:_LONGEST_TEXT])
