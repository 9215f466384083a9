"""Long answers as JSON, streamed element by element."""

from collections.abc import Iterable, Iterator

from fastapi.responses import StreamingResponse

from app.http.answers import encode_json

_AT_ONCE = 32 * 1024


def json_stream(member: str, elements: Iterable[object]) -> StreamingResponse:
    """`{"member": [element, ...]}`. An error halfway leaves it unfinished, so that no reader takes it for whole."""
    return StreamingResponse(_chunks(member, elements), media_type="application/json")


def _chunks(member: str, elements: Iterable[object]) -> Iterator[bytes]:
    buffer = bytearray(b"{" + encode_json(member) + b":[")
    separator = b""
    for element in elements:
        buffer += separator + encode_json(element)
        separator = b","
        if len(buffer) > _AT_ONCE:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer + b"]}")
