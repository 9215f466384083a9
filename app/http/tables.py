"""Answers as CSV, streamed row by row (RFC 4180, UTF-8).

Whoever opens such a file may do so in a spreadsheet, and what machines name may begin like a formula: a serial of
`=HYPERLINK(...)` would then be one. So a text that begins with one of `= + - @`, blanks before it or not, a tab or the
end of a line has an apostrophe before it, which spreadsheets take for "this is text" (OWASP, CSV injection). Programs
that must have every text as it is take JSON or Parquet.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from urllib.parse import quote

from fastapi.responses import StreamingResponse
from starlette.requests import Request

from app.http.accepting import preferred

MEDIA_TYPE = "text/csv; charset=utf-8"
_AT_FIRST, _AT_ONCE = 4 * 1024, 32 * 1024
"""Characters that are sent together: few at first, so that an answer begins at once."""
# Whatever blanks come before it, and as wide as it may be written (U+FF1D, U+FF0B, U+FF0D, U+FF20).
_FORMULA = re.compile(r"[\t\r\n]|[\s\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]")


def wants_csv(request: Request) -> bool:
    """Whether the asker prefers CSV: `?format=csv` or the field `Accept`."""
    chosen = request.query_params.get("format")
    if chosen:
        return chosen == "csv"
    return preferred(request, {"text/csv"}) is not None


def csv_answer(columns: Sequence[str], rows: Iterable[Sequence[object]], name: str) -> StreamingResponse:
    """Stream rows as a CSV file called `name`. Lists become words with blanks between them."""
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return StreamingResponse(
        _chunks(columns, rows),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": disposition},
    )


def _chunks(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    enough = _AT_FIRST
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        if buffer.tell() > enough:
            enough = _AT_ONCE
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        value = " ".join(str(item) for item in value)
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return value
