"""What is installed in units: material sets in chunks, stored once, and one row a unit and message.

A board of 1,000 placements is about a hundred locations of two machines, filled from a hundred packages. From board to
board almost nothing changes: a reel now and then. So the (placement, package) pairs of one message and unit are kept
as a *set* of *chunks*, each stored under a digest of what it says:

    installation (unit, event) -> material_set -> material_chunk -> (placement, package) pairs

A chunk ends where the hash of a location says so, not after a count: an inserted entry (a splice in the middle of a
board) changes the chunk it falls into and no other. Digests are over templates and package identifiers, never over ids,
so that the same facts give the same digests in whatever order they arrive, in every factory.
"""

import zlib
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from uuid import UUID

from sqlalchemy import Connection, text

from app.cfx.described import Description, describe
from app.cfx.installed import Entry, Kind
from app.facts import Report
from app.known import Known
from app.materials.packages import register_packages

_LONGEST_CHUNK = 32


@dataclass(frozen=True, slots=True)
class KnownPlacement:
    """A stored placement: its id and the location that decides where chunks end."""

    placement_id: int
    slot: str


@dataclass(frozen=True, slots=True)
class Installed:
    """Everything one message installed on one unit, in the order of the message."""

    kind: Kind
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class InstalledOn:
    """A material set found on a unit, by one report."""

    report: Report
    transaction_id: UUID | None
    unit_id: int
    position_number: int
    set_id: int
    candidates: int = 1


@dataclass(slots=True)
class Interned:
    """What a process remembers of the interned tables; see `app.known`."""

    placements: MutableMapping[bytes, KnownPlacement]
    chunks: MutableMapping[bytes, int]
    sets: MutableMapping[bytes, int]


class InternedMemory:
    """The three memories behind `Interned`, kept between transactions."""

    def __init__(self) -> None:
        self.placements: Known[bytes, KnownPlacement] = Known(200_000)
        self.chunks: Known[bytes, int] = Known(200_000)
        self.sets: Known[bytes, int] = Known(100_000)


def chunk_digest(entries: Sequence[tuple[bytes, str | None]]) -> bytes:
    """BLAKE2b-128 over (placement digest, package identifier) pairs; every part has its length told or fixed."""
    total = blake2b(digest_size=16, person=b"chunk")
    for digest, package in entries:
        told = b"\xff" if package is None else package.encode()
        total.update(digest + len(told).to_bytes(4, "big") + told)
    return total.digest()


def set_digest(chunks: Iterable[bytes]) -> bytes:
    """BLAKE2b-128 over the digests of chunks, in order."""
    return blake2b(b"".join(chunks), digest_size=16, person=b"set").digest()


@lru_cache(100_000)
def _ends_chunk(slot: str) -> bool:
    return blake2b(slot.encode(), digest_size=1).digest()[0] % 8 == 0


def chunked(slots: Sequence[str]) -> list[range]:
    """Where chunks of entries lie, from the entries' locations: about eight locations each, at most 32 entries."""
    if not slots:
        return []
    borders = [0]
    for at, (before, here) in enumerate(pairwise(slots), start=1):
        if (before != here and _ends_chunk(before)) or at - borders[-1] >= _LONGEST_CHUNK:
            borders.append(at)
    return [range(start, end) for start, end in pairwise([*borders, len(slots)])]


def intern_sets(
    connection: Connection,
    installed: Sequence[Installed],
    packages: MutableMapping[str, int],
    interned: Interned,
) -> list[int]:
    """The set ids of what was installed, new or known; `packages` must know every package named.

    Raises `app.cfx.installed.InstalledError` where a template does not say what CFX lets it say.
    """
    distinct = {id(one.entries): one for one in installed}  # boards built alike share their entries
    templates = {
        entry.digest: (one.kind, entry.template)
        for one in distinct.values()
        for entry in one.entries
        if entry.digest not in interned.placements
    }
    _intern_placements(connection, templates, packages, interned.placements)

    chunks: dict[bytes, tuple[list[int], list[int]]] = {}
    sets: dict[bytes, list[bytes]] = {}
    wanted: dict[int, bytes] = {}
    for key, one in distinct.items():
        placements = [interned.placements[entry.digest] for entry in one.entries]
        chunk_digests: list[bytes] = []
        for span in chunked([placement.slot for placement in placements]):
            pairs = [(one.entries[at].digest, one.entries[at].package) for at in span]
            digest = chunk_digest(pairs)
            chunk_digests.append(digest)
            if digest not in interned.chunks:
                chunks[digest] = (
                    [placements[at].placement_id for at in span],
                    [0 if package is None else packages[package] for _, package in pairs],
                )
        digest = set_digest(chunk_digests)
        wanted[key] = digest
        if digest not in interned.sets:
            sets[digest] = chunk_digests
    _intern_chunks(connection, chunks, interned.chunks)
    _intern_material_sets(connection, sets, interned)
    return [interned.sets[wanted[id(one.entries)]] for one in installed]


