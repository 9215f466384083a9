"""Backup and restore of the whole database in one file (PostgreSQL's custom format)."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import Engine, make_url, text

from app.db import create_engine
from app.embedded.homes import postgres_programs
from app.errors import BirthmarkError, Conflict, Invalid


def write_backup(url: str, file: Path) -> int:
    """Dump the database at ``url`` into ``file`` and return its size in bytes.

    The dump is one consistent snapshot and may run while the product does. It appears under its
    name only when it is whole and its table of contents can be read back.
    """
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        _run(url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={unfinished}")
        _run(url, "pg_restore", "--list", str(unfinished))
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def restore_backup(url: str, file: Path, *, replace: str | None = None) -> None:
    """Bring the backup in ``file`` into the database at ``url``, all of it or nothing.

    Raises `Conflict` where the product uses the database, or it holds something and ``replace`` is
    not its name.
    """
    target = make_url(url)
    _run(url, "pg_restore", "--list", str(file))
    engine = create_engine(url, pool_size=1)
    try:
        if running := _processes_on(engine):
            raise Conflict(
                f"The product uses this database ({', '.join(running)}) and remembers what it holds. Stop it first."
            )
        if _holds_something(engine):
            if replace is None:
                raise Conflict(
                    f"The database {target.database} is not empty. Restore into an empty one, or say "
                    f"--replace {target.database} to delete what it holds."
                )
            if replace != target.database:
                raise Invalid(f"--replace must name the database, which is {target.database}, not {replace}.")
    finally:
        engine.dispose()
    _replay(url, file, clean="DROP SCHEMA public CASCADE; CREATE SCHEMA public;" if replace else "")


def _replay(url: str, file: Path, *, clean: str) -> None:
    """Pipe the backup into psql in one transaction with the deletion.

    COMMIT is sent only once pg_restore has read the file to its end without complaint: a file that
    breaks off would otherwise look like one that is complete.
    """
    options = ["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--output=/dev/null", "--file=-"]
    with tempfile.TemporaryFile() as complaints:
        reader = subprocess.Popen(
            [_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
        writer = subprocess.Popen(
            [_program("psql"), *options], stdin=subprocess.PIPE, stderr=complaints, env=_environment(url)
        )
        with reader, writer:
            assert reader.stdout is not None
            assert writer.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # psql has ended: its complaint says why
                writer.stdin.write(f"BEGIN; {clean}\n".encode())
                shutil.copyfileobj(reader.stdout, writer.stdin, 1 << 20)
                if reader.wait() == 0:
                    writer.stdin.write(b"\nCOMMIT;\n")
                writer.stdin.close()
            reader.stdout.close()
        if reader.returncode != 0 or writer.returncode != 0:
            complaints.seek(0)
            raise BirthmarkError(f"{file} could not be restored, nothing was changed: {_last(complaints.read())}")


def _processes_on(engine: Engine) -> list[str]:
    """Processes of the product that are connected; each says its name (`application_name`)."""
    question = text(
        "SELECT DISTINCT application_name FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'birthmark-%' ORDER BY 1"
    )
    with engine.connect() as connection:
        return list(connection.execute(question).scalars())


def _holds_something(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.execute(text("SELECT to_regclass('public.alembic_version') IS NOT NULL")).scalar())


def _program(name: str) -> str:
    return str(postgres_programs(None) / name)


def _run(url: str, program: str, *arguments: str) -> None:
    done = subprocess.run(
        [_program(program), *arguments],
        stdin=subprocess.DEVNULL,
        env=_environment(url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode != 0:
        raise BirthmarkError(f"{program} ended with code {done.returncode}: {_last(done.stderr)}")


def _environment(url: str) -> dict[str, str]:
    target = make_url(url)
    return {
        **os.environ,
        "PGHOST": target.host or "",
        "PGPORT": str(target.port or 5432),
        "PGUSER": target.username or "",
        "PGPASSWORD": target.password or "",  # never in the arguments, which every user can list
        "PGDATABASE": target.database or "",
    }


def _last(complaints: bytes) -> str:
    return " ".join(complaints.decode(errors="replace").strip().splitlines()[-3:])
