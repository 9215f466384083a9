"""Mass balance: where the pieces of a reel went, and what is told of a reel that does not add up."""

from collections import Counter
from random import Random
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from app.errors import Invalid, NotFound
from app.inbox.record import Recorder
from app.trace.balance import Balance, Doubt, Finding, mass_balance, suspicious_packages
from app.trace.drawn import Amount
from tests.inbox.messages import (
    completed,
    entry,
    initialized,
    installed,
    message,
    record,
    started,
    statuses,
    stored,
    uninstalled,
)
from tests.trace.reels import board, boards, described, empty, joined, loaded, recounted, split

OTHER = "Acme.Mounter.2"


def balance(engine: Engine, package: str) -> Balance:
    with engine.connect() as connection:
        return mass_balance(connection, package=package)


def findings(engine: Engine, tolerance: float = 0) -> list[Finding]:
    with engine.connect() as connection:
        return list(suspicious_packages(connection, tolerance=tolerance))


def codes(engine: Engine, tolerance: float = 0) -> list[tuple[str, str]]:
    return [(one.package, one.code.value) for one in findings(engine, tolerance)]


def exactly(number: float) -> Amount:
    return Amount(number, number)


# --- what balances ---


def test_a_reel_that_ran_empty_is_accounted_for_to_the_piece(engine: Engine) -> None:
    stored(
        engine,
        described("P-1", initial=11),
        loaded("P-1", when=1),
        *boards(4),
        board("SN-R", when=60, rejected=["R1"]),
        empty("P-1", quantity=900, when=70),  # what the machine believed is not what was there
    )
    found = balance(engine, "P-1")
    assert (found.received, found.placed, found.rejected) == (11, exactly(10), exactly(1))
    assert found.gap == exactly(0)
    assert found.remaining is not None
    assert found.remaining.quantity == 0
    assert found.sentence == (
        "Of 11 pieces 10 placed, 1 rejected; 0 left at 2026-11-20 06:01:10 UTC "
        "(Acme.Mounter.1 said that it ran empty): this balances."
    )
    assert found.stations == {"Acme.Mounter.1": exactly(10)}
    assert not found.findings
    assert not findings(engine)


def test_a_reel_in_use_has_no_gap_that_anybody_could_know(engine: Engine) -> None:
    stored(engine, described("P-1", initial=5000), *boards(3))
    found = balance(engine, "P-1")
    assert (found.placed, found.remaining, found.gap, found.findings) == (exactly(6), None, None, [])
    assert found.sentence == "Of 5000 pieces 6 placed, 0 rejected; nobody said since how many are left."


def test_a_reel_nobody_described_has_no_sum(engine: Engine) -> None:
    stored(engine, *boards(3), empty("P-1", when=90))
    found = balance(engine, "P-1")
    assert (found.received, found.gap, found.findings) == (None, None, [])
    assert "nobody said how many pieces it came with" in found.sentence


def test_the_sum_is_drawn_where_the_pieces_were_counted(engine: Engine) -> None:
    """Boards after the count change what was placed, not whether the sum was right."""
    stored(
        engine,
        described("P-1", initial=100),
        *boards(10),
        loaded("P-1", quantity=80, when=200, source=OTHER),
        *boards(5, start=300, source=OTHER),
    )
    found = balance(engine, "P-1")
    assert (found.placed, found.gap) == (exactly(30), exactly(0))
    assert found.stations == {"Acme.Mounter.1": exactly(20), OTHER: exactly(10)}
    assert not findings(engine)


def test_a_board_in_work_while_the_reel_was_counted_may_be_before_or_after(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        described("P-1", initial=100),
        *boards(10),
        started("SN-X", transaction=work, when=190),
        loaded("P-1", quantity=79, when=200, source=OTHER),
        board("SN-X", transaction=work, when=205),
    )
    found = balance(engine, "P-1")
    assert found.gap == Amount(-1, 1), "it got two pieces, one before the count and one after would do"
    assert not findings(engine)


