"""Errors as both HTTP doors show them: one sentence of what happened and one of what clears it.

Source: RFC 9457 (problem details), RFC 9110 (status codes and their fields).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app.errors import BirthmarkError
from app.sentences import Sentence

MEDIA_TYPE = "application/problem+json"
_TRY_AGAIN_AFTER = 5
_HALF_A_PAIR = "surrogates not allowed"  # JSON may spell half of a pair (RFC 8259, section 8.2); UTF-8 has none


@dataclass(frozen=True, slots=True)
class Problem:
    """One error, ready to be shown."""

    status: int
    code: str
    title: str
    sentence: str
    more: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def json(self, request_id: str) -> JSONResponse:
        """As problem+json; `instance` names the request, the same id stands in the log."""
        body = {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.sentence,
            "instance": f"urn:uuid:{request_id}",
            **self.more,
        }
        return JSONResponse(body, self.status, self.headers, media_type=MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """The problem behind any exception; an unexpected one says nothing of the inside."""
    if isinstance(error, BirthmarkError):
        return _of_ours(error)
    if isinstance(error, RequestValidationError):
        return _of_validation(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    if is_unstorable(error):
        return UNSTORABLE
    if is_database_away(error):
        return Problem(
            503,
            "unavailable",
            Sentence("The database cannot be reached"),
            Sentence(
                "The database does not answer, and nothing was stored. Repeat the request in a few seconds; if that "
                "does not help, `python3 -m app doctor` says what is wrong."
            ),
            headers={"Retry-After": str(_TRY_AGAIN_AFTER)},
        )
    return UNEXPECTED


UNSTORABLE = Problem(
    422,
    "invalid",
    "This cannot be taken as it is",
    Sentence(
        "A value in the request cannot be stored or looked for: a text holds the character U+0000 or half a surrogate "
        "pair, is too long, or a number or a time is out of range. Nothing was stored. Correct it and send the request "
        "again."
    ),
)
"""What PostgreSQL refuses as no value at all, or UTF-8 as no text, whichever field it came in."""

UNEXPECTED = Problem(
    500,
    "internal",
    Sentence("Something went wrong in Birthmark"),
    Sentence(
        "This is a fault of the product, not of the request, and nothing was stored. Repeat the request; if it happens "
        "again, give the request's id to whoever runs Birthmark: the log has the rest."
    ),
)


def is_unstorable(error: Exception) -> bool:
    """Whether a value is at fault: SQLSTATE class 22 (data) or 54 (beyond what PostgreSQL holds), or no UTF-8."""
    if isinstance(error, UnicodeEncodeError):
        return error.reason == _HALF_A_PAIR
    return isinstance(error, DataError) or (
        isinstance(error, DBAPIError) and (getattr(error.orig, "sqlstate", None) or "").startswith("54")
    )


def is_database_away(error: Exception) -> bool:
    """Whether PostgreSQL was not there, or went away in the middle."""
    if is_unstorable(error):
        return False
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _of_ours(error: BirthmarkError) -> Problem:
    headers = {}
    details = dict(error.details)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="birthmark"'
    if error.status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        headers["Retry-After"] = str(details.pop("retry_after", _TRY_AGAIN_AFTER))
    return Problem(error.status, error.code, error.title, error.sentence, details, headers)


def _of_validation(error: RequestValidationError) -> Problem:
    faults = [{"field": _spoken(fault["loc"]), "says": fault["msg"]} for fault in error.errors()]
    first, *rest = faults
    told = {"field": first["field"], "problem": first["says"]}
    sentence = Sentence("%(field)s: %(problem)s. Correct it and send the request again.", **told)
    if rest:
        sentence = Sentence(
            "%(field)s: %(problem)s (%(count)s more are listed in `errors`). Correct it and send the request again.",
            **told,
            count=len(rest),
        )
    return Problem(422, "invalid", "This cannot be taken as it is", sentence, {"errors": faults})


def _spoken(place: Sequence[object]) -> str:
    return ".".join(str(part) for part in place).encode(errors="replace").decode()  # a name may be no UTF-8


_TITLES: dict[int, str] = {
    400: Sentence("Bad Request"),
    404: Sentence("Not Found"),
    405: Sentence("Method Not Allowed"),
    413: Sentence("Content Too Large"),
    415: Sentence("Unsupported Media Type"),
}
_SENTENCES: dict[int, str] = {
    400: Sentence("The request cannot be read. Check its body and its headers."),
    404: Sentence("There is nothing at this address. `/docs` lists every address of the API."),
    405: Sentence("This address does not take this method. The field Allow lists those it takes."),
    413: Sentence("The body is larger than anything this address takes. Send it in smaller parts."),
    415: Sentence("A body of this media type is not understood here. `/docs` says which one is."),
}
_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large",
          415: "unsupported_media_type"}  # fmt: skip


def _of_http(error: HTTPException) -> Problem:
    phrase = HTTPStatus(error.status_code).phrase
    said = error.detail if error.detail != phrase else None
    return Problem(
        error.status_code,
        _CODES.get(error.status_code, "http_error"),
        _TITLES.get(error.status_code, phrase),
        said or _SENTENCES.get(error.status_code, phrase),
        headers=dict(error.headers or {}),
    )


MEANINGS = {
    "already_started": "The unit is in another station's hands; complete or end that work first.",
    "bad_request": "The request could not be read at all.",
    "conflict": "The deed contradicts what stands, for example a package received before.",
    "forbidden": "The role of the token or login does not include this.",
    "form_expired": "The page is of a session that has ended; load it again.",
    "http_error": "A general HTTP error; the status code says which.",
    "idempotency_key_reused": "An Idempotency-Key was sent again with another request.",
    "internal": "A fault in the product. The log has the details under the request's id.",
    "invalid": "A value in the request cannot be; `detail` says which and why.",
    "may_not_leave": "Units may not be packed or shipped; `units` lists each with its reasons.",
    "method_not_allowed": "The address exists, the method does not.",
    "not_found": "Nothing is known under this identifier, or it is not yours to see.",
    "too_large": "The body exceeds the limit of this address.",
    "too_many_guesses": "Too many wrong passwords; wait as long as Retry-After says.",
    "unauthorized": "There is no valid token or login with the request.",
    "unavailable": "A part the product needs is away; repeat the request later.",
    "unsupported_media_type": "A body of this media type is not understood.",
    "wrong_password": "Name and password do not belong together.",
}
"""What each code means, for the page that `type` points to."""
