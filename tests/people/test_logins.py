"""Accounts, sessions, and the brake on guessing."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from app.db import transaction
from app.errors import Conflict, Invalid
from app.people import (
    Role,
    TooManyGuesses,
    WrongPassword,
    create_person,
    ensure_first_administrator,
    log_in,
    log_out,
    session_actor,
    set_password,
)

PASSWORD = "correct horse battery"


@pytest.fixture
def ann(engine: Engine) -> Engine:
    with transaction(engine) as connection:
        create_person(connection, name="ann", role="operator", password=PASSWORD, actor="t")
    return engine


def test_a_session_is_its_persons(ann: Engine) -> None:
    opened = log_in(ann, name="ann", password=PASSWORD, address="10.0.0.1")
    with transaction(ann) as connection:
        actor = session_actor(connection, opened.secret)
        assert actor is not None
        assert (actor.identity, actor.role) == ("person:ann", Role.operator)
        log_out(connection, opened.secret)
        assert session_actor(connection, opened.secret) is None


def test_a_session_ends_by_time_and_by_a_new_password(ann: Engine) -> None:
    opened = log_in(ann, name="ann", password=PASSWORD, address="10.0.0.1")
    other = log_in(ann, name="ann", password=PASSWORD, address="10.0.0.1")
    with transaction(ann) as connection:
        expire = text("UPDATE login_session SET expires_at = now() - interval '1 second'")
        with connection.begin_nested() as savepoint:
            connection.execute(expire)
            assert session_actor(connection, opened.secret) is None
            savepoint.rollback()
        set_password(connection, name="ann", password="another sentence", actor="t")
        assert session_actor(connection, other.secret) is None


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_five_wrong_guesses_are_enough(ann: Engine, name: str) -> None:
    for _ in range(5):
        with pytest.raises(WrongPassword):
            log_in(ann, name=name, password="guess", address="10.0.0.1")
    with pytest.raises(TooManyGuesses):
        log_in(ann, name=name, password=PASSWORD, address="10.0.0.1")


def test_a_stranger_does_not_lock_somebody_out(ann: Engine) -> None:
    for _ in range(5):
        with pytest.raises(WrongPassword):
            log_in(ann, name="ann", password="guess", address="10.0.0.66")
    assert log_in(ann, name="ann", password=PASSWORD, address="10.0.0.1").secret


def test_one_address_cannot_go_through_names(ann: Engine) -> None:
    for number in range(30):
        with pytest.raises(WrongPassword):
            log_in(ann, name=f"name {number}", password="guess", address="10.0.0.66")
    with pytest.raises(TooManyGuesses):
        log_in(ann, name="ann", password=PASSWORD, address="10.0.0.66")


def test_guesses_are_forgotten_in_time(ann: Engine) -> None:
    for _ in range(5):
        with pytest.raises(WrongPassword):
            log_in(ann, name="ann", password="guess", address="10.0.0.1")
    with transaction(ann) as connection:
        connection.execute(text("UPDATE login_guess SET at = at - interval '16 minutes'"))
    assert log_in(ann, name="ann", password=PASSWORD, address="10.0.0.1").secret


def test_the_first_administrator_is_made_once(engine: Engine) -> None:
    with transaction(engine) as connection:
        password = ensure_first_administrator(connection)
        assert password is not None
        assert ensure_first_administrator(connection) is None
    opened = log_in(engine, name="administrator", password=password, address="10.0.0.1")
    with transaction(engine) as connection:
        actor = session_actor(connection, opened.secret)
    assert actor is not None
    assert actor.role is Role.administrator


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"password": "short"},
        {"role": "line_equipment"},
        {"role": "customer"},
        {"customer": "Acme"},
    ],
)
def test_what_cannot_be_an_account_is_refused(engine: Engine, wrong: dict[str, str]) -> None:
    account = {"name": "bob", "role": "operator", "password": PASSWORD, "actor": "t"} | wrong
    with transaction(engine) as connection, pytest.raises(Invalid):
        create_person(connection, **account)


def test_a_name_is_somebodys_once(ann: Engine) -> None:
    with transaction(ann) as connection, pytest.raises(Conflict):
        create_person(connection, name="ann", role="operator", password=PASSWORD, actor="t")


def test_guesses_made_at_once_are_counted_one_by_one(ann: Engine) -> None:
    everybody_ready = threading.Barrier(12)

    def guess(number: int) -> type[Exception]:
        everybody_ready.wait()
        with pytest.raises((WrongPassword, TooManyGuesses)) as refused:
            log_in(ann, name="ann", password=f"guess {number}", address="10.0.0.1")
        return refused.type

    with ThreadPoolExecutor(12) as pool:
        told = list(pool.map(guess, range(12)))
    assert told.count(WrongPassword) == 5
    assert told.count(TooManyGuesses) == 7
