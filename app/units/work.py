"""What is done to units: work records, and whatever else machines say of a unit on its way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from app.facts import Report


@dataclass(frozen=True, slots=True)
class WorkStart:
    """`WorkStarted` of one unit. `position_numbers` is None where the machine spoke of the whole unit; it passes over
    the `skipped` ones among them.
    """

    report: Report
    transaction_id: UUID
    unit_id: int
    position_numbers: tuple[int, ...] | None
    skipped: tuple[int, ...] | None
    lane: int | None
    recipe_id: int | None
    surface: str | None


@dataclass(frozen=True, slots=True)
class WorkEnd:
    """`WorkCompleted` of one unit; `result` as CFX `WorkResult` says it. The `skipped` positions were passed over."""

    report: Report
    transaction_id: UUID
    unit_id: int
    position_numbers: tuple[int, ...] | None
    skipped: tuple[int, ...] | None
    result: str | None


@dataclass(frozen=True, slots=True)
class UnitStatement:
    """Any other message about a unit; `body` is its JSON text where the event's facts are in there."""

    report: Report
    transaction_id: UUID | None
    unit_id: int
    position_numbers: tuple[int, ...] | None
    message_name: str
    body: str | None


# A message may be repeated under another key (a station that restarted in the middle): the earliest start and the
# latest end count, so that the order of arrival does not.
_START = text(
    """
    INSERT INTO work_record AS kept (
        unit_id, transaction_id, station_id, position_numbers, skipped_positions, lane, recipe_id, surface, started_at,
        started_received_at
    )
    SELECT DISTINCT ON (unit_id, transaction_id, station_id)
        unit_id, transaction_id, station_id, CAST(positions AS smallint[]), CAST(skipped AS smallint[]), lane,
        recipe_id, surface, recorded_at, received_at
    FROM unnest(
        CAST(:units AS bigint[]), CAST(:transactions AS uuid[]), CAST(:stations AS integer[]),
        CAST(:positions AS text[]), CAST(:skipped AS text[]), CAST(:lanes AS smallint[]),
        CAST(:recipes AS integer[]), CAST(:surfaces AS text[]), CAST(:recorded_at AS timestamptz[]),
        CAST(:received_at AS timestamptz[])
    ) AS given (
        unit_id, transaction_id, station_id, positions, skipped, lane, recipe_id, surface, recorded_at, received_at
    )
    ORDER BY unit_id, transaction_id, station_id, recorded_at
    ON CONFLICT ON CONSTRAINT pk_work_record DO UPDATE SET
        position_numbers = coalesce(excluded.position_numbers, kept.position_numbers),
        skipped_positions = excluded.skipped_positions,
        lane = excluded.lane,
        recipe_id = excluded.recipe_id,
        surface = excluded.surface,
        started_at = excluded.started_at,
        started_received_at = excluded.started_received_at
    WHERE kept.started_at IS NULL OR kept.started_at > excluded.started_at
    """
)
_END = text(
    """
    INSERT INTO work_record AS kept (
        unit_id, transaction_id, station_id, position_numbers, skipped_at_end, completed_at, completed_received_at,
        result
    )
    SELECT DISTINCT ON (unit_id, transaction_id, station_id)
        unit_id, transaction_id, station_id, CAST(positions AS smallint[]), CAST(skipped AS smallint[]), recorded_at,
        received_at, result
    FROM unnest(
        CAST(:units AS bigint[]), CAST(:transactions AS uuid[]), CAST(:stations AS integer[]),
        CAST(:positions AS text[]), CAST(:skipped AS text[]), CAST(:recorded_at AS timestamptz[]),
        CAST(:received_at AS timestamptz[]), CAST(:results AS text[])
    ) AS given (unit_id, transaction_id, station_id, positions, skipped, recorded_at, received_at, result)
    ORDER BY unit_id, transaction_id, station_id, recorded_at DESC
    ON CONFLICT ON CONSTRAINT pk_work_record DO UPDATE SET
        position_numbers = coalesce(kept.position_numbers, excluded.position_numbers),
        skipped_at_end = excluded.skipped_at_end,
        completed_at = excluded.completed_at,
        completed_received_at = excluded.completed_received_at,
        result = excluded.result
    WHERE kept.completed_at IS NULL OR kept.completed_at < excluded.completed_at
    """
)
_STATE = text(
    """
    INSERT INTO unit_event (
        unit_id, event_id, position_numbers, station_id, transaction_id, message_name, recorded_at, received_at, body
    )
    SELECT unit_id, event_id, CAST(positions AS smallint[]), station_id, transaction_id, message_name,
        recorded_at, received_at, CAST(body AS jsonb)
    FROM unnest(
        CAST(:units AS bigint[]), CAST(:events AS bigint[]), CAST(:positions AS text[]), CAST(:stations AS integer[]),
        CAST(:transactions AS uuid[]), CAST(:names AS text[]), CAST(:recorded_at AS timestamptz[]),
        CAST(:received_at AS timestamptz[]), CAST(:bodies AS text[])
    ) AS given (
        unit_id, event_id, positions, station_id, transaction_id, message_name, recorded_at, received_at, body
    )
    ON CONFLICT DO NOTHING
    """
)


