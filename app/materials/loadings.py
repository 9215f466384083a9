"""Packages in slots: loaded, unloaded, run empty, spliced on."""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.facts import Report


@dataclass(frozen=True, slots=True)
class LoadingChange:
    """`kind` is loaded, unloaded, empty or spliced; consumed, split and retired only tell what was left.

    `slot` is CFX `LocationIdentifier`, or `LocationName` without one (two locations may share a name).
    """

    report: Report
    kind: str
    package: str | None
    slot: str | None = None
    slot_name: str | None = None
    lane: str | None = None
    feeder: str | None = None
    quantity: float | None = None


_CHANGE = text(
    """
    INSERT INTO loading_event (
        station_id, event_id, ordinal, kind, package_id, slot, slot_name, lane, feeder, quantity, recorded_at,
        received_at
    )
    SELECT * FROM unnest(
        CAST(:stations AS integer[]), CAST(:events AS bigint[]), CAST(:ordinals AS smallint[]), CAST(:kinds AS text[]),
        CAST(:packages AS integer[]), CAST(:slots AS text[]), CAST(:slot_names AS text[]), CAST(:lanes AS text[]),
        CAST(:feeders AS text[]), CAST(:quantities AS double precision[]), CAST(:recorded_at AS timestamptz[]),
        CAST(:received_at AS timestamptz[])
    )
    ON CONFLICT DO NOTHING
    """
)


def record_loadings(
    connection: Connection,
    changes: Sequence[LoadingChange],
    packages: MutableMapping[str, int],
) -> None:
    """Keep what happened to slots, in the order each event tells it."""
    if not changes:
        return
    ordinals: list[int] = []
    counted: dict[int, int] = {}
    for change in changes:
        ordinals.append(counted.get(change.report.event_id, 0))
        counted[change.report.event_id] = ordinals[-1] + 1
    connection.execute(
        _CHANGE,
        {
            "stations": [change.report.station_id for change in changes],
            "events": [change.report.event_id for change in changes],
            "ordinals": ordinals,
            "kinds": [change.kind for change in changes],
            "packages": [packages[change.package] if change.package else None for change in changes],
            "slots": [change.slot for change in changes],
            "slot_names": [change.slot_name for change in changes],
            "lanes": [change.lane for change in changes],
            "feeders": [change.feeder for change in changes],
            "quantities": [change.quantity for change in changes],
            "recorded_at": [change.report.recorded_at for change in changes],
            "received_at": [change.report.received_at for change in changes],
        },
    )
