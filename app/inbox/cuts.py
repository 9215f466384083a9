"""Entries of installed materials that were cut before: a changed reel costs one entry's reading, not a board's."""

import re
from dataclasses import replace
from uuid import uuid4

from app.cfx.described import UNIT, VALUE, describe
from app.cfx.installed import Dissection, Entry, Group, Kind, cut_entry, fill, framed
from app.cfx.outline import Outline, cut_transaction, cut_unit, hole_of

_MOST = 20_000
"""Entries remembered; about a kilobyte each."""
_QUANTITY = re.compile(rb'"Quantity"\s*:\s*(-?[0-9][0-9.eE+-]*)')
_OTHER_QUANTITY = b"987654321.5"


class Cuts:
    """What a process remembers of entries: by kind and text with unit and quantity cut out, position and entry.

    Machines that count a reel's pieces down send another quantity with every board.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Kind, bytes], tuple[int, Entry]] = {}

    def find(self, kind: Kind, text: bytes) -> tuple[int, Entry] | None:
        """The entry of a text with its holes."""
        return self._known.get((kind, text))

    def keep(self, kind: Kind, text: bytes, position: int, entry: Entry) -> None:
        """Remember an entry that holds for any unit; the oldest give way."""
        if len(self._known) >= _MOST:
            for key in list(self._known)[: _MOST // 10]:
                self._known.pop(key, None)
        self._known[kind, text] = position, entry


class Cutter:
    """Cuts the entries of one message, in order, with what is remembered; afterwards says whether the parts are proven.

    The parts are proven when each entry holds for any unit and quantity, and the frame is the outline's.
    """

    def __init__(self, cuts: Cuts, sketch: Outline) -> None:
        self._cuts = cuts
        self._sketch = sketch
        self._texts: list[bytes] = []
        self._sound = True

    def __call__(self, kind: Kind, text: bytes) -> tuple[Group, Entry]:
        """Cut the next entry. Raises `InstalledError`."""
        unit = self._sketch.identifiers[self._sketch.shape[len(self._texts)]]
        bare = cut_unit(text, unit, UNIT)
        self._texts.append(bare)
        counted = _QUANTITY.search(bare)
        if counted:
            bare = bare[: counted.start(1)] + VALUE + bare[counted.end(1) :]
        known = self._cuts.find(kind, bare)
        if known:
            position, entry = known
            if counted and entry.values[0] != counted[1]:
                entry = replace(entry, values=(counted[1], *entry.values[1:]))
            return (unit, position), entry
        group, entry = cut_entry(kind, text)
        describe(entry.template)  # what it says is read once, before a transaction begins
        if _holds_for_any(bare, group[1], entry, counted=counted is not None):
            self._cuts.keep(kind, bare, group[1], entry)
        else:
            self._sound = False
        return group, entry

    def proves(self, parts: Dissection) -> bool:
        """Whether the parts, told of any units in any transaction, give what the outline gives for those."""
        if not self._sound:
            return False
        texts = [
            bare.replace(UNIT, hole_of(number)) for bare, number in zip(self._texts, self._sketch.shape, strict=True)
        ]
        prefix, suffix = cut_frame(parts)  # a transaction within an entry would be the first board's in all others
        return framed(replace(parts, prefix=prefix, suffix=suffix), texts) == self._sketch.text


def cut_frame(parts: Dissection) -> tuple[bytes, bytes]:
    """What stands before and after the entries, the transaction cut out."""
    prefix = cut_transaction(parts.prefix)
    return prefix, parts.suffix if prefix is not parts.prefix else cut_transaction(parts.suffix)


def _holds_for_any(bare: bytes, position: int, entry: Entry, *, counted: bool) -> bool:
    """Whether the template, told of another unit and quantity, gives what the text gives with those exchanged.

    It fails where an identifier stands in more places than the template has holes for it, or another quantity is first.
    """
    other = str(uuid4())
    values = (_OTHER_QUANTITY, *entry.values[1:]) if counted else entry.values
    if counted and not entry.values:
        return False
    exchanged = bare.replace(UNIT, b'"' + other.encode() + b'"').replace(VALUE, _OTHER_QUANTITY)
    return fill(entry.template, (other, position), entry.package, values) == exchanged
