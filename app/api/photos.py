"""Codes in a photograph, for programs without a decoder of their own."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.api.access import asking
from app.decoding.bounded import BoundedReader
from app.errors import Unavailable
from app.http.answers import json_answer
from app.sentences import Sentence

router = APIRouter(tags=["machines"])
_OPENAPI = {
    "requestBody": {
        "required": True,
        "description": "The picture itself: PNG, JPEG, BMP, TIFF, GIF or WebP, at most 12 MB and 50 megapixels",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}


async def _picture(request: Request) -> bytes:
    return await request.body()


@router.post("/decode", openapi_extra=_OPENAPI, dependencies=[Depends(asking)])
def decode(request: Request, picture: Annotated[bytes, Depends(_picture)]) -> Response:
    """Read every QR, Micro QR, Data Matrix, PDF417, Code 128 and Code 39 in a picture.

    `{"readings": [{"text", "symbology"}], "problem"}`; where nothing was read, `problem` says why.
    """
    photos: BoundedReader = request.app.state.photos
    found = photos.read(picture)
    if found.busy:
        raise Unavailable(Sentence("Several pictures are being read already. Send it again in a few seconds."))
    return json_answer({"readings": found.readings, "problem": found.problem})
