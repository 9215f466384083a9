"""Customers: the OEMs the factory builds for."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from app.errors import Invalid
from app.people.audit import record_audit
from app.people.models import Customer
from app.sentences import Sentence


def register_customer(connection: Connection, *, name: str, actor: str) -> int:
    """Return the customer of this name, made if new. Raises `Invalid` for an empty name."""
    name = name.strip()
    if not name:
        raise Invalid(Sentence("A customer needs a name."))
    known = customer_id_of(connection, name)
    if known is not None:
        return known
    made = connection.execute(
        insert(Customer).values(name=name).on_conflict_do_nothing().returning(Customer.customer_id)
    ).scalar_one_or_none()
    if made is None:  # somebody else made it in between
        return connection.execute(select(Customer.customer_id).where(Customer.name == name)).scalar_one()
    record_audit(connection, actor=actor, deed="customer.registered", subject=f"customer:{made}", name=name)
    return made


def customer_id_of(connection: Connection, name: str) -> int | None:
    """The customer of this name, or None."""
    return connection.execute(select(Customer.customer_id).where(Customer.name == name)).scalar_one_or_none()


def customer_names(connection: Connection) -> dict[int, str]:
    """Every customer's name by its id."""
    rows = connection.execute(select(Customer.customer_id, Customer.name))
    return {row.customer_id: row.name for row in rows}
