"""The CSV twin of a page: what its query told, as rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from fastapi import Response

from app.http.tables import csv_answer
from app.sentences import plain


def csv_twin(told: Mapping[str, object], name: str) -> Response:
    """`told` as CSV: every element of its lists is a row, or else `told` itself is the only one.

    Members of members get dotted columns (`station.handle`), a list of values becomes words, a list
    of anything else its JSON. Where several lists are told, the first column says which.
    """
    built: dict[str, Any] = msgspec.to_builtins(told, enc_hook=plain)
    lists = {member: value for member, value in built.items() if _is_table(value)}
    if not lists:
        rows = [_flat(built)]
    elif len(lists) == 1:
        rows = [_flat(element) for element in next(iter(lists.values()))]
    else:
        rows = [{"list": member, **_flat(element)} for member, elements in lists.items() for element in elements]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return csv_answer(columns, ([row.get(column) for column in columns] for row in rows), f"{name}.csv")


def _is_table(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(element, dict) for element in value)


def _flat(element: Mapping[str, Any]) -> dict[str, object]:
    return dict(_cells(element, ""))


def _cells(element: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in element.items():
        if isinstance(value, dict):
            yield from _cells(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _cell(value)


def _cell(value: object) -> object:
    if isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(v, dict | list) for v in value):
        return json.dumps(value, ensure_ascii=False)
    return value
