"""What inspections and tests share in the database: findings, measurements, and rows by COPY.

Rows go in by binary COPY, one for each table a batch has rows for. Nothing is looked up but layouts: a repeated event
was sorted out before it came here, so a key that is there already is an error.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from sqlalchemy import Connection

from app.copying import Columns, Row, copy_rows
from app.quality.facts import Inspection, Test
from app.quality.layouts import intern_layouts

Fact: TypeAlias = Inspection | Test

KEY: Columns = {"unit_id": "int8", "position_number": "int2", "event_id": "int8", "run": "int2"}
ORIGIN: Columns = {"station_id": "int4", "recorded_at": "timestamptz", "received_at": "timestamptz"}

_DEFECT: Columns = {
    **KEY, "ordinal": "int4", **ORIGIN, "step": "text", "reference_designator": "text", "part_number": "text",
    "code": "text", "category": "text", "description": "text", "comments": "text", "priority": "int4",
    "confidence": "float8", "verification": "text",
}  # fmt: skip
_SYMPTOM: Columns = {
    **KEY, "ordinal": "int4", **ORIGIN, "step": "text", "reference_designators": "text[]", "code": "text",
    "category": "text", "description": "text", "comments": "text",
}  # fmt: skip
_MEASUREMENT: Columns = {
    **KEY, **ORIGIN, "layout_id": "int4", "formats": "int2[]", "offsets": "int4[]", "failed": "int4[]",
    "out_of_limit": "int4[]", "packed": "bytea",
}  # fmt: skip
_LONG_COLUMN: Columns = {
    **KEY, "number": "int2", "station_id": "int4", "layout_id": "int4", "recorded_at": "timestamptz", "format": "int2",
    "packed": "bytea",
}  # fmt: skip


def key(fact: Fact) -> Row:
    """The values of `KEY`."""
    return fact.unit_id, fact.position_number, fact.report.event_id, fact.run.number


def origin(fact: Fact) -> Row:
    """The values of `ORIGIN`."""
    return fact.report.station_id, fact.report.recorded_at, fact.report.received_at


def record_findings(connection: Connection, facts: Sequence[Fact]) -> None:
    """Keep what runs found and measured: defects, symptoms, measurements."""
    copy_rows(connection, "defect", _DEFECT, _defects(facts))
    copy_rows(connection, "symptom", _SYMPTOM, _symptoms(facts))
    measured = [one for fact in facts if (one := fact.run.measurements) is not None]
    layout_ids = intern_layouts(connection, {one.layout.digest: one.layout for one in measured})
    # The long columns first: PostgreSQL writes them while the next are being packed.
    copy_rows(connection, "measurement_column", _LONG_COLUMN, _long_columns(facts, layout_ids))
    copy_rows(connection, "measurement", _MEASUREMENT, _measurements(facts, layout_ids))


def _defects(facts: Iterable[Fact]) -> Iterator[Row]:
    for fact in facts:
        for ordinal, one in enumerate(fact.run.defects):
            yield (
                *key(fact), ordinal, *origin(fact), one.step, one.reference_designator, one.part_number, one.code,
                one.category, one.description, one.comments, one.priority, one.confidence, one.verification,
            )  # fmt: skip


def _symptoms(facts: Iterable[Fact]) -> Iterator[Row]:
    for fact in facts:
        for ordinal, one in enumerate(fact.run.symptoms):
            yield (
                *key(fact), ordinal, *origin(fact), one.step, list(one.reference_designators), one.code,
                one.category, one.description, one.comments,
            )  # fmt: skip


def _measurements(facts: Iterable[Fact], layout_ids: dict[bytes, int]) -> Iterator[Row]:
    for fact in facts:
        measured = fact.run.measurements
        if measured is not None:
            packed = measured.packed
            yield (
                *key(fact), *origin(fact), layout_ids[measured.layout.digest], packed.formats, packed.offsets,
                measured.failed, measured.out_of_limit, packed.data,
            )  # fmt: skip


def _long_columns(facts: Iterable[Fact], layout_ids: dict[bytes, int]) -> Iterator[Row]:
    for fact in facts:
        measured = fact.run.measurements
        if measured is not None:
            layout_id, packed, report = layout_ids[measured.layout.digest], measured.packed, fact.report
            for number, data in packed.long.items():
                yield (
                    *key(fact), number, report.station_id, layout_id, report.recorded_at, packed.formats[number], data,
                )  # fmt: skip
