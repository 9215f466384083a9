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
import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from app.cfx.gate import CACHED
from app.cfx.topics import StationAddress, TopicError
from app.interlock.facts import Station, Topic
from app.interlock.gathering import Asked, gather
from app.interlock.rules import decide
from app.units.places import HELD_WINDOW
from app.units.provisional import BY_GATE, ProvisionalStart, provisional_starts, release_starts

log = structlog.get_logger()

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
# A page of what was said, whether something is left to do about it or not: the next page begins behind it.
_CACHED: Final = text(
    f"""
    WITH said AS (
        SELECT event_id, unit_id, position_numbers, recorded_at, received_at
        FROM unit_event
        WHERE message_name = 'CFX.Production.ActivitiesExecuted'
          AND received_at > now() - interval '30 days' AND (received_at, event_id) > (:received_at, :event)
          AND jsonb_path_exists(body, '$.Activities[*] ? (@.ActivityName == "{CACHED}")')
        ORDER BY received_at, event_id
        LIMIT :limit
    )
    SELECT said.event_id, said.received_at, unit.unit_id
    FROM said
    CROSS JOIN LATERAL (
        -- The boards that were in it then; itself, where it is no panel.
        SELECT board.unit_id FROM (
            SELECT held.unit_id, held.position_number,
                {HELD_WINDOW}
            FROM panel_position AS held WHERE held.panel_id = said.unit_id
        ) AS board (unit_id, position_number, held_from, held_until)
        WHERE said.recorded_at >= held_from AND said.recorded_at < held_until
          AND (said.position_numbers IS NULL OR position_number = ANY (said.position_numbers))
        UNION ALL
        SELECT said.unit_id
        WHERE NOT EXISTS (SELECT FROM panel_position AS held WHERE held.panel_id = said.unit_id)
    ) AS meant
    LEFT JOIN unit ON unit.unit_id = meant.unit_id AND NOT EXISTS (
        SELECT FROM provisional_release AS released
        WHERE released.event_id = said.event_id AND released.unit_id = meant.unit_id
    )
    ORDER BY said.received_at, said.event_id
    """
)
_LOOKED_AT: Final = 100
"""How many statements one look takes in."""
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
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

    def due(self, engine: Engine, *, at: datetime | None = None) -> Iterator[Snapshot]:
        """The snapshots to publish now, those that waited longest first: they are some seconds old, or the policy was
        changed. Where no units are listed, a third of their time may pass.

        A station whose snapshot fails keeps nobody else from theirs: it is tried again with the next.
        """
        at = at or datetime.now(UTC)
        with engine.connect() as connection:
            gated = connection.execute(_GATED).all()
        never = ("", _FIRST)
        for row in sorted(gated, key=lambda row: self._issued.get(row.station_id, never)[1]):
            policy, issued_at = self._issued.get(row.station_id, never)
            lasting = timedelta(seconds=row.snapshot_seconds / 3)
            if policy == row.policy and at - issued_at < (min(lasting, _REISSUED) if policy == _CACHES else lasting):
                continue
            try:
                topic = StationAddress.from_handle(row.handle).gate_topic
                with engine.begin() as connection:
                    units = admitted(connection, row.station_id, row.handle, at) if row.policy == _CACHES else []
            except TopicError:
                continue  # it speaks over REST alone
            except OperationalError:
                raise  # the database is away, for every station
            except Exception:
                log.exception("gate.snapshot_failed", station=row.handle)
                continue
            self._issued[row.station_id] = (row.policy, at)
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


class Reconciler:
    """Looks again at units that passed on a snapshot: what the gate would have let in is provisional no longer.

    The others wait for quality, as all do that passed without any word of the product. They are looked at again when
    all have been looked at: what will never pass keeps nothing that came later from its turn.
    """

    def __init__(self) -> None:
        self._after: tuple[datetime, int] = (_FIRST, 0)

    def look(self, connection: Connection) -> int:
        """Look at the next of them; returns how many starts were released."""
        received_at, event = self._after
        given = {"received_at": received_at, "event": event, "limit": _LOOKED_AT}
        rows = connection.execute(_CACHED, given).all()
        at_the_end = len({row.event_id for row in rows}) < _LOOKED_AT
        self._after = (_FIRST, 0) if at_the_end else (rows[-1].received_at, rows[-1].event_id)
        units = {row.unit_id for row in rows if row.unit_id is not None}
        starts = [start for start in provisional_starts(connection, units) if start.cached] if units else []
        released = [start for start in starts if _would_have_passed(connection, start)]
        release_starts(
            connection, released, actor=BY_GATE, reason="The gate looked again, and nothing stood against it."
        )
        return len(released)


_NAMES: Final = text(
    "SELECT unit.serial, station.handle FROM unit, station WHERE unit_id = :unit AND station_id = :station"
)


def _would_have_passed(connection: Connection, start: ProvisionalStart) -> bool:
    given = {"unit": start.unit_id, "station": start.station_id}
    serial, handle = connection.execute(_NAMES, given).one()
    for facts in gather(connection, station=handle, asked=[Asked(serial)], at=start.recorded_at, topics=_AFTERWARDS):
        # What was in its slots and its tools then is known; how it stands today otherwise says nothing of that.
        here = facts.station
        then = Station(start.station_id, handle, here.operation, setup_planned=True, setup=here.setup, tools=here.tools)
        if any(ground.code != "provisional" for ground in decide(replace(facts, station=then)).reasons):
            return False
    return True
