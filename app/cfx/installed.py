"""Cut `MaterialsInstalled` and `MaterialsApplied` bodies into what repeats and what varies, without losing a byte.

A placement machine sends the same text for every board of a product: the same feeders, part numbers and reference
designators. What varies from board to board is the unit, and, when a reel changes, the package. So each entry of the
message is cut into a *template* (its bytes with holes) and the values of its holes. Templates repeat for months and
are stored once; `assemble` puts the very bytes of the message together again.

A hole is one byte that UTF-8 never contains (0xF8 to 0xFB), so a template cannot be confused with a text.

Source: IPC-2591 (CFX) `Production.Assembly.MaterialsInstalled`, `Production.Application.MaterialsApplied`,
structure `InstalledMaterial`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.cfx.described import HOLES, PACKAGE, POSITION, UNIT, VALUE, Head, InstalledError, Package, read_full
from app.cfx.scalars import parse_guid

Kind: TypeAlias = Literal["installed", "applied"]
Group: TypeAlias = tuple[str | None, int]
"""(unit identifier as spoken, or None; position number, 0 where the machine gave none)."""

_STRING = rb'"(?:[^"\\]|\\.)*"'
_NUMBER = rb"-?[0-9][0-9.eE+-]*"
_UNIT_MEMBER = re.compile(rb'"UnitIdentifier"\s*:\s*(' + _STRING + rb")")
_POSITION_MEMBERS = (
    re.compile(rb'"UnitPositionNumber"\s*:\s*(' + _NUMBER + rb")"),
    re.compile(rb'"PositionNumber"\s*:\s*(' + _NUMBER + rb")"),
)
_PACKAGE_MEMBER = re.compile(rb'"UniqueIdentifier"\s*:\s*(' + _STRING + rb")")
_QUANTITY_MEMBER = re.compile(rb'"Quantity"\s*:\s*(' + _NUMBER + rb")")
_ESCAPED_LETTER = re.compile(rb"\\u00(?:[46][1-9A-Fa-f]|[57][0-9Aa])")
_VARYING = (b"InstallationTime", b"PickingTime", b"InstalledUnitIdentifier", b"MeasuredValue")
"""Members of components that differ from board to board; most machines leave them out."""
_VARYING_MEMBERS = re.compile(
    rb'"(?:(?:Non)?InstallationTime|PickingTime|InstalledUnitIdentifier|MeasuredValue)"\s*:\s*('
    + _STRING
    + rb"|"
    + _NUMBER
    + rb")"
)


class _Entry(Head):
    Material: msgspec.Raw = msgspec.Raw(b"null")


class Transaction(msgspec.Struct):
    """The transaction of a body; half of CFX's messages spell it one way and half the other, and machines mix them."""

    TransactionId: str | None = None
    TransactionID: str | None = None

    def read(self) -> UUID | None:
        """The transaction; blanks and all zeros are none. Raises `InstalledError`."""
        for text in (self.TransactionId, self.TransactionID):
            if text and not text.isspace():
                try:
                    found = parse_guid(text)
                except ValueError:
                    raise InstalledError(f"TransactionId {text!r} is not a GUID") from None
                if found.int:
                    return found
        return None


class _Raws(Transaction):
    InstalledMaterials: list[msgspec.Raw] | None = None
    AppliedMaterials: list[msgspec.Raw] | None = None


_decode_raws = msgspec.json.Decoder(_Raws).decode
_decode_entry = msgspec.json.Decoder(_Entry).decode
_decode_package = msgspec.json.Decoder(Package | None).decode


@dataclass(frozen=True, slots=True)
class Entry:
    """One `InstalledMaterial`: a template and the values of its holes, in the order of the holes."""

    template: bytes
    package: str | None
    values: tuple[bytes, ...]
    children: tuple[tuple[str | None, str], ...]
    """(reference designator, child unit identifier) of components that are units themselves."""
    digest: bytes = b""
    """Of kind and template, see `template_digest`."""
    mark: bytes = b""
    """Of digest and package, see `entry_mark`: what a chunk's digest is over."""


Cut: TypeAlias = Callable[[Kind, bytes], tuple[Group, Entry]]


@dataclass(frozen=True, slots=True)
class Dissection:
    """A body taken apart: `assemble(dissect(body)) == body`, to the byte."""

    kind: Kind
    groups: Mapping[Group, Sequence[Entry]]
    runs: tuple[tuple[int, int], ...]
    """(index of the group, number of entries) in the order of the message."""
    prefix: bytes
    suffix: bytes
    separators: tuple[bytes, ...]
    """What stands between two entries: one item where it is always the same."""
    transaction_id: UUID | None = None


