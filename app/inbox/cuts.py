"""Entries of installed materials that were cut before: a changed reel costs one entry's reading, not a board's."""

from uuid import uuid4

from app.cfx.installed import UNIT, Dissection, Entry, Group, Kind, cut_entry, describe, fill, framed
from app.cfx.outline import Outline, cut_transaction, cut_unit, hole_of

_MOST = 20_000
"""Entries remembered; about a kilobyte each."""


class Cuts:
    """What a process remembers of entries: by kind and text with the unit cut out, the position and the entry."""

    def __init__(self) -> None:
        self._known: dict[tuple[Kind, bytes], tuple[int, Entry]] = {}

    def find(self, kind: Kind, text: bytes) -> tuple[int, Entry] | None:
        """The entry of a text with its unit cut out."""
        return self._known.get((kind, text))

    def keep(self, kind: Kind, text: bytes, position: int, entry: Entry) -> None:
        """Remember an entry that holds for any unit; the oldest give way."""
        if len(self._known) >= _MOST:
            for key in list(self._known)[: _MOST // 10]:
                self._known.pop(key, None)
        self._known[kind, text] = position, entry


class Cutter:
    """Cuts the entries of one message, in order, with what is remembered; afterwards says whether the parts are proven.

    An entry *holds for any unit* when, told of another unit, its template gives what the text gives with the unit
    exchanged. It fails where an identifier stands in more places than a template has holes for it.
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
        known = self._cuts.find(kind, bare)
        if known:
            return (unit, known[0]), known[1]
        group, entry = cut_entry(kind, text)
        describe(entry.template)  # what it says is read once, before a transaction begins
        other = str(uuid4())
        if fill(entry.template, (other, group[1]), entry.package, entry.values) == bare.replace(
            UNIT, b'"' + other.encode() + b'"'
        ):
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
        return cut_transaction(framed(parts, texts)) == self._sketch.text
