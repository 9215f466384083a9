"""Long answers, streamed element by element, and how far they are."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

from fastapi.responses import StreamingResponse
from sqlalchemy import Engine

from app.http.answers import encode_json
from app.live import reporting

_AT_FIRST, _AT_ONCE = 4 * 1024, 32 * 1024
"""Bytes that are sent together: few at first, so that an answer begins at once."""
_LONG = 10_000
_TOLD_EVERY = 1_000

_T = TypeVar("_T")


def json_stream(member: str, elements: Iterable[object]) -> StreamingResponse:
    """`{"member": [element, ...]}`. An error halfway leaves it unfinished, so that no reader takes it for whole."""
    return StreamingResponse(_chunks(member, elements), media_type="application/json")


def _chunks(member: str, elements: Iterable[object]) -> Iterator[bytes]:
    buffer = bytearray(b"{" + encode_json(member) + b":[")
    separator = b""
    enough = _AT_FIRST
    for element in elements:
        buffer += separator + encode_json(element)
        separator = b","
        if len(buffer) > enough:
            enough = _AT_ONCE
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer + b"]}")


def watched(elements: Iterable[_T], engine: Engine, *, deed: str, actor: str) -> Iterator[_T]:
    """The same elements; of a long answer it is seen how far it is, among the deeds that are going on."""
    remaining = iter(elements)
    yield from islice(remaining, _LONG)
    for first in islice(remaining, 1):
        with reporting(engine, deed=deed, actor=actor) as progress:
            for done, element in enumerate(chain([first], remaining), start=_LONG):
                if done % _TOLD_EVERY == 0:
                    progress("streamed", done)
                yield element
