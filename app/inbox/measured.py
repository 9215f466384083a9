"""Bodies of inspections and tests: what was measured is stored with the measurements, and not a second time here.

A list of some thousand deposits is cut into columns (`app.cfx.columns`). The columns that a program sends the same for
each board are a *template*, stored once; what was measured is read back out of `measurement`; here remain the frame
around the lists, the identifiers of the single measurements, and whatever else varies.

A list is only cut where that gives its very text again; else, and where a unit is told by its transaction alone (its
measurements may come later), the body is stored whole.
"""

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import msgspec
import numpy as np
from sqlalchemy import Connection, text

from app.cfx.columns import (
    Hole,
    Table,
    bare_numbers,
    bare_texts,
    cut,
    dressed,
    guid_texts,
    guids,
    joined,
    openings_of,
    template_digest,
)
from app.cfx.envelope import Envelope
from app.cfx.numerals import style_of, write_numbers
from app.inbox.deflating import deflated, inflated
from app.inbox.said import CutBody, Said
from app.quality.facts import InspectedUnit, Measurements, TestedUnit
from app.quality.formats import TEXT, type_of
from app.quality.layout import Kind, Place
from app.quality.measurements import MeasuredRun, measured_run

MEASURED: Final = b"M"
_CUT = b"\xfb"  # UTF-8 never has it: here a list was cut out of the frame
_VARYING: Final = frozenset({"UniqueIdentifier", "TimeRecorded", "Result"})
_EMPTY: Final = (b"", b"null", b"[]")
_HEAD: Final = 64


class _Step(msgspec.Struct):
    Measurements: msgspec.Raw = msgspec.Raw(b"")


class _Unit(msgspec.Struct):
    Inspections: list[_Step] | None = None
    Tests: list[_Step] | None = None

    def list(self) -> bytes | None:
        """The text of its list of measurements where it has exactly one."""
        steps = self.Inspections if self.Inspections is not None else self.Tests
        found = [bytes(step.Measurements) for step in steps or () if bytes(step.Measurements) not in _EMPTY]
        return found[0] if len(found) == 1 else None


class _Body(msgspec.Struct):
    InspectedPanel: _Unit | None = None
    InspectedUnits: list[_Unit] | None = None
    TestedUnits: list[_Unit] | None = None


_decode = msgspec.json.Decoder(_Body).decode


def cut_measured(envelope: Envelope, said: Said) -> CutBody | None:
    """The body of an inspection or test without what its measurements hold; None where it is to be stored whole."""
    runs: Sequence[InspectedUnit | TestedUnit] = said.inspected or said.tested
    if not any(one.run.measurements for one in runs) or any(one.unit_identifier is None for one in runs):
        return None
    body = bytes(envelope.body)
    try:
        told = _decode(body)
    except msgspec.DecodeError:
        return None
    units = dict(enumerate(told.InspectedUnits or told.TestedUnits or (), start=1))
    if told.InspectedPanel is not None:
        units[0] = told.InspectedPanel
    lists: list[tuple[int, int, list[Any]]] = []
    templates: dict[bytes, bytes] = {}
    at = 0
    for one in sorted(runs, key=lambda one: one.run.number):
        found = units[one.run.number].list()
        if found is None or one.run.measurements is None:
            continue
        table = cut(found, _VARYING | _members(one.run.measurements).keys())
        start = _find(body, found, 0 if one.run.number == 1 else at)
        if table is None or start is None:
            continue
        at = start + len(found)
        template = table.template
        digest = template_digest(template)
        templates[digest] = template
        holes = [_hole(hole, table, one.run.measurements) for hole in table.holes]
        lists.append((start, at, [one.unit_identifier, one.position_number, one.run.number, digest, holes]))
    lists.sort()
    if not lists or any(before[1] > after[0] for before, after in pairwise(lists)):
        return None
    frame, end = b"", 0
    for start, stop, _ in lists:
        frame += body[end:start] + _CUT
        end = stop
    residue = [envelope.unique_id.bytes, said.recorded_at, deflated(frame + body[end:]), [one for *_, one in lists]]
    return CutBody(MEASURED + msgspec.msgpack.encode(residue), templates)


def _find(body: bytes, found: bytes, start: int) -> int | None:
    """Where a list stands. By its first bytes: to look for a megabyte would take its time."""
    head = found[:_HEAD]
    at = body.find(head, start)
    while at >= 0 and not body.startswith(found, at):
        at = body.find(head, at + 1)
    return at if at >= 0 else None


def _members(measured: Measurements) -> dict[str, Place]:
    """The members of a measurement that are kept with the run, by name: of a run that has one list of one kind."""
    groups = measured.layout.groups
    if len(groups) > 2:  # the steps, and the measurements
        return {}
    numbers = [p for p in measured.layout.places if p.group is groups[-1] and p.column.kind is Kind.number]
    return {_member(place.column.characteristic): place for place in numbers}