def _array(positions: tuple[int, ...] | None) -> str | None:
    """A PostgreSQL array literal: unnest would flatten a nested array."""
    return None if positions is None else "{" + ",".join(map(str, positions)) + "}"


def record_starts(connection: Connection, starts: Sequence[WorkStart]) -> None:
    """Begin work records."""
    if starts:
        connection.execute(
            _START,
            {
                "units": [start.unit_id for start in starts],
                "transactions": [start.transaction_id for start in starts],
                "stations": [start.report.station_id for start in starts],
                "positions": [_array(start.position_numbers) for start in starts],
                "skipped": [_array(start.skipped) for start in starts],
                "lanes": [start.lane for start in starts],
                "recipes": [start.recipe_id for start in starts],
                "surfaces": [start.surface for start in starts],
                "recorded_at": [start.report.recorded_at for start in starts],
                "received_at": [start.report.received_at for start in starts],
            },
        )


def record_ends(connection: Connection, ends: Sequence[WorkEnd]) -> None:
    """Complete work records (or enter them as completed, where the start is yet to come)."""
    if ends:
        connection.execute(
            _END,
            {
                "units": [end.unit_id for end in ends],
                "transactions": [end.transaction_id for end in ends],
                "stations": [end.report.station_id for end in ends],
                "positions": [_array(end.position_numbers) for end in ends],
                "skipped": [_array(end.skipped) for end in ends],
                "recorded_at": [end.report.recorded_at for end in ends],
                "received_at": [end.report.received_at for end in ends],
                "results": [end.result for end in ends],
            },
        )


def record_statements(connection: Connection, statements: Sequence[UnitStatement]) -> None:
    """Keep what machines say of units on their way."""
    if statements:
        connection.execute(
            _STATE,
            {
                "units": [said.unit_id for said in statements],
                "events": [said.report.event_id for said in statements],
                "positions": [_array(said.position_numbers) for said in statements],
                "stations": [said.report.station_id for said in statements],
                "transactions": [said.transaction_id for said in statements],
                "names": [said.message_name for said in statements],
                "recorded_at": [said.report.recorded_at for said in statements],
                "received_at": [said.report.received_at for said in statements],
                "bodies": [said.body for said in statements],
            },
        )


_WORKED_ON = text(
    """
    SELECT transaction_id, station_id, unit_id, position_numbers, skipped_positions FROM work_record
    WHERE transaction_id = ANY(CAST(:transactions AS uuid[])) AND started_at IS NOT NULL
    """
)


class InWork(NamedTuple):
    """A unit in a work, with the positions meant (None: as a whole), and those of them that are passed over."""

    unit_id: int
    positions: tuple[int, ...] | None
    skipped: frozenset[int]

    @property
    def worked_on(self) -> Sequence[int]:
        """The positions that are not passed over; 0 stands for the unit as a whole."""
        return [position for position in self.positions or (0,) if position not in self.skipped]


def units_in_work(connection: Connection, transactions: Iterable[UUID]) -> dict[tuple[UUID, int], list[InWork]]:
    """(transaction, station) -> its units, for those of which a start is known.

    An end does not tell: it may name fewer units than were worked on.
    """
    found: dict[tuple[UUID, int], list[InWork]] = {}
    wanted = sorted(set(transactions))
    if wanted:
        for transaction, station, unit, positions, skipped in connection.execute(_WORKED_ON, {"transactions": wanted}):
            told = None if positions is None else tuple(positions)
            one = InWork(unit, told, frozenset(skipped or ()))
            found.setdefault((transaction, station), []).append(one)
    return found
