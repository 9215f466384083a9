"""Parts used against the bill and its approved list, of a unit and of a whole work order."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.errors import NotFound
from app.trace.deviations import Deviation, Deviations, Verdict, deviations, order_deviations
from tests.inbox.messages import entry, initialized, installed, received, stored, uninstalled
from tests.trace.bills import planned


@pytest.fixture
def order(engine: Engine) -> str:
    planned(engine, "WO-1", {"R1": "10K", "R2": "10K", "C1": "100n"}, approved={"100n": "100n-B"}, customer="Acme")
    stored(engine, initialized(None, "SN-1", "SN-2", "SN-3", order="WO-1"))
    stored(engine, received(("P-10K", "10K", "L1"), ("P-22K", "22K", "L2"), ("P-100B", "100n-B", "L3")))
    return "WO-1"


def board(engine: Engine, serial: str, *parts: tuple[str, str, str | None], when: float = 10) -> None:
    """(designator, package, part number as the machine says it)."""
    entries: list[dict[str, Any]] = [
        entry(serial, package, [name], part_number=said, slot=f"M1.F.{n}")  # type: ignore[arg-type]
        for n, (name, package, said) in enumerate(parts)
    ]
    stored(engine, installed(*entries, transaction=uuid4(), when=when))


def of_unit(engine: Engine, serial: str) -> Deviations:
    with engine.connect() as connection:
        return deviations(connection, serial)


def of_order(engine: Engine, work_order: str) -> Deviations:
    with engine.connect() as connection:
        return order_deviations(connection, work_order)


def short(found: list[Deviation]) -> list[tuple[str, str, str, int]]:
    return [(one.reference_designator, one.package, one.verdict.value, one.units) for one in found]


RIGHT = (("R1", "P-10K", "10K"), ("R2", "P-10K", "10K"))


def test_the_bills_own_parts_are_nothing_to_tell(engine: Engine, order: str) -> None:
    board(engine, "SN-1", *RIGHT, ("C1", "P-100", "100n"))
    for found in (of_unit(engine, "SN-1"), of_order(engine, order)):
        assert (found.in_bill, found.deviations, found.alternates) == (3, [], [])
    assert of_unit(engine, "SN-1").sentence == "Unit SN-1 keeps to its bill."


def test_an_approved_alternate_is_told_apart_from_a_deviation(engine: Engine, order: str) -> None:
    board(engine, "SN-1", *RIGHT, ("C1", "P-100B", "100n-B"))
    found = of_unit(engine, "SN-1")
    assert (found.deviations, short(found.alternates)) == ([], [("C1", "P-100B", "alternate", 1)])
    assert found.alternates[0].sentence == ("C1 has a part from package P-100B: 100n-B is approved in place of 100n.")
    assert found.sentence == "Unit SN-1 keeps to its bill, with approved alternates at 1."


def test_a_part_nobody_approved_deviates_with_its_package(engine: Engine, order: str) -> None:
    board(engine, "SN-1", ("R1", "P-22K", "22K"), ("R2", "P-100B", "100n-B"), ("C1", "P-100", "100n"))
    [first, second] = of_unit(engine, "SN-1").deviations
    assert first.sentence == ("R1 has a part from package P-22K: it is 22K, not 10K nor approved in its place.")
    assert (first.verdict, first.part_number, first.bill_part_number) == (Verdict.not_approved, "22K", "10K")
    assert second.verdict is Verdict.not_approved, "what is approved for 100n is not approved for 10K"


def test_the_reference_part_counts_where_the_machine_says_no_other(engine: Engine, order: str) -> None:
    for serial, asked_for in (("SN-1", "10K"), ("SN-2", "22K")):
        bare = entry(serial, "P-X", ["R1"], part_number=None, ReferencePartNumber=asked_for)  # type: ignore[arg-type]
        stored(engine, installed(bare, transaction=uuid4()))
    assert of_unit(engine, "SN-1").deviations == []
    assert [one.part_number for one in of_unit(engine, "SN-2").deviations] == ["22K"]


def test_a_claim_to_be_in_place_of_the_right_part_is_no_approval(engine: Engine, order: str) -> None:
    one = entry("SN-1", "P-22K", ["R1"], part_number="22K", ReferencePartNumber="10K")
    stored(engine, installed(one, transaction=uuid4()))
    assert short(of_unit(engine, "SN-1").deviations) == [("R1", "P-22K", "not_approved", 1)]


def test_what_the_package_was_received_as_is_judged_too(engine: Engine, order: str) -> None:
    """The feeder was set up as 10K; the reel in it is 22K."""
    board(engine, "SN-1", ("R1", "P-22K", "10K"), ("C1", "P-100B", "100n"))
    found = of_unit(engine, "SN-1")
    assert short(found.deviations) == [("R1", "P-22K", "described_otherwise", 1)]
    assert "the machine called it 10K, and it was described as 22K" in found.deviations[0].sentence
    assert short(found.alternates) == [("C1", "P-100B", "alternate", 1)]
    assert (short(of_order(engine, order).deviations), short(of_order(engine, order).alternates)) == (
        short(found.deviations),
        short(found.alternates),
    )


def test_a_designator_the_bill_does_not_have_and_a_part_nobody_names(engine: Engine, order: str) -> None:
    board(engine, "SN-1", ("R1", "P-NEW", None), ("R9", "P-10K", "10K"))
    found = of_unit(engine, "SN-1").deviations
    assert short(found) == [("R1", "P-NEW", "part_unknown", 1), ("R9", "P-10K", "not_in_bill", 1)]


def test_what_was_reworked_since_stays_told(engine: Engine, order: str) -> None:
    board(engine, "SN-1", ("R1", "P-22K", "22K"), when=10)
    stored(engine, uninstalled("SN-1", ["R1"], when=50))
    board(engine, "SN-1", ("R1", "P-10K", "10K"), when=60)
    [found] = of_unit(engine, "SN-1").deviations
    assert found.removed_at is not None
    assert found.sentence.endswith("It was taken out on 2026-11-20 06:00 UTC.")


def test_a_chain_may_have_brought_the_wrong_part(engine: Engine, order: str) -> None:
    chain = {"UniqueIdentifier": "P-10K", "LeadingMaterialPackage": {"UniqueIdentifier": "P-22K"}}
    stored(engine, installed(entry("SN-1", "P-10K", ["R1"], Material=chain), transaction=uuid4()))
    [found] = of_unit(engine, "SN-1").deviations
    assert (found.package, found.sentence[:11]) == ("P-22K", "R1 may have")
    assert short(of_order(engine, order).deviations) == [("R1", "P-22K", "not_approved", 1)]


def test_an_order_counts_its_units(engine: Engine, order: str) -> None:
    board(engine, "SN-1", *RIGHT)
    board(engine, "SN-2", RIGHT[0], ("R2", "P-22K", "22K"))
    board(engine, "SN-3", RIGHT[0], ("R2", "P-22K", "22K"))
    found = of_order(engine, order)
    assert short(found.deviations) == [("R2", "P-22K", "not_approved", 2)]
    assert found.sentence == "Work order WO-1 deviates at 1 of 3 designators."
    assert found.deviations[0].sentence.startswith("R2 of 2 units has a part from package P-22K")


def test_boards_of_an_order_are_found_on_their_panel_and_no_others(engine: Engine, order: str) -> None:
    wrong: dict[str, Any] = {"part_number": "22K"}
    stored(
        engine,
        initialized("CARRIER", ("SN-1", 1), ("SN-2", 2), order="WO-1", when=1),
        installed(
            entry("CARRIER", "P-22K", ["R1"], position=1, **wrong),
            entry("CARRIER", "P-22K", ["R1"], position=2, **wrong),
            transaction=uuid4(),
            when=10,
        ),
        initialized("CARRIER", ("SN-8", 1), ("SN-9", 2), order="WO-2", when=100),
        installed(entry("CARRIER", "P-22K", ["R2"], position=1, **wrong), transaction=uuid4(), when=110),
    )
    assert short(of_order(engine, order).deviations) == [("R1", "P-22K", "not_approved", 2)]


def test_boards_without_serials_are_counted_by_their_positions(engine: Engine, order: str) -> None:
    stored(engine, initialized("PNL", ("PNL", 1), ("PNL", 2), ("PNL", 3), order="WO-1", when=1))
    panel = [entry("PNL", "P-22K", ["R1"], position=n, part_number="22K") for n in (1, 2, 3)]
    stored(engine, installed(*panel, transaction=uuid4(), when=10))
    assert short(of_order(engine, order).deviations) == [("R1", "P-22K", "not_approved", 3)]


def test_a_report_for_the_whole_panel_may_be_any_of_its_boards(engine: Engine, order: str) -> None:
    stored(engine, initialized("PNL", ("SN-1", 1), ("SN-2", 2), order="WO-1", when=1))
    stored(engine, installed(entry("PNL", "P-22K", ["R1"], part_number="22K"), transaction=uuid4(), when=10))
    assert of_unit(engine, "SN-1").deviations[0].sentence.startswith("R1 may have a part from package P-22K")
    assert of_order(engine, order).deviations[0].sentence.startswith("R1 of 2 units may have a part from package P-22K")
    named = entry("SN-2", "P-22K", ["R1"], part_number="22K")
    stored(engine, installed(named, transaction=uuid4(), when=20, source="A.B.2"))
    [found] = of_order(engine, order).deviations
    assert found.sentence.startswith("R1 of 2 units may have a part from package P-22K, certain for 1:")


def test_without_a_bill_nothing_can_be_judged(engine: Engine) -> None:
    stored(engine, initialized(None, "SN-1", order="WO-9"))
    board(engine, "SN-1", *RIGHT)
    for found in (of_unit(engine, "SN-1"), of_order(engine, "WO-9")):
        assert (found.in_bill, found.deviations) == (None, [])
        assert "has no bill of material" in found.sentence


def test_what_is_not_known_or_not_theirs_is_told_alike(engine: Engine, order: str) -> None:
    with engine.connect() as connection:
        for call in (deviations, order_deviations):
            with pytest.raises(NotFound):
                call(connection, "nope")
        for call, name in ((deviations, "SN-1"), (order_deviations, order)):
            with pytest.raises(NotFound):
                call(connection, name, customer_id=999)
