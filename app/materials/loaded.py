"""Which package sits in which slot right now? Derived from the loading events, in whatever order they came.

* A place is a lane of a slot. A loading that names no slot is at the one place of its station that has no name.
* A station's clock may be ahead: what was said has happened by the time it was heard.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Loaded:
    """A package in a slot since a moment, by the station's clock. One slot may hold several: lanes, or a splice."""

    station_id: int
    package_id: int
    slot: str | None
    slot_name: str | None
    lane: str | None
    feeder: str | None
    since: datetime


# The expressions of the index `ix_loading_event_place`, to the letter.
_SLOT = "coalesce({0}.slot, {0}.slot_name, '')"
_LANE = "coalesce({0}.lane, '')"
_AT = "least({0}.recorded_at, {0}.received_at)"
_SAID, _OTHER, _GONE = ({"slot": _SLOT.format(of), "lane": _LANE.format(of), "at": _AT.format(of)}
                        for of in ("said", "other", "gone"))  # fmt: skip

# Another package was put in its place; one spliced to it only waits behind it.
_REPLACED = f"""
    SELECT true FROM {{loadings}} AS other
    WHERE other.station_id = put.station_id AND {_OTHER["slot"]} = put.place AND {_OTHER["lane"]} = put.in_lane
      AND other.kind = 'loaded' AND other.package_id <> put.package_id
      AND {_OTHER["at"]} > put.since AND {_OTHER["at"]} <= :at
      AND NOT EXISTS (
          SELECT FROM package_link
          WHERE kind = 'joined' AND parent_id = put.package_id AND child_id = other.package_id
      )
"""
# A scalar stays a step into the index for each package; as an anti-join every loading there ever was would be hashed.
_AT_STATION = text(
    f"""
    -- What sits in the slots of this station? The lanes are found by steps in the index, and of each the latest few.
    WITH RECURSIVE lanes AS (
        (SELECT {_SAID["slot"]} AS place, {_SAID["lane"]} AS in_lane FROM loading_event AS said
         WHERE said.station_id = :station ORDER BY 1, 2 LIMIT 1)
        UNION ALL
        SELECT following.place, following.in_lane FROM lanes CROSS JOIN LATERAL (
            SELECT {_SAID["slot"]} AS place, {_SAID["lane"]} AS in_lane FROM loading_event AS said
            WHERE said.station_id = :station AND ({_SAID["slot"]}, {_SAID["lane"]}) > (lanes.place, lanes.in_lane)
            ORDER BY 1, 2 LIMIT 1
        ) AS following
    ), loads AS (
        SELECT lanes.place, lanes.in_lane, recent.* FROM lanes CROSS JOIN LATERAL (
            SELECT said.*, {_SAID["at"]} AS since FROM loading_event AS said
            WHERE said.station_id = :station AND {_SAID["slot"]} = lanes.place AND {_SAID["lane"]} = lanes.in_lane
              AND said.kind IN ('loaded', 'spliced') AND {_SAID["at"]} <= :at AND said.package_id IS NOT NULL
            ORDER BY {_SAID["at"]} DESC LIMIT 16
        ) AS recent
    ), put AS (
        SELECT DISTINCT ON (package_id) * FROM loads ORDER BY package_id, since DESC, event_id DESC
    )
    SELECT put.station_id, put.package_id, put.slot, put.slot_name, put.lane, put.feeder, put.since
    FROM put
    WHERE NOT EXISTS ({_REPLACED.format(loadings="loads")})
      AND (
          SELECT true FROM loading_event AS gone
          WHERE gone.package_id = put.package_id AND gone.station_id = put.station_id
            AND gone.kind IN ('unloaded', 'empty') AND {_GONE["at"]} > put.since AND {_GONE["at"]} <= :at
          LIMIT 1
      ) IS NULL
    ORDER BY put.place, put.in_lane, put.since
    """
)
_WHERE = text(
    f"""
    -- In which slots of which stations are these packages?
    WITH put AS (
        SELECT DISTINCT ON (package_id, station_id) said.*, {_SAID["slot"]} AS place, {_SAID["lane"]} AS in_lane,
            {_SAID["at"]} AS since
        FROM loading_event AS said
        WHERE package_id = ANY (CAST(:packages AS integer[])) AND {_SAID["at"]} <= :at
          AND kind IN ('loaded', 'spliced', 'unloaded', 'empty')
        ORDER BY package_id, station_id, since DESC, kind IN ('loaded', 'spliced') DESC, event_id DESC
    )
    SELECT put.station_id, put.package_id, put.slot, put.slot_name, put.lane, put.feeder, put.since
    FROM put
    WHERE put.kind IN ('loaded', 'spliced') AND ({_REPLACED.format(loadings="loading_event")} LIMIT 1) IS NULL
    ORDER BY put.package_id, put.since
    """
)


def loaded_at(connection: Connection, station_id: int, *, at: datetime) -> list[Loaded]:
    """What sits in the slots of a station at a moment, by slot and lane."""
    return [Loaded(*row) for row in connection.execute(_AT_STATION, {"station": station_id, "at": at})]


def identifiers(loaded: Iterable[Loaded]) -> Mapping[str, str]:
    """The identifier of each location by the name that its machine calls it; of names that several bear, none.

    A slot that was scanned by its name before the machine told its identifier is the same slot afterwards.
    """
    named: dict[str, set[str]] = {}
    for one in loaded:
        if one.slot and one.slot_name:
            named.setdefault(one.slot_name, set()).add(one.slot)
    known = {one.slot for one in loaded}
    return {name: slots.pop() for name, slots in named.items() if len(slots) == 1 and name not in known}


def loaded_where(connection: Connection, package_ids: Collection[int], *, at: datetime) -> list[Loaded]:
    """Every slot these packages sit in at a moment; a package in two stations' slots is in two places at once."""
    if not package_ids:
        return []
    return [Loaded(*row) for row in connection.execute(_WHERE, {"packages": list(package_ids), "at": at})]