_FIND_PLACEMENTS = text(
    """
    SELECT digest, placement_id, coalesce(slot, part_number, '') FROM placement
    WHERE digest = ANY(CAST(:digests AS bytea[]))
    """
)
_ENTER_PLACEMENTS = text(
    """
    INSERT INTO placement (
        digest, kind, reference_designators, rejected_designators, part_number, reference_part_number,
        slot, slot_name, lane, feeder, joined_packages, batch_packages, nozzles, template
    )
    SELECT digest, kind, CAST(designators AS text[]), CAST(rejected AS text[]), part_number, reference_part_number,
        slot, slot_name, lane, feeder, CAST(joined AS text[]), CAST(batch AS text[]), CAST(nozzles AS text[]), template
    FROM unnest(
        CAST(:digests AS bytea[]), CAST(:kinds AS text[]), CAST(:designators AS text[]), CAST(:rejected AS text[]),
        CAST(:parts AS text[]), CAST(:reference_parts AS text[]), CAST(:slots AS text[]), CAST(:slot_names AS text[]),
        CAST(:lanes AS text[]), CAST(:feeders AS text[]), CAST(:joined AS text[]), CAST(:batch AS text[]),
        CAST(:nozzles AS text[]), CAST(:templates AS bytea[])
    ) AS given (
        digest, kind, designators, rejected, part_number, reference_part_number, slot, slot_name, lane, feeder, joined,
        batch, nozzles, template
    )
    ORDER BY digest
    ON CONFLICT DO NOTHING
    """
)


def _intern_placements(
    connection: Connection,
    templates: dict[bytes, tuple[Kind, bytes]],
    packages: MutableMapping[str, int],
    known: MutableMapping[bytes, KnownPlacement],
) -> None:
    def find() -> None:
        digests = [digest for digest in templates if digest not in known]
        if digests:
            found = connection.execute(_FIND_PLACEMENTS, {"digests": digests})
            known.update((row[0], KnownPlacement(row[1], row[2])) for row in found)

    find()
    missing = {digest: template for digest, template in templates.items() if digest not in known}
    if not missing:
        return
    told = {digest: describe(template) for digest, (_, template) in missing.items()}
    spliced = {name for one in told.values() for name in (*one.joined_packages, *one.batch_packages)}
    register_packages(connection, spliced, packages)
    connection.execute(
        _ENTER_PLACEMENTS,
        {
            "digests": list(missing),
            "kinds": [kind for kind, _ in missing.values()],
            "templates": [zlib.compress(template, 9) for _, template in missing.values()],
            **_columns(list(told.values())),
        },
    )
    find()


def _columns(told: Sequence[Description]) -> dict[str, object]:
    return {
        "designators": [_text_array(one.reference_designators) for one in told],
        "rejected": [_text_array(one.rejected_designators) for one in told],
        "parts": [one.part_number for one in told],
        "reference_parts": [one.reference_part_number for one in told],
        "slots": [one.location for one in told],
        "slot_names": [one.location_name for one in told],
        "lanes": [one.lane for one in told],
        "feeders": [one.feeder for one in told],
        "joined": [_text_array(one.joined_packages) for one in told],
        "batch": [_text_array(one.batch_packages) for one in told],
        "nozzles": [_text_array(one.nozzles) for one in told],
    }


