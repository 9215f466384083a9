"""A setup list that is written and read again says the same."""

from app.setup.csv_lists import read_setup_list, written_setup_list
from app.setup.lists import ListedSlot


def test_part_numbers_may_have_blanks_and_no_digit_is_lost() -> None:
    one = ListedSlot("F1", "2", "ERJ 3GEY", "A", ("RC 0603", "RK73"), ("Vishay CRCW 0603",), 123456.5, True)
    (plan,) = read_setup_list(written_setup_list([one]))[None]
    assert (plan.slot, plan.lane, plan.part_number, plan.part_revision) == ("F1", "2", "ERJ 3GEY", "A")
    assert plan.alternates == ("RC 0603", "RK73")
    assert plan.manufacturer_parts == ("Vishay CRCW 0603",)
    assert plan.pieces_per_unit == 123456.5
