"""Reel labels: what real suppliers print is read, what is uncertain is refused with a reason."""

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.materials.labels import LONGEST_LABEL, Label, UnreadableLabelError, read_label

SHARED = Path(__file__).parents[3] / "shared" / "data" / "labels" / "reel_labels.json"

# The collection's words for what ours calls otherwise; any of the ours may hold it.
WORDS = {
    "vendor": ("vendor",),
    "spn": ("vendor_part_number",),
    "mpn": ("manufacturer_part_number",),
    "cpn": ("customer_part_number",),
    "qty": ("quantity",),
    "lot": ("lot_code",),
    "date_code": ("date_code",),
    "coo": ("country",),
    "mfr": ("manufacturer",),
    "customer_po": ("customer_order",),
    "po_line": ("customer_order_line",),
    "order_line": ("customer_order_line",),
    "order": ("sales_order", "customer_order"),
    "sales_order": ("sales_order",),
    "invoice": ("invoice",),
    "packing_list": ("packing_list",),
}


def collection() -> list[Any]:
    if not SHARED.exists():
        skip = pytest.mark.skip(reason="the collection of real labels is not beside this checkout")
        return [pytest.param({}, marks=skip)]
    return [pytest.param(entry, id=entry["id"]) for entry in json.loads(SHARED.read_text())]


@pytest.mark.parametrize("entry", collection())
def test_a_real_label_is_read_as_its_supplier_meant_it(entry: dict[str, Any]) -> None:
    if entry["kind"] == "neg":
        with pytest.raises(UnreadableLabelError):
            read_label(entry["raw"])
        return
    said = asdict(read_label(entry["raw"]))
    if "vendor" not in entry["expect"]:
        assert said["vendor"] == entry["vendor"]
    for word in entry["expect"]:
        expected = entry["expect"][word]
        if word == "note":
            continue
        values = [said[name] for name in WORDS[word]]
        if word == "vendor":
            values, expected = [v.casefold() for v in values], expected.casefold()
        assert expected in values, word


SPECIFICATION = "[)>\x1e06\x1dP596-777A1-ND\x1d1PXAF4444\x1dQ3\x1d10D1452\x1d1TBF1103\x1d4LUS\x1e\x04"


def test_the_specification_example_of_eigp_114() -> None:
    assert read_label(SPECIFICATION) == Label(
        customer_part_number="596-777A1-ND",
        manufacturer_part_number="XAF4444",
        quantity=3,
        date_code="1452",
        lot_code="BF1103",
        country="US",
    )


@pytest.mark.parametrize(
    "scan",
    [
        "]d1" + SPECIFICATION,
        ">" + SPECIFICATION,
        SPECIFICATION.replace("\x1e", "", 1),
        SPECIFICATION.replace("\x1e\x04", ""),
        SPECIFICATION + "\r\n",
        SPECIFICATION.replace("\x1e", "\u241e").replace("\x1d", "\u241d").replace("\x04", "\u2404"),
        SPECIFICATION.replace("\x1e\x04", "^d").replace("\x1e", "^").replace("\x1d", "]"),
        SPECIFICATION.replace("\x1e\x04", "^D").replace("\x1e", "^").replace("\x1d", "]").swapcase(),
    ],
    ids=["aim", "arrow", "no RS", "no trailer", "newline", "pictures", "wedge", "caps lock"],
)
def test_the_same_label_through_another_scanner_says_the_same(scan: str) -> None:
    assert read_label(scan) == read_label(SPECIFICATION)


@pytest.mark.parametrize(
    ("scan", "reason"),
    [
        ("[)>\x1e05\x1d8008\x1e\x04", "format 06"),
        ("[)>06P596-777A1-ND1PXAF4444Q3", "format 06"),
        (SPECIFICATION.replace("Q3", "Qthree"), "quantity"),
        (SPECIFICATION.replace("Q3", "Q0"), "quantity"),
        (SPECIFICATION.replace("Q3", "Q3\x1dQ4"), "twice"),
        (SPECIFICATION.replace("Q3", "Q3\x1d1TOTHER"), "twice"),
        (SPECIFICATION.replace("\x1e\x04", "\x1e06\x1dPX\x1e\x04"), "more than one record"),
        ("[)>^06]kPo21]1PGRM155r71]Q80^d", "Caps Lock"),
        ("{pbn:PICK1,on:SO1}", "LCSC"),
        ("QTY:1 PN:X", "web address"),
        ("X" * (LONGEST_LABEL + 1), "longer"),
    ],
)
def test_an_uncertain_label_is_refused_and_says_why(scan: str, reason: str) -> None:
    with pytest.raises(UnreadableLabelError, match=reason):
        read_label(scan)


def test_a_comma_in_a_part_number_stays_in_it() -> None:
    label = read_label("{pbn:PICK1,on:SO1,pc:C5605,pm:74HC14D,653,qty:100,mc:,cc:1,pdi:3,hp:0}")
    assert label.manufacturer_part_number == "74HC14D,653"
    assert label.quantity == 100


def test_a_field_of_unknown_meaning_is_kept() -> None:
    assert read_label(SPECIFICATION.replace("Q3", "Q3\x1d21Zx")).others == {"21Z": "x"}


@given(st.text(max_size=300))
def test_whatever_is_scanned_is_read_or_refused(scan: str) -> None:
    with suppress(UnreadableLabelError):
        read_label(scan)


@given(st.text(st.sampled_from("[)>^]{}:,QP1T0 6\x1d\x1e\x04k"), max_size=60))
def test_a_mangled_label_is_read_or_refused(rest: str) -> None:
    with suppress(UnreadableLabelError):
        read_label("[)>\x1e06" + rest)
