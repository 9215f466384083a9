"""Numbers on pages: in the reader's marks, in units that suit their size, and never as a computer writes them."""

from typing import Any

import pytest

from app.web.pages import environment
from app.web.quantities import DASH, Quantities, figure, number, quantities, value
from app.web.translations import catalogue

GERMAN = catalogue("de").gettext


@pytest.mark.parametrize(
    ("numbers", "unit", "english", "german"),
    [
        ([0.0000409123, 0.000036], "ml", ["40.9123", "36", "nl"], ["40,9123", "36", "nl"]),
        ([-0.0003036, None, -0.05, 0.05], "mm", ["-0.3036", DASH, "-50", "50", "µm"], None),
        ([3.29, 3.201, 3.399], "V", ["3.29", "3.201", "3.399", "V"], ["3,29", "3,201", "3,399", "V"]),
        ([15000, 0], "Ohm", ["15", "0", "kΩ"], None),
        ([0.00002], "mm2", ["0.00002", "mm2"], None),
        ([0.00002], "turns", ["0.00002", "turns"], None),
        ([0.00002], None, ["0.00002", ""], None),
        ([90000.0], "s", ["90,000", "s"], ["90.000", "s"]),
        (["FW 1.2", True], "V", ["FW 1.2", "True", "V"], None),
        ([0.0], "V", ["0", "V"], None),
        ([float("inf"), 1e-9], "mm", ["inf", "1 · 10⁻⁹", "mm"], None),
    ],
)
def test_numbers_of_one_unit_are_shown_in_the_one_that_is_read_best(
    numbers: list[Any], unit: str | None, english: list[str], german: list[str] | None
) -> None:
    assert quantities(numbers, unit, str) == Quantities(tuple(english[:-1]), english[-1])
    if german is not None:
        assert quantities(numbers, unit, GERMAN) == Quantities(tuple(german[:-1]), german[-1])


@pytest.mark.parametrize(
    ("said", "digits", "english"),
    [
        (-0.0, 6, "0"), (0.0000776256, 6, "0.0000776256"), (1234567.25, 6, "1,234,570"), (2e-30, 1, "2 · 10⁻³⁰"),
        (2.5e20, 6, "2.5 · 10²⁰"), (0.0049, 1, "0.005"), (12.0001, 6, "12.0001"), (100.0, 6, "100"),
        (999999.6, 6, "1,000,000"),
    ],
)  # fmt: skip
def test_a_number_is_written_as_people_write_it(said: float, digits: int, english: str) -> None:
    assert figure(said, str, digits) == english
    assert figure(said, GERMAN, digits) == english.translate(str.maketrans(",.", ".,"))


def test_counts_and_values_are_written_with_the_readers_marks() -> None:
    assert (number(4000.0, str), number(1234567, GERMAN), number(None, str)) == ("4,000", "1.234.567", DASH)
    assert (value(1234.5, GERMAN), value("as it is", GERMAN), value(None, GERMAN)) == ("1.234,5", "as it is", DASH)
    shown = environment("de").from_string('{{ ngettext("%(num)s unit fits", "%(num)s units fit", count) }}')
    assert [shown.render(count=count) for count in (1, 12345)] == ["1 Einheit passt", "12.345 Einheiten passen"]
