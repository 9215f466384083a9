"""How many pieces are left in packages now: what was counted last, less what was drawn since (the mass balance)."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from app.trace.counted import Known, known_of
from app.trace.drawn import Counted, Drawn, PieceCounts, drawn_from


@dataclass(frozen=True, slots=True)
class Left:
    """Pieces left, at least and at most; `says` is the count it rests on."""

    at_least: float
    at_most: float
    says: str


def pieces_left(connection: Connection, package_ids: Collection[int]) -> dict[int, Left]:
    """What is left in each of these packages. Those nobody ever counted, and pastes, are not in the answer."""
    if not package_ids:
        return {}
    known = known_of(connection, list(package_ids))
    counted = [Counted(one.package_id, one.identifier, one.remaining.at if one.remaining else None) for one in known]
    drawn = drawn_from(connection, counted, PieceCounts(connection))
    found = {one.package_id: _left(one, drawn[one.package_id]) for one in known}
    return {package_id: left for package_id, left in found.items() if left is not None}


def _left(known: Known, drawn: Drawn) -> Left | None:
    if drawn.applied:
        return None
    least, most = drawn.placed.at_least + drawn.rejected.at_least, drawn.placed.at_most + drawn.rejected.at_most
    if known.remaining is not None:
        counted, says = known.remaining.quantity, known.remaining.says
        moved = (known.moved or 0) - (known.moved_before or 0)
        least, most = max(0.0, least - drawn.used_before.at_most), max(0.0, most - drawn.used_before.at_least)
    elif known.received is not None:
        counted, says, moved = known.received, known.received_says, known.moved or 0
    else:
        return None
    return Left(max(0.0, counted - moved - most), max(0.0, counted - moved - least), says)
