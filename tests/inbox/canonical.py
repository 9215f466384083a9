"""The record without what differs from one arrival to the next: ids are replaced by what they stand for.

Two databases that took in the same messages, in whatever order and batches, must dump alike.
"""

from typing import Any

from sqlalchemy import Connection, text

from app.db import metadata
from app.inbox.bodies import unpack_body
from app.schema import import_models

# What only tells when and how messages came in, or belongs to no message.
_LEFT_OUT = {
    "alembic_version", "audit", "counted_unit", "customer", "due_count", "former_approved_part",
    "former_bom_item", "former_claim", "former_order", "idempotency_key", "known_clock_error", "login_guess",
    "login_session", "person", "population", "process_heartbeat", "station_clock", "token", "wrong_clock",
}  # fmt: skip
_ARRIVAL = {
    "received_at", "registered_at", "created_at", "started_received_at", "completed_received_at", "claim_received_at",
    "known_from",
}  # fmt: skip
_NAMES = {
    "station": "SELECT station_id, handle FROM station UNION ALL SELECT 0, NULL",
    "tool": "SELECT tool_id, identifier FROM tool",
    "unit": "SELECT unit_id, serial FROM serial",
    "package": "SELECT package_id, identifier FROM package UNION ALL SELECT 0, NULL",
    "event": "SELECT event_id, unique_id FROM event",
    "placement": "SELECT placement_id, encode(digest, 'hex') FROM placement",
    "chunk": "SELECT chunk_id, encode(digest, 'hex') FROM material_chunk",
    "set": "SELECT set_id, encode(digest, 'hex') FROM material_set",
    "layout": "SELECT layout_id, encode(digest, 'hex') FROM measurement_layout",
    "recipe": "SELECT recipe_id, concat(name, ' ', revision) FROM recipe",
    "work_order": "SELECT work_order_id, number FROM work_order",
    "lot": "SELECT lot_id, concat_ws('|', lot_code, part_number, manufacturer) FROM lot",
}
_ALSO_UNITS = {"panel_id"}
_PACKAGE_TABLES = {"package_link"}


def dump(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every table's rows by content, sorted."""
    import_models()
    names = {kind: {row[0]: row[1] for row in connection.execute(text(question))} for kind, question in _NAMES.items()}
    found = {}
    for table in metadata.sorted_tables:
        if table.name in _LEFT_OUT:
            continue
        columns = [column.name for column in table.columns if column.name not in _ARRIVAL]
        if table.name in _OWN_KEYS:
            columns.remove(_OWN_KEYS[table.name])
        rows = [
            tuple(
                _plain(connection, table.name, column, value, names) for column, value in zip(columns, row, strict=True)
            )
            for row in connection.execute(text(f"SELECT {', '.join(columns)} FROM {table.name}"))
        ]
        found[table.name] = sorted(rows, key=repr)
    return found


_OWN_KEYS = {
    "event": "event_id", "serial": "unit_id", "unit": "unit_id", "station": "station_id", "package": "package_id",
    "placement": "placement_id", "material_chunk": "chunk_id", "material_set": "set_id", "recipe": "recipe_id",
    "measurement_layout": "layout_id", "work_order": "work_order_id", "lot": "lot_id", "quarantine": "quarantine_id",
    "line": "line_id", "tool": "tool_id",
}  # fmt: skip


def _plain(connection: Connection, table: str, column: str, value: Any, names: dict[str, dict[Any, Any]]) -> Any:
    if value is None:
        return None
    if table == "event" and column == "body":
        return unpack_body(connection, value)  # a residue holds set ids
    if isinstance(value, memoryview | bytes):
        return bytes(value).hex()
    many = column.endswith("_ids")
    kind = column.removesuffix("_ids").removesuffix("_id")
    if column in _ALSO_UNITS or (kind in {"child", "parent"} and table not in _PACKAGE_TABLES):
        kind = "unit"
    elif kind in {"child", "parent"}:
        kind = "package"
    if kind in names and kind != column:
        return tuple(names[kind][one] for one in value) if many else names[kind][value]
    return value
