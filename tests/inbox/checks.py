"""What must hold of the record whatever happened to it."""

from sqlalchemy import Connection, Engine, text

from app.cfx.envelope import Envelope, decode
from app.inbox.bodies import body_digest, unpack_body

_DANGLING = {
    "an installation's set": "SELECT FROM installation LEFT JOIN material_set USING (set_id) WHERE digest IS NULL",
    "a set's chunk": """
        SELECT FROM material_set CROSS JOIN LATERAL unnest(chunk_ids) AS listed (chunk_id)
        LEFT JOIN material_chunk USING (chunk_id) WHERE material_chunk.digest IS NULL""",
    "a chunk's placement": """
        SELECT FROM material_chunk CROSS JOIN LATERAL unnest(placement_ids) AS listed (placement_id)
        LEFT JOIN placement USING (placement_id) WHERE placement.digest IS NULL""",
    "a chunk's package": """
        SELECT FROM material_chunk CROSS JOIN LATERAL unnest(package_ids) AS listed (package_id)
        LEFT JOIN package USING (package_id) WHERE identifier IS NULL AND package_id <> 0""",
    "a chunk's pairs": "SELECT FROM material_chunk WHERE cardinality(placement_ids) <> cardinality(package_ids)",
    "a serial's unit": "SELECT FROM serial LEFT JOIN unit USING (unit_id) WHERE unit.unit_id IS NULL",
    **{
        f"the unit of {table}": f"SELECT FROM {table} LEFT JOIN unit USING (unit_id) WHERE unit.unit_id IS NULL"
        for table in ("installation", "work_record", "unit_event", "panel_position", "removal", "inspection", "test")
    },
    **{
        f"the event of {table}": f"SELECT FROM {table} LEFT JOIN event USING (event_id) WHERE event.event_id IS NULL"
        for table in ("installation", "unit_event", "station_event", "inspection", "test", "removal", "loading_event")
    },
}  # fmt: skip


def assert_sound(source: Engine | Connection) -> None:
    """No reference leads nowhere, and every event's body comes back with the digest it was taken in with."""
    if isinstance(source, Engine):
        with source.connect() as connection:
            assert_sound(connection)
        return
    for what, question in _DANGLING.items():
        found = source.execute(text(f"SELECT count(*) FROM ({question}) AS dangling")).scalar_one()
        assert found == 0, f"{found} times {what} leads nowhere"
    for row in source.execute(text("SELECT event_id, message_name, digest, body FROM event")).all():
        assert body_digest(row.message_name, unpack_body(source, row.body)) == row.digest, row


def assert_exact(source: Engine, *payloads: bytes) -> None:
    """Each event of the payloads is stored, and its body comes back to the byte."""
    with source.connect() as connection:
        for payload in payloads:
            for envelope in decode(payload):
                assert isinstance(envelope, Envelope)
                stored = connection.execute(
                    text("SELECT body FROM event WHERE unique_id = :key"), {"key": envelope.unique_id}
                ).scalar_one()
                assert unpack_body(connection, stored) == bytes(envelope.body)
