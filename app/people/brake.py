"""The brake on guessing passwords and PINs.

A guess is counted before anything is compared, under a lock on name and address, and taken back
when it was right: guesses made at the same moment count one after the other.
"""

from datetime import timedelta

from sqlalchemy import Connection, Engine, delete, func, insert, select, text

from app.errors import BirthmarkError
from app.people.models import LoginGuess
from app.sentences import Sentence

GUESSES_LAST = timedelta(minutes=15)
_OF_NAME_FROM_ADDRESS = 5
_FROM_ADDRESS = 30
_OF_NAME = 100  # high, so that a stranger can hardly lock somebody out by guessing
_LONGEST_NAME = 200

# Every guess takes its address first and its name second, in spaces of their own: no two wait for one another.
_LOCKS = text(
    "SELECT pg_advisory_xact_lock(hashtext('guess from'), hashtext(:address)), "
    "pg_advisory_xact_lock(hashtext('guess of'), hashtext(:name))"
)


class TooManyGuesses(BirthmarkError):
    """Somebody guesses; wait."""

    status = 429
    code = "too_many_guesses"
    title = "Too many guesses"


def count_guess(engine: Engine, name: str, address: str) -> None:
    """Count a guess at this name, from this address. Raises `TooManyGuesses` where there were too many.

    Committed at once, so that no failure afterwards makes the brake forget it; hence the engine.
    """
    name = name[:_LONGEST_NAME]
    by_name, from_address = LoginGuess.name == name, LoginGuess.address == address
    with engine.begin() as connection:
        connection.execute(_LOCKS, {"address": address, "name": name})
        of_both, of_address, of_name = connection.execute(
            select(
                func.count().filter(by_name, from_address),
                func.count().filter(from_address),
                func.count().filter(by_name),
            ).where(LoginGuess.at > func.now() - GUESSES_LAST, by_name | from_address)
        ).one()
        if of_both >= _OF_NAME_FROM_ADDRESS or of_address >= _FROM_ADDRESS or of_name >= _OF_NAME:
            minutes = int(GUESSES_LAST.total_seconds() // 60)
            raise TooManyGuesses(
                Sentence(
                    "Too many wrong passwords. Wait %(count)s minutes and try again, or ask an administrator "
                    "for a new password.",
                    count=minutes,
                ),
                retry_after=int(GUESSES_LAST.total_seconds()),
            )
        connection.execute(insert(LoginGuess).values(name=name, address=address))


def forget_guesses(connection: Connection, name: str, address: str) -> None:
    """The last guess was right: this name may be tried afresh from this address."""
    name = name[:_LONGEST_NAME]
    connection.execute(delete(LoginGuess).where(LoginGuess.name == name, LoginGuess.address == address))
    connection.execute(delete(LoginGuess).where(LoginGuess.at < func.now() - GUESSES_LAST))