def test_a_count_that_was_corrected_is_the_one_that_counts(engine: Engine) -> None:
    stored(engine, described("P-1", initial=100), *boards(10), recounted("P-1", initial=100, quantity=80, when=300))
    found = balance(engine, "P-1")
    assert found.gap == exactly(0)
    assert found.remaining is not None
    assert found.remaining.says == "its latest description says 80"


def test_what_is_typed_in_days_later_is_no_count(engine: Engine) -> None:
    """A machine placed from it before anybody received it: receiving says what came, not what is left."""
    stored(engine, *boards(10), described("P-1", initial=100, when=90_000))
    assert (balance(engine, "P-1").gap, findings(engine)) == (None, [])


def test_a_zero_that_nobody_set_is_no_count(engine: Engine) -> None:
    stored(engine, described("P-1", initial=100), *boards(10), loaded("P-1", quantity=0, when=200))
    assert balance(engine, "P-1").remaining is None


def test_split_packages_hand_their_pieces_on(engine: Engine) -> None:
    stored(
        engine,
        described("P-1", initial=30),
        *boards(5),
        split("P-1", "P-2", 12, when=100),
        *boards(6, "P-2", start=200, source=OTHER),
        *boards(4, start=200),
        empty("P-1", when=400),
        empty("P-2", when=400, source=OTHER),
    )
    parent, child = balance(engine, "P-1"), balance(engine, "P-2")
    assert (parent.placed, parent.split_off, parent.gap) == (exactly(18), 12, exactly(0))
    assert (child.received, child.received_says) == (12, "12 were split off P-1 into it")
    assert (child.placed, child.gap) == (exactly(12), exactly(0))
    assert not findings(engine)


def test_a_split_of_nobody_knows_how_many_leaves_the_sum_open(engine: Engine) -> None:
    stored(engine, described("P-1", initial=30), *boards(5), split("P-1", "P-2", None, when=99), empty("P-1", when=100))
    found = balance(engine, "P-1")
    assert (found.split_off, found.gap, found.findings) == (None, None, [])


def test_paste_is_not_counted_in_pieces(engine: Engine) -> None:
    jar = {"UnitIdentifier": "SN-1", "Material": {"UniqueIdentifier": "JAR-1", "Quantity": 400.0}}
    body = {"TransactionId": str(uuid4()), "AppliedMaterials": [jar]}
    stored(engine, described("JAR-1", initial=500), message("Production.Application.MaterialsApplied", body))
    stored(engine, empty("JAR-1", when=99))
    found = balance(engine, "JAR-1")
    assert (found.gap, found.findings) == (None, [])
    assert found.sentence.startswith("It is applied")


# --- what counts how often ---


def test_one_event_counts_once_however_often_it_comes(engine: Engine) -> None:
    once = board("SN-1")
    receipts = record(Recorder(engine), once, once)
    assert statuses(receipts + record(Recorder(engine), once)) == ["stored", "duplicate", "duplicate"]
    assert balance(engine, "P-1").placed == exactly(2)


def test_a_report_again_under_another_key_may_be_a_repetition(engine: Engine) -> None:
    work = uuid4()
    stored(engine, board("SN-1", transaction=work), board("SN-1", transaction=work, when=5))
    assert balance(engine, "P-1").placed == Amount(2, 4)


def test_a_reworked_part_was_drawn_twice(engine: Engine) -> None:
    stored(
        engine,
        board("SN-1"),
        uninstalled("SN-1", ["R1"], when=50, source="Acme.Repair.1"),
        board("SN-1", designators=["R1"], when=60, source="Acme.Repair.1"),
    )
    assert balance(engine, "P-1").placed == exactly(3)


def test_a_part_rejected_and_then_placed_are_two_pieces(engine: Engine) -> None:
    stored(engine, board("SN-1", designators=["R1"], rejected=["R1"]))
    found = balance(engine, "P-1")
    assert (found.placed, found.rejected) == (exactly(1), exactly(1))


