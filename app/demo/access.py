"""Logins and tokens of the demo: random, kept in the data folder so that each start shows the same."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from app.demo.board import ACTOR, CUSTOMER
from app.embedded.homes import write_secret
from app.people import (
    Person,
    Role,
    bearer,
    create_person,
    create_token,
    issue_badge,
    set_password,
    set_pin,
)

_LOGINS = (
    Role.operator,
    Role.line_lead,
    Role.process_engineer,
    Role.quality_engineer,
    Role.customer,
    Role.administrator,
)


# Who stands at a station in the demo, with a badge and a PIN.
_BADGES = (Role.operator, Role.line_lead)


@dataclass(slots=True)
class DemoAccess:
    """Who may get in: passwords by role name, badges with their PINs by name, one API token, and the key.

    The key is in the address that the terminal prints: whoever opens it is let in without a password.
    """

    logins: dict[str, str] = field(default_factory=dict)
    badges: dict[str, tuple[str, str]] = field(default_factory=dict)
    api_token: str = ""
    key: str = ""


def read_access(path: Path) -> DemoAccess:
    """What ``path`` keeps, with a key; empty where nothing is kept yet."""
    kept = _read(path)
    badges = {name: (payload, pin) for name, (payload, pin) in kept.get("badges", {}).items()}
    return DemoAccess(
        kept.get("logins", {}), badges, kept.get("api_token", ""), kept.get("key") or secrets.token_urlsafe(16)
    )


def grant_access(connection: Connection, path: Path) -> DemoAccess:
    """Read the demo's logins from ``path`` and make what this database does not know yet."""
    access = read_access(path)
    existing = set(connection.execute(select(Person.name)).scalars())
    for role in _LOGINS:
        name = role.value
        if name in existing and name in access.logins:
            continue
        access.badges.pop(name, None)
        access.logins[name] = "-".join(secrets.token_hex(2) for _ in range(4))
        if name in existing:
            set_password(connection, name=name, password=access.logins[name], actor=ACTOR)
        else:
            create_person(
                connection,
                name=name,
                role=role,
                password=access.logins[name],
                customer=CUSTOMER if role is Role.customer else None,
                actor=ACTOR,
            )
    for role in _BADGES:
        if role.value not in access.badges:
            pin = f"{secrets.choice('13579')}{secrets.choice('02468')}{secrets.randbelow(100):02d}"
            set_pin(connection, name=role.value, pin=pin, actor=ACTOR)
            access.badges[role.value] = (issue_badge(connection, name=role.value, actor=ACTOR), pin)
    if not access.api_token or bearer(connection, access.api_token) is None:
        access.api_token = create_token(connection, name="demo", role=Role.administrator, actor=ACTOR)
    write_secret(path, json.dumps(asdict(access)))
    return access


def grant_stations(connection: Connection, path: Path, handles: Sequence[str]) -> None:
    """Give each station a token; ``path`` keeps them as the simulator reads them (handle to token)."""
    kept = _read(path)
    tokens: dict[str, str] = {}
    for handle in handles:
        known = kept.get(handle, "")
        tokens[handle] = (
            known
            if known and bearer(connection, known) is not None
            else create_token(connection, name=handle, role=Role.line_equipment, station=handle, actor=ACTOR)
        )
    write_secret(path, json.dumps(tokens))


def grant_operators(connection: Connection, path: Path) -> None:
    """Give whoever loads the machines a token of the operator's; ``path`` keeps it."""
    if not path.exists() or bearer(connection, path.read_text()) is None:
        name = Role.operator.value
        write_secret(path, create_token(connection, name="hand scanner", role=name, person=name, actor=ACTOR))


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (FileNotFoundError, ValueError):
        return {}
