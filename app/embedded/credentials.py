"""Who may connect to the embedded broker and what they may say and hear there.

A station's user name is its CFX handle (``Vendor.Model.Serial``); it may publish its own CFX
messages and hear its own receipts and responses, nothing else. Intake may do everything.
The files are Mosquitto's (password_file, acl_file); the fallback broker reads the same ones.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from pathlib import Path

from app.embedded.homes import write_secret
from app.embedded.processes import Account
from app.errors import Invalid

INTAKE_USER = "intake"
_NEVER_IN_A_HANDLE = frozenset("+#/:\0\r\n")


def topics_of(handle: str) -> tuple[str, tuple[str, ...]]:
    """The filter a station may publish on and those it may subscribe to (contract, MQTT)."""
    if not handle or handle == INTAKE_USER or _NEVER_IN_A_HANDLE & set(handle):
        raise Invalid(
            f"{handle!r} cannot be a station's CFX handle: it is Vendor.Model.Serial, without + # / : or line breaks."
        )
    prefix = handle.replace(".", "/")
    return f"{prefix}/CFX/#", (f"{prefix}/receipts", f"{prefix}/CFX/responses")


def write_credentials(folder: Path, hashes: Mapping[str, str], *, account: Account | None = None) -> None:
    """Write ``passwords`` and ``acl`` for ``hashes`` (user name to broker hash), each replaced whole."""
    access = [f"user {INTAKE_USER}\ntopic readwrite #\n"]
    for handle in sorted(hashes.keys() - {INTAKE_USER}):
        says, hears = topics_of(handle)
        lines = [f"user {handle}", f"topic write {says}", *(f"topic read {heard}" for heard in hears)]
        access.append("\n".join(lines) + "\n")
    _replace(folder / "acl", "\n".join(access), account)
    _replace(folder / "passwords", "".join(f"{user}:{value}\n" for user, value in sorted(hashes.items())), account)


def matches_hash(password: str, hashed: str) -> bool:
    """Whether ``password`` is the one that ``hashed`` (``$7$rounds$salt$hash``) was made from."""
    try:
        _, kind, rounds, salt, digest = hashed.split("$")
        expected = base64.b64decode(digest, validate=True)
        made = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(rounds), 64)
    except (ValueError, binascii.Error):
        return False
    return kind == "7" and hmac.compare_digest(made, expected)


def read_passwords(path: Path) -> dict[str, str]:
    """The user names and hashes of a password file."""
    pairs = (line.rpartition(":") for line in path.read_text().splitlines() if line)
    return {user: hashed for user, _, hashed in pairs}


def covers(granted: Iterable[str], asked: str) -> bool:
    """Whether one of the filters ``granted`` holds every topic that the topic or filter ``asked`` can name."""
    return any(_covers(one.split("/"), asked.split("/")) for one in granted)


def _covers(granted: list[str], asked: list[str]) -> bool:
    for level, have in enumerate(granted):
        if have == "#":
            return True
        if level >= len(asked) or asked[level] == "#" or have not in {"+", asked[level]}:
            return False
    return len(granted) == len(asked)


def _replace(path: Path, text: str, account: Account | None) -> None:
    """Write beside and rename: a broker that reloads meanwhile sees the old or the new, never half."""
    unfinished = path.with_name(f"{path.name}.new")
    write_secret(unfinished, text, account)
    unfinished.replace(path)
