"""Installed and applied materials on their way in: understood by outline where possible, interned, stored as residue.

A placement machine sends 94 kB for a board of 1,000 placements, and the next board differs from it in its unit and
transaction alone. So a body is first reduced to its outline; when that outline was stored before, its material sets
are known and nothing of it needs reading again. Otherwise it is taken apart entry by entry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from app.cfx.envelope import Envelope
from app.cfx.installed import VALUE, Dissection, InstalledError, assemble, describe, dissect, to_residue
from app.cfx.outline import Outline, cut_transaction, outline, put_transaction
from app.inbox.bodies import pack_body, pack_residue
from app.inbox.memory import Ids, SeenMessage
from app.inbox.said import Child, InstalledGroup, Said, TakenApart
from app.inbox.translate import HIGHEST_POSITION, UnreadableBody, translate
from app.materials.packages import register_packages
from app.units.installations import Installed, KnownPlacement, intern_sets, placement_digest

MESSAGES = frozenset({"CFX.Production.Assembly.MaterialsInstalled", "CFX.Production.Application.MaterialsApplied"})


def understand(envelope: Envelope, ids: Ids) -> Said:
    """What any message says. Raises `UnreadableBody` with the sentence for the line engineer."""
    if envelope.message_name not in MESSAGES:
        return translate(envelope)
    body = bytes(envelope.body)
    try:
        sketch = outline(body)
        before = ids.seen.get(sketch.digest) if sketch else None
        parts = None if before else dissect(body)
        if parts:
            _check_templates(parts, ids.interned.placements)
    except InstalledError as error:
        raise UnreadableBody(str(error)) from None
    said = Said("unit", envelope.message_name, envelope.time_stamp, states=False)
    said.taken_apart = TakenApart(parts, sketch, before)
    if sketch and before:
        said.transaction_id = sketch.transaction_id
        said.installed = [
            InstalledGroup(sketch.identifiers[index], position, None) for index, position, _ in before.groups
        ]
        said.set_ids = [set_id for _, _, set_id in before.groups]
    elif parts:
        said.transaction_id = parts.transaction_id
        _tell(said, parts)
    if not said.installed:
        said.about, said.states, said.body = "station", True, body.decode()
    return said


def _tell(said: Said, parts: Dissection) -> None:
    named = {identifier is not None for identifier, _ in parts.groups}
    if len(named) > 1:
        raise UnreadableBody("Some entries name their unit and others do not: the others could be any unit's.")
    if False in named and said.transaction_id is None:
        raise UnreadableBody(
            "An entry has no UnitIdentifier, and there is no TransactionId to tell its unit by. "
            "Have the station send one of them."
        )
    for (identifier, position), entries in parts.groups.items():
        if position > HIGHEST_POSITION:
            raise UnreadableBody(f"Position {position} is higher than any panel has.")
        said.installed.append(InstalledGroup(identifier, position, Installed(parts.kind, tuple(entries))))
        said.children += [
            Child(identifier, position, child, designator) for entry in entries for designator, child in entry.children
        ]


def _check_templates(parts: Dissection, placements: Mapping[bytes, KnownPlacement]) -> None:
    """A template that was stored once is sound; any other is read through before the transaction begins."""
    for entries in parts.groups.values():
        for entry in entries:
            if placement_digest(parts.kind, entry.template) not in placements:
                describe(entry.template)


def storable_bodies(connection: Connection, items: Sequence[tuple[Envelope, Said]], ids: Ids) -> list[bytes]:
    """The column of each event's body. New material sets are stored on the way, and each `Said` learns its own.

    What a message was told by an earlier transaction is not asked: that one may have been rolled back, and its ids with
    it. Only what was seen before, and committed, is known.
    """
    fresh = [said for _, said in items if said.installed and said.taken_apart and said.taken_apart.seen is None]
    named = {identifier for said in fresh for identifier in said.package_identifiers()}
    register_packages(connection, named, ids.packages)
    wanted = [group.installed for said in fresh for group in said.installed if group.installed]
    found = iter(intern_sets(connection, wanted, ids.packages, ids.interned))
    for said in fresh:
        said.set_ids = [next(found) for _ in said.installed]
    return [_storable(envelope, said, ids) for envelope, said in items]


def _storable(envelope: Envelope, said: Said, ids: Ids) -> bytes:
    body = bytes(envelope.body)
    parts = said.taken_apart
    if parts is None or not said.installed:
        return pack_body(body)
    if parts.dissection is not None:
        if assemble(parts.dissection) != body:  # never met; then the body itself is the proof
            return pack_body(body)
        residue = to_residue(parts.dissection)
        if parts.outline is not None and _holds_for_any_unit(parts.dissection, parts.outline):
            ids.seen[parts.outline.digest] = _remember(parts.dissection, parts.outline.identifiers, said.set_ids)
    else:
        assert parts.seen is not None  # it was taken apart, or seen before by its outline
        assert parts.outline is not None
        residue = _residue_of_seen(parts.seen, parts.outline.identifiers, body)
    residue[4] = [[*group, set_id] for group, set_id in zip(residue[4], said.set_ids, strict=True)]
    return pack_residue(residue)


def _holds_for_any_unit(parts: Dissection, sketch: Outline) -> bool:
    """Whether the parts, told of other units in another transaction, give what the outline gives for those.

    It fails where an identifier stands in more places than a template has holes for it; such bodies are taken apart
    one by one.
    """
    others = {identifier: str(uuid4()) for identifier in sketch.identifiers}
    transaction = str(uuid4()).encode()
    prefix, suffix = _cut_frame(parts)
    elsewhere = replace(
        parts,
        groups={(others[unit or ""], position): entries for (unit, position), entries in parts.groups.items()},
        prefix=prefix.replace(VALUE, transaction),
        suffix=suffix.replace(VALUE, transaction),
    )
    return assemble(elsewhere) == sketch.filled(others, transaction)


def _cut_frame(parts: Dissection) -> tuple[bytes, bytes]:
    """What stands before and after the entries, the transaction cut out."""
    prefix = cut_transaction(parts.prefix)
    return prefix, parts.suffix if prefix is not parts.prefix else cut_transaction(parts.suffix)


def _remember(parts: Dissection, identifiers: Sequence[str], set_ids: Sequence[int]) -> SeenMessage:
    index = {identifier: number for number, identifier in enumerate(identifiers)}
    prefix, suffix = _cut_frame(parts)
    return SeenMessage(
        kind=parts.kind,
        groups=tuple(
            (index[identifier or ""], position, set_id)
            for (identifier, position), set_id in zip(parts.groups, set_ids, strict=True)
        ),
        prefix=prefix,
        suffix=suffix,
        separators=parts.separators,
        runs=parts.runs,
        values=tuple(value for entries in parts.groups.values() for entry in entries for value in entry.values),
    )


def _residue_of_seen(seen: SeenMessage, identifiers: Sequence[str], body: bytes) -> list[Any]:
    groups = [[identifiers[index], position] for index, position, _ in seen.groups]
    plain = [index for index, _ in seen.runs] == list(range(len(groups)))
    return [
        seen.kind,
        put_transaction(seen.prefix, body),
        put_transaction(seen.suffix, body) if b"\xfb" in seen.suffix else seen.suffix,
        list(seen.separators),
        groups,
        [] if plain else [list(run) for run in seen.runs],
        list(seen.values),
    ]
