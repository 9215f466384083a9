"""How a process runs, from what one station measured: one item run by run, and the capability of all.

Both go by the station's clock. Whose units they were makes no difference to a process: these answers are the factory's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from sqlalchemy import Connection

from app.errors import Invalid, NotFound
from app.quality.formats import Value
from app.quality.readings import Window, capabilities, series
from app.sentences import Sentence
from app.trace.shown import particulars


@dataclass(frozen=True, slots=True)
class Measured:
    """One value of the item, and the unit: `position_number` where the machine spoke of one on a panel."""

    recorded_at: datetime
    serial: str
    position_number: int | None
    value: Value


@dataclass(frozen=True, slots=True)
class ItemCapability:
    """An item's figures in its `unit`; null where they cannot be told: no limits, too few values, or no spread.

    `repetition` counts from 0 where one run measures the item more than once.
    """

    step: str | None
    name: str | None
    designators: str | None
    unit: str | None
    repetition: int
    count: int
    mean: float | None
    deviation: float | None
    lower: float | None
    upper: float | None
    cp: float | None
    cpk: float | None


def measured_series(connection: Connection, window: Window, feature: str, characteristic: str) -> list[Measured]:
    """One item through the runs, the latest first; `feature` is its name or its designators.

    Raises `NotFound` where no run has the item.
    """
    readings = series(connection, window, feature, characteristic)
    known = particulars(connection, {one.unit_id for one in readings}, placed=False)
    return [
        Measured(one.recorded_at, known[one.unit_id].serial, one.position_number or None, one.value) for one in readings
    ]


def measured_capability(
    connection: Connection,
    window: Window,
    characteristic: str,
    *,
    lower: float | None = None,
    upper: float | None = None,
) -> list[ItemCapability]:
    """The capability of every item, the least capable first; those without one last, in the station's order.

    `lower` and `upper` hold instead of the limits that came with the items. Raises `NotFound` where no run has numbers
    of that characteristic.
    """
    if lower is not None and upper is not None and lower > upper:
        raise Invalid(Sentence("lower is above upper."))
    found = capabilities(connection, window, characteristic, lower=lower, upper=upper)
    if not found.items:
        raise NotFound(
            Sentence(
                "No numbers of %(characteristic)s were measured at this station in that time. A run's "
                "measurements show the names that the station uses.",
                characteristic=characteristic,
            )
        )
    figures = (found.mean, found.deviation, found.lower, found.upper, found.cp, found.cpk)
    columns = [[one if isfinite(one) else None for one in figure.tolist()] for figure in figures]
    rows: Iterable[tuple[Any, ...]] = zip(found.items, found.count.tolist(), *columns, strict=True)
    told = [ItemCapability(*item, *figured) for item, *figured in rows]
    return sorted(told, key=_least_capable_first)


def _least_capable_first(one: ItemCapability) -> tuple[bool, float]:
    return one.cpk is None, one.cpk or 0.0
