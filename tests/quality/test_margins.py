"""How far values are from their limits, and which are the worst."""

from dataclasses import replace

import pytest

from app.quality.margins import judged, worst_first
from app.quality.measurements import Comparison, Measured


def measured(value: float, lower: float | None, upper: float | None, **more: object) -> Measured:
    beyond = Comparison.no_limits
    if lower is not None or upper is not None:
        below, above = lower is not None and value < lower, upper is not None and value > upper
        beyond = Comparison.below if below else Comparison.above if above else Comparison.within
    told: dict[str, object] = {
        "step": None, "name": "RAIL", "designators": None, "characteristic": "value", "value": value, "unit": "V",
        "expected": None, "expected_unit": None, "lower": lower, "lower_unit": None, "upper": upper, "upper_unit": None,
        "comparison": beyond, "result": None,
    }  # fmt: skip
    return Measured(**(told | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "margin"), [(3.3, 1.0), (3.2, 0.0), (3.25, 0.5), (3.4, 0.0), (3.45, -0.5)])
def test_the_margin_is_one_in_the_middle_and_nothing_on_a_limit(value: float, margin: float) -> None:
    assert judged(measured(value, 3.2, 3.4)).margin == pytest.approx(margin)


def test_limits_are_compared_in_the_unit_of_the_value() -> None:
    one = judged(measured(28200.0, 28.0, 28.4, unit="Ohm", expected=28.2, expected_unit="kOhm"))
    assert (one.lower, one.upper, one.expected) == (28000.0, 28400.0, 28200.0)
    assert one.margin == pytest.approx(1.0)


def test_one_limit_and_an_expected_value_give_a_margin() -> None:
    assert judged(measured(15.0, None, 40.0, expected=10.0)).margin == pytest.approx(25 / 30)
    assert judged(measured(15.0, None, 40.0)).margin is None


def test_the_worst_come_first() -> None:
    failed = judged(measured(3.3, None, None, name="failed", result="failed"))
    near = judged(measured(3.39, 3.2, 3.4, name="near"))
    middle = judged(measured(3.3, 3.2, 3.4, name="middle"))
    far_off = judged(measured(60.0, None, None, name="far off", expected=100.0))
    close = judged(measured(99.0, None, None, name="close", expected=100.0))
    unknown = judged(measured(1.0, None, None, name="unknown"))
    order = worst_first([unknown, close, middle, far_off, near, failed])
    assert [one.name for one in order] == ["failed", "near", "far off", "close", "middle", "unknown"]


def test_a_failed_value_comes_before_the_result_of_the_step_it_failed() -> None:
    step = replace(judged(measured(0.0, None, None, name="SUPPLY", result="failed")), value=None)
    rail = judged(measured(4.4, 3.2, 3.4, name="RAIL", result="failed"))
    passed = judged(measured(3.3, 3.2, 3.4, name="passed"))
    assert [one.name for one in worst_first([step, passed, rail])] == ["RAIL", "SUPPLY", "passed"]
