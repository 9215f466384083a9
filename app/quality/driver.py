"""The driver's own cursor, for what SQLAlchemy has no words for: COPY, and rows in binary."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


@contextmanager
def driver_cursor(connection: Connection, *, binary: bool = False) -> Iterator[psycopg.Cursor[Any]]:
    """A psycopg cursor in the connection's transaction. Its errors come out as SQLAlchemy's, as all others do."""
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor(binary=binary) as cursor:
            yield cursor
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error) from error
