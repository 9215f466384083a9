"""A photograph in place of a scanner: the codes in it are read by the server's cascade."""

from typing import Annotated

from fastapi import APIRouter, File, Request, Response, UploadFile

from app.decoding.bounded import LARGEST, BoundedReader
from app.errors import Unavailable
from app.sentences import Sentence
from app.web import translations, wording
from app.web.pages import Visitor, answer, language_of
from app.web.session import PostedByUs, TheVisitor

router = APIRouter(prefix="/photo", include_in_schema=False)


@router.get("")
def photo_page(request: Request, visitor: TheVisitor) -> Response:
    """Ask for a photograph."""
    return _page(request, visitor, {"readings": [], "problem": None})


@router.post("", dependencies=[PostedByUs])
def read_photo(request: Request, visitor: TheVisitor, photo: Annotated[UploadFile | None, File()] = None) -> Response:
    """Read it: `{"readings": [{"text", "symbology"}], "problem"}`; where nothing was read, `problem` says why."""
    reader: BoundedReader = request.app.state.photos
    found = reader.read(photo.file.read(LARGEST + 1) if photo else b"")
    if found.busy:
        raise Unavailable(Sentence("Several pictures are being read already. Send it again in a few seconds."))
    # The script of a station's screen shows it as it is, as it does an error.
    say = translations.catalogue(language_of(request, visitor)).gettext
    problem = found.problem and wording.picture(found.problem, say)
    return _page(request, visitor, {"readings": found.readings, "problem": problem})


def _page(request: Request, visitor: Visitor, told: dict[str, object]) -> Response:
    return answer(request, "photo.html", visitor, told)
