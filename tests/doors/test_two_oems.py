"""Two OEMs whose boards share reels, a line and a day: the one asks everything there is to ask about the other.

Every address that can be read is asked, in every format, with every name of the other's that its parameters may take:
a route that is added later is asked by itself.
"""

import base64
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from typing import Any
from urllib.parse import unquote_plus

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.units.ownership import assign_customer
from tests.doors import story
from tests.doors.conftest import Ask
from tests.doors.test_pages import logged_in

OTHER = {
    "serial": ("ZEPHYR-1", "ZEPHYR-P"),
    "serials": ("ZEPHYR-1",),
    "child": ("ZEPHYR-1",),
    "panel": ("ZEPHYR-P",),
    "unit": ("ZEPHYR-1",),
    "q": ("ZEPHYR-1", "ZEPHYR-P", "ZEPHYR-WO", "ZEPHYR-SH", "R-1182", "LK2207", "C-000001", story.AOI),
    "identifier": ("R-1182", "ZEPHYR-1"),
    "package": ("R-1182",),
    "lot": ("LK2207",),
    "part_number": ("100-0042",),
    "number": ("ZEPHYR-WO", "ZEPHYR-SH", "C-000001"),
    "work_order": ("ZEPHYR-WO",),
    "order": ("ZEPHYR-WO",),
    "containment": ("C-000001",),
    "station": (story.AOI, story.PLACER),
    "handle": (story.AOI,),
    "customer": ("Zephyr",),
    "event": tuple(map(str, range(1, 30))),
    "event_id": tuple(map(str, range(1, 30))),
    "unit_id": tuple(map(str, range(8))),
    "tab": ("excluded",),
    "by": ("order", "place"),
}
"""What the one knows of the other, from a label, a slip or a guess: by the parameter that takes it."""
TOGETHER = (
    ("lot", "part_number"),
    ("unit", "number"),
    ("serial", "event"),
    ("package", "tab"),
    ("package", "by"),
    ("station", "serial"),
)
FORMATS = ("json", "csv", "xlsx", "parquet", "pdf")


@pytest.fixture
def mine(ask: Ask, admin: TestClient, engine: Engine, accounts: dict[str, str]) -> dict[str, TestClient]:
    """What Acme asks with. A panel of theirs was built beside one of Zephyr's, from the same reels."""
    for panel, boards, order in (
        ("ACME-P", ["ACME-1", "ACME-2"], "ACME-WO"),
        ("ZEPHYR-P", ["ZEPHYR-1", "ZEPHYR-2"], "ZEPHYR-WO"),
    ):
        told = admin.post(
            "/api/v1/cfx", content=story.payload(story.panel(panel, boards, work_order=order, failed=boards[1]))
        )
        assert {one["status"] for one in told.json()["receipts"]} == {"stored"}, told.text
    with engine.begin() as connection:
        for order, customer in (("ACME-WO", "Acme"), ("ZEPHYR-WO", "Zephyr")):
            assign_customer(connection, work_order=order, customer=customer, actor="test")
    admin.post("/api/v1/interlock", json={"station": story.AOI, "serials": ["ZEPHYR-2"]}).raise_for_status()
    shipped = {"number": "ZEPHYR-SH", "customer": "Zephyr", "serials": ["ZEPHYR-1"]}
    admin.post("/api/v1/shipments", json=shipped).raise_for_status()
    held = {"package": "R-1182", "reason": "A cracked capacitor in the sample"}
    admin.post("/api/v1/containments", json=held).raise_for_status()
    assert accounts["customer"]
    return {"program": ask("customer", customer="Acme"), "browser": logged_in(ask, "customer")}


