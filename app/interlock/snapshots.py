"""What a station may do while the product cannot be reached: signed, retained at the broker, and for a time only.

A snapshot tells the station its policy and, where that is `fail_cached`, the units the gate would let in now. It is
signed with HMAC-SHA-256 under the SHA-256 of the station's token, which only the station and the product know; whoever
can write to the broker can replay an old one, which its expiry ends, but not make one.
"""

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from app.cfx.gate import CACHED
from app.cfx.topics import StationAddress, TopicError
from app.interlock.facts import Station, Topic
from app.interlock.gathering import Asked, gather
from app.interlock.rules import decide
from app.units.provisional import provisional_starts, release_starts

_REISSUED: Final = timedelta(seconds=4)
"""Units move on: a snapshot older than this admits what has gone, and not what has come."""

_CACHES: Final = "fail_cached"

_GATED: Final = text(
    """
    SELECT station.station_id, station.handle, gate_policy.policy, gate_policy.snapshot_seconds,
        ARRAY(SELECT token.digest FROM token WHERE token.station = station.handle AND token.revoked_at IS NULL) AS keys
    FROM gate_policy JOIN station USING (station_id)
    ORDER BY station.station_id
    """
)
# Whatever was worked on in the line lately and may come here next.
_NEAR: Final = text(
    """
    SELECT unit.serial
    FROM station AS here
    JOIN station AS there ON there.line_id = here.line_id
    JOIN work_record AS work ON work.station_id = there.station_id AND work.started_at > now() - interval '1 hour'
    JOIN unit ON unit.unit_id = work.unit_id
    WHERE here.station_id = :station_id
    GROUP BY unit.unit_id, unit.serial
    ORDER BY max(work.started_at) DESC
    LIMIT 300
    """
)
_CACHED: Final = text(
    f"""
    SELECT DISTINCT coalesce(held.unit_id, said.unit_id) AS unit_id
    FROM unit_event AS said
    LEFT JOIN panel_position AS held ON held.panel_id = said.unit_id
    WHERE said.message_name = 'CFX.Production.ActivitiesExecuted'
      AND said.received_at > now() - interval '30 days'
      AND jsonb_path_exists(said.body, '$.Activities[*] ? (@.ActivityName == "{CACHED}")')
      AND NOT EXISTS (
        SELECT FROM provisional_release AS released
        WHERE released.event_id = said.event_id AND released.unit_id = coalesce(held.unit_id, said.unit_id)
      )
    LIMIT 500
    """
)
_AFTERWARDS: Final = frozenset({Topic.status, Topic.sub_assemblies, Topic.trace})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A message to publish, retained."""

    topic: str
    payload: bytes


class Issuer:
    """Issues each station's snapshot when it is time; one per process."""

    def __init__(self) -> None:
        self._issued: dict[int, tuple[str, datetime]] = {}

    def due(self, connection: Connection, *, at: datetime | None = None) -> Iterator[Snapshot]:
        """The snapshots to publish now: they are some seconds old, or the policy was changed.

        Where no units are listed, a third of their time may pass.
        """
        at = at or datetime.now(UTC)
        for row in connection.execute(_GATED).all():
            policy, issued_at = self._issued.get(row.station_id, ("", at))
            lasting = timedelta(seconds=row.snapshot_seconds / 3)
            if policy == row.policy and at - issued_at < (min(lasting, _REISSUED) if policy == _CACHES else lasting):
                continue
            try:
                topic = StationAddress.from_handle(row.handle).gate_topic
            except TopicError:
                continue
            self._issued[row.station_id] = (row.policy, at)
            units = admitted(connection, row.station_id, row.handle, at) if row.policy == _CACHES else []
            yield Snapshot(topic, signed(row, units, at))


def signed(row: Any, units: Sequence[tuple[str, int]], at: datetime) -> bytes:
    """A snapshot as it travels: its content as text, and a signature under each of the station's tokens."""
    content = msgspec.json.encode(
        {
            "station": row.handle,
            "policy": row.policy,
            "issued_at": at,
            "expires_at": at + timedelta(seconds=row.snapshot_seconds),
            "units": units,
        }
    )
    signatures = [hmac.new(bytes(key), content, "sha256").hexdigest() for key in row.keys]
    return msgspec.json.encode({"content": content.decode(), "signatures": signatures})


def admitted(connection: Connection, station_id: int, handle: str, at: datetime) -> list[tuple[str, int]]:
    """(identifier, position) of each unit in the line that the gate would let in now, as stations name them."""
    near = connection.execute(_NEAR, {"station_id": station_id}).scalars().all()
    if not near:
        return []
    facts = gather(connection, station=handle, asked=[Asked(serial) for serial in near], at=at)
    return [(one.identifier, one.position_number) for one in facts if decide(one).allowed]


def reconcile(connection: Connection) -> int:
    """Look again at units that passed on a snapshot: what the gate would have let in is provisional no longer.

    Returns how many were released. The others wait for quality, as all do that passed without any word of the product.
    """
    units = connection.execute(_CACHED).scalars().all()
    starts = [start for start in provisional_starts(connection, units) if start.cached] if units else []
    released = [start for start in starts if _would_have_passed(connection, start.unit_id, start.station_id)]
    release_starts(connection, released, actor="gate", reason="The gate looked again, and nothing stood against it.")
    return len(released)


_NAMES: Final = text(
    "SELECT unit.serial, station.handle FROM unit, station WHERE unit_id = :unit AND station_id = :station"
)


def _would_have_passed(connection: Connection, unit_id: int, station_id: int) -> bool:
    serial, handle = connection.execute(_NAMES, {"unit": unit_id, "station": station_id}).one()
    for facts in gather(connection, station=handle, asked=[Asked(serial)], topics=_AFTERWARDS):
        # How the station stands today says nothing of what it did then.
        bare = replace(facts, station=Station(station_id, handle, facts.station.operation))
        if any(ground.code != "provisional" for ground in decide(bare).reasons):
            return False
    return True
