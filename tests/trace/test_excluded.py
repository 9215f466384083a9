"""What is said of units that do not carry it: no more than was known then, and no more than the asker may know."""

from uuid import uuid4

from sqlalchemy import Engine, text

from app.trace.excluded import excluded
from app.trace.question import Question
from tests.flows.test_deep_and_wide import known_now
from tests.inbox.messages import completed, entry, initialized, installed, received, started, stored
from tests.trace.test_missing_reports import loaded


def test_a_unit_nobody_knew_of_then_was_not_excluded_then(engine: Engine) -> None:
    stored(
        engine,
        initialized(None, "SN-1", "SN-2", order="WO-1", when=0),
        installed(entry("SN-1", "REEL-1", ["R1"]), when=50),
    )
    then = known_now(engine)
    stored(engine, initialized("PNL", ("SN-3", 1), order="WO-1", when=100))
    stored(engine, initialized("SN-2", ("SN-4", 1), order="WO-1", when=200))
    with engine.connect() as connection:
        before = {one.serial for one in excluded(connection, Question(package="REEL-1", as_of=then))}
        now = {one.serial for one in excluded(connection, Question(package="REEL-1"))}
    assert before == {"SN-2"}
    assert now >= {"SN-3", "SN-4"}
    assert "SN-2" not in now, "it is a panel by now"


def test_a_customer_is_not_told_what_else_the_lot_was_called(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        received(("REEL-1", "P-1", "A17")),
        loaded("F1", "REEL-1", when=1),
        loaded("F2", "REEL-2", when=2),
        started("SN-1", transaction=work, order="WO-1", when=100),
        installed(entry("SN-1", "REEL-2", ["R1"], slot="F2"), entry("SN-1", "REEL-3", ["R2"], slot="F1"),
                  transaction=work, when=150),
        completed(transaction=work, when=160),
    )  # fmt: skip
    with engine.begin() as connection:
        made = text("INSERT INTO customer (name) VALUES ('Acme') RETURNING customer_id")
        customer = connection.execute(made).scalar_one()
        connection.execute(text("UPDATE unit SET customer_id = :customer"), {"customer": customer})
        asked = Question(lot="A17", part_number="P-1")
        for seen_by, named in ((None, True), (customer, False)):
            (told,) = excluded(connection, asked, customer_id=seen_by)
            assert ("REEL-1" in told.reason) == named
            assert named or "lot A17" in told.reason
