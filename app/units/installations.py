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
from collections import Counter
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Connection, TextClause, text

from app.cfx.described import Description, describe
from app.cfx.installed import Entry, Kind
from app.copying import Columns, Row, copy_rows
from app.facts import Report
from app.known import Known
from app.materials.packages import register_packages

Picks: TypeAlias = tuple[tuple[str, int], ...]
"""(nozzle, picks), by nozzle."""

_LONGEST_CHUNK = 32


@dataclass(frozen=True, slots=True)
class KnownPlacement:
    """A stored placement: its id, the location that decides where chunks end, and how often each nozzle placed."""

    placement_id: int
    slot: str
    ends_chunk: bool
    picks: Picks = ()


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A stored material set, and how often each nozzle placed something of it; most machines name no nozzle."""

    set_id: int
    picks: Picks = ()


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
    sets: MutableMapping[bytes, KnownSet]


class InternedMemory:
    """The three memories behind `Interned`, kept between transactions."""

    def __init__(self) -> None:
        self.placements: Known[bytes, KnownPlacement] = Known(200_000)
        self.chunks: Known[bytes, int] = Known(200_000)
        self.sets: Known[bytes, KnownSet] = Known(100_000)


def chunk_digest(marks: Iterable[bytes]) -> bytes:
    """BLAKE2b-128 over the marks (`app.cfx.installed.entry_mark`) of its entries, in order."""
    return blake2b(b"".join(marks), digest_size=16, person=b"chunk").digest()


def set_digest(chunks: Iterable[bytes]) -> bytes:
    """BLAKE2b-128 over the digests of chunks, in order."""
    return blake2b(b"".join(chunks), digest_size=16, person=b"set").digest()


def ends_chunk(slot: str) -> bool:
    """Whether a chunk ends behind this location: one in eight."""
    return blake2b(slot.encode(), digest_size=1).digest()[0] % 8 == 0


def chunked(placements: Sequence[KnownPlacement]) -> list[range]:
    """Where chunks of entries lie: about eight locations each, at most 32 entries."""
    if not placements:
        return []
    borders = [0]
    for at, (before, here) in enumerate(pairwise(placements), start=1):
        if (before.ends_chunk and before.slot != here.slot) or at - borders[-1] >= _LONGEST_CHUNK:
            borders.append(at)
    return [range(start, end) for start, end in pairwise([*borders, len(placements)])]


def intern_sets(
    connection: Connection,
    installed: Sequence[Installed],
    packages: MutableMapping[str, int],
    interned: Interned,
) -> list[KnownSet]:
    """The sets of what was installed, new or known; `packages` must know every package named.

    Raises `app.cfx.installed.InstalledError` where a template does not say what CFX lets it say.
    """
    distinct = {id(one.entries): one for one in installed}  # boards built alike share their entries
    known = interned.placements
    templates = {
        entry.digest: (one.kind, entry.template)
        for one in distinct.values()
        for entry in one.entries
        if entry.digest not in known
    }
    _intern_placements(connection, templates, packages, known)

    chunks: dict[bytes, tuple[list[int], list[int]]] = {}
    sets: dict[bytes, tuple[list[bytes], Picks]] = {}
    wanted: dict[int, bytes] = {}
    for key, one in distinct.items():
        entries = one.entries
        placements = [known[entry.digest] for entry in entries]
        digests: list[bytes] = []
        for span in chunked(placements):
            inside = entries[span.start : span.stop]
            digest = chunk_digest(entry.mark for entry in inside)
            digests.append(digest)
            if digest not in interned.chunks:
                chunks[digest] = (
                    [placements[at].placement_id for at in span],
                    [0 if entry.package is None else packages[entry.package] for entry in inside],
                )
        wanted[key] = digest = set_digest(digests)
        if digest not in interned.sets:
            sets[digest] = digests, _added_up(placements)
    _intern_chunks(connection, chunks, interned.chunks)
    _intern_material_sets(connection, sets, interned)
    return [interned.sets[wanted[id(one.entries)]] for one in installed]


def _added_up(placements: Iterable[KnownPlacement]) -> Picks:
    picks: Counter[str] = Counter()
    for placement in placements:
        for nozzle, placed in placement.picks:
            picks[nozzle] += placed
    return tuple(sorted(picks.items()))


_FIND_PLACEMENTS = text(
    """
    SELECT digest, placement_id, coalesce(slot, part_number, ''), nozzles, nozzle_picks FROM placement
    WHERE digest = ANY(CAST(:digests AS bytea[]))
    """
)
_ENTER_PLACEMENTS = text(
    """
    INSERT INTO placement (
        digest, kind, reference_designators, rejected_designators, part_number, reference_part_number,
        slot, slot_name, lane, feeder, joined_packages, batch_packages, nozzles, nozzle_picks, template
    )
    SELECT digest, kind, CAST(designators AS text[]), CAST(rejected AS text[]), part_number, reference_part_number,
        slot, slot_name, lane, feeder, CAST(joined AS text[]), CAST(batch AS text[]), CAST(nozzles AS text[]),
        CAST(picks AS smallint[]), template
    FROM unnest(
        CAST(:digests AS bytea[]), CAST(:kinds AS text[]), CAST(:designators AS text[]), CAST(:rejected AS text[]),
        CAST(:parts AS text[]), CAST(:reference_parts AS text[]), CAST(:slots AS text[]), CAST(:slot_names AS text[]),
        CAST(:lanes AS text[]), CAST(:feeders AS text[]), CAST(:joined AS text[]), CAST(:batch AS text[]),
        CAST(:nozzles AS text[]), CAST(:picks AS text[]), CAST(:templates AS bytea[])
    ) AS given (
        digest, kind, designators, rejected, part_number, reference_part_number, slot, slot_name, lane, feeder, joined,
        batch, nozzles, picks, template
    )
    ORDER BY digest
    ON CONFLICT DO NOTHING
    RETURNING digest, placement_id, coalesce(slot, part_number, ''), nozzles, nozzle_picks
    """
)


def _intern_placements(
    connection: Connection,
    templates: dict[bytes, tuple[Kind, bytes]],
    packages: MutableMapping[str, int],
    known: MutableMapping[bytes, KnownPlacement],
) -> None:
    if not templates:
        return
    # Unknown to this process is new in most cases, so nothing is asked for before it is entered.
    told = {digest: describe(template) for digest, (_, template) in templates.items()}
    spliced = {name for one in told.values() for name in (*one.joined_packages, *one.batch_packages)}
    register_packages(connection, spliced, packages)
    entered = connection.execute(
        _ENTER_PLACEMENTS,
        {
            "digests": list(templates),
            "kinds": [kind for kind, _ in templates.values()],
            "templates": [zlib.compress(template, 9) for _, template in templates.values()],
            **_columns(list(told.values())),
        },
    )
    _learn(entered, known)
    missing = [digest for digest in templates if digest not in known]
    if missing:
        _learn(connection.execute(_FIND_PLACEMENTS, {"digests": missing}), known)


def _learn(rows: Iterable[Any], known: MutableMapping[bytes, KnownPlacement]) -> None:
    for digest, placement_id, slot, nozzles, picks in rows:
        known[digest] = KnownPlacement(placement_id, slot, ends_chunk(slot), tuple(zip(nozzles, picks, strict=True)))


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
        "picks": [_number_array(min(picks, 32767) for picks in one.nozzle_picks) for one in told],
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
    if not chunks:
        return
    given: dict[str, list[Any]] = {
        "digests": list(chunks),
        "placements": [_number_array(placements) for placements, _ in chunks.values()],
        "packages": [_number_array(packages) for _, packages in chunks.values()],
    }
    _enter_or_find(connection, _ENTER_CHUNKS, _FIND_CHUNKS, given, known)


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


def _intern_material_sets(
    connection: Connection, sets: dict[bytes, tuple[list[bytes], Picks]], interned: Interned
) -> None:
    if not sets:
        return
    chunks = [_number_array(interned.chunks[chunk] for chunk in digests) for digests, _ in sets.values()]
    given: dict[str, list[Any]] = {"digests": list(sets), "chunks": chunks}
    ids: dict[bytes, int] = {}
    _enter_or_find(connection, _ENTER_SETS, _FIND_SETS, given, ids)
    interned.sets.update({digest: KnownSet(ids[digest], picks) for digest, (_, picks) in sets.items()})


def _enter_or_find(
    connection: Connection,
    enter: TextClause,
    find: TextClause,
    given: Mapping[str, list[Any]],
    known: MutableMapping[bytes, int],
) -> None:
    """What this process does not know is new in most cases; what others entered is looked up afterwards."""
    known.update((row[0], row[1]) for row in connection.execute(enter, given))
    missing = [digest for digest in given["digests"] if digest not in known]
    if missing:
        known.update((row[0], row[1]) for row in connection.execute(find, {"digests": missing}))


def _number_array(numbers: Iterable[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


_INSTALLATION: Columns = {
    "unit_id": "int8", "position_number": "int2", "event_id": "int8", "station_id": "int4", "set_id": "int4",
    "transaction_id": "uuid", "candidates": "int2", "recorded_at": "timestamptz", "received_at": "timestamptz",
}  # fmt: skip


def record_installations(connection: Connection, found: Sequence[InstalledOn]) -> None:
    """Enter material sets on units, of events that are new. Of several for one place of one event the first counts."""
    rows: dict[tuple[int, int, int], Row] = {}
    for one in found:
        report = one.report
        key = one.unit_id, one.position_number, report.event_id
        candidates = min(one.candidates, 32767)
        times = report.recorded_at, report.received_at
        rows.setdefault(key, (*key, report.station_id, one.set_id, one.transaction_id, candidates, *times))
    copy_rows(connection, "installation", _INSTALLATION, rows.values())
