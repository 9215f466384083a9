"""The fixtures every other test stands on."""

from sqlalchemy import Connection, Engine, text

from app.schema import head, revision_of


def test_a_clone_is_migrated_and_read_committed(engine: Engine) -> None:
    with engine.connect() as connection:
        assert revision_of(connection) == head()
        assert connection.execute(text("SHOW transaction_isolation")).scalar() == "read committed"


def test_a_shared_connection_leaves_nothing(connection: Connection, shared_engine: Engine) -> None:
    connection.execute(text("CREATE TABLE left_behind (x int)"))
    with shared_engine.connect() as other:
        assert other.execute(text("SELECT to_regclass('left_behind')")).scalar() is None
