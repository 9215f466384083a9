"""No cut scan is ever a serial, and what is one is told from what is not."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scanning.codes import CodeKind, make_code
from app.scanning.rules import CHECKS, ScanKind, SerialFormat, read_scan
from tests.scanning.cases import FORMATS, cases

DEMO = FORMATS["demo"]
BODY = st.from_regex(r"[0-9A-Z]{6}-[0-9]{5}", fullmatch=True)


def serial_of(body: str) -> str:
    return f"{body}-{CHECKS['mod37_36'](body.replace('-', ''))}"


@pytest.mark.parametrize("case", cases(), ids=lambda case: repr(case["scan"]))
def test_the_table(case: dict[str, Any]) -> None:
    scan = read_scan(case["scan"], FORMATS[case["formats"]])
    assert (scan.kind.value, scan.code) == (case["kind"], case.get("code"))
    if "value" in case:
        assert scan.value == case["value"]


@given(BODY, st.data())
def test_a_serial_that_lost_characters_is_no_serial(body: str, data: st.DataObject) -> None:
    serial = serial_of(body)
    assert read_scan(serial, DEMO).kind is ScanKind.serial
    lost = data.draw(st.sets(st.integers(0, len(serial) - 1), min_size=1))
    kept = "".join(sign for place, sign in enumerate(serial) if place not in lost)
    assert read_scan(kept, DEMO).kind is not ScanKind.serial


@given(BODY, st.data())
def test_a_wrong_character_is_found(body: str, data: st.DataObject) -> None:
    serial = serial_of(body)
    place = data.draw(st.sampled_from([n for n, sign in enumerate(serial) if sign != "-"]))
    wrong = data.draw(st.sampled_from([s for s in string.digits + string.ascii_uppercase if s != serial[place]]))
    assert read_scan(serial[:place] + wrong + serial[place + 1 :], DEMO).kind is not ScanKind.serial


@given(BODY, BODY, st.data())
def test_a_scan_that_ran_into_the_next_one_is_no_serial(first: str, second: str, data: st.DataObject) -> None:
    left = serial_of(first)[: data.draw(st.integers(1, 14))]
    assert read_scan(left + serial_of(second), DEMO).kind is not ScanKind.serial


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=99), st.data())
def test_a_printed_code_counts_only_whole(payload: str, data: st.DataObject) -> None:
    code = make_code(CodeKind.station, payload)
    scan = read_scan(code, [])
    assert (scan.kind, scan.value) == (ScanKind.station, payload)
    cut = data.draw(st.integers(0, len(code) - 1))
    assert read_scan(code[:cut] + code[cut + 1 :], []).kind is not ScanKind.station
    assert read_scan(code[:cut], []).kind is not ScanKind.station


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (str.swapcase, "Caps Lock"),
        (lambda code: code.translate(str.maketrans("YZyz-_", "ZYzyß?")), "Y as Z"),
    ],
)
def test_the_layout_test_says_what_is_wrong(wrong: Any, says: str) -> None:
    code = next(case["scan"] for case in cases() if case["kind"] == "layout_test")
    scan = read_scan(wrong(code), [])
    assert scan.kind is ScanKind.refused
    assert says in (scan.sentence or "")


@pytest.mark.parametrize("pattern", ["SN", "####!!", "\\#"])
def test_a_pattern_that_tells_nothing_is_refused(pattern: str) -> None:
    assert SerialFormat(pattern, "luhn" if "!" in pattern else None).problem()