def _text_array(items: Sequence[str]) -> str:
    """A PostgreSQL array literal: unnest would flatten a nested array."""
    quoted = (item.replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return "{" + ",".join(f'"{item}"' for item in quoted) + "}"


_FIND_CHUNKS = text("SELECT digest, chunk_id FROM material_chunk WHERE digest = ANY(CAST(:digests AS bytea[]))")
_ENTER_CHUNKS = text(
    """
    INSERT INTO material_chunk (digest, placement_ids, package_ids)
    SELECT digest, CAST(placements AS integer[]), CAST(packages AS integer[])
    FROM unnest(
        CAST(:digests AS bytea[]), CAST(:placements AS text[]), CAST(:packages AS text[])
    ) AS given (digest, placements, packages)
    ORDER BY digest
    ON CONFLICT DO NOTHING
    RETURNING digest, chunk_id
    """
)


def _intern_chunks(
    connection: Connection,
    chunks: dict[bytes, tuple[list[int], list[int]]],
    known: MutableMapping[bytes, int],
) -> None:
    def find() -> None:
        digests = [digest for digest in chunks if digest not in known]
        if digests:
            known.update((row[0], row[1]) for row in connection.execute(_FIND_CHUNKS, {"digests": digests}))

    find()
    missing = {digest: pair for digest, pair in chunks.items() if digest not in known}
    if missing:
        entered = connection.execute(
            _ENTER_CHUNKS,
            {
                "digests": list(missing),
                "placements": [_number_array(placements) for placements, _ in missing.values()],
                "packages": [_number_array(packages) for _, packages in missing.values()],
            },
        )
        known.update((row[0], row[1]) for row in entered)
        find()  # those another process entered first


_FIND_SETS = text("SELECT digest, set_id FROM material_set WHERE digest = ANY(CAST(:digests AS bytea[]))")
_ENTER_SETS = text(
    """
    INSERT INTO material_set (digest, chunk_ids)
    SELECT digest, CAST(chunks AS integer[])
    FROM unnest(CAST(:digests AS bytea[]), CAST(:chunks AS text[])) AS given (digest, chunks)
    ORDER BY digest
    ON CONFLICT DO NOTHING
    RETURNING digest, set_id
    """
)


def _intern_material_sets(connection: Connection, sets: dict[bytes, list[bytes]], interned: Interned) -> None:
    known = interned.sets

    def find() -> None:
        digests = [digest for digest in sets if digest not in known]
        if digests:
            known.update((row[0], row[1]) for row in connection.execute(_FIND_SETS, {"digests": digests}))

    find()
    missing = {digest: chunks for digest, chunks in sets.items() if digest not in known}
    if missing:
        entered = connection.execute(
            _ENTER_SETS,
            {
                "digests": list(missing),
                "chunks": [_number_array([interned.chunks[chunk] for chunk in chunks]) for chunks in missing.values()],
            },
        )
        known.update((row[0], row[1]) for row in entered)
        find()


def _number_array(numbers: Iterable[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


_INSTALL = text(
    """
    INSERT INTO installation (
        unit_id, position_number, event_id, station_id, set_id, transaction_id, candidates, recorded_at, received_at
    )
    SELECT * FROM unnest(
        CAST(:units AS bigint[]), CAST(:positions AS smallint[]), CAST(:events AS bigint[]),
        CAST(:stations AS integer[]), CAST(:sets AS integer[]), CAST(:transactions AS uuid[]),
        CAST(:candidates AS smallint[]),
        CAST(:recorded_at AS timestamptz[]), CAST(:received_at AS timestamptz[])
    )
    ON CONFLICT DO NOTHING
    """
)


def record_installations(connection: Connection, found: Sequence[InstalledOn]) -> None:
    """Enter material sets on units."""
    if found:
        connection.execute(
            _INSTALL,
            {
                "units": [one.unit_id for one in found],
                "positions": [one.position_number for one in found],
                "events": [one.report.event_id for one in found],
                "stations": [one.report.station_id for one in found],
                "sets": [one.set_id for one in found],
                "transactions": [one.transaction_id for one in found],
                "candidates": [min(one.candidates, 32767) for one in found],
                "recorded_at": [one.report.recorded_at for one in found],
                "received_at": [one.report.received_at for one in found],
            },
        )
