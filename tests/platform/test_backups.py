"""Backup and restore: all of it or nothing, and never over something by accident."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from app.backups import restore_backup, write_backup
from app.db import create_engine
from app.errors import BirthmarkError, Conflict, Invalid


def put(engine: Engine, value: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS noted (x text)"))
        connection.execute(text("INSERT INTO noted VALUES (:x)"), {"x": value})


def noted(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT x FROM noted ORDER BY x")).scalars())


def test_a_restore_brings_back_what_the_backup_saw(engine: Engine, database: str, tmp_path: Path) -> None:
    file = tmp_path / "line.backup"
    put(engine, "before")
    assert write_backup(database, file) == file.stat().st_size > 0
    put(engine, "after")
    restore_backup(database, file, replace=engine.url.database)
    assert noted(engine) == ["before"]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_a_database_that_holds_something_is_not_replaced_by_accident(
    engine: Engine, database: str, tmp_path: Path
) -> None:
    file = tmp_path / "line.backup"
    write_backup(database, file)
    put(engine, "kept")
    with pytest.raises(Conflict, match="--replace"):
        restore_backup(database, file)
    with pytest.raises(Invalid, match="must name the database"):
        restore_backup(database, file, replace="another")
    assert noted(engine) == ["kept"]


def test_nothing_is_restored_beneath_a_running_product(engine: Engine, database: str, tmp_path: Path) -> None:
    file = tmp_path / "line.backup"
    write_backup(database, file)
    intake = create_engine(database, application_name="birthmark-intake")
    with intake.connect() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(Conflict, match="birthmark-intake"):
            restore_backup(database, file, replace=engine.url.database)
    intake.dispose()
    restore_backup(database, file, replace=engine.url.database)


def test_a_broken_backup_changes_nothing(engine: Engine, database: str, tmp_path: Path) -> None:
    file = tmp_path / "line.backup"
    put(engine, "kept")
    with engine.begin() as connection:  # enough that a file cut short still has its table of contents
        connection.execute(text("CREATE TABLE much AS SELECT md5(x::text) FROM generate_series(1, 20000) AS x"))
    write_backup(database, file)
    whole = file.read_bytes()
    for broken in (b"", b"not a backup", whole[: len(whole) * 2 // 3], whole[:-1]):
        file.write_bytes(broken)
        with pytest.raises(BirthmarkError):
            restore_backup(database, file, replace=engine.url.database)
        assert noted(engine) == ["kept"]
    assert not list(tmp_path.glob("*.unfinished"))
