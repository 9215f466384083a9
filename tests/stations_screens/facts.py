"""What is on record, asked directly: a screen that only looks right is no evidence."""

from typing import Any

from sqlalchemy import Engine, text


def ask(engine: Engine, question: str, **given: Any) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(question), given)]


def works(engine: Engine, station: str) -> list[tuple[Any, ...]]:
    """(serial, result) of each work record of a station, in order."""
    return ask(
        engine,
        """SELECT unit.serial, result FROM work_record JOIN unit USING (unit_id) JOIN station USING (station_id)
        WHERE handle = :station ORDER BY started_at, result""",
        station=station,
    )


def defects(engine: Engine, serial: str) -> list[tuple[Any, ...]]:
    """(designator, code, outcome of the run) of every defect of a unit."""
    return ask(
        engine,
        """SELECT reference_designator, code, outcome FROM defect
        JOIN inspection USING (unit_id, position_number, event_id, run)
        JOIN unit USING (unit_id) WHERE serial = :serial ORDER BY defect.recorded_at, ordinal""",
        serial=serial,
    )


def units(engine: Engine) -> set[str]:
    return {row[0] for row in ask(engine, "SELECT serial FROM unit")}


def quarantined(engine: Engine) -> int:
    return int(ask(engine, "SELECT count(*) FROM quarantine")[0][0])


def change(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))
