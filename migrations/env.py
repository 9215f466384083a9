"""How Alembic reaches the database and what it compares it with.

The caller may hand over an open connection (``config.attributes["connection"]``); otherwise the
settings' database is used, the embedded one included.
"""

from alembic import context
from sqlalchemy import Connection, create_engine, text

from app.db import metadata
from app.schema import import_models

# Two starts at once migrate one after the other: the second waits here and finds nothing to do.
ADVISORY_LOCK = 0x42495254484D4B  # "BIRTHMK"


def run(connection: Connection) -> None:
    """Run the migrations on ``connection``, all in one transaction."""
    import_models()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        context.run_migrations()


def main() -> None:
    """Use the connection handed over, or open one."""
    given = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    from app.running import database  # noqa: PLC0415  (starts a server, needed only here)

    with database() as url, create_engine(url).connect() as connection:
        run(connection)


if context.is_offline_mode():
    raise SystemExit("Migrations run against a database; there is no offline mode. Leave out --sql.")
main()