def _position(head: Head) -> int:
    said = head.UnitPositionNumber if head.UnitPositionNumber is not None else head.PositionNumber
    if said is None or (isinstance(said, str) and not said.strip()):
        return 0
    try:
        number = float(said)
    except (ValueError, OverflowError):
        raise InstalledError(f"UnitPositionNumber {said!r} is not a number") from None
    if not 0 <= number <= 32767 or number != int(number):
        raise InstalledError(f"UnitPositionNumber {said} is no whole number within 0..32767")
    return int(number)


def template_digest(kind: Kind, template: bytes) -> bytes:
    """BLAKE2b-128 of kind and template."""
    return blake2b(template, digest_size=16, person=kind.encode()).digest()


def entry_mark(digest: bytes, package: str | None) -> bytes:
    """The digest of a template and the identifier of the package that filled it; every part has its length told."""
    told = b"\xff" if package is None else package.encode()
    return digest + len(told).to_bytes(4, "big") + told


def dissect(body: bytes, cut: Cut | None = None) -> Dissection:
    """Take a body apart. Raises `InstalledError` where the shape is not CFX's.

    `cut` cuts one entry; one that remembers entries it cut before may stand in for `cut_entry`.
    """
    cut = cut or cut_entry
    try:
        raws = _decode_raws(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InstalledError(str(error)) from None
    kind: Kind = "applied" if raws.InstalledMaterials is None and raws.AppliedMaterials is not None else "installed"
    listed = raws.AppliedMaterials if kind == "applied" else raws.InstalledMaterials
    texts = [bytes(raw) for raw in listed or ()]
    prefix, suffix, separators = _frame(body, texts)
    groups: dict[Group, list[Entry]] = {}
    order: list[Group] = []
    for text in texts:
        group, entry = cut(kind, text)
        groups.setdefault(group, []).append(entry)
        order.append(group)
    index = {group: number for number, group in enumerate(groups)}
    runs = tuple((index[group], len(list(same))) for group, same in groupby(order))
    entries = {group: tuple(own) for group, own in groups.items()}
    return Dissection(kind, entries, runs, prefix, suffix, separators, raws.read())


def _frame(body: bytes, texts: Sequence[bytes]) -> tuple[bytes, bytes, tuple[bytes, ...]]:
    """What stands before, after and between the entries."""
    if not texts:
        return body, b"", ()
    separators: list[bytes] = []
    start = body.index(texts[0])
    end = start + len(texts[0])
    gap = 1
    for text in texts[1:]:
        at = end + gap if body.startswith(text, end + gap) else body.index(text, end)
        gap = at - end
        separators.append(body[end:at])
        end = at + len(text)
    if len(set(separators)) == 1:
        separators = separators[:1]
    return body[:start], body[end:], tuple(separators)


def cut_entry(kind: Kind, text: bytes) -> tuple[Group, Entry]:
    """One entry cut into template and values. Raises `InstalledError`."""
    try:
        head = _decode_entry(text)
        material = bytes(head.Material)
        package = _decode_package(material)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InstalledError(f"an InstalledMaterial cannot be read: {error}") from None
    position = _position(head)
    unit, identifier = head.UnitIdentifier or None, (package.UniqueIdentifier or None) if package else None
    inside = text.find(material)
    holes = [
        _hole(UNIT, _UNIT_MEMBER.search(text), _encoded(unit)),
        _hole(POSITION, _position_member(text), b"%d" % position),
        _hole(PACKAGE, _PACKAGE_MEMBER.search(text, inside, inside + len(material)), _encoded(identifier)),
        _hole(VALUE, _QUANTITY_MEMBER.search(text, inside, inside + len(material)), None),
    ]
    if any(name in text for name in _VARYING):
        holes += [_hole(VALUE, match, None) for match in _VARYING_MEMBERS.finditer(text)]
    pieces: list[bytes] = []
    values: list[bytes] = []
    end = 0
    for start, stop, hole in sorted(filter(None, holes)):
        pieces += (text[end:start], hole)
        if hole == VALUE:
            values.append(text[start:stop])
        end = stop
    pieces.append(text[end:])
    children = _children(text) if may_have_children(text) else ()
    template = b"".join(pieces)
    digest = template_digest(kind, template)
    mark = entry_mark(digest, identifier)
    return (unit, position), Entry(template, identifier, tuple(values), children, digest, mark)


def _encoded(name: str | None) -> bytes | None:
    return None if name is None else msgspec.json.encode(name)


def _position_member(text: bytes) -> re.Match[bytes] | None:
    first, second = _POSITION_MEMBERS
    return first.search(text) or second.search(text)


def _hole(hole: bytes, match: re.Match[bytes] | None, wanted: bytes | None) -> tuple[int, int, bytes] | None:
    """A place to cut; none where the text writes the value in another way than `fill` would."""
    if match is None or (hole != VALUE and match[1] != wanted):
        return None
    return match.start(1), match.end(1), hole


def may_have_children(text: bytes) -> bool:
    """Whether a text may hold `InstalledUnitIdentifier`, escapes in the member's name allowed for. Cheap."""
    if b'"InstalledUnitIdentifier"' in text:
        return True
    return b"\\" in text and b"\\u00" in text and _ESCAPED_LETTER.search(text) is not None


def _children(text: bytes) -> tuple[tuple[str | None, str], ...]:
    return tuple(
        (component.ReferenceDesignator, component.InstalledUnitIdentifier)
        for component in read_full(text).InstalledComponents or ()
        if component.InstalledUnitIdentifier
    )


def fill(template: bytes, group: Group, package: str | None, values: Sequence[bytes]) -> bytes:
    """The entry's bytes again."""
    remaining = iter(values)

    def content(match: re.Match[bytes]) -> bytes:
        hole = match[0]
        if hole == UNIT:
            return msgspec.json.encode(group[0])
        if hole == POSITION:
            return b"%d" % group[1]
        if hole == PACKAGE:
            return msgspec.json.encode(package)
        return next(remaining)

    return HOLES.sub(content, template)


def assemble(parts: Dissection) -> bytes:
    """The body's bytes again; the inverse of `dissect`."""
    filled = [
        iter([fill(entry.template, group, entry.package, entry.values) for entry in entries])
        for group, entries in parts.groups.items()
    ]
    texts = [next(filled[index]) for index, count in parts.runs for _ in range(count)]
    return framed(parts, texts)


def framed(parts: Dissection, texts: Sequence[bytes]) -> bytes:
    """Entries' texts within the frame of a body."""
    if not texts:
        return parts.prefix + parts.suffix
    if len(parts.separators) <= 1:
        middle = (parts.separators[0] if parts.separators else b"").join(texts)
    else:
        middle = texts[0] + b"".join(b for pair in zip(parts.separators, texts[1:], strict=True) for b in pair)
    return parts.prefix + middle + parts.suffix


def to_residue(parts: Dissection) -> list[Any]:
    """What the interned sets do not hold of a message, as plain lists for msgpack."""
    values = [value for entries in parts.groups.values() for entry in entries for value in entry.values]
    runs = [] if _plain(parts) else [list(run) for run in parts.runs]
    return [
        parts.kind,
        parts.prefix,
        parts.suffix,
        list(parts.separators),
        list(map(list, parts.groups)),
        runs,
        packed_values(values),
    ]


def packed_values(values: Sequence[bytes]) -> list[Any]:
    """Values for a residue: reels are sold in few sizes, so each value once and a byte for every place it stands in."""
    distinct = {value: number for number, value in enumerate(dict.fromkeys(values))}
    if len(distinct) > 256 or 2 * len(distinct) > len(values):
        return list(values)
    return [list(distinct), bytes(distinct[value] for value in values)]


def _unpacked_values(packed: Sequence[Any]) -> Sequence[bytes]:
    if packed and not isinstance(packed[0], bytes):
        distinct, places = packed
        return [distinct[number] for number in places]
    return packed


def _plain(parts: Dissection) -> bool:
    return [index for index, _ in parts.runs] == list(range(len(parts.groups)))


def from_residue(residue: Sequence[Any], sets: Sequence[Sequence[tuple[bytes, str | None]]]) -> bytes:
    """The body again, from its residue and, group by group, the (template, package) pairs of its set."""
    kind, prefix, suffix, separators, groups, runs, values = residue
    remaining = iter(_unpacked_values(values))
    rebuilt = {
        (group[0], group[1]): [
            Entry(template, package, tuple(next(remaining) for _ in range(template.count(VALUE))), ())
            for template, package in pairs
        ]
        for group, pairs in zip(groups, sets, strict=True)
    }
    order = tuple((r[0], r[1]) for r in runs) or tuple(enumerate(map(len, rebuilt.values())))
    return assemble(Dissection(kind, rebuilt, order, prefix, suffix, tuple(separators)))
