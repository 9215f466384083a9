"""What happened to packages, as machines and people state it: opened, dried, baked, thawed, retired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, bindparam, text

from app.errors import Invalid, NotFound
from app.facts import Report
from app.materials.happenings import Happened
from app.materials.moisture import HOURS, level_from
from app.people import record_audit
from app.sentences import Sentence

CLOCK_ERROR = timedelta(seconds=2)
"""Above this a clock is an alarm (field practice)."""


@dataclass(frozen=True, slots=True)
class PackageHappened:
    """Something that happened to a package; `moisture_level` and `floor_life_left` where the machine says them."""

    report: Report
    kind: str
    package: str
    moisture_level: str | None = None
    floor_life_left: timedelta | None = None


_HAPPENED = text(
    """
    INSERT INTO package_event (
        package_id, event_id, kind, moisture_level, floor_life_left, station_id, recorded_at, received_at
    )
    SELECT * FROM unnest(
        CAST(:packages AS integer[]), CAST(:events AS bigint[]), CAST(:kinds AS text[]), CAST(:levels AS text[]),
        CAST(:left AS interval[]), CAST(:stations AS integer[]), CAST(:recorded_at AS timestamptz[]),
        CAST(:received_at AS timestamptz[])
    )
    ON CONFLICT DO NOTHING
    """
)


def record_package_events(
    connection: Connection, happened: Sequence[PackageHappened], packages: Mapping[str, int]
) -> None:
    """Keep what machines say happened to packages; a repetition changes nothing."""
    if happened:
        connection.execute(
            _HAPPENED,
            {
                "packages": [packages[one.package] for one in happened],
                "events": [one.report.event_id for one in happened],
                "kinds": [one.kind for one in happened],
                "levels": [one.moisture_level for one in happened],
                "left": [one.floor_life_left for one in happened],
                "stations": [one.report.station_id for one in happened],
                "recorded_at": [one.report.recorded_at for one in happened],
                "received_at": [one.report.received_at for one in happened],
            },
        )


# What sits in a slot is said by machines and by the scan at the slot.
STATED = tuple(one for one in Happened if one is not Happened.loaded)

_PACKAGES = text("SELECT identifier, package_id FROM package WHERE identifier IN :identifiers").bindparams(
    bindparam("identifiers", expanding=True)
)
_STATE = text(
    """
    INSERT INTO package_event (package_id, event_id, kind, moisture_level, recorded_at, received_at)
    SELECT package_id, :event_id, :kind, :level, :at, now() FROM unnest(CAST(:packages AS integer[])) AS package_id
    """
)


def state_packages(
    connection: Connection,
    identifiers: Sequence[str],
    happened: Happened,
    *,
    at: datetime | None = None,
    moisture_level: str | None = None,
    actor: str,
) -> None:
    """Keep what a person says happened to packages, `at` a moment that is not to come (now, where none is given).

    Raises `NotFound` naming the packages nobody knows, `Invalid` for what nobody can state; nothing is stored then.
    """
    level = level_from(moisture_level)
    if happened not in STATED:
        raise Invalid(
            Sentence("%(event)s is not stated like this. Known are %(all_events)s.", event=happened, all_events=STATED)
        )
    if moisture_level and level is None:
        raise Invalid(
            Sentence(
                "%(level)s is no moisture level. Known are %(all_levels)s.",
                level=repr(moisture_level),
                all_levels=HOURS,
            )
        )
    if happened is Happened.rated and level is None:
        raise Invalid(Sentence("Say which moisture level the packages have."))
    when = past(at)
    found = package_ids(connection, identifiers)
    audit_id = record_audit(
        connection, actor=actor, deed=f"package.{happened}", subject=f"package:{identifiers[0]}",
        packages=list(found), at=when.isoformat(), moisture_level=level,
    )  # fmt: skip
    connection.execute(
        _STATE,
        {"packages": list(found.values()), "event_id": -audit_id, "kind": happened, "level": level, "at": when},
    )


def package_ids(connection: Connection, identifiers: Sequence[str]) -> dict[str, int]:
    """Ids of packages by identifier. Raises `NotFound` naming those nobody knows."""
    wanted = list(dict.fromkeys(identifiers))
    if not wanted:
        raise Invalid(Sentence("Name at least one package."))
    rows = connection.execute(_PACKAGES, {"identifiers": wanted})
    found = {row.identifier: row.package_id for row in rows}
    missing = [one for one in wanted if one not in found]
    if missing:
        raise NotFound(
            Sentence(
                "Nobody knows package %(all_packages)s. Check the scan, or receive it first.", all_packages=missing
            )
        )
    return found


def past(at: datetime | None) -> datetime:
    """A moment that is not to come, now where none is given. Raises `Invalid`."""
    now = datetime.now(UTC)
    if at is None:
        return now
    if at.tzinfo is None:
        raise Invalid(
            Sentence(
                "The time %(moment)s has no zone. Write it as %(moment_now)s.",
                moment=at.isoformat(),
                moment_now=f"{now:%Y-%m-%dT%H:%M:%SZ}",
            )
        )
    if at > now + CLOCK_ERROR:
        raise Invalid(
            Sentence(
                "The time %(moment)s is still to come. Say when it happened, or leave it out for now.",
                moment=at.isoformat(),
            )
        )
    return at
