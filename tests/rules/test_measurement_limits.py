"""A value is called out of limit only where value and limit can be compared."""

import numpy as np
import pytest

from app.quality.facts import Measurements
from app.quality.layout import Column, Group, Kind, Layout, inflate
from app.quality.measurements import Comparison, compare
from app.quality.unit_of_measure import factor


def column(unit: str | None, lower: float | None, upper: float | None, **units: object) -> Column:
    return Column("value", Kind.number, unit, lower=(lower,), upper=(upper,), **units)  # type: ignore[arg-type]


def measurements(of: Column, value: float | None) -> Measurements:
    group = Group(("ICT",), ("R21",), ("R21",), (of,))
    return Measurements(Layout((group,)), ([value],))


@pytest.mark.parametrize(
    ("value", "of", "comparison"),
    [
        # As published: limits have no unit of their own and are in that of the expected value, which lies between them.
        (28300.0, column("Ohm", 28.0, 28.4, expected=(28.2,), expected_unit="kOhm"), Comparison.within),
        (28500.0, column("Ohm", 28.0, 28.4, expected=(28.2,), expected_unit="kOhm"), Comparison.above),
        # 28.4 kOhm is 28400 Ohm exactly, whatever floats make of 28.4 x 1000.
        (28400.0, column("Ohm", 28.0, 28.4, expected=(28.2,), expected_unit="kOhm"), Comparison.within),
        # The limits may be in Ohm here: nothing is said.
        (28300.0, column("Ohm", 28000.0, 28400.0, expected=(28.2,), expected_unit="kOhm"), Comparison.not_comparable),
        (28300.0, column("Ohm", 28.0, 28.4, lower_unit="kOhm", upper_unit="kOhm"), Comparison.within),
        (0.0283, column("MOhm", 28.0, 28.4, lower_unit="kOhm", upper_unit="kΩ"), Comparison.within),
        (3.31, column("V", 3.2, 3.4), Comparison.within),
        (3.41, column("V", 3.2, 3.4), Comparison.above),
        (3.19, column("V", 3.2, None), Comparison.below),
        (3.31, column(None, 3.2, 3.4), Comparison.within),
        (3.31, column("V", 3.2, 3.4, lower_unit="A", upper_unit="A"), Comparison.not_comparable),
        (3.31, column(None, 3.2, 3.4, expected=(3.3,), expected_unit="V"), Comparison.not_comparable),
        (25.0, column("C", 68.0, 86.0, lower_unit="F", upper_unit="F"), Comparison.not_comparable),
        # One side is beyond for certain; the other side is open.
        (9.0, column("V", 1.0, 5.0, lower_unit="A", upper_unit="V"), Comparison.above),
        (3.0, column("V", 1.0, 5.0, lower_unit="A", upper_unit="V"), Comparison.not_comparable),
        (3.0, column("V", None, None), Comparison.no_limits),
        (None, column("V", 1.0, 5.0), Comparison.missing),
    ],
)
def test_value_against_limits(value: float | None, of: Column, comparison: Comparison) -> None:
    assert compare(of, 0, value) is comparison
    flagged = bool(measurements(of, value).out_of_limit)
    assert flagged == (comparison in (Comparison.below, Comparison.above))


def test_cells_out_of_limit_are_numbered_through_the_layout() -> None:
    volts = Column("value", Kind.number, "V", lower=(1.0, None, 1.0), upper=(2.0, 2.0, None))
    layout = Layout(
        (
            Group(("a", "b"), ("a", "b"), (None, None), (Column("result", Kind.result),)),
            Group((None,) * 3, ("x", "y", "z"), (None,) * 3, (volts, Column("result", Kind.result))),
        )
    )

    found = Measurements(layout, ([0, 1], [0.5, 3.0, 9.9], [0, 1, 0]))

    assert found.out_of_limit == [2, 3]
    assert found.failed == [1, 6]


def test_equal_layouts_have_one_name_and_come_back_as_they_were() -> None:
    def layout() -> Layout:
        of = Column("Vol", Kind.number, "ml", expected=(1.8e-05, None), upper=(0.1, 0.30000000000000004))
        return Layout((Group((None, "SPI"), ("R1.1", "R1.2"), (None, "R1.2"), (of,)),))

    assert layout().digest == layout().digest
    assert inflate(layout().deflated) == layout()
    moved = Layout((Group((None, "SPI"), ("R1.2", "R1.1"), (None, "R1.2"), layout().groups[0].columns),))
    assert moved.digest != layout().digest


@pytest.mark.parametrize(
    ("one", "other", "times"),
    [
        ("kOhm", "Ohm", 1000),
        ("KOHM", "OHM", 1000),
        ("MΩ", "kΩ", 1000),
        ("µm", "μm", 1),  # two signs for micro
        ("mm", "um", 1000),
        ("mm²", "mm2", 1),
        ("ml", "mm3", 1000),
        ("min", "s", 60),
        ("", None, 1),
        ("widgets", "widgets", 1),
    ],
)
def test_units_that_convert(one: str, other: str | None, times: int) -> None:
    assert factor(one, other) == times
    assert np.isclose(float(factor(other, one) or 0), 1 / times)


@pytest.mark.parametrize(
    ("one", "other"),
    [("MOHM", "OHM"), ("MV", "V"), ("V", "A"), ("V", None), ("H", "h"), ("dBm", "dB"), ("C", "K"), ("mm2", "mm")],
)
def test_units_that_do_not(one: str, other: str | None) -> None:
    assert factor(one, other) is None
    assert factor(other, one) is None
