"""What a body must be: JSON, or a form where files come with it."""

from typing import Any

from fastapi import HTTPException, Request
from fastapi.params import Form


async def media_type_known(request: Request) -> None:
    """Refuse a body of a media type that this address does not take: 415 before anything is read out of it."""
    field: Any = getattr(request.scope.get("route"), "body_field", None)
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if field is None or not has_body:
        return
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if isinstance(field.field_info, Form):
        known = sent == "multipart/form-data"
        wanted = "multipart/form-data"
    else:
        known = sent == "application/json" or (sent.startswith("application/") and sent.endswith("+json"))
        wanted = "application/json"
    if not known:
        raise HTTPException(
            415,
            f"A body of {sent or 'no media type'} is not taken here. "
            f"Send {wanted}, and say so in the field Content-Type.",
            {"Accept": wanted},
        )
