"""Who may connect to the embedded broker and what they may say and hear there.

A station's user name is its CFX handle (``Vendor.Model.Serial``); it may publish its own CFX
messages and hear its own receipts, responses, requests and gate, nothing else. Intake may do everything.
The files are Mosquitto's (password_file, acl_file); the fallback broker reads the same ones.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from pathlib import Path

import structlog

from app.cfx.topics import StationAddress, TopicError
from app.embedded.homes import write_secret
from app.embedded.processes import Account

log = structlog.get_logger()

INTAKE_USER = "intake"


def topics_of(handle: str) -> tuple[str, tuple[str, ...]]:
    """The filter a station may publish on and the topics it may hear (contract, MQTT).

    Raises :class:`TopicError` for what is no CFX handle, or cannot be a name in a password file.
    """
    if ":" in handle:
        raise TopicError(f"The CFX handle {handle!r} holds a colon, which ends a name in a password file.")
    station = StationAddress.from_handle(handle)
    return station.intake_filter, (
        station.receipts_topic,
        station.responses_topic,
        station.requests_topic,
        station.gate_topic,
    )


def write_credentials(folder: Path, hashes: Mapping[str, str], *, account: Account | None = None) -> None:
    """Write ``passwords`` and ``acl`` for ``hashes`` (user name to broker hash), each replaced whole."""
    admitted = {INTAKE_USER: hashes[INTAKE_USER]}
    access = [f"user {INTAKE_USER}\ntopic readwrite #\n"]
    for handle in sorted(hashes.keys() - {INTAKE_USER}):
        try:
            says, hears = topics_of(handle)
        except TopicError as error:  # one odd token must not shut out all the others
            log.warning("broker.handle_refused", handle=handle, reason=str(error))
            continue
        admitted[handle] = hashes[handle]
        lines = [f"user {handle}", f"topic write {says}", *(f"topic read {heard}" for heard in hears)]
        access.append("\n".join(lines) + "\n")
    _replace(folder / "acl", "\n".join(access), account)
    _replace(folder / "passwords", "".join(f"{user}:{value}\n" for user, value in admitted.items()), account)


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