def test_a_quantity_without_designators_counts(engine: Engine) -> None:
    bare = entry("SN-1", "P-1", QuantityInstalled=7.0, QuantityNonInstalled=2.0)
    stored(engine, installed(bare, transaction=uuid4()))
    found = balance(engine, "P-1")
    assert (found.placed, found.rejected) == (exactly(7), exactly(2))


def test_a_panel_spoken_of_as_a_whole_counts_each_time_it_lists_a_designator(engine: Engine) -> None:
    stored(
        engine,
        initialized("PNL", ("B1", 1), ("B2", 2), ("B3", 3)),
        installed(entry("PNL", "P-1", ["R1", "R1", "R1"]), transaction=uuid4(), when=9),
    )
    assert balance(engine, "P-1").placed == exactly(3)


def test_designators_listed_less_often_than_pieces_were_taken_do_not_hide_them(engine: Engine) -> None:
    """R1 was missed twice, and is what it missed; R1 of both boards of a panel is R1."""
    missed = entry("SN-1", "P-1", ["R1"], rejected=["R1"], QuantityNonInstalled=2.0)
    both = entry("PNL", "P-2", ["R1"], QuantityInstalled=2.0)
    stored(engine, initialized("PNL", ("B1", 1), ("B2", 2)))
    stored(engine, installed(missed, transaction=uuid4()), installed(both, transaction=uuid4(), when=9))
    found = balance(engine, "P-1")
    assert (found.placed, found.rejected) == (exactly(1), exactly(2))
    assert balance(engine, "P-2").placed == exactly(2)


def test_boards_of_a_panel_count_each(engine: Engine) -> None:
    entries = [entry("PNL", "P-1", ["R1", "R2"], position=position) for position in (1, 2, 3)]
    stored(engine, initialized("PNL", ("B1", 1), ("B2", 2), ("B3", 3)))
    stored(engine, installed(*entries, transaction=uuid4(), when=9))
    assert balance(engine, "P-1").placed == exactly(6)


def test_a_report_for_one_of_several_units_is_one_report(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        started("SN-1", "SN-2", "SN-3", transaction=work),
        installed(entry(None, "P-1", ["R1", "R2"]), transaction=work, when=5),
        completed("SN-1", "SN-2", "SN-3", transaction=work, when=9),
    )
    assert balance(engine, "P-1").placed == exactly(2)


def test_pieces_of_a_chain_may_be_of_each_of_its_packages(engine: Engine) -> None:
    def spliced(serial: str, when: float) -> bytes:
        chain = {"UniqueIdentifier": "P-2", "InternalPartNumber": "R0603-10K",
                 "LeadingMaterialPackage": {"UniqueIdentifier": "P-1"}}  # fmt: skip
        return installed(entry(serial, "P-2", ["R1", "R2"], Material=chain), transaction=uuid4(), when=when)

    stored(
        engine,
        described("P-1", initial=10),
        described("P-2", initial=6),
        *boards(4),
        joined("P-1", "P-2", quantity=6, when=60),
        spliced("SN-C", 70),
        spliced("SN-D", 80),
        *boards(2, "P-2", start=90),
        empty("P-1", when=85),
        empty("P-2", when=200),
    )
    first, second = balance(engine, "P-1"), balance(engine, "P-2")
    assert (first.placed, first.gap) == (Amount(8, 12), Amount(-2, 2))
    assert (second.placed, second.gap) == (Amount(4, 8), Amount(-2, 2))
    assert not findings(engine), "two and two would do, and nobody can say more"


