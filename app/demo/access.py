"""Logins and tokens of the demo: random, kept in the data folder so that each start shows the same."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from app.demo.board import ACTOR, CUSTOMER
from app.embedded.homes import write_secret
from app.people import Person, Role, bearer, create_person, create_token, set_password

_LOGINS = (
    Role.operator,
    Role.line_lead,
    Role.process_engineer,
    Role.quality_engineer,
    Role.customer,
    Role.administrator,
)


@dataclass(slots=True)
class DemoAccess:
    """Who may get in: passwords by role name, one API token, one token a station."""

    logins: dict[str, str] = field(default_factory=dict)
    api_token: str = ""
    stations: dict[str, str] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the file, readable for its owner only."""
        write_secret(path, json.dumps({"logins": self.logins, "api_token": self.api_token, "stations": self.stations}))


def grant_access(connection: Connection, path: Path, handles: Sequence[str]) -> DemoAccess:
    """Read the demo's access from ``path`` and make what this database does not know yet."""
    access = _read(path)
    existing = set(connection.execute(select(Person.name)).scalars())
    for role in _LOGINS:
        name = role.value
        if name in existing and name in access.logins:
            continue
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
    if not access.api_token or bearer(connection, access.api_token) is None:
        access.api_token = create_token(connection, name="demo", role=Role.administrator, actor=ACTOR)
    for handle in handles:
        if handle not in access.stations or bearer(connection, access.stations[handle]) is None:
            access.stations[handle] = create_token(
                connection, name=handle, role=Role.line_equipment, station=handle, actor=ACTOR
            )
    access.save(path)
    return access


def _read(path: Path) -> DemoAccess:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        return DemoAccess(found["logins"], found["api_token"], found["stations"])
    except (FileNotFoundError, ValueError, KeyError):
        return DemoAccess()
