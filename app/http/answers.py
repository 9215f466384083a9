"""Answers as JSON, straight from the dataclasses that queries return."""

import re
from dataclasses import field, make_dataclass
from functools import cache
from typing import Any, get_args, get_origin

import msgspec
from fastapi import Response
from msgspec.structs import fields

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


@cache
def documented(shape: type[msgspec.Struct]) -> type:
    """The struct `shape`, which makes answers fast, as a dataclass, which FastAPI describes in `/docs`."""
    members = [
        (one.name, _documented(one.type), *([] if one.required else [field(default=one.default)]))
        for one in fields(shape)
    ]
    return make_dataclass(shape.__name__, members, namespace={"__doc__": shape.__doc__})


def _documented(kind: Any) -> Any:
    if get_origin(kind) is list:
        return list[_documented(get_args(kind)[0])]  # type: ignore[misc]
    is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    return documented(kind) if is_struct else kind


def encode_json(value: object) -> bytes:
    """The bytes of `json_answer`."""
    return _FIRST_NOT_TOLD.sub(b"{", _NOTHING_TOLD.sub(b"", msgspec.json.encode(value, enc_hook=plain)))
