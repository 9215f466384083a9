"""Answers as JSON, straight from the dataclasses that queries return."""

from typing import Any

import msgspec
from fastapi import Response

# Left out where there is nothing to say; every other member is there, null if need be.
_OPTIONAL = frozenset({"customer", "next", "removed_at", "via"})


def json_answer(value: object, status: int = 200) -> Response:
    """`value` (dataclasses, mappings, lists) as JSON; times are RFC 3339 in UTC."""
    return Response(encode_json(value), status, media_type="application/json")


def encode_json(value: object) -> bytes:
    """The bytes of `json_answer`."""
    return msgspec.json.encode(_pruned(msgspec.to_builtins(value)))


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _pruned(member) for name, member in value.items() if member is not None or name not in _OPTIONAL}
    if isinstance(value, list | tuple):
        return [_pruned(element) for element in value]
    return value
