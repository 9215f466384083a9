"""The database's shape: which revision it has, which one the code expects, and the way there."""

import importlib
import re
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from app.db import create_engine

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = ROOT / "migrations"

_REVISION = re.compile(r"^revision(?:: str)? = ['\"](.+?)['\"]", re.MULTILINE)
_PARENT = re.compile(r"^down_revision(?:: [^=]+)? = ['\"](.+?)['\"]", re.MULTILINE)


def import_models() -> None:
    """Import every module that declares tables, so that the metadata is whole."""
    importlib.import_module("app.people")
    for path in sorted((ROOT / "app").glob("*/*models.py")):
        importlib.import_module(f"app.{path.parent.name}.{path.stem}")


def head() -> str | None:
    """The revision this code expects: the one that no other builds on.

    Read from the files' text, because a start that finds the database current shall not pay for
    importing Alembic.
    """
    texts = [path.read_text() for path in (MIGRATIONS / "versions").glob("*.py")]
    revisions = {found[1] for content in texts if (found := _REVISION.search(content))}
    parents = {found[1] for content in texts if (found := _PARENT.search(content))}
    newest = revisions - parents
    if len(newest) > 1:
        raise RuntimeError(f"migrations have several heads, merge them: {', '.join(sorted(newest))}")
    return newest.pop() if newest else None


def revision_of(connection: Connection) -> str | None:
    """The revision of the database; None where it is empty."""
    try:
        with connection.begin_nested():
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except ProgrammingError:  # no such table
        return None


def upgrade(engine: Engine) -> bool:
    """Bring the database to :func:`head`; False where it was there already."""
    with engine.connect() as connection:
        if revision_of(connection) == head():
            return False
        connection.rollback()
        from alembic import command  # noqa: PLC0415  (slow to import, seldom needed)
        from alembic.config import Config  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    return True


def upgrade_url(url: str) -> bool:
    """:func:`upgrade` for a caller that has no engine."""
    engine = create_engine(url, pool_size=1)
    try:
        return upgrade(engine)
    finally:
        engine.dispose()