@pytest.mark.parametrize("seed", range(4))
def test_counts_in_sets_equal_counts_board_by_board(engine: Engine, seed: int) -> None:
    random = Random(seed)
    reels = [f"P-{n}" for n in range(12)]
    placed: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    payloads: list[bytes] = []
    for n in range(40):
        if random.random() < 0.3:
            reels[random.randrange(12)] = f"P-{12 + n}"
        entries = []
        for slot, reel in enumerate(reels):
            names = [f"R{slot}.{i}" for i in range(random.randrange(1, 4))] if random.random() < 0.1 else [f"R{slot}"]
            thrown = names[:1] if random.random() < 0.05 else []
            placed[reel] += len(names)
            rejected[reel] += len(thrown)
            entries.append(entry(f"SN-{n}", reel, names, rejected=thrown, slot=f"M1.F.{slot}"))
        payloads.append(installed(*entries, transaction=uuid4(), when=float(n)))
    stored(engine, *payloads)
    with engine.connect() as connection:
        for reel in placed:
            found = mass_balance(connection, package=reel)
            assert (found.placed, found.rejected) == (exactly(placed[reel]), exactly(rejected[reel])), reel


# --- what does not add up ---


def test_pieces_nobody_reported_are_missing_trace(engine: Engine) -> None:
    stored(engine, described("P-1", initial=100), *boards(10), empty("P-1", when=300))
    [found] = findings(engine)
    assert (found.code, found.package, found.figures["missing"]) == (Doubt.missing_trace, "P-1", 80)
    assert found.sentence.startswith("Nobody reported where 80 of the 100 pieces of package P-1 went until 2026-11-20")
    assert balance(engine, "P-1").findings == [found]


def test_some_waste_may_be_passed_over(engine: Engine) -> None:
    stored(engine, described("P-1", initial=100), *boards(49), empty("P-1", when=900))
    assert codes(engine) == [("P-1", "missing_trace")]
    assert codes(engine, tolerance=0.02) == []
    with engine.connect() as connection, pytest.raises(Invalid, match="between 0 and 1"):
        next(suspicious_packages(connection, tolerance=2))


def test_reports_that_name_the_slot_alone_may_explain_what_is_missing(engine: Engine) -> None:
    stored(
        engine,
        described("P-1", initial=40),
        loaded("P-1", when=1),
        *boards(10),
        *boards(10, None, start=200),
        empty("P-1", when=400),
        *boards(10, None, start=500),
    )
    found = balance(engine, "P-1")
    assert (found.placed, found.unnamed, found.gap) == (Amount(20, 40), 20, Amount(0, 20))
    assert not findings(engine)


def test_more_placed_than_came(engine: Engine) -> None:
    stored(engine, described("P-1", initial=19), *boards(10))
    [found] = findings(engine)
    assert (found.code, found.figures["too_many"]) == (Doubt.overdrawn, 1)
    assert "20 pieces were drawn from package P-1, and only 19 were ever in it" in found.sentence


def test_more_left_than_can_be(engine: Engine) -> None:
    """Each half is possible; together they are more than came."""
    stored(engine, described("P-1", initial=100), *boards(10), loaded("P-1", quantity=95, when=300))
    [found] = findings(engine)
    assert (found.code, found.figures["too_many"]) == (Doubt.more_left_than_possible, 15)
    assert "Acme.Mounter.1 loaded it with 95" in found.sentence


# --- asking ---


def test_an_unknown_package_is_told(engine: Engine) -> None:
    with pytest.raises(NotFound, match="No package P-9"):
        balance(engine, "P-9")


def test_all_packages_are_gone_through(engine: Engine) -> None:
    few = [f"P-{n:03}" for n in range(450)]
    stored(engine, *(described(name, initial=2) for name in few))
    works = [UUID(int=n + 1) for n in range(450)]
    stored(engine, *(board(f"SN-{n}", few[n], transaction=works[n], when=float(n)) for n in range(450)))
    stored(engine, board("SN-X", few[7], when=500), board("SN-Y", few[449], when=500))
    assert codes(engine) == [("P-007", "overdrawn"), ("P-449", "overdrawn")]
