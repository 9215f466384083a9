"""Bodies of events as they are stored, and given back byte for byte.

A body is stored deflated, with a dictionary of what CFX messages have in common. A body of installed materials is not
stored: its material sets are, and here only the *residue* they do not hold (the frame around the entries, quantities,
times). Nor are long lists of measurements, see `app.inbox.measured`. The first byte of the column tells which.
"""

import zlib
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from app.cfx.installed import from_residue
from app.inbox.deflating import deflated, inflated
from app.inbox.measured import MEASURED, unpack_measured

_PLAIN, _RESIDUE, _SHORT_RESIDUE = b"J", b"R", b"r"
_WORTH_DEFLATING = 600  # bytes; below, the time is worth more than what is saved


def body_digest(message_name: str, body: bytes) -> bytes:
    """The first 16 bytes of SHA-256 of name and body: the fingerprint of an event. Processors have SHA-256 built in."""
    total = sha256(message_name.encode() + b"\0")
    total.update(body)
    return total.digest()[:16]


def pack_body(body: bytes) -> bytes:
    """A body for the column."""
    return _PLAIN + deflated(body)


def pack_residue(residue: Sequence[Any]) -> bytes:
    """The residue of an installed-materials body for the column; each of its groups carries its set id last."""
    packed = msgspec.msgpack.encode(residue)
    if len(packed) < _WORTH_DEFLATING:
        return _SHORT_RESIDUE + packed
    return _RESIDUE + zlib.compress(packed, 1)


_PAIRS = text(
    """
    -- Which (template, package) pairs does each material set hold, in order?
    SELECT material_set.set_id, placement.template, package.identifier
    FROM material_set
    CROSS JOIN LATERAL unnest(material_set.chunk_ids) WITH ORDINALITY AS listed (chunk_id, chunk_order)
    JOIN material_chunk USING (chunk_id)
    CROSS JOIN LATERAL unnest(material_chunk.placement_ids, material_chunk.package_ids)
        WITH ORDINALITY AS pair (placement_id, package_id, pair_order)
    JOIN placement USING (placement_id)
    LEFT JOIN package ON package.package_id = pair.package_id
    WHERE material_set.set_id = ANY(CAST(:sets AS integer[]))
    ORDER BY material_set.set_id, chunk_order, pair_order
    """
)


def unpack_body(connection: Connection, stored: bytes) -> bytes:
    """The body of an event, byte for byte as the machine sent it."""
    mark, packed = stored[:1], stored[1:]
    if mark == _PLAIN:
        return inflated(packed)
    if mark == MEASURED:
        return unpack_measured(connection, packed)
    residue = msgspec.msgpack.decode(zlib.decompress(packed) if mark == _RESIDUE else packed)
    groups = residue[4]
    sets: dict[int, list[tuple[bytes, str | None]]] = {group[2]: [] for group in groups}
    for set_id, template, identifier in connection.execute(_PAIRS, {"sets": sorted(sets)}):
        sets[set_id].append((zlib.decompress(template), identifier))
    return from_residue(residue, [sets[group[2]] for group in groups])
