"""What a message about several units says of each of them: its lists without the other units.

A panel's message kept whole for each of its boards would grow with the square of their number, and would show one
customer's boards to another where a carrier holds both. The event keeps the message as it was sent.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import msgspec


def slices(body: str, serials: Collection[str]) -> dict[str, str]:
    """For each of `serials` the body (JSON) with those elements of its lists that name it or nobody.

    The panel or carrier (`PrimaryIdentifier`) gets it whole.
    """
    if len(serials) < 2:
        return dict.fromkeys(serials, body)
    whole: dict[str, Any] = msgspec.json.decode(body)
    of_units = {name: value for name, value in whole.items() if _names_units(value)}
    if not of_units:
        return dict.fromkeys(serials, body)
    own: dict[str, dict[str, list[Any]]] = {name: defaultdict(list) for name in of_units}
    for name, elements in of_units.items():
        for element in elements:
            own[name][element.get("UnitIdentifier") or ""].append(element)
    told = {}
    for serial in serials:
        if serial == whole.get("PrimaryIdentifier"):
            told[serial] = body
            continue
        lists = {name: elements.get(serial, []) + elements.get("", []) for name, elements in own.items()}
        told[serial] = msgspec.json.encode(whole | lists).decode()
    return told


def _names_units(value: object) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(element, dict) for element in value)
        and any(isinstance(element.get("UnitIdentifier"), str) for element in value)
    )