def _member(characteristic: str) -> str:
    return "Value" if characteristic == "value" else characteristic


def _hole(hole: Hole, table: Table, measured: Measurements) -> list[Any]:
    """What a hole holds: a column of the run, identifiers, one piece again and again, or the text as it is."""
    place = _members(measured).get(hole.name)
    if place is not None and place.count == table.rows and type_of(measured.packed.formats[place.number]) != TEXT:
        bare = bare_numbers(hole, table)
        if bare is not None:
            # The run's own numbers are written and compared: that they give this text is all there is to prove.
            style = style_of(bare[0], np.array(measured.columns[place.number], dtype=np.float64).tolist())
            if style is not None:
                return ["run", place.number, style, bare[1]]
    if hole.name == "UniqueIdentifier":
        quoted = Hole(hole.number, hole.name, hole.text, hole.opening + b'"')
        texts = bare_texts(quoted, table, b'"')
        packed = guids(texts) if texts is not None else None
        if packed is not None:
            return ["guids", packed]
    piece = hole.text.partition(table.separator)[0]
    if hole.text == table.separator.join([piece] * table.rows):
        return ["same", piece]
    return ["text", zlib.compress(hole.text, 1)]


# --- templates in the database, and bodies put together again ---

_KNOWN = text("SELECT digest FROM body_template WHERE digest = ANY (CAST(:digests AS bytea[]))")
_ENTER = text(
    """
    INSERT INTO body_template (digest, content)
    SELECT * FROM unnest(CAST(:digests AS bytea[]), CAST(:contents AS bytea[])) ORDER BY 1
    ON CONFLICT DO NOTHING
    """
)
_CONTENTS = text("SELECT digest, content FROM body_template WHERE digest = ANY (CAST(:digests AS bytea[]))")
_RUNS = text(
    """
    -- Which runs of this event measured something?
    SELECT measurement.unit_id, measurement.position_number, measurement.event_id, measurement.run
    FROM unnest(CAST(:serials AS text[]), CAST(:positions AS smallint[]), CAST(:runs AS smallint[]))
        AS asked (serial, position_number, run)
    JOIN serial USING (serial)
    JOIN measurement ON measurement.unit_id = serial.unit_id AND measurement.run = asked.run
        AND measurement.position_number = asked.position_number AND measurement.recorded_at = :recorded_at
    JOIN event ON event.event_id = measurement.event_id AND event.unique_id = :unique_id
    """
)


def store_templates(connection: Connection, cut_bodies: Iterable[CutBody]) -> None:
    """Store the templates that are new."""
    wanted = {digest: template for one in cut_bodies for digest, template in one.templates.items()}
    if not wanted:
        return
    known = {bytes(digest) for digest in connection.execute(_KNOWN, {"digests": list(wanted)}).scalars()}
    new = {digest: zlib.compress(template, 6) for digest, template in wanted.items() if digest not in known}
    if new:
        connection.execute(_ENTER, {"digests": list(new), "contents": list(new.values())})


def unpack_measured(connection: Connection, packed: bytes) -> bytes:
    """The body again, from its residue (without the mark), its templates and the measurements of its runs."""
    unique_id, recorded_at, frame, lists = msgspec.msgpack.decode(packed, type=tuple[bytes, datetime, bytes, list[Any]])
    serials, positions, numbers, digests, _ = zip(*lists, strict=True)
    asked = {"serials": list(serials), "positions": list(positions), "runs": list(numbers)}
    found = connection.execute(_RUNS, asked | {"recorded_at": recorded_at, "unique_id": UUID(bytes=unique_id)})
    runs = {key.run: run for key in found.all() if (run := measured_run(connection, *key)) is not None}
    contents = connection.execute(_CONTENTS, {"digests": list(set(digests))})
    templates = {bytes(row.digest): zlib.decompress(row.content) for row in contents}
    between = inflated(frame).split(_CUT)
    parts = [between[0]]
    for (_, _, number, digest, holes), after in zip(lists, between[1:], strict=True):
        parts += [_filled(templates[digest], holes, runs[number]), after]
    return b"".join(parts)


def _filled(template: bytes, holes: Sequence[Sequence[Any]], run: MeasuredRun) -> bytes:
    rows, separator, openings = openings_of(template)
    texts = []
    for (kind, *told), opening in zip(holes, openings, strict=True):
        if kind == "run":
            number, style, closing = told
            values = run.numbers(run.layout.places[number]).tolist()
            texts.append(dressed(write_numbers(values, style), opening, closing, separator))
        elif kind == "guids":
            texts.append(dressed(guid_texts(told[0]), opening + b'"', b'"', separator))
        elif kind == "same":
            texts.append(separator.join([told[0]] * rows))
        else:
            texts.append(zlib.decompress(told[0]))
    return joined(template, texts)
