"""What will stop this station before its order ends: packages that run out, or become unusable."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, text

from app.lines.tools import station_id_of
from app.materials.conditions import conditions
from app.sentences import Sentence
from app.setup.current import building_at
from app.setup.left import pieces_left
from app.setup.outlook import Outlook, Supply, order_ends_at, outlook
from app.setup.progress import order_of, pace_of, pieces_per_unit, units_done
from app.setup.requirements import required_setup
from app.setup.rules import Required
from app.setup.state import SlotState, setup_at


@dataclass(frozen=True, slots=True)
class Forecast:
    """A station's outlook on an order. `units_per_hour` and `ends_at` are None where the station built too little
    lately to tell; `remaining` is None where nobody said how many units the order has.
    """

    station: str
    work_order: str | None
    quantity: int | None
    done: int
    remaining: int | None
    units_per_hour: float | None
    ends_at: datetime | None
    slots: list[Outlook]
    sentences: list[Sentence]


def forecast(
    connection: Connection, *, station: str, work_order: str | None = None, side: str | None = None, at: datetime
) -> Forecast:
    """What comes of the packages in a station's slots until its order ends; the order it builds now, if none is named.

    Raises `NotFound` for a station or order nobody knows.
    """
    station_id = station_id_of(connection, station)
    now = building_at(connection, station_id, at=at)
    number = work_order or (now.work_order if now else None)
    if number is None:
        unknown = Sentence("The station builds no order that is known.")
        return Forecast(station, None, None, 0, None, None, None, [], [unknown])
    order = order_of(connection, number)
    if side is None and now is not None and now.work_order == order.number:
        side = now.side
    done = units_done(connection, order, station_id, side, at=at)
    remaining = None if order.quantity is None else max(0, order.quantity - done)
    pace = pace_of(connection, station_id, at=at)
    hour = None if pace is None or not pace.within else pace.units * 3600 / pace.within.total_seconds()
    setup = setup_at(connection, station_id, product_revision_id=order.product_revision_id, side=side, at=at)
    slots = []
    if remaining is not None:
        supplies = _supplies(connection, station_id, setup.slots, order.product_revision_id, side, at)
        slots = [outlook(supply, remaining=remaining, pace=pace, at=at) for supply in supplies]
    return Forecast(
        station=station,
        work_order=order.number,
        quantity=order.quantity,
        done=done,
        remaining=remaining,
        units_per_hour=None if hour is None else round(hour, 3),
        ends_at=None if remaining is None else order_ends_at(remaining, pace, at=at),
        slots=slots,
        sentences=[sentence for slot in slots for sentence in slot.sentences],
    )


def _supplies(
    connection: Connection,
    station_id: int,
    slots: tuple[SlotState, ...],
    product_revision_id: int | None,
    side: str | None,
    at: datetime,
) -> list[Supply]:
    loaded = [(one, one.package_id, one.package) for one in slots if one.package_id is not None and one.package]
    ids = [package_id for _, package_id, _ in loaded]
    behind = _spliced_behind(connection, ids)
    left = pieces_left(connection, {*ids, *(one for several in behind.values() for one in several)})
    known = conditions(connection, ids, at=at)
    each: dict[tuple[str, str], float | None] = {}
    if product_revision_id is not None:
        # Where nobody planned what the slots must hold, what is in them tells which part they serve.
        required = required_setup(connection, station_id, product_revision_id, side) or [
            Required(slot, part)
            for slot, part in {slot.slot: known[package_id].part_number for slot, package_id, _ in loaded}.items()
            if part is not None
        ]
        each = pieces_per_unit(connection, required, product_revision_id, side)
    supplies: dict[tuple[str, str | None], Supply] = {}
    found = []
    for slot, package_id, package in loaded:
        place = (slot.slot, slot.lane) if (slot.slot, slot.lane or "") in each else (slot.slot, None)
        first = supplies.get(place)
        waiting = [left[one].at_least for one in behind.get(package_id, ()) if one in left]
        if first is not None:  # the second lane, or the reel that was spliced on and came into the slot
            others = left[package_id].at_least if package_id in left else 0.0
            supplies[place] = replace(first, behind=first.behind + others + sum(waiting))
        supply = Supply(
            slot=slot.slot,
            package=package,
            left=left[package_id].at_least if package_id in left else None,
            pieces_per_unit=each.get((slot.slot, place[1] or "")) if first is None else None,
            usable_until=known[package_id].usable_until,
            behind=sum(waiting),
        )
        if first is None:
            supplies[place] = supply
        else:
            found.append(supply)
    return sorted([*supplies.values(), *found], key=lambda one: (one.slot, one.package))


_BEHIND = text(
    """
    -- What was spliced on behind these packages and did not come into its own yet?
    WITH RECURSIVE behind AS (
        SELECT package_id AS first_id, package_id FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
        UNION
        SELECT behind.first_id, link.child_id
        FROM behind JOIN package_link AS link ON link.parent_id = behind.package_id AND link.kind = 'joined'
    )
    SELECT first_id, package_id FROM behind
    WHERE package_id <> ALL (CAST(:packages AS integer[]))
    """
)


def _spliced_behind(connection: Connection, package_ids: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for row in connection.execute(_BEHIND, {"packages": list(package_ids)}):
        found[row.first_id].append(row.package_id)
    return found
