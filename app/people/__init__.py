"""Who may do what, and who did what: customers, people, tokens, sessions and the audit trail."""

from app.people.access import PERMISSIONS, Actor, Permission, spoken
from app.people.audit import record_audit
from app.people.customers import customer_id_of, customer_names, register_customer
from app.people.logins import (
    Login,
    TooManyGuesses,
    WrongPassword,
    create_person,
    ensure_first_administrator,
    form_token,
    log_in,
    log_out,
    session_actor,
    set_password,
)
from app.people.models import (
    Audit,
    Customer,
    IdempotencyKey,
    LoginGuess,
    LoginSession,
    Person,
    Role,
    Token,
)
from app.people.tokens import (
    TokenSummary,
    bearer,
    broker_credentials,
    broker_hash,
    create_token,
    revoke_token,
    tokens,
)

__all__ = [
    "PERMISSIONS",
    "Actor",
    "Audit",
    "Customer",
    "IdempotencyKey",
    "Login",
    "LoginGuess",
    "LoginSession",
    "Permission",
    "Person",
    "Role",
    "Token",
    "TokenSummary",
    "TooManyGuesses",
    "WrongPassword",
    "bearer",
    "broker_credentials",
    "broker_hash",
    "create_person",
    "create_token",
    "customer_id_of",
    "customer_names",
    "ensure_first_administrator",
    "form_token",
    "log_in",
    "log_out",
    "record_audit",
    "register_customer",
    "revoke_token",
    "session_actor",
    "set_password",
    "spoken",
    "tokens",
]
