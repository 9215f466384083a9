"""The forms a table can be had in, besides the page or the JSON it is part of."""

from enum import StrEnum

from starlette.requests import Request

from app.http import parquet
from app.http.accepting import preferred


class Form(StrEnum):
    """The value is the file's ending, and that of `?format=`."""

    csv = "csv"
    parquet = "parquet"
    xlsx = "xlsx"
    pdf = "pdf"


MEDIA_TYPES = {
    Form.csv: "text/csv",
    Form.parquet: parquet.MEDIA_TYPE,
    Form.xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Form.pdf: "application/pdf",
}


def form_of(request: Request) -> Form | None:
    """The form asked for by `?format=`, or by the field `Accept`; None where none is."""
    chosen = request.query_params.get("format")
    if chosen:
        return next((form for form in Form if form == chosen), None)
    accepted = preferred(request, MEDIA_TYPES.values())
    return next((form for form, media_type in MEDIA_TYPES.items() if media_type == accepted), None)
