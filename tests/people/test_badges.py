"""Badges and PINs: who gets in at a station, and when it locks."""

import pytest
from sqlalchemy import Engine, text

from app.db import transaction
from app.errors import Invalid, NotFound
from app.people import (
    TooManyGuesses,
    WrongBadge,
    badges,
    create_person,
    find_session,
    issue_badge,
    lock_session,
    log_in_with_badge,
    revoke_badge,
    session_actor,
    set_pin,
    touch_session,
    unlock,
)

PIN = "4711"
HERE = "10.0.0.7"


@pytest.fixture
def badge(engine: Engine) -> str:
    with transaction(engine) as connection:
        create_person(connection, name="ann", role="operator", password="correct horse battery", actor="t")
        set_pin(connection, name="ann", pin=PIN, actor="t")
        return issue_badge(connection, name="ann", actor="t")


def enter(engine: Engine, badge: str, pin: str = PIN) -> str:
    return log_in_with_badge(engine, payload=badge, pin=pin, address=HERE, station="Bench.B1.7").secret


def test_badge_and_pin_open_a_session_at_the_station(engine: Engine, badge: str) -> None:
    secret = enter(engine, badge)
    with transaction(engine) as connection:
        found = find_session(connection, secret)
        assert found is not None
        assert (found.actor.identity, found.station, found.locks, found.locked) == (
            "person:ann", "Bench.B1.7", True, False,
        )  # fmt: skip
        deeds = connection.execute(text("SELECT actor, details FROM audit WHERE deed = 'person.logged_in'")).all()
    assert [(row.actor, row.details["by"]) for row in deeds] == [("person:ann", "badge")]


@pytest.mark.parametrize(("payload", "pin"), [(None, "4712"), (None, ""), ("A" * 26, PIN), ("", PIN)])
def test_one_without_the_other_is_nothing(engine: Engine, badge: str, payload: str | None, pin: str) -> None:
    with pytest.raises(WrongBadge):
        enter(engine, badge if payload is None else payload, pin)


def test_a_badge_without_a_pin_opens_nothing(engine: Engine) -> None:
    with transaction(engine) as connection:
        create_person(connection, name="bob", role="operator", password="correct horse battery", actor="t")
        copied = issue_badge(connection, name="bob", actor="t")
    with pytest.raises(WrongBadge):
        enter(engine, copied, "")


def test_pins_are_not_guessed(engine: Engine, badge: str) -> None:
    for number in range(5):
        with pytest.raises(WrongBadge):
            enter(engine, badge, f"000{number}")
    with pytest.raises(TooManyGuesses):
        enter(engine, badge)


def test_a_new_badge_ends_the_old_one_and_a_revoked_one_its_sessions(engine: Engine, badge: str) -> None:
    with transaction(engine) as connection:
        fresh = issue_badge(connection, name="ann", actor="t")
    with pytest.raises(WrongBadge):
        enter(engine, badge)
    secret = enter(engine, fresh)
    with transaction(engine) as connection:
        assert [one.name for one in badges(connection)] == ["ann"]
        revoke_badge(connection, name="ann", actor="t")
        assert session_actor(connection, secret) is None
        assert badges(connection) == []
        with pytest.raises(NotFound):
            revoke_badge(connection, name="ann", actor="t")


def test_a_station_locks_when_nobody_touches_it_and_the_pin_opens_it(engine: Engine, badge: str) -> None:
    secret = enter(engine, badge)
    with transaction(engine) as connection:
        connection.execute(text("UPDATE login_session SET seen_at = seen_at - interval '4 minutes'"))
        touch_session(connection, secret)
        connection.execute(text("UPDATE login_session SET seen_at = seen_at - interval '4 minutes'"))
        assert session_actor(connection, secret) is not None, "somebody was there four minutes ago"
        connection.execute(text("UPDATE login_session SET seen_at = seen_at - interval '2 minutes'"))
        touch_session(connection, secret)
        assert session_actor(connection, secret) is None, "a touch does not open what is locked"
    with pytest.raises(WrongBadge):
        unlock(engine, secret=secret, pin="9999", address=HERE)
    unlock(engine, secret=secret, pin=PIN, address=HERE)
    with transaction(engine) as connection:
        assert session_actor(connection, secret) is not None
        lock_session(connection, secret)
        assert session_actor(connection, secret) is None


@pytest.mark.parametrize("pin", ["", "123", "12a4", "1234", "0000", "9876", "7890", "1234567890123", "٤٧١١"])
def test_what_is_no_pin_is_refused(engine: Engine, badge: str, pin: str) -> None:
    with transaction(engine) as connection, pytest.raises(Invalid):
        set_pin(connection, name="ann", pin=pin, actor="t")
