"""Answers as JSON, straight from the dataclasses that queries return."""

import re

import msgspec
from fastapi import Response

# Left out where there is nothing to say; every other member is there, null if need be. A quotation mark within a text
# has a backslash before it, so that these are members wherever they are found.
_NOTHING_TOLD = re.compile(rb',"(?:customer|next|removed_at|via)":null')
_FIRST_NOT_TOLD = re.compile(rb'\{"(?:customer|next|removed_at|via)":null(?:,|(?=\}))')


def json_answer(value: object, status: int = 200) -> Response:
    """`value` (dataclasses, mappings, lists) as JSON; times are RFC 3339 in UTC."""
    return Response(encode_json(value), status, media_type="application/json")


def whole_answer(value: object, status: int = 200) -> Response:
    """The same of a value that has nothing to be left out: long answers are made so (`omit_defaults`)."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def encode_json(value: object) -> bytes:
    """The bytes of `json_answer`."""
    return _FIRST_NOT_TOLD.sub(b"{", _NOTHING_TOLD.sub(b"", msgspec.json.encode(value)))
