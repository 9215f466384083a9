"""What was said of how many pieces packages hold: received, split off, left. And when, by whom, in which words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.materials.packages import latest


@dataclass(frozen=True, slots=True)
class Remaining:
    """The latest statement of how many pieces are left in a package; `at` by the station's clock.

    `says` is what it rests on: `Acme.Mounter.1 loaded it with 1200`. `retired`: what was left was thrown away.
    """

    quantity: float
    at: datetime
    says: str
    retired: bool = False
    station_id: int | None = None
    """Who said so, where it was a station by itself."""
    came: bool = False
    """Whether it was counted as it came into its slot, or was spliced on."""


@dataclass(frozen=True, slots=True)
class Known:
    """A package and what was said of it. Quantities are None where nobody said them."""

    package_id: int
    identifier: str
    part_number: str | None
    date_code: str | None
    received_on: datetime | None
    received: float | None
    received_says: str
    remaining: Remaining | None
    moved: float | None
    """Pieces split off into packages of their own; None where a split does not say how many."""
    moved_before: float | None
    """Those split off until the statement of what is left."""
    retired_at: datetime | None = None
    """When it was retired first (by whose clock told so): nothing was taken from it since, whatever was left."""


# .NET sends 0 for a quantity that nobody set, so 0 says nothing, but where a machine says that the package is empty.
# A description whose quantity is the initial one tells what came, not what is left: it may be typed in days later.
_THEN = "(CAST(:as_of AS timestamptz) IS NULL OR {}.received_at <= :as_of)"
_SAID = ("part_number", "date_code", "received_on", "initial_quantity")
_KNOWN = text(
    f"""
    -- What is known of the quantity of these packages?
    WITH asked AS (
        SELECT package.package_id, package.identifier, described.*
        FROM package
        CROSS JOIN LATERAL (
            SELECT {", ".join(latest(name) + f" AS {name}" for name in _SAID)}
            FROM package_description AS told
            WHERE told.package_id = package.package_id AND {_THEN.format("told")}
        ) AS described
        WHERE package.package_id = ANY (CAST(:packages AS integer[]))
    ), told AS (
        SELECT package_id, kind, CASE kind WHEN 'empty' THEN 0 ELSE quantity END AS quantity, recorded_at AS told_at,
            station.handle AS station, station_id
        FROM loading_event JOIN station USING (station_id)
        WHERE package_id = ANY (CAST(:packages AS integer[])) AND (quantity > 0 OR kind = 'empty')
          AND {_THEN.format("loading_event")}
        UNION ALL
        SELECT child_id, 'joined', quantity, recorded_at, NULL, NULL FROM package_link
        WHERE child_id = ANY (CAST(:packages AS integer[])) AND kind = 'joined' AND quantity > 0
          AND {_THEN.format("package_link")}
        UNION ALL
        SELECT package_id, 'described', told.quantity, told.described_at, NULL, NULL
        FROM package_description AS told JOIN asked USING (package_id)
        WHERE told.quantity > 0
          AND told.quantity IS DISTINCT FROM coalesce(told.initial_quantity, asked.initial_quantity)
          AND {_THEN.format("told")}
    ), last AS (
        SELECT DISTINCT ON (package_id) * FROM told ORDER BY package_id, told_at DESC, quantity
    ), gone AS (
        SELECT parent_id AS package_id, sum(link.quantity) AS quantity, bool_or(link.quantity IS NULL) AS unknown,
            coalesce(sum(link.quantity) FILTER (WHERE link.recorded_at <= last.told_at), 0) AS before
        FROM package_link AS link LEFT JOIN last ON last.package_id = link.parent_id
        WHERE parent_id = ANY (CAST(:packages AS integer[])) AND link.kind = 'split' AND {_THEN.format("link")}
        GROUP BY parent_id
    ), come AS (
        SELECT child_id AS package_id, sum(link.quantity) AS quantity, string_agg(parent.identifier, ', ') AS parents
        FROM package_link AS link JOIN package AS parent ON parent.package_id = parent_id
        WHERE child_id = ANY (CAST(:packages AS integer[])) AND kind = 'split' AND link.quantity > 0
          AND {_THEN.format("link")}
        GROUP BY child_id
    )
    SELECT asked.package_id, asked.identifier, asked.part_number, asked.date_code, asked.received_on,
        nullif(asked.initial_quantity, 0) AS initial, come.quantity AS come, come.parents,
        last.kind, last.quantity, last.told_at, last.station, last.station_id,
        coalesce(gone.quantity, 0) AS gone, coalesce(gone.before, 0) AS gone_before,
        coalesce(gone.unknown, false) AS gone_unknown, (
            SELECT min(recorded_at) FROM package_event
            WHERE package_event.package_id = asked.package_id AND package_event.kind = 'retired'
              AND {_THEN.format("package_event")}
        ) AS retired_at
    FROM asked
    LEFT JOIN last USING (package_id)
    LEFT JOIN gone USING (package_id)
    LEFT JOIN come USING (package_id)
    ORDER BY asked.package_id
    """
)
_WORDS = {
    "loaded": "{station} loaded it with {quantity}",
    "unloaded": "{station} took it out with {quantity} left",
    "spliced": "{station} said {quantity} when its splice ran in",
    "empty": "{station} said that it ran empty",
    "consumed": "{station} said that {quantity} are left",
    "split": "{quantity} were left when a part was split off",
    "retired": "it was retired with {quantity}",
    "joined": "it was spliced on with {quantity}",
    "described": "its latest description says {quantity}",
}


def known_of(connection: Connection, packages: Sequence[int], as_of: datetime | None = None) -> list[Known]:
    """What was said of these packages, in order of their ids; with `as_of` (server's clock) what was known then."""
    found = []
    for row in connection.execute(_KNOWN, {"packages": list(packages), "as_of": as_of}):
        received, says = row.initial, f"its description says that it came with {pieces(row.initial)}"
        if row.come is not None:
            received, says = row.come, f"{pieces(row.come)} were split off {row.parents} into it"
        remaining = None
        if row.kind is not None:
            words = _WORDS.get(row.kind, "{quantity} were counted")
            told = words.format(station=row.station, quantity=pieces(row.quantity))
            came = row.kind in ("loaded", "spliced", "joined")
            remaining = Remaining(row.quantity, row.told_at, told, row.kind == "retired", row.station_id, came)
        found.append(
            Known(
                row.package_id,
                row.identifier,
                row.part_number,
                row.date_code,
                row.received_on,
                received,
                says if received is not None else "nobody said how many pieces it came with",
                remaining,
                None if row.gone_unknown else row.gone,
                None if row.gone_unknown else row.gone_before,
                row.retired_at,
            )
        )
    return found


def pieces(number: float | None) -> str:
    """A number of pieces as people write it: `5000`, `12.5`."""
    return "?" if number is None else f"{number:.3f}".rstrip("0").rstrip(".")
