"""A list of like measurements cut into columns, without losing a byte.

An SPI sends 3,000 deposits a board, 1 MB of JSON. From board to board the same members stand in the same order with the
same names, expectations and places; what varies is what was measured, and the identifiers of the measurements. So the
list is taken as a table: one column for each piece between two separators. Columns that do not vary are the *template*,
stored once; of the others only the values are kept, and `joined` puts the very text together again.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np

_OPENING = re.compile(rb'\s*\{?\s*"([^"\\]*)"\s*:\s*(?:\{\s*"([^"\\]*)"\s*:\s*)*')
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*")
_FEWEST = 8
_GUID_SIGNS, _GUID_HEX = 36, 32
_DASHES = (8, 13, 18, 23)


@dataclass(frozen=True, slots=True)
class Hole:
    """A column that is not part of the template: its member's name, its whole text."""

    number: int
    name: str
    text: bytes
    opening: bytes
    """What stands before the value in each piece."""


@dataclass(frozen=True, slots=True)
class Table:
    """A list of JSON objects as columns."""

    rows: int
    separator: bytes
    columns: tuple[bytes | None, ...]
    """The text of each column of the template; None for a hole."""
    holes: tuple[Hole, ...]

    @property
    def template(self) -> bytes:
        """What all lists of the same program have in common, for storing."""
        openings = [hole.opening for hole in self.holes]
        return msgspec.msgpack.encode((self.rows, self.separator, self.columns, openings))


_read = msgspec.msgpack.Decoder(tuple[int, bytes, list[bytes | None], list[bytes]]).decode


@lru_cache(maxsize=8)  # board after board has the same; to see that takes a quarter of the time
def template_digest(template: bytes) -> bytes:
    """BLAKE2b-128 of a template."""
    return blake2b(template, digest_size=16, person=b"columns").digest()


def cut(text: bytes, varying: Collection[str]) -> Table | None:
    """A list as a table whose members named in `varying` are holes; None where it is not so regular."""
    if not (text.startswith(b"[{") and text.endswith(b"}]")):
        return None
    separator = b", " if b', "' in text[:1000] else b","
    marker = text[1 : text.find(b":") + 1]
    rows = text.count(separator + marker) + 1
    pieces = text[1:-1].split(separator)
    width, rest = divmod(len(pieces), rows)
    if rest or rows < _FEWEST:
        return None
    columns: list[bytes | None] = []
    holes: list[Hole] = []
    for number in range(width):
        column = separator.join(pieces[number::width])
        opening = _OPENING.match(pieces[number])
        name = (opening[2] or opening[1]).decode(errors="replace") if opening else ""
        if opening is not None and name in varying:
            holes.append(Hole(number, name, column, opening[0]))
            columns.append(None)
        else:
            columns.append(column)
    return Table(rows, separator, tuple(columns), tuple(holes))


def joined(template: bytes, holes: Sequence[bytes]) -> bytes:
    """The text of the list again, from its template and the texts of its holes in order."""
    _, separator, columns, _ = _read(template)
    remaining = iter(holes)
    texts = [next(remaining) if column is None else column for column in columns]
    rows = zip(*(text.split(separator) for text in texts), strict=True)
    return b"[" + separator.join([separator.join(row) for row in rows]) + b"]"


def openings_of(template: bytes) -> tuple[int, bytes, list[bytes]]:
    """Rows, separator, and what stands before the values of each hole."""
    rows, separator, _, openings = _read(template)
    return rows, separator, openings


def bare_numbers(hole: Hole, table: Table) -> tuple[bytes, bytes] | None:
    """A hole's numbers with commas between them, and what closes each piece; None where they are no plain numbers."""
    number = _NUMBER.match(hole.text, len(hole.opening))
    if number is None:
        return None
    closing = hole.text[number.end() :].partition(table.separator)[0]
    return _bare(hole, table, closing)


def bare_texts(hole: Hole, table: Table, closing: bytes) -> bytes | None:
    """A hole's values with commas between them, where each is followed by `closing`; None where they are not."""
    found = _bare(hole, table, closing)
    return found[0] if found else None


def _bare(hole: Hole, table: Table, closing: bytes) -> tuple[bytes, bytes] | None:
    end = len(hole.text) - len(closing)
    between = closing + table.separator + hole.opening
    values = hole.text[len(hole.opening) : end].replace(between, b",")
    dressed_again = dressed(values, hole.opening, closing, table.separator)
    if values.count(b",") != table.rows - 1 or dressed_again != hole.text:
        return None
    return values, closing


def dressed(values: bytes, opening: bytes, closing: bytes, separator: bytes) -> bytes:
    """A column's text from its bare values."""
    return opening + values.replace(b",", closing + separator + opening) + closing


def guids(values: bytes) -> bytes | None:
    """GUIDs with commas between them as 16 bytes each; None where they are not all written alike, in small letters."""
    try:
        packed = bytes.fromhex(values.replace(b"-", b"").replace(b",", b"").decode())
    except ValueError:
        return None
    return packed if len(packed) % 16 == 0 and guid_texts(packed) == values else None


def guid_texts(packed: bytes) -> bytes:
    """The texts of GUIDs, with commas between them."""
    signs = np.frombuffer(packed.hex().encode(), dtype=np.uint8).reshape(-1, _GUID_HEX)
    written: Any = np.empty((len(signs), _GUID_SIGNS + 1), dtype=np.uint8)
    written[:, _GUID_SIGNS] = ord(",")
    written[:, list(_DASHES)] = ord("-")
    hexadecimal = [at for at in range(_GUID_SIGNS) if at not in _DASHES]
    written[:, hexadecimal] = signs
    return bytes(written.tobytes()[:-1])
