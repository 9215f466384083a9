"""Whose fault is it when a transaction fails: the server's, the message's, or ours?"""

import psycopg

from app.db import in_each_others_way

_NOT_UNIQUE = "23505"
# SQLSTATE classes that speak of the server, not of what was sent: connection, read-only standby, resources,
# operator intervention, system and configuration errors, and the schema not being there.
_ABOUT_THE_SERVER = ("08", "25", "28", "3D", "42", "53", "57", "58", "F0", "XX")


def first_line(error: object) -> str:
    """What the database said, without the details that follow."""
    return str(error).partition("\n")[0]


def may_pass(error: object) -> bool:
    """Whether two transactions were in each other's way: the next attempt may pass."""
    state = getattr(error, "sqlstate", None)
    if state == _NOT_UNIQUE:  # two processes took the same event in; the next attempt finds it stored
        return bool(getattr(getattr(error, "diag", None), "table_name", None) == "event")
    return in_each_others_way(error)


def is_away(error: object) -> bool:
    """Whether the fault is the server's: then the same message is welcome later.

    Without an SQLSTATE nothing came from the server: the connection failed, or else the driver refused a value.
    """
    state = getattr(error, "sqlstate", None)
    return is_broken(error) if state is None else bool(state.startswith(_ABOUT_THE_SERVER))


def is_broken(error: object) -> bool:
    """Whether the connection ended without a word of the server's why."""
    told = getattr(error, "sqlstate", None) is not None
    return not told and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def database_reason(error: object) -> str:
    """The sentence for the quarantine of a message that a constraint refused."""
    diagnosis = getattr(error, "diag", None)
    message = getattr(diagnosis, "message_primary", None) or first_line(error)
    constraint = getattr(diagnosis, "constraint_name", None)
    return f"The database refused it: {message}" + (f" ({constraint})" if constraint else "")


def fault_reason(fault: Exception) -> str:
    """The sentence for the quarantine of a message that this product failed over."""
    return (
        f"A fault of this product, not of the message ({type(fault).__name__}: {fault}). "
        "Report it; replay the message after an update."
    )
