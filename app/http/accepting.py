"""What the field `Accept` prefers.

Source: RFC 9110, sections 12.4.2 (weights) and 12.5.1 (Accept).
"""

from collections.abc import Collection

from starlette.requests import Request

_PAGE_OR_JSON = frozenset({"application/json", "text/html", "application/xhtml+xml", "*/*", "application/*", "text/*"})


def preferred(request: Request, media_types: Collection[str]) -> str | None:
    """Which of `media_types` is asked for before the page or the JSON it is part of; None where none is.

    The greatest weight wins, of equal ones the first that is listed; what weighs nothing is not wanted at all.
    """
    asked = (_weighed(one) for line in request.headers.getlist("accept") for one in line.split(","))
    for _, media_type in sorted((one for one in asked if one[0] > 0), key=lambda one: -one[0]):
        if media_type in media_types:
            return media_type
        if media_type in _PAGE_OR_JSON:
            return None
    return None


def _weighed(one: str) -> tuple[float, str]:
    media_type, *parameters = (part.strip().lower() for part in one.split(";"))
    weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        return float(weight), media_type
    except ValueError:
        return 1.0, media_type
