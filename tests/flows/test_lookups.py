"""Every lookup an engineer needs, alone and in combination, over the factory of `tests.flows.story`."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from app.errors import NotFound
from app.materials.receiving import Arrival, receive_package
from app.trace.made_from import made_from
from app.trace.question import Question
from app.trace.where_used import where_used
from tests.flows.databases import database_of_its_own
from tests.flows.story import BENCH, MOUNTER, MOUNTER_2, STORY, TESTER, answer
from tests.inbox.messages import at, stored


@pytest.fixture(scope="module")
def told(postgres_addresses: dict[str, str], worker_name: str) -> Iterator[Connection]:
    """The story, stored once: the lookups only read."""
    with database_of_its_own(postgres_addresses, f"{worker_name}_lookups") as engine:
        with engine.begin() as connection:
            receive_package(connection, Arrival("C3", "CAP-100N", delivery="DN-88"), actor="test")
        stored(engine, *STORY)
        with engine.connect() as connection:
            yield connection


# Boards with their designators; assemblies with the children that bring it in.
LOOKUPS: list[tuple[str, dict[str, Any], str]] = [
    ("a reel", {"package": "A1"}, "SN-1: R1 R2, SN-2: R1, BOX-1: in SN-1 + SN-2, RACK-1: in BOX-1"),
    ("a reel of the bench", {"package": "C3"}, "SN-3: C1, BOX-2: in SN-3, RACK-1: in BOX-2"),
    # SN-3 gave it up before it was built into BOX-2.
    ("a reel, removed", {"package": "C1"}, "SN-1: C1, SN-2: C1, SN-3: C1, BOX-1: in SN-1 + SN-2, RACK-1: in BOX-1"),
    ("a lot", {"lot": "L8"}, "SN-4: R1 R2"),
    (
        "a lot of two parts",
        {"lot": "L7"},
        (
            "SN-1: C1 R1 R2, SN-2: C1 R1 R2, SN-3: C1 R1 R2, "
            "BOX-1: in SN-1 + SN-2, BOX-2: in SN-3, RACK-1: in BOX-1 + BOX-2"
        ),
    ),
    (
        "a lot of one part",
        {"lot": "L7", "part_number": "RES-10K"},
        "SN-1: R1 R2, SN-2: R1 R2, SN-3: R1 R2, BOX-1: in SN-1 + SN-2, BOX-2: in SN-3, RACK-1: in BOX-1 + BOX-2",
    ),
    (
        "a lot of the other part",
        {"lot": "L7", "part_number": "CAP-100N"},
        "SN-1: C1, SN-2: C1, SN-3: C1, BOX-1: in SN-1 + SN-2, RACK-1: in BOX-1",
    ),
    (
        "a part",
        {"part_number": "CAP-100N"},
        "SN-1: C1, SN-2: C1, SN-3: C1, SN-4: C1, BOX-1: in SN-1 + SN-2, BOX-2: in SN-3, RACK-1: in BOX-1 + BOX-2",
    ),
    (
        "a date code",
        {"date_code": "2026-03-01"},
        "SN-1: C1, SN-2: C1, SN-3: C1, SN-4: R1 R2, BOX-1: in SN-1 + SN-2, RACK-1: in BOX-1",
    ),
    ("a date code of a part", {"date_code": "2026-03-01", "part_number": "RES-10K"}, "SN-4: R1 R2"),
    (
        "a maker",
        {"manufacturer": "Murata"},
        "SN-1: C1, SN-2: C1, SN-3: C1, SN-4: C1, BOX-1: in SN-1 + SN-2, RACK-1: in BOX-1",
    ),
    (
        "a supplier, of a part",
        {"vendor": "Mouser", "part_number": "RES-10K"},
        "SN-1: R1 R2, SN-2: R1, BOX-1: in SN-1 + SN-2, RACK-1: in BOX-1",
    ),
    (
        "paste",
        {"package": "P1"},
        "SN-1: , SN-2: , SN-3: , BOX-1: in SN-1 + SN-2, BOX-2: in SN-3, RACK-1: in BOX-1 + BOX-2",
    ),
    ("paste nobody described", {"package": "P2"}, "SN-4: "),
    ("a stencil", {"tool": "STENCIL-1"}, "SN-1: , SN-2: , BOX-1: in SN-1 + SN-2, RACK-1: in BOX-1"),
    ("a stencil from a time on", {"tool": "STENCIL-2", "since": at(300)}, "SN-4: "),
    ("a feeder", {"feeder": f"FDR-{MOUNTER_2}-F1"}, "SN-4: R1 R2"),
    (
        "a reel on a feeder",
        {"feeder": f"FDR-{MOUNTER}-F1", "package": "A2"},
        "SN-2: R2, SN-3: R1 R2, BOX-1: in SN-2, BOX-2: in SN-3, RACK-1: in BOX-1 + BOX-2",
    ),
    ("a slot", {"slot": f"{MOUNTER_2}.F2"}, "SN-4: C1"),
    (
        "a slot by its name",
        {"slot": "F1"},
        (
            "SN-1: R1 R2, SN-2: R1 R2, SN-3: R1 R2, SN-4: R1 R2, "
            "BOX-1: in SN-1 + SN-2, BOX-2: in SN-3, RACK-1: in BOX-1 + BOX-2"
        ),
    ),
    # SN-3 gave up what this nozzle placed before it was built into BOX-2.
    (
        "a nozzle",
        {"nozzle": "NZ-F2"},
        "SN-1: C1, SN-2: C1, SN-3: C1, SN-4: C1, BOX-1: in SN-1 + SN-2, RACK-1: in BOX-1",
    ),
    (
        "a delivery",
        {"delivery": "DN-88"},
        "SN-3: C1, BOX-2: in SN-3, RACK-1: in BOX-2",
    ),
    (
        "a delivery, and where it was placed",
        {"delivery": "DN-88", "station": BENCH},
        "SN-3: C1, BOX-2: in SN-3, RACK-1: in BOX-2",
    ),
    ("a nozzle and a lot", {"nozzle": "NZ-F1", "lot": "L8"}, "SN-4: R1 R2"),
    ("a recipe and its revision", {"recipe": "TOP", "recipe_revision": "2"}, "SN-4: "),
    ("a recipe", {"recipe": "TOP-B"}, "SN-3: , BOX-2: in SN-3, RACK-1: in BOX-2"),
    ("an operator", {"operator": "W-17"}, "SN-4: "),
    ("a station", {"station": TESTER}, "SN-1: , SN-4: , BOX-1: in SN-1, RACK-1: in BOX-1"),
    ("a station in a window", {"station": TESTER, "since": at(1500), "until": at(1550)}, "SN-4: "),
    (
        "a reel at a station in a window",
        {"package": "A2", "station": MOUNTER, "since": at(250), "until": at(350)},
        "SN-3: R1 R2, BOX-2: in SN-3, RACK-1: in BOX-2",
    ),
    (
        "a lot of a part in a slot from a time on",
        {"lot": "L7", "part_number": "RES-10K", "slot": f"{MOUNTER}.F1", "since": at(290)},
        "SN-3: R1 R2, BOX-2: in SN-3, RACK-1: in BOX-2",
    ),
    (
        "a lot and a tool",
        {"lot": "L7", "part_number": "RES-10K", "tool": "STENCIL-2"},
        ("SN-3: R1 R2, BOX-2: in SN-3, RACK-1: in BOX-2"),
    ),
    ("a tool and a recipe", {"tool": "STENCIL-2", "recipe": "TOP"}, "SN-4: "),
    (
        "a reel, a recipe and a tool",
        {"package": "A1", "recipe": "TOP", "tool": "STENCIL-1"},
        ("SN-1: R1 R2, SN-2: R1, BOX-1: in SN-1 + SN-2, RACK-1: in BOX-1"),
    ),
    ("an operator and a lot", {"operator": "W-17", "lot": "L8"}, "SN-4: R1 R2"),
    ("a child unit", {"serial": "SN-2"}, "BOX-1: in SN-2, RACK-1: in BOX-1"),
    ("an assembly", {"serial": "BOX-2"}, "RACK-1: in BOX-2"),
]


@pytest.mark.parametrize(("terms", "expected"), [row[1:] for row in LOOKUPS], ids=[row[0] for row in LOOKUPS])
def test_a_lookup(told: Connection, terms: dict[str, Any], expected: str) -> None:
    wanted = dict(row.split(": ") for row in expected.split(", "))
    assert answer(told, **terms) == {serial: says.replace(" + ", ", ") for serial, says in wanted.items()}


@pytest.mark.parametrize(
    "terms",
    [
        {"package": "A1", "lot": "L8"},
        {"lot": "L7", "part_number": "PASTE"},
        {"date_code": "2026-02-01", "part_number": "CAP-100N"},
        {"package": "NEVER-SEEN"},
        {"serial": "NEVER-SEEN"},
    ],
    ids=str,
)
def test_what_no_package_is_is_not_known(told: Connection, terms: dict[str, Any]) -> None:
    with pytest.raises(NotFound):
        answer(told, **terms)


@pytest.mark.parametrize(
    "terms",
    [
        {"package": "A1", "slot": f"{MOUNTER_2}.F1"},
        {"package": "A1", "station": MOUNTER, "since": at(250)},
        {"lot": "L8", "nozzle": "NZ-F2"},
        {"tool": "STENCIL-1", "until": at(10)},
        {"package": "A1", "tool": "STENCIL-2"},
    ],
    ids=str,
)
def test_what_is_known_and_was_never_so_has_no_units(told: Connection, terms: dict[str, Any]) -> None:
    assert answer(told, **terms) == {}


def test_a_serial_leads_to_its_reels(told: Connection) -> None:
    parts = [
        (part.reference_designator, part.package, part.removed_at) for part in made_from(told, "SN-3").installations
    ]
    assert parts == [
        ("C1", "C1", at(1000)),
        ("C1", "C3", None),
        ("R1", "A2", None),
        ("R2", "A2", None),
        (None, "P1", None),
    ]


def test_an_assembly_leads_to_its_children(told: Connection) -> None:
    children = [(unit.serial, unit.reference_designator) for unit in made_from(told, "BOX-1").components]
    assert sorted(children) == [("SN-1", "A1"), ("SN-2", "A2")]


def test_pages_follow_one_another_whatever_their_size(told: Connection) -> None:
    question = Question(lot="L7")
    whole = where_used(told, question)
    assert whole.next is None
    for size in (1, 2, 5, 6):
        units, cursor = [], None
        while True:
            page = where_used(told, question, cursor=cursor, limit=size)
            assert page.counts == whole.counts
            units += page.units
            if page.next is None:
                break
            cursor = page.next
        assert units == whole.units
