"""The one PostgreSQL: engine, metadata with a naming convention, transactions.

Sessions run under READ COMMITTED. Under REPEATABLE READ a lock taken after the snapshot still lets
two stations start one unit; under READ COMMITTED a locked unit row or a unique constraint does not.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from typing import Any, TypeVar

from psycopg import Connection as Driver
from psycopg import Error as DriverError
from psycopg import RawCursor
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, MetaData, TextClause, event, text
from sqlalchemy import create_engine as _create_engine
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry

from app.arrays import ListsOfOneKind

# Constraints are named, so that a violation can be told apart and a migration can drop it.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Base(DeclarativeBase):
    """Root of every mapped table."""

    metadata = metadata


_PLANNED_ONCE = "planned_once"
_VARIED = "-c plan_cache_mode=force_custom_plan"
KEYED = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off"
"""How the connections of a keyed and of a recording engine plan: once, and by index."""


def create_engine(
    url: str,
    *,
    pool_size: int = 5,
    application_name: str = "birthmark",
    keyed: bool = False,
    recording: bool = False,
) -> Engine:
    """Make an engine on ``url`` (``postgresql+psycopg://...``).

    ``prepare_threshold`` stays at psycopg's 5, but plans are custom: a statement prepared with
    ``LIKE $1 ... LIMIT`` otherwise falls into a generic plan (150 ms instead of 9 ms, measured).

    ``keyed`` is for who asks the same few questions by key again and again, like the gate: plans are
    made once, and by index even while a table is small or not analysed yet. Each statement is a
    transaction of its own and no connection is tried before it is used: what counts there is how
    often client and server have to wait for one another. Ask through :func:`asked`, and what depends
    on the values asked for within :func:`varied`; do deeds on :func:`for_deeds`.

    ``recording`` is for who enters facts by key, batch after batch: transactions as usual, plans as of
    a keyed engine (planning takes a quarter of PostgreSQL's time for a batch of ten boards, measured).
    """
    engine = _create_engine(
        url,
        isolation_level="AUTOCOMMIT" if keyed else "READ COMMITTED",
        pool_size=pool_size,
        max_overflow=pool_size * 2,
        pool_pre_ping=not keyed,  # a restarted PostgreSQL must not cost a request
        connect_args={
            "application_name": application_name,
            "connect_timeout": 5,
            "client_encoding": "utf8",
            "options": f"{KEYED if keyed or recording else _VARIED} -c timezone=UTC",
            **({"prepare_threshold": 0} if keyed else {}),
        },
    )
    event.listen(engine, "connect", _writes_lists_at_once)
    if recording or keyed:
        event.listen(engine, "connect", _is_planned_once)
    return engine


def _writes_lists_at_once(driver: Driver[Any], _: ConnectionPoolEntry) -> None:
    driver.adapters.register_dumper(list, ListsOfOneKind)


def _is_planned_once(_: object, record: ConnectionPoolEntry) -> None:
    record.info[_PLANNED_ONCE] = True


def for_deeds(keyed: Engine) -> Engine:
    """A keyed engine's connections for deeds that somebody waits for: the same pool, in transactions.

    Where PostgreSQL was restarted meanwhile a deed fails once, so it is one that may be done again.
    """
    return keyed.execution_options(isolation_level="READ COMMITTED")


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Run a block in one transaction: COMMIT at its end, ROLLBACK when it raises."""
    with engine.begin() as connection:
        yield connection


_GENERIC = text("SELECT set_config('plan_cache_mode', 'force_generic_plan', true)")
_CUSTOM = text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")


@contextmanager
def planned_once(connection: Connection) -> Iterator[None]:
    """Plan the statements of this block once for a connection, not each time they are executed.

    For questions about a few units whose many joins take longer to plan than to answer (6.6 ms and 0.6 ms, measured).
    PostgreSQL plans them anew when their tables are analysed. Blocks may be nested.
    """
    if connection.info.get(_PLANNED_ONCE):
        yield
        return
    connection.execute(_GENERIC)
    connection.info[_PLANNED_ONCE] = True
    try:
        yield
    finally:
        del connection.info[_PLANNED_ONCE]
    connection.execute(_CUSTOM)  # not after an error: then the transaction is over, and the setting with it


_AS_ASKED = """
    SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'on', true)
"""


@contextmanager
def varied(connection: Connection) -> Iterator[None]:
    """Plan the questions of this block for the values they are asked with, also on a keyed engine's connection.

    There the block is a read-only transaction, so that it may hold cursors and nothing of it stays with the
    connection. On any other connection plans are like that anyway, but within `planned_once`. Blocks may be nested.
    """
    driver = connection.connection.driver_connection
    assert driver is not None
    info = connection.info
    once = info.pop(_PLANNED_ONCE, False)  # nor is a block within this one
    if not driver.autocommit or driver.info.transaction_status is not TransactionStatus.IDLE:
        if once:
            connection.execute(_CUSTOM)
        try:
            yield
        finally:
            info[_PLANNED_ONCE] = once
        if once:
            connection.execute(_GENERIC)  # not after an error, see `planned_once`
        return
    connection.exec_driver_sql("BEGIN READ ONLY")
    end = driver.rollback
    try:
        connection.exec_driver_sql(_AS_ASKED)
        yield
        end = driver.commit  # at a ROLLBACK the driver forgets all that is prepared, and it is planned anew
    finally:
        info[_PLANNED_ONCE] = once
        with suppress(DriverError):  # a connection that broke has its own error
            end()


Result = TypeVar("Result")


def asked(engine: Engine, question: Callable[[Connection], Result]) -> Result:
    """Ask on a connection of a keyed engine, and once more on a new one where PostgreSQL was restarted meanwhile."""
    try:
        with engine.connect() as connection:
            return question(connection)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
    with engine.connect() as connection:
        return question(connection)


def at_once(connection: Connection, *questions: tuple[TextClause, Mapping[str, object]]) -> list[list[Any]]:
    """The rows, as tuples, of several questions of which none needs another's answer, after one wait for all.

    Straight from the driver: what else comes between takes longer than to find a row by its key.
    """
    driver = connection.connection.driver_connection
    assert driver is not None
    try:
        with driver.pipeline() if len(questions) > 1 else nullcontext():
            cursors = [_ask(driver, *question) for question in questions]
        return [cursor.fetchall() for cursor in cursors]
    except DriverError as error:
        if driver.closed:
            connection.exec_driver_sql("SELECT")  # says so as it would elsewhere, and gives up all that broke with it
        raise DBAPIError.instance(None, None, error, DriverError) from error


def _ask(driver: Driver[Any], question: TextClause, asked: Mapping[str, object]) -> RawCursor[Any]:
    statement, names = _numbered(question)
    return RawCursor(driver).execute(statement, [asked[name] for name in names], binary=True)


_NUMBERED = PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


@lru_cache(1000)
def _numbered(question: TextClause) -> tuple[bytes, tuple[str, ...]]:
    """A statement as PostgreSQL takes it, and the names of its parameters: the driver has nothing to look for in it."""
    compiled = question.compile(dialect=_NUMBERED)
    return str(compiled).encode(), tuple(compiled.positiontup or ())


_IN_EACH_OTHERS_WAY = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available


def in_each_others_way(error: object) -> bool:
    """Whether the driver's error says that another transaction was in the way: the next attempt may pass."""
    return getattr(error, "sqlstate", None) in _IN_EACH_OTHERS_WAY


def retrying(engine: Engine, deed: Callable[[Connection], Result], *, attempts: int = 8) -> Result:
    """Run `deed` in a transaction of its own, and again where another transaction was in its way.

    Locks are taken in order, so deadlocks are rare; where PostgreSQL chooses this one as the victim, nothing of it
    stands, and the deed is done anew on what the other left. The last attempt's error is raised.
    """
    for attempt in range(1, attempts + 1):
        try:
            with engine.begin() as connection:
                return deed(connection)
        except DBAPIError as error:
            if not in_each_others_way(error.orig) or attempt == attempts:
                raise
        time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311  (apart, not secret)
    raise AssertionError("unreachable: the last attempt returns or raises")


@contextmanager
def session(engine: Engine) -> Iterator[Session]:
    """Run a block in one transaction with an ORM session; deeds flush, the border commits."""
    with Session(engine, expire_on_commit=False) as orm, orm.begin():
        yield orm
