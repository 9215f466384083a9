"""The answer to the gate's question as it comes from the database: one JSON text a unit, decoded into plain values."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import Connection

from app.interlock.questions import ASK, ASK_AMONG_ROUNDS

WorkDone: TypeAlias = tuple[str, datetime | None, datetime | None, datetime | None, str | None, str | None]
"""(operation, started, completed, its end received, result, station where it is another) of a work record."""
RunDone: TypeAlias = tuple[str, str, str, str, datetime, int, str | None, datetime]
"""(operation, station, kind, outcome, recorded, runs, decision, received) of the latest run of a matter there."""
CheckDone: TypeAlias = tuple[str, datetime, bool, bool]
"""(operation, recorded, passed, is it a test) of a verdict on a unit."""
Given: TypeAlias = tuple[int, str, str | None, str, str, datetime, datetime, bool]
"""(number, code, subject, given by, role, given, expires, at another station) of an override."""


class StationAnswer(msgspec.Struct, frozen=True, gc=False):
    """How a station stands, and whether the rooms of setup and tools have anything to say of it."""

    station_id: int
    handle: str
    operation: str | None
    policy: str | None
    locked: str | None
    calibration_due: datetime | None
    first_of_line: bool
    comes_later: bool
    qualified_only: bool
    has_setup: bool
    has_tools: bool
    active: dict[str, Any] | None
    active_revision_id: int | None
    active_product: str | None
    clock_error: float | None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """How a station and one unit stand; `nth` is the unit's place in the request, from 1. None: nothing known."""

    nth: int
    station: StationAnswer | None
    position_number: int | None
    only_position: int | None
    positions: list[int] | None
    spoken_of: bool | None
    unit_id: int | None
    serial: str | None
    product_revision_id: int | None
    product: str | None
    customer: str | None
    routing: list[tuple[str, bool]] | None
    work: list[WorkDone] | None
    runs: list[RunDone] | None
    sent_back_at: datetime | None
    mended: list[datetime] | None
    checks: list[CheckDone] | None
    retest_limit: int | None
    wanted: float | None
    recipes: list[tuple[str, str]] | None
    scrapped: tuple[str, bool] | None
    shipped: tuple[str, str] | None
    started: tuple[str, datetime] | None
    built_into: str | None
    children: list[str] | None
    provisional: list[str] | None
    overrides: list[Given] | None
    operators: list[str | None] | None
    qualified: list[tuple[str, datetime | None]] | None
    contained: bool
    among_rounds: bool

    @property
    def known_unit(self) -> tuple[int, str]:
        """(unit_id, serial) of a unit that is known."""
        assert self.unit_id is not None
        assert self.serial is not None
        return self.unit_id, self.serial


_AT_ONCE: Final = 50
_decoder: Final = msgspec.json.Decoder(Answer)


def answers(
    connection: Connection, *, station: str, identifiers: Sequence[str], positions: Sequence[int]
) -> list[Answer]:
    """How these units and the station stand; a panel asked about as a whole has an answer for each of its boards.

    Many are asked about a few at a time: what each of them costs does not grow with their number then.
    """
    found: list[Answer] = []
    for first in range(0, len(identifiers), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        given = {"station": station, "identifiers": list(identifiers[part]), "positions": list(positions[part])}
        rows = [_decoder.decode(row[0]) for row in connection.exec_driver_sql(ASK, given)]
        if any(row.among_rounds for row in rows):
            rows = [_decoder.decode(row[0]) for row in connection.exec_driver_sql(ASK_AMONG_ROUNDS, given)]
        found += (msgspec.structs.replace(row, nth=row.nth + first) for row in rows) if first else rows
    return found
