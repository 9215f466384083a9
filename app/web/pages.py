"""How a page is made: templates, what every template may use, forms that cannot be forged."""

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from app.http.problems import Problem
from app.http.tables import wants_csv
from app.people import Actor, Permission, form_token, spoken

HERE = Path(__file__).resolve().parent
STATIC = HERE / "static"
_LONGEST_SHOWN = 20_000
DASH = "\u2013"


def moment(at: datetime | None) -> str:
    """A time to the second, in UTC; the day only where it is not today."""
    if at is None:
        return DASH
    at = at.astimezone(UTC)
    today = at.date() == datetime.now(UTC).date()
    return f"{at:%H:%M:%S}" if today else f"{at:%Y-%m-%d %H:%M:%S}"


def ago(at: datetime | None) -> str:
    """How long ago, in one word and a half: `12 s`, `3 min`, `2 h`, `5 d`."""
    if at is None:
        return "never"
    seconds = max((datetime.now(UTC) - at).total_seconds(), 0)
    for limit, divisor, unit in ((90, 1, "s"), (5400, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit} ago"
    return f"{seconds / 86400:.0f} d ago"


def number(value: float | None) -> str:
    """`4000.0` is 4,000; nothing is a dash."""
    return DASH if value is None else f"{value:,.10g}"


def words(name: str) -> str:
    """A CFX message name as people say it: `WorkStarted` is "Work started"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def raw_text(raw: bytes) -> str:
    """Bytes as text a person can look at: JSON laid out, control characters as pictures, cut off."""
    text = raw.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    shown = "".join(_picture(character) for character in text[:_LONGEST_SHOWN])
    return shown + ("\n… (download the bytes for the rest)" if len(text) > _LONGEST_SHOWN else "")


def _picture(character: str) -> str:
    if character in "\n\t" or character.isprintable():
        return character
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(
    moment=moment,
    ago=ago,
    number=number,
    words=words,
    raw_text=raw_text,
    part=lambda text: quote(text, safe=""),
)
_templates.globals.update(Permission=Permission, spoken=spoken)


def render(
    request: Request, template: str, visitor: "Visitor | None", status: int = 200, **context: Any
) -> HTMLResponse:
    """A page for this visitor."""
    token = form_token(visitor.secret) if visitor else ""
    text = _templates.get_template(template).render(
        current=lambda page: _current(request.url.path, page),
        token=lambda: Markup('<input type="hidden" name="form_token" value="{}">').format(token),
        actor=visitor.actor if visitor else None,
        **context,
    )
    return HTMLResponse(text, status)


def _current(path: str, page: str) -> Markup:
    """Marks the page of the navigation that the visitor is on."""
    here = path == page or (page != "/" and path.startswith(page + "/"))
    return Markup(' aria-current="page"') if here else Markup("")


class Visitor:
    """Who looks at a page, and the secret of their session."""

    def __init__(self, actor: Actor, secret: str) -> None:
        self.actor = actor
        self.secret = secret


def wants_page(request: Request) -> bool:
    """Whether the asker is a person with a browser."""
    if request.query_params.get("format"):
        return False
    accept = request.headers.get("accept", "")
    return "text/html" in accept or "json" not in accept


def wants_json(request: Request) -> bool:
    """Whether the page's JSON twin is asked for."""
    return not wants_csv(request) and not wants_page(request)


def error_page(request: Request, problem: Problem, visitor: Visitor | None = None) -> HTMLResponse:
    """An error for people: what happened, what clears it, and the id under which the log has it."""
    page = render(
        request,
        "error.html",
        visitor,
        problem.status,
        problem=problem,
        request_id=request.state.request_id,
    )
    page.headers.update(problem.headers)
    return page
