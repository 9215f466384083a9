"""The fixtures every other test stands on."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from app.schema import MIGRATIONS, head, revision_of


def test_a_clone_is_migrated_and_read_committed(engine: Engine) -> None:
    with engine.connect() as connection:
        assert revision_of(connection) == head()
        assert connection.execute(text("SHOW transaction_isolation")).scalar() == "read committed"


def test_a_shared_connection_leaves_nothing(connection: Connection, shared_engine: Engine) -> None:
    connection.execute(text("CREATE TABLE left_behind (x int)"))
    with shared_engine.connect() as other:
        assert other.execute(text("SELECT to_regclass('left_behind')")).scalar() is None


def test_the_migrations_make_what_the_models_declare(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection

    command.check(config)  # raises, naming what differs
