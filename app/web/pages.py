"""How a page is made: templates, what every template may use, forms that cannot be forged."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from app import browser_libraries
from app.http.answers import json_answer
from app.http.problems import Problem
from app.http.tables import wants_csv
from app.people import Actor, Permission, form_token, spoken
from app.sentences import Sentence
from app.trace.question import Question
from app.web import quantities, translations, wording
from app.web.navigation import navigation
from app.web.quantities import DASH
from app.web.refusals import refusal
from app.web.translations import Say
from app.web.twins import csv_twin

HERE = Path(__file__).resolve().parent
STATIC = HERE / "static"
_LONGEST_SHOWN = 20_000


def moment(at: datetime | None) -> str:
    """A time to the second, in UTC; the day only where it is not today."""
    if at is None:
        return DASH
    at = at.astimezone(UTC)
    today = at.date() == datetime.now(UTC).date()
    return f"{at:%H:%M:%S}" if today else f"{at:%Y-%m-%d %H:%M:%S}"


def ago(at: datetime | None, say: Say = str) -> str:
    """How long ago, in one word and a half: `12 s`, `3 min`, `2 h`, `5 d`."""
    if at is None:
        return say("never")
    seconds = max((datetime.now(UTC) - at).total_seconds(), 0)
    for limit, divisor, unit in ((90, 1, "s"), (5400, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return say("%(time)s ago") % {"time": f"{seconds / divisor:.0f} {unit}"}
    return say("%(time)s ago") % {"time": f"{seconds / 86400:.0f} d"}


def amount(value: float | None) -> str:
    """A number as it stands in a field of a form: `168`, `0.5`; nothing is empty."""
    return "" if value is None else f"{value:g}"


def lasted(seconds: float, say: Say) -> str:
    """How long something took: `12 s`, `3 min`, `2.5 h`, `5 d`."""
    seconds = round(seconds, 1)
    for limit, divisor, unit in ((90, 1, "s"), (5400, 60, "min"), (172800, 3600, "h")):
        if abs(seconds) < limit:
            return wording.decimal(f"{seconds / divisor:.3g} {unit}", say)
    return wording.decimal(f"{seconds / 86400:.3g} d", say)


def words(name: str) -> str:
    """A CFX message name as people say it: `WorkStarted` is "Work started"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def raw_text(raw: bytes, say: Say = str) -> str:
    """Bytes as text a person can look at: JSON laid out, control characters as pictures, cut off."""
    text = raw.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    shown = "".join(_picture(character) for character in text[:_LONGEST_SHOWN])
    return f"{shown}\n… ({say('download the bytes for the rest')})" if len(text) > _LONGEST_SHOWN else shown


def visible(text: str) -> str:
    """A text whose control characters are shown as pictures."""
    return "".join(map(_picture, text))


def _picture(character: str) -> str:
    if character in "\n\t" or character.isprintable():
        return character
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


