"""As it was known then: what was planned, described or registered since changes nothing of an earlier answer."""

from datetime import datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine, delete, insert, select, text, update

from app.errors import NotFound
from app.orders.planning import plan_work_order
from app.products.models import ApprovedPart, BomItem, ProductRevision
from app.trace.deviations import deviations, order_deviations
from app.trace.level import material_level
from app.trace.made_from import made_from
from app.trace.question import Question
from app.trace.where_used import where_used
from app.units.ownership import assign_customer
from tests.flows.test_deep_and_wide import known_now
from tests.inbox.messages import entry, initialized, installed, message, started, stored
from tests.trace.bills import planned

BOARD = [initialized("SN-1", order="WO-1", when=0), installed(entry("SN-1", "A1", ["R1"], part_number="RES"), when=5)]


def replan(engine: Engine, bill: dict[str, str], approved: dict[str, str]) -> None:
    """The bill is written anew, as an import does it."""
    with engine.begin() as connection:
        revision = connection.execute(select(ProductRevision.product_revision_id)).scalar_one()
        connection.execute(delete(BomItem))
        connection.execute(delete(ApprovedPart))
        rows = [{"product_revision_id": revision, "reference_designator": d, "part_number": p} for d, p in bill.items()]
        connection.execute(insert(BomItem), rows)
        for part, other in approved.items():
            given = {"product_revision_id": revision, "part_number": part, "alternate_part_number": other}
            connection.execute(insert(ApprovedPart).values(**given))


def test_a_bill_planned_anew_leaves_what_was_told_by_the_one_before(engine: Engine) -> None:
    planned(engine, "WO-1", {"R1": "RES", "R2": "RES"})
    stored(engine, *BOARD)
    then = known_now(engine)
    replan(engine, {"R1": "RES-NEW"}, {})
    between = known_now(engine)
    replan(engine, {"R1": "RES-NEW"}, {"RES-NEW": "RES"})
    with engine.connect() as connection:
        told = made_from(connection, "SN-1", as_of=then).completeness
        assert (told.with_package, told.in_bom, told.missing) == (1, 2, ("R2",))
        told = made_from(connection, "SN-1").completeness
        assert (told.with_package, told.in_bom, told.missing) == (1, 1, ())
        assert [material_level(connection, "SN-1", as_of=at).level for at in (then, between, None)] == [2, 4, 4]
        assert [sorted(verdicts(engine, at)) for at in (then, between, None)] == [[], ["not_approved"], ["alternate"]]


def verdicts(engine: Engine, as_of: datetime | None) -> set[str]:
    """Of the unit and of the order, which say the same."""
    with engine.connect() as connection:
        unit = deviations(connection, "SN-1", as_of=as_of)
        order = order_deviations(connection, "WO-1", as_of=as_of)
    one, other = ({each.verdict.value for each in (*of.deviations, *of.alternates)} for of in (unit, order))
    assert one == other
    return one


def test_an_order_planned_later_was_nobodys_then(engine: Engine) -> None:
    planned(engine, "OTHER", {"R1": "RES"})
    stored(engine, *BOARD)
    first = known_now(engine)
    with engine.begin() as connection:
        revision = connection.execute(select(ProductRevision.product_revision_id)).scalar_one()
        plan_work_order(connection, number="WO-1", product_revision_id=revision, customer="Northwind", actor="test")
    second = known_now(engine)
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-1", customer="Contoso", actor="test")
    with engine.connect() as connection:
        told = [made_from(connection, "SN-1", as_of=at) for at in (first, second, None)]
    assert [one.customer for one in told] == [None, "Northwind", "Contoso"]
    assert [one.product for one in told] == [None, "product of OTHER rev A", "product of OTHER rev A"]
    assert [one.completeness.in_bom for one in told] == [None, 1, 1]


def test_what_was_changed_twice_at_once_was_never_seen_in_between(engine: Engine) -> None:
    planned(engine, "WO-1", {"R1": "RES"})
    with engine.begin() as connection:
        connection.execute(update(BomItem).values(part_number="SEEN-BY-NOBODY"))
        connection.execute(update(BomItem).values(part_number="RES-2"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT part_number FROM former_bom_item")).scalars().all() == ["RES"]


def test_a_material_is_a_unit_only_since_somebody_knew_of_the_unit(engine: Engine) -> None:
    stored(engine, installed(entry("SN-1", "CHILD", ["A1"], slot=None), when=5))
    then = known_now(engine)
    stored(engine, initialized("CHILD", order="WO-2", when=1))
    with engine.connect() as connection:
        before, now = made_from(connection, "SN-1", as_of=then), made_from(connection, "SN-1")
        assert ([one.package for one in before.installations], before.components) == (["CHILD"], [])
        assert (now.installations, [one.serial for one in now.components]) == ([], ["CHILD"])
        with pytest.raises(NotFound):
            made_from(connection, "CHILD", as_of=then)
        with pytest.raises(NotFound):
            where_used(connection, Question(serial="CHILD", as_of=then))
        assert [one.serial for one in where_used(connection, Question(serial="CHILD")).units] == ["SN-1"]


def test_a_package_described_since_was_of_the_machines_part_then(engine: Engine) -> None:
    planned(engine, "WO-1", {"R1": "RES"})
    stored(engine, *BOARD, started("SN-1", transaction=uuid4(), when=4))
    then = known_now(engine)
    wrong = {"UniqueIdentifier": "A1", "InternalPartNumber": "CAP"}
    stored(engine, message("Materials.Management.MaterialsInitialized", {"Materials": [wrong]}, when=1))
    with engine.connect() as connection:
        found = where_used(connection, Question(part_number="RES", as_of=then))
        assert [one.serial for one in found.units] == ["SN-1"]
    assert verdicts(engine, then) == set()
    assert verdicts(engine, None) == {"described_otherwise"}
