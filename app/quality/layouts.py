"""Layouts in the database: stored once, known by their digest, never changed."""

from collections.abc import Iterable, Mapping
from threading import Lock

from sqlalchemy import Connection, text

from app.quality.layout import Layout, inflate

_FIND = text("SELECT digest, layout_id FROM measurement_layout WHERE digest = ANY(CAST(:digests AS bytea[]))")
_ENTER = text(
    """
    INSERT INTO measurement_layout (digest, content)
    SELECT * FROM unnest(CAST(:digests AS bytea[]), CAST(:contents AS bytea[])) AS given (digest, content)
    ORDER BY digest
    ON CONFLICT (digest) DO NOTHING
    """
)
_DIGESTS = text("SELECT layout_id, digest FROM measurement_layout WHERE layout_id = ANY(CAST(:ids AS integer[]))")
_CONTENTS = text("SELECT digest, content FROM measurement_layout WHERE digest = ANY(CAST(:digests AS bytea[]))")


# Layouts read lately, by digest: what a digest stands for is the same in any database. Reading one of 3,000 pads takes
# some 10 ms, and it takes a few MB.
_REMEMBERED = 32
_read: dict[bytes, Layout] = {}
_reading = Lock()
_IDS, _ENTERED = "layout_ids", "layouts_entered"  # in a connection's info: ids by digest; the last that entered any
_HERE = "layouts"  # in a connection's info: the digests of the layouts that were read on it, by id


def intern_layouts(connection: Connection, by_digest: Mapping[bytes, Layout]) -> dict[bytes, int]:
    """Give the id of each layout by its digest, storing those that are new.

    A connection remembers ids, but none that its own transaction entered: that may yet be rolled back.
    """
    ids: dict[bytes, int] = connection.info.setdefault(_IDS, {})
    if not (unknown := by_digest.keys() - ids.keys()):
        return ids
    found = _find(connection, unknown)
    if connection.info.get(_ENTERED) is not connection.get_transaction():
        ids |= found
    if new := sorted(unknown - found.keys()):
        connection.info[_ENTERED] = connection.get_transaction()
        connection.execute(_ENTER, {"digests": new, "contents": [by_digest[digest].deflated for digest in new]})
        found |= _find(connection, new)  # also those another process entered meanwhile
    return ids | found


def _find(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, int]:
    return {bytes(row[0]): row[1] for row in connection.execute(_FIND, {"digests": list(digests)})}


def load_layouts(connection: Connection, layout_ids: Iterable[int]) -> dict[int, Layout]:
    """Read layouts by id; those read lately are not read again."""
    here, wanted = remembered_layouts(connection), set(layout_ids)
    found = {layout_id: here[layout_id] for layout_id in wanted & here.keys()}
    if unread := sorted(wanted - here.keys()):
        rows = connection.execute(_DIGESTS, {"ids": unread})
        found |= layouts_of(connection, {row[0]: bytes(row[1]) for row in rows})
    return found


def layouts_of(connection: Connection, digests: Mapping[int, bytes]) -> dict[int, Layout]:
    """Read layouts whose digests are known, in the order given."""
    found = {digest: layout for digest in digests.values() if (layout := _read.get(digest)) is not None}
    unread = [digest for digest in set(digests.values()) if digest not in found]
    if unread:
        for digest, content in connection.execute(_CONTENTS, {"digests": unread}):
            found[bytes(digest)] = inflate(bytes(content))
        _remember(found)
    here = connection.info.get(_HERE, {}) | dict(digests)
    connection.info[_HERE] = {layout_id: digest for layout_id, digest in here.items() if digest in _read}
    return {layout_id: found[digest] for layout_id, digest in digests.items()}


def remembered_layouts(connection: Connection) -> dict[int, Layout]:
    """Those read before on this connection that are still remembered: no statement is needed for them.

    An id stands for the same layout as long as a connection lasts: ids are not given twice.
    """
    here: dict[int, bytes] = connection.info.get(_HERE, {})
    return {layout_id: layout for layout_id, digest in here.items() if (layout := _read.get(digest)) is not None}


def _remember(layouts: Mapping[bytes, Layout]) -> None:
    with _reading:
        _read.update(layouts)
        for digest in list(_read)[:-_REMEMBERED]:
            del _read[digest]