@cache
def environment(language: str) -> Environment:
    """The templates in one language."""
    catalogue = translations.catalogue(language)
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    if language != translations.SOURCE:
        made.finalize = partial(_in_language, say=catalogue.gettext)
    made.install_gettext_callables(catalogue.gettext, catalogue.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(
        moment=moment,
        ago=partial(ago, say=catalogue.gettext),
        number=partial(quantities.number, say=catalogue.gettext),
        amount=amount,
        decimal=partial(wording.decimal, say=catalogue.gettext),
        words=words,
        said=catalogue.gettext,
        operation=partial(wording.operation, say=catalogue.gettext),
        told=partial(wording.told, say=catalogue.gettext),
        deed=partial(wording.deed, say=catalogue.gettext),
        asked=partial(wording.asked, say=catalogue.gettext),
        place=partial(wording.place, say=catalogue.gettext),
        fact=partial(wording.fact, say=catalogue.gettext),
        refusal=partial(refusal, say=catalogue.gettext),
        resolution=partial(wording.resolution, say=catalogue.gettext),
        searched=partial(wording.searched, say=catalogue.gettext),
        product=partial(wording.product, say=catalogue.gettext),
        who=partial(wording.who, say=catalogue.gettext),
        lasted=partial(lasted, say=catalogue.gettext),
        value=partial(quantities.value, say=catalogue.gettext),
        figure=partial(quantities.figure, say=catalogue.gettext),
        quantities=partial(quantities.quantities, say=catalogue.gettext),
        raw_text=partial(raw_text, say=catalogue.gettext),
        visible=visible,
        part=lambda text: quote(text, safe=""),
    )
    made.globals.update(
        ngettext=quantities.counting(made.globals["ngettext"], catalogue.gettext),
        Permission=Permission,
        spoken=lambda role: catalogue.gettext(spoken(role)),
        language=language,
        languages=translations.LANGUAGES,
        library=_library,
        lacking=lambda names: [name for name in names if not _is_there(name)],
    )
    return made


def _in_language(shown: object, say: Say) -> object:
    """What a template shows: sentences that know how they were made are said in the page's language."""
    return wording.told(shown, say) if isinstance(shown, Sentence) else shown


def _is_there(library: str) -> bool:
    return (browser_libraries.VENDOR / library).exists()


def _library(name: str) -> Markup:
    """The script element of one of `browser_libraries.FILES`; nothing where it was not brought."""
    return Markup('<script src="/static/vendor/{}"></script>').format(name) if _is_there(name) else Markup("")


class Visitor:
    """Who looks at a page, and their session: its secret, the language they chose, the station it is at.

    `locks` is true for a session that a badge opened: it locks when nobody touches the screen.
    """

    def __init__(
        self,
        actor: Actor,
        secret: str,
        *,
        language: str | None = None,
        station: str | None = None,
        locks: bool = False,
    ) -> None:
        self.actor = actor
        self.secret = secret
        self.language = language
        self.station = station
        self.locks = locks


def render(request: Request, template: str, visitor: Visitor | None, status: int = 200, **context: Any) -> HTMLResponse:
    """A page for this visitor, in their language and theme."""
    token = form_token(visitor.secret) if visitor else ""
    language = language_of(request, visitor)
    text = (
        environment(language)
        .get_template(template)
        .render(
            navigation=navigation(visitor.actor if visitor else None, request.url.path),
            token=lambda: Markup('<input type="hidden" name="form_token" value="{}">').format(token),
            form_token=token,
            actor=visitor.actor if visitor else None,
            locks=visitor is not None and visitor.locks,
            theme=theme_of(request),
            demo=request.app.state.demo is not None,
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            twin=partial(_twin, request) if context.pop("twins", False) else None,
            **context,
        )
    )
    return HTMLResponse(text, status, headers={"Content-Language": language, "Vary": "Accept, Cookie"})


def answer(
    request: Request,
    template: str,
    visitor: Visitor,
    told: Mapping[str, object],
    status: int = 200,
    **context: Any,
) -> Response:
    """What one query told, as the page, as JSON or as CSV: whichever was asked for.

    `told` is what program and page both get; `context` is what only the page needs.
    """
    if wants_csv(request):
        return csv_twin(told, request.url.path.strip("/").replace("/", "-") or "line")
    if wants_json(request):
        return json_answer(told)
    return render(request, template, visitor, status, **{"twins": True, **told, **context})


def terms_of(asked: Question) -> dict[str, str]:
    """The terms of a question that were given, as an address has them."""
    return {name: str(value) for name, value in asdict(asked).items() if value is not None}


def query_of(asked: Question) -> str:
    """A question as the query of an address."""
    return urlencode(terms_of(asked), quote_via=quote)


def language_of(request: Request, visitor: Visitor | None = None) -> str:
    """What this person chose, else this browser, else what the browser was set to."""
    for chosen in (visitor.language if visitor else None, request.cookies.get("language")):
        if chosen in translations.LANGUAGES:
            return chosen
    return translations.preferred(request.headers.get("accept-language", ""))


def telling(request: Request, visitor: Visitor | None = None) -> Callable[[str], str]:
    """Says a sentence in this visitor's language, for an answer that is no page."""
    language = language_of(request, visitor)
    if language == translations.SOURCE:
        return str
    return partial(wording.told, say=translations.catalogue(language).gettext)


THEMES = ("light", "dark")


def theme_of(request: Request) -> str:
    """`light` or `dark` where this browser's user chose one, else empty: as the system is set."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else ""


def _twin(request: Request, form: str) -> str:
    """The address of this page's twin."""
    asked = [(name, value) for name, value in request.query_params.multi_items() if name not in {"format", "fragment"}]
    return f"{request.url.path}?{urlencode([*asked, ('format', form)], quote_via=quote)}"


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
