"""Tokens: shown once, bound to what they are for, useless after revocation."""

import base64
import hashlib

import pytest
from sqlalchemy import Connection, select, text

from app.errors import Invalid, NotFound
from app.people import (
    Audit,
    Role,
    bearer,
    broker_credentials,
    broker_hash,
    create_token,
    register_customer,
    revoke_token,
    tokens,
)

STATION = "Vendor.Model.S.1"


def test_the_bearer_of_a_token_is_known_by_it(connection: Connection) -> None:
    secret = create_token(connection, name="reports", role="customer", customer="Acme", actor="t")
    actor = bearer(connection, secret)
    assert actor is not None
    assert (actor.name, actor.role) == ("reports", Role.customer)
    assert actor.customer_id == register_customer(connection, name="Acme", actor="t")
    assert bearer(connection, secret + "x") is None


def test_the_database_does_not_hold_the_secret(connection: Connection) -> None:
    secret = create_token(connection, name="press", role="line_equipment", station=STATION, actor="t")
    everything = "".join(
        str(connection.execute(text(f"SELECT {table} FROM {table}")).all()) for table in ("token", "audit")
    )
    assert secret not in everything
    assert secret.removeprefix("bm_")[:12] not in everything


def test_a_revoked_token_opens_nothing(connection: Connection) -> None:
    secret = create_token(connection, name="n", role="operator", actor="t")
    [summary] = tokens(connection)
    revoke_token(connection, summary.token_id, actor="t")
    assert bearer(connection, secret) is None
    with pytest.raises(NotFound):
        revoke_token(connection, summary.token_id, actor="t")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " ", "role": "operator"},
        {"name": "n", "role": "king"},
        {"name": "n", "role": "customer"},
        {"name": "n", "role": "operator", "customer": "Acme"},
        {"name": "n", "role": "operator", "station": STATION},
        {"name": "n", "role": "line_equipment", "station": "no handle"},
        {"name": "n", "role": "line_equipment", "station": "A.B.+"},
    ],
)
def test_what_does_not_fit_together_is_refused(connection: Connection, wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        create_token(connection, **wrong, actor="t")
    assert tokens(connection) == []


def test_the_broker_hash_is_what_mosquitto_checks() -> None:
    _, kind, rounds, salt, digest = broker_hash("secret").split("$")
    made = hashlib.pbkdf2_hmac("sha512", b"secret", base64.b64decode(salt), int(rounds), 64)
    assert kind == "7"
    assert base64.b64decode(digest) == made
    assert broker_hash("secret") != broker_hash("secret")


def test_the_newest_token_of_a_station_is_its_mqtt_password(connection: Connection) -> None:
    for _ in range(2):
        create_token(connection, name="s", role="line_equipment", station=STATION, actor="t")
    newest, older = tokens(connection)
    first = broker_credentials(connection)
    revoke_token(connection, newest.token_id, actor="t")
    second = broker_credentials(connection)
    assert first.keys() == second.keys() == {STATION}
    assert first != second
    revoke_token(connection, older.token_id, actor="t")
    assert broker_credentials(connection) == {}


def test_every_deed_names_its_actor(connection: Connection) -> None:
    create_token(connection, name="n", role="customer", customer="Acme", actor="person:ann")
    rows = connection.execute(select(Audit.actor, Audit.deed).order_by(Audit.audit_id)).all()
    assert [tuple(row) for row in rows] == [
        ("person:ann", "customer.registered"),
        ("person:ann", "token.created"),
    ]
