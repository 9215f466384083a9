"""The short way: two bodies of one outline say the same of different units, whatever is done to make them collide."""

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.cfx.described import VALUE, InstalledError
from app.cfx.installed import Entry, dissect
from app.cfx.outline import Outline, hole_of, outline, put_transaction
from app.inbox.cuts import Cuts, Cutter
from app.inbox.record import Recorder
from app.trace.made_from import made_from
from tests.inbox.checks import assert_exact, assert_sound
from tests.inbox.messages import entry, message, record, statuses
from tests.units.bodies import NAMES, entries, habits
from tests.units.written import Writer

WORK = "8c2a1c8e-0e57-4f3a-b7c3-9c2b8b0a8f01"
OTHER_WORK = "0b0c7b7e-7a1c-4a63-a0a6-61f4e8a4c7d2"


def sketched(body: bytes) -> Outline:
    found = outline(body)
    assert found is not None
    return found


def groups_of(body: bytes, sketch: Outline) -> dict[tuple[int, int], Sequence[Entry]]:
    """What a body says, its units by number."""
    number = {identifier: at for at, identifier in enumerate(sketch.identifiers)}
    parts = dissect(body)
    return {(number[unit or ""], position): told for (unit, position), told in parts.groups.items()}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Two bodies that differ a little, or in their units alone, written by machines of one habit or of two."""
    rng = draw(st.randoms(use_true_random=False))
    units = st.sampled_from(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)))
    told = [_on(one, draw(units), rng) for one in draw(st.lists(entries(units), min_size=1, max_size=4))]
    first = {"TransactionId": WORK, "InstalledMaterials": told}
    second = json.loads(json.dumps(first))
    draw(st.sampled_from((_renamed, _swapped, _merged, _changed, _counted, _same)))(second, rng)
    second["TransactionId"] = draw(st.sampled_from((WORK, OTHER_WORK)))
    habit = draw(habits)
    seed = draw(st.integers(0, 2**32))
    other_habit = habit if rng.random() < 0.7 else draw(habits)
    return Writer(habit, random.Random(seed)).write(first), Writer(other_habit, random.Random(seed)).write(second)


def _on(told: dict[str, Any], unit: str, rng: random.Random) -> dict[str, Any]:
    """An entry that names its unit, at any place among its members, and no child units."""
    for component in (told.get("InstalledComponents") or []) + (told.get("NonInstalledComponents") or []):
        component.pop("InstalledUnitIdentifier", None)
    items = list((told | {"UnitIdentifier": unit}).items())
    return dict(rng.sample(items, len(items)))


def _renamed(body: dict[str, Any], rng: random.Random) -> None:
    for one in body["InstalledMaterials"]:
        one["UnitIdentifier"] += rng.choice(("", "x"))


def _swapped(body: dict[str, Any], rng: random.Random) -> None:
    listed = body["InstalledMaterials"]
    one, other = rng.choice(listed), rng.choice(listed)
    one["UnitIdentifier"], other["UnitIdentifier"] = other["UnitIdentifier"], one["UnitIdentifier"]


def _merged(body: dict[str, Any], rng: random.Random) -> None:
    for one in body["InstalledMaterials"]:
        one["UnitIdentifier"] = body["InstalledMaterials"][0]["UnitIdentifier"]


def _changed(body: dict[str, Any], rng: random.Random) -> None:
    """One value becomes another that is a name too: of a unit, a package, a designator."""
    one = rng.choice(body["InstalledMaterials"])
    place = rng.choice([name for name, value in one.items() if isinstance(value, str)])
    one[place] = rng.choice(NAMES)


def _counted(body: dict[str, Any], rng: random.Random) -> None:
    for one in body["InstalledMaterials"]:
        if one.get("Material"):
            one["Material"]["Quantity"] = rng.choice((0, 7, 1.5, -2, 1e22))


def _same(body: dict[str, Any], rng: random.Random) -> None:
    """Nothing but, perhaps, the transaction."""


def filled(one: Outline, names: Mapping[str, str], transaction: bytes) -> bytes:
    """The body that says the same of the units that `names` gives for these, within another transaction."""
    text = one.text
    for number, identifier in enumerate(one.identifiers):
        text = text.replace(hole_of(number), msgspec.json.encode(names[identifier]))
    return text.replace(VALUE, transaction)


@given(pairs())
def test_one_outline_is_one_message_told_of_other_units(both: tuple[bytes, bytes]) -> None:
    first, second = both
    one, other = sketched(first), sketched(second)
    named = {name: name for name in one.identifiers}
    assert filled(one, named, put_transaction(VALUE, first)) == first
    if one.digest != other.digest:
        return
    renamed = dict(zip(one.identifiers, other.identifiers, strict=True))
    assert filled(one, renamed, put_transaction(VALUE, second)) == second
    try:
        said = groups_of(first, one)
    except InstalledError as refused:  # a position that is no number: of whatever units it is told
        with pytest.raises(InstalledError, match=re.escape(str(refused))):
            groups_of(second, other)
        return
    repeated = groups_of(second, other)
    assert list(said) == list(repeated)
    for place, told in said.items():
        assert [one.package for one in told] == [one.package for one in repeated[place]]


@given(st.lists(pairs(), min_size=1, max_size=3))
def test_what_is_remembered_of_entries_changes_no_answer(told: list[tuple[bytes, bytes]]) -> None:
    """Entries met before, with other units and quantities, are cut as if they were met for the first time."""
    cuts = Cuts()
    for body in [*chain.from_iterable(told), *chain.from_iterable(told)]:
        sketch = sketched(body)
        cutter = Cutter(cuts, sketch)
        try:
            first_met = dissect(body)
        except InstalledError as refused:
            with pytest.raises(InstalledError, match=re.escape(str(refused))):
                dissect(body, cutter)
        else:
            assert dissect(body, cutter) == first_met


def plain(*told: dict[str, Any], work: str = WORK) -> bytes:
    return json.dumps({"TransactionId": work, "InstalledMaterials": told}, separators=(",", ":")).encode()


def test_the_next_board_of_a_product_has_the_outline_of_the_first() -> None:
    one = sketched(plain(entry("SN-1", "REEL", ["R1"]), entry("SN-2", "REEL", ["R1"])))
    other = sketched(plain(entry("SN-8", "REEL", ["R1"]), entry("SN-9", "REEL", ["R1"]), work=OTHER_WORK))
    assert one.digest == other.digest
    assert (one.identifiers, other.identifiers) == (("SN-1", "SN-2"), ("SN-8", "SN-9"))
    assert str(other.transaction_id) == OTHER_WORK


LOOK_ALIKE: dict[str, tuple[bytes, bytes]] = {
    "one board with both parts, or each part on another": (
        plain(entry("A", "REEL", ["R1"]), entry("A", "REEL", ["R2"])),
        plain(entry("A", "REEL", ["R1"]), entry("B", "REEL", ["R2"])),
    ),
    "the same, one identifier written with an escape": (
        plain(entry("+", "REEL", ["R1"]), entry("\0", "REEL", ["R2"])).replace(b"\\u0000", b"\\u002b"),
        plain(entry("B", "REEL", ["R1"]), entry("\0", "REEL", ["R2"])).replace(b"\\u0000", b"\\u002b"),
    ),
    "one blank after the colon": (
        plain(entry("A", "REEL", ["R1"])),
        plain(entry("A", "REEL", ["R1"])).replace(b'"UnitIdentifier":"A"', b'"UnitIdentifier": "A"'),
    ),
    "a unit called as a designator": (plain(entry("R1", "REEL", ["R1"])), plain(entry("R2", "REEL", ["R2"]))),
    "a unit called as a package": (plain(entry("REEL", "REEL", ["R1"])), plain(entry("SN", "SN", ["R1"]))),
    "positions": (plain(entry("A", "REEL", ["R1"], position=1)), plain(entry("A", "REEL", ["R1"], position=2))),
    "applied or installed": (
        plain(entry("A", "REEL", ["R1"])),
        plain(entry("A", "REEL", ["R1"])).replace(b"InstalledMaterials", b"AppliedMaterials"),
    ),
    "quantities": (
        plain(entry("A", "REEL", ["R1"])),
        plain(entry("A", "REEL", ["R1"])).replace(b"1200.0", b"1199.0"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("alike", LOOK_ALIKE.values(), ids=list(LOOK_ALIKE))
def test_what_only_looks_alike_has_another_outline(alike: tuple[bytes, bytes]) -> None:
    first, second = alike
    assert dissect(first) != dissect(second)
    assert sketched(first).digest != sketched(second).digest


@pytest.mark.parametrize(("unit", "longer"), [("A", "AB"), ("SN-1", "SN-10"), ("\\", "\\\\"), ("ø", "øø")])
def test_a_name_that_begins_another_is_not_mistaken_for_it(unit: str, longer: str) -> None:
    for order in ((unit, longer), (longer, unit)):
        body = plain(*(entry(name, f"REEL-{name}", ["R1"]) for name in order))
        one = sketched(body)
        assert one.identifiers == order
        assert filled(one, {name: name for name in order}, WORK.encode()) == body


def test_units_without_a_name_and_child_units_are_taken_apart() -> None:
    assert outline(plain(entry(None, "REEL", ["R1"]))) is None
    assert outline(plain(entry("", "REEL", ["R1"]))) is None
    assert outline(plain(entry("A", "REEL", [], children=[("U1", "CHILD-1")]))) is None


NESTED: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "nothing unusual": lambda serial, _: entry(serial, "REEL", ["R1"]),
    "a member of the same name stands before the unit's own": lambda serial, _: {
        "Origin": {"UnitIdentifier": serial}, **entry(serial, "REEL", ["R1"])
    },
    "and after it": lambda serial, _: {**entry(serial, "REEL", ["R1"]), "Origin": {"UnitIdentifier": serial}},
    "another transaction stands in the entry": lambda serial, _: {
        "Origin": {"TransactionId": str(uuid4())}, **entry(serial, "REEL", ["R1"])
    },
    "the transaction stands in the entry too": lambda serial, work: {
        "Origin": {"TransactionId": work}, **entry(serial, "REEL", ["R1"])
    },
    "a designator is the serial": lambda serial, _: entry(serial, "REEL", [serial]),
    "a package is the serial": lambda serial, _: entry(serial, serial, ["R1"]),
    "the pieces are counted down": lambda serial, _: entry(
        serial, "REEL", ["R1"], Material={"UniqueIdentifier": "REEL", "Quantity": 1000.0 - int(serial[-1])}
    ),
    "another quantity stands before": lambda serial, _: {
        "Origin": {"Quantity": int(serial[-1])}, **entry(serial, "REEL", ["R1"])
    },
    "each component has its time": lambda serial, _: {
        "InstalledComponents": [{"ReferenceDesignator": "R1", "InstallationTime": f"2026-11-20T06:0{serial[-1]}:00Z"}],
        "UnitIdentifier": serial,
        "Material": {"Quantity": 1000.0 - int(serial[-1]), "UniqueIdentifier": "REEL"},
    },
}  # fmt: skip
FRAMES: dict[str, Callable[[str, list[dict[str, Any]]], dict[str, Any]]] = {
    "transaction first": lambda work, told: {"TransactionId": work, "InstalledMaterials": told},
    "transaction last": lambda work, told: {"InstalledMaterials": told, "TransactionID": work},
    "no transaction": lambda _, told: {"InstalledMaterials": told},
    "both spellings": lambda work, told: {"TransactionID": WORK, "InstalledMaterials": told, "TransactionId": work},
}


@pytest.mark.parametrize("build", NESTED.values(), ids=list(NESTED))
def test_bodies_seen_before_come_back_to_the_byte(engine: Engine, build: Callable[[str, str], dict[str, Any]]) -> None:
    """Whatever else stands in them: each board's body is its own, and so are its parts. Alone, then more in a batch."""
    recorder = Recorder(engine)
    for number, frame in enumerate(FRAMES.values()):
        payloads = []
        serials = [f"SN-{number}{board}" for board in range(6)]
        for serial in serials:
            work = str(uuid4())
            told = [build(serial, work), entry(serial, "REEL-2", ["R2"], slot="M1.F.2")]
            payloads.append(message("Production.Assembly.MaterialsInstalled", frame(work, told)))
        for batch in (payloads[:2], payloads[2:3], payloads[3:]):
            assert set(statuses(record(recorder, *batch))) == {"stored"}
        assert_exact(engine, *payloads)
        with engine.connect() as connection:
            for serial in serials:
                told_of = made_from(connection, serial)
                assert len(told_of.installations) + len(told_of.components) == 2
    assert_sound(engine)