def test_nothing_that_is_asked_tells_of_the_other(mine: dict[str, TestClient]) -> None:
    told, found = Counter[str](), {}
    for address, asked in _everything(mine["program"].app):
        door = "program" if address.startswith("/api") else "browser"
        answer = mine[door].get(address, params=asked)
        assert answer.status_code < 500 or address == "/readyz", f"{address} {asked}: {answer.text}"
        told[door] += answer.status_code == 200
        if "zephyr" in (text := _text(answer, asked.values(), address)):
            at = text.index("zephyr")
            found[f"{address} {asked}"] = text[max(at - 80, 0) : at + 80]
    assert not found
    assert min(told["program"], told["browser"]) > 20, "hardly anything was answered: is the question still one?"


def test_what_is_shared_counts_the_ones_own(mine: dict[str, TestClient]) -> None:
    for asked in ({"package": "R-1182"}, {"lot": "LK2207", "part_number": "100-0042"}):
        used = mine["program"].get("/api/v1/trace/where-used", params=asked).json()
        assert {unit["serial"] for unit in used["units"]} == {"ACME-1", "ACME-2"}
        assert sum(used["counts"][sure] for sure in ("exact", "bounded", "inferred")) == 2
        assert mine["browser"].get("/where-used", params={**asked, "format": "json"}).json()["counts"] == used["counts"]
        paper = mine["browser"].get("/where-used", params={**asked, "format": "pdf"})
        assert "acme-1" in _text(paper, (), ""), "what a sheet says can be read here"
    (held,) = mine["program"].get("/api/v1/containments").json()["containments"]
    assert held["units"] == 2, "of four that carry it"


def _everything(app: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Each address that is read, with each name of the other's it takes, as each format."""
    for path, names, within in (*_programs(app), *_pages(app)):
        addresses = [path]
        for name in within:
            values = OTHER.get(name, ("1",))
            addresses = [one.replace(f"{{{name}}}", value) for one in addresses for value in values]
        asked: list[dict[str, str]] = [{}, *({name: value} for name in names & OTHER.keys() for value in OTHER[name])]
        for several in TOGETHER:
            if names.issuperset(several):
                asked += [
                    {**{name: OTHER[name][0] for name in several[:-1]}, several[-1]: value}
                    for value in OTHER[several[-1]]
                ]
        for address in addresses:
            for one in asked:
                yield address, one
                for form in FORMATS:
                    yield address, {**one, "format": form}


def _programs(app: Any) -> Iterator[tuple[str, set[str], list[str]]]:
    for path, deeds in app.openapi()["paths"].items():
        if "get" in deeds:
            terms = deeds["get"].get("parameters", [])
            names = {name: {one["name"] for one in terms if one["in"] == name} for name in ("query", "path")}
            yield path, names["query"], list(names["path"])


def _pages(app: Any) -> Iterator[tuple[str, set[str], list[str]]]:
    for route in app.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _pages(inner)
        elif "GET" in getattr(route, "methods", ()) and not route.include_in_schema and hasattr(route, "dependant"):
            yield route.path, {one.alias for one in _asked(route.dependant)}, re.findall(r"{(\w+)", route.path)


def _asked(dependant: Any) -> Iterator[Any]:
    yield from dependant.query_params
    for one in dependant.dependencies:
        yield from _asked(one)


def _text(answer: Any, asked: Any, address: str) -> str:
    """What an answer says, in small letters, without what was asked for."""
    body = answer.content
    kind = answer.headers.get("content-type", "")
    if "spreadsheet" in kind:
        with zipfile.ZipFile(BytesIO(body)) as parts:
            body = b" ".join(map(parts.read, parts.namelist()))
    elif "pdf" in kind:
        body = b" ".join(map(_unpacked, re.findall(rb"stream\r?\n(.*?)\r?\n?endstream", body, re.DOTALL)))
    text = unquote_plus(unescape(body.decode("utf-8", "replace") + answer.headers.get("location", "")))
    for one in sorted([*asked, *address.split("/")], key=len, reverse=True):
        text = text.replace(one, "") if len(one) > 3 else text
    return text.lower()


def _unpacked(stream: bytes) -> bytes:
    return zlib.decompress(base64.a85decode(stream[:-2]) if stream.endswith(b"~>") else stream)
