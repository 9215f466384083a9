"""Answers as CSV, streamed row by row (RFC 4180, UTF-8).

Whoever opens such a file may do so in a spreadsheet, and what machines name may begin like a formula: a serial of
`=HYPERLINK(...)` would then be one. So a text that begins with one of `= + - @`, a tab or a carriage return has an
apostrophe before it, which spreadsheets take for "this is text" (OWASP, CSV injection). Programs that must have every
text as it is take JSON or Parquet.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from urllib.parse import quote

from fastapi.responses import StreamingResponse
from starlette.requests import Request

MEDIA_TYPE = "text/csv; charset=utf-8"
_AT_ONCE = 32 * 1024
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def wants_csv(request: Request) -> bool:
    """Whether the asker prefers CSV: `?format=csv` or the field `Accept`."""
    chosen = request.query_params.get("format")
    if chosen:
        return chosen == "csv"
    return "text/csv" in request.headers.get("accept", "")


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
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        if buffer.tell() > _AT_ONCE:
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
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
