"""Installed and applied materials on their way in: understood by outline where possible, interned, stored as residue.

A placement machine sends 94 kB for a board of 1,000 placements, and the next board differs from it in its unit and
transaction alone. So a body is first reduced to its outline; when that outline was stored before, its material sets
are known and nothing of it needs reading again. Otherwise it is taken apart entry by entry.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection

from app.cfx.described import VALUE, InstalledError, describe
from app.cfx.envelope import Envelope
from app.cfx.installed import Dissection, assemble, dissect, to_residue
from app.cfx.outline import Outline, outline, put_transaction
from app.inbox.bodies import pack_body, pack_residue
from app.inbox.cuts import Cutter, cut_frame
from app.inbox.measured import cut_measured, store_templates
from app.inbox.memory import Ids, SeenMessage
from app.inbox.said import Child, InstalledGroup, Said, TakenApart, packages_installed
from app.inbox.translate import HIGHEST_POSITION, UnreadableBody, translate
from app.materials.packages import register_packages
from app.units.installations import Installed, KnownSet, intern_sets

MESSAGES = frozenset({"CFX.Production.Assembly.MaterialsInstalled", "CFX.Production.Application.MaterialsApplied"})


def understand(envelope: Envelope, ids: Ids) -> Said:
    """What any message says. Raises `UnreadableBody` with the sentence for the line engineer."""
    if envelope.message_name not in MESSAGES:
        told = translate(envelope)
        if told.inspected or told.tested:
            told.cut_body = cut_measured(envelope, told)
        return told
    body = bytes(envelope.body)
    try:
        apart = _take_apart(body, ids)
    except InstalledError as error:
        raise UnreadableBody(str(error)) from None
    said = Said("unit", envelope.message_name, envelope.time_stamp, states=False)
    said.taken_apart = apart
    if apart.seen and apart.outline:
        said.transaction_id = apart.outline.transaction_id
        said.installed = [
            InstalledGroup(apart.outline.identifiers[index], position, None) for index, position, _ in apart.seen.groups
        ]
        said.material_sets = [material_set for _, _, material_set in apart.seen.groups]
    elif apart.dissection:
        said.transaction_id = apart.dissection.transaction_id
        _tell(said, apart.dissection)
    if not said.installed:
        said.about, said.states, said.body = "station", True, body.decode()
    return said


def _take_apart(body: bytes, ids: Ids) -> TakenApart:
    """By the shortest way there is: seen before, met in this batch, or entry by entry."""
    sketch = outline(body)
    if sketch is None:
        parts = dissect(body)
        for entries in parts.groups.values():
            for entry in entries:
                describe(entry.template)  # what it says is read before the transaction begins
        return TakenApart(parts, None, None, proven=False)
    if before := ids.seen.get(sketch.digest):
        return TakenApart(None, sketch, before, proven=True)
    if met := ids.alike.get(sketch.digest):
        return TakenApart(_told_of(*met, sketch, body), sketch, None, proven=True)
    cutter = Cutter(ids.cuts, sketch)
    parts = dissect(body, cutter)
    proven = cutter.proves(parts)
    if proven:
        ids.alike[sketch.digest] = parts, sketch.identifiers
    return TakenApart(parts, sketch, None, proven=proven)


def _told_of(parts: Dissection, units: Sequence[str], sketch: Outline, body: bytes) -> Dissection:
    """The parts of one message, told of the units and the transaction of another with the same outline."""
    other = dict(zip(units, sketch.identifiers, strict=True))
    prefix, suffix = cut_frame(parts)
    return replace(
        parts,
        groups={(other[unit or ""], position): entries for (unit, position), entries in parts.groups.items()},
        prefix=_within(prefix, body),
        suffix=_within(suffix, body),
        transaction_id=sketch.transaction_id,
    )


def _within(frame: bytes, body: bytes) -> bytes:
    return put_transaction(frame, body) if VALUE in frame else frame


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
        said.installed.append(InstalledGroup(identifier, position, Installed(parts.kind, entries)))
        said.children += [
            Child(identifier, position, child, designator) for entry in entries for designator, child in entry.children
        ]


def storable_bodies(connection: Connection, items: Sequence[tuple[Envelope, Said]], ids: Ids) -> list[bytes]:
    """The column of each event's body. New material sets are stored on the way, and each `Said` learns its own.

    What a message was told by an earlier transaction is not asked: that one may have been rolled back, and its ids with
    it. Only what was seen before, and committed, is known.
    """
    fresh = [said for _, said in items if said.installed and said.taken_apart and said.taken_apart.seen is None]
    register_packages(connection, packages_installed(fresh), ids.packages)
    wanted = [group.installed for said in fresh for group in said.installed if group.installed]
    found = iter(intern_sets(connection, wanted, ids.packages, ids.interned))
    for said in fresh:
        said.material_sets = [next(found) for _ in said.installed]
    store_templates(connection, [said.cut_body for _, said in items if said.cut_body])
    return [_storable(envelope, said, ids) for envelope, said in items]


def _storable(envelope: Envelope, said: Said, ids: Ids) -> bytes:
    if said.cut_body:
        return said.cut_body.residue
    body = bytes(envelope.body)
    parts = said.taken_apart
    if parts is None or not said.installed:
        return pack_body(body)
    # A board built like another of its batch is told from that one, as if it had been seen before.
    seen = ids.seen.get(parts.outline.digest) if parts.proven and parts.outline else None
    if seen is not None and parts.outline is not None:
        residue = _residue_of_seen(seen, parts.outline.identifiers, body)
    else:
        assert parts.dissection is not None  # it was taken apart, or seen before by its outline
        if not parts.proven and assemble(parts.dissection) != body:
            return pack_body(body)  # never met; then the body itself is the proof
        residue = to_residue(parts.dissection)
        if parts.proven and parts.outline is not None:
            identifiers = parts.outline.identifiers
            ids.seen[parts.outline.digest] = _remember(parts.dissection, identifiers, said.material_sets, residue)
    residue[4] = [[*group, one.set_id] for group, one in zip(residue[4], said.material_sets, strict=True)]
    return pack_residue(residue)


def _remember(
    parts: Dissection, identifiers: Sequence[str], material_sets: Sequence[KnownSet], residue: Sequence[Any]
) -> SeenMessage:
    index = {identifier: number for number, identifier in enumerate(identifiers)}
    prefix, suffix = cut_frame(parts)
    return SeenMessage(
        kind=parts.kind,
        groups=tuple(
            (index[identifier or ""], position, material_set)
            for (identifier, position), material_set in zip(parts.groups, material_sets, strict=True)
        ),
        prefix=prefix,
        suffix=suffix,
        separators=parts.separators,
        runs=parts.runs,
        values=msgspec.Raw(msgspec.msgpack.encode(residue[6])),
    )


def _residue_of_seen(seen: SeenMessage, identifiers: Sequence[str], body: bytes) -> list[Any]:
    groups = [[identifiers[index], position] for index, position, _ in seen.groups]
    plain = [index for index, _ in seen.runs] == list(range(len(groups)))
    return [
        seen.kind,
        _within(seen.prefix, body),
        _within(seen.suffix, body),
        list(seen.separators),
        groups,
        [] if plain else [list(run) for run in seen.runs],
        seen.values,
    ]
