"""Servers of a benchmark's own, made for the run and deleted after it: a durable PostgreSQL, a broker."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
from sqlalchemy import text

from app.db import create_engine
from app.embedded import homes
from app.embedded.postgres import Postgres
from app.schema import upgrade


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Postgres]:
    """A new PostgreSQL with the product's own settings (`fsync` on), gone with its data at the end."""
    clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with Postgres(folder) as server:
            yield server
    finally:
        clear(folder)


def clear(folder: Path) -> None:
    """Delete what a run, perhaps an interrupted one, left."""
    for name in ("postgres", "broker"):
        homes.remove(folder, name)
    shutil.rmtree(folder, ignore_errors=True)


def new_database(server: Postgres, name: str, *, migrated: bool = True) -> str:
    """URL of a new database, with the product's tables or empty."""
    admin = create_engine(server.url, pool_size=1)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    url = server.url_of(name)
    if migrated:
        engine = create_engine(url, pool_size=1)
        upgrade(engine)
        engine.dispose()
    return url


def restart_cold(server: Postgres) -> bool:
    """Restart PostgreSQL with its files out of the system's memory; False where the system keeps them in it.

    Only the pages of this cluster are given up (`posix_fadvise`), so other people's work is not slowed down.
    """
    server.stop()
    dropped = hasattr(os, "posix_fadvise")
    if dropped:
        os.sync()  # a page that is not written yet cannot be given up
        for path in (server.data_dir / "postgres").resolve().rglob("*"):
            if path.is_file():
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(descriptor)
    server.start()
    return dropped


class Processor:
    """CPU seconds, user and system, of a process and, with `family`, of those it started, the ended ones included."""

    def __init__(self, pid: int, *, family: bool = False) -> None:
        self._process = psutil.Process(pid)
        self._family = family

    def seconds(self) -> float:
        """Seconds used so far."""
        total = _seconds(self._process, ended=self._family)
        if self._family:
            for child in self._process.children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += _seconds(child, ended=False)
        return total


def _seconds(process: psutil.Process, *, ended: bool) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + (times.children_user + times.children_system if ended else 0.0))
