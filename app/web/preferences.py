"""How somebody wants their pages: language and theme."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.db import transaction
from app.people import choose_language
from app.web.pages import THEMES
from app.web.session import here, same_origin, visitor_or_none
from app.web.translations import LANGUAGES

router = APIRouter(include_in_schema=False)

_A_YEAR = 365 * 24 * 3600


@router.post("/preferences")
def prefer(
    request: Request,
    theme: Annotated[str | None, Form()] = None,
    language: Annotated[str | None, Form()] = None,
    to: Annotated[str, Form()] = "/",
) -> Response:
    """Keep the choice in this browser; the language also for the person, whatever screen they use next."""
    same_origin(request)
    response = RedirectResponse(here(to), 303)
    if theme is not None:
        _keep(request, response, "theme", theme if theme in THEMES else "")
    if language in LANGUAGES:
        _keep(request, response, "language", language)
        found = visitor_or_none(request)
        if found:
            with transaction(request.app.state.engine) as connection:
                choose_language(connection, found.actor, language)
    return response


def _keep(request: Request, response: Response, name: str, value: str) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, max_age=_A_YEAR, httponly=True, samesite="lax", secure=secure)
