"""Answers as JSON, straight from the dataclasses that queries return."""

import re
from dataclasses import fields
from typing import Any, get_type_hints

import msgspec
from fastapi import Response

from app.sentences import plain

# Left out where there is nothing to say; every other member is there, null if need be. A quotation mark within a text
# has a backslash before it, so that these are members wherever they are found.
_NOTHING_TOLD = re.compile(rb',"(?:customer|next|removed_at|via)":null')
_FIRST_NOT_TOLD = re.compile(rb'\{"(?:customer|next|removed_at|via)":null(?:,|(?=\}))')


def json_answer(value: object, status: int = 200) -> Response:
    """`value` (dataclasses, mappings, lists) as JSON; times are RFC 3339 in UTC."""
    return Response(encode_json(value), status, media_type="application/json")


def whole_answer(value: object, status: int = 200) -> Response:
    """The same of a value that has nothing to be left out: long answers are made so (`omit_defaults`)."""
    return Response(msgspec.json.encode(value, enc_hook=plain), status, media_type="application/json")


def leaving_out(shape: type, *names: str, **others: Any) -> type[msgspec.Struct]:
    """The dataclass `shape` for `whole_answer`: without its members `names` where they are null.

    `others`: members of another type than in `shape`.
    """
    hints = get_type_hints(shape) | others
    told = [(one.name, hints[one.name]) for one in fields(shape) if one.name not in names]
    return msgspec.defstruct(
        shape.__name__, [*told, *((name, hints[name], None) for name in names)], omit_defaults=True
    )


def encode_json(value: object) -> bytes:
    """The bytes of `json_answer`."""
    return _FIRST_NOT_TOLD.sub(b"{", _NOTHING_TOLD.sub(b"", msgspec.json.encode(value, enc_hook=plain)))
